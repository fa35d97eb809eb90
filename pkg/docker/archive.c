/* docker/archive.c - see archive.h. */
#include "docker/archive.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "docker/parse.h"
#include "docker/private.h"

#define STAT_MAX_BYTES 16384

static struct hv_docker_call *new_call(struct hv_docker *d, enum hv_docker_op op, const char *container,
                                       const char *path, struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, op, then, "/containers/");

        hv_call_add_name(c, "container", container);
        hv_call_add_path(c, "/archive");
        hv_call_add_query(c, "path", path);
        return c;
}

/* ---- look ---- */

/* Engines are written in Go, and tell a mode as Go's fs.FileMode. */
static unsigned mode_of(uint64_t go) {
        static const struct {
                unsigned bit, mode;
        } TYPES[] = { { 31, S_IFDIR },  { 27, S_IFLNK }, { 25, S_IFIFO },
                      { 24, S_IFSOCK }, { 21, S_IFCHR }, { 26, S_IFBLK } };
        static const struct {
                unsigned bit, mode;
        } FLAGS[] = { { 23, S_ISUID }, { 22, S_ISGID }, { 20, S_ISVTX } };
        unsigned type = S_IFREG, mode = (unsigned) (go & 0777);

        for (size_t i = HV_ARRAY_SIZE(TYPES); i-- > 0;)
                if (go >> TYPES[i].bit & 1)
                        type = TYPES[i].mode;
        for (size_t i = 0; i < HV_ARRAY_SIZE(FLAGS); i++)
                if (go >> FLAGS[i].bit & 1)
                        mode |= FLAGS[i].mode;
        return type | mode;
}

static int parse_path(const struct hv_json *j, struct hv_docker_result *result) {
        struct hv_docker_path *p;

        if (hv_json_type(hv_json_get(j, "mode")) != HV_JSON_INT)
                return -EBADMSG;
        p = HV_ARENA_NEW(result->arena, struct hv_docker_path);
        p->name = hv_parse_text(result->arena, j, "name");
        p->size_bytes = hv_parse_u64(j, "size");
        p->mode = mode_of(hv_parse_u64(j, "mode"));
        p->changed_us = hv_parse_time_of(j, "mtime");
        /* podman names the path itself where there is no link */
        if (S_ISLNK(p->mode))
                p->link = hv_arena_strdup(result->arena, hv_json_str(j, "linkTarget"));
        result->path = p;
        return 0;
}

/* The answer has no body: it stands in a header. */
static void read_header(struct hv_docker_call *c, const struct hv_reply *reply,
                        struct hv_docker_result *result) {
        const char *header = hv_reply_header(reply, "X-Docker-Container-Path-Stat");
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        char text[STAT_MAX_BYTES + 2];
        size_t len = 0;

        (void) c;
        if (result->outcome != HV_DOCKER_OK)
                return;
        if (header && strlen(header) / 4 * 3 <= STAT_MAX_BYTES &&
            hv_base64_decode(header, strlen(header), text, &len) &&
            hv_json_parse(text, len, STAT_MAX_BYTES, &j, NULL) == 0 && parse_path(j, result) == 0)
                return;
        hv_docker_judge_garbled(-EBADMSG, result);
        result->message = "the engine's reply makes no sense: not of the expected form";
}

struct hv_docker_call *hv_docker_archive_look(struct hv_docker *d, const char *container, const char *path,
                                              struct hv_docker_then then) {
        struct hv_docker_call *c = new_call(d, HV_DOCKER_OP_ARCHIVE_LOOK, container, path, then);

        c->at_end = read_header;
        return hv_call_send(c);
}

/* ---- get ---- */

static int give(struct hv_docker_call *c, const char *data, size_t len) {
        const struct hv_docker_archive_sink *sink = c->state;

        sink->data(sink->userdata, data, len);
        return 0;
}

struct hv_docker_call *hv_docker_archive_get(struct hv_docker *d, const char *container, const char *path,
                                             const struct hv_docker_archive_sink *sink,
                                             struct hv_docker_then then) {
        struct hv_docker_call *c = new_call(d, HV_DOCKER_OP_ARCHIVE_GET, container, path, then);
        struct hv_docker_archive_sink *own = HV_NEW(struct hv_docker_archive_sink);

        *own = *sink;
        c->state = own;
        c->free_state = free;
        c->patient = true;
        c->open_us = c->timeout_us;
        c->timeout_us = 0;
        c->on_data = give;
        return hv_call_send(c);
}

/* ---- put ---- */

static ssize_t take(void *userdata, void *buf, size_t size) {
        struct hv_docker_call *c = userdata;
        const struct hv_docker_archive_source *source = c->state;

        return source->read(source->userdata, buf, size);
}

struct hv_docker_call *hv_docker_archive_put(struct hv_docker *d, const char *container, const char *folder,
                                             const struct hv_docker_archive_source *source,
                                             struct hv_docker_then then) {
        struct hv_docker_call *c = new_call(d, HV_DOCKER_OP_ARCHIVE_PUT, container, folder, then);
        struct hv_docker_archive_source *own = HV_NEW(struct hv_docker_archive_source);

        *own = *source;
        hv_call_add_query(c, "noOverwriteDirNonDir", "1");
        c->state = own;
        c->free_state = free;
        c->patient = true;
        c->timeout_us = 0; /* as long as whoever sends it needs */
        c->read = take;
        return hv_call_send(c);
}

void hv_docker_archive_wake(struct hv_docker_call *call) {
        if (call && !call->ended && !call->dead && call->request)
                hv_request_wake(call->request);
}
