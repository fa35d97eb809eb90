/* spec/check_wireguard.c - peers that cannot live together (E0324, E0325), names of peers (E0361), and how a VPN service is asked
 * (E0105, E0502). */
#include "base/text.h"
#include "spec/check_internal.h"
#include "spec/value_name.h"
#include "spec/value_net.h"
#include "spec/value_url.h"

#define CLIENT_NAME_MAX 20u /* letters that the service takes; another name it replaces by one of its own */

static bool same_key(const char *a, const char *b) {
        unsigned char key_a[HV_WG_KEY_SIZE], key_b[HV_WG_KEY_SIZE];

        return a && b && hv_value_wg_key(a, "", key_a, NULL) == 0 &&
               hv_value_wg_key(b, "", key_b, NULL) == 0 && memcmp(key_a, key_b, sizeof key_a) == 0;
}

/* A network of two peers would move from one to the other with every change. */
static void check_allowed_ips(const struct hv_check *c, const struct hv_spec_peer *peer,
                              const struct hv_spec_peer *before) {
        for (size_t i = 0; i < peer->allowed_ips.n; i++)
                for (size_t j = 0; j < before->allowed_ips.n; j++) {
                        const struct hv_node *at =
                                hv_check_item(peer->node, "allowedIPs", peer->allowed_ips.v[i]);
                        struct hv_cidr a, b;

                        if (hv_value_cidr(peer->allowed_ips.v[i], &a, NULL) == 0 &&
                            hv_value_cidr(before->allowed_ips.v[j], &b, NULL) == 0 && hv_cidr_equal(&a, &b))
                                hv_diag_error(c->diags, at, "E0325", "%s is already routed to peer %s",
                                              peer->allowed_ips.v[i],
                                              hv_diag_quote(c->diags, before->name ? before->name : ""));
                }
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

                for (size_t j = 0; j < w->peers.n; j++)
                        for (size_t k = 0; k < j; k++) {
                                const struct hv_node *at = hv_check_field(w->peers.v[j].node, "publicKey");
                                const struct hv_node *first = hv_check_field(w->peers.v[k].node, "publicKey");

                                if (same_key(w->peers.v[j].public_key, w->peers.v[k].public_key))
                                        hv_diag_error(
                                                c->diags, at, "E0324", "same public key as peer %s (%s)",
                                                hv_diag_quote(c->diags,
                                                              w->peers.v[k].name ? w->peers.v[k].name : ""),
                                                hv_diag_where(c->diags, first, at));
                                check_allowed_ips(c, &w->peers.v[j], &w->peers.v[k]);
                        }
                check_join(c, &w->join);
                if (!w->join.url || w->is_joined) /* before that nobody knows its peers */
                        check_healthy(c, w);
        }
}
