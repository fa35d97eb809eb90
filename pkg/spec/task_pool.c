/* spec/task_pool.c - what a node pool may say in a task, and nothing else.
 *
 * Model    A list of what is allowed, not of what is forbidden: a field that is added to tasks later is out of a pool's reach
 *          until somebody puts it here. What it names otherwise is this node's: its paths, secrets, volumes, privileges, and
 *          labels and annotations of containers. A task type of this node brings what it needs; that is judged as the node's.
 * Source   docs/security.md, "A pool that was taken over". */
#include "base/text.h"
#include "spec/task_internal.h"
#include "spec/task_type.h"

static const char *const document_fields[] = { "apiVersion", "kind", "metadata", "spec" };
static const char *const metadata_fields[] = { "name" };
static const char *const task_fields[] = {
        "type",   "parameters", "requirements", "image",   "command", "args",      "env",
        "inputs", "outputs",    "timeout",      "retries", "network", "resources", "priority",
};
static const char *const input_fields[] = { "path", "inline", "url", "inbox", "unpack", "sha256", "maxSize" };

struct allowed {
        const char *const *names;
        size_t n;
};
#define ALLOWED(list) ((struct allowed){ (list), HV_ARRAY_SIZE(list) })

static void check_mapping(const struct hv_node *mapping, struct allowed allowed, struct hv_diags *diags) {
        for (size_t i = 0; mapping && mapping->type == HV_NODE_MAPPING && i < mapping->n; i++) {
                const struct hv_node *key = mapping->pairs[i].key;
                size_t j = 0;

                while (j < allowed.n && !hv_streq(key->text, allowed.names[j]))
                        j++;
                if (j == allowed.n)
                        hv_diag_error(diags, key, "E0466", "%s is not for a node pool to say",
                                      hv_diag_quote(diags, key->text));
        }
}

/* A network of this node may lead to what a stranger must not reach: the one that the owner gives to tasks, or none. */
static void check_network(const struct hv_node *network, const struct hv_spec_state *state,
                          struct hv_diags *diags) {
        const char *given = hv_task_network(state, NULL);

        if (!network || network->type != HV_NODE_SCALAR || hv_streq(network->text, "none") ||
            hv_streq(network->text, given))
                return;
        hv_diag_error(diags, network, "E0466", "the network %s is not for a node pool to give; expected %s%s",
                      hv_diag_quote(diags, network->text), hv_streq(given, "none") ? "" : "none or ", given);
}

/* What becomes an input is one, wherever it is said. */
static void check_parameters(const struct hv_node *spec, const struct hv_task_types *types,
                             struct hv_diags *diags) {
        const struct hv_node *type = hv_node_get(spec, "type"), *parameters = hv_node_get(spec, "parameters");
        const struct hv_spec_task_type *t =
                type && type->type == HV_NODE_SCALAR ? hv_task_types_find(types, type->text) : NULL;

        for (size_t i = 0; t && i < t->spec.parameters.n; i++)
                if (t->spec.parameters.v[i].type == HV_PARAMETER_FILE)
                        check_mapping(hv_node_get(parameters, t->spec.parameters.v[i].name),
                                      ALLOWED(input_fields), diags);
}

void hv_task_check_pool(const struct hv_node *document, const struct hv_spec_state *state,
                        const struct hv_task_types *types, struct hv_diags *diags) {
        const struct hv_node *spec = hv_node_get(document, "spec"), *inputs = hv_node_get(spec, "inputs");

        check_mapping(document, ALLOWED(document_fields), diags);
        check_mapping(hv_node_get(document, "metadata"), ALLOWED(metadata_fields), diags);
        check_mapping(spec, ALLOWED(task_fields), diags);
        check_network(hv_node_get(spec, "network"), state, diags);
        check_parameters(spec, types, diags);
        for (size_t i = 0; inputs && inputs->type == HV_NODE_SEQUENCE && i < inputs->n; i++)
                check_mapping(inputs->items[i], ALLOWED(input_fields), diags);
}
