/* http/intake.c - see intake.h; called by exchange.c with what MHD has read. */
#include "http/intake.h"

#include "http/internal.h"
#include "http/reply.h"

/* Behind an answer that was given early, so much is thrown away to let the client read it; then the connection is cut. */
#define OVERRUN_BYTES ((size_t) 1 << 20)

void hv_http_intake(struct hv_http_request *req, const struct hv_http_intake *intake) {
        req->intake = *intake;
        req->state = HV_HTTP_READING;
}

static void let_go_on(struct hv_http_request *req) {
        req->is_held = false;
        hv_http_conn_watch_leaving(req->conn, false);
        hv_http_conn_set_deadline(req->conn, req->conn->server->limits.body_timeout_us);
        MHD_resume_connection(req->conn->mhd);
        hv_http_loop_kick(req->conn->loop);
}

void hv_http_intake_resume(struct hv_http_request *req) {
        if (req->is_held)
                let_go_on(req);
}

static void hold(struct hv_http_request *req) {
        req->is_held = true;
        hv_http_conn_set_deadline(req->conn, 0);
        MHD_suspend_connection(req->conn->mhd);
        hv_http_conn_watch_leaving(req->conn, true);
}

static void tell_gone(struct hv_http_request *req) {
        void (*gone)(void *userdata) = HV_STEAL(req->gone);

        if (gone)
                gone(req->gone_userdata);
}

void hv_http_intake_client_left(struct hv_http_request *req) {
        bool was_held = req->is_held;

        if (!req->intake.take || req->state != HV_HTTP_READING)
                return;
        req->state = HV_HTTP_GONE;
        tell_gone(req);
        if (was_held)
                let_go_on(req); /* MHD closes it */
}

/* Answered already: what still comes is not looked at. */
static bool throw_away(struct hv_http_request *req, size_t *len) {
        req->body_received_bytes += *len;
        *len = 0;
        return req->body_received_bytes <= req->match.route->body_max_bytes + OVERRUN_BYTES;
}

bool hv_http_intake_take(struct hv_http_request *req, const char *data, size_t *len) {
        size_t max = req->match.route->body_max_bytes, taken;

        if (req->state == HV_HTTP_GONE)
                return false;
        hv_http_conn_set_deadline(req->conn, req->conn->server->limits.body_timeout_us);
        if (req->state == HV_HTTP_READING && *len > max - req->body_received_bytes) {
                tell_gone(req);
                hv_http_reply_problem(req, 413, "BodyTooLarge", "%s takes at most %zu bytes", req->path.text,
                                      max);
        }
        if (req->state != HV_HTTP_READING)
                return throw_away(req, len);
        taken = req->intake.take(req->intake.userdata, data, *len);
        req->body_received_bytes += taken;
        *len -= taken;
        if (req->state != HV_HTTP_READING)
                return throw_away(req, len);
        if (*len > 0)
                hold(req);
        return true;
}

void hv_http_intake_whole(struct hv_http_request *req) {
        req->intake.whole(req->intake.userdata);
}
