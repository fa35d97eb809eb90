/* wireguard/diff.c - see diff.h. */
#include "wireguard/diff.h"

#include <stdio.h>

#include "base/buf.h"
#include "wireguard/effect.h"

/* SHA-256 of "hivelet: the peer to which networks are given to be dropped" */
const struct hv_wg_key hv_wg_drop_key = { { 0x1a, 0xeb, 0x5b, 0x97, 0x07, 0x17, 0x7c, 0x16, 0x31, 0x00, 0x5b,
                                            0xa4, 0x84, 0x65, 0x46, 0xfa, 0xc2, 0x49, 0xc0, 0xce, 0xa6, 0x87,
                                            0x8a, 0x21, 0x72, 0x77, 0xfd, 0xa3, 0x28, 0x14, 0x76, 0x02 } };

struct differ {
        const struct hv_wg_interface *want, *seen;
        struct hv_wg_plan *plan;
};

static struct hv_wg_step *add_step(struct differ *d, enum hv_wg_step_kind kind) {
        struct hv_wg_step *s = hv_vec_add(&d->plan->steps);

        s->kind = kind;
        s->want = d->want;
        return s;
}

/* --- link and device --- */

static void diff_link(struct differ *d) {
        const struct hv_wg_interface *want = d->want, *seen = d->seen;

        if (seen->kind == HV_WG_LINK_NONE)
                (void) add_step(d, HV_WG_LINK_ADD);
        if (!hv_streq(want->alias, seen->alias))
                (void) add_step(d, HV_WG_LINK_MARK);
        if (want->mtu && want->mtu != seen->mtu)
                (void) add_step(d, HV_WG_LINK_MTU);
}

static void diff_device(struct differ *d) {
        const struct hv_wg_interface *want = d->want, *seen = d->seen;
        unsigned fields = 0;

        if (memcmp(&want->private_seal, &seen->private_seal, sizeof want->private_seal) != 0)
                fields |= HV_WG_PRIVATE_KEY;
        if (want->listen_port && want->listen_port != seen->listen_port)
                fields |= HV_WG_LISTEN_PORT;
        if (want->firewall_mark != seen->firewall_mark)
                fields |= HV_WG_FIREWALL_MARK;
        if (fields)
                add_step(d, HV_WG_DEVICE_SET)->fields = fields;
}

/* --- peers --- */

struct claim { /* a network and whose it is */
        struct hv_cidr network;
        const struct hv_wg_peer *peer;
};

struct claims {
        struct claim *v;
        size_t n;
};

static int compare_claims(const void *a, const void *b) {
        return hv_wg_cidr_compare(&((const struct claim *) a)->network, &((const struct claim *) b)->network);
}

static struct claims claims_of(const struct hv_wg_interface *i, struct hv_arena *arena) {
        struct claims c = {};

        for (size_t k = 0; k < i->peers.n; k++)
                c.n += i->peers.v[k].networks.n;
        c.v = HV_ARENA_NEW_N(arena, struct claim, c.n);
        c.n = 0;
        for (size_t k = 0; k < i->peers.n; k++)
                for (size_t m = 0; m < i->peers.v[k].networks.n; m++)
                        c.v[c.n++] = (struct claim){ i->peers.v[k].networks.v[m], &i->peers.v[k] };
        if (c.n)
                qsort(c.v, c.n, sizeof *c.v, compare_claims);
        return c;
}

static const struct hv_wg_peer *owner_of(const struct claims *c, const struct hv_cidr *network) {
        struct claim key = { .network = *network };
        const struct claim *found = c->n ? bsearch(&key, c->v, c->n, sizeof *c->v, compare_claims) : NULL;

        return found ? found->peer : NULL;
}

static int compare_peers(const void *a, const void *b) {
        const struct hv_wg_peer *const *x = a, *const *y = b;

        return memcmp(&(*x)->public_key, &(*y)->public_key, sizeof(*x)->public_key);
}

