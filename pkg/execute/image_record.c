/* execute/image_record.c - see image_record.h. */
#include "execute/image_record.h"

#include <errno.h>
#include <inttypes.h>

#include "base/arena.h"
#include "base/map.h"
#include "docker/image.h"
#include "log/log.h"
#include "source/disk.h"
#include "spec/value_image.h"
#include "json/json.h"
#include "json/write.h"

#define FILE_NAME "images.json"
#define MAX_BYTES ((size_t) 16 << 20) /* an image takes some 200 bytes */

struct coming {
        char *before;
        bool is_live; /* of this run of the agent: it ends by itself */
};

struct hv_image_record {
        struct hv_disk dir;
        struct hv_map *images;   /* by id; struct hv_kept_image */
        struct hv_map *coming;   /* by name */
        struct hv_map *archives; /* by name; text "size mtime" */
        bool is_changed;
};

static void free_image(void *image) {
        struct hv_kept_image *i = image;

        for (size_t n = 0; n < i->names.n; n++)
                free(i->names.v[n]);
        hv_vec_done(&i->names);
        free(i->id);
        free(i);
}

static void free_coming(void *coming) {
        struct coming *c = coming;

        free(c->before);
        free(c);
}

/* ---- the file ---- */

static void write_images(const struct hv_image_record *r, struct hv_json_writer *w) {
        struct hv_kept_image *i;
        size_t it = 0;

        hv_json_begin_array(w, "images");
        while (hv_map_next(r->images, &it, NULL, (void **) &i)) {
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "id", i->id);
                hv_json_begin_array(w, "names");
                for (size_t n = 0; n < i->names.n; n++)
                        hv_json_put_str(w, NULL, i->names.v[n]);
                hv_json_end(w);
                hv_json_put_uint(w, "unusedSince", i->since_us);
                hv_json_end(w);
        }
        hv_json_end(w);
}

static void write_texts(struct hv_json_writer *w, const char *key, const struct hv_map *map, bool is_coming) {
        const char *name;
        void *value;
        size_t it = 0;

        hv_json_begin_object(w, key);
        while (hv_map_next(map, &it, &name, &value))
                hv_json_put_str(w, name, is_coming ? ((struct coming *) value)->before : value);
        hv_json_end(w);
}

static void save(struct hv_image_record *r) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_err err = {};

        hv_json_begin_object(&w, NULL);
        hv_json_put_int(&w, "version", 1);
        write_images(r, &w);
        write_texts(&w, "coming", r->coming, true);
        write_texts(&w, "archives", r->archives, false);
        hv_json_end(&w);
        hv_buf_putc(&buf, '\n');
        r->is_changed = hv_disk_replace(&r->dir, FILE_NAME, buf.data, buf.len, &err) < 0;
        if (r->is_changed)
                (void) hv_log_error(err.code, "which images are hivelet's cannot be recorded: %s", err.msg);
}

static void add_name(struct hv_kept_image *i, const char *name) {
        for (size_t n = 0; n < i->names.n; n++)
                if (hv_streq(i->names.v[n], name))
                        return;
        hv_vec_push(&i->names, hv_strdup(name));
}

static struct hv_kept_image *get_or_add(struct hv_image_record *r, const char *id) {
        struct hv_kept_image *i = hv_map_get(r->images, id);

        if (i)
                return i;
        i = HV_NEW(struct hv_kept_image);
        i->id = hv_strdup(id);
        hv_map_put(r->images, id, i);
        return i;
}

static int take_image(struct hv_image_record *r, const struct hv_json *j) {
        const struct hv_json *names = hv_json_get(j, "names");
        const char *id = hv_json_str(j, "id");
        struct hv_kept_image *i;

        if (hv_str_empty(id))
                return -EBADMSG;
        i = get_or_add(r, id);
        i->since_us = (uint64_t) hv_json_int(j, "unusedSince", 0);
        for (size_t n = 0; n < hv_json_size(names); n++) {
                const char *name = hv_json_as_str(hv_json_at(names, n));

                if (!name)
                        return -EBADMSG;
                add_name(i, name);
        }
        return 0;
}

