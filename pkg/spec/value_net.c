/* spec/value_net.c - see value_net.h. */
#include "spec/value_net.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/parse.h"
#include "base/text.h"

static unsigned address_bits(const struct hv_address *a) {
        return a->is_v6 ? 128 : 32;
}

bool hv_address_parse(const char *text, struct hv_address *ret) {
        struct hv_address a = {};

        if (inet_pton(AF_INET, text, a.bytes) != 1) {
                if (inet_pton(AF_INET6, text, a.bytes) != 1)
                        return false;
                a.is_v6 = true;
        }
        *ret = a;
        return true;
}

bool hv_address_is_loopback(const struct hv_address *a) {
        static const unsigned char v6[16] = { [15] = 1 };

        return a->is_v6 ? memcmp(a->bytes, v6, sizeof v6) == 0 : a->bytes[0] == 127;
}

bool hv_address_is_any(const struct hv_address *a) {
        for (size_t i = 0; i < sizeof a->bytes; i++)
                if (a->bytes[i] != 0)
                        return false;
        return true;
}

bool hv_address_equal(const struct hv_address *a, const struct hv_address *b) {
        return a->is_v6 == b->is_v6 && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

const char *hv_address_format(const struct hv_address *a, char ret[HV_ADDRESS_SIZE]) {
        return inet_ntop(a->is_v6 ? AF_INET6 : AF_INET, a->bytes, ret, HV_ADDRESS_SIZE);
}

static bool same_bits(const struct hv_address *a, const struct hv_address *b, unsigned bits) {
        unsigned whole = bits / 8;
        unsigned char mask = (unsigned char) (0xff00u >> (bits % 8));

        if (a->is_v6 != b->is_v6 || memcmp(a->bytes, b->bytes, whole) != 0)
                return false;
        return bits % 8 == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & mask) == 0;
}

static struct hv_cidr network_of(const struct hv_cidr *c) {
        struct hv_cidr n = *c;

        for (unsigned bit = c->bits; bit < address_bits(&c->address); bit++)
                n.address.bytes[bit / 8] &= (unsigned char) ~(0x80u >> (bit % 8));
        return n;
}

bool hv_cidr_contains(const struct hv_cidr *c, const struct hv_address *a) {
        return same_bits(&c->address, a, c->bits);
}

bool hv_cidr_overlaps(const struct hv_cidr *a, const struct hv_cidr *b) {
        return same_bits(&a->address, &b->address, HV_MIN(a->bits, b->bits));
}

bool hv_cidr_equal(const struct hv_cidr *a, const struct hv_cidr *b) {
        return a->bits == b->bits && same_bits(&a->address, &b->address, a->bits);
}

const char *hv_cidr_format(const struct hv_cidr *c, char ret[HV_ADDRESS_SIZE]) {
        struct hv_cidr n = network_of(c);
        size_t len;

        (void) hv_address_format(&n.address, ret);
        len = strlen(ret);
        (void) snprintf(ret + len, HV_ADDRESS_SIZE - len, "/%u", c->bits);
        return ret;
}

int hv_value_address(const char *text, struct hv_address *ret, struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        if (hv_address_parse(text, ret))
                return 0;
        return hv_fault_set(fault, "E0308", "%s is not an IPv4 or IPv6 address", hv_text_quote(text, quoted));
}

int hv_value_address_cidr(const char *text, struct hv_cidr *ret, struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE], address[HV_ADDRESS_SIZE];
        const char *slash = strchr(text, '/');
        struct hv_cidr c;
        uint64_t bits;
        size_t n = slash ? (size_t) (slash - text) : strlen(text);

        (void) hv_text_quote(text, quoted);
        if (n >= sizeof address)
                return hv_fault_set(fault, "E0308", "%s is not ADDRESS/BITS such as 10.0.0.0/24", quoted);
        memcpy(address, text, n);
        address[n] = '\0';
        if (!hv_address_parse(address, &c.address))
                return hv_fault_set(fault, "E0308", "%s is not ADDRESS/BITS such as 10.0.0.0/24", quoted);
        if (!slash)
                return hv_fault_set(fault, "E0308",
                                    "%s has no prefix length, expected ADDRESS/BITS such as %s/%u", quoted,
                                    address, c.address.is_v6 ? 64u : 24u);
        if (!hv_parse_uint(slash + 1, 0, address_bits(&c.address), &bits))
                return hv_fault_set(fault, "E0308", "prefix length of %s is not a number from 0 to %u",
                                    quoted, address_bits(&c.address));
        c.bits = (unsigned) bits;
        *ret = c;
        return 0;
}

int hv_value_cidr(const char *text, struct hv_cidr *ret, struct hv_fault *fault) {
        struct hv_cidr c, network;
        int r = hv_value_address_cidr(text, &c, fault);

        if (r < 0)
                return r;
        network = network_of(&c);
        if (!hv_address_equal(&network.address, &c.address)) {
                char good[HV_ADDRESS_SIZE];

                return hv_fault_set(fault, "E0308", "%s has host bits set; did you mean %s?", text,
                                    hv_cidr_format(&c, good));
        }
        *ret = c;
        return 0;
}

/* "10.0.0.256" is no name: RFC 1123 section 2.1 asks for a last label that is not all digits. */
static bool is_host_name(const char *host) {
        const char *last = strrchr(host, '.');

        last = last ? last + 1 : host;
        return hv_text_is_dns_name(host) && last[strspn(last, "0123456789")] != '\0';
}

