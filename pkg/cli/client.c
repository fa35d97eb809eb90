#include "cli/client.h"

#include <errno.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/secret.h"
#include "json/json.h"

#define ANSWER_MAX_BYTES ((size_t) 64 << 20) /* a list of 10,000 services is about 20 MiB */

struct stream {
        struct hv_client *client;
        struct hv_client_stream hooks;
        ssize_t (*read)(void *userdata, void *buf, size_t size); /* of an upload */
        struct hv_request *request;
        struct stream *next;
};

struct hv_client {
        sd_event *event;
        struct hv_transfer *transfer;
        char *socket_path; /* NULL: `base` is where it is */
        char *base, *ca_file;
        struct hv_secret *authorization; /* the whole header; NULL: none */
        uint64_t timeout_us;
        struct stream *streams; /* all that were started; freed with the client */
        bool stopped, late;
};

/* What comes behind the scheme must be a host alone: a path or a name with a password is a mistake. */
static bool is_loopback(const char *host) {
        static const char *const NAMES[] = { "localhost", "127.0.0.1", "[::1]" };

        for (size_t i = 0; i < HV_ARRAY_SIZE(NAMES); i++)
                if (hv_has_prefix(host, NAMES[i]) && strchr(":/", host[strlen(NAMES[i])]))
                        return true;
        return false;
}

static int read_host(const char *host, char **ret, struct hv_err *err) {
        const char *name = host + strlen("https://");
        size_t len = strlen(host);

        if (hv_has_prefix(host, "http://")) {
                name = host + strlen("http://");
                if (!is_loopback(name))
                        return hv_err_set(
                                err, -EINVAL,
                                "--host %s: what is sent there can be read on the way; expected https://",
                                host);
        } else if (!hv_has_prefix(host, "https://")) {
                return hv_err_set(err, -EINVAL, "--host %s: expected https://NAME:PORT", host);
        }
        len -= host[len - 1] == '/';
        if (host + len <= name || strpbrk(name, "@?# ") || memchr(name, '/', (size_t) (host + len - name)))
                return hv_err_set(err, -EINVAL, "--host %s: expected https://NAME:PORT and nothing more",
                                  host);
        *ret = hv_strndup(host, len);
        return 0;
}

static void set_authorization(struct hv_client *c, const struct hv_secret *key) {
        _hv_cleanup_(hv_buf_wipe) struct hv_buf text = {};

        hv_buf_reserve(&text, 64 + hv_secret_len(key));
        hv_buf_printf(&text, "Authorization: Bearer %s", (const char *) hv_secret_bytes(key));
        c->authorization = hv_secret_new(text.data, text.len);
}

int hv_client_new(const struct hv_client_target *target, uint64_t timeout_us, struct hv_client **ret,
                  struct hv_err *err) {
        static const struct hv_transfer_options options = { .read_only = false };
        _hv_cleanup_(hv_client_freep) struct hv_client *c = HV_NEW(struct hv_client);
        int r;

        c->socket_path = hv_strdup(target->socket_path);
        c->ca_file = hv_strdup(target->ca_file);
        if (target->key)
                set_authorization(c, target->key);
        r = 0;
        if (target->host)
                r = read_host(target->host, &c->base, err);
        else
                c->base = hv_strdup("http://localhost");
        if (r < 0)
                return r;
        c->timeout_us = timeout_us;
        r = sd_event_new(&c->event);
        if (r < 0)
                return hv_err_errno(err, r, "cannot make an event loop");
        r = hv_transfer_new(c->event, &options, &c->transfer, err);
        if (r < 0)
                return r;
        *ret = HV_STEAL(c);
        return 0;
}

struct hv_client *hv_client_free(struct hv_client *c) {
        struct stream *next;

        if (!c)
                return NULL;
        hv_transfer_free(c->transfer);
        for (struct stream *s = c->streams; s; s = next) {
                next = s->next;
                free(s);
        }
        sd_event_unref(c->event);
        hv_secret_free(c->authorization);
        free(c->socket_path);
        free(c->base);
        free(c->ca_file);
        free(c);
        return NULL;
}

void hv_client_answer_done(struct hv_client_answer *a) {
        a->json = hv_json_free(a->json);
}

/* ---- what went wrong ---- */

