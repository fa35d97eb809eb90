/* The descriptions of the API and of the documents that it takes: made at the first request, when every route is in the table, and kept. */
#include "http/api_internal.h"

#include "http/openapi.h"
#include "schema/json_schema.h"

static void reply(struct hv_http_request *req, struct hv_api_listener *listener, struct hv_api_text *text,
                  const char *type, void (*write)(const struct hv_http_server *, struct hv_buf *)) {
        struct hv_buf made = {};

        if (!text->text) {
                write(listener->server, &made);
                text->len = made.len;
                hv_sha256_hex(hv_buf_str(&made), made.len, text->digest);
                text->text = hv_buf_steal(&made);
        }
        hv_http_reply_header(req, "Cache-Control", "no-cache");
        if (!hv_http_not_modified(req, text->digest))
                hv_http_reply_data(req, 200, type, text->text, text->len);
}

void hv_api_get_openapi_json(struct hv_http_request *req, void *userdata) {
        struct hv_api_listener *listener = userdata;

        reply(req, listener, &listener->openapi_json, "application/json", hv_openapi_json);
}

void hv_api_get_openapi_yaml(struct hv_http_request *req, void *userdata) {
        struct hv_api_listener *listener = userdata;

        reply(req, listener, &listener->openapi_yaml, "application/yaml", hv_openapi_yaml);
}

static void write_schema(const struct hv_http_server *server, struct hv_buf *ret) {
        (void) server;
        hv_json_schema_write(ret);
        hv_buf_putc(ret, '\n');
}

void hv_api_get_schema(struct hv_http_request *req, void *userdata) {
        struct hv_api_listener *listener = userdata;

        reply(req, listener, &listener->schema_json, "application/json", write_schema);
}