struct index { /* peers by key */
        const struct hv_wg_peer **v;
        size_t n;
};

static struct index index_of(const struct hv_wg_interface *i, struct hv_arena *arena) {
        struct index x = { HV_ARENA_NEW_N(arena, const struct hv_wg_peer *, i->peers.n), i->peers.n };

        for (size_t k = 0; k < x.n; k++)
                x.v[k] = &i->peers.v[k];
        if (x.n)
                qsort((void *) x.v, x.n, sizeof *x.v, compare_peers);
        return x;
}

static const struct hv_wg_peer *peer_of(const struct index *x, const struct hv_wg_peer *like) {
        const struct hv_wg_peer **found =
                x->n ? bsearch((const void *) &like, (const void *) x->v, x->n, sizeof *x->v, compare_peers)
                     : NULL;

        return found ? *found : NULL;
}

static unsigned peer_fields(const struct hv_wg_peer *want, const struct hv_wg_peer *seen) {
        static const struct hv_wg_peer blank;
        unsigned fields = seen ? 0 : HV_WG_NEW;

        seen = seen ? seen : &blank;
        if (memcmp(&want->preshared_seal, &seen->preshared_seal, sizeof want->preshared_seal) != 0)
                fields |= HV_WG_PRESHARED_KEY;
        if (want->endpoint.port &&
            (want->endpoint_again || ((want->endpoint_wins || seen->endpoint.port == 0) &&
                                      !hv_wg_endpoint_equal(&want->endpoint, &seen->endpoint))))
                fields |= HV_WG_ENDPOINT;
        if (want->keepalive_s != seen->keepalive_s)
                fields |= HV_WG_KEEPALIVE;
        return fields;
}

static void diff_peer(struct differ *d, const struct hv_wg_peer *want, const struct hv_wg_peer *seen,
                      const struct claims *held) {
        struct hv_cidr *add = HV_ARENA_NEW_N(d->plan->arena, struct hv_cidr, want->networks.n);
        unsigned fields = peer_fields(want, seen);
        size_t n = 0;

        for (size_t i = 0; i < want->networks.n; i++)
                if (!seen || owner_of(held, &want->networks.v[i]) != seen)
                        add[n++] = want->networks.v[i];
        if (fields || n) {
                struct hv_wg_step *s = add_step(d, HV_WG_PEER_SET);

                s->fields = fields;
                s->peer = want;
                s->networks = add;
                s->n_networks = n;
        }
}

/* Of peers that stay: what a peer holds that goes, goes with it. */
static void drop_networks(struct differ *d, const struct index *wanted, const struct claims *held,
                          const struct claims *claimed) {
        struct hv_cidr *drop = HV_ARENA_NEW_N(d->plan->arena, struct hv_cidr, held->n);
        size_t n = 0;

        for (size_t i = 0; i < held->n; i++)
                if (!owner_of(claimed, &held->v[i].network) && peer_of(wanted, held->v[i].peer))
                        drop[n++] = held->v[i].network;
        if (n) {
                struct hv_wg_step *s = add_step(d, HV_WG_NETWORKS_DROP);

                s->networks = drop;
                s->n_networks = n;
        }
}

static void diff_peers(struct differ *d) {
        struct hv_arena *arena = d->plan->arena;
        struct claims claimed = claims_of(d->want, arena), held = claims_of(d->seen, arena);
        struct index wanted = index_of(d->want, arena), there = index_of(d->seen, arena);

        for (size_t i = 0; i < d->want->peers.n; i++)
                diff_peer(d, &d->want->peers.v[i], peer_of(&there, &d->want->peers.v[i]), &held);
        drop_networks(d, &wanted, &held, &claimed);
        for (size_t i = 0; i < d->seen->peers.n; i++)
                if (!peer_of(&wanted, &d->seen->peers.v[i]))
                        add_step(d, HV_WG_PEER_REMOVE)->peer = &d->seen->peers.v[i];
}

