/* gc/plan.h - what is collected, in which order, and why.
 *
 *      rules (gc of the desired state) ---.
 *      what the engine was seen to hold --+--> hv_gc_plan() --> steps, in order; when to look again
 *      how full its disk is --------------'
 *
 * Order    1. ended containers of ours that nobody needs: more than `keep_exited` of one object, or older than their `max_age`
 *          2. what tasks left behind (results; which of them is task/retention.h)
 *          3. files of the agent's log that are full: more than may be kept, or older
 *          4. images of ours that nothing uses, those first that were unused longest: after their `max_age`, or for space
 *          5. layers that no image has and hivelet did not bring: for space, and only with `unmanaged`
 * Space    is made when the disk is used above `high`, until it is at `low`. How much the removal of an image frees is known only
 *          afterwards (others may share its layers): a shell performs the first step, looks, and plans anew.
 * Never    what is not ours (but 5.), what a container uses, runs or not, what is pinned, what one of the last revisions needs, what
 *          is younger than `min_age`.
 * Units    wall clock in microseconds, bytes, percent.
 * Owner    texts are borrowed from the facts; steps lie in the arena. Pure.
 */
#pragma once

#include "base/macros.h"

struct hv_arena;

enum hv_gc_what { HV_GC_CONTAINER, HV_GC_RESULTS, HV_GC_LOG, HV_GC_IMAGE, HV_GC_LAYER, HV_N_GC_WHATS };

const char *hv_gc_what_name(enum hv_gc_what what); /* "container", "results", "log", "image", "layer" */

struct hv_gc_rules {
        unsigned high_percent, low_percent; /* low below high */
        uint64_t min_age_us;
        unsigned keep_exited; /* ended containers of one object */
        uint64_t container_max_age_us, image_max_age_us;
        bool unmanaged;
        unsigned log_files; /* of the log, the one that is written among them */
        uint64_t events_keep_us, events_max_bytes;
};

struct hv_gc_container {
        const char *id, *name, *object; /* object: whose container it is */
        const char *image;              /* id */
        bool is_abandoned;              /* ours, ended, and nobody looks after it */
        uint64_t ended_us;              /* of an abandoned one */
};

struct hv_gc_image {
        const char *id, *name; /* name: a tag, for people */
        const char *target;    /* what the engine is told to remove: id or name */
        uint64_t size_bytes;   /* with all its layers */
        bool is_ours;          /* hivelet pulled or loaded it */
        bool is_pinned, is_needed;
        bool is_dangling;  /* no tag, no digest */
        uint64_t since_us; /* ours: unused since, or came then if that was later; else made then */
        uint64_t created_us;
};

struct hv_gc_log {               /* a file that is full */
        const char *path, *name; /* name: "events.jsonl.3" */
        bool is_events;          /* else of the log */
        unsigned number;         /* 1: the newest */
        uint64_t bytes, written_us;
};

struct hv_gc_facts {
        uint64_t now_us;
        uint64_t total_bytes, free_bytes; /* of the engine's disk; total 0: not known, no space is made */
        bool is_collecting;               /* it was above `high` and is not at `low` yet */
        bool has_results;                 /* the round has not looked at what tasks left yet */
        const struct hv_gc_container *containers;
        size_t n_containers;
        const struct hv_gc_image *images;
        size_t n_images;
        const struct hv_gc_log *logs; /* of one log together, by number */
        size_t n_logs;
};

struct hv_gc_step {
        enum hv_gc_what what;
        const char *id, *name, *target;
        const char *why;
        uint64_t bytes; /* at most so much becomes free; 0: not known */
};

struct hv_gc_plan {
        const struct hv_gc_step *steps;
        size_t n_steps;
        bool makes_space;      /* the disk is used above `high`, or above `low` while collecting */
        uint64_t wanted_bytes; /* until `low`; 0: nothing has to go */
        bool is_enough;        /* the steps may free as much as is wanted */
        uint64_t next_us;      /* when something becomes old enough to go; HV_TIME_NEVER */
};

/* Why an image stays or, being a step of the plan, goes: one line. */
struct hv_gc_verdict {
        bool goes;
        const char *why;
};
struct hv_gc_verdict hv_gc_judge_image(const struct hv_gc_rules *rules, const struct hv_gc_facts *facts,
                                       const struct hv_gc_plan *plan, const struct hv_gc_image *image);

/* The i-th container of the image, as people know it; NULL: there are no more. */
const char *hv_gc_user_of(const struct hv_gc_facts *facts, const struct hv_gc_image *image, size_t i);

void hv_gc_plan(const struct hv_gc_rules *rules, const struct hv_gc_facts *facts, struct hv_arena *arena,
                struct hv_gc_plan *ret);
