/* Everything that is only looked at: rendered from one snapshot, answered at once. */
#include "http/api_internal.h"

#include "base/version.h"
#include "http/render.h"
#include "http/why.h"

#define LIST_MAX 10000 /* items of one answer */

void hv_api_reply(struct hv_http_request *req, unsigned status, struct hv_buf *json) {
        hv_buf_putc(json, '\n');
        hv_http_reply_json(req, status, hv_buf_steal(json));
}

void hv_api_get_version(struct hv_http_request *req, void *userdata) {
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        (void) userdata;
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "version", hv_version());
        hv_json_put_str(&w, "apiVersion", "hivelet/v1");
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

static void write_status(struct hv_api *api, struct hv_api_view *v, bool show_lines, struct hv_buf *ret) {
        struct hv_json_writer w = { .buf = ret };

        hv_render_status(&w, &v->snapshot, &api->conditions, v->conditions, v->arena, show_lines);
}

void hv_api_write_status(struct hv_api *api, struct hv_api_view *v, struct hv_buf *ret) {
        write_status(api, v, false, ret);
}

void hv_api_get_status(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        struct hv_buf buf = {};

        if (hv_api_not_modified(api, req))
                return;
        hv_api_look(api, &v);
        write_status(api, &v, hv_http_request_caller(req)->role >= HV_HTTP_ROLE_ADMIN, &buf);
        hv_api_reply(req, 200, &buf);
}

void hv_api_get_node(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_monitor_view usage;

        hv_api_usage(api, &usage);
        if (hv_api_usage_not_modified(api, req, usage.generation))
                return;
        hv_api_look(api, &v);
        hv_render_node(&w, &v.snapshot, usage.host, usage.gpus);
        hv_api_reply(req, 200, &buf);
}

void hv_api_get_why(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_api_look(api, &v);
        hv_render_why_node(&w, &v.snapshot, v.arena);
        hv_api_reply(req, 200, &buf);
}

static void reply_small_list(struct hv_http_request *req, struct hv_api *api, const char *kind,
                             void (*render)(struct hv_json_writer *, const struct hv_api_snapshot *)) {
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        if (hv_api_not_modified(api, req))
                return;
        hv_api_look(api, &v);
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "apiVersion", "hivelet/v1");
        hv_json_put_str(&w, "kind", kind);
        render(&w, &v.snapshot);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

void hv_api_get_sources(struct hv_http_request *req, void *userdata) {
        reply_small_list(req, userdata, "SourceList", hv_render_sources);
}

void hv_api_get_revisions(struct hv_http_request *req, void *userdata) {
        reply_small_list(req, userdata, "RevisionList", hv_render_revisions);
}

/* A page begins behind the name that the last one ended with, so objects that come and go between two pages
 * neither hide nor double others. */
void hv_api_get_list(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind) {
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        const char *after = hv_http_query(req, "continue");
        const struct hv_view_item *items;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        uint64_t limit;
        size_t n, first = 0, end;

        if (hv_http_query_u64(req, "limit", 1, LIST_MAX, LIST_MAX, &limit) < 0 ||
            hv_api_not_modified(api, req))
                return;
        hv_api_look(api, &v);
        items = hv_view_list(v.arena, &v.snapshot, kind, &n);
        while (after && first < n && strcmp(items[first].name, after) <= 0)
                first++;
        end = n - first > limit ? first + (size_t) limit : n;

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "apiVersion", "hivelet/v1");
        hv_json_put_printf(&w, "kind", "%sList", hv_kind_name(kind));
        hv_json_begin_object(&w, "metadata");
        hv_json_put_str(&w, "continue", end < n ? items[end - 1].name : NULL);
        hv_json_put_uint(&w, "remaining", n - end);
        hv_json_end(&w);
        hv_json_begin_array(&w, "items");
        for (size_t i = first; i < end; i++)
                hv_render_item(&w, NULL, &v.snapshot, &items[i]);
        hv_json_end(&w);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

const struct hv_view_item *hv_api_wanted_item(struct hv_http_request *req, struct hv_api_view *v,
                                              enum hv_kind kind) {
        const char *name = hv_http_param(req, "name"), *near = NULL;
        const struct hv_view_item *item = hv_view_find(v->arena, &v->snapshot, kind, name, &near);

        if (item)
                return item;
        if (near)
                hv_http_reply_problem(req, 404, "NotFound", "there is no %s \"%s\"; did you mean \"%s\"?",
                                      hv_kind_label(kind), name, near);
        else
                hv_http_reply_problem(req, 404, "NotFound", "there is no %s \"%s\"", hv_kind_label(kind),
                                      name);
        return NULL;
}

void hv_api_get_one(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind,
                    enum hv_api_part part) {
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        const struct hv_view_item *item;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_api_look(api, &v);
        item = hv_api_wanted_item(req, &v, kind);
        /* "why" tells spans of time ("in 12s"), so it differs from one moment to the next. */
        if (!item || (part != HV_API_WHY && hv_api_not_modified(api, req)))
                return;
        switch (part) {
        case HV_API_WHOLE:
                hv_render_item(&w, NULL, &v.snapshot, item);
                break;
        case HV_API_STATUS:
                hv_render_item_status(&w, NULL, &v.snapshot, item);
                break;
        case HV_API_WHY:
                hv_render_why(&w, NULL, &v.snapshot, item, v.arena);
                break;
        }
        hv_api_reply(req, 200, &buf);
}
