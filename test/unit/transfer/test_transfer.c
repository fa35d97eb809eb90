/* Requests against a server that misbehaves: what is reported, what was sent, and that nothing is called
 * after its end. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "lib/fakeengine.h"
#include "lib/loop.h"
#include "transfer/transfer.h"

struct fixture {
        sd_event *event;
        char dir[64];
        char *socket;
        struct hv_fake_engine *fake;
        struct hv_transfer *transfer;
};

static int set_up(void **state) {
        struct fixture *x = HV_NEW(struct fixture);

        assert_true(sd_event_new(&x->event) >= 0);
        strcpy(x->dir, "/tmp/hv-transfer-XXXXXX");
        assert_non_null(mkdtemp(x->dir));
        x->socket = hv_asprintf("%s/sock", x->dir);
        x->fake = hv_fake_engine_new(x->event, x->socket);
        assert_int_equal(hv_transfer_new(x->event, NULL, &x->transfer, NULL), 0);
        *state = x;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *x = *state;

        hv_transfer_free(x->transfer);
        hv_fake_engine_free(x->fake);
        sd_event_unref(x->event);
        (void) rmdir(x->dir);
        free(x->socket);
        free(x);
        return 0;
}

/* What came back. */
struct got {
        struct fixture *x;
        unsigned n_done, n_open, n_data;
        enum hv_transfer_end end;
        bool sent;
        unsigned status;
        int error;
        char message[256], etag[32];
        struct hv_buf body, data;
        struct hv_request *request; /* to cancel */
        enum { NOTHING, CANCEL_IN_DATA, FREE_IN_DATA, ABORT_IN_DATA, FREE_IN_DONE, START_IN_DATA } mood;
        struct got *other;
};

static void start(struct got *g, const struct hv_request_options *options);

static void on_done(void *userdata, const struct hv_reply *reply) {
        struct got *g = userdata;
        const char *etag = hv_reply_header(reply, "etag");

        g->n_done++;
        g->end = reply->end;
        g->sent = reply->sent;
        g->status = reply->status;
        g->error = reply->error;
        (void) snprintf(g->message, sizeof g->message, "%s", reply->message);
        (void) snprintf(g->etag, sizeof g->etag, "%s", etag ? etag : "");
        hv_buf_add(&g->body, reply->body, reply->body_len);
        if (g->mood == FREE_IN_DONE)
                g->x->transfer = hv_transfer_free(g->x->transfer);
}

static void on_open(void *userdata, unsigned status) {
        struct got *g = userdata;

        g->n_open++;
        g->status = status;
}

static int on_data(void *userdata, const char *data, size_t len) {
        struct got *g = userdata;

        g->n_data++;
        hv_buf_add(&g->data, data, len);
        if (g->mood == CANCEL_IN_DATA)
                hv_request_cancel(g->request);
        if (g->mood == FREE_IN_DATA)
                g->x->transfer = hv_transfer_free(g->x->transfer);
        if (g->mood == START_IN_DATA && g->n_data == 1)
                start(g->other, &(struct hv_request_options){ .url = "http://e/other" });
        return g->mood == ABORT_IN_DATA ? -EBADMSG : 0;
}

static void start(struct got *g, const struct hv_request_options *options) {
        struct hv_request_options o = *options;
        struct hv_err err = {};

        o.unix_socket = o.unix_socket ? o.unix_socket : g->x->socket;
        o.on_done = on_done;
        o.userdata = g;
        if (hv_transfer_start(g->x->transfer, &o, &g->request, &err) < 0)
                fail_msg("%s", err.msg);
        assert_int_equal(g->n_done, 0); /* never from inside start */
}

static void finish(struct got *g) {
        hv_test_run_until(g->x->event, g->n_done);
        assert_int_equal(g->n_done, 1);
}

static void got_done(struct got *g) {
        hv_buf_done(&g->body);
        hv_buf_done(&g->data);
}

/* One request, from start to end. */
static void request(struct got *g, struct fixture *x, const struct hv_request_options *options) {
        *g = (struct got){ .x = x };
        start(g, options);
        finish(g);
}

#define GET(path) (&(struct hv_request_options){ .url = "http://e" path })
#define POST(path, text)                                         \
        (&(struct hv_request_options){ .method = HV_METHOD_POST, \
                                       .url = "http://e" path,   \
                                       .body = (text),           \
                                       .body_len = strlen(text), \
                                       .content_type = "application/json" })

