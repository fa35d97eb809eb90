/* reconcile/task_assess.c - what a task needs next, and what the facts about its container mean for it.
 *
 *      its container     not there        create (image first); gone after a START that may have had effect: lost
 *                        made             connect networks, record `begin`, start
 *                        made, START sent withhold its workspace, look, remove it without force: the fence of task.h
 *                          ... by an engine, or before an agent, that went away meanwhile: lost, unless the kernel knows better
 *                        runs             until it ends, its time is over, or somebody wants it stopped
 *                        ended            collect
 *
 * hv_task_advance() moves steps on; hv_assess_task() is pure and changes nothing, so status shows what will be done. */
#include <stdio.h>

#include "base/duration.h"
#include "base/quantity.h"
#include "reconcile/mutant.h"
#include "reconcile/task_state.h"

/* How often the node tries what is its own business (fetching, pulling, making) before it calls the attempt failed. */
#define NODE_TRIES 5u

#define EXIT_CODE_OF_SIGNALS 128
#define KILLED 137 /* exit code of what SIGKILL ended */

/* ---- moving on ---- */

static bool is_certain(const struct slot *s) {
        return s && !s->effect && (!s->doubt || s->audited);
}

static bool runs(const struct container *k) {
        return k->state == HV_CONTAINER_RUNNING || k->state == HV_CONTAINER_RESTARTING ||
               k->state == HV_CONTAINER_PAUSED;
}

static bool has_ended(const struct container *k) {
        return k->state == HV_CONTAINER_EXITED || k->state == HV_CONTAINER_DEAD;
}

/* What ended by itself in time, without anybody having heard of it, is not punished for our deafness. */
static bool was_in_time(const struct task *t, const struct container *k) {
        return !t->live->was_stopped && k->started_wall_us && k->finished_wall_us > k->started_wall_us &&
               k->finished_wall_us - k->started_wall_us < t->task->timeout_us;
}

/* A STOP of ours took effect, or nobody knows whether it did and a signal ended it. What ended by itself meanwhile did so. */
static bool was_ended_by_us(const struct task *t, const struct container *k) {
        return t->live->was_stopped || (t->live->may_be_stopped && k->exit_code > EXIT_CODE_OF_SIGNALS);
}

static bool trusts_no_wall_clock(void) {
        return !HV_MUTANT(HV_MUTANT_WALL_CLOCK_TRUSTED);
}

/* Found ended, by an agent that never saw it run: the one before it may have ended it for its time, and did not live to say so.
 * By the engine's clock it is the same end, whoever tells it. */
static bool ran_too_long(const struct task *t, const struct container *k, uint64_t now_us) {
        if (t->live->begun_us && now_us - t->live->begun_us < t->task->timeout_us && trusts_no_wall_clock())
                return false; /* it has not been there for so long: somebody set the clock */
        return !t->live->started_us && t->task->timeout_us != HV_TIME_NEVER && k->started_wall_us &&
               k->finished_wall_us > k->started_wall_us &&
               k->finished_wall_us - k->started_wall_us >= t->task->timeout_us;
}

/* When what runs was started, by the core's clock. An agent that was away does not give time for nothing, and a wall clock that
 * was set meanwhile takes none: from the wall clock comes only how long after its `begin` it was started, a moment at which both
 * readings are from; and that is held to what the core's clock says has passed. */
static uint64_t start_of(const struct hv_core *c, const struct task *t, const struct container *k,
                         uint64_t now_us) {
        const struct task_live *l = t->live;
        uint64_t wall_us = hv_wall_us(c, now_us), after_us = 0;

        if (k->started_wall_us && l->begun_us && trusts_no_wall_clock()) {
                if (k->started_wall_us > l->begun_wall_us && l->begun_wall_us)
                        after_us = k->started_wall_us - l->begun_wall_us;
                return l->begun_us + HV_MIN(after_us, now_us - l->begun_us);
        }
        if (k->started_wall_us && wall_us > k->started_wall_us)
                return now_us > wall_us - k->started_wall_us ? now_us - (wall_us - k->started_wall_us) : 1;
        return HV_MAX(now_us, 1u);
}

