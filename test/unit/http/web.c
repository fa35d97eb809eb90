#include "web.h"

#include "testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "log/log.h"

/* --- routes ------------------------------------------------------------------------------------------------------ */

static void on_hello(struct hv_http_request *req, void *userdata) {
        struct web *w = userdata;

        w->n_handled++;
        hv_http_reply_json(req, 200, hv_asprintf("{\"hello\":\"%s\"}", hv_http_request_caller(req)->address));
}

static void on_echo(struct hv_http_request *req, void *userdata) {
        size_t len;
        const void *body = hv_http_body(req, &len);

        (void) userdata;
        hv_http_reply_data(req, 201, "application/octet-stream", body, len);
}

static void on_later_gone(void *userdata) {
        struct web *w = userdata;

        w->n_gone++;
        w->kept = NULL;
}

static void on_later(struct hv_http_request *req, void *userdata) {
        struct web *w = userdata;

        hv_http_on_gone(req, on_later_gone, w);
        w->kept = req;
}

static void on_etag(struct hv_http_request *req, void *userdata) {
        (void) userdata;
        if (!hv_http_not_modified(req, "rev-7"))
                hv_http_reply_json(req, 200, hv_strdup("{}"));
}

static void on_logs(struct hv_http_request *req, void *userdata) {
        (void) userdata;
        hv_http_reply_text(req, 200, "text/plain",
                           hv_asprintf("id=%s follow=%d since=%s none=%s", hv_http_param(req, "id"),
                                       hv_http_query_is_true(req, "follow"),
                                       hv_http_query(req, "since") ?: "(absent)",
                                       hv_http_param(req, "other") ?: hv_http_query(req, "undeclared") ?: "(absent)"));
}

static void on_files(struct hv_http_request *req, void *userdata) {
        (void) userdata;
        hv_http_reply_text(req, 200, "text/plain", hv_strdup(hv_http_param(req, "path")));
}

static void on_tail(struct hv_http_request *req, void *userdata) {
        uint64_t n;

        (void) userdata;
        if (hv_http_query_u64(req, "n", 1, 1000, 100, &n) < 0)
                return;
        hv_http_reply_text(req, 200, "text/plain", hv_asprintf("%llu", (unsigned long long) n));
}

static void on_big(struct hv_http_request *req, void *userdata) {
        static char big[8 << 20];

        (void) userdata;
        memset(big, 'b', sizeof big);
        hv_http_reply_static(req, 200, "application/octet-stream", big, sizeof big);
}

static void on_page(struct hv_http_request *req, void *userdata) {
        static const char PAGE[] = "<!doctype html><title>x</title>";

        (void) userdata;
        hv_http_reply_header(req, "Cache-Control", "public, max-age=60");
        hv_http_reply_static(req, 200, "text/html; charset=utf-8", PAGE, sizeof PAGE - 1);
}

static void on_error(struct hv_http_request *req, void *userdata) {
        struct hv_err err = {};

        (void) userdata;
        (void) hv_err_set(&err, -ENOENT, "service \"%s\" is not there", "\"\xff\n");
        hv_http_reply_err(req, "NotFound", &err);
}

static void on_stream_gone(const char *reason, void *userdata) {
        struct web *w = userdata;

        w->stream = NULL;
        (void) snprintf(w->stream_reason, sizeof w->stream_reason, "%s", reason);
}

static void on_stream_drained(void *userdata) {
        struct web *w = userdata;

        w->n_drained++;
        if (w->answer_on_drain)
                hv_http_reply_empty(HV_STEAL(w->kept), 204);
}

static void on_stream(struct hv_http_request *req, void *userdata) {
        struct web *w = userdata;

        w->stream = hv_http_stream_open(req, &(struct hv_http_stream_options){
                                                     .content_type = "text/plain",
                                                     .gone = on_stream_gone,
                                                     .drained = on_stream_drained,
                                                     .userdata = w,
                                             });
}

