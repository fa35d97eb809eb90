/* pool/document.c - see document.h. */
#include "pool/document.h"

#include <errno.h>

#include "base/quantity.h"
#include "base/text.h"
#include "pool/words.h"
#include "json/write.h"

#define NAME_MAX_LEN 55 /* of a Task; docs/desired-state.md */
#define GIB ((double) (1 << 30))
#define TIMEOUT_MAX_S (INT64_C(10) * 365 * 86400)
#define FILES_MAX 1000
#define TEXT_MAX 4096 /* of what is a name, a path or a URL */

struct writing {
        const V1__Task *task;
        struct hv_arena *arena;
        struct hv_json_writer json;
        struct hv_pool_blob *blobs;
        size_t n_blobs, n_inline;
        struct hv_err *err;
};

/* --- small things --- */

bool hv_pool_id_is_valid(const char *id) {
        return strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(id) &&
               hv_task_id_is_valid(id);
}

/* In a document a dollar before a brace or a dollar begins something (docs/desired-state.md, variables); two stand for one. */
static const char *escaped(const struct writing *w, const char *text) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};

        if (!strchr(text, '$'))
                return text;
        for (const char *p = text; *p; p++) {
                if (*p == '$' && (p[1] == '$' || p[1] == '{'))
                        hv_buf_putc(&b, '$');
                hv_buf_putc(&b, *p);
        }
        return hv_arena_strdup(w->arena, hv_buf_str(&b));
}

static void put_text(struct writing *w, const char *key, const char *text) {
        hv_json_put_str(&w->json, key, escaped(w, text));
}

static int check_length(const struct writing *w, const char *field, const char *text, size_t most) {
        size_t len = strlen(text);

        return len > most ? hv_err_set(w->err, -EINVAL, "%s has %zu bytes, at most %zu are taken", field, len,
                                       most)
                          : 0;
}

/* Text, if it is given. */
static int put_optional(struct writing *w, const char *key, const char *field, const char *text) {
        int r = check_length(w, field, text, TEXT_MAX);

        if (r == 0 && *text)
                put_text(w, key, text);
        return r;
}

/* --- inputs --- */

/* A text that any reader of the document reads as it was written. */
static bool is_plain_text(const ProtobufCBinaryData *bytes) {
        const char *s = (const char *) bytes->data;

        for (size_t i = 0; i < bytes->len;) {
                struct hv_character c = hv_text_character(s + i, bytes->len - i);

                if (!c.is_shown && c.code != '\n' && c.code != '\t')
                        return false;
                i += c.len;
        }
        return true;
}

static bool stands_in_document(struct writing *w, const ProtobufCBinaryData *bytes) {
        if (bytes->len > HV_POOL_INLINE_MAX || bytes->len > HV_POOL_INLINE_TOTAL_MAX - w->n_inline ||
            !is_plain_text(bytes))
                return false;
        w->n_inline += bytes->len;
        return true;
}

static const char *add_blob(struct writing *w, const ProtobufCBinaryData *bytes) {
        struct hv_pool_blob *b = &w->blobs[w->n_blobs++];

        b->data = bytes->data;
        b->size_bytes = bytes->len;
        hv_sha256_hex(bytes->data, bytes->len, b->sha256);
        return b->sha256;
}

/* `inline_key`: the text itself where it stands in the document. */
static void put_bytes(struct writing *w, const char *inline_key, const ProtobufCBinaryData *bytes) {
        if (stands_in_document(w, bytes))
                put_text(
                        w, inline_key,
                        hv_arena_strndup(w->arena, bytes->len ? (const char *) bytes->data : "", bytes->len));
        else
                hv_json_put_str(&w->json, "inbox", add_blob(w, bytes));
}

static int by_file_name(const void *a, const void *b) {
        return strcmp((*(V1__Task__InputFilesEntry *const *) a)->key,
                      (*(V1__Task__InputFilesEntry *const *) b)->key);
}

static int by_variable(const void *a, const void *b) {
        return strcmp((*(V1__Task__EnvironmentEntry *const *) a)->key,
                      (*(V1__Task__EnvironmentEntry *const *) b)->key);
}

static int check_digest(const struct writing *w, const char *field, const char *sha256) {
        return strlen(sha256) == HV_SHA256_HEX_SIZE - 1 &&
                               strspn(sha256, "0123456789abcdef") == strlen(sha256)
                       ? 0
                       : hv_err_set(w->err, -EINVAL, "%s: sha256 is not 64 lower-case hex digits", field);
}

