/* reconcile/task_assess.c - what a task needs next.
 *
 *      its container     not there        create (image first); gone after a START that may have had effect: lost
 *                        made             connect networks, record `begin`, start
 *                        made, START sent withhold its workspace, look, remove it without force: the fence of task.h
 *                          ... by an engine, or before an agent, that went away meanwhile: lost, unless the kernel knows better
 *                        runs             until it ends, its time is over, or somebody or the node wants it stopped
 *                        ended            collect
 *
 * hv_assess_task() is pure and changes nothing, so status shows what will be done; task_advance.c moves steps on. */
#include "reconcile/eviction.h"
#include "reconcile/mutant.h"
#include "reconcile/task_state.h"

/* ---- what is due ---- */

static struct verdict quiet(enum hv_phase phase, enum hv_reason reason, bool in_sync) {
        return (struct verdict){
                .phase = phase, .reason = reason, .in_sync = in_sync, .next_us = HV_TIME_NEVER
        };
}

static struct verdict now(enum hv_phase phase, enum hv_action_type action, const char *why) {
        struct verdict v = quiet(phase, HV_REASON_START_FAILED, false);

        v.act = true;
        v.action = action;
        v.why = why;
        return v;
}

/* One of the task's own actions, not before the wait after an earlier failure is over. */
static struct verdict due(const struct task *t, uint64_t now_us, enum hv_action_type action,
                          const char *why) {
        struct verdict v = quiet(HV_PHASE_PENDING, HV_REASON_PENDING, false);
        uint64_t next_us = HV_TIME_NEVER;

        v.action = action;
        v.why = why;
        v.act = hv_backoff_is_over(&t->live->failure.backoff, now_us, &next_us);
        v.next_us = next_us;
        if (t->live->failure.reason != HV_REASON_SYNCED)
                v.reason = t->live->failure.reason;
        if (!v.act)
                v.phase = HV_PHASE_BACK_OFF;
        return v;
}

static struct verdict begin(const struct task *t, uint64_t now_us, bool *ret_on_slot, const char *why) {
        *ret_on_slot = false;
        if (t->stop_asked || hv_task_goes_back(t)) /* as soon as that can be it ends here */
                return quiet(HV_PHASE_CREATING, HV_REASON_PENDING, false);
        return due(t, now_us, HV_ACTION_TASK_BEGIN, why);
}

static struct verdict assess_made(const struct hv_core *c, const struct task *t, uint64_t now_us,
                                  bool *ret_on_slot) {
        struct verdict v;

        if (hv_assess_networks(c, t->slot, now_us, HV_PHASE_CREATING, &v))
                return v;
        if (HV_MUTANT(HV_MUTANT_BEGIN_AFTER_START))
                return hv_retry(t->slot, now_us, HV_PHASE_STARTING, HV_ACTION_START, "made");
        return begin(t, now_us, ret_on_slot, "it is about to start");
}

/* Whoever installs them is a container of this very image. One that a crash left behind goes first (hv_assess_slot()): its name
 * is the next one's, and nobody knows what it still writes. */
static struct verdict assess_packages(const struct hv_core *c, const struct task *t, uint64_t now_us,
                                      bool *ret_on_slot) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct slot *builder = hv_map_get(c->slots, hv_task_builder(t->id, t->attempt, arena));
        const struct item *network = hv_map_get(c->networks, t->task->packages.network);
        struct verdict v =
                hv_assess_image(c, hv_task_image(c, t), t->live->unit, t->slot->needs_pull, now_us);

        if (!v.in_sync)
                return v;
        *ret_on_slot = false;
        v = due(t, now_us, HV_ACTION_TASK_PACKAGES, "it needs Python packages");
        if (!v.act)
                return v;
        if (builder && !HV_MUTANT(HV_MUTANT_BUILDER_DOUBLED) &&
            (builder->have || builder->effect || builder->doubt))
                return quiet(HV_PHASE_PENDING, HV_REASON_PENDING, false);
        if (network && !hv_item_is_usable(c, network))
                return quiet(HV_PHASE_PENDING, HV_REASON_WAITING_DEPENDENCY, false);
        return v;
}

static struct verdict assess_make(const struct hv_core *c, const struct task *t, uint64_t now_us,
                                  bool *ret_on_slot) {
        const struct container *k = t->slot->have;

        if ((!k || !k->ours) && t->live->missed) /* it may go by another name */
                return quiet(HV_PHASE_CREATING, HV_REASON_PENDING, false);
        if ((!k || !k->ours) && t->task->packages.requirements && !t->live->packaged)
                return assess_packages(c, t, now_us, ret_on_slot);
        if (!k || !k->ours)
                return hv_assess_creation(c, t->slot, now_us);
        /* One that this core did not make may have a removal on its way, of a core before it, that would hit what ran. And what
         * has ended may be of a task of the same id that is forgotten: its end is not this one's. */
        if (!hv_streq(k->object, t->id) || k->kind != HV_KIND_TASK || k->state == HV_CONTAINER_REMOVING ||
            (k->state == HV_CONTAINER_CREATED && !hv_streq(k->digest, t->live->unit->digest)) ||
            (!hv_container_is_up(k) && !hv_streq(k->id, t->slot->made_id)))
                return hv_clear_away(t->slot, now_us, HV_PHASE_CREATING, "left by something else");
        if (k->state == HV_CONTAINER_CREATED)
                return assess_made(c, t, now_us, ret_on_slot);
        /* Somebody started it by hand before its turn: it counts as this attempt. */
        return begin(t, now_us, ret_on_slot, "it runs already");
}

