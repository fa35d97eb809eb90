/* http/exchange.c - one request and its answer, as libmicrohttpd drives them.
 *
 *      READING --body is whole--> HANDLING --reply--> ANSWERED --> MHD writes, then completed()
 *         |  refused: no route,      | no reply        ^
 *         |  no right, too large     v                 | reply: resumed
 *         '---------> ANSWERED    WAITING -------------'
 *                                    '--client left--> GONE --> closed
 *
 * A handler of a body that is handed on (http/intake.h) is called with the head, and its request is READING again until that body ends.
 *
 * MHD calls on_access() once with the head, then for each piece of the body, then with none; and again
 * after each resume. An answer may be queued in the first and in the last kind of call only, and from
 * nowhere else.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base/time.h"
#include "http/accept.h"
#include "http/etag.h"
#include "http/internal.h"
#include "http/reply.h"
#include "log/log.h"

/* Beyond the limit a body of unknown length is thrown away so far, to answer 413 at its end; then the connection is cut. */
#define BODY_OVERRUN_BYTES ((size_t) 1 << 20)
#define MHD_CONNECTIONS_MAX (1U << 24)
#define DENIED_LOG_EVERY_US (60 * HV_USEC_PER_SEC)

/* --- request ---------------------------------------------------------------------------------------------------- */

static enum MHD_Result add_query_pair(void *cls, enum MHD_ValueKind kind, const char *key,
                                      const char *value) {
        struct hv_http_request *req = cls;
        struct hv_http_pair pair;
        struct hv_err err;

        (void) kind;
        if (hv_http_percent_decode(req->arena, key, strlen(key), &pair.name, &err) < 0 ||
            hv_http_percent_decode(req->arena, value ?: "", strlen(value ?: ""), &pair.value, &err) < 0) {
                hv_http_reply_problem(req, 400, "BadRequest", "query: %s", err.msg);
                return MHD_NO;
        }
        hv_vec_push(&req->query, pair);
        return MHD_YES;
}

static bool read_method(struct hv_http_request *req, const char *method) {
        req->is_head = hv_streq(method, "HEAD");
        if (req->is_head)
                method = "GET";
        for (req->method = HV_HTTP_GET; req->method <= HV_HTTP_DELETE; req->method <<= 1)
                if (hv_streq(hv_http_method_name(req->method), method))
                        return true;
        req->method = 0;
        return false;
}

static struct hv_http_request *request_new(struct hv_http_conn *conn) {
        struct hv_http_request *req = HV_NEW(struct hv_http_request);

        req->conn = conn;
        req->arena = hv_arena_new();
        req->id = ++conn->server->next_request_id;
        conn->req = req;
        conn->server->stats.requests++;
        conn->server->stats.in_flight++;
        return req;
}

static void request_free(struct hv_http_request *req) {
        req->conn->server->stats.in_flight--;
        req->conn->req = NULL;
        if (req->response)
                MHD_destroy_response(req->response);
        hv_vec_done(&req->query);
        hv_vec_done(&req->reply_headers);
        hv_buf_done(&req->body);
        (void) hv_arena_free(req->arena);
        free(req);
}

/* --- gate: the one place where a role meets a route --------------------------------------------------------------- */

static uint64_t monotonic_us(struct hv_http_server *s) {
        uint64_t now = 0;

        (void) sd_event_now(s->event, CLOCK_MONOTONIC, &now);
        return now;
}

/* Said once a minute: whoever is refused can ask as often as he likes. */
static void log_denied(struct hv_http_request *req) {
        struct hv_http_server *s = req->conn->server;
        uint64_t now_us = monotonic_us(s);

        if (s->last_denied_us && now_us < s->last_denied_us + DENIED_LOG_EVERY_US)
                return;
        s->last_denied_us = now_us;
        hv_log_event(HV_EVENT_API_DENIED, NULL, "%s asked for %s %s, which needs the role %s",
                     req->conn->caller.by, hv_http_method_name(req->method), req->path.text,
                     hv_http_role_name(req->match.route->role));
}