static void on_events(struct hv_http_request *req, void *userdata) {
        struct web *w = userdata;
        const char *last = hv_http_sse_last_id(req);
        unsigned from = last ? (unsigned) strtoul(last, NULL, 10) : 0;
        struct hv_http_sse *client = hv_http_sse_join(w->hub, req, 0);

        for (unsigned i = from + 1; client && last && i <= 3; i++) {
                char id[16], data[16];

                (void) snprintf(id, sizeof id, "%u", i);
                (void) snprintf(data, sizeof data, "old %u", i);
                (void) hv_http_sse_send(client, id, NULL, data);
        }
}

static const struct hv_http_parameter LOGS[] = { { "follow", "{type: boolean}" },
                                                 { "since", "{type: string}" },
                                                 {} };
static const struct hv_http_parameter TAIL[] = { { "n", "{type: integer}" }, {} };

static const struct hv_http_route ROUTES[] = {
        { HV_HTTP_GET, "/hello", HV_HTTP_ROLE_ANYONE, on_hello, 0, 0, "greets" },
        { HV_HTTP_POST, "/echo", HV_HTTP_ROLE_OPERATOR, on_echo, 65536, 0, "sends the body back" },
        { HV_HTTP_GET, "/later", HV_HTTP_ROLE_VIEWER, on_later, 0, 0, "answers when the test says so" },
        { HV_HTTP_POST, "/later", HV_HTTP_ROLE_OPERATOR, on_later, 1024, 0, "the same with a body" },
        { HV_HTTP_GET, "/admin", HV_HTTP_ROLE_ADMIN, on_hello, 0, 0, "needs a role" },
        { HV_HTTP_GET, "/debug", HV_HTTP_ROLE_ANYONE, on_hello, 0, HV_HTTP_SOCKET_ONLY, "socket only" },
        { HV_HTTP_GET, "/etag", HV_HTTP_ROLE_VIEWER, on_etag, 0, 0, "has a revision" },
        { HV_HTTP_GET, "/items/{id}/logs", HV_HTTP_ROLE_VIEWER, on_logs, 0, 0, "has parameters",
          .parameters = LOGS },
        { HV_HTTP_GET, "/files/{path...}", HV_HTTP_ROLE_VIEWER, on_files, 0, 0, "has a path" },
        { HV_HTTP_GET, "/tail", HV_HTTP_ROLE_VIEWER, on_tail, 0, 0, "has a number", .parameters = TAIL },
        { HV_HTTP_GET, "/big", HV_HTTP_ROLE_VIEWER, on_big, 0, 0, "8 MiB" },
        { HV_HTTP_GET, "/page", HV_HTTP_ROLE_VIEWER, on_page, 0, 0, "HTML" },
        { HV_HTTP_GET, "/error", HV_HTTP_ROLE_VIEWER, on_error, 0, 0, "a problem" },
        { HV_HTTP_GET, "/stream", HV_HTTP_ROLE_VIEWER, on_stream, 0, 0, "as long as the test wants" },
        { HV_HTTP_GET, "/events", HV_HTTP_ROLE_VIEWER, on_events, 0, 0, "server-sent events",
          .parameters = LOGS },
};

/* --- start and stop ----------------------------------------------------------------------------------------------- */

static void stay_silent(const struct hv_log_record *record, void *userdata) {
        (void) record;
        (void) userdata;
}

struct web *web_start(const struct hv_http_limits *limits) {
        struct web *w = HV_NEW(struct web);
        struct hv_http_options options = { .listen = "127.0.0.1:0" };
        struct hv_err err = {};

        hv_log_set_sink(stay_silent, NULL);
        strcpy(w->dir, "/tmp/hivelet-http-XXXXXX");
        assert_non_null(mkdtemp(w->dir));
        (void) snprintf(w->path, sizeof w->path, "%s/hivelet.sock", w->dir);
        options.socket_path = w->path;
        if (limits)
                options.limits = *limits;
        assert_true(sd_event_new(&w->event) >= 0);
        if (hv_http_server_new(w->event, &options, &w->server, &err) < 0 ||
            hv_http_sse_hub_new(w->event, 100, &w->hub, &err) < 0 ||
            hv_http_server_add_routes(w->server, ROUTES, HV_ARRAY_SIZE(ROUTES), w, &err) < 0 ||
            hv_http_server_start(w->server, &err) < 0)
                fail_msg("%s", err.msg);
        return w;
}