static int put_files(struct writing *w) {
        const V1__Task *t = w->task;
        V1__Task__InputFilesEntry **files =
                hv_arena_memdup(w->arena, t->input_files, t->n_input_files * sizeof *files);
        int r = 0;

        qsort(files, t->n_input_files, sizeof *files, by_file_name);
        for (size_t i = 0; i < t->n_input_files && r == 0; i++) {
                if (i && hv_streq(files[i]->key, files[i - 1]->key))
                        return hv_err_set(w->err, -EINVAL, "input_files names a file twice");
                r = check_length(w, "a name in input_files", files[i]->key, TEXT_MAX);
                hv_json_begin_object(&w->json, NULL);
                put_text(w, "path", files[i]->key);
                put_bytes(w, "inline", &files[i]->value);
                hv_json_end(&w->json);
        }
        return r;
}

static int put_urls(struct writing *w) {
        int r = 0;

        for (size_t i = 0; i < w->task->n_input_urls && r == 0; i++) {
                const V1__InputUrl *u = w->task->input_urls[i];

                r = check_length(w, "a name in input_urls", u->name, TEXT_MAX);
                hv_json_begin_object(&w->json, NULL);
                put_text(w, "path", u->name);
                if (r == 0)
                        r = put_optional(w, "url", "a URL in input_urls", u->url);
                if (r == 0 && *u->sha256)
                        r = check_digest(w, "input_urls", u->sha256);
                if (r == 0 && *u->sha256)
                        hv_json_put_str(&w->json, "sha256", u->sha256);
                hv_json_end(&w->json);
        }
        return r;
}

static int put_references(struct writing *w) {
        int r = 0;

        for (size_t i = 0; i < w->task->n_input_refs && r == 0; i++) {
                const V1__InputFile *f = w->task->input_refs[i];
                struct hv_pool_blob *b = &w->blobs[w->n_blobs++];

                r = check_length(w, "a name in input_refs", f->name, TEXT_MAX);
                if (r == 0)
                        r = check_digest(w, "input_refs", f->sha256);
                if (r == 0 && f->size > INT64_MAX)
                        r = hv_err_set(w->err, -EINVAL, "input_refs: %llu bytes are the size of nothing",
                                       (unsigned long long) f->size);
                if (r < 0)
                        return r;
                b->name = f->name;
                b->size_bytes = f->size;
                memcpy(b->sha256, f->sha256, sizeof b->sha256);
                hv_json_begin_object(&w->json, NULL);
                put_text(w, "path", f->name);
                hv_json_put_str(&w->json, "inbox", b->sha256);
                hv_json_end(&w->json);
        }
        return r;
}

static int put_inputs(struct writing *w) {
        const V1__Task *t = w->task;
        size_t n = t->n_input_files + t->n_input_urls + t->n_input_refs;
        int r;

        if (n > FILES_MAX)
                return hv_err_set(w->err, -EINVAL, "it has %zu input files, at most %d are taken", n,
                                  FILES_MAX);
        if (n == 0)
                return 0;
        hv_json_begin_array(&w->json, "inputs");
        r = put_files(w);
        if (r == 0)
                r = put_urls(w);
        if (r == 0)
                r = put_references(w);
        hv_json_end(&w->json);
        return r;
}

/* --- what it runs, and with what --- */

static int put_command(struct writing *w) {
        const char *const *words;
        size_t n;
        int r = check_length(w, "command", w->task->command, 131072);

        if (r < 0 || !*w->task->command)
                return r;
        r = hv_words_split(w->task->command, w->arena, &words, &n, w->err);
        if (r < 0)
                return hv_err_prefix(w->err, r, "command cannot be split into words");
        if (n == 0)
                return 0;
        hv_json_begin_array(&w->json, "args");
        for (size_t i = 0; i < n; i++)
                put_text(w, NULL, words[i]);
        hv_json_end(&w->json);
        return 0;
}

static int put_environment(struct writing *w) {
        const V1__Task *t = w->task;
        V1__Task__EnvironmentEntry **env =
                hv_arena_memdup(w->arena, t->environment, t->n_environment * sizeof *env);

        if (t->n_environment == 0)
                return 0;
        qsort(env, t->n_environment, sizeof *env, by_variable);
        hv_json_begin_array(&w->json, "env");
        for (size_t i = 0; i < t->n_environment; i++) {
                if (i && hv_streq(env[i]->key, env[i - 1]->key))
                        return hv_err_set(w->err, -EINVAL, "environment names a variable twice");
                hv_json_begin_object(&w->json, NULL);
                put_text(w, "name", env[i]->key);
                put_text(w, "value", env[i]->value);
                hv_json_end(&w->json);
        }
        hv_json_end(&w->json);
        return 0;
}

static int check_amount(const struct writing *w, const char *field, double amount, double most) {
        /* Also false for what is no number. */
        return amount >= 0 && amount <= most
                       ? 0
                       : hv_err_set(w->err, -EINVAL, "required_resources.%s is %g, expected 0 to %g", field,
                                    amount, most);
}

