/* agent/tunnels.c - see tunnels.h. */
#include "agent/tunnels.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/join_store.h"
#include "agent/joins.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/fd.h"
#include "log/log.h"
#include "source/read.h"
#include "wireguard/health.h"
#include "wireguard/kernel.h"
#include "wireguard/names.h"
#include "wireguard/program.h"
#include "wireguard/want.h"

/* Whoever waits for a first handshake is told within two seconds of it; WireGuard itself tries every five. */
#define UNHEARD_LOOK_US (2 * HV_USEC_PER_SEC)
/* A key that cannot be read may be brought later, by whoever provisions the node. */
#define KEY_LOOK_US (5 * HV_USEC_PER_SEC)
#define HEALTH_ACCURACY_US (100 * HV_USEC_PER_MSEC)

struct kept {
        struct hv_agent_tunnels *all;
        char *name;
        const struct hv_tunnel *want; /* of all->desired; NULL: it is to go */
        struct hv_wg_tunnel *tunnel;
        struct hv_wg_names *names;
        sd_event_source *timer;
        const char *backend;
        char public_key[HV_WG_KEY_TEXT_SIZE]; /* of this node; "": its key cannot be had */
        struct hv_err problem;                /* of keys that cannot be had now */
        bool told, gone;
        struct hv_seen_tunnel said; /* message: owned */
        char said_digest[HV_SHA256_HEX_SIZE];
};

struct hv_agent_tunnels {
        struct hv_agent *agent;
        struct hv_desired *desired;
        struct hv_wg_links *links;
        struct hv_wg_kernel *kernel;
        struct hv_wg_program *program;
        struct hv_wg_resolver *resolver;
        const struct hv_wg_backend *backends[2]; /* the kernel's, and where it has none the program's */
        char alias[HV_WG_ALIAS_SIZE];
        HV_VEC(struct kept *) kept;
        sd_event_source *sweep; /* frees what is gone: never inside a call of its own */
};

/* ---- telling ---- */

static bool is_said(const struct kept *k, const struct hv_seen_tunnel *s) {
        return k->told && k->said.state == s->state && k->said.healthy == s->healthy &&
               k->said.reason == s->reason && hv_streq(k->said_digest, s->digest ? s->digest : "") &&
               hv_streq(k->said.message ? k->said.message : "", s->message ? s->message : "");
}

/* The core is told what is new to it, and nothing else. */
static void say(struct kept *k, const struct hv_seen_tunnel *s) {
        const struct hv_input in = { .type = HV_INPUT_TUNNEL, .tunnel = s };

        if (is_said(k, s))
                return;
        (void) hv_agent_input(k->all->agent, &in, NULL);
        free((char *) k->said.message);
        k->said = *s;
        k->said.message = hv_strdup(s->message);
        (void) snprintf(k->said_digest, sizeof k->said_digest, "%s", s->digest ? s->digest : "");
        k->told = true;
}

static void say_trouble(struct kept *k, enum hv_tunnel_state state, enum hv_reason reason,
                        const char *message) {
        say(k, &(struct hv_seen_tunnel){
                       .name = k->name, .state = state, .reason = reason, .message = message });
}

static void arm(struct kept *k, uint64_t in_us) {
        (void) sd_event_source_set_time_relative(k->timer, in_us);
        (void) sd_event_source_set_enabled(k->timer, SD_EVENT_ONESHOT);
}

/* Why the endpoint of the peer of this name is not known; "". */
static const char *fault_of(const struct kept *k, const char *peer) {
        const struct hv_spec_wireguard *w = k->want->spec;
        struct hv_wg_key key;

        for (size_t i = 0; i < w->peers.n; i++)
                if (hv_streq(w->peers.v[i].name, peer) &&
                    hv_value_wg_key(w->peers.v[i].public_key, "public key", key.bytes, NULL) >= 0) {
                        const char *fault = hv_wg_names_fault(k->names, &key);

                        return fault ? fault : "";
                }
        return "";
}

