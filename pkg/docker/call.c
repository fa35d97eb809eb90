/* docker/call.c - see call.h. */
#include "docker/call.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/text.h"
#include "docker/private.h"
#include "json/write.h"

#define MAX_MESSAGE 1000

/* --- building --- */

static void add_escaped(struct hv_buf *buf, const char *text, const char *also_plain) {
        for (const char *p = text; *p; p++)
                if (isalnum((unsigned char) *p) || strchr("-._~", *p) || strchr(also_plain, *p))
                        hv_buf_putc(buf, *p);
                else
                        hv_buf_printf(buf, "%%%02X", (unsigned char) *p);
}

struct hv_docker_call *hv_call_new(struct hv_docker *d, enum hv_docker_op op, struct hv_docker_then then,
                                   const char *path) {
        struct hv_docker_call *c = HV_NEW(struct hv_docker_call);

        c->d = d;
        c->op = op;
        c->then = then;
        c->begun_us = hv_transfer_now_us();
        c->timeout_us = d->call_timeout_us;
        hv_buf_puts(&c->path, path);
        TAILQ_INSERT_TAIL(&d->calls, c, entry);
        return c;
}

void hv_call_refuse(struct hv_docker_call *c, const struct hv_err *err) {
        if (c->refused.code == 0)
                c->refused = *err;
}

void hv_call_add_path(struct hv_docker_call *c, const char *literal) {
        hv_buf_puts(&c->path, literal);
}

/* An empty or dotted part would make another path of it, and so another request. */
void hv_call_add_name(struct hv_docker_call *c, const char *what, const char *name) {
        char quoted[HV_TEXT_QUOTE_SIZE];
        struct hv_err err;

        if (hv_str_empty(name) || hv_streq(name, ".") || hv_streq(name, "..") || strchr(name, '/')) {
                (void) hv_err_set(&err, -EINVAL, "%s is not the name or id of a %s",
                                  hv_text_quote(name ? name : "", quoted), what);
                hv_call_refuse(c, &err);
                return;
        }
        add_escaped(&c->path, name, "");
}

void hv_call_add_image(struct hv_docker_call *c, const char *image) {
        char quoted[HV_TEXT_QUOTE_SIZE];
        struct hv_err err;

        if (hv_str_empty(image) || !isalnum((unsigned char) *image) || strstr(image, "..") ||
            strstr(image, "//")) {
                (void) hv_err_set(&err, -EINVAL, "%s is not the name or id of an image",
                                  hv_text_quote(image ? image : "", quoted));
                hv_call_refuse(c, &err);
                return;
        }
        add_escaped(&c->path, image, "/:@");
}

void hv_call_add_query(struct hv_docker_call *c, const char *name, const char *value) {
        struct hv_err err;

        if (hv_str_empty(value)) {
                (void) hv_err_set(&err, -EINVAL, "%s is empty", name);
                hv_call_refuse(c, &err);
                return;
        }
        hv_buf_printf(&c->path, "%c%s=", c->has_query ? '&' : '?', name);
        c->has_query = true;
        add_escaped(&c->path, value, "");
}

void hv_call_add_query_int(struct hv_docker_call *c, const char *name, int64_t value) {
        char text[24];

        (void) snprintf(text, sizeof text, "%" PRId64, value);
        hv_call_add_query(c, name, text);
}

void hv_call_add_query_instant(struct hv_docker_call *c, const char *name, uint64_t ns) {
        char text[40];

        (void) snprintf(text, sizeof text, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
        hv_call_add_query(c, name, text);
}

void hv_call_add_managed_filter(struct hv_docker_call *c) {
        hv_call_add_query(c, "filters", "{\"label\":[\"io.hivelet.managed=true\"]}");
}

/* --- end --- */

static void call_free(struct hv_docker_call *c) {
        if (c->d)
                TAILQ_REMOVE(&c->d->calls, c, entry);
        sd_event_source_disable_unref(c->refusal);
        if (c->state && c->free_state)
                c->free_state(c->state);
        if (c->body.data)
                explicit_bzero(c->body.data, c->body.len);
        hv_buf_done(&c->path);
        hv_buf_done(&c->body);
        free(c);
}

void hv_docker_call_cancel(struct hv_docker_call *c) {
        if (!c || c->ended || c->dead)
                return;
        c->dead = true;
        if (c->d)
                c->d->counters[c->op].n_cancelled++;
        hv_request_cancel(HV_STEAL(c->request));
        if (!c->inside)
                call_free(c);
}

void hv_docker_call_pause(struct hv_docker_call *c, bool paused) {
        if (c && !c->ended && !c->dead && c->request)
                hv_request_pause(c->request, paused);
}

/* The path without its query, for people. */
static char *target_of(const struct hv_docker_call *c) {
        const char *path = hv_buf_str(&c->path);

        return hv_asprintf("%s %.*s", hv_method_name(hv_docker_op_facts(c->op)->method),
                           (int) strcspn(path, "?"), path);
}

static void observe(struct hv_docker_call *c, const struct hv_docker_result *result) {
        _hv_cleanup_free_ char *target = NULL;

        if (!c->d->observer)
                return;
        target = target_of(c);
        c->d->observer(c->d->observer_userdata, c->op, target, result);
}

/* Tells the caller. Nothing of the client is touched after that: the callback may have freed it. */
static void end(struct hv_docker_call *c, struct hv_docker_result *result, uint64_t bytes_in,
                uint64_t bytes_out) {
        c->request = NULL;
        c->ended = true;
        result->op = c->op;
        result->duration_us = hv_transfer_now_us() - c->begun_us;
        if (!result->message)
                result->message = "";
        hv_docker_count(c->d, result, bytes_in, bytes_out);
        observe(c, result);
        TAILQ_REMOVE(&c->d->calls, c, entry);
        c->d = NULL;
        if (c->then.fn)
                c->then.fn(c->then.userdata, result);
        (void) hv_arena_free(result->arena);
        call_free(c);
}

const char *hv_call_message(struct hv_arena *arena, const struct hv_reply *reply) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        const char *text = reply->body;
        char *copy;
        size_t len;

        if (reply->status < 300 && *reply->message)
                return hv_arena_strdup(arena, reply->message);
        if (reply->status < 300)
                return "";
        if (hv_json_parse(reply->body, reply->body_len, HV_JSON_MAX_BYTES, &j, NULL) == 0 &&
            hv_json_str(j, "message"))
                text = hv_json_str(j, "message");
        if (!*text)
                return hv_arena_printf(arena, "HTTP status %u", reply->status);
        copy = hv_arena_strndup(arena, text, MAX_MESSAGE);
        len = strlen(copy);
        while (len && isspace((unsigned char) copy[len - 1]))
                copy[--len] = '\0';
        return copy;
}

