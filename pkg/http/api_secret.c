/* Secrets of this node: their names, where they come from and who uses them (GET); one that is written (PUT) or removed (DELETE). No answer
 * holds a value. What is declared of secrets is /api/v1/secrets. */
#include "http/api_internal.h"

static void put_secret(struct hv_json_writer *w, const struct hv_api_secret *s) {
        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "name", s->name);
        hv_json_put_bool(w, "declared", s->is_declared);
        hv_json_put_str(w, "source", s->source);
        hv_json_put_str(w, "location", s->location);
        if (s->is_known)
                hv_json_put_uint(w, "sizeBytes", s->size_bytes);
        else
                hv_json_put_null(w, "sizeBytes");
        hv_json_begin_array(w, "usedBy");
        for (size_t i = 0; s->users[i]; i++)
                hv_json_put_str(w, NULL, s->users[i]);
        hv_json_end(w);
        hv_json_end(w);
}

void hv_api_get_node_secrets(struct hv_http_request *req, void *userdata) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_api *api = userdata;
        struct hv_api_secrets all = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_http_page page;
        struct hv_err err = {};
        const char **keys;

        if (api->backend->secrets(api->userdata, arena, &all, &err) < 0) {
                hv_http_reply_err(req, "LookFailed", &err);
                return;
        }
        keys = HV_ARENA_NEW_N(arena, const char *, all.n + 1);
        for (size_t i = 0; i < all.n; i++)
                keys[i] = all.v[i].name;
        if (!hv_api_begin_list(req, &(struct hv_http_list){ "NodeSecretList", keys, all.n, false }, &w,
                               &page))
                return;
        hv_json_begin_array(&w, "items");
        for (size_t i = page.first; i < page.end; i++)
                put_secret(&w, &all.v[i]);
        hv_json_end(&w);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

void hv_api_put_node_secret(struct hv_http_request *req, void *userdata) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_api_secret_wish wish = { .name = hv_http_param(req, "name"),
                                           .by = hv_http_request_caller(req)->by };
        struct hv_api *api = userdata;
        struct hv_api_secret_put put = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_err err = {};
        int r;

        wish.data = hv_http_body(req, &wish.len);
        if (wish.len == 0) {
                hv_http_reply_problem(req, 400, "BadBody", "expected the bytes of the secret");
                return;
        }
        r = api->backend->secret_put(api->userdata, &wish, arena, &put, &err);
        explicit_bzero((void *) wish.data, wish.len); /* nobody needs it here any more */
        if (r < 0) {
                hv_http_reply_err(req, "SecretFailed", &err);
                return;
        }
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "name", wish.name);
        hv_json_put_str(&w, "path", put.path);
        hv_json_put_bool(&w, "declared", put.is_declared);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

void hv_api_delete_node_secret(struct hv_http_request *req, void *userdata) {
        const char *name = hv_http_param(req, "name");
        struct hv_api *api = userdata;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_err err = {};

        if (api->backend->secret_remove(api->userdata, name, hv_http_request_caller(req)->by, &err) < 0) {
                hv_http_reply_err(req, "SecretFailed", &err);
                return;
        }
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "name", name);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}