static void test_call_and_reuse(void **state) {
        struct fixture *x = *state;

        for (int i = 0; i < 50; i++) {
                _hv_cleanup_(got_done) struct got g;

                hv_fake_add(
                        x->fake,
                        &(struct hv_fake_rule){
                                .match = "GET /a",
                                .raw = "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 5\r\n\r\nhello" });
                request(&g, x, GET("/a"));
                assert_int_equal(g.end, HV_TRANSFER_DONE);
                assert_int_equal(g.status, 200);
                assert_string_equal(hv_buf_str(&g.body), "hello");
                assert_string_equal(g.etag, "\"1\"");
        }
        assert_int_equal(hv_fake_connections(x->fake), 1);
        assert_int_equal(hv_transfer_connections_total(x->transfer), 1);
        assert_null(strcasestr(hv_fake_head(x->fake, 0), "expect"));
}

static void test_what_is_sent(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(got_done) struct got a, b, c, d;
        const char *const headers[] = { "X-Registry-Auth: abc", NULL };

        hv_fake_reply(x->fake, "POST /create", 201, "{}");
        request(&a, x, POST("/create", "{\"a\":1}"));
        assert_int_equal(a.status, 201);
        assert_string_equal(hv_fake_body(x->fake, 0), "{\"a\":1}");
        assert_non_null(strstr(hv_fake_head(x->fake, 0), "\r\nContent-Type: application/json\r\n"));

        hv_fake_reply(x->fake, "POST /empty", 204, "");
        request(&b, x,
                &(struct hv_request_options){
                        .method = HV_METHOD_POST, .url = "http://e/empty?q=a%20b", .headers = headers });
        assert_int_equal(b.status, 204);
        assert_string_equal(hv_fake_request(x->fake, 1), "POST /empty?q=a%20b");
        assert_non_null(strstr(hv_fake_head(x->fake, 1), "\r\nContent-Length: 0\r\n"));
        assert_non_null(strstr(hv_fake_head(x->fake, 1), "\r\nX-Registry-Auth: abc\r\n"));
        assert_null(strstr(hv_fake_head(x->fake, 1), "Content-Type"));

        hv_fake_reply(x->fake, "DELETE /x", 204, "");
        request(&c, x, &(struct hv_request_options){ .method = HV_METHOD_DELETE, .url = "http://e/x" });
        assert_int_equal(c.status, 204);

        hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = "HEAD /y",
                                                     .raw = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n" });
        request(&d, x, &(struct hv_request_options){ .method = HV_METHOD_HEAD, .url = "http://e/y" });
        assert_int_equal(d.end, HV_TRANSFER_DONE);
}