static uint64_t rounded_up(double amount) {
        uint64_t whole = (uint64_t) amount;

        return whole + ((double) whole < amount);
}

static int put_gib(struct writing *w, const char *key, const char *field, double gib) {
        int r = check_amount(w, field, gib, 1048576);

        if (r == 0 && gib > 0)
                hv_json_put_printf(&w->json, key, "%llu", (unsigned long long) rounded_up(gib * GIB));
        return r;
}

static int put_requests(struct writing *w, const V1__Resources *q) {
        char text[HV_QUANTITY_SIZE];
        int r;

        if (q->base.n_unknown_fields)
                return hv_err_set(w->err, -EINVAL,
                                  "required_resources asks for a resource that is not known here "
                                  "(field %u)",
                                  q->base.unknown_fields[0].tag);
        hv_json_begin_object(&w->json, "requests");
        r = check_amount(w, "cpu", q->cpu, 100000);
        if (r == 0 && q->cpu > 0) {
                hv_quantity_format_cpu(rounded_up(q->cpu * (double) HV_NANO_CPUS_PER_CPU), text);
                hv_json_put_str(&w->json, "cpu", text);
        }
        if (r == 0)
                r = check_amount(w, "gpu", q->gpu, 64);
        if (r == 0 && q->gpu > 0)
                hv_json_put_int(&w->json, "gpus", (int64_t) rounded_up(q->gpu));
        if (r == 0)
                r = put_gib(w, "memory", "memory_gb", q->memory_gb);
        if (r == 0)
                r = put_gib(w, "gpuMemory", "gpu_memory_gb", q->gpu_memory_gb);
        if (r == 0)
                r = put_gib(w, "disk", "disk_gb", q->disk_gb);
        hv_json_end(&w->json);
        return r;
}

static int put_limits(struct writing *w) {
        const V1__Task *t = w->task;
        char text[HV_QUANTITY_SIZE], quoted[HV_TEXT_QUOTE_SIZE];
        uint64_t bytes;

        hv_json_begin_object(&w->json, "limits");
        if (t->cpu_quota < 0 || t->cpu_quota > 1000000000)
                return hv_err_set(w->err, -EINVAL, "cpu_quota is %lld, expected 0 to 1000000000",
                                  (long long) t->cpu_quota);
        if (t->cpu_quota > 0) {
                hv_quantity_format_cpu((uint64_t) t->cpu_quota * (HV_NANO_CPUS_PER_CPU / 100000), text);
                hv_json_put_str(&w->json, "cpu", text);
        }
        if (*t->memory_limit) {
                if (hv_quantity_parse_docker_bytes(t->memory_limit, &bytes) != HV_PARSE_OK)
                        return hv_err_set(w->err, -EINVAL,
                                          "memory_limit %s is not an amount such as 512m or 1g",
                                          hv_text_quote(t->memory_limit, quoted));
                hv_json_put_printf(&w->json, "memory", "%llu", (unsigned long long) bytes);
        }
        hv_json_end(&w->json);
        return 0;
}

static int put_resources(struct writing *w) {
        int r;

        hv_json_begin_object(&w->json, "resources");
        r = put_limits(w);
        if (r == 0 && w->task->required_resources)
                r = put_requests(w, w->task->required_resources);
        hv_json_end(&w->json);
        return r;
}

/* --- kinds of work --- */

static bool has_type(const V1__Task *t) {
        return *t->type && !hv_streq(t->type, "container");
}

static void put_parameter_bytes(struct writing *w, const char *key, const ProtobufCBinaryData *bytes) {
        if (!bytes->len)
                return;
        if (stands_in_document(w, bytes)) {
                put_text(w, key, hv_arena_strndup(w->arena, (const char *) bytes->data, bytes->len));
                return;
        }
        hv_json_begin_object(&w->json, key);
        hv_json_put_str(&w->json, "inbox", add_blob(w, bytes));
        hv_json_end(&w->json);
}

static int put_type(struct writing *w) {
        const V1__Task *t = w->task;
        int r;

        if (!has_type(t)) {
                const char *field = *t->code               ? "code"
                                    : *t->model_type       ? "model_type"
                                    : *t->processing_type  ? "processing_type"
                                    : t->training_data.len ? "training_data"
                                    : t->input_data.len    ? "input_data"
                                                           : NULL;

                return field ? hv_err_set(w->err, -EINVAL, "%s is given, but the task's type is container",
                                          field)
                             : 0;
        }
        r = check_length(w, "type", t->type, 64);
        if (r < 0)
                return r;
        put_text(w, "type", t->type);
        hv_json_begin_object(&w->json, "parameters");
        if (*t->code)
                put_text(w, "code", t->code);
        r = put_optional(w, "model_type", "model_type", t->model_type);
        if (r == 0)
                r = put_optional(w, "processing_type", "processing_type", t->processing_type);
        put_parameter_bytes(w, "training_data", &t->training_data);
        put_parameter_bytes(w, "input_data", &t->input_data);
        hv_json_end(&w->json);
        return r;
}

