/* http/render_gpu.c - see render_gpu.h. */
#include "http/render_gpu.h"

#include "http/exposition.h"
#include "json/write.h"

static void put_known(struct hv_json_writer *w, const char *key, int64_t value) {
        if (value >= 0)
                hv_json_put_int(w, key, value);
        else
                hv_json_put_null(w, key);
}

static const char *state_word(enum hv_gpu_state state) {
        return state == HV_GPU_LOST ? "lost" : state == HV_GPU_MIG ? "mig" : "works";
}

static void put_sample(struct hv_json_writer *w, const struct hv_gpu *g) {
        hv_json_put_str(w, "state", state_word(g->state));
        put_known(w, "use", g->use_percent);
        hv_json_begin_object(w, "memory");
        hv_json_put_uint(w, "total", g->memory_bytes);
        put_known(w, "used", g->memory_used_bytes);
        hv_json_end(w);
        put_known(w, "temperatureCelsius", g->temperature_c);
        hv_json_begin_array(w, "processes");
        for (size_t i = 0; i < HV_MIN(g->n_processes, HV_GPU_PROCESSES_MAX); i++) {
                hv_json_begin_object(w, NULL);
                hv_json_put_int(w, "pid", g->processes[i].pid);
                put_known(w, "memory", g->processes[i].memory_bytes);
                hv_json_end(w);
        }
        hv_json_end(w);
}

void hv_render_gpu_usage(struct hv_json_writer *w, const char *key, const struct hv_gpus *gpus) {
        hv_json_begin_array(w, key);
        for (size_t i = 0; gpus && i < gpus->n; i++) {
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "uuid", gpus->v[i].uuid);
                hv_json_put_str(w, "name", gpus->v[i].name);
                put_sample(w, &gpus->v[i]);
                hv_json_end(w);
        }
        hv_json_end(w);
}

static void put_item(struct hv_json_writer *w, const struct hv_gpu_status *s, const struct hv_gpus *gpus) {
        const struct hv_gpu *g = hv_gpus_find(gpus, s->uuid);

        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "uuid", s->uuid);
        hv_json_put_str(w, "name", s->name);
        hv_json_put_bool(w, "works", s->works);
        hv_json_put_bool(w, "given", s->is_given);
        hv_json_put_uint(w, "heldMemory", s->held_bytes);
        hv_json_begin_array(w, "holders");
        for (size_t i = 0; i < s->n_holders; i++)
                hv_json_put_str(w, NULL, s->holders[i]);
        hv_json_end(w);
        if (g)
                put_sample(w, g);
        hv_json_end(w);
}

void hv_render_node_gpus(struct hv_json_writer *w, const char *key, const struct hv_gpus_status *status,
                         const struct hv_gpus *gpus) {
        hv_json_begin_object(w, key);
        hv_json_put_bool(w, "known", status->is_known);
        hv_json_put_str(w, "message", status->message);
        hv_json_put_str(w, "driver", gpus && *gpus->driver ? gpus->driver : NULL);
        hv_json_begin_array(w, "items");
        for (size_t i = 0; i < status->n; i++)
                put_item(w, &status->v[i], gpus);
        hv_json_end(w);
        hv_json_end(w);
}

/* ---- metrics ---- */

static int64_t use(const struct hv_gpu *g) {
        return g->use_percent;
}

static int64_t temperature(const struct hv_gpu *g) {
        return g->temperature_c;
}

static int64_t processes(const struct hv_gpu *g) {
        return g->n_processes;
}

static int64_t works(const struct hv_gpu *g) {
        return g->state != HV_GPU_LOST;
}

static void put_gauge(struct hv_exposition *e, const struct hv_gpus *gpus, const char *name, const char *help,
                      int64_t (*value)(const struct hv_gpu *)) {
        hv_exposition_family(e, name, "gauge", help);
        for (size_t i = 0; i < gpus->n; i++)
                if (value(&gpus->v[i]) >= 0)
                        hv_exposition_int(e, name,
                                          &(struct hv_exposition_labels){ { "uuid" }, { gpus->v[i].uuid } },
                                          value(&gpus->v[i]));
}

void hv_metrics_gpus(struct hv_exposition *e, const struct hv_gpus *gpus) {
        static const char memory[] = "hivelet_gpu_memory_bytes", info[] = "hivelet_gpu_info";

        if (!gpus)
                return;
        hv_exposition_family(e, "hivelet_gpu", "info", "GPUs of this machine.");
        for (size_t i = 0; i < gpus->n; i++)
                hv_exposition_uint(
                        e, info,
                        &(struct hv_exposition_labels){ { "uuid", "name", "driver" },
                                                        { gpus->v[i].uuid, gpus->v[i].name, gpus->driver } },
                        1);
        put_gauge(e, gpus, "hivelet_gpu_works", "0: it is lost.", works);
        put_gauge(e, gpus, "hivelet_gpu_use_percent", "Time in which it computed.", use);
        put_gauge(e, gpus, "hivelet_gpu_temperature_celsius", "Its temperature.", temperature);
        put_gauge(e, gpus, "hivelet_gpu_processes", "Processes that compute on it.", processes);
        hv_exposition_family(e, memory, "gauge", "Its memory.");
        for (size_t i = 0; i < gpus->n; i++) {
                const struct hv_gpu *g = &gpus->v[i];

                hv_exposition_uint(
                        e, memory,
                        &(struct hv_exposition_labels){ { "uuid", "state" }, { g->uuid, "total" } },
                        g->memory_bytes);
                if (g->memory_used_bytes >= 0)
                        hv_exposition_int(
                                e, memory,
                                &(struct hv_exposition_labels){ { "uuid", "state" }, { g->uuid, "used" } },
                                g->memory_used_bytes);
        }
}
