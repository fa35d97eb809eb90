/* execute/package_internal.h - between the two halves of the package builder. Private to package_*.c.
 *
 *      package_builder.c   wants, the directory of packages
 *      package_build.c     one build: its container, from the directory to the verdict
 */
#pragma once

#include <sys/queue.h>

#include "base/arena.h"
#include "base/sha256.h"
#include "execute/package_builder.h"
#include "task/worker.h"
#include "task/workspace.h"

struct build;

/* One piece of work on the disk. It belongs to the worker until it is done; whoever asked may leave before. */
struct disk_work {
        struct hv_job job;
        int (*run)(struct disk_work *d);   /* on the thread */
        void (*then)(struct disk_work *d); /* on the loop */
        void *owner;                       /* the want or build; NULL: it has left */
        struct hv_arena *arena;            /* of all texts */
        const char *root, *work_root, *image_id;
        struct hv_task *task; /* one reference */
        struct hv_attempt attempt;
        struct hv_strv under_way;
        uint64_t keep_us;
        char key[HV_SHA256_HEX_SIZE];
        char *path;
        int result;
        struct hv_err err;
};

struct hv_package_want {
        TAILQ_ENTRY(hv_package_want) link;
        struct hv_package_builder *b;
        struct hv_task *task;
        unsigned attempt;
        char *revision;
        void (*done)(void *userdata, enum hv_outcome outcome, const char *message);
        void *userdata;
        struct hv_docker_call *call; /* looks at the image */
        struct disk_work *work;      /* looks for the packages */
        char *image_id;
        struct build *build; /* waits for it */
        bool is_over;        /* its build failed; it is about to be told */
};

struct hv_package_builder {
        struct hv_package_builder_options o;
        char *root, *work_root, *node_id;
        uint64_t keep_us;
        struct sd_event_source *hourly;
        TAILQ_HEAD(, hv_package_want) wants;
        TAILQ_HEAD(, build) builds;
};

struct build {
        TAILQ_ENTRY(build) link;
        struct hv_package_builder *b;
        struct hv_package_want *leader; /* whose attempt it is named for; among those that wait */
        char key[HV_SHA256_HEX_SIZE];
        char *id;        /* of the container */
        const char *why; /* it is being ended for this; NULL: it is not */
        enum hv_outcome why_outcome;
        bool has_ended, oom_killed;
        int exit_code;
        char *log; /* the end of it */
        size_t log_len;
        struct hv_docker_call *call, *kill;
        struct disk_work *work, *measure;
        struct sd_event_source *timeout, *look;
};

/* package_builder.c */
struct disk_work *hv_disk_work_new(struct hv_package_builder *b, void *owner, const struct hv_package_want *w,
                                   int (*run)(struct disk_work *), void (*then)(struct disk_work *));
struct disk_work *hv_disk_work_leave(struct disk_work *d); /* nobody waits for it any more; gives NULL */
/* Tells all that wait for it, or sends them to look again (OK), and ends it. */
void hv_package_build_over(struct build *g, enum hv_outcome outcome, const char *message);

/* package_build.c */
struct build *hv_package_build_new(struct hv_package_want *leader, const char *key);
struct build *hv_package_build_free(struct build *g);
