/* wireguard/quick.c - see quick.h. */
#include "wireguard/quick.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "base/base64.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/time.h"
#include "spec/value_name.h"
#include "spec/value_net.h"

#define KEY_LETTERS 44 /* of base64 */

enum section {
        SECTION_NONE,
        SECTION_INTERFACE,
        SECTION_PEER,
};

struct texts {
        HV_VEC(const char *) v;
};

/* What grows while it is read. */
struct peer {
        struct hv_spec_peer spec;
        struct texts allowed_ips;
        unsigned line;
};

struct reader {
        struct hv_wg_quick *q;
        struct hv_err *err;
        enum section section;
        unsigned line, interface_line;
        struct texts addresses;
        HV_VEC(struct peer) peers;
};

/* A piece of the file; not terminated. */
struct slice {
        const char *s;
        size_t n;
};

static struct slice trimmed(struct slice t) {
        while (t.n && (*t.s == ' ' || *t.s == '\t' || *t.s == '\r')) {
                t.s++;
                t.n--;
        }
        while (t.n && (t.s[t.n - 1] == ' ' || t.s[t.n - 1] == '\t' || t.s[t.n - 1] == '\r'))
                t.n--;
        return t;
}

static bool is_word(struct slice t, const char *word) {
        return t.n == strlen(word) && strncasecmp(t.s, word, t.n) == 0;
}

static char *keep(struct reader *r, struct slice t) {
        return hv_arena_strndup(r->q->arena, t.s, t.n);
}

static int fault(const struct reader *r, const char *format, ...) _hv_printf_(2, 3);
static int fault(const struct reader *r, const char *format, ...) {
        char text[400];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof text, format, ap);
        va_end(ap);
        return hv_err_set(r->err, -EINVAL, "line %u: %s", r->line, text);
}

static void note(struct reader *r, const char *text) {
        hv_vec_push(&r->q->notes, ((struct hv_wg_quick_note){ r->line, text }));
}

/* --- values --- */

static int read_key(struct reader *r, const char *name, struct slice value, struct hv_secret **ret) {
        unsigned char key[KEY_LETTERS]; /* 32 and the decoder's room */
        size_t size = 0;
        bool good = value.n == KEY_LETTERS && hv_base64_decode(value.s, value.n, key, &size) &&
                    size == HV_WG_KEY_SIZE;

        explicit_bzero(key, sizeof key);
        if (!good)
                return fault(r, "%s is not a key: %zu characters, expected %d of base64 that end in \"=\"",
                             name, value.n, KEY_LETTERS);
        if (*ret)
                return fault(r, "%s stands twice in this section", name);
        *ret = hv_secret_new(value.s, value.n);
        return 0;
}

static int read_number(struct reader *r, const char *name, struct slice value, uint64_t max, uint64_t *ret) {
        char text[16], quoted[HV_TEXT_QUOTE_SIZE];

        (void) snprintf(text, sizeof text, "%.*s", (int) HV_MIN(value.n, sizeof text), value.s);
        if (value.n >= sizeof text || !hv_parse_uint(text, 0, max, ret))
                return fault(r, "%s is %s, expected a number from 0 to %llu", name,
                             hv_text_quote(keep(r, value), quoted), (unsigned long long) max);
        return 0;
}

/* A number, 0x and hex digits, or "off". */
static int read_mark(struct reader *r, struct slice value) {
        char quoted[HV_TEXT_QUOTE_SIZE], *end;
        uint64_t n = 0;
        int result = 0;

        if (value.n > 2 && value.n <= 10 && strncasecmp(value.s, "0x", 2) == 0) {
                const char *hex = keep(r, value);

                n = strtoull(hex + 2, &end, 16);
                if (*end || hex[2] == '-' || hex[2] == '+' || hex[2] == ' ')
                        result = fault(r, "FwMark is %s, expected a number, 0x and hex digits, or off",
                                       hv_text_quote(hex, quoted));
        } else if (!is_word(value, "off"))
                result = read_number(r, "FwMark", value, UINT32_MAX, &n);
        if (result == 0)
                r->q->spec.firewall_mark = (int64_t) n;
        return result;
}

