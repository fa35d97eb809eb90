/* Paths that programs of HiveMind's worker asked beyond its documents: its log, its figures, and what controlled it from
 * outside. hivelet has no worker to control: who the node is, is told; what acted is 410, and the sentence says what is there in
 * its place. */
#include "http/api_task.h"

#include "base/version.h"
#include "http/log_ring.h"
#include "http/render_task.h"
#include "http/render_usage.h"

void hv_api_get_legacy_logs(struct hv_http_request *req, void *userdata) {
        const struct hv_api *api = userdata;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_json_begin_object(&w, NULL);
        hv_log_ring_render(api->log, &w, "logs");
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

void hv_api_get_legacy_metrics(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        struct hv_monitor_view usage;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_api_look_at_tasks(api, &v);
        hv_api_usage(api, &usage);
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "node_id", v.view.snapshot.node_id);
        hv_json_put_uint(&w, "running_tasks", v.view.snapshot.status->n_tasks_running);
        hv_json_put_uint(&w, "queued_tasks", v.view.snapshot.status->n_tasks_queued);
        hv_json_put_int(&w, "trust_score", v.tasks.trust_score);
        hv_render_legacy_room(&w, "available_resources", &v.tasks.free);
        hv_render_legacy_room(&w, "total_resources", &v.tasks.allocatable);
        hv_render_legacy_system(&w, "system", usage.host);
        hv_render_legacy_containers(&w, "containers", &usage);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

void hv_api_get_legacy_worker(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_api_look_at_tasks(api, &v);
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "node_id", v.view.snapshot.node_id);
        hv_json_put_str(&w, "version", hv_version());
        hv_json_put_str(&w, "node_pool", v.view.snapshot.pool.address);
        hv_json_put_str(&w, "address", v.view.snapshot.pool.advertised);
        hv_json_put_bool(&w, "is_registered", v.view.snapshot.pool.online);
        hv_json_put_bool(&w, "docker_available", v.view.snapshot.status->engine == HV_ENGINE_READY);
        hv_render_legacy_room(&w, "total_resources", &v.tasks.allocatable);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

void hv_api_post_legacy_login(struct hv_http_request *req, void *userdata) {
        (void) userdata;
        hv_http_reply_problem(req, 410, "Gone", "log in with POST /login");
}

void hv_api_post_legacy_register(struct hv_http_request *req, void *userdata) {
        (void) userdata;
        hv_http_reply_problem(
                req, 410, "Gone",
                "the node registers by itself at the pool of master.address, with master.credentials");
}

void hv_api_post_legacy_location(struct hv_http_request *req, void *userdata) {
        (void) userdata;
        hv_http_reply_problem(req, 410, "Gone", "no pool is told where a node stands");
}
