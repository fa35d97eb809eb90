/* http/render_gpu.c - see render_gpu.h. */
#include "http/render_gpu.h"

#include "gpu/history.h"
#include "http/exposition.h"
#include "http/render.h"
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
        for (size_t i = 0; g->processes_are_listed && i < g->n_processes; i++) {
                hv_json_begin_object(w, NULL);
                hv_json_put_int(w, "pid", g->processes[i].pid);
                put_known(w, "memory", g->processes[i].memory_bytes);
                put_known(w, "use", g->processes[i].use_percent);
                hv_json_end(w);
        }
        hv_json_end(w);
}

static void put_history(struct hv_json_writer *w, const struct hv_gpu_history *h, const char *uuid) {
        hv_json_begin_array(w, "history");
        for (size_t i = 0; i < hv_gpu_history_size(h, uuid); i++) {
                const struct hv_gpu_point *p = hv_gpu_history_at(h, uuid, i);

                hv_json_begin_object(w, NULL);
                hv_render_time(w, "at", p->wall_us);
                put_known(w, "use", p->use_percent);
                put_known(w, "memory", p->memory_used_bytes);
                put_known(w, "temperatureCelsius", p->temperature_c);
                hv_json_end(w);
        }
        hv_json_end(w);
}

void hv_render_gpu_usage(struct hv_json_writer *w, const char *key, const struct hv_gpus *gpus,
                         const struct hv_gpu_history *history) {
        hv_json_begin_array(w, key);
        for (size_t i = 0; gpus && i < gpus->n; i++) {
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "uuid", gpus->v[i].uuid);
                hv_json_put_str(w, "name", gpus->v[i].name);
                hv_json_put_str(w, "parent", *gpus->v[i].parent ? gpus->v[i].parent : NULL);
                put_sample(w, &gpus->v[i]);
                if (history)
                        put_history(w, history, gpus->v[i].uuid);
                hv_json_end(w);
        }
        hv_json_end(w);
}

void hv_render_container_gpus(struct hv_json_writer *w, const char *key, const struct hv_container_gpu *v,
                              size_t n) {
        hv_json_begin_array(w, key);
        for (size_t i = 0; i < n; i++) {
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "uuid", v[i].uuid);
                hv_json_put_bool(w, "assigned", v[i].is_given);
                put_known(w, "use", v[i].use_percent);
                hv_json_begin_object(w, "memory");
                put_known(w, "total", v[i].memory_bytes ? (int64_t) v[i].memory_bytes : -1);
                put_known(w, "used", v[i].memory_used_bytes);
                hv_json_end(w);
                hv_json_put_uint(w, "processes", v[i].n_processes);
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

/* ---- metrics of containers ---- */

static int64_t memory_used(const struct hv_container_gpu *g) {
        return g->memory_used_bytes;
}

static int64_t memory_total(const struct hv_container_gpu *g) {
        return g->memory_bytes ? (int64_t) g->memory_bytes : -1;
}

static int64_t duty(const struct hv_container_gpu *g) {
        return g->use_percent;
}

/* Where nobody has a GPU they are left out. */
void hv_metrics_container_gpus(struct hv_exposition *e, const struct hv_monitor_view *usage) {
        static const struct {
                const char *name, *help;
                int64_t (*value)(const struct hv_container_gpu *);
        } all[] = {
                { "container_accelerator_memory_used_bytes", "Memory of a GPU that the container uses.",
                  memory_used },
                { "container_accelerator_memory_total_bytes", "Memory that the GPU has.", memory_total },
                { "container_accelerator_duty_cycle",
                  "Percent of the time in which the GPU computed for the container.", duty },
        };

        for (size_t k = 0; usage->gpus && k < HV_ARRAY_SIZE(all); k++) {
                hv_exposition_family(e, all[k].name, "gauge", all[k].help);
                for (size_t i = 0; i < usage->n_containers; i++) {
                        const struct hv_monitor_container *c = &usage->containers[i];

                        for (size_t j = 0; j < c->n_gpus; j++)
                                if (all[k].value(&c->gpus[j]) >= 0)
                                        hv_exposition_int(e, all[k].name,
                                                          &(struct hv_exposition_labels){
                                                                  { "name", "kind", "object", "acc_id" },
                                                                  { c->name, hv_kind_label(c->kind),
                                                                    c->object, c->gpus[j].uuid } },
                                                          all[k].value(&c->gpus[j]));
                }
        }
}