/* What was started before this process was is asked for the hour of it first. */
static bool tells_its_start(const struct task *t, const struct container *k) {
        return k->started_wall_us || k->detailed || !t->live->is_recalled;
}

static void over_by_disk(struct hv_core *c, struct task *t) {
        char taken[HV_QUANTITY_SIZE], limit[HV_QUANTITY_SIZE];

        hv_quantity_format_bytes(t->live->disk_bytes, taken);
        hv_quantity_format_bytes(t->task->booking.disk_bytes, limit);
        if (t->live->disk_bytes > t->task->booking.disk_bytes)
                hv_task_over(c, t, HV_CAUSE_DISK_LIMIT, "its workspace took %s, more than its %s of disk",
                             taken, limit);
        else
                hv_task_over(c, t, HV_CAUSE_DISK_LIMIT,
                             "its workspace was too deep to be measured against its %s of disk", limit);
}

static void over_by_exit(struct hv_core *c, struct task *t, const struct container *k, uint64_t now_us) {
        char span[HV_DURATION_SIZE];

        if (t->live->ending == HV_CAUSE_NONE && ran_too_long(t, k, now_us))
                t->live->ending = HV_CAUSE_TIMEOUT;
        t->end.exit_code = k->exit_code;
        t->end.oom_killed = k->oom_killed && !HV_MUTANT(HV_MUTANT_OOM_FLAG_LOST);
        t->started_wall_us = k->started_wall_us ? k->started_wall_us : t->started_wall_us;
        t->live->finished_wall_us = k->finished_wall_us;
        if (t->live->ending == HV_CAUSE_STOPPED)
                hv_task_over(c, t, HV_CAUSE_STOPPED, "stopped by %s", t->stop_by ? t->stop_by : "somebody");
        else if (t->live->ending == HV_CAUSE_TIMEOUT && !was_in_time(t, k)) {
                hv_duration_format(t->task->timeout_us, span);
                hv_task_over(c, t, HV_CAUSE_TIMEOUT, "ran longer than its timeout of %s", span);
        } else if (t->live->ending == HV_CAUSE_DISK_LIMIT)
                over_by_disk(c, t);
        else if (t->end.oom_killed)
                hv_task_over(c, t, HV_CAUSE_OOM,
                             k->exit_code == KILLED
                                     ? "ran out of memory (exit code %d)"
                                     : "a process in it was killed for want of memory (exit code %d)",
                             k->exit_code);
        else if (t->task->checkpoint_code >= 0 && k->exit_code == t->task->checkpoint_code)
                hv_task_over(c, t, HV_CAUSE_CHECKPOINT, "stopped at a checkpoint (exit code %d)",
                             k->exit_code);
        else if (t->live->is_relief && was_ended_by_us(t, k) && !HV_MUTANT(HV_MUTANT_SHORT_IS_ITS_FAULT))
                hv_task_over(c, t, HV_CAUSE_NODE_ERROR, "stopped because the node ran short: %s",
                             t->live->relief_text);
        else if (t->live->is_gpu_lost && was_ended_by_us(t, k))
                hv_task_over(c, t, HV_CAUSE_NODE_ERROR, "%s: %s", hv_reason_name(HV_REASON_GPU_LOST),
                             t->live->relief_text);
        else if (k->exit_code != 0)
                hv_task_over(c, t, HV_CAUSE_EXIT_CODE, "ended with exit code %d", k->exit_code);
        else
                hv_task_over(c, t, HV_CAUSE_SUCCESS, "%s", "");
}