static int host_check(const char *host, const char *code, const char *quoted, struct hv_endpoint *e,
                      struct hv_fault *fault) {
        size_t n = strlen(host);
        char inner[HV_ADDRESS_SIZE];

        if (host[0] == '[') {
                if (n < 3 || n - 2 >= sizeof inner || host[n - 1] != ']')
                        return hv_fault_set(fault, code,
                                            "%s has brackets without an IPv6 address between them", quoted);
                memcpy(inner, host + 1, n - 2);
                inner[n - 2] = '\0';
                e->is_address = hv_address_parse(inner, &e->address) && e->address.is_v6;
                if (!e->is_address)
                        return hv_fault_set(fault, code,
                                            "%s has brackets without an IPv6 address between them", quoted);
                return 0;
        }
        e->is_address = hv_address_parse(host, &e->address);
        if (e->is_address || is_host_name(host))
                return 0;
        if (!*host)
                return hv_fault_set(fault, code, "%s has no host before the ':'", quoted);
        return hv_fault_set(fault, code, "%s does not name a host: expected a DNS name or an address",
                            quoted);
}

int hv_value_endpoint(const char *text, const char *code, struct hv_arena *a, struct hv_endpoint *ret,
                      struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE], *host;
        const char *colon = strrchr(text, ':');
        struct hv_endpoint e = {};
        struct hv_address address;
        uint64_t port;
        int r;

        (void) hv_text_quote(text, quoted);
        if (strstr(text, "://"))
                return hv_fault_set(fault, code, "%s is a URL, expected HOST:PORT", quoted);
        if (hv_address_parse(text, &address) && address.is_v6)
                return hv_fault_set(fault, code,
                                    "%s has no port; an IPv6 address goes in brackets: [%s]:PORT", quoted,
                                    text);
        if (!colon || strchr(colon, ']'))
                return hv_fault_set(fault, code, "%s has no port", quoted);
        host = hv_arena_strndup(a, text, (size_t) (colon - text));
        if (hv_address_parse(host, &address) && address.is_v6)
                return hv_fault_set(
                        fault, code, "%s has more than one ':'; an IPv6 address goes in brackets: [%s]:%s",
                        quoted, host, hv_parse_uint(colon + 1, 1, 65535, &port) ? colon + 1 : "PORT");
        if (*text != '[' && strchr(host, ':'))
                return hv_fault_set(fault, code, "%s has more than one ':', expected HOST:PORT", quoted);
        r = host_check(host, code, quoted, &e, fault);
        if (r < 0)
                return r;
        if (!hv_parse_uint(colon + 1, 1, 65535, &port))
                return hv_fault_set(fault, code, "port of %s is not a number from 1 to 65535", quoted);
        e.port = (uint16_t) port;
        if (*host == '[') {
                host++;
                host[strlen(host) - 1] = '\0';
        }
        e.host = host;
        *ret = e;
        return 0;
}

int hv_value_host(const char *text, struct hv_fault *fault) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        char quoted[HV_TEXT_QUOTE_SIZE];
        struct hv_endpoint e = {};

        (void) hv_text_quote(text, quoted);
        if (strstr(text, "://") || strchr(text, '/'))
                return hv_fault_set(fault, "E0501", "%s is a URL, expected HOST or HOST:PORT", quoted);
        if (strchr(text, ':') && (*text != '[' || strchr(strrchr(text, ':'), ']') == NULL))
                return hv_value_endpoint(text, "E0501", a, &e, fault);
        return host_check(text, "E0501", quoted, &e, fault);
}

int hv_value_port_range(const char *text, struct hv_port_range *ret, struct hv_fault *fault) {
        const char *dash = strchr(text, '-');
        char quoted[HV_TEXT_QUOTE_SIZE], first_text[8];
        size_t n = dash ? (size_t) (dash - text) : strlen(text);
        uint64_t first, last;

        (void) hv_text_quote(text, quoted);
        if (n >= sizeof first_text)
                return hv_fault_set(fault, "E0301",
                                    "%s is not a port from 1 to 65535, or a range such as 8080-8081", quoted);
        memcpy(first_text, text, n);
        first_text[n] = '\0';
        if (!hv_parse_uint(first_text, 1, 65535, &first) ||
            (dash && !hv_parse_uint(dash + 1, 1, 65535, &last)))
                return hv_fault_set(fault, "E0301",
                                    "%s is not a port from 1 to 65535, or a range such as 8080-8081", quoted);
        if (!dash)
                last = first;
        if (last < first)
                return hv_fault_set(fault, "E0301", "port range %s is reversed; did you mean %u-%u?", text,
                                    (unsigned) last, (unsigned) first);
        *ret = (struct hv_port_range){ (uint16_t) first, (uint16_t) last };
        return 0;
}

int hv_value_bind(const char *text, enum hv_bind *ret, struct hv_address *ret_address,
                  struct hv_fault *fault) {
        static const char *const classes[] = { "loopback", "wireguard",
                                               "public" }; /* in the order of enum hv_bind */
        char quoted[HV_TEXT_QUOTE_SIZE];
        struct hv_address address;
        const char *near;

        for (size_t i = 0; i < HV_ARRAY_SIZE(classes); i++)
                if (hv_streq(text, classes[i])) {
                        *ret = (enum hv_bind) i;
                        return 0;
                }
        if (hv_address_parse(text, &address)) {
                *ret = hv_address_is_any(&address)        ? HV_BIND_PUBLIC
                       : hv_address_is_loopback(&address) ? HV_BIND_LOOPBACK
                                                          : HV_BIND_ADDRESS;
                *ret_address = address;
                return 0;
        }
        near = hv_text_suggest(text, classes, HV_ARRAY_SIZE(classes));
        return hv_fault_set(fault, "E0303", "%s is not loopback, wireguard, public or an address%s%s%s",
                            hv_text_quote(text, quoted), near ? "; did you mean \"" : "", near ? near : "",
                            near ? "\"?" : "");
}
