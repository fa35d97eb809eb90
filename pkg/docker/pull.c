/* docker/pull.c - images that come from outside: pulled from a registry, loaded from an archive.
 *
 * Model    Both answer 200 at once and then report line by line; an error comes as a line inside the 200, and a stream that
 *          ends before its last chunk is no success either. So the outcome is known only at the end, from both.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/map.h"
#include "base/secret.h"
#include "docker/body.h"
#include "docker/check.h"
#include "docker/image.h"
#include "docker/lines.h"
#include "docker/parse.h"
#include "docker/private.h"
#include "docker/quirks.h"
#include "json/write.h"

#define STALL_US (5 * HV_USEC_PER_MIN)

struct layer {
        uint64_t current_bytes, total_bytes;
        bool done;
};

struct stream {
        struct hv_docker_call *call;
        struct hv_docker_pull wanted; /* texts and auth are used up when the call is sent */
        void (*on_image)(void *userdata, const char *name); /* of a load */
        struct hv_lines lines;
        struct hv_map *layers;
        struct hv_docker_progress progress;
        char *text, *error; /* last words, first error */
        char *header;       /* of the login */
        size_t header_size;
        int fd; /* of a load: the archive */
};

static void free_stream(void *state) {
        struct stream *s = state;

        hv_lines_done(&s->lines);
        (void) hv_map_free(s->layers);
        if (s->header)
                explicit_bzero(s->header, s->header_size);
        free(s->header);
        free(s->text);
        free(s->error);
        if (s->fd >= 0)
                close(s->fd);
        free(s);
}

/* --- what the engine reports --- */

/* Bytes count while a layer is downloaded; extracting reports bytes of its own, which would count twice. */
static void note_layer(struct stream *s, const char *id, const char *status, const struct hv_json *detail) {
        struct layer *l = hv_map_get(s->layers, id);

        if (!l) {
                l = HV_NEW(struct layer);
                hv_map_put(s->layers, id, l);
                s->progress.n_layers++;
        }
        if (hv_streq(status, "Downloading")) {
                s->progress.current_bytes -= l->current_bytes;
                s->progress.total_bytes -= l->total_bytes;
                l->current_bytes = hv_parse_u64(detail, "current");
                l->total_bytes = HV_MAX(hv_parse_u64(detail, "total"), l->current_bytes);
                s->progress.current_bytes += l->current_bytes;
                s->progress.total_bytes += l->total_bytes;
        }
        /* Small layers are there before the engine reports a last "Downloading". */
        if (hv_streq(status, "Download complete")) {
                s->progress.current_bytes += l->total_bytes - l->current_bytes;
                l->current_bytes = l->total_bytes;
        }
        if (!l->done && (hv_streq(status, "Pull complete") || hv_streq(status, "Already exists"))) {
                l->done = true;
                s->progress.n_layers_done++;
        }
}

static void note_error(struct stream *s, const struct hv_json *j) {
        const char *error = hv_json_str(hv_json_get(j, "errorDetail"), "message");

        if (hv_str_empty(error))
                error = hv_json_str(j, "error");
        if (!s->error && (error || hv_json_get(j, "errorDetail")))
                s->error = hv_strdup(hv_str_empty(error) ? "the engine gives no reason" : error);
}

/* "Loaded image: NAME" or "Loaded image ID: ID"; podman names several, with commas between them. */
static void note_loaded(struct stream *s, const char *text) {
        static const char by_name[] = "Loaded image: ", by_id[] = "Loaded image ID: ";
        const char *p = text && hv_has_prefix(text, by_name) ? text + sizeof by_name - 1
                        : text && hv_has_prefix(text, by_id) ? text + sizeof by_id - 1
                                                             : NULL;

        while (p && s->on_image && *p) {
                size_t n = strcspn(p, ", \r\n");
                _hv_cleanup_free_ char *name = hv_strndup(p, n);

                if (n > 0)
                        s->on_image(s->wanted.userdata, name);
                p += n + strspn(p + n, ", \r\n");
        }
}

static bool on_line(void *userdata, const struct hv_json *j) {
        struct stream *s = userdata;
        struct hv_docker_call *c = s->call;
        const char *status = hv_json_str(j, "status"), *id = hv_json_str(j, "id");

        if (!j)
                return true; /* no document: the end of the stream decides */
        note_error(s, j);
        note_loaded(s, hv_json_str(j, "stream"));
        if (hv_call_is_dead(c))
                return false;
        if (hv_str_empty(status))
                return true;
        free(s->text);
        s->text = hv_strdup(status);
        /* "Pulling from library/nginx" carries the tag as its id. */
        if (!hv_str_empty(id) && !hv_has_prefix(status, "Pulling from"))
                note_layer(s, id, status, hv_json_get(j, "progressDetail"));
        s->progress.text = s->text;
        if (s->wanted.on_progress)
                s->wanted.on_progress(s->wanted.userdata, &s->progress);
        return !hv_call_is_dead(c);
}

static int on_data(struct hv_docker_call *c, const char *data, size_t len) {
        struct stream *s = c->state;

        (void) hv_lines_add(&s->lines, data, len, on_line, s);
        return 0;
}

