/* spec/join.c - see join.h. */
#include "spec/join.h"

#include <errno.h>

#include "base/arena.h"
#include "base/vec.h"
#include "spec/check.h"
#include "spec/value_net.h"

typedef HV_VEC(const char *) text_vec;

static struct hv_strv strv_of(struct hv_arena *a, const struct hv_strv *from) {
        const char **v = HV_ARENA_NEW_N(a, const char *, from->n + 1);

        for (size_t i = 0; i < from->n; i++)
                v[i] = hv_arena_strdup(a, from->v[i]);
        return (struct hv_strv){ v, from->n };
}

/* Of two networks that meet one lies in the other: that is what they share. */
static void add_shared(text_vec *to, struct hv_arena *a, const struct hv_cidr *x, const char *other) {
        char text[HV_ADDRESS_SIZE];
        struct hv_cidr y;

        if (hv_value_address_cidr(other, &y, NULL) < 0 || !hv_cidr_overlaps(x, &y))
                return;
        (void) hv_cidr_format(x->bits > y.bits ? x : &y, text);
        for (size_t i = 0; i < to->n; i++)
                if (hv_streq(to->v[i], text))
                        return;
        hv_vec_push(to, (const char *) hv_arena_strdup(a, text));
}

/* routes: auto and none are words, not networks, and share nothing with any. */
static struct hv_strv allowed(const struct hv_spec_wireguard *w, const struct hv_spec_peer *given,
                              struct hv_arena *a) {
        text_vec kept = {};
        struct hv_strv ret;
        struct hv_cidr c;

        for (size_t i = 0; i < given->allowed_ips.n; i++) {
                if (hv_value_cidr(given->allowed_ips.v[i], &c, NULL) < 0)
                        continue;
                for (size_t k = 0; k < w->addresses.n; k++)
                        add_shared(&kept, a, &c, w->addresses.v[k]);
                for (size_t k = 0; k < w->routes.n; k++)
                        add_shared(&kept, a, &c, w->routes.v[k]);
        }
        ret = strv_of(a, &(struct hv_strv){ kept.v, kept.n });
        hv_vec_done(&kept);
        return ret;
}

static void fill(struct hv_spec_wireguard *w, const struct hv_spec_wireguard *given, struct hv_arena *a) {
        struct hv_spec_peer *peers = HV_ARENA_NEW_N(a, struct hv_spec_peer, given->peers.n);

        w->is_joined = true;
        w->addresses = strv_of(a, &given->addresses);
        if (given->mtu && !hv_node_get(w->o.node, "mtu"))
                w->mtu = given->mtu;
        for (size_t i = 0; i < given->peers.n; i++) {
                const struct hv_spec_peer *p = &given->peers.v[i];

                peers[i] = (struct hv_spec_peer){
                        .node = w->join.node, /* where findings about it point */
                        .name = hv_arena_strdup(a, p->name),
                        .public_key = hv_arena_strdup(a, p->public_key),
                        .endpoint = hv_arena_strdup(a, p->endpoint),
                        .resolve = p->resolve,
                        .allowed_ips = allowed(w, p, a),
                        .persistent_keepalive_us = p->persistent_keepalive_us,
                };
        }
        w->peers.v = peers;
        w->peers.n = given->peers.n;
}

void hv_spec_join_all(struct hv_spec_tree *tree, hv_spec_given_fn *given, void *userdata) {
        size_t n = tree->state.wireguard.n;
        struct hv_spec_wireguard *all = HV_ARENA_NEW_N(tree->arena, struct hv_spec_wireguard, n);

        tree->declared.v = tree->state.wireguard.v;
        tree->declared.n = n;
        for (size_t i = 0; i < n; i++) {
                const struct hv_spec_wireguard *from;

                all[i] = tree->declared.v[i];
                from = all[i].join.url && given ? given(userdata, &all[i]) : NULL;
                if (from)
                        fill(&all[i], from, tree->arena);
        }
        tree->state.wireguard.v = all;
}

/* ---- beforehand ---- */

static bool has_network(const struct hv_spec_wireguard *w) {
        for (size_t i = 0; i < w->peers.n; i++)
                if (w->peers.v[i].allowed_ips.n)
                        return true;
        return false;
}

static int check(const struct hv_spec_tree *trial, const struct hv_spec_wireguard *w, struct hv_err *err) {
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        const struct hv_diag *all;
        size_t n;

        if (!has_network(w))
                return hv_err_set(
                        err, -EINVAL,
                        "none of the networks that its peers may use lies in that of an address it gave, %s; name in "
                        "`routes` those that are to be reached",
                        w->addresses.v[0]);
        for (size_t i = 0; i < trial->n_files; i++)
                (void) hv_diags_add_file(diags, trial->files[i], NULL, 0);
        hv_spec_check_all(trial, NULL, diags);
        hv_diags_sort(diags);
        all = hv_diags_all(diags, &n);
        for (size_t i = 0; i < n; i++)
                if (all[i].severity == HV_SEVERITY_ERROR)
                        return hv_err_set(err, -EINVAL, "%s:%u:%u: %s: %s", all[i].file, all[i].line,
                                          all[i].column, all[i].path, all[i].message);
        return 0;
}

int hv_spec_join_check(const struct hv_spec_tree *tree, const char *interface,
                       const struct hv_spec_wireguard *given, struct hv_err *err) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        size_t n = tree->state.wireguard.n;
        struct hv_spec_wireguard *all = HV_ARENA_NEW_N(a, struct hv_spec_wireguard, n), *mine = NULL;
        struct hv_spec_tree trial = *tree;

        for (size_t i = 0; i < n; i++) {
                all[i] = tree->state.wireguard.v[i];
                if (hv_streq(all[i].o.name, interface)) {
                        all[i] = tree->declared.v[i]; /* without what an earlier join gave */
                        mine = &all[i];
                }
        }
        if (!mine)
                return hv_err_set(err, -EINVAL, "interface %s is not declared any more", interface);
        fill(mine, given, a);
        trial.state.wireguard.v = all;
        return check(&trial, mine, err);
}