/* It may have run, and there is nothing left to ask. */
static void over_by_loss(struct hv_core *c, struct task *t) {
        if (HV_MUTANT(HV_MUTANT_LOST_IS_SUCCESS))
                t->end.exit_code = 0;
        if (t->live->ending == HV_CAUSE_STOPPED)
                hv_task_over(c, t, HV_CAUSE_STOPPED, "stopped by %s; it may have run before",
                             t->stop_by ? t->stop_by : "somebody");
        else if (t->live->start == START_LOST && t->live->is_recalled)
                hv_task_over(
                        c, t, HV_CAUSE_NODE_ERROR,
                        "the agent ended while it was starting, and nothing tells what became of that: it may have run");
        else if (t->live->start == START_LOST)
                hv_task_over(c, t, HV_CAUSE_NODE_ERROR,
                             "the engine went away while it was starting: it may have run");
        else
                hv_task_over(c, t,
                             HV_MUTANT(HV_MUTANT_LOST_IS_SUCCESS) ? HV_CAUSE_SUCCESS : HV_CAUSE_NODE_ERROR,
                             "its container %s is gone: somebody or something removed it",
                             t->live->unit->container);
}

static bool is_attempt(const struct task *t, const struct slot *s) {
        const struct container *k = s->have;

        return !s->want && k && k->ours && k->kind == HV_KIND_TASK && k->replica == t->attempt &&
               hv_streq(k->object, t->id);
}

/* Not there under its name is not gone: somebody may have renamed it. True once a complete listing that was asked for
 * after it was missed shows it under no other name; what the listing or an event left in doubt is looked at first. */
static bool is_lost(struct hv_core *c, struct task *t) {
        struct slot *s;
        size_t it = 0;

        while (hv_map_next(c->slots, &it, NULL, (void **) &s))
                if (is_attempt(t, s) && is_certain(s)) {
                        hv_task_follow(c, t, s);
                        return false;
                }
        if (HV_MUTANT(HV_MUTANT_RENAMED_IS_LOST))
                return true;
        if (!t->live->missed) {
                t->live->missed = ++c->seq;
                c->engine.look_parts |= HV_LOOK_CONTAINERS;
                c->engine.look_doubt = c->seq;
        }
        if (c->engine.listed < t->live->missed)
                return false;
        it = 0;
        while (hv_map_next(c->slots, &it, NULL, (void **) &s))
                if (!s->want && !is_certain(s))
                        return false;
        return true;
}

static bool is_withheld(const struct task *t) {
        return t->live->workspace == WORKSPACE_WITHHELD || HV_MUTANT(HV_MUTANT_NOT_WITHHELD);
}

/* An engine that is killed in the middle of a start says "made" of what ran. Of a start that a process before this one sent, nobody
 * knows whether the engine lived through it; but whether anything was begun since the machine was booted the kernel does. */
static bool is_forgettable(const struct task *t, const struct container *k) {
        return t->live->start == START_SENT && t->live->is_recalled && !(k->never_ran && t->live->begun_us) &&
               !HV_MUTANT(HV_MUTANT_FORGOTTEN_START);
}

/* What is known of the container is younger than the withholding: hv_task_done() put it in doubt. */
static void judge_bar(struct task *t, const struct container *k) {
        if (k->state == HV_CONTAINER_CREATED) {
                t->live->barred |= hv_task_is_in_doubt(t) && is_withheld(t);
                if (t->live->barred && is_forgettable(t, k))
                        t->live->start = START_LOST;
        } else if (runs(k) || k->state == HV_CONTAINER_EXITED)
                t->live->barred =
                        false; /* somebody gave it a workspace. (One whose removal failed is "dead": no run of it.) */
}

