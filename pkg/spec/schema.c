/* spec/schema.c - the top of the table, and finding one's way in it. */
#include "spec/schema_internal.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/duration.h"
#include "base/quantity.h"

static const struct hv_field metadata_rows[] = {
        { HV_ROW(metadata, "name", TEXT, name), .format = HV_FORMAT_NAME, .doc = "Name of the object.",
          .example = "worker-berlin-07" },
        { HV_ROW(metadata, "labels", MAP, labels), .doc = "Labels of the object.",
          .example = "{site: berlin}" },
        { HV_ROW(metadata, "annotations", MAP, annotations), .doc = "Notes for tools.",
          .example = "{owner: \"ops@example.org\"}" },
};
static const struct hv_schema metadata = { .name = "Metadata",
                                           .doc = "Name and labels of a document.",
                                           HV_FIELDS(metadata_rows),
                                           HV_SIZED(metadata) };

static const struct hv_field state_rows[] = {
        { HV_NESTED(state, "node", host, hv_schema_node),
          .doc = "The node itself: what it is, what it allows.", .example = "{location: DE}" },
        { HV_NESTED(state, "resources", resources, hv_schema_resources),
          .doc = "What is given away, what is held back.", .example = "{reserved: {memory: 1Gi}}" },
        { HV_STRUCTS(state, "registries", registries, hv_schema_registry), .doc = "Where images come from.",
          .example = "[{name: private, host: registry.example.org}]" },
        { HV_NESTED(state, "images", images, hv_schema_images),
          .doc = "How images are pulled, and which beforehand.", .example = "{pull: {parallel: 2}}" },
        { HV_STRUCTS(state, "networks", networks, hv_schema_network), .doc = "Networks of the engine.",
          .example = "[{name: backend, internal: true}]" },
        { HV_STRUCTS(state, "volumes", volumes, hv_schema_volume), .doc = "Data that outlives containers.",
          .example = "[{name: redis-data}]" },
        { HV_STRUCTS(state, "secrets", secrets, hv_schema_secret), .doc = "What nobody may see.",
          .example = "[{name: db-password, fromCredential: db-password}]" },
        { HV_STRUCTS(state, "configs", configs, hv_schema_config),
          .doc = "Texts that containers see as files.",
          .example = "[{name: web-conf, data: {nginx.conf: \"events {}\"}}]" },
        { HV_STRUCTS(state, "wireguard", wireguard, hv_schema_wireguard),
          .doc = "Encrypted tunnels to other nodes.",
          .example = "[{name: hive0, privateKey: {secret: wg-key}}]" },
        { HV_STRUCTS(state, "services", services, hv_schema_service), .doc = "Containers that keep running.",
          .example = "[{name: web, image: nginx}]" },
        { HV_NESTED(state, "taskDefaults", task_defaults, hv_schema_task_defaults),
          .doc = "What a task gets that does not say.", .example = "{timeout: 1h}" },
        { HV_STRUCTS(state, "tasks", tasks, hv_schema_task), .doc = "Containers that run to their end, once.",
          .example = "[{name: prime-sieve, command: [python, main.py]}]" },
        { HV_STRUCTS(state, "cronTasks", cron_tasks, hv_schema_cron_task),
          .doc = "Tasks made at given times.",
          .example = "[{name: backup, schedule: \"@daily\", task: {command: [date]}}]" },
        { HV_NESTED(state, "master", master, hv_schema_master),
          .doc = "The node pool that this node works for.", .example = "{address: \"10.0.0.1:50051\"}" },
        { HV_NESTED(state, "trust", trust, hv_schema_trust), .doc = "How the node's score changes.",
          .example = "{success: 2, failure: -5}" },
        { HV_NESTED(state, "http", http, hv_schema_http), .doc = "The agent's HTTP interface.",
          .example = "{listen: \"127.0.0.1:5000\"}" },
        { HV_NESTED(state, "gc", gc, hv_schema_gc), .doc = "What is cleaned up, and when.",
          .example = "{interval: 5m}" },
        { HV_NESTED(state, "logging", logging, hv_schema_logging),
          .doc = "Logs of the agent and of containers.", .example = "{level: info}" },
        { HV_STRUCTS(state, "sources", sources, hv_schema_source), .planned = true,
          .doc = "Where further objects come from.", .example = "[{name: local, dir: /etc/hivelet/conf.d}]" },
};
const struct hv_schema hv_schema_state = {
        .name = "NodeState", .doc = "What one node should run.", HV_FIELDS(state_rows), HV_SIZED(state)
};

static const struct {
        enum hv_kind kind;
        const struct hv_schema *schema;
        const char *list;
} kinds[] = {
        { HV_KIND_NODESTATE, &hv_schema_state, NULL },
        { HV_KIND_SERVICE, &hv_schema_service, "services" },
        { HV_KIND_TASK, &hv_schema_task, "tasks" },
        { HV_KIND_CRONTASK, &hv_schema_cron_task, "cronTasks" },
        { HV_KIND_NETWORK, &hv_schema_network, "networks" },
        { HV_KIND_VOLUME, &hv_schema_volume, "volumes" },
        { HV_KIND_SECRET, &hv_schema_secret, "secrets" },
        { HV_KIND_CONFIG, &hv_schema_config, "configs" },
        { HV_KIND_IMAGE, &hv_schema_image, "images.preload" },
        { HV_KIND_REGISTRY, &hv_schema_registry, "registries" },
        { HV_KIND_WIREGUARD, &hv_schema_wireguard, "wireguard" },
};