/* libcurl says only that it could not connect; the file itself says why. */
static int unreachable(const struct hv_client *c, const char *why, struct hv_err *err) {
        struct stat st;

        if (!c->socket_path)
                return hv_err_set(err, -ECONNREFUSED, "%s cannot be reached: %s", c->base, why);
        if (stat(c->socket_path, &st) < 0 && errno == ENOENT)
                return hv_err_set(
                        err, -ENOENT,
                        "the agent is not running here: there is no %s; start it, or name its socket "
                        "with --socket",
                        c->socket_path);
        if (access(c->socket_path, W_OK) < 0 && errno == EACCES)
                return hv_err_set(err, -EACCES,
                                  "not allowed to use %s: run as root, or as a member of the socket's group",
                                  c->socket_path);
        return hv_err_set(err, -ECONNREFUSED,
                          "nobody answers at %s: the agent is not running (systemctl status hivelet)",
                          c->socket_path);
}

static int describe_end(const struct hv_client *c, const struct hv_reply *reply, struct hv_err *err) {
        switch (reply->end) {
        case HV_TRANSFER_DONE:
                return 0;
        case HV_TRANSFER_UNREACHABLE:
                return unreachable(c, reply->message, err);
        case HV_TRANSFER_LATE:
        case HV_TRANSFER_STALLED:
                return hv_err_set(err, -ETIMEDOUT, "the agent did not answer in time");
        default:
                return hv_err_set(err, -EPIPE, "the connection to the agent broke: %s", reply->message);
        }
}

int hv_client_unreachable(const struct hv_client *c, const char *why, struct hv_err *err) {
        return unreachable(c, why, err);
}

/* ---- calls ---- */

struct call {
        struct hv_client *client;
        struct hv_client_answer *answer;
        struct hv_err *err;
        int result;
        bool done;
};

static void take_answer(const struct hv_reply *reply, struct hv_client_answer *ret) {
        ret->status = reply->status;
        if (hv_json_parse(reply->body, reply->body_len, ANSWER_MAX_BYTES, &ret->json, NULL) < 0)
                ret->json = NULL;
}

static void on_call_done(void *userdata, const struct hv_reply *reply) {
        struct call *call = userdata;

        call->done = true;
        call->result = describe_end(call->client, reply, call->err);
        if (call->result == 0)
                take_answer(reply, call->answer);
}

int hv_client_call(struct hv_client *c, enum hv_method method, const char *path, const char *body,
                   size_t body_len, const char *content_type, struct hv_client_answer *ret,
                   struct hv_err *err) {
        _hv_cleanup_free_ char *url = hv_asprintf("%s%s", c->base, path);
        const char *const headers[] = { c->authorization ? hv_secret_bytes(c->authorization) : NULL, NULL };
        struct call call = { .client = c, .answer = ret, .err = err };
        const struct hv_request_options options = {
                .method = method,
                .url = url,
                .unix_socket = c->socket_path,
                .headers = headers,
                .ca_file = c->ca_file,
                .content_type = !body          ? NULL
                                : content_type ? content_type
                                               : "application/json",
                .body = body,
                .body_len = body_len,
                .timeout_us = c->timeout_us,
                .max_body_bytes = ANSWER_MAX_BYTES,
                .on_done = on_call_done,
                .userdata = &call,
        };
        struct hv_request *request;
        int r;

        *ret = (struct hv_client_answer){};
        r = hv_transfer_start(c->transfer, &options, &request, err);
        if (r < 0)
                return r;
        while (r >= 0 && !call.done)
                r = sd_event_run(c->event, UINT64_MAX);
        if (call.done)
                return call.result;
        hv_request_cancel(request);
        return hv_err_errno(err, r, "cannot ask the agent");
}

/* ---- streams ---- */

static int on_stream_data(void *userdata, const char *data, size_t len) {
        struct stream *s = userdata;

        s->hooks.on_data(s->hooks.userdata, data, len);
        return 0;
}

static void on_stream_done(void *userdata, const struct hv_reply *reply) {
        struct stream *s = userdata;
        _hv_cleanup_(hv_client_answer_done) struct hv_client_answer answer = {};
        struct hv_err err = {};
        int r = describe_end(s->client, reply, &err);

        s->request = NULL;
        if (r == 0)
                take_answer(reply, &answer);
        s->hooks.on_end(s->hooks.userdata, r == 0 && answer.status / 100 != 2 ? &answer : NULL,
                        r < 0 ? &err : NULL);
}