static void say_in_sync(struct kept *k, const struct hv_wg_interface *seen) {
        uint64_t now_us = hv_agent_wall_us(), resync_us = k->all->desired->settings.resync_us;
        struct hv_seen_tunnel s = { .name = k->name, .state = HV_TUNNEL_OURS, .digest = k->want->digest };
        struct hv_wg_health h = hv_wg_health(k->want->spec, seen, now_us);
        char message[512];

        s.healthy = h.is_healthy;
        if (!h.is_healthy && k->want->spec->healthy.max_handshake_age_us) {
                const char *fault = fault_of(k, h.silent);

                s.reason = HV_REASON_WIREGUARD_STALE;
                (void) snprintf(message, sizeof message, "no handshake with %s%s within %llu s%s%s",
                                h.silent ? "peer " : "any peer", h.silent ? h.silent : "",
                                (unsigned long long) (h.max_age_us / HV_USEC_PER_SEC), *fault ? ": " : "",
                                fault);
                s.message = message;
        }
        say(k, &s);
        if (h.is_healthy)
                arm(k, HV_MIN(resync_us, h.until_us - now_us + HEALTH_ACCURACY_US));
        else
                arm(k, k->want->spec->peers.n ? HV_MIN(resync_us, UNHEARD_LOOK_US) : resync_us);
}

/* Why the interface is not as its VPN service says; NULL: it is, or it is not joined at all. */
static const char *join_word(const struct kept *k, enum hv_reason *ret) {
        return k->want && k->want->spec->join.url ? hv_agent_join_word(k->all->agent, k->want->spec, ret)
                                                  : NULL;
}

static void on_looked(void *userdata, const struct hv_wg_status *status) {
        struct kept *k = userdata;
        enum hv_reason reason = HV_REASON_SYNCED;
        enum hv_tunnel_state state = !status->seen                                  ? HV_TUNNEL_UNKNOWN
                                     : status->seen->kind == HV_WG_LINK_NONE        ? HV_TUNNEL_ABSENT
                                     : hv_streq(status->seen->alias, k->all->alias) ? HV_TUNNEL_OURS
                                                                                    : HV_TUNNEL_UNKNOWN;

        k->backend = status->backend;
        if (status->seen)
                hv_wg_names_looked(k->names, status->seen);
        arm(k, *k->problem.msg ? KEY_LOOK_US : k->all->desired->settings.resync_us);
        if (!k->want && status->state != HV_WG_STATE_FAILED) { /* removed, or not ours any more */
                say_trouble(k, HV_TUNNEL_ABSENT, HV_REASON_SYNCED, NULL);
                k->gone = true;
        } else if (status->state == HV_WG_STATE_FOREIGN)
                say_trouble(k, HV_TUNNEL_FOREIGN, HV_REASON_NAME_CONFLICT, status->error->msg);
        else if (status->state == HV_WG_STATE_FAILED)
                say_trouble(k, state, HV_REASON_WIREGUARD_FAILED, status->error->msg);
        else if (join_word(k, &reason))
                say_trouble(k, HV_TUNNEL_OURS, reason, join_word(k, &reason));
        else if (*k->problem.msg)
                say_trouble(k, HV_TUNNEL_OURS, HV_REASON_WIREGUARD_FAILED, k->problem.msg);
        else
                say_in_sync(k, status->seen);
        if (k->gone)
                (void) sd_event_source_set_enabled(k->all->sweep, SD_EVENT_ONESHOT);
        hv_agent_tunnel_looked(k->all->agent, k->name, status);
}

/* ---- what is wanted ---- */

/* What the keys of one tunnel are, for as long as its interface is made of them. */
struct keys {
        const struct hv_agent *agent;
        const struct hv_join *join;      /* what a VPN service gave; NULL: the document names them */
        HV_VEC(struct hv_secret *) read; /* from files */
        struct hv_err err;
};

