/* agent/tunnel_calls.c - what the API asks of one WireGuard interface: another key, and do its peers answer?
 *
 *      rotate   key durable (source/rotate.h) --> all that holds it --> tunnels.c reads it --> looked: the interface has it --> answer
 *      ping     looked: how it was --> an echo to each peer (wireguard/echo.h) --> all over --> looked: how it is now --> answer
 *
 * Keys     Only public ones are told. A new key is on the disk before it is used: an agent that dies in between sets it when it
 *          is started again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "agent/tunnels.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "log/log.h"
#include "wireguard/echo.h"
#include "wireguard/effect.h"
#include "wireguard/want.h"

/* A peer that cannot answer the echo itself says that it heard something after 10 s (WireGuard's KEEPALIVE_TIMEOUT), and a handshake
 * that got lost is tried again after 5 s (REKEY_TIMEOUT). */
#define PATIENCE_US (12 * HV_USEC_PER_SEC)
#define PEERS_MAX 64 /* at once */

struct pinged {
        struct tunnel_call *call;
        const struct hv_spec_peer *spec; /* borrowed from call->desired, as is the next */
        struct hv_wg_key key;
        struct hv_wg_echo *echo;
        bool has_target, is_host, answered;
        struct hv_address target;
        uint64_t took_us, handshake_us, rx_bytes; /* the latter two: before */
        struct hv_err said;                       /* by the machine; code 0: nothing */
};

struct tunnel_call {
        struct hv_agent *agent;
        struct hv_api_call *call;
        char *interface;
        bool awaits_look;
        bool is_ping, has_asked;

        /* rotate */
        char before[HV_WG_KEY_TEXT_SIZE];

        /* ping */
        struct hv_desired *desired; /* a reference */
        struct pinged *pinged;
        size_t n_pinged, n_open;
};

static struct tunnel_call *call_new(struct hv_agent *a, const char *interface, struct hv_api_call *call) {
        struct tunnel_call *c = HV_NEW(struct tunnel_call);

        *c = (struct tunnel_call){ .agent = a, .call = call, .interface = hv_strdup(interface) };
        hv_vec_push(&a->tunnel_calls, c);
        return c;
}

static void call_free(struct tunnel_call *c) {
        for (size_t i = 0; i < c->n_pinged; i++)
                (void) hv_wg_echo_free(c->pinged[i].echo);
        hv_desired_unref(c->desired);
        free(c->pinged);
        free(c->interface);
        free(c);
}

/* Takes it from the list; the caller answers and frees it. */
static struct tunnel_call *take(struct hv_agent *a, size_t i) {
        struct tunnel_call *c = a->tunnel_calls.v[i];

        memmove(&a->tunnel_calls.v[i], &a->tunnel_calls.v[i + 1],
                (--a->tunnel_calls.n - i) * sizeof(struct tunnel_call *));
        return c;
}

static void refuse(struct tunnel_call *c, const struct hv_err *err) {
        if (c->is_ping)
                hv_api_ping_done(c->call, &(struct hv_api_ping){ .err = err });
        else
                hv_api_rotate_done(c->call, &(struct hv_api_rotated){ .err = err });
        call_free(c);
}

static int find(const struct hv_agent *a, const char *interface, struct hv_agent_tunnel *ret,
                struct hv_err *err) {
        return hv_agent_tunnel_get(a, interface, ret)
                       ? 0
                       : hv_err_set(err, -ENOENT, "no WireGuard interface %s is declared", interface);
}

/* ---- rotate ---- */

static const struct hv_spec_secret *secret_of(const struct hv_agent *a, const char *name) {
        const struct hv_spec_state *state = &a->active->desired->tree->state;

        for (size_t i = 0; i < state->secrets.n; i++)
                if (hv_streq(state->secrets.v[i].o.name, name))
                        return &state->secrets.v[i];
        return NULL;
}

/* A revision that is parked, or refused by the guard, was read with the key of before: it must not bring that back. */
static void give_to_all(struct hv_agent *a, const char *name, const struct hv_secret *secret) {
        struct hv_source_load *loads[] = { a->active, a->offered, a->latest };

        for (size_t i = 0; i < HV_ARRAY_SIZE(loads); i++)
                if (loads[i] && loads[i]->secrets && hv_secrets_get(loads[i]->secrets, name))
                        hv_secrets_put(loads[i]->secrets, name, secret);
}