/* Who asks for what, before it is done. What comes of it is told by whoever does it. */
static void audit(const struct hv_http_request *req) {
        if (hv_http_route_changes(req->match.route))
                hv_log_event(HV_EVENT_API_CHANGE, NULL, "%s: %s %s", req->conn->caller.by,
                             hv_http_method_name(req->method), req->path.text);
}

/* A change that is meant for what the client saw is not made to something else (RFC 9110, section 13.1.1). False: it has answered. */
static bool is_as_expected(struct hv_http_request *req) {
        const struct hv_http_server *s = req->conn->server;
        const char *list = hv_http_header(req, "If-Match");
        struct hv_http_etag tag;
        int r = 0;

        if (!list || !s->is_current || !hv_http_route_changes(req->match.route))
                return true;
        while ((r = hv_http_etag_next(&list, &tag)) > 0)
                if (!tag.text || (!tag.is_weak && s->is_current(tag.text, tag.len, s->current_userdata)))
                        return true;
        if (r < 0)
                hv_http_reply_problem(req, 400, "BadHeader",
                                      "If-Match: expected tags in quotes, as ETag has them, or *");
        else
                hv_http_reply_problem(
                        req, 412, "Changed",
                        "the node is not as If-Match says any more; nothing was done: look again");
        return false;
}

/* Whoever can open the socket is root or of its group; whoever is on this machine can reach TCP. */
static bool identify(struct hv_http_request *req, struct hv_http_caller *caller) {
        struct hv_http_server *s = req->conn->server;

        if (s->identify)
                return s->identify(req, caller, s->userdata);
        caller->role = caller->is_local_socket ? HV_HTTP_ROLE_ADMIN : HV_HTTP_ROLE_VIEWER;
        return true;
}

/* The older paths have a shape of their own for it. */
static void deny(struct hv_http_request *req) {
        const struct hv_http_caller *caller = &req->conn->caller;
        const char *needed = hv_http_role_name(req->match.route->role), *path = req->path.text;

        req->conn->server->stats.refused++;
        if (caller->is_anonymous)
                hv_http_reply_header(req, "WWW-Authenticate", "Bearer realm=\"hivelet\"");
        else
                log_denied(req);
        if (hv_http_is_older_path(path))
                hv_http_reply_json(req, caller->is_anonymous ? 401 : 403,
                                   hv_strdup(caller->is_anonymous ? "{\"error\":\"Unauthorized\"}\n"
                                                                  : "{\"error\":\"Forbidden\"}\n"));
        else if (caller->is_anonymous)
                hv_http_reply_problem(req, 401, "Unauthorized", "%s needs a login with the role %s", path,
                                      needed);
        else
                hv_http_reply_problem(req, 403, "Forbidden", "%s needs the role %s, the caller is %s", path,
                                      needed, hv_http_role_name(caller->role));
}

static void gate(struct hv_http_request *req, const char *raw_path, const char *method) {
        struct hv_http_caller *caller = &req->conn->caller;
        bool is_known_method = read_method(req, method);
        struct hv_err err = {};

        if (hv_http_path_read(req->arena, raw_path, &req->path, &err) < 0) {
                req->path.text =
                        hv_arena_strdup(req->arena, raw_path); /* it says in which shape errors are told */
                hv_http_reply_problem(req, 400, "BadRequest", "%s", err.msg);
                return;
        }
        hv_http_router_match(req->conn->server->router, req->method, &req->path, caller->is_local_socket,
                             req->arena, &req->match);
        if (req->match.allowed == 0) {
                hv_http_reply_problem(req, 404, "NotFound", "there is nothing at %s", req->path.text);
        } else if (!is_known_method || !req->match.route) {
                hv_http_reply_header(req, "Allow", hv_http_allow_text(req->arena, req->match.allowed));
                hv_http_reply_problem(req, 405, "MethodNotAllowed", "%s does not take %s", req->path.text,
                                      method);
        } else if (identify(req, caller) && caller->role < req->match.route->role) {
                deny(req);
        }
}

