#include "http/request.h"

#include <errno.h>
#include <inttypes.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/parse.h"
#include "base/text.h"
#include "http/internal.h"
#include "http/reply.h"

enum hv_http_method hv_http_request_method(const struct hv_http_request *req) {
        return req->method;
}

bool hv_http_request_is_head(const struct hv_http_request *req) {
        return req->is_head;
}

const char *hv_http_request_path(const struct hv_http_request *req) {
        return req->path.text;
}

const char *hv_http_param(const struct hv_http_request *req, const char *name) {
        for (size_t i = 0; i < req->match.n_params; i++)
                if (hv_streq(req->match.param[i].name, name))
                        return req->match.param[i].value;
        return NULL;
}

static bool is_declared(const struct hv_http_route *route, const char *name) {
        for (const struct hv_http_parameter *p = route->parameters; p && p->name; p++)
                if (!p->is_header && hv_streq(p->name, name))
                        return true;
        return false;
}

const char *hv_http_query(const struct hv_http_request *req, const char *name) {
        if (!is_declared(req->match.route, name))
                return NULL;
        for (size_t i = 0; i < req->query.n; i++)
                if (hv_streq(req->query.v[i].name, name))
                        return req->query.v[i].value;
        return NULL;
}

bool hv_http_query_is_true(const struct hv_http_request *req, const char *name) {
        const char *value = hv_http_query(req, name);

        return value && (!*value || hv_streq(value, "1") || strcasecmp(value, "true") == 0 ||
                         strcasecmp(value, "yes") == 0);
}

const char *hv_http_header(const struct hv_http_request *req, const char *name) {
        return MHD_lookup_connection_value(req->conn->mhd, MHD_HEADER_KIND, name);
}

const void *hv_http_body(const struct hv_http_request *req, size_t *ret_len_bytes) {
        *ret_len_bytes = req->body.len;
        return hv_buf_str(&req->body);
}

const struct hv_http_caller *hv_http_request_caller(const struct hv_http_request *req) {
        return &req->conn->caller;
}

int hv_http_request_groups(const struct hv_http_request *req, gid_t **ret, size_t *ret_n) {
        socklen_t len = 64 * sizeof(gid_t);
        gid_t *groups = hv_malloc(len + sizeof(gid_t));
        int r = getsockopt(req->conn->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0 ? -errno : 0;

        if (r == -ERANGE) { /* len is what it takes */
                groups = hv_realloc(groups, len + sizeof(gid_t));
                r = getsockopt(req->conn->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0 ? -errno : 0;
        }
        if (r < 0) {
                free(groups);
                return r;
        }
        groups[len / sizeof(gid_t)] = req->conn->caller.gid; /* the kernel tells the others only */
        *ret = groups;
        *ret_n = len / sizeof(gid_t) + 1;
        return 0;
}

uint16_t hv_http_request_port(const struct hv_http_request *req) {
        return req->conn->listener->port;
}

const struct hv_http_route *hv_http_request_route(const struct hv_http_request *req) {
        return req->match.route;
}

uint64_t hv_http_request_id(const struct hv_http_request *req) {
        return req->id;
}

int hv_http_query_u64(struct hv_http_request *req, const char *name, uint64_t min, uint64_t max,
                      uint64_t otherwise, uint64_t *ret) {
        const char *value = hv_http_query(req, name), *p = value;
        char quoted[HV_TEXT_QUOTE_SIZE];
        struct hv_decimal d;

        if (!value) {
                *ret = otherwise;
                return 0;
        }
        if (hv_decimal_read(&p, &d) != HV_PARSE_OK || *p || d.fraction || d.rest || d.whole < min ||
            d.whole > max) {
                hv_http_reply_problem(req, 400, "BadRequest",
                                      "query: %s is %s, expected a whole number from %" PRIu64 " to %" PRIu64,
                                      name, hv_text_quote(value, quoted), min, max);
                return -EINVAL;
        }
        *ret = d.whole;
        return 0;
}

void hv_http_on_gone(struct hv_http_request *req, void (*gone)(void *userdata), void *userdata) {
        req->gone = gone;
        req->gone_userdata = userdata;
}
