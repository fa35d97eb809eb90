/* spec/check_format.c - every text by what the schema says it means, and labels. */
#include "base/arena.h"
#include "spec/check_internal.h"
#include "spec/schema.h"
#include "spec/value_cron.h"
#include "spec/value_image.h"
#include "spec/value_name.h"
#include "spec/value_net.h"
#include "spec/value_package.h"
#include "spec/value_path.h"
#include "spec/value_process.h"
#include "spec/value_time.h"
#include "spec/value_url.h"

static int port_or_name(const char *text, struct hv_fault *fault) {
        struct hv_port_range port;

        return *text >= '0' && *text <= '9' ? hv_value_port_range(text, &port, fault)
                                            : hv_value_name(text, fault);
}

static int relative_path(const struct hv_check *c, const struct hv_schema *s, const char *text,
                         struct hv_fault *fault) {
        const char *path;

        if (hv_streq(s->name, "Input")) /* what is a file cannot be ".": check_task.c */
                return hv_value_relative_path(text, "E0451", "workspace", true, c->arena, &path, fault);
        return hv_value_relative_path(text, "E0455", "workdir", true, c->arena, &path, fault);
}

static int absolute_path(const struct hv_check *c, const struct hv_field *f, const char *text,
                         struct hv_fault *fault) {
        const char *path;

        /* A way to the engine's socket is refused as such, however it is written: check_mount.c. */
        if ((hv_streq(f->name, "hostPath") || hv_streq(f->name, "archive")) &&
            hv_value_host_path_allowed(text, c->facts ? c->facts->state_directory : NULL, fault) < 0)
                return 0;
        return hv_value_absolute_path(text, c->arena, &path, fault);
}

static int address_format(const struct hv_check *c, const struct hv_schema *s, const struct hv_field *f,
                          const char *text, struct hv_fault *fault) {
        struct hv_endpoint endpoint;
        struct hv_address address;
        struct hv_port_range range;
        struct hv_cidr cidr;
        struct hv_url url;
        enum hv_bind bind;

        switch (f->format) {
        case HV_FORMAT_HOST_PORTS:
                return hv_value_port_range(text, &range, fault);
        case HV_FORMAT_PORT_OR_NAME:
                return port_or_name(text, fault);
        case HV_FORMAT_BIND:
                return hv_value_bind(text, &bind, &address, fault);
        case HV_FORMAT_CIDR:
                return hv_value_cidr(text, &cidr, fault);
        case HV_FORMAT_ADDRESS_CIDR:
                return hv_value_address_cidr(text, &cidr, fault);
        case HV_FORMAT_ADDRESS:
                return hv_value_address(text, &address, fault);
        case HV_FORMAT_HOST_PORT:
                if (hv_streq(s->name, "Master") && hv_streq(f->name, "listen") && *text == ':')
                        text = hv_arena_printf(c->arena, "0.0.0.0%s",
                                               text); /* the tunnel's address is filled in later */
                return hv_value_endpoint(text, hv_streq(f->name, "endpoint") ? "E0326" : "E0501", c->arena,
                                         &endpoint, fault);
        case HV_FORMAT_HOST:
                return hv_value_host(text, fault);
        case HV_FORMAT_URL:
                return hv_value_url(
                        text, HV_URL_HTTPS | HV_URL_HTTP | (hv_streq(s->name, "Source") ? HV_URL_FILE : 0),
                        c->arena, &url, fault);
        default:
                return 0;
        }
}

