/* agent/join_store.c - see join_store.h. */
#include "agent/join_store.h"

#include <errno.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/map.h"
#include "base/rfc3339.h"
#include "base/text.h"
#include "log/redact.h"
#include "source/sealed.h"

#define HEAD "hivelet join 1\n"
#define URL_BYTES 4096u
#define FILE_BYTES (HV_WG_JOIN_CONFIG_BYTES + 2 * URL_BYTES)

struct hv_join_store {
        char *dir;
        struct hv_map *joins; /* by interface */
};

static void join_free(void *join) {
        struct hv_join *j = join;

        hv_wg_quick_done(&j->config);
        free(j->interface);
        free(j->url);
        free(j->client_name);
        free(j);
}

/* The name of an interface may begin with a dot, that of a file that is kept does not. */
static char *name_of(const char *interface) {
        return hv_asprintf("wg-%s", interface);
}

/* No line of a log shows it. */
static void redact(const struct hv_wg_quick *q) {
        (void) hv_log_redact_add(q->private_key);
        for (size_t i = 0; i < q->preshared.n; i++)
                if (q->preshared.v[i])
                        (void) hv_log_redact_add(q->preshared.v[i]);
}

/* ---- reading ---- */

/* The value of the line "NAME value"; NULL: another line. */
static char *value_of(const char *line, size_t len, const char *name) {
        size_t n = strlen(name);

        return len > n && memcmp(line, name, n) == 0 && line[n] == ' ' ? hv_strndup(line + n + 1, len - n - 1)
                                                                       : NULL;
}

static int parse(struct hv_join *j, const struct hv_buf *text, struct hv_err *err) {
        const char *p = hv_buf_str(text), *end;

        if (!hv_has_prefix(p, HEAD))
                return hv_err_set(err, -EBADMSG, "its first line is not \"hivelet join 1\"");
        for (p += strlen(HEAD); (end = strchr(p, '\n')) && end > p; p = end + 1) {
                size_t len = (size_t) (end - p);

                j->url = j->url ? j->url : value_of(p, len, "url");
                j->client_name = j->client_name ? j->client_name : value_of(p, len, "client");
        }
        if (!end || !j->url || !j->client_name)
                return hv_err_set(err, -EBADMSG, "it does not say whom it was asked of, and as whom");
        p = end + 1;
        return hv_wg_join_config(p, text->len - (size_t) (p - hv_buf_str(text)), j->interface, &j->config,
                                 err);
}

static const struct hv_join *read_one(struct hv_join_store *s, const char *interface) {
        _hv_cleanup_(hv_disk_close) struct hv_disk d = HV_DISK_NONE;
        _hv_cleanup_(hv_buf_wipe) struct hv_buf text = {};
        _hv_cleanup_free_ char *name = name_of(interface);
        struct hv_err err = {};
        struct hv_join *j;
        int r = hv_disk_open_existing(s->dir, &d, &err);

        hv_buf_reserve(&text, FILE_BYTES);
        if (r >= 0)
                r = hv_sealed_read(&d, name, FILE_BYTES, &text, &err);
        if (r == -ENOENT)
                return NULL;
        j = HV_NEW(struct hv_join);
        j->interface = hv_strdup(interface);
        if (r >= 0 && parse(j, &text, &err) < 0)
                r = hv_err_prefix(&err, -EBADMSG, "%s/%s", s->dir, name);
        if (r < 0)
                (void) hv_err_set(&j->damage, r,
                                  "what its VPN service gave cannot be used: %s; remove it to join anew",
                                  err.msg);
        else
                redact(&j->config);
        hv_map_put(s->joins, interface, j);
        return j;
}

/* ---- life ---- */

struct hv_join_store *hv_join_store_new(const char *state_dir) {
        const char *state = state_dir ? state_dir : HV_AGENT_STATE_DIR;
        _hv_cleanup_free_ char *cwd = *state == '/' ? NULL : getcwd(NULL, 0);
        struct hv_join_store *s = HV_NEW(struct hv_join_store);

        s->dir = hv_asprintf("%s%s%s/joins", cwd ? cwd : "", cwd ? "/" : "", state);
        s->joins = hv_map_new(join_free);
        return s;
}

struct hv_join_store *hv_join_store_free(struct hv_join_store *s) {
        if (!s)
                return NULL;
        (void) hv_map_free(s->joins);
        free(s->dir);
        free(s);
        return NULL;
}

const struct hv_join *hv_join_store_get(struct hv_join_store *s, const char *interface) {
        const struct hv_join *j = hv_map_get(s->joins, interface);

        return j ? j : read_one(s, interface);
}

const struct hv_join *hv_join_store_look(struct hv_join_store *s, const char *interface) {
        const struct hv_join *j = hv_map_get(s->joins, interface);

        if (j && j->damage.code < 0)
                (void) hv_map_remove(s->joins, interface);
        return hv_join_store_get(s, interface);
}

int hv_join_store_put(struct hv_join_store *s, const char *interface, const char *url,
                      const char *client_name, struct hv_wg_join *joined, uint64_t now_wall_us,
                      struct hv_err *err) {
        _hv_cleanup_(hv_disk_close) struct hv_disk d = HV_DISK_NONE;
        _hv_cleanup_(hv_buf_wipe) struct hv_buf text = {};
        _hv_cleanup_free_ char *name = name_of(interface);
        char at[HV_RFC3339_SIZE], given[HV_TEXT_QUOTE_SIZE];
        struct hv_join *j;
        int r;

        if (strlen(url) > URL_BYTES)
                return hv_err_set(err, -ENAMETOOLONG, "join.url has %zu characters, expected at most %u",
                                  strlen(url), URL_BYTES);
        r = hv_disk_open(s->dir, &d, err);
        if (r < 0)
                return r;
        hv_rfc3339_format(now_wall_us, at);
        hv_buf_reserve(&text,
                       FILE_BYTES); /* a key does not stay behind where the text grew out of its memory */
        hv_buf_printf(&text, HEAD "url %s\nclient %s\n", url, client_name);
        if (joined->client_name)
                hv_buf_printf(&text, "given %s\n", hv_text_quote(joined->client_name, given));
        hv_buf_printf(&text, "at %s\n\n", at);
        hv_buf_add(&text, hv_secret_bytes(joined->config), hv_secret_len(joined->config));
        if (text.data[text.len - 1] != '\n') /* the seal is a line of its own */
                hv_buf_putc(&text, '\n');
        r = hv_sealed_write(&d, name, &text, err);
        if (r < 0)
                return r;
        j = HV_NEW(struct hv_join);
        *j = (struct hv_join){
                hv_strdup(interface), hv_strdup(url), hv_strdup(client_name), joined->quick, {}
        };
        joined->quick = (struct hv_wg_quick){};
        hv_wg_join_done(joined);
        redact(&j->config);
        hv_map_put(s->joins, interface, j);
        return 0;
}

const struct hv_secret *hv_join_key(const struct hv_join *j, const struct hv_spec_peer *peer) {
        if (!peer)
                return j->config.private_key;
        for (size_t i = 0; i < j->config.spec.peers.n; i++)
                if (hv_streq(j->config.spec.peers.v[i].public_key, peer->public_key))
                        return j->config.preshared.v[i];
        return NULL;
}