/* A reply that is broken, missing or late, and what can be said about the request. */
static void test_faults(void **state) {
        static const struct {
                const char *what;
                struct hv_fake_rule rule;
                size_t max_body;
                uint64_t timeout_us, idle_us;
                enum hv_transfer_end end;
                unsigned status;
                int error;
                const char *says;
        } rows[] = {
                { "closed without a reply",
                  { .then = HV_FAKE_CLOSE },
                  0,
                  0,
                  0,
                  HV_TRANSFER_CUT,
                  0,
                  -ECONNRESET,
                  "cut" },
                { "body shorter than its length",
                  { .raw = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"a\":", .then = HV_FAKE_CLOSE },
                  0,
                  0,
                  0,
                  HV_TRANSFER_CUT,
                  200,
                  -ECONNRESET,
                  "cut" },
                { "chunk cut",
                  { .raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nab",
                    .then = HV_FAKE_CLOSE },
                  0,
                  0,
                  0,
                  HV_TRANSFER_CUT,
                  200,
                  -ECONNRESET,
                  "cut" },
                { "last chunk missing",
                  { .raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
                    .then = HV_FAKE_CLOSE },
                  0,
                  0,
                  0,
                  HV_TRANSFER_CUT,
                  200,
                  -ECONNRESET,
                  "cut" },
                { "chunk of garbage",
                  { .raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n",
                    .then = HV_FAKE_KEEP },
                  0,
                  0,
                  0,
                  HV_TRANSFER_CUT,
                  200,
                  -ECONNRESET,
                  "cut" },
                { "no HTTP",
                  { .raw = "SSH-2.0-OpenSSH\r\n", .then = HV_FAKE_CLOSE },
                  0,
                  0,
                  0,
                  HV_TRANSFER_CUT,
                  0,
                  -ECONNRESET,
                  "HTTP" },
                { "never a reply",
                  { .then = HV_FAKE_HANG },
                  0,
                  500000,
                  0,
                  HV_TRANSFER_LATE,
                  0,
                  -ETIMEDOUT,
                  "no reply within" },
                { "late reply",
                  { .raw = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", .delay_us = 20000000 },
                  0,
                  500000,
                  0,
                  HV_TRANSFER_LATE,
                  0,
                  -ETIMEDOUT,
                  "within" },
                { "stalls in the body",
                  { .raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", .then = HV_FAKE_HANG },
                  0,
                  0,
                  500000,
                  HV_TRANSFER_STALLED,
                  200,
                  -ETIMEDOUT,
                  "nothing was heard for 0.5 s" },
                { "body too big by its length",
                  { .raw = "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", .repeat_body = 1001 },
                  1000,
                  0,
                  0,
                  HV_TRANSFER_TOO_BIG,
                  200,
                  -EMSGSIZE,
                  "limit of 1000 bytes" },
                { "endless body",
                  { .raw = "HTTP/1.1 200 OK\r\n\r\n", .repeat_body = 3000000, .then = HV_FAKE_HANG },
                  1000000,
                  0,
                  0,
                  HV_TRANSFER_TOO_BIG,
                  200,
                  -EMSGSIZE,
                  "limit of 1000000 bytes" },
                { "body of just the limit",
                  { .raw = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", .repeat_body = 1000 },
                  1000,
                  0,
                  0,
                  HV_TRANSFER_DONE,
                  200,
                  0,
                  "" },
                { "500",
                  { .raw = "HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n{}" },
                  0,
                  0,
                  0,
                  HV_TRANSFER_DONE,
                  500,
                  0,
                  "" },
        };
        struct fixture *x = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_fake_rule rule = rows[i].rule;
                struct got g = { .x = x };

                rule.match = "POST /x";
                hv_fake_add(x->fake, &rule);
                start(&g, &(struct hv_request_options){ .method = HV_METHOD_POST,
                                                        .url = "http://e/x",
                                                        .max_body_bytes = rows[i].max_body,
                                                        .timeout_us = rows[i].timeout_us,
                                                        .idle_us = rows[i].idle_us });
                finish(&g);
                if (g.end != rows[i].end || g.status != rows[i].status || g.error != rows[i].error ||
                    !g.sent || !strstr(g.message, rows[i].says) || hv_fake_requests(x->fake) != i + 1)
                        fail_msg("%s: end %d status %u error %d sent %d requests %u: %s", rows[i].what, g.end,
                                 g.status, g.error, g.sent, hv_fake_requests(x->fake), g.message);
                got_done(&g);
        }
}

static void test_unreachable(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_free_ char *none = hv_asprintf("%s/none", x->dir), *file = hv_asprintf("%s/file", x->dir);
        _hv_cleanup_(got_done) struct got a, b, c;
        int fd;

        request(&a, x, &(struct hv_request_options){ .url = "http://e/x", .unix_socket = none });
        assert_int_equal(a.end, HV_TRANSFER_UNREACHABLE);
        assert_false(a.sent);
        assert_int_equal(a.error, -ENOENT);
        assert_non_null(strstr(a.message, "there is no such socket"));

        fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        close(fd);
        request(&b, x, &(struct hv_request_options){ .url = "http://e/x", .unix_socket = file });
        assert_int_equal(b.error, -ECONNREFUSED);
        assert_false(b.sent);
        assert_non_null(strstr(b.message, "nobody listens"));
        (void) unlink(file);

        request(&c, x, &(struct hv_request_options){ .url = "http://127.0.0.1:1/x", .unix_socket = none });
        assert_false(c.sent);
}

/* Without unix_socket the request goes over TCP. */
static void test_tcp_refused(void **state) {
        struct fixture *x = *state;
        struct got g = { .x = x };
        struct hv_request_options o = { .url = "http://127.0.0.1:1/x", .on_done = on_done, .userdata = &g };

        assert_int_equal(hv_transfer_start(x->transfer, &o, NULL, NULL), 0);
        finish(&g);
        assert_int_equal(g.error, -ECONNREFUSED);
        assert_false(g.sent);
        assert_non_null(strstr(g.message, "http://127.0.0.1:1/x"));
        got_done(&g);
}

static void test_refused_before_it_is_sent(void **state) {
        static const char *const two_lines[] = { "A: b\r\nC: d", NULL };
        static const struct {
                const char *what;
                struct hv_request_options options;
                int code;
        } rows[] = {
                { "no URL", { .url = NULL }, -EINVAL },
                { "another scheme", { .url = "file:///etc/passwd" }, -EINVAL },
                { "a blank", { .url = "http://e/a b" }, -EINVAL },
                { "a line break", { .url = "http://e/a\r\nX: y" }, -EINVAL },
                { "a header of two lines", { .url = "http://e/", .headers = two_lines }, -EINVAL },
                { "GET with a body", { .url = "http://e/", .body = "x", .body_len = 1 }, -EINVAL },
        };
        struct fixture *x = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_err err = {};

                if (hv_transfer_start(x->transfer, &rows[i].options, NULL, &err) != rows[i].code || !*err.msg)
                        fail_msg("%s", rows[i].what);
        }
}

static void test_read_only(void **state) {
        static const enum hv_method refused[] = { HV_METHOD_POST, HV_METHOD_PUT, HV_METHOD_DELETE };
        const struct hv_transfer_options read_only = { .read_only = true };
        struct fixture *x = *state;
        _hv_cleanup_(got_done) struct got g;

        hv_transfer_free(x->transfer);
        assert_int_equal(hv_transfer_new(x->event, &read_only, &x->transfer, NULL), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(refused); i++) {
                struct hv_request_options o = { .method = refused[i],
                                                .url = "http://e/x",
                                                .unix_socket = x->socket };
                struct hv_err err = {};

                assert_int_equal(hv_transfer_start(x->transfer, &o, NULL, &err), -EPERM);
                assert_non_null(strstr(err.msg, "this connection only reads"));
        }
        hv_fake_reply(x->fake, "GET /a", 200, "{}");
        request(&g, x, GET("/a"));
        assert_int_equal(g.status, 200);
        assert_int_equal(hv_fake_requests(x->fake), 1);
}

/* The ninth call waits for a connection; when its time is over, nothing of it was sent. */
static void test_queue_of_calls(void **state) {
        struct fixture *x = *state;
        struct got hung[8] = {}, queued = { .x = x };

        hv_fake_add(x->fake,
                    &(struct hv_fake_rule){ .match = "POST /h", .then = HV_FAKE_HANG, .forever = true });
        for (size_t i = 0; i < HV_ARRAY_SIZE(hung); i++) {
                hung[i].x = x;
                start(&hung[i], POST("/h", ""));
        }
        hv_test_run_until(x->event, hv_fake_requests(x->fake) == 8);
        start(&queued, &(struct hv_request_options){
                               .method = HV_METHOD_POST, .url = "http://e/h", .timeout_us = 50000 });
        finish(&queued);
        assert_int_equal(queued.end, HV_TRANSFER_LATE);
        assert_false(queued.sent);
        assert_int_equal(hv_fake_connections(x->fake), 8);

        /* A stream does not wait, and a place that becomes free is taken. */
        _hv_cleanup_(got_done) struct got stream = { .x = x }, next = { .x = x };

        hv_fake_reply(x->fake, "GET /s", 200, "{}");
        start(&stream, &(struct hv_request_options){ .url = "http://e/s", .lane = HV_LANE_STREAMS });
        finish(&stream);
        assert_int_equal(stream.status, 200);
        hv_fake_reply(x->fake, "GET /n", 200, "{}");
        start(&next, GET("/n"));
        hv_request_cancel(hung[3].request);
        finish(&next);
        assert_int_equal(next.status, 200);
        for (size_t i = 0; i < HV_ARRAY_SIZE(hung); i++)
                got_done(&hung[i]);
        got_done(&queued);
}

/* A kept connection that the server closes instead of answering: GET goes out again, POST does not. */
static void test_no_second_send(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(got_done) struct got warm, get, warm2, post;

        hv_fake_reply(x->fake, "GET /warm", 200, "{}");
        request(&warm, x, GET("/warm"));
        hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = "GET /g", .then = HV_FAKE_CLOSE });
        hv_fake_reply(x->fake, "GET /g", 200, "{}");
        request(&get, x, GET("/g"));
        assert_int_equal(get.status, 200);
        assert_int_equal(hv_fake_requests(x->fake), 3);

        hv_fake_reply(x->fake, "GET /warm", 200, "{}");
        request(&warm2, x, GET("/warm"));
        hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = "POST /p", .then = HV_FAKE_CLOSE });
        hv_fake_reply(x->fake, "POST /p", 201, "{}");
        request(&post, x, POST("/p", "{}"));
        assert_int_equal(post.end, HV_TRANSFER_CUT);
        assert_true(post.sent);
        assert_non_null(strstr(post.message, "after the request was sent"));
        hv_test_drain(x->event);
        assert_int_equal(hv_fake_requests(x->fake), 5);
}

