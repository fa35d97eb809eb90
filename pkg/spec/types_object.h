/* spec/types_object.h - what every object has, and the objects that services and tasks share; see types.h. */
#pragma once

#include "spec/desired.h"
#include "spec/node.h"

#define HV_SPEC_LIST(type)     \
        struct {               \
                const type *v; \
                size_t n;      \
        }

/* Head of everything that has a name: first member of the structs of the lists of objects. */
struct hv_spec_object {
        const struct hv_node *node; /* entry in NodeState's list, or `spec` of its own document */
        const char *name;
        struct hv_pairs labels, annotations; /* of the entry, and of `metadata` of its own document */
        enum hv_kind kind;
        const struct hv_node *name_node; /* where the name stands */
        const struct hv_spec_document *document;
};

struct hv_spec_metadata {
        const struct hv_node *node;
        const char *name;
        struct hv_pairs labels, annotations;
};

/* One YAML document of the set. */
struct hv_spec_document {
        const struct hv_node *root; /* NULL: the empty NodeState that is assumed without a file */
        enum hv_kind kind;
        unsigned file;           /* hv_diags_file() */
        const char *source;      /* "file", "api", "fleet", ... */
        bool primary, overrides; /* overrides: annotation hivelet/override */
        struct hv_spec_metadata metadata;
};

/* --- shared objects --- */

struct hv_spec_registry_auth {
        const struct hv_node *node;
        const char *secret;
};
struct hv_spec_registry {
        struct hv_spec_object o;
        const char *host;
        struct hv_spec_registry_auth auth;
        struct hv_strv mirrors;
};

struct hv_spec_image {
        struct hv_spec_object o;
        const char *ref;
        bool pin;
}; /* o.name is `ref` where none is given */
struct hv_spec_pull {
        const struct hv_node *node;
        int64_t parallel;
        uint64_t stall_timeout_us;
        int64_t retries;
        const char *window;
};
struct hv_spec_images {
        const struct hv_node *node;
        struct hv_spec_pull pull;
        const char *archives;                       /* a folder; NULL: none */
        HV_SPEC_LIST(struct hv_spec_image) preload; /* of every document, as the lists of hv_spec_tree */
};

struct hv_spec_network {
        struct hv_spec_object o;
        const char *driver;
        bool internal;
        const char *subnet, *gateway;
        struct hv_pairs options;
};

enum hv_reclaim { HV_RECLAIM_RETAIN, HV_RECLAIM_DELETE };
enum hv_access { HV_ACCESS_SHARED, HV_ACCESS_EXCLUSIVE };
struct hv_spec_volume {
        struct hv_spec_object o;
        const char *driver;
        struct hv_pairs options;
        int reclaim, access;
};

enum hv_generate { HV_GENERATE_NONE, HV_GENERATE_WIREGUARD };
struct hv_spec_secret { /* exactly one of the three is set */
        struct hv_spec_object o;
        const char *from_file, *from_credential;
        int generate; /* enum hv_generate */
};
struct hv_spec_config {
        struct hv_spec_object o;
        struct hv_pairs data;
};

/* --- WireGuard --- */

struct hv_spec_key {
        const struct hv_node *node;
        const char *secret, *file;
};
struct hv_spec_resolve {
        const struct hv_node *node;
        uint64_t interval_us, on_stale_handshake_us;
};
struct hv_spec_peer {
        const struct hv_node *node;
        const char *name, *public_key;
        struct hv_spec_key preshared_key;
        const char *endpoint;
        struct hv_spec_resolve resolve;
        struct hv_strv allowed_ips;
        uint64_t persistent_keepalive_us; /* 0: off */
};
struct hv_spec_wireguard_healthy {
        const struct hv_node *node;
        struct hv_strv peers;
        uint64_t max_handshake_age_us;
};
struct hv_spec_join {
        const struct hv_node *node;
        const char *url, *client_name;
        const char *ca_file; /* NULL: the system's */
        bool insecure;
};
struct hv_spec_wireguard {
        struct hv_spec_object o;
        struct hv_spec_key private_key;
        struct hv_strv addresses;
        int64_t listen_port, mtu; /* 0: chosen by the kernel; 0: 1420 */
        int64_t firewall_mark;    /* 0: none */
        struct hv_strv routes;    /* {"auto"}, {"none"} or CIDRs */
        HV_SPEC_LIST(struct hv_spec_peer) peers;
        struct hv_spec_wireguard_healthy healthy;
        struct hv_spec_join join;
        bool is_joined; /* no field: addresses and peers are what the service of `join` gave (spec/join.h) */
};