static int public_key_of(const struct hv_secret *text, char ret[HV_WG_KEY_TEXT_SIZE], struct hv_err *err) {
        _hv_cleanup_(hv_secret_freep) struct hv_secret *key = NULL;
        struct hv_wg_key public;
        int r = hv_wg_key_decode(text, &key, err);

        if (r < 0)
                return r;
        hv_wg_public_key(hv_secret_bytes(key), public.bytes);
        (void) hv_wg_key_text(&public, ret);
        return 0;
}

/* *ret is the public key of the secret's new content. What cannot be a key is told and not used. */
static int rotate_secret(struct hv_agent *a, const char *name, enum hv_rotation how,
                         char ret[HV_WG_KEY_TEXT_SIZE], struct hv_err *err) {
        _hv_cleanup_(hv_secret_freep) struct hv_secret *new = NULL;
        const struct hv_spec_secret *spec = secret_of(a, name);
        int r;

        if (!spec)
                return hv_err_set(err, -ENOKEY, "secret %s is not declared", name);
        r = hv_source_set_rotate(a->sources, spec, how, &new, err);
        if (r >= 0)
                r = public_key_of(new, ret, err);
        if (r >= 0 && how != HV_ROTATION_PREPARE)
                give_to_all(a, name, new);
        return r;
}

/* 1: the next key was made and told, there is nothing to wait for. */
static int rotate(struct tunnel_call *c, enum hv_rotation how, char ret[HV_WG_KEY_TEXT_SIZE],
                  struct hv_err *err) {
        struct hv_agent_tunnel t;
        int r = find(c->agent, c->interface, &t, err);

        if (r < 0)
                return r;
        (void) snprintf(c->before, sizeof c->before, "%s", t.public_key);
        if (t.want->spec->private_key.secret)
                r = rotate_secret(c->agent, t.want->spec->private_key.secret, how, ret, err);
        else if (!t.want->spec->private_key.file)
                r = hv_err_set(err, -EOPNOTSUPP,
                               "the key of %s came with its VPN service: it is not hivelet's", c->interface);
        else if (how != HV_ROTATION_NOW)
                r = hv_err_set(err, -EOPNOTSUPP,
                               "the key of %s is in the file %s: write another one there, then rotate",
                               c->interface, t.want->spec->private_key.file);
        if (r < 0 || how == HV_ROTATION_PREPARE)
                return r < 0 ? r : 1;
        return hv_agent_tunnel_read_keys(c->agent, c->interface, err);
}

void hv_agent_tunnel_rotate(void *userdata, const char *interface, enum hv_api_rotation how,
                            struct hv_api_call *call) {
        struct hv_agent *a = userdata;
        struct tunnel_call *c = call_new(a, interface, call);
        char next[HV_WG_KEY_TEXT_SIZE] = "";
        struct hv_err err = {};
        int r = rotate(c, (enum hv_rotation) how, next, &err);

        _Static_assert((int) HV_API_ROTATE_UNDO == (int) HV_ROTATION_UNDO &&
                               (int) HV_API_ROTATE_PREPARE == (int) HV_ROTATION_PREPARE,
                       "the same ways");
        if (r == 0) {
                c->awaits_look = true; /* which the new keys have asked for */
                return;
        }
        (void) take(a, a->tunnel_calls.n - 1);
        if (r < 0) {
                refuse(c, &err);
                return;
        }
        hv_api_rotate_done(c->call, &(struct hv_api_rotated){ .public_key = next, .before = c->before });
        call_free(c);
}

static void end_rotate(struct tunnel_call *c, const struct hv_agent_tunnel *t,
                       const struct hv_wg_status *status) {
        struct hv_err err = {};

        if (status->state != HV_WG_STATE_IN_SYNC) {
                (void) hv_err_set(&err, status->error->code,
                                  "the key is %s from now on, and the interface does not have it yet: %s",
                                  t->public_key, status->error->msg);
                refuse(c, &err);
                return;
        }
        if (!hv_streq(t->public_key, c->before))
                hv_log_notice("interface %s has another key: its public key is %s, it was %s", c->interface,
                              t->public_key, *c->before ? c->before : "not known");
        hv_api_rotate_done(c->call, &(struct hv_api_rotated){ .public_key = t->public_key,
                                                              .before = *c->before ? c->before : NULL });
        call_free(c);
}