static int read_table(struct reader *r, struct slice value) {
        static const char *const automatic[] = { "auto", NULL }, *const none[] = { "none", NULL };

        if (is_word(value, "off"))
                r->q->spec.routes = (struct hv_strv){ none, 1 };
        else {
                r->q->spec.routes = (struct hv_strv){ automatic, 1 };
                if (!is_word(value, "auto"))
                        note(r, "Table: routes go to the main table");
        }
        return 0;
}

/* Each piece between commas; an empty list is fine, an empty piece is not. */
static int read_list(struct reader *r, const char *name, struct slice value,
                     int (*one)(struct reader *r, const char *text, struct texts *to), struct texts *to) {
        if (value.n == 0)
                return 0;
        for (;;) {
                const char *comma = memchr(value.s, ',', value.n);
                struct slice piece = { value.s, comma ? (size_t) (comma - value.s) : value.n };
                int result;

                piece = trimmed(piece);
                if (piece.n == 0)
                        return fault(r, "%s has an empty entry between commas", name);
                result = one(r, keep(r, piece), to);
                if (result < 0 || !comma)
                        return result;
                value.n -= (size_t) (comma - value.s) + 1;
                value.s = comma + 1;
        }
}

/* With a length, or one host. */
static int read_cidr(struct reader *r, const char *name, const char *text, struct hv_cidr *ret) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        if (strchr(text, '/')
                    ? hv_value_address_cidr(text, ret, NULL) == 0 || hv_value_cidr(text, ret, NULL) == 0
                    : hv_address_parse(text, &ret->address)) {
                if (!strchr(text, '/'))
                        ret->bits = ret->address.is_v6 ? 128 : 32;
                return 0;
        }
        return fault(r, "%s has %s, expected an address such as 10.0.0.2/24 or fd00::2/64", name,
                     hv_text_quote(text, quoted));
}

static int add_address(struct reader *r, const char *text, struct texts *to) {
        char address[HV_ADDRESS_SIZE];
        struct hv_cidr c = {};
        int result = read_cidr(r, "Address", text, &c);

        if (result == 0)
                hv_vec_push(&to->v,
                            (const char *) hv_arena_printf(r->q->arena, "%s/%u",
                                                           hv_address_format(&c.address, address), c.bits));
        return result;
}

static int add_network(struct reader *r, const char *text, struct texts *to) {
        char network[HV_ADDRESS_SIZE];
        struct hv_cidr c = {};
        int result = read_cidr(r, "AllowedIPs", text, &c);

        if (result == 0)
                hv_vec_push(&to->v, (const char *) hv_arena_strdup(r->q->arena, hv_cidr_format(&c, network)));
        return result;
}

/* --- sections --- */

static const struct {
        const char *name, *note;
} unused[] = {
        { "DNS", "DNS is not set: a tunnel of hivelet changes no resolver" },
        { "PreUp", "PreUp is not run" },
        { "PostUp", "PostUp is not run" },
        { "PreDown", "PreDown is not run" },
        { "PostDown", "PostDown is not run" },
        { "SaveConfig",
          "SaveConfig has no meaning here: the document is never written by what it describes" },
};

static int read_interface(struct reader *r, struct slice key, struct slice value) {
        uint64_t n;
        int result;

        if (is_word(key, "PrivateKey"))
                return read_key(r, "PrivateKey", value, &r->q->private_key);
        if (is_word(key, "Address"))
                return read_list(r, "Address", value, add_address, &r->addresses);
        if (is_word(key, "ListenPort")) {
                result = read_number(r, "ListenPort", value, UINT16_MAX, &n);
                r->q->spec.listen_port = result == 0 ? (int64_t) n : 0;
                return result;
        }
        if (is_word(key, "MTU")) {
                result = read_number(r, "MTU", value, UINT16_MAX, &n);
                r->q->spec.mtu = result == 0 ? (int64_t) n : 0;
                return result;
        }
        if (is_word(key, "FwMark"))
                return read_mark(r, value);
        if (is_word(key, "Table"))
                return read_table(r, value);
        for (size_t i = 0; i < HV_ARRAY_SIZE(unused); i++)
                if (is_word(key, unused[i].name)) {
                        note(r, unused[i].note);
                        return 0;
                }
        return -ENOENT;
}

