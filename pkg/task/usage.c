/* task/usage.c - see usage.h. */
#include "task/usage.h"

#include "json/write.h"

static void put_known(struct hv_json_writer *w, const char *key, bool is_known, uint64_t value) {
        if (is_known)
                hv_json_put_uint(w, key, value);
        else
                hv_json_put_null(w, key);
}

void hv_task_put_gpu_use(struct hv_json_writer *w, const struct hv_task_gpu_use *use) {
        if (!use->memory_is_known && !use->use_is_known) {
                hv_json_put_null(w, "gpu");
                return;
        }
        hv_json_begin_object(w, "gpu"); /* in the order of their names: a receipt is canonical */
        put_known(w, "memoryPeakBytes", use->memory_is_known, use->memory_peak_bytes);
        put_known(w, "useMeanPercent", use->use_is_known, use->use_mean_percent);
        put_known(w, "usePeakPercent", use->use_is_known, use->use_peak_percent);
        hv_json_end(w);
}