/* NULL: it cannot be had, and keys->err says why. */
static const struct hv_secret *read_key(struct keys *keys, const struct hv_spec_key *from) {
        const struct hv_secret *secret;
        struct hv_fault fault = {};
        struct hv_secret *own;

        if (from->file) {
                if (hv_read_secret(AT_FDCWD, from->file, &own, &fault) < 0) {
                        (void) hv_err_set(&keys->err, -ENOKEY, "%s", fault.message);
                        return NULL;
                }
                hv_vec_push(&keys->read, own);
                return own;
        }
        secret = from->secret ? hv_agent_secret(keys->agent, from->secret) : NULL;
        if (!secret)
                (void) hv_err_set(&keys->err, -ENOKEY, "secret %s cannot be had",
                                  from->secret ? from->secret : "");
        return secret;
}

static const struct hv_secret *preshared_key(void *userdata, const struct hv_spec_peer *peer) {
        struct keys *keys = userdata;

        if (keys->join)
                return hv_join_key(keys->join, peer);
        return peer->preshared_key.file || peer->preshared_key.secret ? read_key(keys, &peer->preshared_key)
                                                                      : NULL;
}

static const struct hv_secret *private_key(struct keys *keys, const struct hv_spec_wireguard *w) {
        if (!w->join.url)
                return read_key(keys, &w->private_key);
        if (keys->join)
                return hv_join_key(keys->join, NULL);
        (void) hv_err_set(&keys->err, -ENOKEY, "no VPN service gave it a configuration yet");
        return NULL;
}

static int make_out(const struct hv_agent_tunnels *t, const struct hv_tunnel *tunnel,
                    struct hv_wg_interface *ret, struct hv_err *err) {
        struct keys keys = { .agent = t->agent,
                             .join = tunnel->spec->is_joined
                                             ? hv_join_store_get(t->agent->join_store, tunnel->name)
                                             : NULL };
        const struct hv_wg_keys use = { private_key(&keys, tunnel->spec), preshared_key, &keys };
        int r = hv_wg_want(tunnel->spec, &use, t->alias, ret, err);

        if (r < 0 && keys.err.code < 0) /* why there was none says more */
                *err = keys.err;
        for (size_t i = 0; i < keys.read.n; i++)
                (void) hv_secret_free(keys.read.v[i]);
        hv_vec_done(&keys.read);
        return r;
}

static void want(struct kept *k) {
        static const struct hv_spec_wireguard nothing = {};
        enum hv_reason reason = HV_REASON_WIREGUARD_FAILED;
        struct hv_wg_interface to_be = {};
        struct hv_err err = {};
        const char *word;

        k->problem = (struct hv_err){};
        k->gone = false;
        if (!k->want) {
                (void) snprintf(to_be.name, sizeof to_be.name, "%s", k->name);
                (void) snprintf(to_be.alias, sizeof to_be.alias, "%s",
                                k->all->alias); /* only then is it removed */
        } else if (make_out(k->all, k->want, &to_be, &err) < 0) {
                /* What is there stays as it is: it may be the way to this node. */
                word = join_word(k, &reason);
                k->problem = err;
                say_trouble(k, k->told ? k->said.state : HV_TUNNEL_UNKNOWN, reason, word ? word : err.msg);
                arm(k, KEY_LOOK_US);
                return;
        }
        *k->public_key = '\0';
        if (to_be.private_key) {
                struct hv_wg_key public;

                hv_wg_public_key(hv_secret_bytes(to_be.private_key), public.bytes);
                (void) hv_wg_key_text(&public, k->public_key);
        }
        hv_wg_tunnel_want(k->tunnel, &to_be);
        hv_wg_names_want(k->names, k->want ? k->want->spec : &nothing);
}

static int on_timer(sd_event_source *s, uint64_t at_us, void *userdata) {
        struct kept *k = userdata;

        (void) s;
        (void) at_us;
        if (*k->problem.msg)
                want(k); /* what could not be read may be there now */
        hv_wg_tunnel_look(k->tunnel);
        return 0;
}

static void kept_free(struct kept *k) {
        hv_wg_names_free(k->names);
        hv_wg_tunnel_free(k->tunnel);
        sd_event_source_disable_unref(k->timer);
        free((char *) k->said.message);
        free(k->name);
        free(k);
}