/* --- addresses and routes --- */

/* What is left behind the steps so far, of addresses and routes. */
static void perform(struct differ *d, struct hv_wg_interface *have, enum hv_wg_step_kind kind,
                    const struct hv_cidr *cidr, bool is_ours) {
        struct hv_wg_step *s = add_step(d, kind);

        s->cidr = *cidr;
        s->is_ours = is_ours;
        hv_wg_effect(have, s);
}

static bool is_going(const struct differ *d, const struct hv_wg_address *a) {
        return a->is_ours && !hv_wg_address_find(d->want, &a->cidr);
}

static bool meets_one_that_goes(const struct differ *d, const struct hv_cidr *address) {
        for (size_t i = 0; i < d->seen->addresses.n; i++)
                if (is_going(d, &d->seen->addresses.v[i]) &&
                    hv_cidr_equal(&d->seen->addresses.v[i].cidr, address))
                        return true;
        return false;
}

static void diff_addresses(struct differ *d, struct hv_wg_interface *have) {
        for (size_t i = 0; i < d->want->addresses.n; i++) {
                const struct hv_cidr *a = &d->want->addresses.v[i].cidr;

                if (!hv_wg_address_find(have, a) && !meets_one_that_goes(d, a))
                        perform(d, have, HV_WG_ADDRESS_ADD, a, true);
        }
        for (size_t i = 0; i < d->seen->addresses.n; i++) {
                const struct hv_wg_address *a = &d->seen->addresses.v[i];

                if (is_going(d, a) && hv_wg_address_find(have, &a->cidr))
                        perform(d, have, HV_WG_ADDRESS_REMOVE, &a->cidr, true);
        }
        for (size_t i = 0; i < d->want->addresses.n; i++)
                if (!hv_wg_address_find(have, &d->want->addresses.v[i].cidr))
                        perform(d, have, HV_WG_ADDRESS_ADD, &d->want->addresses.v[i].cidr, true);
        for (size_t i = 0; i < d->seen->addresses.n; i++) {
                const struct hv_wg_address *a = &d->seen->addresses.v[i];

                if (!is_going(d, a) && !hv_wg_address_find(have, &a->cidr))
                        perform(d, have, HV_WG_ADDRESS_ADD, &a->cidr, a->is_ours);
        }
}

static void diff_routes(struct differ *d, struct hv_wg_interface *have) {
        for (size_t i = 0; i < d->want->routes.n; i++)
                if (!hv_wg_route_find(have, &d->want->routes.v[i].network))
                        perform(d, have, HV_WG_ROUTE_ADD, &d->want->routes.v[i].network, true);
        for (size_t i = 0; i < d->seen->routes.n; i++) {
                const struct hv_wg_route *route = &d->seen->routes.v[i];

                if (route->is_ours && !hv_wg_route_find(d->want, &route->network) &&
                    hv_wg_route_find(have, &route->network))
                        perform(d, have, HV_WG_ROUTE_REMOVE, &route->network, true);
        }
}

/* --- all --- */

void hv_wg_diff(const struct hv_wg_interface *want, const struct hv_wg_interface *seen,
                struct hv_wg_plan *ret) {
        struct hv_wg_interface have = {};
        struct differ d = { want, seen, ret };

        *ret = (struct hv_wg_plan){ .arena = hv_arena_new() };
        if (want->kind == HV_WG_LINK_NONE) {
                if (seen->kind != HV_WG_LINK_NONE)
                        (void) add_step(&d, HV_WG_LINK_REMOVE);
                return;
        }
        for (size_t i = 0; i < seen->addresses.n; i++)
                hv_vec_push(&have.addresses, seen->addresses.v[i]);
        for (size_t i = 0; i < seen->routes.n; i++)
                hv_vec_push(&have.routes, seen->routes.v[i]);
        diff_link(&d);
        diff_device(&d);
        diff_peers(&d);
        diff_addresses(&d, &have);
        if (!seen->is_up)
                (void) add_step(&d, HV_WG_LINK_UP);
        diff_routes(&d, &have);
        hv_wg_interface_done(&have);
}

