/* What the engine holds of images: how large, who uses it, why it stays. What is declared of images is /api/v1/images. */
#include "http/api_internal.h"
#include "http/render.h"

static void put_image(struct hv_json_writer *w, const struct hv_api_engine_image *i) {
        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "id", i->id);
        hv_json_put_str(w, "name", i->name);
        hv_json_put_uint(w, "sizeBytes", i->size_bytes);
        hv_render_time(w, "createdAt", i->created_wall_us);
        hv_json_begin_array(w, "usedBy");
        for (size_t k = 0; k < i->n_users; k++)
                hv_json_put_str(w, NULL, i->users[k]);
        hv_json_end(w);
        hv_json_put_bool(w, "pinned", i->is_pinned);
        hv_json_put_bool(w, "brought", i->is_ours);
        hv_json_put_bool(w, "kept", !i->goes);
        hv_json_put_str(w, "why", i->why);
        hv_json_end(w);
}

static void reply_list(struct hv_http_request *req, struct hv_arena *a,
                       const struct hv_api_engine_images *result) {
        const char **keys = HV_ARENA_NEW_N(a, const char *, result->n_images);
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_http_page page;

        for (size_t i = 0; i < result->n_images; i++)
                keys[i] = hv_arena_printf(a, "%s %s", result->images[i].id,
                                          result->images[i].name ? result->images[i].name : "");
        if (!hv_api_begin_list(req,
                               &(struct hv_http_list){ "EngineImageList", keys, result->n_images, false }, &w,
                               &page))
                return;
        hv_json_begin_array(&w, "items");
        for (size_t i = page.first; i < page.end; i++)
                put_image(&w, &result->images[i]);
        hv_json_end(&w);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

void hv_api_engine_images_done(struct hv_api_call *call, const struct hv_api_engine_images *result) {
        if (call->req && result->err)
                hv_http_reply_err(call->req, "LookFailed", result->err);
        else if (call->req)
                reply_list(call->req, call->arena, result);
        hv_api_call_free(call);
}

void hv_api_get_engine_images(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        struct hv_api_call *call = hv_api_call_new(api, req);

        hv_api_call_ask(call);
        api->backend->engine_images(api->userdata, call);
        hv_api_call_asked(call);
}
