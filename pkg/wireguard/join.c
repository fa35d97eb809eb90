/* wireguard/join.c - see join.h. */
#include "wireguard/join.h"

#include <errno.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/time.h"
#include "spec/value_net.h"
#include "wireguard/keypair.h"
#include "json/json.h"
#include "json/write.h"

#define PAUSE_MAX_S 3600u
#define ADDRESSES_MAX 4u
#define PEERS_MAX 8u
#define NETWORKS_MAX 64u /* of one peer */
#define MTU_MIN 576      /* as in documents */

void hv_wg_join_done(struct hv_wg_join *j) {
        (void) hv_secret_free(j->config);
        hv_wg_quick_done(&j->quick);
        free(j->client_name);
        *j = (struct hv_wg_join){};
}

void hv_wg_join_ask(const char *client_name, struct hv_buf *ret) {
        struct hv_json_writer w = { .buf = ret };

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "client_name", client_name);
        hv_json_end(&w);
}

/* ---- a configuration ---- */

/* Whole networks of which no address is anybody's on the internet. */
static bool is_private(const struct hv_cidr *c) {
        static const char *const ranges[] = { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                                              "100.64.0.0/10", "fd00::/8" };
        struct hv_cidr range;

        for (size_t i = 0; i < HV_ARRAY_SIZE(ranges); i++)
                if (hv_value_cidr(ranges[i], &range, NULL) == 0 && c->bits >= range.bits &&
                    hv_cidr_contains(&range, &c->address))
                        return true;
        return false;
}

/* No bit of a host is set, where there is room for hosts. */
static bool is_network(const struct hv_cidr *c) {
        char address[HV_ADDRESS_SIZE], network[HV_ADDRESS_SIZE], *slash;

        (void) hv_cidr_format(c, network);
        slash = strchr(network, '/');
        if (slash)
                *slash = '\0';
        return c->bits < (c->address.is_v6 ? 127 : 31) &&
               hv_streq(hv_address_format(&c->address, address), network);
}

static int check_addresses(const struct hv_spec_wireguard *w, struct hv_err *err) {
        struct hv_cidr mine, other;

        if (w->addresses.n < 1 || w->addresses.n > ADDRESSES_MAX)
                return hv_err_set(err, -EINVAL, "it has %zu addresses, expected 1 to %u", w->addresses.n,
                                  ADDRESSES_MAX);
        for (size_t i = 0; i < w->addresses.n; i++) {
                const char *text = w->addresses.v[i];

                if (hv_value_address_cidr(text, &mine, NULL) < 0 || is_network(&mine))
                        return hv_err_set(err, -EINVAL, "Address %s is no address of a host", text);
                if (!is_private(&mine))
                        return hv_err_set(
                                err, -EINVAL,
                                "Address %s is not in a private network (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, "
                                "100.64.0.0/10, fd00::/8); traffic for others would go into the tunnel",
                                text);
                for (size_t k = 0; k < i; k++)
                        if (hv_value_address_cidr(w->addresses.v[k], &other, NULL) == 0 &&
                            hv_address_equal(&mine.address, &other.address))
                                return hv_err_set(err, -EINVAL, "Address %s stands twice", text);
        }
        return 0;
}

/* False: the text is no key. */
static bool public_of(const struct hv_secret *key, unsigned char ret[HV_WG_KEY_SIZE]) {
        unsigned char secret[HV_WG_KEY_TEXT_SIZE]; /* with the decoder's room */
        size_t n = 0;
        bool good =
                hv_base64_decode(hv_secret_bytes(key), hv_secret_len(key), secret, &n) && n == HV_WG_KEY_SIZE;

        if (good)
                hv_wg_public_key(secret, ret);
        explicit_bzero(secret, sizeof secret);
        return good;
}

static int check_peers(const struct hv_wg_quick *q, struct hv_err *err) {
        unsigned char own[HV_WG_KEY_SIZE], key[HV_WG_KEY_SIZE];
        bool reachable = false;

        if (q->spec.peers.n < 1 || q->spec.peers.n > PEERS_MAX)
                return hv_err_set(err, -EINVAL, "it has %zu peers, expected 1 to %u", q->spec.peers.n,
                                  PEERS_MAX);
        if (!public_of(q->private_key, own))
                return hv_err_set(err, -EINVAL, "its PrivateKey is none");
        for (size_t i = 0; i < q->spec.peers.n; i++) {
                const struct hv_spec_peer *p = &q->spec.peers.v[i];

                if (hv_value_wg_key(p->public_key, "PublicKey", key, NULL) == 0 &&
                    memcmp(key, own, sizeof key) == 0)
                        return hv_err_set(err, -EINVAL, "the PublicKey of %s is this node's own", p->name);
                if (p->allowed_ips.n > NETWORKS_MAX)
                        return hv_err_set(err, -EINVAL,
                                          "%s has %zu networks in AllowedIPs, expected at most %u", p->name,
                                          p->allowed_ips.n, NETWORKS_MAX);
                reachable = reachable || p->endpoint;
        }
        return reachable ? 0
                         : hv_err_set(err, -EINVAL,
                                      "none of its peers has an Endpoint: nobody could be spoken to");
}

