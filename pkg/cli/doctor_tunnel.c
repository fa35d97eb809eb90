/* WireGuard: ours as the agent tells it, others' as they are seen; these are left alone. */
#include "cli/doctor.h"

#include <dirent.h>

#include "base/alloc.h"
#include "cli/output.h"

static bool is_wireguard(const char *net, const char *name) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s/uevent", net, name);
        FILE *f = fopen(path, "re");
        char line[80];
        bool found = false;

        while (f && !found && fgets(line, sizeof line, f))
                found = hv_streq(line, "DEVTYPE=wireguard\n");
        if (f)
                (void) fclose(f);
        return found;
}

static bool is_declared(const struct hv_doctor *d, const char *name) {
        const struct hv_json *items = hv_json_get(d->tunnels, "items");

        for (size_t i = 0; i < hv_json_size(items); i++)
                if (hv_streq(hv_json_str(hv_json_get(hv_json_at(items, i), "metadata"), "name"), name))
                        return true;
        return d->desired && hv_desired_tunnel(d->desired, name);
}

static void add(struct hv_buf *buf, const char *name, size_t len) {
        hv_buf_printf(buf, "%s%.*s", buf->len ? ", " : "", (int) len, name);
}

/* "wg0, wg1"; NULL: none. */
static char *foreign_tunnels(const struct hv_doctor *d, const char *net, const char *sockets) {
        _hv_cleanup_(hv_buf_done) struct hv_buf names = {};
        struct dirent **entries;
        int n = scandir(net, &entries, NULL, alphasort);

        for (int i = 0; i < n; i++) {
                const char *name = entries[i]->d_name;

                if (name[0] != '.' && is_wireguard(net, name) && !is_declared(d, name))
                        add(&names, name, strlen(name));
                free(entries[i]);
        }
        if (n >= 0)
                free(entries);
        n = scandir(sockets, &entries, NULL, alphasort);
        for (int i = 0; i < n; i++) {
                size_t len = strlen(entries[i]->d_name);
                _hv_cleanup_free_ char *name = hv_strndup(entries[i]->d_name, len > 5 ? len - 5 : 0);

                if (len > 5 && hv_streq(entries[i]->d_name + len - 5, ".sock") && !is_declared(d, name))
                        add(&names, name, len - 5);
                free(entries[i]);
        }
        if (n >= 0)
                free(entries);
        return names.len ? hv_buf_steal(&names) : NULL;
}

/* Peers that were never heard, by name; NULL: none. */
static const char *silent_peer(const struct hv_json *status) {
        const struct hv_json *peers = hv_json_get(status, "peers");

        for (size_t i = 0; i < hv_json_size(peers); i++) {
                const struct hv_json *p = hv_json_at(peers, i);
                const char *name = hv_json_str(p, "name");

                if (!hv_json_str(p, "handshakeAt") && hv_json_str(p, "endpoint"))
                        return name ? name : "without a name";
        }
        return NULL;
}

static void tell(struct hv_doctor *d, const struct hv_json *item) {
        const struct hv_json *status = hv_json_get(item, "status");
        const char *name = hv_json_str(hv_json_get(item, "metadata"), "name"),
                   *message = hv_json_str(status, "message"), *silent = silent_peer(status);

        if (!hv_json_bool(status, "inSync", true))
                hv_doctor_say(
                        d, "vpn", HV_CHECK_FAIL,
                        "hivectl wg show; hivectl why wg/NAME. What somebody changed by hand is set right by itself",
                        "%s: %s%s%s", name, hv_json_str(status, "reason"), message && *message ? ": " : "",
                        message ? message : "");
        else if (silent)
                hv_doctor_say(
                        d, "vpn", HV_CHECK_WARN,
                        "hivectl wg ping NAME; the peer's endpoint and UDP port, and the public keys of both sides",
                        "%s: no handshake with peer %s yet", name, silent);
        else
                hv_doctor_say(d, "vpn", HV_CHECK_OK, NULL, "%s is as wished", name);
}

void hv_doctor_tunnels(struct hv_doctor *d, const char *net, const char *sockets) {
        const struct hv_json *items = hv_json_get(d->tunnels, "items");
        _hv_cleanup_free_ char *others = NULL;

        for (size_t i = 0; i < hv_json_size(items); i++)
                tell(d, hv_json_at(items, i));
        if (d->is_local)
                others = foreign_tunnels(d, net, sockets);
        if (others)
                hv_doctor_say(d, "vpn", HV_CHECK_OK, NULL,
                              "%s: run by somebody else (wg-quick?), and left alone", others);
        else if (hv_json_size(items) == 0)
                hv_doctor_say(d, "vpn", HV_CHECK_SKIP, NULL, "no WireGuard interface is declared");
}