/* What the client could not take is not made. */
static void choose_form(struct hv_http_request *req) {
        const char *accept = hv_http_header(req, "Accept");
        enum hv_http_form form = hv_http_accept_form(accept, req->match.route);
        struct hv_buf types = {};

        req->wants_yaml = form == HV_HTTP_FORM_YAML;
        if (form != HV_HTTP_FORM_NONE)
                return;
        hv_http_route_types(req->match.route, &types);
        hv_http_reply_problem(req, 406, "NotAcceptable", "%s is there as %s; Accept names none of these",
                              req->path.text, hv_buf_str(&types));
        hv_buf_done(&types);
}

static void check_announced_body(struct hv_http_request *req) {
        const char *length = hv_http_header(req, "Content-Length");

        if (length && strtoull(length, NULL, 10) > req->match.route->body_max_bytes)
                hv_http_reply_problem(req, 413, "BodyTooLarge",
                                      "%s takes at most %zu bytes, %s were announced", req->path.text,
                                      req->match.route->body_max_bytes, length);
}

/* --- MHD's calls -------------------------------------------------------------------------------------------------- */

static enum MHD_Result queue_answer(struct hv_http_request *req) {
        struct MHD_Response *response = HV_STEAL(req->response);
        enum MHD_Result result = MHD_queue_response(req->conn->mhd, req->status, response);

        MHD_destroy_response(response);
        return result;
}

static enum MHD_Result begin(struct hv_http_conn *conn, const char *url, const char *method,
                             void **request_slot) {
        struct hv_http_request *req = request_new(conn);

        *request_slot = req;
        gate(req, url, method);
        if (req->state == HV_HTTP_READING)
                (void) MHD_get_connection_values(conn->mhd, MHD_GET_ARGUMENT_KIND, add_query_pair, req);
        if (req->state == HV_HTTP_READING)
                check_announced_body(req);
        if (req->state == HV_HTTP_READING)
                choose_form(req);
        if (req->state == HV_HTTP_READING && (req->match.route->flags & HV_HTTP_INTAKE)) {
                req->state = HV_HTTP_HANDLING;
                if (is_as_expected(req)) {
                        audit(req);
                        req->match.route->handle(req, req->match.userdata);
                }
        }
        if (req->state == HV_HTTP_ANSWERED)
                return queue_answer(req);
        return MHD_YES;
}

static enum MHD_Result take_body(struct hv_http_request *req, const char *data, size_t *len) {
        size_t max = req->match.route->body_max_bytes;

        if (req->intake.take)
                return hv_http_intake_take(req, data, len) ? MHD_YES : MHD_NO;
        req->body_received_bytes += *len;
        if (req->body_received_bytes > max + BODY_OVERRUN_BYTES)
                return MHD_NO;
        if (req->body_received_bytes <= max)
                hv_buf_add(&req->body, data, *len);
        *len = 0;
        return MHD_YES;
}

static enum MHD_Result handle(struct hv_http_request *req) {
        hv_http_conn_set_deadline(req->conn, 0);
        req->state = HV_HTTP_HANDLING;
        if (req->intake.take) {
                hv_http_intake_whole(req);
        } else if (req->body_received_bytes > req->match.route->body_max_bytes) {
                hv_http_reply_problem(req, 413, "BodyTooLarge", "%s takes at most %zu bytes", req->path.text,
                                      req->match.route->body_max_bytes);
        } else if (is_as_expected(req)) {
                audit(req);
                req->match.route->handle(req, req->match.userdata);
        }
        if (req->state == HV_HTTP_ANSWERED)
                return queue_answer(req);
        req->state = HV_HTTP_WAITING;
        MHD_suspend_connection(req->conn->mhd);
        hv_http_conn_watch_leaving(req->conn, true);
        return MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                                 const char *version, const char *upload_data, size_t *upload_data_size,
                                 void **request_slot) {
        struct hv_http_request *req = *request_slot;

        (void) cls;
        (void) version;
        if (!req)
                return begin(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context,
                             url, method, request_slot);
        if (*upload_data_size > 0)
                return take_body(req, upload_data, upload_data_size);
        switch (req->state) {
        case HV_HTTP_READING:
                return handle(req);
        case HV_HTTP_ANSWERED:
                return queue_answer(req);
        default:
                return MHD_NO; /* GONE: closes the connection */
        }
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **request_slot,
                         enum MHD_RequestTerminationCode how) {
        struct hv_http_request *req = *request_slot;
        struct hv_http_conn *conn;

        (void) cls;
        (void) mhd;
        if (!req)
                return;
        *request_slot = NULL;
        conn = req->conn;
        hv_http_conn_watch_leaving(conn, false);
        if (req->stream)
                hv_http_stream_detach(req->stream, how == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED);
        if (req->upgrade)
                hv_http_upgrade_detach(req->upgrade);
        hv_http_intake_client_left(req);
        request_free(req);
}