static void advance_run(struct hv_core *c, struct task *t, uint64_t now_us) {
        const struct slot *s = t->slot;
        const struct container *k = s->have;

        if (t->stop_durable && t->live->ending == HV_CAUSE_NONE)
                t->live->ending = HV_CAUSE_STOPPED;
        if (c->engine.state != HV_ENGINE_READY || !is_certain(s))
                return;
        if (!k || !k->ours) {
                if (t->live->start != START_NOT_SENT) {
                        if (is_lost(c, t) && !hv_task_fence_held(t))
                                over_by_loss(c, t);
                } else if (t->live->ending == HV_CAUSE_STOPPED)
                        hv_task_over(c, t, HV_CAUSE_STOPPED, "stopped by %s before it started",
                                     t->stop_by ? t->stop_by : "somebody");
                else if (t->task->refused)
                        hv_task_over(c, t, HV_CAUSE_REJECTED, "%s", t->task->refused);
                else if (s->failure.reason != HV_REASON_SYNCED && s->failure.backoff.n >= NODE_TRIES)
                        hv_task_over(c, t, HV_CAUSE_NODE_ERROR, "cannot %s its container: %s",
                                     hv_action_name(s->failure.type), s->failure.message);
                return;
        }
        t->live->missed = 0;
        judge_bar(t, k);
        if (k->state == HV_CONTAINER_CREATED && t->live->start == START_LOST && t->live->barred)
                over_by_loss(c, t); /* its results are taken before it goes, as of any other */
        else if (k->state == HV_CONTAINER_CREATED && t->live->start == START_FAILED)
                hv_task_over(c, t, t->live->start_refused ? HV_CAUSE_INPUT : HV_CAUSE_NODE_ERROR,
                             "cannot start: %s", t->live->start_message);
        else if (k->state == HV_CONTAINER_CREATED && t->live->start == START_NOT_SENT &&
                 t->live->ending == HV_CAUSE_STOPPED)
                hv_task_over(c, t, HV_CAUSE_STOPPED, "stopped by %s before it started",
                             t->stop_by ? t->stop_by : "somebody");
        else if (k->state == HV_CONTAINER_CREATED && t->live->start == START_NOT_SENT && t->task->refused)
                hv_task_over(c, t, HV_CAUSE_REJECTED, "%s", t->task->refused);
        else if (has_ended(k) && !t->live->barred && (k->detailed || HV_MUTANT(HV_MUTANT_STALE_EXIT_CODE)))
                over_by_exit(c, t, k, now_us);
        else if (runs(k)) {
                if (k->started_wall_us)
                        t->started_wall_us = k->started_wall_us;
                if (!t->live->started_us && tells_its_start(t, k))
                        t->live->started_us = start_of(c, t, k, now_us);
                if (t->live->ending == HV_CAUSE_NONE && t->task->timeout_us != HV_TIME_NEVER &&
                    t->live->started_us &&
                    now_us - (HV_MUTANT(HV_MUTANT_TIMEOUT_FROM_ACCEPT) ? t->live->queued_since_us
                                                                       : t->live->started_us) >=
                            t->task->timeout_us)
                        t->live->ending = HV_CAUSE_TIMEOUT;
        }
}

static const struct image *image_of(const struct hv_core *c, const struct task *t) {
        return hv_map_get(c->images, t->live->unit->image);
}

static void advance_make(struct hv_core *c, struct task *t) {
        const struct slot *s = t->slot;
        const struct image *i = image_of(c, t);
        const char *by = t->stop_by ? t->stop_by : "somebody";

        if (!is_certain(s))
                return;
        if (t->stop_durable)
                hv_task_over(c, t, HV_CAUSE_STOPPED, "stopped by %s before it started", by);
        else if (s->failure.reason != HV_REASON_SYNCED && s->failure.backoff.n >= NODE_TRIES)
                hv_task_over(c, t, HV_CAUSE_NODE_ERROR, "cannot %s its container: %s",
                             hv_action_name(s->failure.type), s->failure.message);
        else if (i && !i->effect && i->failure.reason != HV_REASON_SYNCED &&
                 i->failure.type == HV_ACTION_PULL &&
                 i->failure.backoff.n >= HV_MAX(c->active->settings.pull_retries, 1u))
                hv_task_over(c, t, HV_CAUSE_NODE_ERROR, "cannot pull %s: %s", i->ref, i->failure.message);
        else if (i && i->state == IMAGE_MISSING && t->live->unit->pull_policy == HV_PULL_NEVER && !s->have)
                hv_task_over(c, t, HV_CAUSE_NODE_ERROR, "image %s is not here, and pullPolicy is never",
                             i->ref);
}

