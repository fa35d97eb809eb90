/* made.c - see made.h. */
#include "made.h"

#include "testing.h"
#include "wireguard/effect.h"

static struct hv_wg_key key_of(char letter) {
        struct hv_wg_key k;

        memset(&k, letter, sizeof k);
        return k;
}

static struct hv_secret *secret_of(char letter) {
        char bytes[HV_WG_KEY_SIZE];

        memset(bytes, letter, sizeof bytes);
        return hv_secret_new(bytes, sizeof bytes);
}

static struct hv_cidr cidr_of(const char *text) {
        struct hv_cidr c = {};

        if (hv_value_address_cidr(text, &c, NULL) != 0 && hv_value_cidr(text, &c, NULL) != 0)
                fail_msg("%s is no network", text);
        return c;
}

static void make_peer(const char *word, struct hv_wg_interface *i) {
        struct hv_wg_key key = key_of(*word);
        struct hv_wg_peer *p = hv_wg_peer_find(i, &key);
        char *list, *rest, *one;

        if (!p) {
                p = hv_vec_add(&i->peers);
                p->public_key = key;
        }
        switch (word[1]) {
        case '@':
                assert_true(hv_wg_endpoint_parse(word + 2, &p->endpoint));
                break;
        case '+':
                p->keepalive_s = (uint16_t) atoi(word + 2);
                break;
        case '!':
                p->endpoint_wins = true;
                break;
        case '*':
                p->preshared_key = secret_of(word[2]);
                p->preshared_seal = hv_wg_seal(hv_secret_bytes(p->preshared_key));
                break;
        case ':':
                rest = list = hv_strdup(word + 2);
                while ((one = strsep(&rest, ",")))
                        if (*one)
                                hv_vec_push(&p->networks, cidr_of(one));
                free(list);
                break;
        default:
                fail_msg("%s?", word);
        }
}

static void make_word(const char *word, struct hv_wg_interface *i) {
        if (hv_streq(word, "up"))
                i->is_up = true;
        else if (hv_streq(word, "none"))
                i->kind = HV_WG_LINK_NONE;
        else if (hv_has_prefix(word, "mtu="))
                i->mtu = (uint32_t) atoi(word + 4);
        else if (hv_has_prefix(word, "port="))
                i->listen_port = (uint16_t) atoi(word + 5);
        else if (hv_has_prefix(word, "mark="))
                i->firewall_mark = (uint32_t) atoi(word + 5);
        else if (hv_has_prefix(word, "alias="))
                (void) snprintf(i->alias, sizeof i->alias, "%s", word + 6);
        else if (hv_has_prefix(word, "key=")) {
                i->private_key = secret_of(word[4]);
                i->private_seal = hv_wg_seal(hv_secret_bytes(i->private_key));
        } else if (*word == '>')
                hv_vec_push(&i->routes, ((struct hv_wg_route){ cidr_of(word + 1), true }));
        else if (hv_has_prefix(word, "~>"))
                hv_vec_push(&i->routes, ((struct hv_wg_route){ cidr_of(word + 2), false }));
        else if (hv_has_prefix(word, "~^"))
                hv_vec_push(&i->addresses, ((struct hv_wg_address){ cidr_of(word + 2), false, true }));
        else if (*word == '~')
                hv_vec_push(&i->addresses, ((struct hv_wg_address){ cidr_of(word + 1), false, false }));
        else if (*word == '^')
                hv_vec_push(&i->addresses, ((struct hv_wg_address){ cidr_of(word + 1), true, true }));
        else if (!word[1] || !strchr("@+!*:", word[1]))
                hv_vec_push(&i->addresses, ((struct hv_wg_address){ cidr_of(word), true, false }));
        else
                make_peer(word, i);
}

void made(const char *text, struct hv_wg_interface *ret) {
        char *all = hv_strdup(text), *rest = all, *word;

        *ret = (struct hv_wg_interface){ .name = "wg0", .kind = HV_WG_LINK_KERNEL };
        while ((word = strsep(&rest, " ")))
                if (*word)
                        make_word(word, ret);
        free(all);
}

/* --- by chance --- */

static const char *const networks[] = { "10.1.0.0/16", "10.2.0.0/16", "10.2.3.0/24", "0.0.0.0/0",
                                        "10.9.9.9/32", "fd00::/64",   "::/0",        "10.4.0.0/16" };
static const char *const addresses[] = { "10.0.0.1/24", "10.0.0.2/24", "10.0.0.3/24", "10.0.1.1/24",
                                         "10.0.0.9/16", "fd01::1/64",  "fd01::2/64" };