static struct hv_http_conn *find_connection(struct hv_http_server *s, int fd) {
        for (struct hv_http_conn *c = s->last_connection; c; c = c->previous)
                if (c->is_with_mhd && !c->mhd && c->fd == fd)
                        return c;
        return NULL;
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode what) {
        struct hv_http_server *s = cls;

        if (what == MHD_CONNECTION_NOTIFY_STARTED) {
                int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
                struct hv_http_conn *c = find_connection(s, fd);

                hv_http_conn_attach(c, mhd);
                *socket_context = c;
        } else {
                *socket_context = hv_http_conn_free(*socket_context);
                hv_http_server_check_drained(s);
        }
}

/* Paths and queries are decoded by http/target.c, piece by piece. */
static size_t leave_escaped(void *cls, struct MHD_Connection *mhd, char *text) {
        (void) cls;
        (void) mhd;
        return strlen(text);
}

static _hv_printf_(2, 0) void on_mhd_log(void *cls, const char *fmt, va_list ap) {
        struct hv_buf text = {};

        (void) cls;
        hv_buf_vprintf(&text, fmt, ap);
        while (text.len > 0 && text.data[text.len - 1] == '\n')
                text.data[--text.len] = '\0';
        hv_log_debug("HTTP: %s", hv_buf_str(&text));
        hv_buf_done(&text);
}

struct MHD_Daemon *hv_http_mhd_start(struct hv_http_server *s, size_t connection_memory_bytes) {
        unsigned send_timeout_s =
                (unsigned) ((s->limits.send_timeout_us + HV_USEC_PER_SEC - 1) / HV_USEC_PER_SEC);

        /* The logger must be the first option, or the others complain to stderr. The limits of connections are ours (connection.c)
         * and may change, so MHD's lies above all that one can ask for. */
        return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                                        MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG,
                                0, NULL, NULL, on_access, s, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, s,
                                MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
                                on_connection, s, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, s,
                                MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                connection_memory_bytes, MHD_OPTION_CONNECTION_LIMIT, MHD_CONNECTIONS_MAX,
                                MHD_OPTION_CONNECTION_TIMEOUT, send_timeout_s, MHD_OPTION_END);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

void hv_http_answer(struct hv_http_request *req, unsigned status, struct MHD_Response *response) {
        bool was_waiting = req->state == HV_HTTP_WAITING;

        req->status = status;
        req->response = response;
        req->state = HV_HTTP_ANSWERED;
        hv_http_intake_resume(req); /* what is left of its body is thrown away */
        if (!was_waiting)
                return;
        hv_http_conn_watch_leaving(req->conn, false);
        MHD_resume_connection(req->conn->mhd);
        hv_http_loop_kick(req->conn->loop);
}

void hv_http_client_left(struct hv_http_conn *conn) {
        struct hv_http_request *req = conn->req;

        if (!req)
                return;
        if (req->stream) {
                hv_http_stream_client_left(req->stream);
        } else if (req->is_held) {
                hv_http_intake_client_left(req);
        } else if (req->state == HV_HTTP_WAITING) {
                req->state = HV_HTTP_GONE;
                if (req->gone)
                        req->gone(req->gone_userdata);
                MHD_resume_connection(conn->mhd);
                hv_http_loop_kick(conn->loop);
        }
}
