/* wireguard/uapi_text.c - see uapi_text.h. */
#include "wireguard/uapi_text.h"

#include <errno.h>
#include <stdio.h>

#include "base/parse.h"
#include "base/time.h"

#define HEX_SIZE ((size_t) 2 * HV_WG_KEY_SIZE)

/* --- text that holds keys --- */

void hv_wg_text_done(struct hv_wg_text *t) {
        if (t->data)
                explicit_bzero(t->data, t->cap);
        free(t->data);
        *t = (struct hv_wg_text){};
}

void hv_wg_text_add(struct hv_wg_text *t, const void *data, size_t n) {
        if (t->len + n + 1 > t->cap) {
                struct hv_wg_text more = { .cap = HV_MAX(2 * t->cap, t->len + n + 4096), .len = t->len };

                more.data = hv_malloc(more.cap);
                if (t->len)
                        memcpy(more.data, t->data, t->len);
                hv_wg_text_done(t);
                *t = more;
        }
        if (n)
                memcpy(t->data + t->len, data, n);
        t->len += n;
        t->data[t->len] = '\0';
}

static void put(struct hv_wg_text *t, const char *s) {
        hv_wg_text_add(t, s, strlen(s));
}

static void put_line(struct hv_wg_text *t, const char *key, const char *value) {
        put(t, key);
        put(t, "=");
        put(t, value);
        put(t, "\n");
}

static void put_number(struct hv_wg_text *t, const char *key, uint32_t n) {
        char text[16];

        (void) snprintf(text, sizeof text, "%u", n);
        put_line(t, key, text);
}

/* NULL: no key. */
static void put_key(struct hv_wg_text *t, const char *name, const void *key) {
        static const unsigned char none[HV_WG_KEY_SIZE];
        static const char digits[] = "0123456789abcdef";
        const unsigned char *bytes = key ? key : none;
        char hex[HEX_SIZE + 1];

        for (size_t i = 0; i < HV_WG_KEY_SIZE; i++) {
                hex[2 * i] = digits[bytes[i] >> 4];
                hex[2 * i + 1] = digits[bytes[i] & 15];
        }
        hex[HEX_SIZE] = '\0';
        put_line(t, name, hex);
        explicit_bzero(hex, sizeof hex);
}

static const void *key_bytes(const struct hv_secret *s) {
        return s ? hv_secret_bytes(s) : NULL;
}

/* --- asking --- */

static void put_networks(struct hv_wg_text *t, const struct hv_wg_step *s) {
        char text[HV_ADDRESS_SIZE];

        for (size_t i = 0; i < s->n_networks; i++)
                put_line(t, "allowed_ip", hv_cidr_format(&s->networks[i], text));
}

static void put_device(struct hv_wg_text *t, const struct hv_wg_step *s) {
        if (s->fields & HV_WG_PRIVATE_KEY)
                put_key(t, "private_key", key_bytes(s->want->private_key));
        if (s->fields & HV_WG_LISTEN_PORT)
                put_number(t, "listen_port", s->want->listen_port);
        if (s->fields & HV_WG_FIREWALL_MARK)
                put_number(t, "fwmark", s->want->firewall_mark);
}

static void put_peer(struct hv_wg_text *t, const struct hv_wg_step *s) {
        char text[HV_WG_ENDPOINT_SIZE];

        put_key(t, "public_key", s->peer->public_key.bytes);
        if (!(s->fields & HV_WG_NEW))
                put_line(t, "update_only", "true");
        if (s->fields & HV_WG_PRESHARED_KEY)
                put_key(t, "preshared_key", key_bytes(s->peer->preshared_key));
        if (s->fields & HV_WG_ENDPOINT)
                put_line(t, "endpoint", hv_wg_endpoint_format(&s->peer->endpoint, text));
        if (s->fields & HV_WG_KEEPALIVE)
                put_number(t, "persistent_keepalive_interval", s->peer->keepalive_s);
        put_networks(t, s);
}

static void put_removal(struct hv_wg_text *t, const struct hv_wg_key *key) {
        put_key(t, "public_key", key->bytes);
        put_line(t, "remove", "true");
}

void hv_wg_uapi_get(struct hv_wg_text *ret) {
        put(ret, "get=1\n\n");
}

void hv_wg_uapi_set(const struct hv_wg_step *steps, size_t n, struct hv_wg_text *ret) {
        put(ret, "set=1\n");
        /* The device's lines go before any peer's: a line behind public_key= is that peer's. */
        for (size_t i = 0; i < n; i++)
                if (steps[i].kind == HV_WG_DEVICE_SET)
                        put_device(ret, &steps[i]);
        for (size_t i = 0; i < n; i++)
                switch (steps[i].kind) {
                case HV_WG_PEER_SET:
                        put_peer(ret, &steps[i]);
                        break;
                case HV_WG_NETWORKS_DROP:
                        put_key(ret, "public_key", hv_wg_drop_key.bytes);
                        put_networks(ret, &steps[i]);
                        put_removal(ret, &hv_wg_drop_key);
                        break;
                case HV_WG_PEER_REMOVE:
                        put_removal(ret, &steps[i].peer->public_key);
                        break;
                default:
                        break;
                }
        put(ret, "\n");
}

/* --- answers --- */

bool hv_wg_uapi_is_complete(const char *text, size_t len) {
        return len >= 2 && text[len - 1] == '\n' && text[len - 2] == '\n';
}

struct reader {
        struct hv_wg_interface *into;
        struct hv_wg_peer *peer;
        size_t line;
        int64_t error; /* the answer's errno */
        bool ended;    /* errno= was read */
        struct hv_err *err;
};

