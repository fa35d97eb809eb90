/* lib/fakeengine.c - see fakeengine.h. */
#include "lib/fakeengine.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/time.h"
#include "base/vec.h"

struct rule {
        struct hv_fake_rule r;
        bool used;
};

struct seen {
        char *request, *head, *body;
};

struct connection {
        struct hv_fake_engine *f;
        struct connection *next;
        int fd;
        sd_event_source *io, *delay;
        struct hv_buf in, out;
        size_t sent;
        enum hv_fake_then then;
        bool busy; /* a rule is being played, or hangs */
};

struct hv_fake_engine {
        sd_event *event;
        char *path;
        int fd;
        sd_event_source *io;
        struct connection *connections;
        HV_VEC(struct rule) rules;
        HV_VEC(struct seen) seen;
        unsigned n_accepted;
};

static void serve(struct connection *c);

static void connection_free(struct connection *c) {
        for (struct connection **p = &c->f->connections; *p; p = &(*p)->next)
                if (*p == c) {
                        *p = c->next;
                        break;
                }
        sd_event_source_disable_unref(c->io);
        sd_event_source_disable_unref(c->delay);
        close(c->fd);
        hv_buf_done(&c->in);
        hv_buf_done(&c->out);
        free(c);
}

/* Writes what it can; false when the connection is gone. */
static bool flush(struct connection *c) {
        while (c->sent < c->out.len) {
                ssize_t n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);

                if (n < 0 && errno == EAGAIN) {
                        (void) sd_event_source_set_io_events(c->io, EPOLLIN | EPOLLOUT);
                        return true;
                }
                if (n < 0) {
                        connection_free(c);
                        return false;
                }
                c->sent += (size_t) n;
        }
        (void) sd_event_source_set_io_events(c->io, EPOLLIN);
        hv_buf_clear(&c->out);
        c->sent = 0;
        if (!c->busy)
                return true;
        if (c->then == HV_FAKE_CLOSE) {
                connection_free(c);
                return false;
        }
        if (c->then == HV_FAKE_KEEP)
                c->busy = false;
        return true;
}

static int on_delay(sd_event_source *s, uint64_t usec, void *userdata) {
        struct connection *c = userdata;

        (void) usec;
        (void) s;
        c->delay = sd_event_source_disable_unref(c->delay);
        if (flush(c))
                serve(c);
        return 0;
}

static void play(struct connection *c, const struct hv_fake_rule *r) {
        c->busy = true;
        c->then = r->then;
        if (r->raw)
                hv_buf_add(&c->out, r->raw, r->raw_len ? r->raw_len : strlen(r->raw));
        if (r->repeat_body) {
                _hv_cleanup_free_ char *block = hv_malloc(r->repeat_body);

                memset(block, 'x', r->repeat_body);
                hv_buf_add(&c->out, block, r->repeat_body);
        }
        if (r->delay_us)
                (void) sd_event_add_time_relative(c->f->event, &c->delay, CLOCK_MONOTONIC, r->delay_us, 1,
                                                  on_delay, c);
}

/* "POST /v1.41/containers/x HTTP/1.1" -> "POST /containers/x" */
static char *request_of(const char *head) {
        const char *path = strchr(head, ' ') + 1;
        int method_len = (int) (path - head);
        int skip = 0;

        if (path[0] == '/' && path[1] == 'v' && isdigit((unsigned char) path[2]))
                skip = 1 + (int) strcspn(path + 1, "/ ");
        return hv_asprintf("%.*s%.*s", method_len, head, (int) strcspn(path + skip, " "), path + skip);
}

