#include "cli/convert_judge.h"

#include "base/text.h"
#include "cli/judge.h"

/* ---- what a node has to allow ---- */

struct policy {
        bool public, host_network, privileged;
        struct hv_convert_words host_paths, capabilities;
};

static void add(struct hv_convert_words *list, const char *word) {
        for (size_t i = 0; i < list->v.n; i++)
                if (hv_streq(list->v.v[i], word))
                        return;
        if (word)
                hv_vec_push(&list->v, word);
}

static bool is_loopback(const char *bind) {
        return !bind || hv_streq(bind, "loopback") || hv_streq(bind, "::1") || hv_has_prefix(bind, "127.");
}

static void look_at(const struct hv_json *spec, struct policy *ret) {
        const struct hv_json *security = hv_json_get(spec, "security"), *list = hv_json_get(spec, "ports");
        const char *device = hv_json_str(hv_json_get(spec, "options"), "device");

        for (size_t i = 0; i < hv_json_size(list); i++)
                ret->public = ret->public || !is_loopback(hv_json_str(hv_json_at(list, i), "bind"));
        list = hv_json_get(spec, "mounts");
        for (size_t i = 0; i < hv_json_size(list); i++)
                add(&ret->host_paths, hv_json_str(hv_json_at(list, i), "hostPath"));
        if (device && *device == '/')
                add(&ret->host_paths, device);
        list = hv_json_get(security, "addCapabilities");
        for (size_t i = 0; i < hv_json_size(list); i++)
                add(&ret->capabilities, hv_json_as_str(hv_json_at(list, i)));
        ret->host_network = ret->host_network || hv_streq(hv_json_str(spec, "network"), "host");
        ret->privileged = ret->privileged || hv_json_bool(security, "privileged", false);
}

static void begin(struct hv_buf *b, const char *key) {
        hv_buf_printf(b, "%s%s: ", b->len > 0 ? ", " : "{", key);
}

/* Quoted as JSON is, where it may be taken for something else. */
static void put_list(struct hv_buf *b, const char *key, const struct hv_convert_words *list) {
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";

        if (list->v.n == 0)
                return;
        begin(b, key);
        for (size_t i = 0; i < list->v.n; i++) {
                const char *word = list->v.v[i];

                hv_buf_puts(b, i > 0 ? ", " : "[");
                if (word[strspn(word, plain)]) {
                        struct hv_json_writer w = { .buf = b };

                        hv_convert_put(&w, NULL, word);
                } else
                        hv_buf_puts(b, word);
        }
        hv_buf_putc(b, ']');
}

void hv_convert_policy(const struct hv_json *documents, struct hv_buf *ret) {
        struct policy p = {};

        for (size_t i = 0; i < hv_json_size(documents); i++)
                look_at(hv_json_get(hv_json_at(documents, i), "spec"), &p);
        if (p.privileged) {
                begin(ret, "privileged");
                hv_buf_puts(ret, "allow");
        }
        if (p.host_network) {
                begin(ret, "hostNetwork");
                hv_buf_puts(ret, "allow");
        }
        put_list(ret, "hostPaths", &p.host_paths);
        put_list(ret, "capabilities", &p.capabilities);
        if (p.public) {
                begin(ret, "publish");
                hv_buf_puts(ret, "[loopback, public]");
        }
        if (ret->len > 0)
                hv_buf_putc(ret, '}');
        hv_vec_done(&p.host_paths.v);
        hv_vec_done(&p.capabilities.v);
}

/* ---- what hivelet says ---- */

size_t hv_convert_judge(struct hv_convert *c, const struct hv_buf *policy, struct hv_buf *yaml) {
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        char node_name[] = "node", name[] = "the result";
        char *node = hv_arena_printf(c->arena,
                                     "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: node}\n"
                                     "spec: {node: {policy: %s}}\n",
                                     policy->len > 0 ? policy->data : "{}");
        struct hv_cli_file v[] = {
                { .name = node_name, .text = node, .len = strlen(node) },
                { .name = name, .text = yaml->data, .len = yaml->len },
        };
        const struct hv_cli_files files = { .v = v, .n = HV_ARRAY_SIZE(v) };
        struct hv_convert_words planned = {};
        const struct hv_diag *found;
        size_t n;

        hv_judge(&files, false, diags, NULL);
        found = hv_diags_all(diags, &n);
        for (size_t i = 0; i < n; i++) {
                if (found[i].severity == HV_SEVERITY_ERROR)
                        hv_convert_note(c, 0, "line %u of the result: %s: %s%s%s", found[i].line,
                                        found[i].code, found[i].path, *found[i].path ? ": " : "",
                                        found[i].message);
                else if (hv_streq(found[i].code, "W040")) /* once, however many there are */
                        add(&planned, found[i].message);
        }
        for (size_t i = 0; i < planned.v.n; i++)
                hv_convert_note(c, 0, "the result: W040: %s", planned.v.v[i]);
        hv_vec_done(&planned.v);
        return hv_diags_errors(diags);
}
