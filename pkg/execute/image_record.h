/* execute/image_record.h - which images hivelet brought onto this machine, and since when nothing uses them.
 *
 *      <state>/images.json    what came: id, names, since when it is unused; what is just coming; archives that were loaded
 *
 * Why      an image carries no label of ours, so nothing that the engine tells says who brought it. What is not in this record is
 *          somebody else's and is never collected.
 * Model    Before a pull its name is written down with the id that the engine has under it; what has another id afterwards came by
 *          us. A crash in between leaves the name, and the next look at the engine's images settles it (hv_image_record_settle()).
 *          Everything else (size, names, who uses it) is asked of the engine each time.
 * Disk     what cannot be written is told and kept in memory; what is lost with a crash then stays on the machine for good. Nothing is
 *          written while nothing changes.
 * Units    wall clock in microseconds.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"

struct hv_arena;
struct hv_docker_image;
struct hv_docker_images;
struct hv_image_record;

#define HV_IMAGE_NO_TAG "<none>:<none>" /* Docker's word for none */

struct hv_kept_image {
        char *id;
        HV_VEC(char *) names; /* under which it came: normal forms */
        uint64_t since_us;    /* 0: it is used; else unused since then */
};

/* *ret is written even with -EBADMSG: a damaged file is put aside as images.json.damaged, and nothing is ours any more. */
int hv_image_record_open(const char *state_dir, struct hv_image_record **ret, struct hv_err *err);
struct hv_image_record *hv_image_record_free(struct hv_image_record *r); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_image_record, hv_image_record_free);

/* A pull of `name` begins; `before` is the id that it has now, "" when there is none. r may be NULL here and below. */
void hv_image_record_begin(struct hv_image_record *r, const char *name, const char *before);
/* It ended. `id` is what the name has now; NULL: nothing came. */
void hv_image_record_end(struct hv_image_record *r, const char *name, const char *id, uint64_t now_us);

/* What came otherwise and was not there before. */
void hv_image_record_add(struct hv_image_record *r, const char *name, const char *id, uint64_t now_us);

/* What a crash cut short, beside what the engine has now. */
void hv_image_record_settle(struct hv_image_record *r, const struct hv_docker_images *images,
                            uint64_t now_us);

const struct hv_kept_image *hv_image_record_get(const struct hv_image_record *r,
                                                const char *id); /* NULL: not ours */
/* Whether something uses it now; the instant counts when that changed. */
void hv_image_record_use(struct hv_image_record *r, const char *id, bool is_used, uint64_t now_us);
/* A container was made of the image of this name, and may be gone again before anybody looks. */
void hv_image_record_touch(struct hv_image_record *r, const char *name, uint64_t now_us);
void hv_image_record_keep_only(struct hv_image_record *r,
                               const struct hv_docker_images *images); /* others are gone */

/* Archives that were loaded (agent/preload.h), known by name, size and time of change. */
bool hv_image_record_has_archive(const struct hv_image_record *r, const char *name, uint64_t size_bytes,
                                 uint64_t mtime_ns);
void hv_image_record_put_archive(struct hv_image_record *r, const char *name, uint64_t size_bytes,
                                 uint64_t mtime_ns);

/* Does the engine know the image by this name (normal form, spec/value_image.h)? */
bool hv_image_has_name(const struct hv_docker_image *image, const char *name, struct hv_arena *arena);

/* Did it come under each of the names that it has? One that somebody else gave it is a claim. */
bool hv_image_is_only_ours(const struct hv_kept_image *kept, const struct hv_docker_image *image);

/* Makes durable what use, touch and keep_only changed; the others do so by themselves. */
void hv_image_record_flush(struct hv_image_record *r);