/* Of a type a list that is given takes the place of the type's own; none given leaves it. */
static void put_requirements(struct writing *w) {
        const V1__Task *t = w->task;

        if (!t->n_requirements)
                return;
        hv_json_begin_array(&w->json, "requirements");
        for (size_t i = 0; i < t->n_requirements; i++)
                put_text(w, NULL, t->requirements[i]);
        hv_json_end(&w->json);
}

static int put_rules(struct writing *w) {
        const V1__Task *t = w->task;

        if (t->timeout < 0 || t->timeout > TIMEOUT_MAX_S)
                return hv_err_set(w->err, -EINVAL, "timeout is %lld s, expected 0 to %lld",
                                  (long long) t->timeout, (long long) TIMEOUT_MAX_S);
        if (t->timeout > 0)
                hv_json_put_printf(&w->json, "timeout", "%llds", (long long) t->timeout);
        if (t->priority_is_case == V1__TASK__PRIORITY_IS_PRIORITY)
                hv_json_put_int(&w->json, "priority", t->priority);
        if (t->retries_is_case == V1__TASK__RETRIES_IS_RETRIES) {
                hv_json_begin_object(&w->json, "retries");
                hv_json_put_int(&w->json, "limit", t->retries);
                hv_json_end(&w->json);
        }
        return put_optional(w, "network", "network", t->network);
}

/* --- the whole --- */

/* A name for history to group by, out of the id: a label of DNS. */
const char *hv_pool_task_name(const char *id, struct hv_arena *arena) {
        char *name = hv_arena_printf(arena, "t-%s", id), *p;

        for (p = name; *p; p++)
                *p = (char) (*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p == '_' ? '-' : *p);
        if (name[2] >= 'a' && name[2] <= 'z')
                name += 2;
        if (strlen(name) > NAME_MAX_LEN)
                name[NAME_MAX_LEN] = '\0';
        for (p = name + strlen(name); p[-1] == '-';)
                *--p = '\0';
        return name;
}

static int put_spec(struct writing *w) {
        int (*const parts[])(struct writing *) = { put_type,   put_command,   put_environment,
                                                   put_inputs, put_resources, put_rules };
        int r;

        hv_json_begin_object(&w->json, "spec");
        r = put_optional(w, "image", "docker_image", w->task->docker_image);
        for (size_t i = 0; i < HV_ARRAY_SIZE(parts) && r == 0; i++)
                r = parts[i](w);
        put_requirements(w);
        hv_json_end(&w->json);
        return r;
}

static int begin(const V1__Task *t, struct hv_pool_assignment *a, struct hv_err *err) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        a->attempt = t->attempt;
        a->lease_epoch = t->lease_epoch;
        if (!hv_pool_id_is_valid(t->id))
                return hv_err_set(
                        err, -EINVAL,
                        "%s is not the id of a task: letters, digits, '_' and '-', at most 64, beginning "
                        "with a letter or digit",
                        hv_text_quote(t->id, quoted));
        a->id = t->id;
        if (!*t->required_trust)
                return 0;
        if (!hv_streq(t->required_trust, "low") && !hv_streq(t->required_trust, "medium") &&
            !hv_streq(t->required_trust, "high"))
                return hv_err_set(err, -EINVAL, "required_trust is %s, expected low, medium or high",
                                  hv_text_quote(t->required_trust, quoted));
        a->required_trust = t->required_trust;
        return 0;
}

int hv_pool_document(const V1__Task *task, struct hv_arena *arena, struct hv_pool_document *ret,
                     struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct writing w = { .task = task, .arena = arena, .json = { .buf = &buf }, .err = err };
        int r;

        *ret = (struct hv_pool_document){};
        r = begin(task, &ret->assignment, err);
        if (r < 0)
                return r;
        w.blobs = HV_ARENA_NEW_N(arena, struct hv_pool_blob, task->n_input_files + task->n_input_refs + 2);
        hv_json_begin_object(&w.json, NULL);
        hv_json_put_str(&w.json, "apiVersion", "hivelet/v1");
        hv_json_put_str(&w.json, "kind", "Task");
        hv_json_begin_object(&w.json, "metadata");
        hv_json_put_str(&w.json, "name", hv_pool_task_name(task->id, arena));
        hv_json_end(&w.json);
        r = put_spec(&w);
        if (r < 0)
                return r;
        hv_json_end(&w.json);
        ret->assignment.document = hv_arena_memdup(arena, hv_buf_str(&buf), buf.len + 1);
        ret->assignment.len = buf.len;
        ret->blobs = w.blobs;
        ret->n_blobs = w.n_blobs;
        return 0;
}
