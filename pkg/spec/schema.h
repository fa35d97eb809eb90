/* spec/schema.h - the one table that says what a document may hold.
 *
 * Model    A hv_schema describes one mapping: its fields, and the C struct (spec/types.h) it is decoded into.
 *          The very same rows drive decoding, defaults, "did you mean", `hivectl schema` (draft-07), `hivectl
 *          explain`, the reference page, the revision and the cost of a change: they cannot disagree.
 * Walking  starts at hv_schema_of() a kind and follows `schema` of the rows of type struct, and of lists
 *          whose `item` is a struct. There is no cycle.
 * Adding   a field = one member in types_*.h, one row in schema_*.c; what acts on it is somebody else's
 *          business, until then the row says `.planned` and its use is warned about (W040).
 */
#pragma once

#include "spec/diag.h"
#include "spec/kind.h"

/* The comment says the C type of the member that a field is decoded into. */
enum hv_field_type {
        HV_FIELD_TEXT,     /* const char *; NULL when absent */
        HV_FIELD_BOOL,     /* bool */
        HV_FIELD_INT,      /* int64_t */
        HV_FIELD_DECIMAL,  /* int64_t, thousandths: 1.5 is 1500 */
        HV_FIELD_CPU,      /* uint64_t, nano-CPUs: "500m", "1.5", 2 */
        HV_FIELD_BYTES,    /* uint64_t: "512Mi", "2G" */
        HV_FIELD_DURATION, /* uint64_t, microseconds: "90s", "1h30m" */
        HV_FIELD_PERCENT,  /* int64_t, whole percent: "50%" */
        HV_FIELD_MODE,     /* int64_t: "0400" in quotes, octal */
        HV_FIELD_ENUM,     /* int, index into `words` */
        HV_FIELD_STRUCT,   /* the struct itself, embedded; its `node` is NULL when absent */
        HV_FIELD_LIST,     /* HV_SPEC_LIST(...): array and length; `item` is the type of an element */
        HV_FIELD_MAP,      /* struct hv_pairs: text to text, sorted by name */
        HV_FIELD_WORDS,    /* struct hv_strv: one text or a list of texts */
        HV_FIELD_ANY,      /* const struct hv_node *: whatever was written; NULL when absent */
        HV_FIELD_REFUSED,  /* no member: known, and refused with `code` and `doc` */
};

/* What the text of a field means; who checks it is spec/check*.c, through hv_schema_walk(). For lists: of
 * each item; for maps: of each value. HV_FORMAT_REF_X is the name of another object. */
enum hv_format {
        HV_FORMAT_NONE,
        HV_FORMAT_NAME, /* DNS label, E0105 */
        HV_FORMAT_REF_NETWORK,
        HV_FORMAT_REF_VOLUME,
        HV_FORMAT_REF_SECRET,
        HV_FORMAT_REF_CONFIG,
        HV_FORMAT_REF_SERVICE,
        HV_FORMAT_REF_TASK,
        HV_FORMAT_REF_WIREGUARD,
        HV_FORMAT_IMAGE,         /* image reference, E0341 */
        HV_FORMAT_IMAGE_PATTERN, /* glob over full image names */
        HV_FORMAT_HOST_PORTS,    /* "8080", "8080-8081" */
        HV_FORMAT_PORT_OR_NAME,  /* 8080, or the name of one of the service's ports */
        HV_FORMAT_BIND,          /* loopback, wireguard, public or an address */
        HV_FORMAT_CIDR,          /* a network: no host bits */
        HV_FORMAT_ADDRESS_CIDR,  /* an address with its prefix length */
        HV_FORMAT_ADDRESS,       /* IPv4 or IPv6 */
        HV_FORMAT_HOST_PORT,     /* host:port */
        HV_FORMAT_HOST,          /* host name or address, port allowed */
        HV_FORMAT_URL,
        HV_FORMAT_ABSOLUTE_PATH,
        HV_FORMAT_RELATIVE_PATH,
        HV_FORMAT_HTTP_PATH,
        HV_FORMAT_SIGNAL,
        HV_FORMAT_CAPABILITY,
        HV_FORMAT_USER,
        HV_FORMAT_ENV_NAME,
        HV_FORMAT_CRON,
        HV_FORMAT_ZONE,
        HV_FORMAT_CLOCK,
        HV_FORMAT_WINDOW,
        HV_FORMAT_WG_KEY,
        HV_FORMAT_INTERFACE,
        HV_FORMAT_SHA256,
        HV_FORMAT_HOSTNAME,
        HV_FORMAT_REQUIREMENT, /* Python package: name, extras, versions; E0464 */
};