/* The value is not told: it may be a key. */
static int bad(const struct reader *r, const char *key) {
        return hv_err_set(r->err, -EBADMSG, "line %zu of WireGuard's answer: %s has a value that is none",
                          r->line, key);
}

static int hex_digit(char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_key(const char *hex, unsigned char ret[HV_WG_KEY_SIZE]) {
        if (strlen(hex) != HEX_SIZE)
                return false;
        for (size_t i = 0; i < HV_WG_KEY_SIZE; i++) {
                int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

                if (high < 0 || low < 0)
                        return false;
                ret[i] = (unsigned char) (high << 4 | low);
        }
        return true;
}

static bool parse_seal(const char *hex, struct hv_wg_seal *ret) {
        unsigned char key[HV_WG_KEY_SIZE];
        bool good = parse_key(hex, key);

        if (good)
                *ret = hv_wg_seal(key);
        explicit_bzero(key, sizeof key);
        return good;
}

static bool read_device(struct hv_wg_interface *i, const char *key, const char *value) {
        uint64_t n;

        if (hv_streq(key, "private_key"))
                return parse_seal(value, &i->private_seal);
        if (hv_streq(key, "listen_port")) {
                if (!hv_parse_uint(value, 0, UINT16_MAX, &n))
                        return false;
                i->listen_port = (uint16_t) n;
        } else if (hv_streq(key, "fwmark")) {
                if (!hv_parse_uint(value, 0, UINT32_MAX, &n))
                        return false;
                i->firewall_mark = (uint32_t) n;
        }
        return true;
}

static bool read_network(struct hv_wg_peer *p, const char *value) {
        struct hv_cidr c;

        if (hv_value_address_cidr(value, &c, NULL) != 0 && hv_value_cidr(value, &c, NULL) != 0)
                return false;
        hv_vec_push(&p->networks, hv_wg_network(&c));
        return true;
}

static bool read_handshake(struct hv_wg_peer *p, const char *key, const char *value) {
        uint64_t n;

        if (hv_streq(key, "last_handshake_time_sec")) {
                if (!hv_parse_uint(value, 0, UINT64_MAX / HV_USEC_PER_SEC - 1, &n))
                        return false;
                p->handshake_us = n * HV_USEC_PER_SEC;
                return true;
        }
        if (!hv_parse_uint(value, 0, 999999999, &n))
                return false;
        if (n && p->handshake_us % HV_USEC_PER_SEC == 0)
                p->handshake_us += n / 1000;
        return true;
}

static bool read_peer(struct hv_wg_peer *p, const char *key, const char *value) {
        uint64_t n;

        if (hv_streq(key, "preshared_key"))
                return parse_seal(value, &p->preshared_seal);
        if (hv_streq(key, "endpoint"))
                return hv_wg_endpoint_parse(value, &p->endpoint);
        if (hv_streq(key, "allowed_ip"))
                return read_network(p, value);
        if (hv_has_prefix(key, "last_handshake_time_"))
                return read_handshake(p, key, value);
        if (hv_streq(key, "persistent_keepalive_interval")) {
                if (!hv_parse_uint(value, 0, UINT16_MAX, &n))
                        return false;
                p->keepalive_s = (uint16_t) n;
                return true;
        }
        if (hv_streq(key, "rx_bytes"))
                return hv_parse_uint(value, 0, UINT64_MAX, &p->rx_bytes);
        if (hv_streq(key, "tx_bytes"))
                return hv_parse_uint(value, 0, UINT64_MAX, &p->tx_bytes);
        return true; /* protocol_version, and what later versions add */
}

static bool read_errno(struct reader *r, const char *value) {
        bool negative = *value == '-';
        uint64_t n;

        if (!hv_parse_uint(value + negative, 0, 4095, &n)) /* MAX_ERRNO of the kernel */
                return false;
        r->error = (int64_t) n;
        r->ended = true;
        return true;
}

static int read_line(struct reader *r, char *line) {
        char *value = strchr(line, '=');

        if (!value)
                return hv_err_set(r->err, -EBADMSG, "line %zu of WireGuard's answer is not key=value",
                                  r->line);
        *value++ = '\0';
        if (hv_streq(line, "errno"))
                return read_errno(r, value) ? 0 : bad(r, line);
        if (!r->into)
                return 0;
        if (hv_streq(line, "public_key")) {
                struct hv_wg_key key = {};

                if (!parse_key(value, key.bytes))
                        return bad(r, line);
                r->peer = hv_vec_add(&r->into->peers);
                r->peer->public_key = key;
                return 0;
        }
        if (r->peer ? !read_peer(r->peer, line, value) : !read_device(r->into, line, value))
                return bad(r, line);
        return 0;
}

int hv_wg_uapi_parse(char *text, size_t len, struct hv_wg_interface *into, struct hv_err *err) {
        struct reader r = { .into = into, .err = err };
        char *end;

        if (memchr(text, '\0', len) || !hv_wg_uapi_is_complete(text, len))
                return hv_err_set(err, -EBADMSG,
                                  "WireGuard's answer of %zu bytes does not end with an empty line", len);
        for (; *text != '\n'; text = end + 1) {
                int n;

                r.line++;
                end = strchr(text, '\n');
                *end = '\0';
                if (r.ended)
                        return hv_err_set(err, -EBADMSG, "WireGuard's answer goes on behind errno=");
                n = read_line(&r, text);
                if (n < 0)
                        return n;
        }
        if (!r.ended)
                return hv_err_set(err, -EBADMSG, "WireGuard's answer has no errno=");
        if (r.error)
                return hv_err_errno(err, (int) -r.error, "WireGuard refused");
        return 0;
}