int hv_wg_join_config(const char *text, size_t len, const char *interface, struct hv_wg_quick *ret,
                      struct hv_err *err) {
        struct hv_wg_quick q = {};
        int r;

        if (len > HV_WG_JOIN_CONFIG_BYTES)
                return hv_err_set(err, -EINVAL, "%zu bytes, expected at most %u", len,
                                  HV_WG_JOIN_CONFIG_BYTES);
        r = hv_wg_quick_read(text, len, interface, &q, err);
        if (r < 0)
                return r;
        if (q.spec.mtu && q.spec.mtu < MTU_MIN)
                r = hv_err_set(err, -EINVAL, "MTU is %lld, expected %d to 65535", (long long) q.spec.mtu,
                               MTU_MIN);
        if (r >= 0)
                r = check_addresses(&q.spec, err);
        if (r >= 0)
                r = check_peers(&q, err);
        if (r < 0)
                hv_wg_quick_done(&q);
        else
                *ret = q;
        return r;
}

/* ---- an answer ---- */

static uint64_t pause_of(const struct hv_wg_join_answer *a, const struct hv_json *j) {
        int64_t said_s = hv_json_int(j, "rate_limit_seconds", 0);
        uint64_t header_s = 0;

        if (a->retry_after && !hv_parse_uint(a->retry_after, 0, UINT64_MAX, &header_s))
                header_s = 0; /* a date: clocks differ */
        return HV_MIN(HV_MAX(header_s, said_s > 0 ? (uint64_t) said_s : 0), PAUSE_MAX_S) * HV_USEC_PER_SEC;
}

/* ": "its words"", or nothing. */
static const char *words_of(const struct hv_json *j, char ret[HV_TEXT_QUOTE_SIZE + 2]) {
        char quoted[HV_TEXT_QUOTE_SIZE];
        const char *text = hv_json_str(j, "error");

        (void) snprintf(ret, HV_TEXT_QUOTE_SIZE + 2, "%s%s", text ? ": " : "",
                        text ? hv_text_quote(text, quoted) : "");
        return ret;
}

static enum hv_wg_join_end refuse(const struct hv_wg_join_answer *a, const struct hv_json *j,
                                  struct hv_err *err) {
        char words[HV_TEXT_QUOTE_SIZE + 2], quoted[HV_TEXT_QUOTE_SIZE];

        (void) words_of(j, words);
        if (a->status == 429) {
                (void) hv_err_set(err, -EAGAIN, "the service lets no more nodes in for a while (429)%s",
                                  words);
                return HV_WG_JOIN_FAILED;
        }
        if (a->status >= 500) {
                (void) hv_err_set(err, -EIO, "the service failed (%u)%s", a->status, words);
                return HV_WG_JOIN_FAILED;
        }
        if (a->status == 401 || a->status == 403)
                (void) hv_err_set(
                        err, -EACCES,
                        "the service does not let this node in (%u)%s; ask whoever runs it to allow this node",
                        a->status, words);
        else if (a->status >= 300 && a->status < 400)
                (void) hv_err_set(
                        err, -EREMCHG,
                        "the service sends this node elsewhere (%u), to %s, which is not followed; write in join.url where "
                        "it really is",
                        a->status, hv_text_quote(a->location ? a->location : "", quoted));
        else
                (void) hv_err_set(err, -EBADMSG,
                                  "the service answers %u%s; join.url must be the whole address, such as "
                                  "https://pool.example.org/api/vpn/join",
                                  a->status, words);
        return HV_WG_JOIN_REFUSED;
}

static enum hv_wg_join_end take(const struct hv_json *j, const char *interface, struct hv_wg_join *ret,
                                struct hv_err *err) {
        const char *config = hv_json_str(j, "config");
        char words[HV_TEXT_QUOTE_SIZE + 2];

        if (hv_json_type(j) != HV_JSON_OBJECT || !hv_json_bool(j, "success", false)) {
                (void) hv_err_set(err, -EBADMSG, "the service answers 200 without success: true%s",
                                  words_of(j, words));
                return HV_WG_JOIN_REFUSED;
        }
        if (!config) {
                (void) hv_err_set(err, -EBADMSG, "the service answers 200 without a config");
                return HV_WG_JOIN_REFUSED;
        }
        if (hv_wg_join_config(config, strlen(config), interface, &ret->quick, err) < 0) {
                (void) hv_err_prefix(err, -EBADMSG,
                                     "the configuration that the service sent cannot be taken");
                return HV_WG_JOIN_REFUSED;
        }
        ret->config = hv_secret_new(config, strlen(config));
        ret->client_name = hv_strdup(hv_json_str(j, "client_name"));
        return HV_WG_JOIN_GIVEN;
}

enum hv_wg_join_end hv_wg_join_read(const struct hv_wg_join_answer *answer, const char *interface,
                                    struct hv_wg_join *ret, struct hv_err *err) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        enum hv_wg_join_end end;
        const char *config;

        *ret = (struct hv_wg_join){};
        if (hv_json_parse(answer->body, answer->body_len, HV_WG_JOIN_ANSWER_BYTES, &j, err) < 0) {
                /* Its words may be a key that stands in the wrong place: they are not shown. */
                (void) hv_err_set(err, -EBADMSG, "the answer is no JSON");
                j = NULL;
        }
        ret->pause_us = pause_of(answer, j);
        if (answer->status != 200)
                return refuse(answer, j, err);
        if (!j) {
                (void) hv_err_set(
                        err, -EBADMSG,
                        "the service answers 200 with something that is no JSON; is join.url the address of a VPN service?");
                return HV_WG_JOIN_REFUSED;
        }
        end = take(j, interface, ret, err);
        config = hv_json_str(j, "config");
        if (config) /* nobody else reads the document */
                explicit_bzero((char *) (uintptr_t) config, strlen(config));
        return end;
}