/* A kept connection that was closed while nobody used it: nothing was sent on it, so even POST gets a new
 * one. */
static void test_dead_connection_is_replaced(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(got_done) struct got warm, post;

        hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = "GET /warm",
                                                     .raw = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                                                     .then = HV_FAKE_CLOSE });
        request(&warm, x, GET("/warm"));
        hv_fake_reply(x->fake, "POST /p", 201, "{}");
        request(&post, x, POST("/p", "{}"));
        assert_int_equal(post.status, 201);
        assert_int_equal(hv_fake_connections(x->fake), 2);
}

static const char stream_head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";

static void start_stream(struct got *g) {
        hv_fake_add(g->x->fake,
                    &(struct hv_fake_rule){ .match = "GET /s", .raw = stream_head, .then = HV_FAKE_HANG });
        start(g,
              &(struct hv_request_options){
                      .url = "http://e/s", .lane = HV_LANE_STREAMS, .on_open = on_open, .on_data = on_data });
}

static void test_stream(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(got_done) struct got g = { .x = x };

        start_stream(&g);
        hv_test_run_until(x->event, g.data.len == 3);
        assert_int_equal(g.n_open, 1);
        hv_fake_push(x->fake, "2\r\nde\r\n", 7);
        hv_test_run_until(x->event, g.data.len == 5);
        hv_fake_push(x->fake, "0\r\n\r\n", 5);
        finish(&g);
        assert_int_equal(g.end, HV_TRANSFER_DONE);
        assert_string_equal(hv_buf_str(&g.data), "abcde");
        assert_int_equal(g.body.len, 0);
}

