/* Everything that is only looked at: rendered from one snapshot, answered at once. */
#include "http/api_internal.h"

#include <stdio.h>

#include "base/time.h"
#include "base/version.h"
#include "http/render.h"
#include "http/why.h"
#include "spec/schema.h"
#include "web/assets.h"

void hv_api_reply(struct hv_http_request *req, unsigned status, struct hv_buf *json) {
        hv_buf_putc(json, '\n');
        hv_http_reply_json(req, status, hv_buf_steal(json));
}

static void put_texts(struct hv_json_writer *w, const char *key, const char *const *texts) {
        hv_json_begin_array(w, key);
        for (size_t i = 0; texts && texts[i]; i++)
                hv_json_put_str(w, NULL, texts[i]);
        hv_json_end(w);
}

void hv_api_get_version(struct hv_http_request *req, void *userdata) {
        /* What is not in every build comes last; the page that says so stands in its place. */
        const char *const features[] = { "nvml", "systemd", "tls", hv_web_n_assets > 1 ? "web" : NULL, NULL };
        const struct hv_field *protocol = hv_schema_find("master.protocol", NULL);
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        const struct hv_build *build = hv_build();
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        char tag[80];

        (void) snprintf(tag, sizeof tag, "%s-%s", hv_version(), build->commit);
        if (hv_http_not_modified(req, tag))
                return;
        hv_api_look(userdata, &v);
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "version", hv_version());
        hv_json_put_str(&w, "apiVersion", "hivelet/v1");
        hv_json_put_str(&w, "commit", build->commit);
        hv_json_put_str(&w, "buildDate", build->date);
        hv_json_begin_object(&w, "engineApi");
        hv_json_put_str(&w, "oldest", v.snapshot.engine.api_oldest);
        hv_json_put_str(&w, "newest", v.snapshot.engine.api_newest);
        hv_json_end(&w);
        put_texts(&w, "poolProtocols", protocol ? protocol->words : NULL);
        put_texts(&w, "features", features);
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

static bool is_fresh(const struct hv_api *api, const struct hv_api_kept *kept) {
        return kept->text.len > 0 && kept->generation == api->generation &&
               hv_api_now_wall_us() - kept->wall_us < HV_USEC_PER_SEC;
}

void hv_api_get_status(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        bool show_lines = hv_http_request_caller(req)->role >= HV_HTTP_ROLE_ADMIN;
        struct hv_api_kept *kept = &api->status[show_lines];

        if (hv_api_not_modified(api, req))
                return;
        if (!is_fresh(api, kept)) {
                _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};

                hv_api_look(api, &v);
                kept->generation = api->generation;
                kept->wall_us = hv_api_now_wall_us();
                kept->text.len = 0;
                write_status(api, &v, show_lines, &kept->text);
                hv_buf_putc(&kept->text, '\n');
        }
        hv_http_reply_data(req, 200, "application/json", kept->text.data, kept->text.len);
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

bool hv_api_begin_list(struct hv_http_request *req, const struct hv_http_list *list, struct hv_json_writer *w,
                       struct hv_http_page *ret) {
        if (!hv_http_page_cut(req, list, ret))
                return false;
        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "apiVersion", "hivelet/v1");
        hv_json_put_str(w, "kind", list->name);
        hv_http_page_write(w, ret);
        return true;
}

