/* pool/hivemind_document.c - see hivemind_document.h. */
#include "pool/hivemind_document.h"

#include <errno.h>

#include "base/quantity.h"
#include "base/text.h"
#include "pool/document.h"
#include "json/write.h"

#define SCORE_OF_A_CORE 100
#define SCORE_MIN 10       /* of what is held for it */
#define SCORE_MAX 10000000 /* 100,000 cores */
#define GB_MAX 1048576
#define MEMORY_MIN_BYTES (UINT64_C(512) << 20)

static int check_score(const char *field, float value, struct hv_err *err) {
        return value >= 0 && value <= SCORE_MAX /* also false for what is no number */
                       ? 0
                       : hv_err_set(err, -EINVAL, "%s is %g, expected 0 to %d", field, (double) value,
                                    SCORE_MAX);
}

static int check_gb(const char *field, int32_t value, struct hv_err *err) {
        return value >= 0 && value <= GB_MAX
                       ? 0
                       : hv_err_set(err, -EINVAL, "%s is %d, expected 0 to %d", field, value, GB_MAX);
}

int hivemind_document_check(const Hivemind__ExecuteTaskRequest *m, size_t zip_len, struct hv_err *err) {
        char quoted[HV_TEXT_QUOTE_SIZE];
        int r;

        if (!hv_pool_id_is_valid(m->task_id))
                return hv_err_set(
                        err, -EINVAL,
                        "%s is not the id of a task: letters, digits, '_' and '-', at most 64, beginning "
                        "with a letter or digit",
                        hv_text_quote(m->task_id, quoted));
        if (zip_len == 0)
                return hv_err_set(err, -EINVAL, "task_zip is empty");
        r = check_score("cpu_usage (the task's cpu_score)", m->cpu_usage, err);
        if (r == 0)
                r = check_score("gpu_usage (the task's gpu_score)", m->gpu_usage, err);
        if (r == 0)
                r = check_gb("memory_gb", m->memory_gb, err);
        if (r == 0)
                r = check_gb("gpu_memory_gb", m->gpu_memory_gb, err);
        return r;
}

static void put_gib(struct hv_json_writer *w, const char *key, int32_t gb, uint64_t least) {
        hv_json_put_printf(w, key, "%llu", (unsigned long long) HV_MAX((uint64_t) gb << 30, least));
}

static void put_resources(struct hv_json_writer *w, const Hivemind__ExecuteTaskRequest *m) {
        uint64_t score = HV_MAX((uint64_t) m->cpu_usage, (uint64_t) SCORE_MIN);
        char cpu[HV_QUANTITY_SIZE];

        hv_quantity_format_cpu(score * (HV_NANO_CPUS_PER_CPU / SCORE_OF_A_CORE), cpu);
        hv_json_begin_object(w, "resources");
        hv_json_begin_object(w, "limits");
        hv_json_put_str(w, "cpu", cpu);
        put_gib(w, "memory", m->memory_gb, MEMORY_MIN_BYTES);
        hv_json_end(w);
        if (m->gpu_usage > 0 || m->gpu_memory_gb > 0) {
                hv_json_begin_object(w, "requests");
                hv_json_put_int(w, "gpus", 1);
                if (m->gpu_memory_gb > 0)
                        put_gib(w, "gpuMemory", m->gpu_memory_gb, 0);
                hv_json_end(w);
        }
        hv_json_end(w);
}

static void put_spec(struct hv_json_writer *w, const Hivemind__ExecuteTaskRequest *m,
                     const char *zip_sha256) {
        hv_json_put_str(w, "type", "hivemind");
        hv_json_begin_array(w, "env");
        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "name", "TASK_ID");
        hv_json_put_str(w, "value", m->task_id);
        hv_json_end(w);
        hv_json_end(w);
        hv_json_begin_array(w, "inputs");
        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "path", ".");
        hv_json_put_str(w, "inbox", zip_sha256);
        hv_json_put_bool(w, "unpack", true);
        hv_json_end(w);
        hv_json_end(w);
        put_resources(w, m);
}

void hivemind_document(const Hivemind__ExecuteTaskRequest *m, const char *zip_sha256, struct hv_arena *arena,
                       struct hv_pool_assignment *ret) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "apiVersion", "hivelet/v1");
        hv_json_put_str(&w, "kind", "Task");
        hv_json_begin_object(&w, "metadata");
        hv_json_put_str(&w, "name", hv_pool_task_name(m->task_id, arena));
        hv_json_end(&w);
        hv_json_begin_object(&w, "spec");
        put_spec(&w, m, zip_sha256);
        hv_json_end(&w);
        hv_json_end(&w);
        *ret = (struct hv_pool_assignment){ .id = m->task_id,
                                            .document = hv_arena_memdup(arena, hv_buf_str(&buf), buf.len + 1),
                                            .len = buf.len };
}
