/* http/api_usage.c - what the machine and its containers use: answered from the last samples, nobody is asked for new ones. */
#include "http/api_task.h"
#include "http/render_usage.h"

void hv_api_usage(struct hv_api *api, struct hv_monitor_view *ret) {
        *ret = (struct hv_monitor_view){};
        api->backend->usage(api->userdata, ret);
}

void hv_api_get_usage(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        struct hv_monitor_view usage;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_api_usage(api, &usage);
        if (hv_api_usage_not_modified(api, req, usage.generation))
                return;
        hv_render_usage(&w, &usage, hv_http_query_is_true(req, "history"));
        hv_api_reply(req, 200, &buf);
}

static void reply_stats(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind,
                        const char *name) {
        bool with_history = hv_http_query_is_true(req, "history");
        struct hv_monitor_view usage;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_api_usage(api, &usage);
        if (hv_api_usage_not_modified(api, req, usage.generation))
                return;
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "apiVersion", "hivelet/v1");
        hv_json_put_str(&w, "kind", "Usage");
        hv_json_begin_array(&w, "containers");
        for (size_t i = 0; i < usage.n_containers; i++)
                if (usage.containers[i].kind == kind && hv_streq(usage.containers[i].object, name))
                        hv_render_container_usage(&w, &usage.containers[i], with_history);
        hv_json_end(&w);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

void hv_api_get_service_stats(struct hv_http_request *req, void *userdata) {
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        const struct hv_view_item *item;

        hv_api_look(userdata, &v);
        item = hv_api_wanted_item(req, &v, HV_KIND_SERVICE);
        if (item)
                reply_stats(req, userdata, HV_KIND_SERVICE, item->name);
}

void hv_api_get_task_stats(struct hv_http_request *req, void *userdata) {
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        struct hv_task_item item;

        hv_api_look_at_tasks(userdata, &v);
        if (hv_api_wanted_task(req, &v, &item) == 0)
                reply_stats(req, userdata, HV_KIND_TASK, item.id);
}