static void at_end(struct hv_docker_call *c, const struct hv_reply *reply, struct hv_docker_result *result) {
        struct stream *s = c->state;

        (void) reply;
        /* The last line need not end in a newline. */
        if (!hv_lines_add(&s->lines, "\n", 1, on_line, s))
                return;
        if (result->status != 200 || !s->error)
                return;
        result->outcome = hv_docker_quirk_is_denied(s->error) ? HV_DOCKER_DENIED : HV_DOCKER_ENGINE_ERROR;
        result->error = result->outcome == HV_DOCKER_DENIED ? -EACCES : -EIO;
        result->message = hv_arena_strdup(result->arena, s->error);
}

static struct stream *new_stream(struct hv_docker_call *c, uint64_t stall_us) {
        struct stream *s = HV_NEW(struct stream);

        s->call = c;
        s->fd = -1;
        s->layers = hv_map_new(free);
        c->state = s;
        c->free_state = free_stream;
        c->patient = true;
        c->timeout_us = 0;
        c->idle_us = stall_us ? stall_us : STALL_US;
        c->on_data = on_data;
        c->at_end = at_end;
        return s;
}

/* --- pull --- */

static size_t length(const char *text) {
        return text ? strlen(text) : 0;
}

static size_t secret_length(const struct hv_secret *secret) {
        return secret ? hv_secret_len(secret) : 0;
}

static void put_secret(struct hv_json_writer *w, const char *key, const struct hv_secret *secret) {
        if (secret)
                hv_json_put_strn(w, key, hv_secret_bytes(secret), hv_secret_len(secret));
}

/* X-Registry-Auth: base64url of a JSON object. Both buffers are big enough from the start (an escaped byte has six), for
 * one that grows leaves copies behind, and both are wiped. */
static void put_auth(struct stream *s, const struct hv_docker_auth *auth) {
        static const char name[] = "X-Registry-Auth: ";
        size_t most = 256 + 6 * (length(auth->username) + length(auth->server) +
                                 secret_length(auth->password) + secret_length(auth->identity_token));
        struct hv_buf json = { .data = hv_malloc(most), .cap = most };
        struct hv_json_writer w = { .buf = &json };

        hv_json_begin_object(&w, NULL);
        hv_put_text(&w, "username", auth->username);
        put_secret(&w, "password", auth->password);
        put_secret(&w, "identitytoken", auth->identity_token);
        hv_put_text(&w, "serveraddress", auth->server);
        hv_json_end(&w);
        s->header_size = sizeof name + HV_BASE64_SIZE(json.len);
        s->header = hv_malloc(s->header_size);
        memcpy(s->header, name, sizeof name);
        hv_base64url_encode(json.data, json.len, s->header + sizeof name - 1);
        explicit_bzero(json.data, json.cap);
        hv_buf_done(&json);
        s->call->headers[0] = s->header;
}

/* "host:5000/name:tag" -> where the tag begins; a digest is no tag. NULL: none. */
static const char *find_tag(const char *image) {
        const char *last = strrchr(image, '/');

        return strchr(image, '@') ? NULL : strchr(last ? last : image, ':');
}

struct hv_docker_call *hv_docker_image_pull(struct hv_docker *d, const struct hv_docker_pull *pull,
                                            struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_IMAGE_PULL, then, "/images/create");
        struct stream *s = new_stream(c, pull->stall_us);
        struct hv_err err = {};

        s->wanted = *pull;
        if (hv_check_image("image", pull->image, &err) < 0) {
                hv_call_refuse(c, &err);
                return hv_call_send(c);
        }
        hv_call_add_query(c, "fromImage", pull->image);
        /* Without a tag every tag of the repository would be pulled. */
        if (!find_tag(pull->image) && !strchr(pull->image, '@'))
                hv_call_add_query(c, "tag", "latest");
        if (pull->platform)
                hv_call_add_query(c, "platform", pull->platform);
        if (pull->auth)
                put_auth(s, pull->auth);
        return hv_call_send(c);
}

/* --- load --- */

static ssize_t read_archive(void *userdata, void *buf, size_t size) {
        struct hv_docker_call *c = userdata;
        struct stream *s = c->state;
        ssize_t n;

        do
                n = read(s->fd, buf, size);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

static int open_archive(const char *path, struct hv_err *err) {
        struct stat st;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        if (fd < 0)
                return hv_err_errno(err, -errno, "image archive %s", path);
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
                close(fd);
                return hv_err_set(err, -EINVAL, "image archive %s is not a regular file", path);
        }
        return fd;
}

struct hv_docker_call *hv_docker_image_load(struct hv_docker *d, const struct hv_docker_load *load,
                                            struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_IMAGE_LOAD, then, "/images/load");
        struct stream *s = new_stream(c, load->stall_us);
        struct hv_err err = {};

        s->wanted.on_progress = load->on_progress;
        s->wanted.userdata = load->userdata;
        s->on_image = load->on_image;
        s->fd = open_archive(load->path, &err);
        if (s->fd < 0)
                hv_call_refuse(c, &err);
        c->read = read_archive;
        return hv_call_send(c);
}
