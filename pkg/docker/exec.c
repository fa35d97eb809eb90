/* docker/exec.c - see exec.h. */
#include "docker/exec.h"

#include <errno.h>

#include "base/alloc.h"
#include "docker/container_parse.h"
#include "docker/parse.h"
#include "docker/private.h"
#include "transfer/duplex.h"
#include "json/write.h"

#define HEADER_BYTES 8u

/* ---- calls ---- */

static void put_strv(struct hv_json_writer *w, const char *key, const struct hv_strv *v) {
        hv_json_begin_array(w, key);
        for (size_t i = 0; i < v->n; i++)
                hv_json_put_str(w, NULL, v->v[i]);
        hv_json_end(w);
}

struct hv_docker_call *hv_docker_exec_create(struct hv_docker *d, const char *container,
                                             const struct hv_docker_exec *exec, struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_EXEC_CREATE, then, "/containers/");
        struct hv_json_writer w = { .buf = &c->body };

        hv_call_add_name(c, "container", container);
        hv_call_add_path(c, "/exec");
        hv_json_begin_object(&w, NULL);
        hv_json_put_bool(&w, "AttachStdin", exec->input);
        hv_json_put_bool(&w, "AttachStdout", true);
        hv_json_put_bool(&w, "AttachStderr", true);
        hv_json_put_bool(&w, "Tty", exec->tty);
        put_strv(&w, "Cmd", &exec->command);
        put_strv(&w, "Env", &exec->env);
        if (exec->user)
                hv_json_put_str(&w, "User", exec->user);
        if (exec->directory)
                hv_json_put_str(&w, "WorkingDir", exec->directory);
        hv_json_end(&w);
        c->parse = hv_docker_parse_created;
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_exec_resize(struct hv_docker *d, const char *exec_id, unsigned rows,
                                             unsigned columns, struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_EXEC_RESIZE, then, "/exec/");

        hv_call_add_name(c, "process", exec_id);
        hv_call_add_path(c, "/resize");
        hv_call_add_query_int(c, "h", rows);
        hv_call_add_query_int(c, "w", columns);
        return hv_call_send(c);
}

static int parse_state(const struct hv_json *j, struct hv_docker_result *result) {
        struct hv_docker_exec_state *state;

        if (hv_json_type(hv_json_get(j, "Running")) != HV_JSON_BOOL)
                return -EBADMSG;
        state = HV_ARENA_NEW(result->arena, struct hv_docker_exec_state);
        /* Not begun, or about to end, it has no code yet, and is not said to run either. */
        state->is_running =
                hv_json_bool(j, "Running", false) || hv_json_type(hv_json_get(j, "ExitCode")) != HV_JSON_INT;
        state->code = (int) hv_json_int(j, "ExitCode", 0);
        result->exec = state;
        return 0;
}

struct hv_docker_call *hv_docker_exec_look(struct hv_docker *d, const char *exec_id,
                                           struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_EXEC_INSPECT, then, "/exec/");

        hv_call_add_name(c, "process", exec_id);
        hv_call_add_path(c, "/json");
        c->parse = parse_state;
        return hv_call_send(c);
}

/* ---- streams ---- */

struct hv_docker_streams {
        struct hv_docker_streams_hooks hooks;
        struct hv_duplex *duplex;
        bool tty, is_open;
        unsigned char header[HEADER_BYTES];
        size_t n_header;
        uint32_t left; /* payload of the current frame that is still to come */
        enum hv_docker_output output;
        bool is_dead, is_over;
        unsigned busy;
};

static void release(struct hv_docker_streams *s) {
        (void) hv_duplex_free(s->duplex);
        free(s);
}

struct hv_docker_streams *hv_docker_streams_free(struct hv_docker_streams *s) {
        if (!s)
                return NULL;
        s->is_dead = true;
        if (s->busy == 0)
                release(s);
        return NULL;
}

static void leave(struct hv_docker_streams *s) {
        if (--s->busy == 0 && s->is_dead)
                release(s);
}

static void over(struct hv_docker_streams *s, const struct hv_err *err) {
        if (s->is_over || s->is_dead)
                return;
        s->is_over = true;
        s->hooks.ended(s->hooks.userdata, err);
}

static void on_open(void *userdata) {
        struct hv_docker_streams *s = userdata;

        s->busy++;
        s->is_open = true;
        s->hooks.opened(s->hooks.userdata);
        leave(s);
}

/* False: it is no header, and nothing behind it could be trusted. */
static bool begin_frame(struct hv_docker_streams *s) {
        const unsigned char *h = s->header;

        if (h[0] > HV_DOCKER_STDERR || h[1] || h[2] || h[3])
                return false;
        s->output = h[0] == HV_DOCKER_STDERR ? HV_DOCKER_STDERR : HV_DOCKER_STDOUT;
        s->left = (uint32_t) h[4] << 24 | (uint32_t) h[5] << 16 | (uint32_t) h[6] << 8 | h[7];
        s->n_header = 0;
        return true;
}

