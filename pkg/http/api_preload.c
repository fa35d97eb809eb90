/* Images by hand: what somebody asked for (POST), and how far it is (GET, also as a stream). */
#include <errno.h>

#include "http/api_internal.h"
#include "http/render.h"
#include "json/json.h"

/* Those of `names` only, unless that is NULL. */
static void render(struct hv_json_writer *w, const struct hv_api_preloads *all, const char *const *names,
                   size_t n_names) {
        static const char *const phases[] = { [HV_API_PRELOAD_WAITING] = "Waiting",
                                              [HV_API_PRELOAD_PULLING] = "Pulling",
                                              [HV_API_PRELOAD_READY] = "Ready",
                                              [HV_API_PRELOAD_FAILED] = "Failed" };

        hv_json_begin_object(w, NULL);
        hv_json_begin_array(w, "images");
        for (size_t i = 0; i < all->n; i++) {
                const struct hv_api_preload *p = &all->v[i];
                bool is_meant = !names;

                for (size_t k = 0; k < n_names && !is_meant; k++)
                        is_meant = hv_streq(names[k], p->image);
                if (!is_meant)
                        continue;
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "image", p->image);
                hv_json_put_str(w, "phase", phases[p->phase]);
                hv_json_put_str(w, "message", p->message);
                hv_json_put_uint(w, "cameBytes", p->came_bytes);
                hv_json_put_uint(w, "totalBytes", p->total_bytes);
                hv_json_put_str(w, "by", p->by);
                hv_render_time(w, "askedAt", p->asked_wall_us);
                hv_render_time(w, "endedAt", p->ended_wall_us);
                hv_json_end(w);
        }
        hv_json_end(w);
        hv_json_end(w);
}

static void render_all(struct hv_api *api, struct hv_buf *ret) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_json_writer w = { .buf = ret };
        struct hv_api_preloads all = {};

        api->backend->preloads(api->userdata, arena, &all);
        render(&w, &all, NULL, 0);
}

/* ---- looking ---- */

void hv_api_tell_preload_watchers(struct hv_api *api) {
        _hv_cleanup_(hv_buf_done) struct hv_buf now = {};
        char id[HV_API_WATCH_ID_SIZE];

        if (hv_http_sse_hub_size(api->preload_hub) == 0)
                return;
        render_all(api, &now);
        if (hv_streq(hv_buf_str(&now), hv_buf_str(&api->preload_told)))
                return;
        hv_api_watch_id(api, id);
        hv_http_sse_broadcast(api->preload_hub, id, "preload", hv_buf_str(&now));
        hv_buf_done(&api->preload_told);
        api->preload_told = now;
        now = (struct hv_buf){};
}

/* Each event is all there is, so whoever resumes has missed nothing once he has the first one. */
static void stream(struct hv_http_request *req, struct hv_api *api) {
        _hv_cleanup_(hv_buf_done) struct hv_buf now = {};
        char id[HV_API_WATCH_ID_SIZE];
        struct hv_http_sse *client;

        if (!hv_api_has_room_for_watcher(api, req))
                return;
        hv_api_watch_id(api, id);
        render_all(api, &now);
        client = hv_http_sse_join(api->preload_hub, req, now.len);
        if (client)
                (void) hv_http_sse_send(client, id, "preload", hv_buf_str(&now));
}

void hv_api_get_preload(struct hv_http_request *req, void *userdata) {
        struct hv_buf buf = {};

        if (hv_api_wants_watch(req)) {
                stream(req, userdata);
                return;
        }
        render_all(userdata, &buf);
        hv_api_reply(req, 200, &buf);
}

/* ---- asking ---- */

/* 0: 400 was sent. */
static size_t read_names(struct hv_http_request *req, const struct hv_json *body,
                         const char *ret[HV_API_PRELOAD_MAX]) {
        const struct hv_json *images = hv_json_get(body, "images");
        size_t n = hv_json_size(images);

        if (hv_json_type(images) != HV_JSON_ARRAY || n == 0 || n > HV_API_PRELOAD_MAX) {
                hv_http_reply_problem(req, 400, "BadBody", "images: expected 1 to %d references of images",
                                      HV_API_PRELOAD_MAX);
                return 0;
        }
        for (size_t i = 0; i < n; i++) {
                ret[i] = hv_json_as_str(hv_json_at(images, i));
                if (!ret[i]) {
                        hv_http_reply_problem(req, 400, "BadBody", "images[%zu]: expected a text", i);
                        return 0;
                }
        }
        return n;
}

void hv_api_post_preload(struct hv_http_request *req, void *userdata) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        _hv_cleanup_(hv_json_freep) struct hv_json *body = NULL;
        const char *images[HV_API_PRELOAD_MAX], *names[HV_API_PRELOAD_MAX];
        struct hv_api *api = userdata;
        struct hv_api_preload_wish wish = { .images = images, .by = hv_http_request_caller(req)->by };
        struct hv_api_preloads all = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_err err = {};
        size_t len;
        const char *text = hv_http_body(req, &len);

        if (hv_json_parse(text ? text : "", len, HV_API_BODY_MAX_BYTES, &body, &err) < 0) {
                hv_http_reply_err(req, "BadBody", &err);
                return;
        }
        wish.n_images = read_names(req, body, images);
        if (wish.n_images == 0)
                return;
        if (api->backend->preload(api->userdata, &wish, arena, names, &err) < 0) {
                hv_http_reply_err(req, err.code == -EPERM ? "ImageNotAllowed" : "PreloadFailed", &err);
                return;
        }
        api->backend->preloads(api->userdata, arena, &all);
        render(&w, &all, names, wish.n_images);
        hv_api_reply(req, 202, &buf);
}
