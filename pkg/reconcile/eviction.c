/* reconcile/eviction.c - see eviction.h. */
#include "reconcile/eviction.h"

#include "reconcile/mutant.h"

static const struct {
        const char *name, *why, *format; /* format: of the end's message, around the text */
        enum hv_task_cause cause;
        enum hv_reason reason; /* of the note */
} evictions[HV_N_EVICTIONS] = {
        [HV_EVICTION_PRESSURE] = { "Pressure", "the node runs short", "stopped because the node ran short: ",
                                   HV_CAUSE_NODE_ERROR, HV_REASON_WAITING_PRESSURE },
        [HV_EVICTION_GPU_LOST] = { "GpuLost", "it lost its GPU", "GpuLost: ", HV_CAUSE_NODE_ERROR,
                                   HV_REASON_GPU_LOST },
        [HV_EVICTION_DISK_LIMIT] = { "DiskLimit", "it takes too much of the disk", "", HV_CAUSE_DISK_LIMIT,
                                     HV_REASON_DISK_LIMIT },
};

const char *hv_eviction_name(enum hv_eviction why) {
        return (size_t) why < HV_N_EVICTIONS ? evictions[why].name : NULL;
}

bool hv_eviction_parse(const char *name, enum hv_eviction *ret) {
        for (size_t i = 1; i < HV_N_EVICTIONS; i++)
                if (hv_streq(evictions[i].name, name)) {
                        *ret = (enum hv_eviction) i;
                        return true;
                }
        return false;
}

const char *hv_eviction_why(enum hv_eviction why) {
        return evictions[why].why;
}

static bool is_on_its_way(const struct task *t) {
        return t->effect && t->effect->action.type == HV_ACTION_TASK_EVICTING;
}

bool hv_task_may_be_evicted(const struct task *t) {
        return t->task && t->step == TASK_STEP_RUN && t->live->started_us &&
               t->live->ending == HV_CAUSE_NONE && !is_on_its_way(t);
}

void hv_task_evict(struct task *t, enum hv_eviction why, const char *text) {
        if (!hv_task_may_be_evicted(t) || t->live->eviction != HV_EVICTION_NONE)
                return;
        t->live->eviction = why;
        hv_set_text(&t->live->eviction_text, text);
        if (HV_MUTANT(HV_MUTANT_EVICTED_UNRECORDED))
                t->live->ending = evictions[why].cause;
}

void hv_task_give_up_eviction(struct task *t) {
        if (!hv_task_may_be_evicted(t))
                return;
        t->live->eviction = HV_EVICTION_NONE;
        if (t->live->failure.type == HV_ACTION_TASK_EVICTING)
                hv_failure_reset(&t->live->failure);
}

bool hv_task_is_being_evicted(const struct task *t, enum hv_eviction why) {
        return t->step == TASK_STEP_RUN && t->live->eviction == why;
}

bool hv_task_eviction_is_due(const struct task *t) {
        return t->live->eviction != HV_EVICTION_NONE && !t->live->eviction_durable &&
               t->live->ending == HV_CAUSE_NONE;
}

void hv_task_eviction_recorded(struct hv_core *c, struct task *t, uint64_t wall_us, bool is_recalled) {
        t->live->eviction_durable = true;
        t->live->evicted_wall_us = wall_us;
        t->live->ending = evictions[t->live->eviction].cause;
        t->live->may_be_stopped |= is_recalled;
        hv_note_task(c, t, HV_NOTE_TASK_STOPPING, evictions[t->live->eviction].reason, "is stopped%s: %s",
                     is_recalled ? ", as was decided before the agent was started anew" : "",
                     t->live->eviction_text);
}

void hv_task_over_by_eviction(struct hv_core *c, struct task *t) {
        t->end.eviction = t->live->eviction;
        hv_task_over(c, t, evictions[t->live->eviction].cause, "%s%s", evictions[t->live->eviction].format,
                     t->live->eviction_text);
}