static struct kept *find(const struct hv_agent_tunnels *t, const char *name) {
        for (size_t i = 0; i < t->kept.n; i++)
                if (hv_streq(t->kept.v[i]->name, name))
                        return t->kept.v[i];
        return NULL;
}

static struct kept *keep(struct hv_agent_tunnels *t, const char *name, struct hv_err *err) {
        struct kept *k = find(t, name);
        int r;

        if (k)
                return k;
        k = HV_NEW(struct kept);
        k->all = t;
        k->name = hv_strdup(name);
        r = hv_wg_tunnel_new(&(struct hv_wg_tunnel_setup){ .event = t->agent->event,
                                                           .links = t->links,
                                                           .backends = t->backends,
                                                           .n_backends = HV_ARRAY_SIZE(t->backends),
                                                           .looked = on_looked,
                                                           .userdata = k },
                             name, &k->tunnel, err);
        if (r >= 0)
                r = hv_wg_names_new(t->agent->event, t->resolver, k->tunnel, &k->names, err);
        if (r >= 0) {
                r = sd_event_add_time_relative(t->agent->event, &k->timer, CLOCK_BOOTTIME, HV_TIME_NEVER / 2,
                                               HEALTH_ACCURACY_US, on_timer, k);
                if (r < 0)
                        (void) hv_err_errno(err, r, "cannot watch interface %s", name);
        }
        if (r < 0) {
                kept_free(k);
                return NULL;
        }
        (void) sd_event_source_set_enabled(k->timer, SD_EVENT_OFF);
        hv_vec_push(&t->kept, k);
        return k;
}

static int on_sweep(sd_event_source *s, void *userdata) {
        struct hv_agent_tunnels *t = userdata;
        size_t n = 0;

        (void) s;
        for (size_t i = 0; i < t->kept.n; i++)
                if (t->kept.v[i]->gone && !t->kept.v[i]->want)
                        kept_free(t->kept.v[i]);
                else
                        t->kept.v[n++] = t->kept.v[i];
        t->kept.n = n;
        return 0;
}

/* ---- what an earlier life left ---- */

static bool bears(const char *interface, const char *alias) {
        char path[sizeof "/sys/class/net/" + NAME_MAX + sizeof "/ifalias"], text[HV_WG_ALIAS_SIZE + 1];
        _hv_cleanup_(hv_fd_closep) int fd = -EBADF;
        ssize_t n;

        (void) snprintf(path, sizeof path, "/sys/class/net/%s/ifalias", interface);
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        n = fd < 0 ? -1 : read(fd, text, sizeof text);
        return n > 1 && text[n - 1] == '\n' && (size_t) n - 1 == strlen(alias) &&
               memcmp(text, alias, (size_t) n - 1) == 0;
}

typedef void found_fn(void *userdata, const char *interface);

/* Interfaces of this network namespace that bear our mark. */
static void find_ours(const char *alias, found_fn *found, void *userdata) {
        DIR *dir = opendir("/sys/class/net");
        const struct dirent *e;

        while (dir && (e = readdir(dir)))
                if (*e->d_name != '.' && bears(e->d_name, alias))
                        found(userdata, e->d_name);
        if (dir)
                (void) closedir(dir);
}

static void count(void *userdata, const char *interface) {
        (void) interface;
        ++*(size_t *) userdata;
}

static void keep_left(void *userdata, const char *interface) {
        (void) keep(userdata, interface, NULL);
}

/* ---- life ---- */

static void on_notice(void *userdata, int index, const char *name) {
        struct hv_agent_tunnels *t = userdata;

        for (size_t i = 0; i < t->kept.n; i++)
                hv_wg_tunnel_notice(t->kept.v[i]->tunnel, index, name);
}