static int read_public_key(struct reader *r, struct peer *p, struct slice value) {
        struct hv_fault wrong;
        unsigned char key[HV_WG_KEY_SIZE];

        if (p->spec.public_key)
                return fault(r, "PublicKey stands twice in this section; a peer begins with [Peer]");
        p->spec.public_key = keep(r, value);
        if (hv_value_wg_key(p->spec.public_key, "PublicKey", key, &wrong) != 0)
                return fault(r, "%s", wrong.message);
        return 0;
}

static int read_endpoint(struct reader *r, struct peer *p, struct slice value) {
        struct hv_endpoint e;
        struct hv_fault wrong;

        p->spec.endpoint = keep(r, value);
        if (hv_value_endpoint(p->spec.endpoint, "E0326", r->q->arena, &e, &wrong) != 0)
                return fault(r, "Endpoint: %s", wrong.message);
        return 0;
}

static int read_peer(struct reader *r, struct slice key, struct slice value) {
        struct peer *p = &r->peers.v[r->peers.n - 1];
        uint64_t seconds = 0;
        int result;

        if (is_word(key, "PublicKey"))
                return read_public_key(r, p, value);
        if (is_word(key, "PresharedKey"))
                return read_key(r, "PresharedKey", value, &r->q->preshared.v[r->peers.n - 1]);
        if (is_word(key, "AllowedIPs"))
                return read_list(r, "AllowedIPs", value, add_network, &p->allowed_ips);
        if (is_word(key, "Endpoint"))
                return read_endpoint(r, p, value);
        if (!is_word(key, "PersistentKeepalive"))
                return -ENOENT;
        result = is_word(value, "off") ? 0
                                       : read_number(r, "PersistentKeepalive", value, UINT16_MAX, &seconds);
        p->spec.persistent_keepalive_us = seconds * HV_USEC_PER_SEC;
        return result;
}

static int begin_section(struct reader *r, struct slice line) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        if (is_word(line, "[Interface]")) {
                if (r->interface_line)
                        return fault(r, "second [Interface]; the first is in line %u", r->interface_line);
                r->interface_line = r->line;
                r->section = SECTION_INTERFACE;
        } else if (is_word(line, "[Peer]")) {
                struct peer *p = hv_vec_add(&r->peers);

                p->line = r->line;
                p->spec.name = hv_arena_printf(r->q->arena, "peer-%zu", r->peers.n);
                p->spec.resolve.interval_us = 60 * HV_USEC_PER_SEC; /* the defaults of the schema */
                p->spec.resolve.on_stale_handshake_us = 150 * HV_USEC_PER_SEC;
                hv_vec_push(&r->q->preshared, NULL);
                r->section = SECTION_PEER;
        } else
                return fault(r, "unknown section %s, expected [Interface] or [Peer]",
                             hv_text_quote(keep(r, line), quoted));
        return 0;
}

static int read_line(struct reader *r, struct slice line) {
        const char *hash = memchr(line.s, '#', line.n), *equals;
        char quoted[HV_TEXT_QUOTE_SIZE];
        struct slice key, value;
        int result;

        if (hash)
                line.n = (size_t) (hash - line.s);
        line = trimmed(line);
        if (line.n == 0)
                return 0;
        if (*line.s == '[')
                return begin_section(r, line);
        equals = memchr(line.s, '=', line.n);
        if (!equals) /* not shown: somebody may have put a key on a line of its own */
                return fault(r, "expected a section or \"Name = value\"");
        key = trimmed((struct slice){ line.s, (size_t) (equals - line.s) });
        value = trimmed((struct slice){ equals + 1, line.n - (size_t) (equals - line.s) - 1 });
        if (r->section == SECTION_NONE)
                return fault(r, "stands before [Interface]");
        result = r->section == SECTION_INTERFACE ? read_interface(r, key, value) : read_peer(r, key, value);
        if (result != -ENOENT)
                return result;
        /* The name of a line that is no setting may be the first half of a key, which ends in "=". */
        if (key.n > 24)
                return fault(r, "unknown setting of %zu characters", key.n);
        return fault(r, "unknown setting %s in [%s]", hv_text_quote(keep(r, key), quoted),
                     r->section == SECTION_INTERFACE ? "Interface" : "Peer");
}