static int take(struct hv_image_record *r, const struct hv_json *j) {
        const struct hv_json *images = hv_json_get(j, "images"), *value;
        const char *name;
        void *it = NULL;

        if (hv_json_int(j, "version", 0) != 1 || hv_json_type(images) != HV_JSON_ARRAY)
                return -EBADMSG;
        for (size_t i = 0; i < hv_json_size(images); i++)
                if (take_image(r, hv_json_at(images, i)) < 0)
                        return -EBADMSG;
        while (hv_json_next(hv_json_get(j, "coming"), &it, &name, &value)) {
                struct coming *c = HV_NEW(struct coming);

                c->before = hv_strdup(hv_json_as_str(value) ? hv_json_as_str(value) : "");
                hv_map_put(r->coming, name, c);
        }
        it = NULL;
        while (hv_json_next(hv_json_get(j, "archives"), &it, &name, &value))
                if (hv_json_as_str(value))
                        hv_map_put(r->archives, name, hv_strdup(hv_json_as_str(value)));
        return 0;
}

static int load(struct hv_image_record *r, struct hv_err *err) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct hv_err why = {};
        int n = hv_disk_read(&r->dir, FILE_NAME, MAX_BYTES, &buf, err);

        if (n < 0)
                return n == -ENOENT ? 0 : n;
        if (hv_json_parse(buf.data, buf.len, MAX_BYTES, &j, &why) == 0 && take(r, j) == 0)
                return 0;
        hv_map_clear(r->images);
        hv_map_clear(r->coming);
        hv_map_clear(r->archives);
        (void) hv_disk_rename(&r->dir, FILE_NAME, FILE_NAME ".damaged", NULL);
        return hv_err_set(err, -EBADMSG,
                          "%s/" FILE_NAME " is damaged%s%s: it is kept as " FILE_NAME
                          ".damaged, and images of before are not collected",
                          r->dir.path, *why.msg ? ": " : "", why.msg);
}

int hv_image_record_open(const char *state_dir, struct hv_image_record **ret, struct hv_err *err) {
        _hv_cleanup_(hv_image_record_freep) struct hv_image_record *r = HV_NEW(struct hv_image_record);
        int n;

        r->dir = (struct hv_disk) HV_DISK_NONE;
        r->images = hv_map_new(free_image);
        r->coming = hv_map_new(free_coming);
        r->archives = hv_map_new(free);
        n = hv_disk_open(state_dir, &r->dir, err);
        if (n >= 0)
                n = load(r, err);
        if (n < 0 && n != -EBADMSG)
                return n;
        *ret = HV_STEAL(r);
        return n;
}

struct hv_image_record *hv_image_record_free(struct hv_image_record *r) {
        if (!r)
                return NULL;
        hv_image_record_flush(r);
        hv_map_free(r->images);
        hv_map_free(r->coming);
        hv_map_free(r->archives);
        hv_disk_close(&r->dir);
        free(r);
        return NULL;
}

void hv_image_record_flush(struct hv_image_record *r) {
        if (r && r->is_changed)
                save(r);
}

/* ---- what comes ---- */

void hv_image_record_begin(struct hv_image_record *r, const char *name, const char *before) {
        struct coming *c;

        if (!r)
                return;
        c = HV_NEW(struct coming);
        *c = (struct coming){ hv_strdup(before), true };
        hv_map_put(r->coming, name, c);
        save(r);
}

static void settle(struct hv_image_record *r, const char *name, const char *id, uint64_t now_us) {
        const struct coming *c = hv_map_get(r->coming, name);

        if (c && !hv_str_empty(id) && !hv_streq(c->before, id)) {
                struct hv_kept_image *i = get_or_add(r, id);

                add_name(i, name);
                i->since_us = now_us;
        }
        (void) hv_map_remove(r->coming, name);
        save(r);
}

void hv_image_record_end(struct hv_image_record *r, const char *name, const char *id, uint64_t now_us) {
        if (r && hv_map_get(r->coming, name))
                settle(r, name, id, now_us);
}

/* An archive may hold an image without a name, which an engine calls by its id. */
void hv_image_record_add(struct hv_image_record *r, const char *name, const char *id, uint64_t now_us) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_image_ref ref;
        struct hv_kept_image *i;

        if (!r)
                return;
        i = get_or_add(r, id);
        i->since_us = now_us;
        if (!hv_streq(name, id) && hv_value_image(name, arena, &ref, NULL) == 0)
                add_name(i, ref.full);
        save(r);
}