static int begin(struct hv_agent *a, struct hv_err *err) {
        struct hv_agent_tunnels *t = HV_NEW(struct hv_agent_tunnels);
        int r;

        t->agent = a;
        a->tunnels = t;
        r = hv_wg_links_new(a->event, on_notice, t, &t->links, err);
        if (r < 0)
                return r;
        r = hv_wg_resolver_new(a->event, &t->resolver, err);
        if (r < 0)
                return r;
        t->program = hv_wg_program_new(&(struct hv_wg_program_setup){ .event = a->event });
        t->kernel = hv_wg_kernel_new(t->links);
        t->backends[0] = hv_wg_kernel_backend(t->kernel);
        t->backends[1] = hv_wg_program_backend(t->program);
        r = sd_event_add_defer(a->event, &t->sweep, on_sweep, t);
        if (r < 0)
                return hv_err_errno(err, r, "cannot set up the event loop");
        (void) sd_event_source_set_enabled(t->sweep, SD_EVENT_OFF);
        return 0;
}

void hv_agent_tunnels_end(struct hv_agent *a) {
        struct hv_agent_tunnels *t = a->tunnels;

        if (!t)
                return;
        a->tunnels = NULL;
        for (size_t i = 0; i < t->kept.n; i++)
                kept_free(t->kept.v[i]);
        hv_vec_done(&t->kept);
        hv_wg_resolver_free(t->resolver);
        hv_wg_program_free(t->program);
        hv_wg_kernel_free(t->kernel);
        hv_wg_links_free(t->links);
        sd_event_source_disable_unref(t->sweep);
        hv_desired_unref(t->desired);
        free(t);
}

static void follow(struct hv_agent_tunnels *t, const struct hv_desired *d) {
        struct hv_err err = {};

        for (size_t i = 0; i < d->n_tunnels; i++)
                if (!keep(t, d->tunnels[i].name, &err))
                        (void) hv_log_error(0, "interface %s cannot be looked after: %s", d->tunnels[i].name,
                                            err.msg);
        for (size_t i = 0; i < t->kept.n; i++) {
                struct kept *k = t->kept.v[i];

                k->want = hv_desired_tunnel(d, k->name);
                want(k);
        }
}

void hv_agent_tunnels_follow(struct hv_agent *a, const struct hv_desired *d) {
        char alias[HV_WG_ALIAS_SIZE];
        struct hv_desired *before;
        struct hv_err err = {};
        size_t n_left = 0;

        hv_wg_alias(d->settings.node_id, alias);
        if (!a->tunnels) {
                find_ours(alias, count, &n_left);
                if (!d->n_tunnels && !n_left)
                        return;
                if (begin(a, &err) < 0) {
                        (void) hv_log_error(0, "no WireGuard interface can be looked after: %s", err.msg);
                        hv_agent_tunnels_end(a);
                        return;
                }
        }
        before = a->tunnels->desired;
        a->tunnels->desired = hv_desired_ref((struct hv_desired *) d);
        if (!hv_streq(a->tunnels->alias, alias)) {
                (void) snprintf(a->tunnels->alias, sizeof a->tunnels->alias, "%s", alias);
                find_ours(alias, keep_left, a->tunnels);
        }
        follow(a->tunnels, d);
        hv_desired_unref(before);
}

void hv_agent_tunnels_told(struct hv_agent *a, const char *name) {
        struct kept *k = a->tunnels ? find(a->tunnels, name) : NULL;

        if (k)
                want(k);
}

void hv_agent_tunnels_look(struct hv_agent *a) {
        for (size_t i = 0; a->tunnels && i < a->tunnels->kept.n; i++)
                hv_wg_tunnel_look(a->tunnels->kept.v[i]->tunnel);
}

/* ---- one of them ---- */

bool hv_agent_tunnel_get(const struct hv_agent *a, const char *name, struct hv_agent_tunnel *ret) {
        const struct kept *k = a->tunnels ? find(a->tunnels, name) : NULL;

        if (!k || !k->want)
                return false;
        *ret = (struct hv_agent_tunnel){
                .want = k->want,
                .seen = hv_wg_tunnel_seen(k->tunnel),
                .public_key = k->public_key,
                .state = k->said.state,
                .is_up = k->said.state == HV_TUNNEL_OURS && hv_streq(k->said_digest, k->want->digest),
                .is_healthy = k->said.healthy,
                .message = k->said.message ? k->said.message : "",
        };
        return true;
}

