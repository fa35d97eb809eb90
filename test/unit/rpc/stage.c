/* See stage.h. */
#include "stage.h"

#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"

/* --- the server's side --- */

struct burst { /* of STREAM */
        unsigned left;
        size_t size;
};

static void note(struct stage *x, struct hv_rpc_server_call *call) {
        const struct hv_rpc_peer *peer = hv_rpc_server_call_peer(call);
        const char *header = hv_rpc_server_call_header(call, "x-test");
        struct hv_buf names = {};

        x->n_requests++;
        x->peer = *peer;
        for (size_t i = 0; i < peer->n_names; i++)
                hv_buf_printf(&names, "%s%s", i ? " " : "", peer->names[i]);
        (void) snprintf(x->names, sizeof x->names, "%s", hv_buf_str(&names));
        hv_buf_done(&names);
        (void) snprintf(x->header, sizeof x->header, "%s", header ? header : "");
        x->time_left_us = hv_rpc_server_call_time_left_us(call);
}

static void on_echo(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        struct stage *x = userdata;

        note(x, call);
        if (x->free_in_request)
                stage_free_server(x);
        else
                hv_rpc_server_call_reply(call, HV_STEAL(request));
        hv_rpc_bytes_free(request);
}

static void on_later(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        struct stage *x = userdata;

        note(x, call);
        hv_vec_push(&x->kept, call);
        hv_vec_push(&x->requests, request);
}

static void on_fail(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        note(userdata, call);
        hv_rpc_bytes_free(request);
        hv_rpc_server_call_end(call, HV_RPC_NOT_FOUND, "no \x1b[31mthing\n\xe5\xa5\xbd\xff");
}

static void send_burst(struct hv_rpc_server_call *call) {
        struct burst *burst = hv_rpc_server_call_data(call);

        if (burst->left == 0)
                hv_rpc_server_call_end(call, HV_RPC_OK, NULL);
        else if (hv_rpc_server_call_send(call, message_of(burst->size, 's')) == 0)
                burst->left--;
}

static void on_stream(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        struct burst *burst = HV_NEW(struct burst);
        char text[64] = "";

        note(userdata, call);
        (void) hv_rpc_bytes_read(request, 0, text, sizeof text - 1);
        hv_rpc_bytes_free(request);
        assert_int_equal(sscanf(text, "%u %zu", &burst->left, &burst->size), 2);
        hv_rpc_server_call_set_data(call, burst);
        send_burst(call);
}

static void on_sent(void *userdata, struct hv_rpc_server_call *call) {
        ((struct stage *) userdata)->n_sent++;
        send_burst(call);
}

static void on_tick_sent(void *userdata, struct hv_rpc_server_call *call) {
        (void) call;
        ((struct stage *) userdata)->n_sent++;
}

static void on_done(void *userdata, struct hv_rpc_server_call *call, bool written) {
        struct stage *x = userdata;

        x->n_done++;
        x->n_written += written;
        for (size_t i = 0; i < x->kept.n; i++) {
                if (x->kept.v[i] == call)
                        x->kept.v[i] = NULL;
        }
        if (x->free_in_done)
                stage_free_server(x);
}

static void on_burst_done(void *userdata, struct hv_rpc_server_call *call, bool written) {
        free(hv_rpc_server_call_data(call));
        on_done(userdata, call, written);
}

static enum hv_rpc_status on_accept(void *userdata, const struct hv_rpc_peer *peer, const char *path,
                                    const char **text) {
        struct stage *x = userdata;

        (void) path;
        x->n_accepts++;
        x->peer = *peer;
        *text = "not from here";
        return x->refuse;
}

static const struct hv_rpc_method methods[] = {
        { ECHO, .max_request_bytes = 64u << 20, .on_request = on_echo, .on_done = on_done },
        { SMALL, .max_request_bytes = 1024, .on_request = on_echo, .on_done = on_done },
        { LATER, .max_request_bytes = 64u << 20, .on_request = on_later, .on_done = on_done },
        { FAIL, .on_request = on_fail, .on_done = on_done },
        { STREAM, .stream = true, .on_request = on_stream, .on_sent = on_sent, .on_done = on_burst_done },
        { TICK, .stream = true, .on_request = on_later, .on_sent = on_tick_sent, .on_done = on_done },
};

void stage_serve(struct stage *x, const struct hv_rpc_server_options *options) {
        struct hv_rpc_server_options o = options ? *options : (struct hv_rpc_server_options){};
        struct hv_err err = {};

        o.listen = o.listen ? o.listen : "127.0.0.1:0";
        o.credentials = o.credentials ? o.credentials : x->plain;
        o.methods = o.methods ? o.methods : methods;
        o.n_methods = o.n_methods ? o.n_methods : HV_ARRAY_SIZE(methods);
        o.accept = o.accept ? o.accept : on_accept;
        o.userdata = x;
        if (hv_rpc_server_new(x->rpc, &o, &x->server, &err) < 0)
                fail_msg("%s", err.msg);
}

void stage_free_server(struct stage *x) {
        x->server = hv_rpc_server_free(x->server);
}

/* --- the client's side --- */

const char *stage_target(struct stage *x) {
        static char target[32];

        (void) snprintf(target, sizeof target, "127.0.0.1:%u", (unsigned) hv_rpc_server_port(x->server));
        return target;
}

