/* spec/value_net.h - addresses, networks, endpoints, ports.
 *
 * Source   text forms: RFC 4291 section 2.2 (IPv6), dotted decimal without leading zeros (IPv4), RFC 4632
 *          (prefixes), RFC 3986 section 3.2 (host:port, IPv6 in brackets).
 */
#pragma once

#include "spec/value.h"

#define HV_ADDRESS_SIZE 64 /* any address with a prefix length, as text */

struct hv_arena;

struct hv_address {
        bool is_v6;
        unsigned char bytes[16]; /* 4 of them for IPv4 */
};

struct hv_cidr {
        struct hv_address address;
        unsigned bits;
};

struct hv_endpoint {
        const char *host; /* without brackets; in the arena */
        uint16_t port;
        bool is_address;
        struct hv_address address; /* when is_address */
};

struct hv_port_range {
        uint16_t first, last;
};

enum hv_bind {
        HV_BIND_LOOPBACK,
        HV_BIND_WIREGUARD,
        HV_BIND_PUBLIC,
        HV_BIND_ADDRESS,
};

bool hv_address_parse(const char *text, struct hv_address *ret);
bool hv_address_is_loopback(const struct hv_address *a); /* 127.0.0.0/8, ::1 */
bool hv_address_is_any(const struct hv_address *a);      /* 0.0.0.0, :: */
bool hv_address_equal(const struct hv_address *a, const struct hv_address *b);
const char *hv_address_format(const struct hv_address *a, char ret[HV_ADDRESS_SIZE]);

/* An IPv4 or IPv6 address (E0308). */
int hv_value_address(const char *text, struct hv_address *ret, struct hv_fault *fault);

/* A network such as 10.0.0.0/24: no host bits (E0308). */
int hv_value_cidr(const char *text, struct hv_cidr *ret, struct hv_fault *fault);

/* An address inside a network, such as 10.0.0.17/24: host bits are the point (E0308). */
int hv_value_address_cidr(const char *text, struct hv_cidr *ret, struct hv_fault *fault);

bool hv_cidr_contains(const struct hv_cidr *c, const struct hv_address *a);
bool hv_cidr_overlaps(const struct hv_cidr *a, const struct hv_cidr *b);
bool hv_cidr_equal(const struct hv_cidr *a,
                   const struct hv_cidr *b); /* of the networks: host bits do not count */
const char *hv_cidr_format(const struct hv_cidr *c,
                           char ret[HV_ADDRESS_SIZE]); /* the network, host bits cleared */

/* host:port, the host a name or an address. `code` is E0326 for WireGuard, E0501 for the rest. */
int hv_value_endpoint(const char *text, const char *code, struct hv_arena *a, struct hv_endpoint *ret,
                      struct hv_fault *fault);

/* host or host:port: what a registry is called (E0501). */
int hv_value_host(const char *text, struct hv_fault *fault);

/* "8080" or "8080-8081" (E0301). */
int hv_value_port_range(const char *text, struct hv_port_range *ret, struct hv_fault *fault);

/* loopback, wireguard, public or an address (E0303). The any-address is the class public, 127.0.0.1 loopback.
 */
int hv_value_bind(const char *text, enum hv_bind *ret, struct hv_address *ret_address,
                  struct hv_fault *fault);
