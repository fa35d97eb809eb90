/* The way to the node pool, step by step, so that it is clear which one fails: name, route, port, TLS, token. */
#include "cli/doctor.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "rpc/explain.h"
#include "spec/types.h"
#include "spec/value_net.h"

#define PATIENCE_MS 5000

struct way {
        struct hv_doctor *d;
        const char *address; /* "pool.example.org:50051" */
        char *host, *port;
        struct addrinfo *found;
        const struct hv_json *told; /* what the agent says of it; NULL: nothing */
};

static void way_done(struct way *w) {
        free(w->host);
        free(w->port);
        if (w->found)
                freeaddrinfo(w->found);
}

/* "host:port", "[2001:db8::1]:port" */
static bool split(struct way *w) {
        const char *colon = strrchr(w->address, ':');
        size_t len = colon ? (size_t) (colon - w->address) : 0;
        bool is_bracketed = len > 1 && w->address[0] == '[' && w->address[len - 1] == ']';

        if (!colon)
                return false;
        w->host = hv_strndup(w->address + is_bracketed, len - 2 * is_bracketed);
        w->port = hv_strdup(colon + 1);
        return true;
}

static bool has_name(struct way *w) {
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
        int r = getaddrinfo(w->host, w->port, &hints, &w->found);

        if (r == 0) {
                hv_doctor_say(w->d, "pool.name", HV_CHECK_OK, NULL, "%s has an address", w->host);
                return true;
        }
        hv_doctor_say(w->d, "pool.name", HV_CHECK_FAIL,
                      "getent hosts NAME; is the name written right in master.address, is the name server of "
                      "/etc/resolv.conf reached?",
                      "%s has no address: %s", w->host, gai_strerror(r));
        return false;
}

static const char *text_of(const struct sockaddr *address, socklen_t len, char ret[NI_MAXHOST]) {
        if (getnameinfo(address, len, ret, NI_MAXHOST, NULL, 0, NI_NUMERICHOST) != 0)
                strcpy(ret, "?");
        return ret;
}

/* A tunnel in whose subnet the pool is, but whose address its packets do not have: they go elsewhere. */
static const struct hv_spec_wireguard *tunnel_around(const struct hv_doctor *d, const char *to,
                                                     const char *from) {
        const struct hv_spec_tree *tree = d->desired ? d->desired->tree : NULL;
        struct hv_address pool, source;

        if (!tree || !hv_address_parse(to, &pool) || !hv_address_parse(from, &source))
                return NULL;
        for (size_t i = 0; i < tree->state.wireguard.n; i++) {
                const struct hv_spec_wireguard *t = &tree->state.wireguard.v[i];
                bool is_inside = false, is_left_by = false;

                for (size_t k = 0; k < t->addresses.n; k++) {
                        struct hv_cidr subnet;
                        struct hv_fault fault;

                        if (hv_value_address_cidr(t->addresses.v[k], &subnet, &fault) < 0)
                                continue;
                        is_inside |= hv_cidr_contains(&subnet, &pool);
                        is_left_by |= hv_address_equal(&subnet.address, &source);
                }
                if (is_inside && !is_left_by)
                        return t;
        }
        return NULL;
}

static bool has_route(struct way *w) {
        static const char fix[] =
                "ip route get ADDRESS; a pool behind a tunnel: hivectl wg show, hivectl wg ping NAME; the peer's "
                "allowedIPs must hold the address";
        struct sockaddr_storage source;
        char to[NI_MAXHOST], from[NI_MAXHOST];
        const struct hv_spec_wireguard *tunnel;
        int r = -EHOSTUNREACH;

        for (const struct addrinfo *a = w->found; a && r < 0; a = a->ai_next) {
                r = hv_doctor_source_address(a->ai_addr, a->ai_addrlen, &source);
                (void) text_of(a->ai_addr, a->ai_addrlen, to);
        }
        if (r < 0) {
                hv_doctor_say(w->d, "pool.route", HV_CHECK_FAIL, fix, "there is no route to %s: %s", to,
                              strerror(-r));
                return false;
        }
        (void) text_of((struct sockaddr *) &source, sizeof source, from);
        tunnel = tunnel_around(w->d, to, from);
        if (tunnel) {
                hv_doctor_say(
                        w->d, "pool.route", HV_CHECK_FAIL, fix,
                        "the route to %s does not lead through %s, whose subnet it is in: packets leave from %s",
                        to, tunnel->o.name, from);
                return false;
        }
        hv_doctor_say(w->d, "pool.route", HV_CHECK_OK, NULL, "to %s from %s", to, from);
        return true;
}

