/* bed.h - a test bed for the core: wishes written in a few words, an engine that obeys at once, and a log of all that
 * was asked of it. Each test says what the engine should answer otherwise.
 */
#pragma once

#include "testing.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"
#include "reconcile/core.h"
#include "reconcile/status.h"

#define S HV_USEC_PER_SEC

/* ---- wishes ---- */

struct wish { /* one service of one replica; ends with a NULL name */
        const char *name, *image;
        const char *digest; /* NULL: "d" */
        uint64_t memory;
        const char *network, *volume, *depends_on;
        enum hv_restart_policy restart;
        enum hv_pull_policy pull;
        bool delete_volume; /* reclaim: delete */
};

struct hv_desired *desire(const char *revision, const struct wish *wishes);

/* ---- the bed ---- */

struct bed {
        struct hv_core *core;
        uint64_t now_us;
        struct hv_buf log; /* "create hive-web; start hive-web; " */
        struct hv_arena *arena;
        HV_VEC(struct hv_seen_container) containers;
        HV_VEC(struct hv_seen_network) networks;
        HV_VEC(struct hv_seen_volume) volumes;
        HV_VEC(const struct hv_action *) held; /* handed out, not answered */
        HV_VEC(char *) notes;
        bool hold; /* answer nothing by yourself */
        unsigned n_ids, most_in_flight, n_starts;
        uint64_t deadline_us;
        bool changed; /* one of the plans since bed_changed() said so */
        /* Answers another outcome than OK; NULL: always OK. */
        enum hv_outcome (*mood)(struct bed *b, const struct hv_action *a);
        unsigned n_asked; /* for moods that count */
};

struct bed *bed_new(void);
void bed_free(struct bed *b);

void bed_desire(struct bed *b, struct hv_desired *d); /* takes the reference */
void bed_answer(struct bed *b, const struct hv_action *a, enum hv_outcome outcome);
void bed_run(struct bed *b);               /* until nothing is handed out any more */
void bed_wait(struct bed *b, uint64_t us); /* lets time pass, planning at each deadline */
void bed_event(struct bed *b, const char *action, const char *name);
struct hv_seen_container *bed_container(struct bed *b, const char *name); /* NULL: none */
struct hv_seen_container *bed_add(struct bed *b, const char *name, bool ours, enum hv_container_state state);
void bed_drop(struct bed *b, const char *name);
const char *bed_log(struct bed *b); /* what was asked since the last call, looks left out */
const char *bed_log_all(struct bed *b);
bool bed_changed(struct bed *b); /* since the last call */
struct hv_status bed_status(struct bed *b);
const struct hv_unit_status *bed_unit(const struct hv_status *s, const char *container);