const struct hv_schema *hv_schema_of(enum hv_kind kind) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(kinds); i++)
                if (kinds[i].kind == kind)
                        return kinds[i].schema;
        return NULL;
}

const char *hv_schema_list_path(enum hv_kind kind) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(kinds); i++)
                if (kinds[i].kind == kind)
                        return kinds[i].list;
        return NULL;
}

const struct hv_schema *hv_schema_metadata(void) {
        return &metadata;
}

static const struct hv_field *field_n(const struct hv_schema *s, const char *name, size_t len) {
        for (size_t i = 0; i < s->n_fields; i++)
                if (strncmp(s->fields[i].name, name, len) == 0 && !s->fields[i].name[len])
                        return &s->fields[i];
        return NULL;
}

const struct hv_field *hv_schema_field(const struct hv_schema *s, const char *name) {
        return field_n(s, name, strlen(name));
}

/* Where a path begins: after "spec.", at a kind ("Service.ports"), or at NodeState. */
static const struct hv_schema *start_of(const char **path) {
        size_t len;

        if (hv_has_prefix(*path, "spec."))
                *path += strlen("spec.");
        len = strcspn(*path, ".[");
        for (size_t i = 0; i < HV_ARRAY_SIZE(kinds); i++) {
                const char *name = hv_kind_name(kinds[i].kind);

                if (strlen(name) == len && strncmp(name, *path, len) == 0 && (*path)[len] == '.') {
                        *path += len + 1;
                        if (hv_has_prefix(*path, "spec."))
                                *path += strlen("spec.");
                        return kinds[i].schema;
                }
        }
        return &hv_schema_state;
}

const struct hv_field *hv_schema_find(const char *path, const struct hv_schema **ret_in) {
        const struct hv_schema *s = start_of(&path);
        const struct hv_field *f = NULL;

        while (s && *path) {
                size_t len = strcspn(path, ".[");

                f = field_n(s, path, len);
                if (!f)
                        return NULL;
                if (ret_in)
                        *ret_in = s;
                path += len;
                if (*path == '[')
                        path += strcspn(path, ".");
                if (*path == '.')
                        path++;
                s = f->schema;
        }
        return *path ? NULL : f;
}

static const char *type_name(enum hv_field_type type) {
        switch (type) {
        case HV_FIELD_TEXT:
                return "text";
        case HV_FIELD_BOOL:
                return "true or false";
        case HV_FIELD_INT:
                return "whole number";
        case HV_FIELD_DECIMAL:
                return "number";
        case HV_FIELD_CPU:
                return "CPU quantity";
        case HV_FIELD_BYTES:
                return "memory quantity";
        case HV_FIELD_DURATION:
                return "duration";
        case HV_FIELD_PERCENT:
                return "percentage";
        case HV_FIELD_MODE:
                return "file mode";
        case HV_FIELD_ENUM:
                return "word";
        case HV_FIELD_STRUCT:
                return "mapping";
        case HV_FIELD_LIST:
                return "list";
        case HV_FIELD_MAP:
                return "mapping of text to text";
        case HV_FIELD_WORDS:
                return "text or list of text";
        case HV_FIELD_ANY:
                return "any value";
        case HV_FIELD_REFUSED:
                return "refused";
        }
        return "";
}

const char *hv_field_type_name(const struct hv_field *f) {
        static const struct {
                enum hv_field_type item;
                const char *name;
        } lists[] = { { HV_FIELD_TEXT, "list of text" },
                      { HV_FIELD_INT, "list of whole numbers" },
                      { HV_FIELD_ENUM, "list of words" },
                      { HV_FIELD_STRUCT, "list of mappings" } };

        if (f->type == HV_FIELD_LIST)
                for (size_t i = 0; i < HV_ARRAY_SIZE(lists); i++)
                        if (lists[i].item == f->item)
                                return lists[i].name;
        return type_name(f->type);
}

const char *hv_cost_name(enum hv_cost cost) {
        static const char *const names[] = { "none", "live", "reload", "recreate" };

        return names[cost];
}

