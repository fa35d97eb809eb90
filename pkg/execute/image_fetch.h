/* execute/image_fetch.h - one image brought onto this machine: from a mirror or from where its name says, logged in where a login is
 * known, as long as there is room.
 *
 *      what has its name now? --> room? --> mirror 1 .. n --> its own registry --> what has its name now? --> record
 *                                              |                  |
 *                                              '- tag, untag      '- each with its progress: room?
 *
 * Mirrors  `registries[].mirrors` of the registry that the name begins with, in their order; what one of them does not give is asked of
 *          the next, and of the registry itself at last. What came from a mirror gets the wanted name, and the mirror's is taken
 *          away. A name with a digest is asked of its own registry only: an engine knows a digest by the repository it came from.
 * Room     looked at before, when the engine tells how large the layers are, and again and again while the disk fills, whatever the
 *          engine tells (execute/image_room.h). What does not fit is ended at once, and the engine removes what it had of it.
 * Record   what was not there before is hivelet's (execute/image_record.h).
 * Owner    `image` is copied, a reference of `desired` is taken. `done` comes once, never from inside hv_image_fetch_new(), after which
 *          the fetch is gone. hv_image_fetch_free() before that: nothing is called any more.
 */
#pragma once

#include "base/secret.h"
#include "docker/client.h"
#include "docker/image.h"

struct hv_desired;
struct sd_event;
struct hv_image_fetch;
struct hv_image_record;

struct hv_image_fetched {
        enum hv_docker_outcome outcome;
        bool no_room;        /* ENGINE_ERROR because of that */
        const char *message; /* "" when all is well */
};

struct hv_image_source {        /* what all fetches of one engine share */
        struct sd_event *event; /* NULL: the disk is looked at with the engine's progress only */
        struct hv_docker *docker;
        bool is_local;
        struct hv_image_record *record; /* NULL: nothing is recorded */
        const struct hv_secret *(*secret)(void *userdata,
                                          const char *name); /* borrowed until the call returns */
        void (*came)(void *userdata, uint64_t bytes);        /* so much more was downloaded; may be NULL */
        void *userdata;
};

struct hv_image_fetch_options {
        const struct hv_image_source *source; /* outlives the fetch */
        const char *image;                    /* normal form (spec/value_image.h) */
        struct hv_desired *desired;           /* registries, room; NULL: none of that is known */
        void (*done)(void *userdata, const struct hv_image_fetched *result);
        void *userdata;
};

struct hv_image_fetch *hv_image_fetch_new(const struct hv_image_fetch_options *options);
/* Of the place that is asked now, as far as the engine tells: 0 and 0 before it does. */
void hv_image_fetch_progress(const struct hv_image_fetch *f, uint64_t *ret_came_bytes,
                             uint64_t *ret_total_bytes);
struct hv_image_fetch *hv_image_fetch_free(struct hv_image_fetch *f); /* takes NULL, gives NULL */