static void test_stream_is_lost(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(got_done) struct got g = { .x = x };

        start_stream(&g);
        hv_test_run_until(x->event, g.data.len == 3);
        hv_fake_push(x->fake, NULL, 0);
        finish(&g);
        assert_int_equal(g.end, HV_TRANSFER_CUT);
        assert_int_equal(g.status, 200);
}

/* An error's body is no data of the stream. */
static void test_stream_refused(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(got_done) struct got g = { .x = x };

        hv_fake_reply(x->fake, "GET /s", 404, "{\"message\":\"no\"}");
        start(&g, &(struct hv_request_options){ .url = "http://e/s", .on_data = on_data });
        finish(&g);
        assert_int_equal(g.status, 404);
        assert_int_equal(g.n_data, 0);
        assert_string_equal(hv_buf_str(&g.body), "{\"message\":\"no\"}");
}

/* Silence is measured from the last byte, not from the start: twenty bytes 60 ms apart live longer than one second of
 * silence. */
static void test_idle_starts_anew(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(got_done) struct got g = { .x = x };
        const uint64_t idle_us = HV_USEC_PER_SEC, begun_us = hv_test_now_us();

        hv_fake_add(x->fake,
                    &(struct hv_fake_rule){ .match = "GET /s", .raw = stream_head, .then = HV_FAKE_HANG });
        start(&g,
              &(struct hv_request_options){ .url = "http://e/s", .idle_us = idle_us, .on_data = on_data });
        while (hv_test_now_us() < begun_us + idle_us * 6 / 5) {
                if (sd_event_run(x->event, idle_us / 16) == 0)
                        hv_fake_push(x->fake, "1\r\nx\r\n", 6);
                assert_int_equal(g.n_done, 0);
        }
}

static void test_abort_in_data(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(got_done) struct got g = { .x = x, .mood = ABORT_IN_DATA };

        start_stream(&g);
        finish(&g);
        assert_int_equal(g.end, HV_TRANSFER_ABORTED);
        assert_int_equal(g.error, -EBADMSG);
}