static const char *why_it_stops(const struct task *t) {
        if (t->live->ending == HV_CAUSE_TIMEOUT)
                return "its time is over";
        return t->live->ending == HV_CAUSE_STOPPED ? "it is to stop" : hv_eviction_why(t->live->eviction);
}

static struct verdict assess_running(const struct hv_core *c, const struct task *t, uint64_t now_us,
                                     bool *ret_on_slot) {
        const struct slot *s = t->slot;
        struct verdict v;

        if (hv_task_eviction_is_due(t)) {
                *ret_on_slot = false;
                return due(t, now_us, HV_ACTION_TASK_EVICTING, hv_eviction_why(t->live->eviction));
        }
        if (t->live->ending != HV_CAUSE_NONE)
                return hv_retry(s, now_us, HV_PHASE_STOPPING,
                                s->have->state == HV_CONTAINER_PAUSED ? HV_ACTION_UNPAUSE : HV_ACTION_STOP,
                                why_it_stops(t));
        if (s->have->state == HV_CONTAINER_PAUSED)
                return hv_retry(s, now_us, HV_PHASE_RUNNING, HV_ACTION_UNPAUSE, "paused by somebody");
        v = hv_assess_running(c, s, now_us);
        if (t->task->timeout_us != HV_TIME_NEVER && t->live->started_us)
                v.next_us = HV_MIN(v.next_us, t->live->started_us + t->task->timeout_us);
        return v;
}

static struct verdict restore(const struct task *t, uint64_t now_us, bool *ret_on_slot) {
        *ret_on_slot = false;
        return due(t, now_us, HV_ACTION_TASK_RESTORE, "no start is under way");
}

static struct verdict assess_fence(const struct task *t, uint64_t now_us, bool *ret_on_slot) {
        static const char why[] = "nobody knows whether its start is under way";

        if (t->live->barred && HV_MUTANT(HV_MUTANT_RESTORED_EARLY) && t->live->workspace != WORKSPACE_THERE)
                return restore(t, now_us, ret_on_slot);
        if (t->live->barred && t->slot->failure.type == HV_ACTION_START)
                return now(HV_PHASE_STARTING, HV_ACTION_REMOVE, why); /* the wait is for the next START */
        if (t->live->barred)
                return hv_retry(t->slot, now_us, HV_PHASE_STARTING, HV_ACTION_REMOVE, why);
        *ret_on_slot = false;
        return due(t, now_us, HV_ACTION_TASK_WITHHOLD, why);
}

static struct verdict assess_run(const struct hv_core *c, const struct task *t, uint64_t now_us,
                                 bool *ret_on_slot) {
        const struct slot *s = t->slot;
        const struct container *k = s->have;
        struct verdict v;

        if ((!k || !k->ours) && (t->live->start != START_NOT_SENT || t->live->missed))
                return quiet(HV_PHASE_RUNNING, HV_REASON_PENDING, false);
        if (!k || !k->ours)
                return t->live->workspace == WORKSPACE_THERE ? hv_assess_creation(c, s, now_us)
                                                             : restore(t, now_us, ret_on_slot);
        switch (k->state) {
        case HV_CONTAINER_CREATED:
                if (hv_task_is_in_doubt(t) && !HV_MUTANT(HV_MUTANT_NO_FENCE))
                        return assess_fence(t, now_us, ret_on_slot);
                if (t->live->workspace != WORKSPACE_THERE)
                        return restore(t, now_us, ret_on_slot);
                if (hv_assess_networks(c, s, now_us, HV_PHASE_STARTING, &v))
                        return v;
                return hv_retry(s, now_us, HV_PHASE_STARTING, HV_ACTION_START, "begun");
        case HV_CONTAINER_RUNNING:
        case HV_CONTAINER_RESTARTING:
        case HV_CONTAINER_PAUSED:
                return assess_running(c, t, now_us, ret_on_slot);
        case HV_CONTAINER_EXITED:
        case HV_CONTAINER_DEAD:
                if (t->live->barred) /* its removal came half the way */
                        return hv_clear_away(s, now_us, HV_PHASE_STARTING, "it never started");
                return hv_look(s, now_us, HV_PHASE_RUNNING); /* its details; then it is over */
        default:
                return hv_clear_away(s, now_us, HV_PHASE_RUNNING, "");
        }
}

static struct verdict assess_tidy(const struct task *t, uint64_t now_us, bool *ret_on_slot) {
        const struct slot *s = t->slot;

        if (s && s->have && s->have->ours && s->have->kind == HV_KIND_TASK &&
            hv_streq(s->have->object, t->id)) {
                *ret_on_slot = true;
                return hv_clear_away(s, now_us, HV_PHASE_STOPPING, "its end is recorded");
        }
        return due(t, now_us, HV_ACTION_TASK_CLEAN, "its end is recorded");
}