void web_stop(struct web *w) {
        w->hub = hv_http_sse_hub_free(w->hub);
        w->server = hv_http_server_free(w->server);
        assert_null(w->kept);
        assert_null(w->stream);
        (void) sd_event_unref(w->event);
        assert_int_equal(rmdir(w->dir), 0);
        hv_log_set_sink(NULL, NULL);
        free(w);
}

int web_tear_down(void **state) {
        web_stop(*state);
        return 0;
}

/* --- clients ------------------------------------------------------------------------------------------------------ */

int web_connect(struct web *w) {
        struct sockaddr_in sa = { .sin_family = AF_INET,
                                  .sin_port = htons(hv_http_server_port(w->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(connect(fd, (struct sockaddr *) &sa, sizeof sa), 0); /* the backlog takes it */
        assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
        return fd;
}

int web_connect_unix(struct web *w) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        strcpy(sa.sun_path, w->path);
        assert_true(fd >= 0);
        assert_int_equal(connect(fd, (struct sockaddr *) &sa, sizeof sa), 0);
        assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
        return fd;
}

void web_send(int fd, const void *data, size_t len) {
        assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

void web_send_text(int fd, const char *text) {
        web_send(fd, text, strlen(text));
}

uint64_t web_now_us(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}

void web_turn(struct web *w, uint64_t give_up_us, const char *what) {
        if (web_now_us() > give_up_us)
                fail_msg("still waiting for: %s", what);
        assert_true(sd_event_run(w->event, 5000) >= 0);
}

int web_receive(int fd, struct hv_buf *got) {
        char data[65536];
        ssize_t n = recv(fd, data, sizeof data, 0);

        if (n < 0 && errno == EAGAIN)
                return 0;
        if (n <= 0)
                return -1;
        hv_buf_add(got, data, (size_t) n);
        return 1;
}

struct hv_buf web_read_all(struct web *w, int fd) {
        struct hv_buf got = {};
        int r;

        web_wait(w, (r = web_receive(fd, &got)) < 0);
        (void) close(fd);
        return got;
}

void web_read_until(struct web *w, int fd, struct hv_buf *got, const char *text) {
        web_wait(w, strstr(hv_buf_str(got), text) || web_receive(fd, got) < 0);
        if (!strstr(hv_buf_str(got), text))
                fail_msg("the connection ended before \"%s\" came; it sent: %s", text, hv_buf_str(got));
}

unsigned web_status(const struct hv_buf *answer) {
        unsigned status = 0;

        (void) sscanf(hv_buf_str(answer), "HTTP/1.1 %3u ", &status);
        return status;
}

unsigned web_ask(struct web *w, bool on_unix, const char *request, struct hv_buf *ret) {
        int fd = on_unix ? web_connect_unix(w) : web_connect(w);
        struct hv_buf answer;
        unsigned status;

        web_send_text(fd, request);
        answer = web_read_all(w, fd);
        status = web_status(&answer);
        if (ret)
                *ret = answer;
        else
                hv_buf_done(&answer);
        return status;
}

bool web_has_header(const struct hv_buf *answer, const char *line) {
        const char *end = strstr(hv_buf_str(answer), "\r\n\r\n");

        for (const char *p = strstr(hv_buf_str(answer), "\r\n"); p && p < end; p = strstr(p + 2, "\r\n"))
                if (strncasecmp(p + 2, line, strlen(line)) == 0 &&
                    hv_has_prefix(p + 2 + strlen(line), "\r\n"))
                        return true;
        return false;
}

const char *web_body(const struct hv_buf *answer) {
        const char *end = strstr(hv_buf_str(answer), "\r\n\r\n");

        return end ? end + 4 : "";
}