/* Body length, and how many bytes it takes after the head; false: not all there yet. */
static bool take_body(const char *at, size_t have, const char *head, struct hv_buf *body, size_t *ret_taken) {
        const char *length = strcasestr(head, "\r\ncontent-length:");
        size_t taken = 0;

        if (length) {
                size_t n = strtoul(length + 17, NULL, 10);

                if (have < n)
                        return false;
                hv_buf_add(body, at, n);
                *ret_taken = n;
                return true;
        }
        if (!strcasestr(head, "\r\ntransfer-encoding: chunked")) {
                *ret_taken = 0;
                return true;
        }
        for (;;) {
                const char *line = memmem(at + taken, have - taken, "\r\n", 2);
                size_t n;

                if (!line)
                        return false;
                n = strtoul(at + taken, NULL, 16);
                taken = (size_t) (line + 2 - at);
                if (have - taken < n + 2)
                        return false;
                hv_buf_add(body, at + taken, n);
                taken += n + 2;
                if (n == 0)
                        break;
        }
        *ret_taken = taken;
        return true;
}

static const struct hv_fake_rule *find_rule(struct hv_fake_engine *f, const char *request) {
        static const struct hv_fake_rule none = {
                .raw = "HTTP/1.1 599 No rule\r\nContent-Length: 0\r\n\r\n"
        };

        for (size_t i = 0; i < f->rules.n; i++)
                if (!f->rules.v[i].used && hv_has_prefix(request, f->rules.v[i].r.match)) {
                        f->rules.v[i].used = !f->rules.v[i].r.forever;
                        return &f->rules.v[i].r;
                }
        return &none;
}

static bool is_played_at_head(const struct hv_fake_engine *f, const char *head) {
        _hv_cleanup_free_ char *request = request_of(head);

        for (size_t i = 0; i < f->rules.n; i++)
                if (!f->rules.v[i].used && hv_has_prefix(request, f->rules.v[i].r.match))
                        return f->rules.v[i].r.at_head;
        return false;
}

/* Serves the requests that are complete, one after the other. */
static void serve(struct connection *c) {
        while (!c->busy && c->in.len) {
                _hv_cleanup_(hv_buf_done) struct hv_buf body = {};
                _hv_cleanup_free_ char *head = NULL;
                char *end = memmem(c->in.data, c->in.len, "\r\n\r\n", 4);
                size_t head_len, taken;
                char *request;

                if (!end)
                        return;
                head_len = (size_t) (end + 4 - c->in.data);
                head = hv_strndup(c->in.data, head_len);
                if (!take_body(c->in.data + head_len, c->in.len - head_len, head, &body, &taken)) {
                        if (!is_played_at_head(c->f, head))
                                return;
                        taken = c->in.len - head_len;
                }
                request = request_of(head);
                memmove(c->in.data, c->in.data + head_len + taken, c->in.len - head_len - taken);
                c->in.len -= head_len + taken;
                hv_vec_push(&c->f->seen, ((struct seen){ request, HV_STEAL(head), hv_buf_steal(&body) }));
                play(c, find_rule(c->f, request));
                if (!c->delay && !flush(c))
                        return;
        }
}

static int on_connection(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct connection *c = userdata;
        char buf[65536];
        ssize_t n;

        (void) s;
        if ((revents & EPOLLOUT) && !flush(c))
                return 0;
        if (!(revents & (EPOLLIN | EPOLLHUP | EPOLLERR)))
                return 0;
        n = recv(fd, buf, sizeof buf, 0);
        if (n < 0 && errno == EAGAIN)
                return 0;
        if (n <= 0) {
                connection_free(c);
                return 0;
        }
        hv_buf_add(&c->in, buf, (size_t) n);
        serve(c);
        return 0;
}

static int on_listen(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct hv_fake_engine *f = userdata;
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct connection *c;

        (void) s;
        (void) revents;
        if (client < 0)
                return 0;
        c = HV_NEW(struct connection);
        c->f = f;
        c->fd = client;
        c->next = f->connections;
        f->connections = c;
        f->n_accepted++;
        (void) sd_event_add_io(f->event, &c->io, client, EPOLLIN, on_connection, c);
        return 0;
}