void hv_wg_plan_done(struct hv_wg_plan *p) {
        hv_vec_done(&p->steps);
        (void) hv_arena_free(p->arena);
        *p = (struct hv_wg_plan){};
}

enum hv_wg_owner hv_wg_owner(const struct hv_wg_interface *seen, const char *alias) {
        if (seen->kind == HV_WG_LINK_NONE)
                return HV_WG_ABSENT;
        if (seen->kind == HV_WG_LINK_OTHER)
                return HV_WG_FOREIGN;
        if (hv_streq(seen->alias, alias))
                return HV_WG_OURS;
        return !*seen->alias && !hv_wg_seal_is_set(&seen->private_seal) && seen->peers.n == 0 &&
                               seen->addresses.n == 0 && !seen->is_up
                       ? HV_WG_BLANK
                       : HV_WG_FOREIGN;
}

/* --- as text --- */

static const char *const kind_texts[HV_WG_STEP_KINDS] = {
        [HV_WG_LINK_ADD] = "make the interface",
        [HV_WG_LINK_MARK] = "mark the interface as ours",
        [HV_WG_LINK_MTU] = "MTU",
        [HV_WG_DEVICE_SET] = "device:",
        [HV_WG_PEER_SET] = "peer",
        [HV_WG_NETWORKS_DROP] = "networks",
        [HV_WG_PEER_REMOVE] = "remove peer",
        [HV_WG_ADDRESS_ADD] = "add address",
        [HV_WG_ADDRESS_REMOVE] = "remove address",
        [HV_WG_LINK_UP] = "bring the interface up",
        [HV_WG_ROUTE_ADD] = "add route",
        [HV_WG_ROUTE_REMOVE] = "remove route",
        [HV_WG_LINK_REMOVE] = "remove the interface",
};

static const char *const field_texts[] = {
        " private key", " listen port", " firewall mark", " new", " preshared key", " endpoint", " keepalive",
};

static void describe_networks(struct hv_buf *b, const struct hv_wg_step *s) {
        char text[HV_ADDRESS_SIZE], sign = s->kind == HV_WG_NETWORKS_DROP ? '-' : '+';

        for (size_t i = 0; i < s->n_networks && i < 3; i++)
                hv_buf_printf(b, " %c%s", sign, hv_cidr_format(&s->networks[i], text));
        if (s->n_networks > 3)
                hv_buf_printf(b, " and %zu more", s->n_networks - 3);
}

void hv_wg_step_describe(const struct hv_wg_step *s, char *ret, size_t size) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        char key[HV_WG_KEY_TEXT_SIZE], address[HV_ADDRESS_SIZE];

        hv_buf_puts(&b, kind_texts[s->kind]);
        if (s->peer)
                hv_buf_printf(&b, " %.8s...", hv_wg_key_text(&s->peer->public_key, key));
        for (size_t i = 0; i < HV_ARRAY_SIZE(field_texts); i++)
                if (s->fields & 1U << i)
                        hv_buf_puts(&b, field_texts[i]);
        describe_networks(&b, s);
        if (s->kind == HV_WG_LINK_MTU)
                hv_buf_printf(&b, " %u", s->want->mtu);
        if (s->kind == HV_WG_ROUTE_ADD || s->kind == HV_WG_ROUTE_REMOVE)
                hv_buf_printf(&b, " %s", hv_cidr_format(&s->cidr, address));
        if (s->kind == HV_WG_ADDRESS_ADD || s->kind == HV_WG_ADDRESS_REMOVE)
                hv_buf_printf(&b, " %s/%u", hv_address_format(&s->cidr.address, address), s->cidr.bits);
        (void) snprintf(ret, size, "%s", hv_buf_str(&b));
}
