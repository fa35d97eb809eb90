#include "http/reply.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <strings.h>

#include "http/accept.h"
#include "http/etag.h"
#include "http/internal.h"
#include "log/redact.h"
#include "json/json.h"
#include "json/write.h"
#include "json/yaml.h"

/* Nothing of ours may be framed, sniffed, cached or run; pages of the web UI may load what the agent itself serves. */
#define CSP_DATA "default-src 'none'; frame-ancestors 'none'"
const char HV_HTTP_CSP_PAGE[] =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

const char HV_HTTP_RAW_HEADERS[] = "X-Content-Type-Options: nosniff\r\n"
                                   "Referrer-Policy: no-referrer\r\n"
                                   "Cross-Origin-Opener-Policy: same-origin\r\n"
                                   "Content-Security-Policy: " CSP_DATA "\r\n"
                                   "Cache-Control: no-store\r\n"
                                   "Connection: close\r\n";

static bool has_reply_header(const struct hv_http_request *req, const char *name) {
        for (size_t i = 0; i < req->reply_headers.n; i++)
                if (strcasecmp(req->reply_headers.v[i].name, name) == 0)
                        return true;
        return false;
}

static void add_header(struct MHD_Response *response, const char *name, const char *value) {
        if (MHD_add_response_header(response, name, value) != MHD_YES)
                abort(); /* the program's own text holds a line end */
}

void hv_http_add_common_headers(struct hv_http_request *req, struct MHD_Response *response,
                                const char *content_type) {
        bool is_page = content_type && hv_has_prefix(content_type, "text/html");

        for (size_t i = 0; i < req->reply_headers.n; i++)
                add_header(response, req->reply_headers.v[i].name, req->reply_headers.v[i].value);
        if (content_type)
                add_header(response, "Content-Type", content_type);
        if (req->match.route && hv_http_route_gives_yaml(req->match.route))
                add_header(response, "Vary", "Accept");
        add_header(response, "X-Content-Type-Options", "nosniff");
        add_header(response, "Referrer-Policy", "no-referrer");
        add_header(response, "Cross-Origin-Opener-Policy", "same-origin");
        if (!has_reply_header(req, "Content-Security-Policy"))
                add_header(response, "Content-Security-Policy", is_page ? HV_HTTP_CSP_PAGE : CSP_DATA);
        if (!has_reply_header(req, "Cache-Control"))
                add_header(response, "Cache-Control", "no-store");
        add_header(response, "Connection", "close"); /* one request a connection: http/internal.h */
}

void hv_http_reply_header(struct hv_http_request *req, const char *name, const char *value) {
        hv_vec_push(&req->reply_headers, ((struct hv_http_pair){ hv_arena_strdup(req->arena, name),
                                                                 hv_arena_strdup(req->arena, value) }));
}

/* Problems have a type of their own and stay as they are: they say more than a form that programs would have to tell apart. */
static bool turn_into_yaml(const struct hv_http_request *req, const char *content_type, void **data,
                           size_t *len, enum MHD_ResponseMemoryMode *mode) {
        _hv_cleanup_(hv_json_freep) struct hv_json *json = NULL;
        struct hv_buf yaml = {};

        if (!req->wants_yaml || !hv_streq(content_type, "application/json") ||
            hv_json_parse(*data, *len, *len, &json, NULL) < 0)
                return false;
        hv_json_write_yaml(json, &yaml);
        if (*mode == MHD_RESPMEM_MUST_FREE)
                free(*data);
        *len = yaml.len;
        *data = hv_buf_steal(&yaml);
        *mode = MHD_RESPMEM_MUST_FREE;
        return true;
}

/* Every answer that is whole goes through here. */
static void reply(struct hv_http_request *req, unsigned status, const char *content_type, void *data,
                  size_t len, enum MHD_ResponseMemoryMode mode) {
        struct MHD_Response *response;

        if (turn_into_yaml(req, content_type, &data, &len, &mode))
                content_type = "application/yaml";
        response = MHD_create_response_from_buffer(len, data, mode);
        if (!response)
                hv_out_of_memory(len);
        hv_http_add_common_headers(req, response, content_type);
        hv_http_answer(req, status, response);
}

void hv_http_reply_text(struct hv_http_request *req, unsigned status, const char *content_type, char *text) {
        reply(req, status, content_type, text, strlen(text), MHD_RESPMEM_MUST_FREE);
}

void hv_http_reply_json(struct hv_http_request *req, unsigned status, char *text) {
        hv_http_reply_text(req, status, "application/json", text);
}