const char *hv_format_name(enum hv_format format) {
        static const char *const names[] = {
                [HV_FORMAT_NONE] = "",
                [HV_FORMAT_NAME] = "DNS label",
                [HV_FORMAT_REF_NETWORK] = "name of a network",
                [HV_FORMAT_REF_VOLUME] = "name of a volume",
                [HV_FORMAT_REF_SECRET] = "name of a secret",
                [HV_FORMAT_REF_CONFIG] = "name of a config",
                [HV_FORMAT_REF_SERVICE] = "name of a service",
                [HV_FORMAT_REF_TASK] = "name of a task",
                [HV_FORMAT_REF_WIREGUARD] = "name of a WireGuard interface",
                [HV_FORMAT_IMAGE] = "image reference",
                [HV_FORMAT_IMAGE_PATTERN] = "pattern of image names",
                [HV_FORMAT_HOST_PORTS] = "port or port range",
                [HV_FORMAT_PORT_OR_NAME] = "port or name of a port",
                [HV_FORMAT_BIND] = "loopback, wireguard, public or an address",
                [HV_FORMAT_CIDR] = "network in CIDR notation",
                [HV_FORMAT_ADDRESS_CIDR] = "address with prefix length",
                [HV_FORMAT_ADDRESS] = "IP address",
                [HV_FORMAT_HOST_PORT] = "host:port",
                [HV_FORMAT_HOST] = "host name or address",
                [HV_FORMAT_URL] = "URL",
                [HV_FORMAT_ABSOLUTE_PATH] = "absolute path",
                [HV_FORMAT_RELATIVE_PATH] = "relative path",
                [HV_FORMAT_HTTP_PATH] = "path of a URL",
                [HV_FORMAT_SIGNAL] = "signal",
                [HV_FORMAT_CAPABILITY] = "Linux capability",
                [HV_FORMAT_USER] = "user or user:group",
                [HV_FORMAT_ENV_NAME] = "variable name",
                [HV_FORMAT_CRON] = "cron expression",
                [HV_FORMAT_ZONE] = "time zone",
                [HV_FORMAT_CLOCK] = "time of day",
                [HV_FORMAT_WINDOW] = "time window",
                [HV_FORMAT_WG_KEY] = "WireGuard key",
                [HV_FORMAT_INTERFACE] = "interface name",
                [HV_FORMAT_SHA256] = "SHA-256 in hex",
                [HV_FORMAT_HOSTNAME] = "host name",
                [HV_FORMAT_REQUIREMENT] = "Python package with versions",
        };

        return format < HV_ARRAY_SIZE(names) ? names[format] : "";
}

void hv_schema_format_bound(const struct hv_field *f, int64_t bound, char ret[64]) {
        uint64_t amount = bound < 0 ? 0 : (uint64_t) bound;

        switch (f->type) {
        case HV_FIELD_CPU:
                hv_quantity_format_cpu(amount, ret);
                break;
        case HV_FIELD_BYTES:
                hv_quantity_format_bytes(amount, ret);
                break;
        case HV_FIELD_DURATION:
                hv_duration_format(amount, ret);
                break;
        case HV_FIELD_DECIMAL:
                hv_quantity_format_cpu(amount * 1000000, ret);
                break;
        case HV_FIELD_PERCENT:
                (void) snprintf(ret, 64, "%" PRId64 "%%", bound);
                break;
        default:
                (void) snprintf(ret, 64, "%" PRId64, bound);
                break;
        }
}

/* --- walking ------------------------------------------------------------------------------------------ */

struct walk {
        hv_schema_visit visit;
        void *userdata;
};

struct any_list {
        const char *v;
        size_t n;
};

static void walk_struct(const struct walk *w, const struct hv_schema *s, const void *object);

static void walk_scalars(const struct walk *w, const struct hv_schema *s, const struct hv_field *f,
                         const struct hv_node *n, const void *object) {
        if (n->unreadable)
                return;
        if (n->type == HV_NODE_SCALAR)
                w->visit(w->userdata, s, f, n, object);
        for (size_t i = 0; i < n->n; i++) {
                const struct hv_node *child = n->type == HV_NODE_SEQUENCE ? n->items[i] : n->pairs[i].value;

                if (child->type == HV_NODE_SCALAR && !child->unreadable)
                        w->visit(w->userdata, s, f, child, object);
        }
}

static void walk_field(const struct walk *w, const struct hv_schema *s, const struct hv_field *f,
                       const struct hv_node *node, const void *object) {
        const char *member = (const char *) object + f->offset;

        if (f->type == HV_FIELD_STRUCT) {
                walk_struct(w, f->schema, member);
        } else if (f->type == HV_FIELD_LIST && f->item == HV_FIELD_STRUCT) {
                const struct any_list *list = (const struct any_list *) member;

                for (size_t i = 0; i < list->n; i++)
                        walk_struct(w, f->schema, list->v + i * f->schema->size);
        } else if (f->type != HV_FIELD_REFUSED) {
                const struct hv_node *value = hv_node_get(node, f->name);

                if (value)
                        walk_scalars(w, s, f, value, object);
        }
}

static void walk_struct(const struct walk *w, const struct hv_schema *s, const void *object) {
        const struct hv_node *node = *(const struct hv_node *const *) object;

        for (size_t i = 0; i < s->n_fields; i++)
                walk_field(w, s, &s->fields[i], node, object);
}

void hv_schema_walk(const struct hv_schema *s, const void *object, hv_schema_visit visit, void *userdata) {
        struct walk w = { visit, userdata };

        walk_struct(&w, s, object);
}
