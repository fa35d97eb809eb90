/* Garbage collection: what would go (GET), and a round of it now (POST). */
#include "http/api_internal.h"

static void put_disk(struct hv_json_writer *w, const struct hv_api_gc *g) {
        if (g->total_bytes == 0)
                return;
        hv_json_begin_object(w, "disk");
        hv_json_put_uint(w, "totalBytes", g->total_bytes);
        hv_json_put_uint(w, "freeBytes", g->free_bytes);
        hv_json_put_uint(w, "highPercent", g->high_percent);
        hv_json_put_uint(w, "lowPercent", g->low_percent);
        hv_json_end(w);
}

static void reply(struct hv_api_call *call, const struct hv_api_gc *g) {
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_json_begin_object(&w, NULL);
        hv_json_put_bool(&w, "dryRun", g->dry_run);
        hv_json_put_bool(&w, "stuck", g->is_stuck);
        hv_json_begin_array(&w, "steps");
        for (size_t i = 0; i < g->n_steps; i++) {
                hv_json_begin_object(&w, NULL);
                hv_json_put_str(&w, "what", g->steps[i].what);
                hv_json_put_str(&w, "name", g->steps[i].name);
                hv_json_put_str(&w, "why", g->steps[i].why);
                hv_json_put_uint(&w, "bytes", g->steps[i].bytes);
                hv_json_end(&w);
        }
        hv_json_end(&w);
        hv_json_put_uint(&w, "bytes", g->bytes);
        put_disk(&w, g);
        hv_json_end(&w);
        hv_api_reply(call->req, 200, &buf);
}

void hv_api_gc_done(struct hv_api_call *call, const struct hv_api_gc *result) {
        if (!call->req)
                ;
        else if (result->err)
                hv_http_reply_err(call->req, "CollectionFailed", result->err);
        else
                reply(call, result);
        hv_api_call_free(call);
}

static void ask(struct hv_http_request *req, struct hv_api *api, bool dry_run) {
        struct hv_api_call *call = hv_api_call_new(api, req);

        hv_api_call_ask(call);
        api->backend->gc(api->userdata, dry_run, call);
        hv_api_call_asked(call);
}

void hv_api_get_gc(struct hv_http_request *req, void *userdata) {
        ask(req, userdata, true);
}

void hv_api_post_gc(struct hv_http_request *req, void *userdata) {
        ask(req, userdata, false);
}