/* Of changing the field on a running object. */
enum hv_cost {
        HV_COST_NONE,     /* nothing in the engine changes */
        HV_COST_LIVE,     /* changed in place, no restart */
        HV_COST_RELOAD,   /* the program is told to read its files again */
        HV_COST_RECREATE, /* a new container (network, volume) */
};

struct hv_schema;

struct hv_field {
        const char *name;               /* as written in YAML */
        enum hv_field_type type, item;  /* item: of a list */
        size_t offset;                  /* into the typed struct */
        const struct hv_schema *schema; /* of a struct, or of a list's structs */
        const char *const *words;       /* of an enum, or of a list's: NULL-terminated, in the enum's order */
        const char *value; /* default, written as a user would; NULL: none (NULL, 0, false, empty) */
        bool required;
        bool sensitive; /* its value is never quoted or shown */
        bool planned;   /* parsed and checked, nothing acts on it yet: W040 */
        bool is_switch; /* struct: being there means something, even when it is empty */
        bool has_range; /* int, decimal (thousandths), cpu, bytes, percent, mode, duration (us) */
        int64_t min, max;
        enum hv_format format;
        enum hv_cost cost;
        const char *code; /* of what is special: refused field, number out of range, struct written as text */
        const char *not_text;   /* struct: what to say where a text stands in its place, with `code` */
        const char *deprecated; /* NULL, or what to use instead: W011 */
        const char *doc;        /* one sentence, capital, full stop */
        const char *example; /* as written in YAML (flow style for lists and mappings); NULL: see default */
};

/* A rule about several fields of one mapping. */
struct hv_group {
        const char *const *names; /* NULL-terminated */
        bool exclusive;           /* at most one of them (E0205) */
        bool needed;              /* at least one of them (E0206) */
};

struct hv_schema {
        const char *name; /* "Port": title in JSON Schema and reference */
        const char *doc;
        const struct hv_field *fields;
        size_t n_fields;
        size_t size;           /* of the typed struct */
        const char *key;       /* field that must be unique in a list of these; NULL: none (E0210) */
        const char *item_word; /* how messages call one: "port", "env" */
        const struct hv_group *groups;
        size_t n_groups;
        enum hv_kind kind; /* of a list of objects: the loader decodes those, document by document */
};

/* --- the table --- */

/* What the `spec` of a document of this kind holds; HV_KIND_NODESTATE: the whole node. NULL for HV_KIND_NONE.
 */
const struct hv_schema *hv_schema_of(enum hv_kind kind);
const struct hv_schema *hv_schema_metadata(void);

/* Field of NodeState that lists this kind ("services", "images.preload"); NULL for HV_KIND_NODESTATE. */
const char *hv_schema_list_path(enum hv_kind kind);

const struct hv_field *hv_schema_field(const struct hv_schema *s, const char *name);

/* "services.ports.host", "spec.services[0].ports[1].host" or "Service.ports.host": the row, and the schema it
 * stands in (ret_in may be NULL). List indices are ignored. NULL when there is none. */
const struct hv_field *hv_schema_find(const char *path, const struct hv_schema **ret_in);

const char *hv_field_type_name(const struct hv_field *f); /* "duration", "list of text", "word" */
const char *hv_cost_name(enum hv_cost cost);              /* "live" */
const char *hv_format_name(enum hv_format format);        /* "image reference"; "" for none */

/* --- decoding --- */

/* Fills `ret` (schema->size bytes) from a mapping, defaults included; `node` NULL gives defaults only.
 * Findings go to `d`; what is wrong keeps its default, so decoding always goes on. Texts are borrowed from
 * the nodes and the table, arrays are in `a`. */
void hv_schema_decode(const struct hv_schema *s, const struct hv_node *node, struct hv_arena *a,
                      struct hv_diags *d, void *ret);

/* One scalar of a field, without a struct around it. False (and findings, where d is given) when it does not
 * fit. */
union hv_value {
        const char *text;
        bool boolean;
        int64_t number;  /* int, decimal, percent, mode, enum */
        uint64_t amount; /* cpu, bytes, duration */
};
bool hv_schema_scalar(const struct hv_field *f, enum hv_field_type type, const struct hv_node *node,
                      struct hv_diags *d, union hv_value *ret);

/* Calls `visit` for every scalar that is set in a document's tree, with its row: how checks of formats and
 * references find what they check. Items of lists and values of maps are visited one by one. `object` is the
 * typed struct that holds the field. */
typedef void (*hv_schema_visit)(void *userdata, const struct hv_schema *s, const struct hv_field *f,
                                const struct hv_node *value, const void *object);
void hv_schema_walk(const struct hv_schema *s, const void *object, hv_schema_visit visit, void *userdata);
