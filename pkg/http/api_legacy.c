/* The documented paths of HiveMind's worker: shapes and words are fixed, more keys may be added.
 *
 * Source   HiveMind's worker documentation; docs/http-api.md, "Documented older paths". */
#include "http/api_task.h"

#include "http/render_task.h"
#include "http/render_usage.h"

#define ENDED_SHOWN_MAX 100u
#define GIB 1073741824.0

static const char *status_word(const struct hv_api_snapshot *s, const struct hv_api_tasks *t) {
        if (s->status->engine != HV_ENGINE_READY || !t->ledger)
                return "ERROR";
        return s->status->n_tasks_running > 0 ? "BUSY" : "IDLE";
}

/* ---- figures of the machine, in the documents' units ---- */

static double cpu_percent(const struct hv_host_sample *s) {
        return s->cpu_percent;
}

static double cpu_available(const struct hv_host_sample *s) {
        return 100.0 - s->cpu_percent;
}

static double memory_percent(const struct hv_host_sample *s) {
        return hv_host_memory_percent(&s->memory);
}

static double memory_available(const struct hv_host_sample *s) {
        return (double) s->memory.available_bytes / GIB;
}

/* Where tasks write: the first that is watched, else whatever there is. */
static double disk_available(const struct hv_host_sample *s) {
        return s->n_file_systems ? (double) s->file_systems[0].available_bytes / GIB : 0;
}

/* Before the first sample nothing is known, and nothing is free. */
static void put_figure(struct hv_json_writer *w, const char *key, const struct hv_host_sample *s,
                       double (*figure)(const struct hv_host_sample *s)) {
        if (s)
                hv_json_put_real(w, key, figure(s));
        else
                hv_json_put_null(w, key);
}

void hv_api_get_legacy_status(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_monitor_view usage;

        hv_api_look_at_tasks(api, &v);
        hv_api_usage(api, &usage);
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "node_id", v.view.snapshot.node_id);
        hv_json_put_str(&w, "status", status_word(&v.view.snapshot, &v.tasks));
        hv_json_put_bool(&w, "is_registered", v.view.snapshot.pool.online);
        if (v.view.snapshot.pool.has_balance)
                hv_json_put_int(&w, "cpt_balance", v.view.snapshot.pool.balance);
        hv_json_put_bool(&w, "docker_available", v.view.snapshot.status->engine == HV_ENGINE_READY);
        put_figure(&w, "cpu_percent", usage.host, cpu_percent);
        put_figure(&w, "memory_percent", usage.host, memory_percent);
        hv_render_legacy_room(&w, "available_resources", &v.tasks.free);
        hv_render_legacy_room(&w, "total_resources", &v.tasks.allocatable);
        hv_json_put_uint(&w, "running_tasks", v.view.snapshot.status->n_tasks_running);
        hv_json_put_uint(&w, "queued_tasks", v.view.snapshot.status->n_tasks_queued);
        hv_json_put_int(&w, "trust_score", v.tasks.trust_score);
        hv_json_put_str(&w, "trust_group", v.tasks.trust_group);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

/* All that live, and the newest that ended. */
void hv_api_get_legacy_tasks(struct hv_http_request *req, void *userdata) {
        static const unsigned live = (1u << HV_TASK_COMPLETED) - 1;
        const struct hv_task_filter filters[] = {
                { .states = live, .limit = HV_TASK_PAGE_MAX },
                { .states = ((1u << HV_N_TASK_STATES) - 1) & ~live, .limit = ENDED_SHOWN_MAX },
        };
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_api_look_at_tasks(userdata, &v);
        hv_json_begin_object(&w, NULL);
        hv_json_begin_array(&w, "tasks");
        for (size_t i = 0; i < HV_ARRAY_SIZE(filters); i++) {
                struct hv_task_page page = {};
                struct hv_err err = {};

                if (hv_task_page_read(&v.tasks, &filters[i], v.view.arena, &page, &err) < 0) {
                        hv_buf_done(&buf);
                        hv_http_reply_err(req, "LedgerFailed", &err);
                        return;
                }
                for (size_t k = 0; k < page.n; k++)
                        hv_render_legacy_task(&w, &v.view.snapshot, &page.items[k]);
        }
        hv_json_end(&w);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

/* cpu_available is CPU that is free, in percent of the machine: the document of that name fills in the use. */
void hv_api_get_legacy_resources(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_monitor_view usage;

        hv_api_look_at_tasks(api, &v);
        hv_api_usage(api, &usage);
        hv_json_begin_object(&w, NULL);
        put_figure(&w, "cpu_available", usage.host, cpu_available);
        put_figure(&w, "memory_available", usage.host, memory_available);
        put_figure(&w, "disk_available", usage.host, disk_available);
        hv_json_put_uint(&w, "running_tasks", v.view.snapshot.status->n_tasks_running);
        hv_render_legacy_system(&w, "system", usage.host);
        hv_render_legacy_containers(&w, "containers", &usage);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}