/* After cancel and free nothing is called, wherever they are called from. */
static void test_silence_after_cancel(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(got_done) struct got at_once = { .x = x }, open = { .x = x }, inside = { .x = x };

        hv_fake_reply(x->fake, "GET /a", 200, "{}");
        start(&at_once, GET("/a"));
        hv_request_cancel(at_once.request);

        start_stream(&open);
        hv_test_run_until(x->event, open.data.len == 3);
        hv_request_cancel(open.request);
        hv_test_run_until(x->event,
                          hv_fake_open(x->fake) == 0); /* the connection is closed: the server notices */

        inside.mood = CANCEL_IN_DATA;
        start_stream(&inside);
        hv_test_run_until(x->event, inside.n_data);
        hv_test_run_until(x->event, hv_fake_open(x->fake) == 0);
        hv_request_cancel(NULL);
        assert_int_equal(at_once.n_done + open.n_done + inside.n_done, 0);
        assert_int_equal(inside.n_data, 1);
}

static void test_free_with_everything_alive(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(got_done) struct got call = { .x = x }, stream = { .x = x };
        struct got queued[10] = {};

        hv_fake_add(x->fake,
                    &(struct hv_fake_rule){ .match = "GET /h", .then = HV_FAKE_HANG, .forever = true });
        start(&call, GET("/h"));
        for (size_t i = 0; i < HV_ARRAY_SIZE(queued); i++) {
                queued[i].x = x;
                start(&queued[i], GET("/h"));
        }
        start_stream(&stream);
        hv_test_run_until(x->event, stream.data.len && hv_fake_requests(x->fake) >= 9);
        x->transfer = hv_transfer_free(x->transfer);
        hv_test_run_until(x->event, hv_fake_open(x->fake) == 0);
        assert_int_equal(call.n_done + stream.n_done + queued[0].n_done + queued[9].n_done, 0);
}

static void test_free_in_callbacks(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(got_done) struct got stream = { .x = x, .mood = FREE_IN_DATA }, beside = { .x = x };
        _hv_cleanup_(got_done) struct got done = { .x = x, .mood = FREE_IN_DONE }, beside2 = { .x = x };

        hv_fake_add(x->fake,
                    &(struct hv_fake_rule){ .match = "GET /h", .then = HV_FAKE_HANG, .forever = true });
        start(&beside, GET("/h"));
        start_stream(&stream);
        hv_test_run_until(x->event, stream.n_data);
        hv_test_run_until(x->event, hv_fake_open(x->fake) == 0);
        assert_null(x->transfer);
        assert_int_equal(stream.n_done + beside.n_done, 0);

        assert_int_equal(hv_transfer_new(x->event, NULL, &x->transfer, NULL), 0);
        hv_fake_reply(x->fake, "GET /a", 200, "{}");
        start(&beside2, GET("/h"));
        start(&done, GET("/a"));
        finish(&done);
        hv_test_run_until(x->event, hv_fake_open(x->fake) == 0);
        assert_null(x->transfer);
        assert_int_equal(beside2.n_done, 0);
}

static void test_start_in_data(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(got_done) struct got other = { .x = x };
        _hv_cleanup_(got_done) struct got g = { .x = x, .mood = START_IN_DATA, .other = &other };

        hv_fake_reply(x->fake, "GET /other", 200, "{}");
        start_stream(&g);
        finish(&other);
        assert_int_equal(other.status, 200);
        assert_int_equal(g.n_done, 0);
}

/* Held back, nothing is given; going on, what was kept comes first, and may be the moment to cancel. */
static void test_pause(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(got_done) struct got g = { .x = x };

        start_stream(&g);
        hv_test_run_until(x->event, g.data.len == 3);
        hv_request_pause(g.request, true);
        hv_fake_push(x->fake, "2\r\nde\r\n", 7);
        for (int i = 0; i < 20; i++)
                (void) sd_event_run(x->event, 1000);
        assert_int_equal(g.data.len, 3);
        hv_request_pause(g.request, false);
        hv_test_run_until(x->event, g.data.len == 5);

        hv_request_pause(g.request, true);
        hv_fake_push(x->fake, "1\r\nf\r\n", 6);
        for (int i = 0; i < 20; i++)
                (void) sd_event_run(x->event, 1000);
        g.mood = CANCEL_IN_DATA;
        hv_request_pause(g.request, false);
        hv_test_run_until(x->event, g.data.len == 6);
        hv_test_run_until(x->event, hv_fake_open(x->fake) == 0);
        assert_int_equal(g.n_done, 0);
}