static bool unframe(struct hv_docker_streams *s, const char *data, size_t len) {
        while (len > 0 && !s->is_dead) {
                size_t n;

                if (s->left > 0) {
                        n = HV_MIN(len, (size_t) s->left);
                        s->left -= (uint32_t) n;
                        s->hooks.output(s->hooks.userdata, s->output, data, n);
                } else {
                        n = HV_MIN(len, HEADER_BYTES - s->n_header);
                        memcpy(s->header + s->n_header, data, n);
                        s->n_header += n;
                        if (s->n_header == HEADER_BYTES && !begin_frame(s))
                                return false;
                }
                data += n;
                len -= n;
        }
        return true;
}

static void on_data(void *userdata, const char *data, size_t len) {
        struct hv_docker_streams *s = userdata;
        struct hv_err err = {};

        if (s->is_over)
                return;
        s->busy++;
        if (s->tty)
                s->hooks.output(s->hooks.userdata, HV_DOCKER_STDOUT, data, len);
        else if (!unframe(s, data, len)) {
                (void) hv_err_set(&err, -EBADMSG, "the engine's stream is not framed as one of it is");
                over(s, &err);
        }
        leave(s);
}

static void on_room(void *userdata) {
        struct hv_docker_streams *s = userdata;

        s->busy++;
        if (!s->is_over)
                s->hooks.room(s->hooks.userdata);
        leave(s);
}

/* An engine that says no in HTTP says why in JSON. */
static int read_refusal(const struct hv_duplex_end *end, struct hv_err *err) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        const char *message = NULL;

        if (hv_json_parse(end->body, end->body_len, HV_JSON_MAX_BYTES, &j, NULL) == 0)
                message = hv_json_str(j, "message");
        return hv_err_set(err,
                          end->status == 404   ? -ENOENT
                          : end->status == 409 ? -EBUSY
                                               : -EIO,
                          "the engine: %s", message ? message : "it does not begin the process");
}

/* Closed by an engine that had not read all, it looks broken: how the process ended, or that nobody knows, is for a look to tell. */
static void on_done(void *userdata, const struct hv_duplex_end *end) {
        struct hv_docker_streams *s = userdata;
        struct hv_err err = {};

        s->busy++;
        if (end->status)
                (void) read_refusal(end, &err);
        else if (end->error && !(s->is_open && end->error == -ECONNRESET))
                (void) hv_err_set(&err, end->error, "the engine: %s", end->message);
        over(s, err.code < 0 ? &err : NULL);
        leave(s);
}

int hv_docker_exec_start(struct hv_docker *d, const char *exec_id, const struct hv_docker_exec *exec,
                         const struct hv_docker_streams_hooks *hooks, struct hv_docker_streams **ret,
                         struct hv_err *err) {
        _hv_cleanup_free_ char *url = NULL;
        struct hv_docker_streams *s;
        _hv_cleanup_(hv_buf_done) struct hv_buf body = {};
        struct hv_json_writer w = { .buf = &body };
        struct hv_duplex_options options = {
                .unix_socket = d->socket_path,
                .protocol = "tcp",
                .open_us = d->call_timeout_us,
                .on_open = on_open,
                .on_data = on_data,
                .on_room = on_room,
                .on_done = on_done,
        };
        int r;

        /* Its own word for it, but it goes into a path. */
        if (hv_str_empty(exec_id) || exec_id[strspn(exec_id, "0123456789abcdef")])
                return hv_err_set(err, -EBADMSG, "the engine calls a process \"%.80s\"", exec_id);
        url = hv_asprintf("%s/v%s/exec/%s/start", d->base_url, d->engine.api_version, exec_id);
        s = HV_NEW(struct hv_docker_streams);
        s->hooks = *hooks;
        s->tty = exec->tty;
        hv_json_begin_object(&w, NULL);
        hv_json_put_bool(&w, "Detach", false);
        hv_json_put_bool(&w, "Tty", exec->tty);
        if (exec->tty && exec->rows > 0 &&
            exec->columns > 0) { /* podman: a resize may come before the process */
                hv_json_put_uint(&w, "h", exec->rows);
                hv_json_put_uint(&w, "w", exec->columns);
        }
        hv_json_end(&w);
        options.body = body.data;
        options.body_len = body.len;
        options.url = url;
        options.userdata = s;
        r = hv_duplex_open(d->event, &options, &s->duplex, err);
        if (r < 0) {
                free(s);
                return r;
        }
        *ret = s;
        return 0;
}

void hv_docker_streams_write(struct hv_docker_streams *s, const void *data, size_t len) {
        hv_duplex_write(s->duplex, data, len);
}

size_t hv_docker_streams_room(const struct hv_docker_streams *s) {
        return hv_duplex_room(s->duplex);
}

void hv_docker_streams_end_input(struct hv_docker_streams *s) {
        hv_duplex_end_writing(s->duplex);
}

void hv_docker_streams_hold(struct hv_docker_streams *s, bool held) {
        hv_duplex_hold(s->duplex, held);
}