const char *hv_agent_tunnel_fault(const struct hv_agent *a, const char *name, const struct hv_wg_key *peer) {
        const struct kept *k = a->tunnels ? find(a->tunnels, name) : NULL;

        return k ? hv_wg_names_fault(k->names, peer) : NULL;
}

int hv_agent_tunnel_read_keys(struct hv_agent *a, const char *name, struct hv_err *err) {
        int r = 0;

        for (size_t i = 0; a->tunnels && i < a->tunnels->kept.n; i++) {
                struct kept *k = a->tunnels->kept.v[i];

                if (!k->want)
                        continue;
                want(k);
                if (hv_streq(k->name, name) && *k->problem.msg)
                        r = hv_err_set(err, k->problem.code, "%s", k->problem.msg);
        }
        return r;
}

void hv_agent_tunnel_look(struct hv_agent *a, const char *name) {
        struct kept *k = a->tunnels ? find(a->tunnels, name) : NULL;

        if (k)
                hv_wg_tunnel_look(k->tunnel);
}

/* ---- to be shown ---- */

static const char *name_of(const struct hv_tunnel *t, const struct hv_wg_key *key) {
        struct hv_wg_key declared;

        for (size_t i = 0; t && i < t->spec->peers.n; i++)
                if (hv_value_wg_key(t->spec->peers.v[i].public_key, "public key", declared.bytes, NULL) >=
                            0 &&
                    hv_wg_key_equal(&declared, key))
                        return t->spec->peers.v[i].name;
        return NULL;
}

static void show_peer(const struct kept *k, const struct hv_wg_peer *p, struct hv_arena *arena,
                      struct hv_api_peer *ret) {
        char key[HV_WG_KEY_TEXT_SIZE], endpoint[HV_WG_ENDPOINT_SIZE];

        *ret = (struct hv_api_peer){
                .name = name_of(k->want, &p->public_key),
                .public_key = hv_arena_strdup(arena, hv_wg_key_text(&p->public_key, key)),
                .endpoint = p->endpoint.port
                                    ? hv_arena_strdup(arena, hv_wg_endpoint_format(&p->endpoint, endpoint))
                                    : NULL,
                .fault = hv_arena_strdup(arena, hv_wg_names_fault(k->names, &p->public_key)),
                .handshake_wall_us = p->handshake_us,
                .rx_bytes = p->rx_bytes,
                .tx_bytes = p->tx_bytes,
        };
}

static void show(const struct kept *k, struct hv_arena *arena, struct hv_api_tunnel *ret) {
        const struct hv_wg_interface *seen = hv_wg_tunnel_seen(k->tunnel);
        struct hv_api_peer *peers = HV_ARENA_NEW_N(arena, struct hv_api_peer, seen->peers.n + 1);

        for (size_t i = 0; i < seen->peers.n; i++)
                show_peer(k, &seen->peers.v[i], arena, &peers[i]);
        *ret = (struct hv_api_tunnel){
                .name = hv_arena_strdup(arena, k->name),
                .backend = k->backend,
                .public_key = *k->public_key ? hv_arena_strdup(arena, k->public_key) : NULL,
                .listen_port = seen->listen_port,
                .peers = peers,
                .n_peers = seen->peers.n,
        };
}

void hv_agent_tunnels_show(const struct hv_agent *a, struct hv_arena *arena, struct hv_api_snapshot *ret) {
        const struct hv_agent_tunnels *t = a->tunnels;
        struct hv_api_tunnel *v;

        if (!t)
                return;
        v = HV_ARENA_NEW_N(arena, struct hv_api_tunnel, t->kept.n + 1);
        for (size_t i = 0; i < t->kept.n; i++)
                show(t->kept.v[i], arena, &v[i]);
        ret->tunnels = v;
        ret->n_tunnels = t->kept.n;
}