static int dial(const struct addrinfo *a) {
        _hv_cleanup_(hv_fd_closep) int fd =
                socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct pollfd p = { fd, POLLOUT, 0 };
        int error = 0;
        socklen_t size = sizeof error;

        if (fd < 0)
                return -errno;
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
                return 0;
        if (errno != EINPROGRESS)
                return -errno;
        if (poll(&p, 1, PATIENCE_MS) == 0)
                return -ETIMEDOUT;
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
}

static bool has_port(struct way *w) {
        int r = -ETIMEDOUT;

        for (const struct addrinfo *a = w->found; a; a = a->ai_next) {
                r = dial(a);
                if (r == 0)
                        break;
        }
        if (r == 0) {
                hv_doctor_say(w->d, "pool.port", HV_CHECK_OK, NULL, "%s takes connections", w->address);
                return true;
        }
        hv_doctor_say(
                w->d, "pool.port", HV_CHECK_FAIL,
                r == -ETIMEDOUT
                        ? "a firewall on the way that says nothing? The pool's port must be open to this node"
                        : "is the pool running, and is the port of master.address right?",
                "%s: %s", w->address, strerror(-r));
        return false;
}

static bool is_loopback(const char *host) {
        struct hv_address address;

        return hv_streq(host, "localhost") ||
               (hv_address_parse(host, &address) && hv_address_is_loopback(&address));
}

static bool has_tls(struct way *w) {
        const struct hv_spec_master *m = w->d->desired ? &w->d->desired->tree->state.master : NULL;
        _hv_cleanup_free_ char *why = NULL;

        if (!m || m->insecure || (!m->tls.node && is_loopback(w->host))) {
                hv_doctor_say(w->d, "pool.tls", HV_CHECK_SKIP, NULL,
                              m ? "plain text is asked for"
                                : "the files that say how are not to be read from here");
                return true;
        }
        why = hv_rpc_explain_tls(w->address, &(struct hv_rpc_tls_files){ .ca_file = m->tls.ca_file,
                                                                         .cert_file = m->tls.cert_file,
                                                                         .key_file = m->tls.key_file });
        if (!why) {
                hv_doctor_say(w->d, "pool.tls", HV_CHECK_OK, NULL, "the pool's certificate is taken");
                return true;
        }
        hv_doctor_say(
                w->d, "pool.tls", HV_CHECK_FAIL,
                "master.tls.caFile names whose certificates are believed, certFile and keyFile this node's own; a "
                "clock that is wrong makes them end early",
                "%s", why);
        return false;
}

/* Everything below is well: what is left is what the pool says to this node. */
static void tell_token(struct way *w) {
        const char *state = hv_json_str(w->told, "state"), *message = hv_json_str(w->told, "message");

        if (!state)
                hv_doctor_say(w->d, "pool.token", HV_CHECK_SKIP, NULL,
                              "only the agent asks the pool, and it does not answer");
        else if (hv_streq(state, "Online"))
                hv_doctor_say(w->d, "pool.token", HV_CHECK_OK, NULL, "the pool has taken this node");
        else
                hv_doctor_say(
                        w->d, "pool.token", HV_CHECK_FAIL,
                        "the secret that master.credentials.passwordSecret names must hold what the pool expects: "
                        "after a change hivectl apply; the rest is in journalctl -u hivelet",
                        "%s%s%s", state, message ? ": " : "", message ? message : "");
}

void hv_doctor_pool(struct hv_doctor *d) {
        _hv_cleanup_(way_done) struct way w = { .d = d, .told = hv_json_get(d->status, "pool") };

        w.address = hv_json_str(w.told, "address");
        if (!w.address && !d->status && d->desired)
                w.address = d->desired->tree->state.master.address;
        if (!w.address) {
                hv_doctor_say(d, "pool", HV_CHECK_SKIP, NULL, "none is configured");
                return;
        }
        if (hv_streq(hv_json_str(w.told, "state"), "Online")) {
                hv_doctor_say(d, "pool", HV_CHECK_OK, NULL, "%s: online", w.address);
                return;
        }
        if (!d->is_local) {
                tell_token(&w);
                return;
        }
        if (!split(&w))
                hv_doctor_say(d, "pool.name", HV_CHECK_SKIP, NULL, "%s is no host and port", w.address);
        else if (has_name(&w) && has_route(&w) && has_port(&w) && has_tls(&w))
                tell_token(&w);
}