static void parse_body(struct hv_docker_call *c, const struct hv_reply *reply,
                       struct hv_docker_result *result) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        struct hv_err err = {};
        int r;

        r = hv_json_parse(reply->body, reply->body_len, HV_JSON_MAX_BYTES, &j, &err);
        if (r == 0)
                r = c->parse(j, result);
        if (r == 0)
                return;
        hv_docker_judge_garbled(r, result);
        result->message = hv_arena_printf(result->arena, "the engine's reply makes no sense: %s",
                                          *err.msg ? err.msg : "not of the expected form");
}

static void on_done(void *userdata, const struct hv_reply *reply) {
        struct hv_docker_call *c = userdata;
        struct hv_docker_result result = { .arena = hv_arena_new() };

        result.message = hv_call_message(result.arena, reply);
        hv_docker_judge(c->op, c->d->engine.kind, reply, result.message, &result);
        if (result.outcome == HV_DOCKER_OK && c->parse)
                parse_body(c, reply, &result);
        if (c->at_end) { /* may call back once more, and that may be the end of the call */
                c->inside = true;
                c->at_end(c, reply, &result);
                c->inside = false;
        }
        if (c->dead) {
                (void) hv_arena_free(result.arena);
                call_free(c);
                return;
        }
        end(c, &result, reply->bytes_in, reply->bytes_out);
}

static int on_refused(sd_event_source *s, void *userdata) {
        struct hv_docker_call *c = userdata;
        bool offline = c->refused.code == -ENOTCONN;
        struct hv_docker_result result = {
                .arena = hv_arena_new(),
                .outcome = offline ? HV_DOCKER_UNREACHABLE : HV_DOCKER_REFUSED,
                .error = c->refused.code,
                .no_effect = true,
        };

        (void) s;
        result.message = hv_arena_strdup(result.arena, c->refused.msg);
        end(c, &result, 0, 0);
        return 0;
}

/* --- in between --- */

static void on_open(void *userdata, unsigned status) {
        struct hv_docker_call *c = userdata;

        if (!c->on_open || status < 200 || status > 299)
                return;
        c->inside = true;
        c->on_open(c);
        c->inside = false;
        if (c->dead)
                call_free(c);
}

static int on_data(void *userdata, const char *data, size_t len) {
        struct hv_docker_call *c = userdata;
        int r;

        c->inside = true;
        r = c->on_data(c, data, len);
        c->inside = false;
        if (c->dead)
                call_free(c);
        return r;
}

/* --- sending --- */

static int send_request(struct hv_docker_call *c, struct hv_err *err) {
        struct hv_docker *d = c->d;
        _hv_cleanup_free_ char *url = NULL;
        struct hv_request_options o = {
                .method = hv_docker_op_facts(c->op)->method,
                .lane = c->patient ? HV_LANE_STREAMS : HV_LANE_CALLS,
                .unix_socket = d->socket_path,
                .headers = c->headers,
                .content_type = c->read       ? "application/x-tar"
                                : c->body.len ? "application/json"
                                              : NULL,
                .body = c->body.len ? c->body.data : NULL,
                .body_len = c->body.len,
                .read = c->read,
                .read_bytes = -1,
                .timeout_us = c->then.timeout_us ? c->then.timeout_us : c->timeout_us,
                .open_us = c->open_us,
                .idle_us = c->idle_us,
                .on_open = on_open,
                .on_data = c->on_data ? on_data : NULL,
                .on_done = on_done,
                .userdata = c,
        };

        if (c->unversioned)
                url = hv_asprintf("%s%s", d->base_url, hv_buf_str(&c->path));
        else
                url = hv_asprintf("%s/v%s%s", d->base_url, d->engine.api_version, hv_buf_str(&c->path));
        o.url = url;
        return hv_transfer_start(d->transfer, &o, &c->request, err);
}

struct hv_docker_call *hv_call_send(struct hv_docker_call *c) {
        struct hv_docker *d = c->d;
        struct hv_err err = {};

        if (c->refused.code == 0 && !c->unversioned && d->api_minor == 0) {
                (void) hv_err_set(&err, -ENOTCONN, "the engine was not reached yet");
                hv_call_refuse(c, &err);
        }
        if (c->refused.code == 0) {
                if (send_request(c, &err) < 0)
                        hv_call_refuse(c, &err);
        }
        c->headers[0] = NULL;
        if (c->refused.code == 0) {
                d->counters[c->op].n_begun++;
                observe(c, NULL);
                return c;
        }
        (void) sd_event_add_defer(d->event, &c->refusal, on_refused, c);
        (void) sd_event_source_set_description(c->refusal, "docker-refusal");
        return c;
}