static bool needs_slot(enum task_step step) {
        return step == TASK_STEP_MAKE || step == TASK_STEP_RUN || step == TASK_STEP_TIDY;
}

static struct verdict assess_step(const struct hv_core *c, const struct task *t, uint64_t now_us,
                                  bool *ret_on_slot) {
        *ret_on_slot = t->step != TASK_STEP_TIDY;
        switch (t->step) {
        case TASK_STEP_MAKE:
                return assess_make(c, t, now_us, ret_on_slot);
        case TASK_STEP_RUN:
                return assess_run(c, t, now_us, ret_on_slot);
        default:
                return assess_tidy(t, now_us, ret_on_slot);
        }
}

/* What the engine has to answer for, once it answers. */
static struct verdict assess_container(const struct hv_core *c, const struct task *t, uint64_t now_us,
                                       bool *ret_on_slot) {
        const struct slot *s = t->slot;
        struct verdict looking, known;

        *ret_on_slot = true;
        if (s && s->effect)
                return quiet(HV_PHASE_CREATING, HV_REASON_PENDING, false);
        if (c->engine.state != HV_ENGINE_READY)
                return quiet(HV_PHASE_PENDING, HV_REASON_WAITING_ENGINE, false);
        if (!s || !s->doubt)
                return assess_step(c, t, now_us, ret_on_slot);
        looking = hv_look(s, now_us, s->phase);
        known = s->audited ? assess_step(c, t, now_us, ret_on_slot) : looking;
        *ret_on_slot = true;
        if (!known.in_sync)
                return looking;
        known.act = looking.act;
        known.action = looking.action;
        known.why = looking.why;
        known.next_us = HV_MIN(known.next_us, looking.next_us);
        return known;
}

static struct verdict assess_queued(const struct task *t, uint64_t now_us) {
        struct verdict v = quiet(HV_PHASE_PENDING, HV_REASON_PENDING, true);

        if (t->live->not_before_us > now_us) {
                v.phase = HV_PHASE_BACK_OFF;
                v.reason = HV_REASON_BACK_OFF;
                v.next_us = t->live->not_before_us;
        } else if (t->live->lacks != HV_RESOURCE_NONE && t->task && hv_task_wait_ends(t))
                v.next_us = t->live->queued_since_us + t->task->wait_for_resources_us;
        return v;
}

static bool takes_long(enum hv_action_type type) {
        return type == HV_ACTION_TASK_PREPARE || type == HV_ACTION_TASK_PACKAGES;
}

bool hv_assess_task_stop(const struct task *t, uint64_t now_us, struct verdict *ret) {
        if ((!t->stop_asked && !hv_task_goes_back(t)) || t->stopping || !t->accepted ||
            t->step == TASK_STEP_ACCEPT || t->step >= TASK_STEP_COLLECT)
                return false;
        if (t->stop_asked && !t->stop_durable)
                *ret = due(t, now_us, HV_ACTION_TASK_STOPPING, "somebody wants it stopped");
        else if (t->effect && takes_long(t->effect->action.type) && !t->cancel_sent)
                *ret = due(t, now_us, HV_ACTION_TASK_CANCEL, "it is to stop");
        else
                return false;
        return true;
}

struct verdict hv_assess_task(const struct hv_core *c, const struct task *t, uint64_t now_us,
                              bool *ret_on_slot) {
        *ret_on_slot = false;
        if (t->effect)
                return quiet(HV_PHASE_PENDING, HV_REASON_PENDING, false);
        if (needs_slot(t->step))
                return assess_container(c, t, now_us, ret_on_slot);
        switch (t->step) {
        case TASK_STEP_ACCEPT:
                return due(t, now_us, HV_ACTION_TASK_ACCEPT, "new");
        case TASK_STEP_QUEUED:
                return assess_queued(t, now_us);
        case TASK_STEP_PREPARE:
                return due(t, now_us, HV_ACTION_TASK_PREPARE, "its turn has come");
        case TASK_STEP_COLLECT: /* the engine has its log */
                return c->engine.state == HV_ENGINE_READY
                               ? due(t, now_us, HV_ACTION_TASK_COLLECT, "it ended")
                               : quiet(HV_PHASE_PENDING, HV_REASON_WAITING_ENGINE, false);
        case TASK_STEP_END:
                if (HV_MUTANT(HV_MUTANT_REMOVED_BEFORE_END) && t->slot && t->slot->have && !t->slot->effect &&
                    !t->slot->doubt && c->engine.state == HV_ENGINE_READY) {
                        *ret_on_slot = true;
                        return hv_clear_away(t->slot, now_us, HV_PHASE_STOPPING, "it ended");
                }
                return due(t, now_us, HV_ACTION_TASK_END, "its result is there");
        case TASK_STEP_FORGET:
                return due(t, now_us, HV_ACTION_TASK_FORGET, "it is not needed any more");
        default:
                return quiet(HV_PHASE_COMPLETED, HV_REASON_SYNCED, true);
        }
}