struct hv_fake_engine *hv_fake_engine_new(sd_event *event, const char *socket_path) {
        struct hv_fake_engine *f = HV_NEW(struct hv_fake_engine);
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        f->event = sd_event_ref(event);
        f->path = hv_strdup(socket_path);
        (void) snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
        (void) unlink(socket_path);
        f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (bind(f->fd, (struct sockaddr *) &address, sizeof address) < 0 || listen(f->fd, 64) < 0) {
                perror(socket_path);
                abort();
        }
        (void) sd_event_add_io(event, &f->io, f->fd, EPOLLIN, on_listen, f);
        return f;
}

struct hv_fake_engine *hv_fake_engine_free(struct hv_fake_engine *f) {
        if (!f)
                return NULL;
        while (f->connections)
                connection_free(f->connections);
        sd_event_source_disable_unref(f->io);
        close(f->fd);
        (void) unlink(f->path);
        for (size_t i = 0; i < f->rules.n; i++) {
                free((char *) f->rules.v[i].r.match);
                free((char *) f->rules.v[i].r.raw);
        }
        for (size_t i = 0; i < f->seen.n; i++) {
                free(f->seen.v[i].request);
                free(f->seen.v[i].head);
                free(f->seen.v[i].body);
        }
        hv_vec_done(&f->rules);
        hv_vec_done(&f->seen);
        sd_event_unref(f->event);
        free(f->path);
        free(f);
        return NULL;
}

void hv_fake_add(struct hv_fake_engine *f, const struct hv_fake_rule *rule) {
        struct rule *r = hv_vec_add(&f->rules);
        size_t len = !rule->raw ? 0 : rule->raw_len ? rule->raw_len : strlen(rule->raw);
        char *raw = NULL;

        if (rule->raw) {
                raw = hv_malloc(len + 1);
                memcpy(raw, rule->raw, len);
                raw[len] = '\0';
        }
        r->r = *rule;
        r->r.match = hv_strdup(rule->match);
        r->r.raw = raw;
        r->r.raw_len = len;
}

void hv_fake_reply(struct hv_fake_engine *f, const char *match, unsigned status, const char *body) {
        _hv_cleanup_free_ char *raw = NULL;

        if (status == 204 || status == 304)
                raw = hv_asprintf("HTTP/1.1 %u X\r\n\r\n", status);
        else
                raw = hv_asprintf(
                        "HTTP/1.1 %u X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                        status, strlen(body), body);
        hv_fake_add(f, &(struct hv_fake_rule){ .match = match, .raw = raw });
}

void hv_fake_ping(struct hv_fake_engine *f, const char *api_version) {
        _hv_cleanup_free_ char *raw = hv_asprintf(
                "HTTP/1.1 200 OK\r\nApi-Version: %s\r\nServer: Docker/fake\r\nContent-Length: 2\r\n\r\nOK",
                api_version);

        hv_fake_add(f, &(struct hv_fake_rule){ .match = "GET /_ping", .raw = raw, .forever = true });
}

void hv_fake_push(struct hv_fake_engine *f, const char *bytes, size_t len) {
        struct connection *next;

        for (struct connection *c = f->connections; c; c = next) {
                next = c->next;
                if (!c->busy || c->then != HV_FAKE_HANG)
                        continue;
                if (len == 0) {
                        connection_free(c);
                        continue;
                }
                hv_buf_add(&c->out, bytes, len);
                (void) flush(c);
        }
}

unsigned hv_fake_requests(const struct hv_fake_engine *f) {
        return (unsigned) f->seen.n;
}

unsigned hv_fake_connections(const struct hv_fake_engine *f) {
        return f->n_accepted;
}

unsigned hv_fake_open(const struct hv_fake_engine *f) {
        unsigned n = 0;

        for (const struct connection *c = f->connections; c; c = c->next)
                n++;
        return n;
}

const char *hv_fake_request(const struct hv_fake_engine *f, unsigned i) {
        return i < f->seen.n ? f->seen.v[i].request : "";
}

const char *hv_fake_head(const struct hv_fake_engine *f, unsigned i) {
        return i < f->seen.n ? f->seen.v[i].head : "";
}

const char *hv_fake_body(const struct hv_fake_engine *f, unsigned i) {
        return i < f->seen.n ? f->seen.v[i].body : "";
}