/* ---- ping: asking ---- */

static void look_if_over(struct tunnel_call *c) {
        if (c->n_open > 0)
                return;
        c->awaits_look = true;
        hv_agent_tunnel_look(c->agent, c->interface);
}

static void on_echoed(void *userdata, const struct hv_wg_echoed *result) {
        struct pinged *p = userdata;

        p->answered = result->answered;
        p->took_us = result->took_us;
        if (result->err)
                p->said = *result->err;
        p->call->n_open--;
        look_if_over(p->call);
}

static void ask(struct pinged *p, const struct hv_agent_tunnel *t) {
        const struct hv_wg_peer *seen = hv_wg_peer_find(t->seen, &p->key);

        if (!seen)
                return;
        p->handshake_us = seen->handshake_us;
        p->rx_bytes = seen->rx_bytes;
        p->has_target = hv_wg_echo_target(seen, t->seen, &p->target, &p->is_host);
        if (!p->has_target)
                return;
        if (hv_wg_echo_new(p->call->agent->event, p->call->interface, &p->target, PATIENCE_US, on_echoed, p,
                           &p->echo, &p->said) == 0)
                p->call->n_open++;
}

static int begin_ping(struct tunnel_call *c, const char *peer, struct hv_err *err) {
        struct hv_agent_tunnel t;
        int r = find(c->agent, c->interface, &t, err);

        if (r < 0)
                return r;
        if (t.state != HV_TUNNEL_OURS || !t.seen->is_up)
                return hv_err_set(err, -ENOTCONN, "interface %s is not up: %s", c->interface,
                                  *t.message ? t.message : "it was not looked at yet");
        c->desired = hv_desired_ref(c->agent->active->desired);
        c->pinged = HV_NEW_N(struct pinged, t.want->spec->peers.n);
        for (size_t i = 0; i < t.want->spec->peers.n; i++) {
                const struct hv_spec_peer *s = &t.want->spec->peers.v[i];
                struct pinged *p = &c->pinged[c->n_pinged];

                if ((peer && !hv_streq(peer, s->name)) ||
                    hv_value_wg_key(s->public_key, "public key", p->key.bytes, NULL) < 0)
                        continue;
                if (++c->n_pinged > PEERS_MAX)
                        return hv_err_set(err, -EINVAL, "%s has more than %d peers: say which one",
                                          c->interface, PEERS_MAX);
                p->call = c;
                p->spec = s;
        }
        if (c->n_pinged == 0)
                return peer ? hv_err_set(err, -ENOENT, "interface %s has no peer %s", c->interface, peer)
                            : hv_err_set(err, -ENOENT, "interface %s has no peers", c->interface);
        c->awaits_look = true;
        hv_agent_tunnel_look(c->agent, c->interface);
        return 0;
}

/* Only against what was seen right before it does something new tell that somebody is there. */
static void ask_all(struct tunnel_call *c, const struct hv_agent_tunnel *t) {
        c->has_asked = true;
        c->awaits_look = false;
        for (size_t i = 0; i < c->n_pinged; i++)
                ask(&c->pinged[i], t);
        look_if_over(c);
}

void hv_agent_tunnel_ping(void *userdata, const char *interface, const char *peer, struct hv_api_call *call) {
        struct hv_agent *a = userdata;
        struct tunnel_call *c = call_new(a, interface, call);
        struct hv_err err = {};

        c->is_ping = true;
        if (begin_ping(c, peer, &err) >= 0)
                return;
        refuse(take(a, a->tunnel_calls.n - 1), &err);
}

/* ---- ping: judging ---- */

/* The peer is there, and what was asked behind it is not. */
static const char *why_no_echo(const struct pinged *p, const char *address, struct hv_arena *arena) {
        if (!p->has_target)
                return "the peer answers; its allowedIPs do not say whom to ask behind it";
        if (p->said.code)
                return hv_arena_printf(arena, "the peer answers, %s", p->said.msg);
        return hv_arena_printf(arena, "the peer answers, %s does not: %s", address,
                               p->is_host ? "its firewall drops echoes, or nobody has this address"
                                          : "the first address of its allowedIPs may be nobody's");
}