/* --- the whole --- */

static struct hv_strv strv_of(struct hv_arena *a, const struct texts *t) {
        const char **v = HV_ARENA_NEW_N(a, const char *, t->v.n + 1);

        for (size_t i = 0; i < t->v.n; i++)
                v[i] = t->v.v[i];
        return (struct hv_strv){ v, t->v.n };
}

static int check_whole(struct reader *r) {
        if (!r->interface_line)
                return hv_err_set(r->err, -EINVAL, "there is no [Interface]: not a file of wg-quick");
        r->line = r->interface_line;
        if (!r->q->private_key)
                return fault(r, "[Interface] has no PrivateKey");
        for (size_t i = 0; i < r->peers.n; i++) {
                r->line = r->peers.v[i].line;
                if (!r->peers.v[i].spec.public_key)
                        return fault(r, "[Peer] has no PublicKey");
                for (size_t k = 0; k < i; k++)
                        if (hv_streq(r->peers.v[i].spec.public_key, r->peers.v[k].spec.public_key))
                                return fault(r, "same PublicKey as the [Peer] in line %u",
                                             r->peers.v[k].line);
        }
        return 0;
}

static void finish(struct reader *r, const char *name) {
        struct hv_spec_wireguard *w = &r->q->spec;
        struct hv_spec_peer *peers = HV_ARENA_NEW_N(r->q->arena, struct hv_spec_peer, r->peers.n);

        for (size_t i = 0; i < r->peers.n; i++) {
                peers[i] = r->peers.v[i].spec;
                peers[i].allowed_ips = strv_of(r->q->arena, &r->peers.v[i].allowed_ips);
        }
        w->peers.v = peers;
        w->peers.n = r->peers.n;
        w->addresses = strv_of(r->q->arena, &r->addresses);
        w->o.name = hv_arena_strdup(r->q->arena, name);
        w->o.kind = HV_KIND_WIREGUARD;
}

static int read_lines(struct reader *r, const char *text, size_t len) {
        int result = 0;

        while (len > 0 && result == 0) {
                const char *end = memchr(text, '\n', len);
                size_t n = end ? (size_t) (end - text) : len;

                r->line++;
                result = memchr(text, '\0', n) ? fault(r, "a NUL byte; expected text")
                                               : read_line(r, (struct slice){ text, n });
                n += end != NULL;
                text += n;
                len -= n;
        }
        return result;
}

int hv_wg_quick_read(const char *text, size_t len, const char *name, struct hv_wg_quick *ret,
                     struct hv_err *err) {
        struct hv_wg_quick q = { .arena = hv_arena_new() };
        struct reader r = { .q = &q, .err = err };
        int result = 0;

        if (len > HV_WG_QUICK_MAX_BYTES)
                result = hv_err_set(err, -EINVAL, "%zu bytes, expected at most %u", len,
                                    HV_WG_QUICK_MAX_BYTES);
        (void) read_table(&r, (struct slice){ "auto", 4 });
        if (result == 0)
                result = read_lines(&r, text, len);
        if (result == 0)
                result = check_whole(&r);
        if (result == 0)
                finish(&r, name);
        for (size_t i = 0; i < r.peers.n; i++)
                hv_vec_done(&r.peers.v[i].allowed_ips.v);
        hv_vec_done(&r.peers);
        hv_vec_done(&r.addresses.v);
        if (result < 0)
                hv_wg_quick_done(&q);
        else
                *ret = q;
        return result;
}

void hv_wg_quick_done(struct hv_wg_quick *q) {
        (void) hv_secret_free(q->private_key);
        for (size_t i = 0; i < q->preshared.n; i++)
                (void) hv_secret_free(q->preshared.v[i]);
        hv_vec_done(&q->preshared);
        hv_vec_done(&q->notes);
        (void) hv_arena_free(q->arena);
        *q = (struct hv_wg_quick){};
}

const struct hv_secret *hv_wg_quick_preshared(void *quick, const struct hv_spec_peer *peer) {
        const struct hv_wg_quick *q = quick;

        return q->preshared.v[peer - q->spec.peers.v];
}