int hv_client_stream_start(struct hv_client *c, const struct hv_client_stream *stream, struct hv_err *err) {
        _hv_cleanup_free_ char *url = hv_asprintf("%s%s", c->base, stream->path);
        _hv_cleanup_free_ char *accept = stream->accept ? hv_asprintf("Accept: %s", stream->accept) : NULL;
        const char *authorization = c->authorization ? hv_secret_bytes(c->authorization) : NULL;
        const char *const headers[] = { accept ? accept : authorization, accept ? authorization : NULL,
                                        NULL };
        struct stream *s = HV_NEW(struct stream);
        const struct hv_request_options options = {
                .method = HV_METHOD_GET,
                .lane = HV_LANE_STREAMS,
                .url = url,
                .unix_socket = c->socket_path,
                .headers = headers,
                .ca_file = c->ca_file,
                .on_data = on_stream_data,
                .on_done = on_stream_done,
                .userdata = s,
        };

        s->client = c;
        s->hooks = *stream;
        s->next = c->streams;
        c->streams = s;
        return hv_transfer_start(c->transfer, &options, &s->request, err);
}

static ssize_t on_stream_read(void *userdata, void *buf, size_t size) {
        struct stream *s = userdata;

        return s->read(s->hooks.userdata, buf, size);
}

int hv_client_upload_start(struct hv_client *c, const struct hv_client_upload *upload,
                           struct hv_request **ret, struct hv_err *err) {
        _hv_cleanup_free_ char *url = hv_asprintf("%s%s", c->base, upload->path);
        const char *const headers[] = { c->authorization ? hv_secret_bytes(c->authorization) : NULL, NULL };
        struct stream *s = HV_NEW(struct stream);
        const struct hv_request_options options = {
                .method = HV_METHOD_PUT,
                .lane = HV_LANE_STREAMS,
                .url = url,
                .unix_socket = c->socket_path,
                .headers = headers,
                .ca_file = c->ca_file,
                .content_type = upload->content_type,
                .read = on_stream_read,
                .read_bytes = -1,
                .on_done = on_stream_done,
                .userdata = s,
        };
        int r;

        s->client = c;
        s->hooks.on_end = upload->on_end;
        s->hooks.userdata = upload->userdata;
        s->read = upload->read;
        s->next = c->streams;
        c->streams = s;
        r = hv_transfer_start(c->transfer, &options, &s->request, err);
        *ret = s->request;
        return r;
}

int hv_client_duplex(struct hv_client *c, const char *path, const struct hv_duplex_options *options,
                     struct hv_duplex **ret, struct hv_err *err) {
        _hv_cleanup_free_ char *url = hv_asprintf("%s%s", c->base, path);
        const char *const headers[] = { c->authorization ? hv_secret_bytes(c->authorization) : NULL, NULL };
        struct hv_duplex_options whole = *options;

        whole.url = url;
        whole.unix_socket = c->socket_path;
        whole.ca_file = c->ca_file;
        whole.headers = headers;
        whole.open_us = c->timeout_us;
        return hv_duplex_open(c->event, &whole, ret, err);
}

struct sd_event *hv_client_event(struct hv_client *c) {
        return c->event;
}

static int on_timeout(sd_event_source *source, uint64_t now_us, void *userdata) {
        struct hv_client *c = userdata;

        (void) source;
        (void) now_us;
        c->late = true;
        return 0;
}

int hv_client_run(struct hv_client *c, uint64_t timeout_us) {
        sd_event_source *timer = NULL;
        int r = 0;

        c->stopped = c->late = false;
        if (timeout_us > 0)
                r = sd_event_add_time_relative(c->event, &timer, CLOCK_MONOTONIC, timeout_us, 1, on_timeout,
                                               c);
        while (r >= 0 && !c->stopped && !c->late)
                r = sd_event_run(c->event, UINT64_MAX);
        sd_event_source_disable_unref(timer);
        if (r < 0)
                return r;
        return c->stopped ? 0 : -ETIMEDOUT;
}

void hv_client_stop(struct hv_client *c) {
        c->stopped = true;
}