/* Whoever goes on is served, also when the last request that libcurl had a timer for leaves in the same moment. */
static void test_going_on_beside_a_cancel(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(got_done) struct got g = { .x = x }, later = { .x = x }, other = { .x = x };

        start_stream(&g);
        hv_test_run_until(x->event, g.data.len == 3);
        /* libcurl keeps a timer for the first 200 ms of a connection */
        hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = "GET /later",
                                                     .raw = "HTTP/1.1 204 No Content\r\n\r\n",
                                                     .delay_us = 500 * HV_USEC_PER_MSEC });
        start(&later, &(struct hv_request_options){ .url = "http://e/later", .lane = HV_LANE_STREAMS });
        finish(&later);
        hv_request_pause(g.request, true);
        hv_fake_push(x->fake, "2\r\nde\r\n", 7);
        for (int i = 0; i < 20; i++)
                (void) sd_event_run(x->event, 1000);
        assert_int_equal(g.data.len, 3);
        hv_request_pause(g.request, false);
        start(&other, &(struct hv_request_options){ .url = "http://e/other", .lane = HV_LANE_STREAMS });
        hv_request_cancel(other.request);
        hv_test_run_until(x->event, g.data.len == 5);
        assert_int_equal(other.n_done, 0);
}

/* A body that is read while it is sent: in chunks, or of a known length. */
struct source {
        size_t left;
        int error;
};

static ssize_t read_source(void *userdata, void *buf, size_t size) {
        struct source *s =
                ((struct got *) userdata)->other ? (void *) ((struct got *) userdata)->other : NULL;
        size_t n = HV_MIN(size, s->left);

        if (s->error && s->left == 0)
                return s->error;
        memset(buf, 'y', n);
        s->left -= n;
        return (ssize_t) n;
}

static void test_body_from_a_reader(void **state) {
        struct fixture *x = *state;
        struct source chunked = { .left = 300000 }, known = { .left = 1000 },
                      broken = { .left = 10, .error = -EIO };
        _hv_cleanup_(got_done) struct got a = { .x = x, .other = (void *) &chunked };
        _hv_cleanup_(got_done) struct got b = { .x = x, .other = (void *) &known };
        _hv_cleanup_(got_done) struct got c = { .x = x, .other = (void *) &broken };
        struct hv_request_options o = { .method = HV_METHOD_POST,
                                        .url = "http://e/load",
                                        .read = read_source };

        hv_fake_reply(x->fake, "POST /load", 200, "{}");
        o.read_bytes = -1;
        start(&a, &o);
        finish(&a);
        assert_int_equal(a.status, 200);
        assert_int_equal(strlen(hv_fake_body(x->fake, 0)), 300000);
        assert_non_null(strstr(hv_fake_head(x->fake, 0), "Transfer-Encoding: chunked"));

        hv_fake_reply(x->fake, "POST /load", 200, "{}");
        o.read_bytes = 1000;
        start(&b, &o);
        finish(&b);
        assert_int_equal(strlen(hv_fake_body(x->fake, 1)), 1000);
        assert_non_null(strstr(hv_fake_head(x->fake, 1), "Content-Length: 1000"));

        o.read_bytes = -1;
        start(&c, &o);
        finish(&c);
        assert_int_equal(c.end, HV_TRANSFER_ABORTED);
        assert_int_equal(c.error, -EIO);
        assert_int_equal(hv_fake_requests(x->fake), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_call_and_reuse),
                TEST(test_what_is_sent),
                TEST(test_faults),
                TEST(test_unreachable),
                TEST(test_tcp_refused),
                TEST(test_refused_before_it_is_sent),
                TEST(test_read_only),
                TEST(test_queue_of_calls),
                TEST(test_no_second_send),
                TEST(test_dead_connection_is_replaced),
                TEST(test_stream),
                TEST(test_stream_is_lost),
                TEST(test_stream_refused),
                TEST(test_idle_starts_anew),
                TEST(test_abort_in_data),
                TEST(test_silence_after_cancel),
                TEST(test_free_with_everything_alive),
                TEST(test_free_in_callbacks),
                TEST(test_start_in_data),
                TEST(test_body_from_a_reader),
                TEST(test_pause),
                TEST(test_going_on_beside_a_cancel),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