static const char *const endpoints[] = { "192.0.2.1:1", "192.0.2.1:2", "[2001:db8::1]:1" };

static void peers_by_chance(struct hv_rng *rng, bool wanted, struct hv_wg_interface *i) {
        for (char letter = 'a'; letter <= 'f'; letter++) {
                struct hv_wg_peer *p;

                if (hv_rng_below(rng, 3) == 0)
                        continue;
                p = hv_vec_add(&i->peers);
                p->public_key = key_of(letter);
                p->keepalive_s = (uint16_t) (hv_rng_below(rng, 2) * 25);
                p->endpoint_wins = wanted && hv_rng_below(rng, 2);
                if (hv_rng_below(rng, 3))
                        (void) hv_wg_endpoint_parse(endpoints[hv_rng_below(rng, HV_ARRAY_SIZE(endpoints))],
                                                    &p->endpoint);
                if (hv_rng_below(rng, 3) == 0) {
                        p->preshared_key = secret_of((char) ('x' + hv_rng_below(rng, 2)));
                        p->preshared_seal = hv_wg_seal(hv_secret_bytes(p->preshared_key));
                }
        }
        for (size_t k = 0; i->peers.n && k < HV_ARRAY_SIZE(networks); k++)
                if (hv_rng_below(rng, 4))
                        hv_vec_push(&i->peers.v[hv_rng_below(rng, i->peers.n)].networks,
                                    cidr_of(networks[k]));
}

void made_by_chance(struct hv_rng *rng, bool wanted, struct hv_wg_interface *ret) {
        *ret = (struct hv_wg_interface){ .name = "wg0", .kind = HV_WG_LINK_KERNEL };
        if (!wanted && hv_rng_below(rng, 8) == 0) {
                ret->kind = HV_WG_LINK_NONE;
                return;
        }
        ret->is_up = wanted || hv_rng_below(rng, 2);
        ret->mtu = hv_rng_below(rng, 2) ? 1420 : 1280;
        ret->listen_port = (uint16_t) hv_rng_below(rng, 3);
        ret->firewall_mark = (uint32_t) hv_rng_below(rng, 2);
        if (wanted || hv_rng_below(rng, 2))
                make_word(hv_rng_below(rng, 2) ? "key=p" : "key=q", ret);
        if (wanted || hv_rng_below(rng, 2))
                make_word("alias=ours", ret);
        peers_by_chance(rng, wanted, ret);
        for (size_t k = 0, at = hv_rng_below(rng, HV_ARRAY_SIZE(addresses)); k < HV_ARRAY_SIZE(addresses);
             k++)
                if (hv_rng_below(rng, 2)) {
                        struct hv_wg_interface *have = ret;
                        struct hv_wg_step add = { .kind = HV_WG_ADDRESS_ADD,
                                                  .is_ours = wanted || hv_rng_below(rng, 4),
                                                  .cidr = cidr_of(
                                                          addresses[(k + at) % HV_ARRAY_SIZE(addresses)]) };

                        hv_wg_effect(have, &add); /* tells the secondary ones */
                }
        for (size_t k = 0; k < HV_ARRAY_SIZE(networks); k++)
                if (hv_rng_below(rng, 2))
                        hv_vec_push(&ret->routes, ((struct hv_wg_route){ cidr_of(networks[k]),
                                                                         wanted || hv_rng_below(rng, 4) }));
}

void made_copy(const struct hv_wg_interface *from, struct hv_wg_interface *ret) {
        *ret = *from;
        ret->private_key = NULL;
        memset(&ret->peers, 0, sizeof ret->peers);
        memset(&ret->addresses, 0, sizeof ret->addresses);
        memset(&ret->routes, 0, sizeof ret->routes);
        for (size_t i = 0; i < from->peers.n; i++) {
                struct hv_wg_peer *p = hv_vec_add(&ret->peers);

                *p = from->peers.v[i];
                p->preshared_key = NULL;
                memset(&p->networks, 0, sizeof p->networks);
                for (size_t k = 0; k < from->peers.v[i].networks.n; k++)
                        hv_vec_push(&p->networks, from->peers.v[i].networks.v[k]);
        }
        for (size_t i = 0; i < from->addresses.n; i++)
                hv_vec_push(&ret->addresses, from->addresses.v[i]);
        for (size_t i = 0; i < from->routes.n; i++)
                hv_vec_push(&ret->routes, from->routes.v[i]);
}