/* An engine shortens the names of Docker Hub; a digest stands beside the name without a tag. */
static bool has_name(const struct hv_strv *names, const char *name, struct hv_arena *arena) {
        struct hv_image_ref ref, wanted;

        if (hv_value_image(name, arena, &wanted, NULL) < 0)
                return false;
        for (size_t i = 0; i < names->n; i++) {
                if (hv_value_image(names->v[i], arena, &ref, NULL) < 0 || !hv_streq(ref.name, wanted.name))
                        continue;
                if (wanted.digest ? hv_streq(ref.digest, wanted.digest) : hv_streq(ref.tag, wanted.tag))
                        return true;
        }
        return false;
}

bool hv_image_has_name(const struct hv_docker_image *image, const char *name, struct hv_arena *arena) {
        return has_name(&image->tags, name, arena) || has_name(&image->digests, name, arena);
}

void hv_image_record_settle(struct hv_image_record *r, const struct hv_docker_images *images,
                            uint64_t now_us) {
        struct coming *c;
        const char *name;
        size_t it = 0;

        while (r && hv_map_next(r->coming, &it, &name, (void **) &c)) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
                const char *id = NULL;

                if (c->is_live)
                        continue;
                for (size_t i = 0; i < images->n && !id; i++)
                        if (hv_image_has_name(&images->v[i], name, arena))
                                id = images->v[i].id;
                settle(r, name, id, now_us);
        }
}

bool hv_image_is_only_ours(const struct hv_kept_image *kept, const struct hv_docker_image *image) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();

        for (size_t i = 0; i < image->tags.n; i++) {
                struct hv_image_ref tag;
                bool is_known = false;

                if (hv_streq(image->tags.v[i], HV_IMAGE_NO_TAG))
                        continue;
                if (hv_value_image(image->tags.v[i], arena, &tag, NULL) < 0)
                        return false;
                for (size_t n = 0; n < kept->names.n; n++)
                        is_known |= hv_streq(kept->names.v[n], tag.full);
                if (!is_known)
                        return false;
        }
        return true;
}

/* ---- what is there ---- */

const struct hv_kept_image *hv_image_record_get(const struct hv_image_record *r, const char *id) {
        return r ? hv_map_get(r->images, id) : NULL;
}

void hv_image_record_use(struct hv_image_record *r, const char *id, bool is_used, uint64_t now_us) {
        struct hv_kept_image *i = r ? hv_map_get(r->images, id) : NULL;

        if (!i || is_used == (i->since_us == 0))
                return;
        i->since_us = is_used ? 0 : now_us;
        r->is_changed = true;
}

void hv_image_record_touch(struct hv_image_record *r, const char *name, uint64_t now_us) {
        struct hv_kept_image *i;
        size_t it = 0;

        while (r && hv_map_next(r->images, &it, NULL, (void **) &i)) {
                for (size_t n = 0; n < i->names.n; n++)
                        if (i->since_us != 0 && hv_streq(i->names.v[n], name)) {
                                i->since_us = now_us;
                                r->is_changed = true;
                        }
        }
}

static bool is_among(const struct hv_docker_images *images, const char *id) {
        size_t low = 0, high = images->n;

        while (low < high) {
                size_t mid = low + (high - low) / 2;
                int order = strcmp(id, images->v[mid].id);

                if (order == 0)
                        return true;
                if (order < 0)
                        high = mid;
                else
                        low = mid + 1;
        }
        return false;
}

void hv_image_record_keep_only(struct hv_image_record *r, const struct hv_docker_images *images) {
        const char *id;
        size_t it = 0;

        while (r && hv_map_next(r->images, &it, &id, NULL))
                if (!is_among(images, id)) {
                        (void) hv_map_remove(r->images, id);
                        r->is_changed = true;
                }
}

/* ---- archives ---- */

bool hv_image_record_has_archive(const struct hv_image_record *r, const char *name, uint64_t size_bytes,
                                 uint64_t mtime_ns) {
        _hv_cleanup_free_ char *mark = hv_asprintf("%" PRIu64 " %" PRIu64, size_bytes, mtime_ns);

        return r && hv_streq(hv_map_get(r->archives, name), mark);
}

void hv_image_record_put_archive(struct hv_image_record *r, const char *name, uint64_t size_bytes,
                                 uint64_t mtime_ns) {
        if (!r)
                return;
        hv_map_put(r->archives, name, hv_asprintf("%" PRIu64 " %" PRIu64, size_bytes, mtime_ns));
        save(r);
}