static const char *why_silent(const struct pinged *p, const struct hv_wg_peer *seen, const char *endpoint,
                              struct hv_arena *arena) {
        const char *fault = hv_agent_tunnel_fault(p->call->agent, p->call->interface, &p->key);
        const char *said = p->said.code ? hv_arena_printf(arena, " (%s)", p->said.msg) : "";

        if (!seen)
                return "the interface does not have this peer yet";
        if (fault)
                return hv_arena_printf(arena, "its endpoint is not known: %s", fault);
        if (!endpoint)
                return "its endpoint is not known: it has to call this node first";
        if (!seen->handshake_us)
                return hv_arena_printf(
                        arena,
                        "never heard at %s: is it up, does it know this node's public key, does UDP get through?%s",
                        endpoint, said);
        return hv_arena_printf(
                arena, "nothing came back from %s; the last handshake was %" PRIu64 " s ago%s", endpoint,
                (hv_agent_wall_us() - HV_MIN(hv_agent_wall_us(), seen->handshake_us)) / HV_USEC_PER_SEC,
                said);
}

static void judge(const struct pinged *p, const struct hv_agent_tunnel *t, struct hv_arena *arena,
                  struct hv_api_pinged *ret) {
        const struct hv_wg_peer *seen = hv_wg_peer_find(t->seen, &p->key);
        char address[HV_ADDRESS_SIZE], endpoint[HV_WG_ENDPOINT_SIZE];
        bool heard = seen && (seen->handshake_us > p->handshake_us || seen->rx_bytes > p->rx_bytes);

        *ret = (struct hv_api_pinged){
                .peer = p->spec->name,
                .public_key = p->spec->public_key,
                .address =
                        p->has_target ? hv_arena_strdup(arena, hv_address_format(&p->target, address)) : NULL,
                .endpoint = seen && seen->endpoint.port
                                    ? hv_arena_strdup(arena, hv_wg_endpoint_format(&seen->endpoint, endpoint))
                                    : NULL,
                .answer = p->answered ? HV_API_ANSWER_ECHO
                          : heard     ? HV_API_ANSWER_HANDSHAKE
                                      : HV_API_ANSWER_NONE,
                .took_us = p->took_us,
                .handshake_wall_us = seen ? seen->handshake_us : 0,
                .message = "",
        };
        if (ret->answer == HV_API_ANSWER_HANDSHAKE)
                ret->message = why_no_echo(p, ret->address, arena);
        else if (ret->answer == HV_API_ANSWER_NONE)
                ret->message = why_silent(p, seen, ret->endpoint, arena);
}

static void end_ping(struct tunnel_call *c, const struct hv_agent_tunnel *t) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_api_pinged *v = HV_ARENA_NEW_N(arena, struct hv_api_pinged, c->n_pinged);

        for (size_t i = 0; i < c->n_pinged; i++)
                judge(&c->pinged[i], t, arena, &v[i]);
        hv_api_ping_done(c->call, &(struct hv_api_ping){ .peers = v, .n_peers = c->n_pinged });
        call_free(c);
}

/* ---- in the loop ---- */

void hv_agent_tunnel_looked(struct hv_agent *a, const char *name, const struct hv_wg_status *status) {
        for (size_t i = 0; i < a->tunnel_calls.n;) {
                struct tunnel_call *c = a->tunnel_calls.v[i];
                struct hv_agent_tunnel t;
                struct hv_err err = {};

                if (!c->awaits_look || status->is_outdated || !hv_streq(c->interface, name)) {
                        i++;
                        continue;
                }
                if (c->is_ping && !c->has_asked && find(a, name, &t, NULL) == 0) {
                        ask_all(c, &t);
                        i++;
                        continue;
                }
                c = take(a, i);
                if (find(a, name, &t, &err) < 0)
                        refuse(c, &err);
                else if (c->is_ping)
                        end_ping(c, &t);
                else
                        end_rotate(c, &t, status);
        }
}

void hv_agent_tunnel_calls_abandon(struct hv_agent *a) {
        struct hv_err err = {};

        (void) hv_err_set(&err, -EAGAIN, "the agent is stopping");
        while (a->tunnel_calls.n > 0)
                refuse(take(a, a->tunnel_calls.n - 1), &err);
        hv_vec_done(&a->tunnel_calls);
}