void hv_http_reply_data(struct hv_http_request *req, unsigned status, const char *content_type,
                        const void *data, size_t len_bytes) {
        reply(req, status, content_type, (void *) data, len_bytes, MHD_RESPMEM_MUST_COPY);
}

void hv_http_reply_static(struct hv_http_request *req, unsigned status, const char *content_type,
                          const void *data, size_t len_bytes) {
        reply(req, status, content_type, (void *) data, len_bytes, MHD_RESPMEM_PERSISTENT);
}

void hv_http_reply_empty(struct hv_http_request *req, unsigned status) {
        reply(req, status, NULL, (void *) "", 0, MHD_RESPMEM_PERSISTENT);
}

/* --- problems ----------------------------------------------------------------------------------------------------- */

void hv_http_reply_problem_text(struct hv_buf *out, unsigned status, const char *code, const char *detail,
                                uint64_t id) {
        _hv_cleanup_free_ char *redacted = hv_log_redact(detail);
        struct hv_json_writer w = { .buf = out };

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "type", "about:blank");
        hv_json_put_str(&w, "title", MHD_get_reason_phrase_for(status));
        hv_json_put_uint(&w, "status", status);
        hv_json_put_str(&w, "detail", redacted ?: detail);
        hv_json_put_str(&w, "code", code);
        hv_json_put_printf(&w, "instance", "urn:hivelet:request:%" PRIu64, id);
        hv_json_end(&w);
        hv_buf_putc(out, '\n');
}

static void reply_older(struct hv_http_request *req, unsigned status, const char *detail) {
        _hv_cleanup_free_ char *redacted = hv_log_redact(detail);
        struct hv_buf text = {};
        struct hv_json_writer w = { .buf = &text };

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "error", redacted ?: detail);
        hv_json_end(&w);
        hv_buf_putc(&text, '\n');
        hv_http_reply_json(req, status, hv_buf_steal(&text));
}

static void reply_problem(struct hv_http_request *req, unsigned status, const char *code,
                          const char *detail) {
        struct hv_buf text = {};

        if (req->path.text && hv_http_is_older_path(req->path.text)) {
                reply_older(req, status, detail);
                return;
        }
        hv_http_reply_problem_text(&text, status, code, detail, req->id);
        hv_http_reply_text(req, status, "application/problem+json", hv_buf_steal(&text));
}

void hv_http_reply_problem(struct hv_http_request *req, unsigned status, const char *code, const char *fmt,
                           ...) {
        struct hv_buf detail = {};
        va_list ap;

        va_start(ap, fmt);
        hv_buf_vprintf(&detail, fmt, ap);
        va_end(ap);
        reply_problem(req, status, code, hv_buf_str(&detail));
        hv_buf_done(&detail);
}

void hv_http_reply_err(struct hv_http_request *req, const char *code, const struct hv_err *err) {
        static const struct {
                int error;
                unsigned status;
        } STATUS[] = {
                { ENOENT, 404 }, { EINVAL, 400 }, { EBADMSG, 400 }, { EEXIST, 409 },   { EBUSY, 409 },
                { EACCES, 403 }, { EPERM, 403 },  { EAGAIN, 503 },  { ENOTCONN, 503 }, { ETIMEDOUT, 504 },
                { E2BIG, 413 },  { EFBIG, 413 },  { EDQUOT, 409 },
        };
        unsigned status = 500;

        for (size_t i = 0; i < HV_ARRAY_SIZE(STATUS); i++)
                if (STATUS[i].error == abs(err->code))
                        status = STATUS[i].status;
        reply_problem(req, status, code, err->msg);
}

/* --- ETag --------------------------------------------------------------------------------------------------------- */

/* Weak comparison of `tag` with each member of an If-None-Match list. */
static bool is_in_list(const char *list, const char *tag) {
        struct hv_http_etag one;

        while (hv_http_etag_next(&list, &one) > 0)
                if (!one.text || (one.len == strlen(tag) && memcmp(one.text, tag, one.len) == 0))
                        return true;
        return false;
}

bool hv_http_not_modified(struct hv_http_request *req, const char *tag) {
        const char *list = hv_http_header(req, "If-None-Match");

        /* The same answer in another form has another tag. */
        if (req->wants_yaml)
                tag = hv_arena_printf(req->arena, "%s-yaml", tag);
        hv_http_reply_header(req, "ETag", hv_arena_printf(req->arena, "\"%s\"", tag));
        if (!list || !is_in_list(list, tag))
                return false;
        hv_http_reply_empty(req, 304);
        return true;
}
