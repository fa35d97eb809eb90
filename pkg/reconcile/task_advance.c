/* reconcile/task_advance.c - what the facts about its container mean for a task: steps move on, attempts end.
 *
 * Rule     Of what two processes may have to judge alike (the one that stopped an attempt died before it could say how it ended) the
 *          grounds are durable: a stop that somebody asked for, an eviction (eviction.h). A timeout is not recorded: it is computed
 *          again from `begin`, which is in the ledger, and from what the engine says of start and end. */
#include "base/duration.h"
#include "reconcile/eviction.h"
#include "reconcile/mutant.h"
#include "reconcile/task_state.h"

/* How often the node tries what is its own business (fetching, pulling, making) before it calls the attempt failed. */
#define NODE_TRIES 5u

#define KILLED 137 /* exit code of what SIGKILL ended */

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

/* A STOP of ours took effect, or may have. Nobody is blamed for what may have been ours; but it is a success only where it was over
 * before the decision was. */
static bool was_evicted(const struct task *t, const struct container *k) {
        if (!t->live->eviction_durable)
                return false;
        return t->live->was_stopped ||
               (t->live->may_be_stopped &&
                (k->exit_code != 0 || k->finished_wall_us >= t->live->evicted_wall_us));
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

static bool is_checkpoint(const struct task *t, const struct container *k) {
        return t->task->checkpoint_code >= 0 && k->exit_code == t->task->checkpoint_code;
}

/* Too much disk is why it ended, however it did; other reasons of the node's where the end does not say another. */
static bool ends_by_eviction(const struct task *t, const struct container *k) {
        return t->live->ending == HV_CAUSE_DISK_LIMIT ||
               (!t->end.oom_killed && !is_checkpoint(t, k) && was_evicted(t, k) &&
                !HV_MUTANT(HV_MUTANT_SHORT_IS_ITS_FAULT));
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
        } else if (ends_by_eviction(t, k))
                hv_task_over_by_eviction(c, t);
        else if (t->end.oom_killed)
                hv_task_over(c, t, HV_CAUSE_OOM,
                             k->exit_code == KILLED
                                     ? "ran out of memory (exit code %d)"
                                     : "a process in it was killed for want of memory (exit code %d)",
                             k->exit_code);
        else if (is_checkpoint(t, k))
                hv_task_over(c, t, HV_CAUSE_CHECKPOINT, "stopped at a checkpoint (exit code %d)",
                             k->exit_code);
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

/* Of two that somebody's renaming left behind: who was told to start, else who did. */
static unsigned rank(const struct task *t, const struct container *k) {
        if (hv_streq(k->id, t->live->started_id))
                return 4;
        return runs(k) ? 3 : has_ended(k) ? 2 : 1;
}

/* `*ret_wait`: one of them has to be looked at before any can be told from the others. */
static struct slot *find_elsewhere(const struct hv_core *c, const struct task *t, bool *ret_wait) {
        struct slot *s, *best = NULL;
        size_t it = 0;

        *ret_wait = false;
        while (hv_map_next(c->slots, &it, NULL, (void **) &s)) {
                if (!is_attempt(t, s))
                        continue;
                *ret_wait |= !is_certain(s);
                if (!best || rank(t, s->have) > rank(t, best->have))
                        best = s;
        }
        return best;
}

static void follow(struct hv_core *c, struct task *t, struct slot *s) {
        hv_task_follow(c, t, s);
        /* That it never started says nothing of a START that went, or may have gone, to another one. */
        if (t->live->start == START_SENT && s->have->state == HV_CONTAINER_CREATED &&
            !hv_streq(s->have->id, t->live->started_id))
                t->live->start = START_LOST;
}

/* Not there under its name is not gone: somebody may have renamed it, and who makes a second one runs the attempt twice. True once a
 * complete listing that was asked for after it was missed shows it under no other name; what the listing or an event left in doubt
 * is looked at first. What was never made needs no listing. */
static bool is_nowhere(struct hv_core *c, struct task *t) {
        bool wait;
        struct slot *s = find_elsewhere(c, t, &wait);
        size_t it = 0;

        if (s && !wait) {
                follow(c, t, s);
                return false;
        }
        if (HV_MUTANT(HV_MUTANT_RENAMED_IS_LOST))
                return true;
        if (s || t->live->was_made || t->live->start != START_NOT_SENT) {
                if (!t->live->missed) {
                        t->live->missed = ++c->seq;
                        c->engine.look_parts |= HV_LOOK_CONTAINERS;
                        c->engine.look_doubt = c->seq;
                }
                if (s || c->engine.listed < t->live->missed)
                        return false;
                while (hv_map_next(c->slots, &it, NULL, (void **) &s))
                        if (!s->want && !is_certain(s))
                                return false;
        }
        t->live->was_made = false;
        t->live->missed = 0;
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

/* It was seen to run, and what goes by its name now never did: a creation that was thought lost came after it was removed. */
static bool is_successor(const struct task *t, const struct container *k) {
        return t->live->started_us && !HV_MUTANT(HV_MUTANT_FORGOTTEN_START) &&
               k->state == HV_CONTAINER_CREATED;
}

static void advance_run(struct hv_core *c, struct task *t, uint64_t now_us) {
        const struct slot *s = t->slot;
        const struct container *k = s->have;

        if (t->stop_durable && t->live->ending == HV_CAUSE_NONE)
                t->live->ending = HV_CAUSE_STOPPED;
        if (c->engine.state != HV_ENGINE_READY || !is_certain(s))
                return;
        if (!k || !k->ours) {
                if (!is_nowhere(c, t))
                        return;
                if (t->live->start != START_NOT_SENT) {
                        if (!hv_task_fence_held(t))
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
        t->live->was_made = true;
        judge_bar(t, k);
        if (k->state == HV_CONTAINER_CREATED &&
            (is_successor(t, k) || (t->live->start == START_LOST && t->live->barred)))
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

static void advance_make(struct hv_core *c, struct task *t) {
        const struct slot *s = t->slot;
        const struct image *i = hv_task_image(c, t);
        const char *by = t->stop_by ? t->stop_by : "somebody";

        if (!is_certain(s))
                return;
        if (s->have && s->have->ours) {
                t->live->missed = 0;
                t->live->was_made = true;
        } else if (c->engine.state == HV_ENGINE_READY && !is_nowhere(c, t))
                return;
        if (t->stop_durable)
                hv_task_over(c, t, HV_CAUSE_STOPPED, "stopped by %s before it started", by);
        else if (hv_task_goes_back(t))
                hv_task_over_by_hand_back(c, t);
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
                else if (hv_task_goes_back(t))
                        hv_task_over_by_hand_back(c, t);
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