void stage_connect(struct stage *x, const struct hv_rpc_channel_options *options) {
        struct hv_rpc_channel_options o = options ? *options : (struct hv_rpc_channel_options){};
        struct hv_err err = {};

        o.target = o.target ? o.target : stage_target(x);
        o.credentials = o.credentials ? o.credentials : x->plain;
        o.max_reply_bytes = o.max_reply_bytes ? o.max_reply_bytes : 128u << 20;
        x->channel = hv_rpc_channel_free(x->channel);
        if (hv_rpc_channel_new(x->rpc, &o, &x->channel, &err) < 0)
                fail_msg("%s", err.msg);
}

struct hv_rpc_bytes *message(const void *data, size_t len) {
        struct hv_rpc_bytes *b = hv_rpc_bytes_new();

        hv_rpc_bytes_add(b, data, len);
        return b;
}

struct hv_rpc_bytes *message_of(size_t len, char fill) {
        struct hv_rpc_bytes *b = hv_rpc_bytes_new();

        memset(hv_rpc_bytes_extend(b, len), fill, len);
        return b;
}

bool is_filled(const struct hv_rpc_bytes *b, size_t len, char fill) {
        const void *piece;
        size_t it = 0, n;

        if (hv_rpc_bytes_len(b) != len)
                return false;
        while (b && hv_rpc_bytes_next(b, &it, &piece, &n)) {
                for (size_t i = 0; i < n; i++) {
                        if (((const char *) piece)[i] != fill)
                                return false;
                }
        }
        return true;
}

static void on_message(void *userdata, struct hv_rpc_bytes *m) {
        struct outcome *o = userdata;

        o->n_messages++;
        o->n_bytes += hv_rpc_bytes_len(m);
        hv_rpc_bytes_free(m);
        if (o->cancel_in_message)
                hv_rpc_call_cancel(HV_STEAL(o->call));
        else if (o->greedy)
                hv_rpc_call_next(o->call);
}

static void on_end(void *userdata, const struct hv_rpc_end *end) {
        struct outcome *o = userdata;

        o->n_ends++;
        o->call = NULL;
        o->status = end->status;
        (void) snprintf(o->text, sizeof o->text, "%s", end->text);
        o->reply = end->reply;
        if (o->free_channel_in_end)
                o->x->channel = hv_rpc_channel_free(o->x->channel);
}

static void start(struct outcome *o, struct stage *x, const char *method, struct hv_rpc_bytes *request,
                  uint64_t timeout_us, bool stream) {
        const struct hv_rpc_header headers[] = { { "x-test", "seen" }, { "authorization", "Bearer t0ken" } };
        struct hv_err err = {};

        o->x = x;
        if (hv_rpc_call_start(x->channel,
                              &(struct hv_rpc_call_options){ .method = method,
                                                             .request = request,
                                                             .headers = headers,
                                                             .n_headers = HV_ARRAY_SIZE(headers),
                                                             .timeout_us = timeout_us ? timeout_us
                                                                                      : HV_TEST_PATIENCE_US,
                                                             .stream = stream,
                                                             .on_message = on_message,
                                                             .on_end = on_end,
                                                             .userdata = o },
                              &o->call, &err) < 0)
                fail_msg("%s", err.msg);
        assert_int_equal(o->n_ends, 0); /* never from inside start */
}

void start_call(struct outcome *o, struct stage *x, const char *method, struct hv_rpc_bytes *request,
                uint64_t timeout_us) {
        start(o, x, method, request, timeout_us, false);
}

void start_stream(struct outcome *o, struct stage *x, const char *method, struct hv_rpc_bytes *request,
                  uint64_t timeout_us) {
        start(o, x, method, request, timeout_us, true);
        if (o->greedy)
                hv_rpc_call_next(o->call);
}

void wait_end(struct outcome *o) {
        hv_test_run_until(o->x->event, o->n_ends > 0);
}

void call_expecting(struct outcome *o, struct stage *x, const char *method, struct hv_rpc_bytes *request,
                    enum hv_rpc_status status) {
        *o = (struct outcome){};
        start_call(o, x, method, request, 0);
        wait_end(o);
        if (o->status != status)
                fail_msg("%s: %s (%s) instead of %s", method, hv_rpc_status_name(o->status), o->text,
                         hv_rpc_status_name(status));
}

void outcome_done(struct outcome *o) {
        hv_rpc_call_cancel(HV_STEAL(o->call));
        o->reply = hv_rpc_bytes_free(o->reply);
}

/* --- the loop --- */

static void on_log(void *userdata, int level, const char *line) {
        struct stage *x = userdata;

        x->n_lines++;
        hv_buf_printf(&x->log, "<%d>%s\n", level, line);
}

int stage_set_up(void **state) {
        struct stage *x = HV_NEW(struct stage);

        assert_true(sd_event_new(&x->event) >= 0);
        strcpy(x->dir, "/tmp/hv-rpc-XXXXXX");
        assert_non_null(mkdtemp(x->dir));
        x->rpc = hv_rpc_new(x->event, &(struct hv_rpc_options){ .on_log = on_log, .userdata = x });
        x->plain = hv_rpc_credentials_new_insecure();
        *state = x;
        return 0;
}

int stage_tear_down(void **state) {
        struct stage *x = *state;

        x->channel = hv_rpc_channel_free(x->channel);
        stage_free_server(x);
        for (size_t i = 0; i < x->requests.n; i++)
                hv_rpc_bytes_free(x->requests.v[i]);
        x->rpc = hv_rpc_free(x->rpc);
        hv_rpc_credentials_free(x->plain);
        hv_vec_done(&x->kept);
        hv_vec_done(&x->requests);
        hv_buf_done(&x->log);
        sd_event_unref(x->event);
        (void) rmdir(x->dir);
        free(x);
        return 0;
}
