/* fuzz_spec.c - documents to desired state: any bytes give a desired state or errors, never both, never neither.
 *
 * A line "#---8<---" begins a drop-in. Variables and facts about the machine are fixed, so that an input means the same in
 * every run.
 */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "spec/load.h"
#include "spec/task_load.h"
#include "spec/yaml.h"

#define MARK "#---8<---\n"
#define FILES_MAX 4

static const char *env_get(void *userdata, const char *name) {
        static const char *const variables[][2] = {
                { "NODE", "berlin" }, { "PORT", "8080" },        { "YAML", "a: [b, *c]" },
                { "EMPTY", "" },      { "NODE_ID", "from-env" }, { "DOCKER_NETWORK", "from_env" },
        };

        (void) userdata;
        for (size_t i = 0; i < HV_ARRAY_SIZE(variables); i++)
                if (hv_streq(variables[i][0], name))
                        return variables[i][1];
        return NULL;
}

/* Every length of path is another kind of file. */
static const struct hv_spec_file_fact *file_get(void *userdata, const char *path) {
        static const struct hv_spec_file_fact facts[] = {
                { .mode = 0100600 },
                { .mode = 0100644 },
                { .error = -ENOENT },
                { .mode = 040755, .writable_by = "group staff" },
        };
        size_t n = strlen(path) % (HV_ARRAY_SIZE(facts) + 1);

        (void) userdata;
        return n == HV_ARRAY_SIZE(facts) ? NULL : &facts[n];
}

static size_t split(const char *text, size_t size, struct hv_spec_file *files) {
        static const char *const names[FILES_MAX] = { "node.yaml", "conf.d/1.yaml", "conf.d/2.yaml",
                                                      "conf.d/3.yaml" };
        size_t n = 0;

        for (;;) {
                const char *mark = n + 1 < FILES_MAX ? memmem(text, size, MARK, strlen(MARK)) : NULL;
                size_t len = mark ? (size_t) (mark - text) : size;

                files[n] = (struct hv_spec_file){ names[n], text, len, "file", n == 0 };
                n++;
                if (!mark)
                        return n;
                text += len + strlen(MARK);
                size -= len + strlen(MARK);
        }
}

/* The document of a task is the task: what the ledger keeps can be loaded, and is the same work. */
static void load_tasks(const struct hv_desired *d) {
        for (size_t i = 0; i < d->n_tasks; i++) {
                _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
                _hv_cleanup_(hv_task_unrefp) struct hv_task *again = NULL;
                const struct hv_task *t = d->tasks[i];
                const struct hv_task_request request = { .document = t->document,
                                                         .len = strlen(t->document),
                                                         .read = hv_yaml_read,
                                                         .id = t->id,
                                                         .source = t->source };

                FUZZ_CHECK(hv_task_load(&request, d, &again, diags) == 0);
                FUZZ_CHECK(strcmp(again->digest, t->digest) == 0 &&
                           strcmp(again->document, t->document) == 0);
                FUZZ_CHECK(strcmp(again->unit.digest, t->unit.digest) == 0);
        }
}

/* Loads, shows what was found, and gives the revision ("" when refused). */
static void load(const char *text, size_t size, bool facts_known, char ret_revision[HV_SHA256_HEX_SIZE]) {
        static const char *const routes[] = { "0.0.0.0/0", "192.168.0.0/16", NULL };
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        _hv_cleanup_(hv_desired_unrefp) struct hv_desired *desired = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf shown = {};
        struct hv_spec_facts facts = {
                .file = file_get,
                .nano_cpus = UINT64_C(4000000000),
                .memory_bytes = UINT64_C(8) << 30,
                .gpus_known = true,
                .routes = { routes, 2 },
        };
        struct hv_spec_overrides overrides = {};
        struct hv_spec_file files[FILES_MAX];
        struct hv_spec_input in = { .files = files,
                                    .n_files = split(text, size, files),
                                    .read = hv_yaml_read };
        int r;

        hv_spec_environment(&overrides, env_get, NULL, diags);
        in.env = env_get;
        in.overrides = overrides.list.v;
        in.n_overrides = overrides.list.n;
        in.hostname = "worker";
        in.facts = facts_known ? &facts : NULL;
        r = hv_spec_load(&in, &desired, diags);
        FUZZ_CHECK((r == 0) == (desired != NULL));
        FUZZ_CHECK((r == 0) == (hv_diags_errors(diags) == 0));
        if (desired)
                load_tasks(desired);
        hv_diags_sort(diags);
        hv_diags_render(diags, false, &shown);
        FUZZ_CHECK(hv_diags_errors(diags) + hv_diags_warnings(diags) == 0 || shown.len > 0);
        (void) snprintf(ret_revision, HV_SHA256_HEX_SIZE, "%s", desired ? desired->revision : "");
        hv_spec_overrides_done(&overrides);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char first[HV_SHA256_HEX_SIZE], again[HV_SHA256_HEX_SIZE];
        char *text = malloc(size ? size : 1); /* exactly as long: a read behind the end is seen */

        if (!text)
                return 0;
        memcpy(text, data, size);
        load(text, size, size % 2 == 0, first);
        if (*first) {
                load(text, size, size % 2 == 0, again);
                FUZZ_CHECK(strcmp(first, again) == 0);
        }
        free(text);
        return 0;
}
