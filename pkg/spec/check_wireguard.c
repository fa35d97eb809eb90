/* spec/check_wireguard.c - peers that cannot live together (E0324, E0325), names of peers (E0361), and how a VPN service is asked
 * (E0105, E0502). */
#include "base/text.h"
#include "base/vec.h"
#include "spec/check_internal.h"
#include "spec/value_name.h"
#include "spec/value_net.h"
#include "spec/value_url.h"

#define CLIENT_NAME_MAX 20u /* letters that the service takes; another name it replaces by one of its own */

struct network {
        struct hv_cidr cidr;
        const char *text;
};

/* A peer, read once: each is compared with all before it. */
struct peer {
        const struct hv_spec_peer *spec;
        bool has_key; /* which can be read; others are found fault with elsewhere */
        unsigned char key[HV_WG_KEY_SIZE];
        HV_VEC(struct network) networks;
};

static void read_peer(const struct hv_spec_peer *spec, struct peer *ret) {
        *ret = (struct peer){ .spec = spec };
        ret->has_key = spec->public_key && hv_value_wg_key(spec->public_key, "", ret->key, NULL) == 0;
        for (size_t i = 0; i < spec->allowed_ips.n; i++) {
                struct network n = { .text = spec->allowed_ips.v[i] };

                if (hv_value_cidr(n.text, &n.cidr, NULL) == 0)
                        hv_vec_push(&ret->networks, n);
        }
}

static const char *name_of(const struct hv_check *c, const struct peer *p) {
        return hv_diag_quote(c->diags, p->spec->name ? p->spec->name : "");
}

static void check_key(const struct hv_check *c, const struct peer *p, const struct peer *before) {
        const struct hv_node *at, *first;

        if (!p->has_key || !before->has_key || memcmp(p->key, before->key, sizeof p->key) != 0)
                return;
        at = hv_check_field(p->spec->node, "publicKey");
        first = hv_check_field(before->spec->node, "publicKey");
        hv_diag_error(c->diags, at, "E0324", "same public key as peer %s (%s)", name_of(c, before),
                      hv_diag_where(c->diags, first, at));
}

/* A network of two peers would move from one to the other with every change. */
static void check_allowed_ips(const struct hv_check *c, const struct peer *p, const struct peer *before) {
        for (size_t i = 0; i < p->networks.n; i++)
                for (size_t j = 0; j < before->networks.n; j++)
                        if (hv_cidr_equal(&p->networks.v[i].cidr, &before->networks.v[j].cidr))
                                hv_diag_error(
                                        c->diags,
                                        hv_check_item(p->spec->node, "allowedIPs", p->networks.v[i].text),
                                        "E0325", "%s is already routed to peer %s", p->networks.v[i].text,
                                        name_of(c, before));
}

static void check_peers(const struct hv_check *c, const struct hv_spec_wireguard *w) {
        HV_VEC(struct peer) peers = {};

        for (size_t i = 0; i < w->peers.n; i++) {
                read_peer(&w->peers.v[i], hv_vec_add(&peers));
                for (size_t k = 0; k < i; k++) {
                        check_key(c, &peers.v[i], &peers.v[k]);
                        check_allowed_ips(c, &peers.v[i], &peers.v[k]);
                }
        }
        for (size_t i = 0; i < peers.n; i++)
                hv_vec_done(&peers.v[i].networks);
        hv_vec_done(&peers);
}

static void check_healthy(const struct hv_check *c, const struct hv_spec_wireguard *w) {
        for (size_t i = 0; i < w->healthy.peers.n; i++) {
                struct hv_suggestion near = { .text = w->healthy.peers.v[i] };
                bool found = false;

                for (size_t j = 0; j < w->peers.n; j++) {
                        found = found || hv_streq(w->peers.v[j].name, near.text);
                        if (w->peers.v[j].name)
                                hv_suggestion_add(&near, w->peers.v[j].name);
                }
                if (!found)
                        hv_diag_error(c->diags, hv_check_item(w->healthy.node, "peers", near.text), "E0361",
                                      "peer %s is not defined%s%s%s", hv_diag_quote(c->diags, near.text),
                                      near.best ? "; did you mean \"" : "", near.best ? near.best : "",
                                      near.best ? "\"?" : "");
        }
}

static bool is_this_machine(const struct hv_url *url) {
        struct hv_address address;

        return hv_streq(url->host, "localhost") ||
               (hv_address_parse(url->host, &address) && hv_address_is_loopback(&address));
}

static void check_join(const struct hv_check *c, const struct hv_spec_join *j) {
        struct hv_url url;

        if (!j->url)
                return;
        if (j->client_name &&
            (!*j->client_name || strlen(j->client_name) > CLIENT_NAME_MAX ||
             j->client_name[strspn(j->client_name,
                                   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")]))
                hv_diag_error(c->diags, hv_check_field(j->node, "clientName"), "E0105",
                              "%s is not a name of a client: letters, digits, '_' and '-', at most %u",
                              hv_diag_quote(c->diags, j->client_name), CLIENT_NAME_MAX);
        if (!j->insecure && hv_value_url(j->url, HV_URL_HTTPS | HV_URL_HTTP, c->arena, &url, NULL) == 0 &&
            url.scheme == HV_URL_HTTP && !is_this_machine(&url))
                hv_diag_error(
                        c->diags, hv_check_field(j->node, "url"), "E0502",
                        "the answer holds a private key, and http:// shows it to everybody on the way; use https://, or set "
                        "insecure: true to accept it");
}

void hv_check_wireguard(const struct hv_check *c) {
        for (size_t i = 0; i < c->state->wireguard.n; i++) {
                const struct hv_spec_wireguard *w = &c->state->wireguard.v[i];

                check_peers(c, w);
                check_join(c, &w->join);
                if (!w->join.url || w->is_joined) /* before that nobody knows its peers */
                        check_healthy(c, w);
        }
}