static int text_format(const struct hv_check *c, const struct hv_schema *s, const struct hv_field *f,
                       const char *text, struct hv_fault *fault) {
        struct hv_image_ref image;
        struct hv_window window;
        struct hv_cron cron;
        struct hv_user user;
        const char *name;
        unsigned minutes;

        switch (f->format) {
        case HV_FORMAT_NAME:
                return hv_value_name(text, fault);
        case HV_FORMAT_IMAGE:
                return hv_value_image(text, c->arena, &image, fault);
        case HV_FORMAT_IMAGE_PATTERN:
                return hv_value_image_pattern(text, fault);
        case HV_FORMAT_ABSOLUTE_PATH:
                return absolute_path(c, f, text, fault);
        case HV_FORMAT_RELATIVE_PATH:
                return relative_path(c, s, text, fault);
        case HV_FORMAT_HTTP_PATH:
                return hv_value_http_path(text, fault);
        case HV_FORMAT_SIGNAL:
                return hv_value_signal(text, &name, fault);
        case HV_FORMAT_CAPABILITY:
                return hv_value_capability(text, &name, fault);
        case HV_FORMAT_USER:
                return hv_value_user(text, &user, fault);
        case HV_FORMAT_ENV_NAME:
                return hv_value_env_name(text, fault);
        case HV_FORMAT_CRON:
                return hv_value_cron(text, &cron, fault);
        case HV_FORMAT_ZONE:
                return hv_value_zone(text, fault);
        case HV_FORMAT_CLOCK:
                return hv_value_clock(text, &minutes, fault);
        case HV_FORMAT_WINDOW:
                return hv_value_window(text, c->arena, &window, fault);
        case HV_FORMAT_WG_KEY:
                return hv_value_wg_key(text, "public key", NULL, fault);
        case HV_FORMAT_INTERFACE:
                return hv_value_interface(text, fault);
        case HV_FORMAT_SHA256:
                return hv_value_sha256(text, fault);
        case HV_FORMAT_HOSTNAME:
                return hv_value_hostname(text, fault);
        case HV_FORMAT_REQUIREMENT:
                return hv_value_requirement(text, c->arena, &name, fault);
        default:
                return address_format(c, s, f, text, fault);
        }
}

static void visit(void *userdata, const struct hv_schema *s, const struct hv_field *f,
                  const struct hv_node *value, const void *object) {
        const struct hv_check *c = userdata;
        struct hv_fault fault;

        (void) object;
        if (value->type != HV_NODE_SCALAR || text_format(c, s, f, value->text, &fault) == 0)
                return;
        if (f->format == HV_FORMAT_URL || f->format == HV_FORMAT_WG_KEY)
                hv_diags_hide(c->diags,
                              value); /* a password in the URL, a private key in place of the public one */
        hv_check_fault(c, value, &fault);
}

static void check_labels(const struct hv_check *c, const struct hv_node *labels) {
        struct hv_fault fault;

        if (!labels || labels->type != HV_NODE_MAPPING)
                return;
        for (size_t i = 0; i < labels->n; i++)
                if (hv_value_label_key(labels->pairs[i].key->text, &fault) < 0)
                        hv_check_fault(c, labels->pairs[i].key, &fault);
}

#define CHECK_LABELS_OF(c, list)              \
        for (size_t i = 0; i < (list).n; i++) \
        check_labels(c, hv_node_get((list).v[i].o.node, "labels"))

void hv_check_formats(const struct hv_check *c) {
        const struct hv_spec_state *s = c->state;

        if (c->one) {
                hv_schema_walk(hv_schema_of(HV_KIND_TASK), c->units->task, visit, (void *) c);
                check_labels(c, hv_node_at(c->units->task->o.document->root, "metadata.labels"));
                check_labels(c, hv_node_get(c->units->node, "labels"));
                return;
        }
        hv_schema_walk(hv_schema_of(HV_KIND_NODESTATE), s, visit, (void *) c);
        for (size_t i = 0; i < c->tree->n_documents; i++)
                check_labels(c, hv_node_at(c->tree->documents[i].root, "metadata.labels"));
        CHECK_LABELS_OF(c, s->services);
        CHECK_LABELS_OF(c, s->tasks);
        CHECK_LABELS_OF(c, s->cron_tasks);
        CHECK_LABELS_OF(c, s->networks);
        CHECK_LABELS_OF(c, s->volumes);
}