void hv_api_get_sources(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_http_page page;
        const char **names;

        if (hv_api_not_modified(api, req))
                return;
        hv_api_look(api, &v);
        names = HV_ARENA_NEW_N(v.arena, const char *, v.snapshot.n_sources);
        for (size_t i = 0; i < v.snapshot.n_sources; i++)
                names[i] = v.snapshot.sources[i].name;
        if (!hv_api_begin_list(req,
                               &(struct hv_http_list){ "SourceList", names, v.snapshot.n_sources, false }, &w,
                               &page))
                return;
        hv_json_begin_array(&w, "items");
        for (size_t i = page.first; i < page.end; i++)
                hv_render_source(&w, NULL, &v.snapshot.sources[i]);
        hv_json_end(&w);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

void hv_api_get_revisions(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_http_page page;
        const char **ids;

        if (hv_api_not_modified(api, req))
                return;
        hv_api_look(api, &v);
        ids = HV_ARENA_NEW_N(v.arena, const char *, v.snapshot.n_revisions);
        for (size_t i = 0; i < v.snapshot.n_revisions; i++)
                ids[i] = v.snapshot.revisions[i].revision;
        if (!hv_api_begin_list(req,
                               &(struct hv_http_list){ "RevisionList", ids, v.snapshot.n_revisions, false },
                               &w, &page))
                return;
        hv_json_begin_array(&w, "items");
        for (size_t i = page.first; i < page.end; i++)
                hv_render_revision(&w, NULL, &v.snapshot.revisions[i], NULL);
        hv_json_end(&w);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

static bool is_it(const struct hv_api_revision *r, const char *id) {
        if (hv_streq(id, "previous"))
                return r->state == HV_API_REVISION_PREVIOUS || r->state == HV_API_REVISION_ROLLED_BACK;
        return hv_has_prefix(r->revision, id);
}

/* By its id, or the start of it; the newest that is not in force is "previous". */
const struct hv_api_revision *hv_api_wanted_revision(struct hv_http_request *req,
                                                     const struct hv_api_view *v) {
        const char *id = hv_http_param(req, "id");
        const struct hv_api_revision *found = NULL;
        bool is_previous = hv_streq(id, "previous");
        size_t n = 0;

        for (size_t i = 0; i < v->snapshot.n_revisions && !(is_previous && found); i++)
                if (is_it(&v->snapshot.revisions[i], id)) {
                        /* One that was in force and is wanted again may be parked, too: the kept one comes behind. */
                        n += !found || !hv_streq(found->revision, v->snapshot.revisions[i].revision);
                        found = &v->snapshot.revisions[i];
                }
        if (n == 1)
                return found;
        if (is_previous)
                hv_http_reply_problem(req, 404, "NotFound",
                                      "no revision is kept that was in force before this one");
        else
                hv_http_reply_problem(req, n ? 409 : 404, n ? "Ambiguous" : "NotFound",
                                      "%zu revisions that are kept begin with %s", n, id);
        return NULL;
}

void hv_api_get_revision(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        const struct hv_api_revision *found;
        struct hv_desired *before, *after;
        struct hv_diffs changes = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_api_look(api, &v);
        found = hv_api_wanted_revision(req, &v);
        if (!found || hv_api_not_modified(api, req))
                return;
        before = found->before ? api->backend->kept(api->userdata, found->before) : NULL;
        after = before ? api->backend->kept(api->userdata, found->revision) : NULL;
        if (after)
                changes.v = hv_diff_compute(v.arena, before, after, &changes.n);
        hv_render_revision(&w, NULL, found, after ? &changes : NULL);
        hv_desired_unref(before);
        hv_desired_unref(after);
        hv_api_reply(req, 200, &buf);
}

void hv_api_get_sync(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        const struct hv_status *status;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        if (hv_api_not_modified(api, req))
                return;
        hv_api_look(api, &v);
        status = v.snapshot.status;
        hv_json_begin_object(&w, NULL);
        hv_json_put_bool(&w, "converged", v.conditions[HV_CONDITION_CONVERGED].status == HV_CONDITION_TRUE);
        hv_json_put_bool(&w, "synced", status->synced);
        hv_json_put_str(&w, "reason", v.conditions[HV_CONDITION_CONVERGED].reason);
        hv_json_put_str(&w, "message", v.conditions[HV_CONDITION_CONVERGED].message);
        hv_render_time(&w, "outOfSyncSince", hv_api_wall_us(&v.snapshot, status->out_of_sync_since_us));
        hv_json_put_str(&w, "revision",
                        hv_str_empty(status->active_revision) ? NULL : status->active_revision);
        hv_json_put_str(&w, "parkedRevision", status->parked_revision);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

void hv_api_get_list(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind) {
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        struct hv_http_list list = { .is_sorted = true };
        const struct hv_view_item *items;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_http_page page;
        const char **names;

        if (hv_api_wants_watch(req)) {
                hv_api_watch_list(req, api, kind);
                return;
        }
        /* Peers are heard and bytes are sent without anything that would be told as a change. */
        if (kind != HV_KIND_WIREGUARD && hv_api_not_modified(api, req))
                return;
        hv_api_look(api, &v);
        items = hv_view_list(v.arena, &v.snapshot, kind, &list.n);
        names = HV_ARENA_NEW_N(v.arena, const char *, list.n);
        for (size_t i = 0; i < list.n; i++)
                names[i] = items[i].name;
        list.name = hv_arena_printf(v.arena, "%sList", hv_kind_name(kind));
        list.keys = names;
        if (!hv_api_begin_list(req, &list, &w, &page))
                return;
        hv_json_begin_array(&w, "items");
        for (size_t i = page.first; i < page.end; i++)
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
        /* "why" tells spans of time ("in 12s"), so it differs from one moment to the next, as figures of peers do. */
        if (!item || (part != HV_API_WHY && kind != HV_KIND_WIREGUARD && hv_api_not_modified(api, req)))
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