void hv_task_advance(struct hv_core *c, struct task *t, uint64_t now_us) {
        if (t->effect)
                return;
        switch (t->step) {
        case TASK_STEP_PREPARE:
                if (t->stop_durable)
                        hv_task_over(c, t, HV_CAUSE_STOPPED, "stopped by %s before it started",
                                     t->stop_by ? t->stop_by : "somebody");
                break;
        case TASK_STEP_MAKE:
                advance_make(c, t);
                break;
        case TASK_STEP_RUN:
                advance_run(c, t, now_us);
                break;
        default:
                break;
        }
}

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
        if (t->stop_asked) /* as soon as that is durable it ends here */
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
        struct verdict v = hv_assess_image(c, image_of(c, t), t->live->unit, t->slot->needs_pull, now_us);

        if (!v.in_sync)
                return v;
        *ret_on_slot = false;
        v = due(t, now_us, HV_ACTION_TASK_PACKAGES, "it needs Python packages");
        if (!v.act)
                return v;
        if (builder && !HV_MUTANT(HV_MUTANT_BUILDER_DOUBLED) &&
            (builder->have || builder->effect || builder->doubt))
                return quiet(HV_PHASE_PENDING, HV_REASON_PENDING, false);
        if (network && !hv_item_is_usable(network))
                return quiet(HV_PHASE_PENDING, HV_REASON_WAITING_DEPENDENCY, false);
        return v;
}

static struct verdict assess_make(const struct hv_core *c, const struct task *t, uint64_t now_us,
                                  bool *ret_on_slot) {
        const struct container *k = t->slot->have;

        if ((!k || !k->ours) && t->task->packages.requirements && !t->live->packaged)
                return assess_packages(c, t, now_us, ret_on_slot);
        if (!k || !k->ours)
                return hv_assess_creation(c, t->slot, now_us);
        /* One that this core did not make may have a removal on its way, of a core before it, that would hit what ran. */
        if (!hv_streq(k->object, t->id) || k->kind != HV_KIND_TASK || k->state == HV_CONTAINER_REMOVING ||
            (k->state == HV_CONTAINER_CREATED &&
             (!hv_streq(k->digest, t->live->unit->digest) || !hv_streq(k->id, t->slot->made_id))))
                return hv_clear_away(t->slot, now_us, HV_PHASE_CREATING, "left by something else");
        if (k->state == HV_CONTAINER_CREATED)
                return assess_made(c, t, now_us, ret_on_slot);
        /* Somebody started it by hand before its turn: it counts as this attempt. */
        return begin(t, now_us, ret_on_slot, "it runs already");
}

static struct verdict assess_running(const struct hv_core *c, const struct task *t, uint64_t now_us) {
        const struct slot *s = t->slot;
        struct verdict v;

        if (t->live->ending != HV_CAUSE_NONE)
                return hv_retry(s, now_us, HV_PHASE_STOPPING,
                                s->have->state == HV_CONTAINER_PAUSED ? HV_ACTION_UNPAUSE : HV_ACTION_STOP,
                                t->live->ending == HV_CAUSE_TIMEOUT      ? "its time is over"
                                : t->live->ending == HV_CAUSE_DISK_LIMIT ? "it takes too much of the disk"
                                : t->live->is_relief                     ? "the node runs short"
                                : t->live->is_gpu_lost                   ? "it lost its GPU"
                                                                         : "it is to stop");
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

        if ((!k || !k->ours) && t->live->start != START_NOT_SENT)
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
                return assess_running(c, t, now_us);
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
        } else if (t->live->lacks != HV_RESOURCE_NONE && t->task &&
                   t->task->wait_for_resources_us != HV_TIME_NEVER)
                v.next_us = t->live->queued_since_us + t->task->wait_for_resources_us;
        return v;
}

static bool takes_long(enum hv_action_type type) {
        return type == HV_ACTION_TASK_PREPARE || type == HV_ACTION_TASK_PACKAGES;
}

bool hv_assess_task_stop(const struct task *t, uint64_t now_us, struct verdict *ret) {
        if (!t->stop_asked || t->stopping || !t->accepted || t->step == TASK_STEP_ACCEPT ||
            t->step >= TASK_STEP_COLLECT)
                return false;
        if (!t->stop_durable)
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
