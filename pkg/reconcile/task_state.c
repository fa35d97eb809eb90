/* reconcile/task_state.c - making, moving and ending the things of task_state.h, and the words of task.h. */
#include "reconcile/task_state.h"

#include <stdarg.h>

#include "base/buf.h"
#include "reconcile/mutant.h"
#include "reconcile/task.h"

/* ---- words ---- */

static const char *const state_names[HV_N_TASK_STATES] = {
        [HV_TASK_QUEUED] = "Queued",         [HV_TASK_ADMITTED] = "Admitted",
        [HV_TASK_FETCHING] = "Fetching",     [HV_TASK_RUNNING] = "Running",
        [HV_TASK_COLLECTING] = "Collecting", [HV_TASK_COMPLETED] = "Completed",
        [HV_TASK_FAILED] = "Failed",         [HV_TASK_TIMED_OUT] = "TimedOut",
        [HV_TASK_STOPPED] = "Stopped",       [HV_TASK_REJECTED] = "Rejected",
};

static const char *const cause_names[HV_N_CAUSES] = {
        [HV_CAUSE_NONE] = "none",
        [HV_CAUSE_SUCCESS] = "success",
        [HV_CAUSE_EXIT_CODE] = "exitCode",
        [HV_CAUSE_CHECKPOINT] = "checkpoint",
        [HV_CAUSE_OOM] = "oom",
        [HV_CAUSE_TIMEOUT] = "timeout",
        [HV_CAUSE_STOPPED] = "stopped",
        [HV_CAUSE_NODE_ERROR] = "nodeError",
        [HV_CAUSE_INPUT] = "input",
        [HV_CAUSE_RESOURCES] = "resources",
        [HV_CAUSE_DISK_LIMIT] = "diskLimit",
        [HV_CAUSE_REJECTED] = "rejected",
        [HV_CAUSE_HANDED_BACK] = "handedBack",
};

static bool parse_word(const char *const *names, size_t n, const char *name, size_t *ret) {
        for (size_t i = 0; i < n; i++)
                if (hv_streq(names[i], name)) {
                        *ret = i;
                        return true;
                }
        return false;
}

const char *hv_task_state_name(enum hv_task_state state) {
        return (size_t) state < HV_N_TASK_STATES ? state_names[state] : "";
}

bool hv_task_state_parse(const char *name, enum hv_task_state *ret) {
        size_t i;

        if (!parse_word(state_names, HV_N_TASK_STATES, name, &i))
                return false;
        *ret = (enum hv_task_state) i;
        return true;
}

const char *hv_task_cause_name(enum hv_task_cause cause) {
        return (size_t) cause < HV_N_CAUSES ? cause_names[cause] : "";
}

bool hv_task_cause_parse(const char *name, enum hv_task_cause *ret) {
        size_t i;

        if (!parse_word(cause_names, HV_N_CAUSES, name, &i))
                return false;
        *ret = (enum hv_task_cause) i;
        return true;
}

/* ---- life ---- */

struct task *hv_task_get(const struct hv_core *c, const char *id) {
        return hv_map_get(c->tasks, id);
}

/* Shared by all that have ended: whatever would be kept in it belongs into struct task. */
static const struct task_live ended;

static struct task_live *free_live(struct task *t) {
        if (t->live != &ended) {
                (void) hv_arena_free(t->live->arena);
                free(t->live->failure.message);
                free(t->live->lacks_text);
                free(t->live->eviction_text);
                free(t->live->start_message);
                free(t->live->started_id);
                free(t->live->end_message);
                free(t->live->collected);
                free(t->live);
        }
        return (struct task_live *) &ended;
}

/* What has ended stays in the list until the next pass drops it: somebody may want it again before that, and whoever is in it twice
 * is admitted twice. */
void hv_task_list(struct hv_core *c, struct task *t) {
        if (!t->is_listed)
                hv_vec_push(&c->live_tasks, t);
        t->is_listed = true;
}

struct task *hv_task_add(struct hv_core *c, const char *id, const char *name, enum hv_task_source source) {
        struct task *t = HV_NEW(struct task);

        t->id = hv_strdup(id);
        t->name = hv_strdup(name);
        t->source = source;
        t->live = HV_NEW(struct task_live);
        t->number = ++c->n_tasks_seen;
        t->end.exit_code = -1;
        hv_map_put(c->tasks, id, t);
        hv_task_list(c, t);
        return t;
}

void hv_task_free(void *task) {
        struct task *t = task;

        hv_task_unref(t->task);
        t->live = free_live(t);
        free(t->stop_by);
        free(t->stop_asker);
        free(t->stop_reason);
        free(t->message);
        free(t->digest);
        free(t->name);
        free(t->id);
        free(t);
}

/* The unit of the present attempt is made here, and here only: whoever holds it holds the slot. */
void hv_task_bind(struct hv_core *c, struct task *t) {
        if (t->slot)
                return;
        t->live->arena = hv_arena_free(t->live->arena);
        t->live->arena = hv_arena_new();
        t->live->unit = HV_ARENA_NEW(t->live->arena, struct hv_unit);
        hv_task_unit(t->task, t->attempt, t->live->arena, t->live->unit);
        t->slot = hv_slot_get(c, t->live->unit->container);
        t->slot->task = t;
        t->slot->want = t->live->unit;
        t->live->was_made = t->slot->touched != 0;
        if (t->slot->failure.type != HV_ACTION_REMOVE) /* what is in its way is not tried sooner for it */
                hv_failure_reset(&t->slot->failure);
        hv_backoff_reset(&t->slot->restart);
        t->slot->needs_pull = 0;
}

void hv_task_unbind(struct hv_core *c, struct task *t) {
        (void) c;
        if (!t->slot)
                return;
        t->slot->task = NULL;
        t->slot->want = NULL;
        hv_set_text(&t->slot->gpus, NULL);
        hv_failure_reset(&t->slot->failure);
        t->slot = NULL;
}

void hv_task_revive(struct task *t) {
        if (t->live == &ended)
                t->live = HV_NEW(struct task_live);
}

void hv_task_forget(struct hv_core *c, struct task *t) {
        hv_task_revive(t);
        t->step = TASK_STEP_FORGET;
        hv_task_list(c, t);
}

void hv_task_keep_after_all(struct task *t) {
        if (t->step != TASK_STEP_FORGET || t->effect || (t->forget_asked && !t->is_declared))
                return;
        t->forget_asked = false;
        t->step = TASK_STEP_DONE;
}

void hv_task_shed(struct task *t) {
        t->task = hv_task_unref(t->task);
        t->live = free_live(t);
}

void hv_task_follow(struct hv_core *c, struct task *t, struct slot *s) {
        t->slot->task = NULL;
        t->slot->want = NULL;
        hv_note_task(c, t, HV_NOTE_OUT_OF_SYNC, HV_REASON_PENDING, "its container goes by the name %s now",
                     s->name);
        t->live->unit->container = hv_arena_strdup(t->live->arena, s->name);
        free(s->gpus);
        s->gpus = HV_STEAL(t->slot->gpus);
        s->gpu_memory_bytes = t->slot->gpu_memory_bytes;
        if (s->have && hv_streq(s->have->id, t->slot->made_id)) {
                hv_set_text(&s->made_id, s->have->id);
                s->made_limits = t->slot->made_limits;
        }
        t->slot = s;
        s->task = t;
        s->want = t->live->unit;
        t->live->missed = 0;
        t->live->barred = false;
        if (t->live->workspace == WORKSPACE_WITHHELD)
                hv_doubt_slot(c, s); /* what is known of it may be older than that */
}

void hv_task_queue(struct hv_core *c, struct task *t, uint64_t now_us, uint64_t not_before_us) {
        (void) c;
        hv_task_revive(t);
        t->step = TASK_STEP_QUEUED;
        t->live->queued_since_us = HV_MAX(now_us, 1u);
        t->live->not_before_us = not_before_us;
        t->live->begun = t->live->cleaned = t->again = t->live->packaged = t->live->is_recalled = false;
        t->live->begun_us = t->live->begun_wall_us = 0;
        t->live->start = START_NOT_SENT;
        t->live->workspace = WORKSPACE_UNKNOWN;
        t->live->barred = false;
        t->live->start_refused = t->live->was_stopped = t->live->may_be_stopped = false;
        t->live->missed = 0;
        hv_set_text(&t->live->start_message, NULL);
        hv_set_text(&t->live->started_id, NULL);
        t->live->started_us = t->started_wall_us = t->live->finished_wall_us = 0;
        t->live->ending = HV_CAUSE_NONE;
        t->live->eviction = HV_EVICTION_NONE;
        t->live->eviction_durable = false;
        t->end = (struct end){ .exit_code = -1 };
        free(t->live->collected);
        t->live->collected = NULL;
        hv_failure_reset(&t->live->failure);
}

/* ---- the end of an attempt ---- */

static bool is_tried_again(const struct task *t, enum hv_task_cause cause, int exit_code) {
        unsigned bit = 0;

        if (t->stop_asked || !t->task || t->task->refused)
                return false;
        switch (cause) {
        case HV_CAUSE_CHECKPOINT:
                return true;
        case HV_CAUSE_NODE_ERROR:
                bit = HV_TASK_RETRY_NODE_ERROR;
                break;
        case HV_CAUSE_OOM:
                bit = HV_TASK_RETRY_OOM;
                break;
        case HV_CAUSE_TIMEOUT:
                bit = HV_TASK_RETRY_TIMEOUT;
                break;
        case HV_CAUSE_EXIT_CODE:
                bit = HV_TASK_RETRY_EXIT_CODE;
                for (size_t i = 0; i < t->task->n_retry_codes; i++) {
                        bit = 0;
                        if (t->task->retry_codes[i] == exit_code) {
                                bit = HV_TASK_RETRY_EXIT_CODE;
                                break;
                        }
                }
                break;
        default:
                break;
        }
        return (t->task->retry_on & bit) &&
               (t->n_counted < t->task->retry_limit || HV_MUTANT(HV_MUTANT_RETRIES_FOR_EVER));
}

static enum hv_task_state state_after(enum hv_task_cause cause) {
        switch (cause) {
        case HV_CAUSE_SUCCESS:
                return HV_TASK_COMPLETED;
        case HV_CAUSE_TIMEOUT:
                return HV_TASK_TIMED_OUT;
        case HV_CAUSE_STOPPED:
        case HV_CAUSE_HANDED_BACK:
                return HV_TASK_STOPPED;
        case HV_CAUSE_REJECTED:
                return HV_TASK_REJECTED;
        default:
                return HV_TASK_FAILED;
        }
}

void hv_task_over(struct hv_core *c, struct task *t, enum hv_task_cause cause, const char *fmt, ...) {
        bool again = is_tried_again(t, cause, t->end.exit_code);
        struct hv_buf b = {};
        va_list ap;

        (void) c;
        va_start(ap, fmt);
        hv_buf_vprintf(&b, fmt, ap);
        va_end(ap);
        free(t->live->end_message);
        t->live->end_message = hv_buf_steal(&b);
        t->end.cause = cause;
        t->end.attempt = t->live->begun ? t->attempt : 0;
        t->end.state = state_after(cause);
        t->again = again;
        hv_failure_reset(&t->live->failure);
        if (t->live->begun)
                t->step = HV_MUTANT(HV_MUTANT_END_BEFORE_COLLECT) ? TASK_STEP_END : TASK_STEP_COLLECT;
        else /* nothing ran, and nothing was promised about this attempt: only the end of the task is worth a record */
                t->step = t->again ? TASK_STEP_TIDY : TASK_STEP_END;
        if (!t->live->begun && t->again)
                t->n_counted += cause != HV_CAUSE_CHECKPOINT;
}

/* Somebody started it by hand, before its turn. */
static bool runs_already(const struct task *t) {
        const struct container *k = t->slot ? t->slot->have : NULL;

        return k && k->ours && k->state != HV_CONTAINER_CREATED && hv_streq(k->object, t->id);
}

/* A begin that is under way may become durable. */
bool hv_task_can_be_handed_back(const struct task *t) {
        bool is_before =
                t->step == TASK_STEP_QUEUED || t->step == TASK_STEP_PREPARE || t->step == TASK_STEP_MAKE;
        unsigned n_begun = t->step == TASK_STEP_QUEUED ? t->attempt : t->attempt - 1;

        return t->source == HV_TASK_FROM_POOL && t->accepted && is_before && !t->stop_asked &&
               !t->live->begun && (n_begun == 0 || HV_MUTANT(HV_MUTANT_BEGUN_HANDED_BACK)) &&
               !(t->effect && t->effect->action.type == HV_ACTION_TASK_BEGIN) && !runs_already(t);
}

bool hv_task_goes_back(const struct task *t) {
        return t->hand_back && hv_task_can_be_handed_back(t);
}

void hv_task_over_by_hand_back(struct hv_core *c, struct task *t) {
        hv_task_over(c, t, HV_CAUSE_HANDED_BACK, "handed back to its pool before it started: asked by %s",
                     t->stop_by ? t->stop_by : "somebody");
}

bool hv_task_is_alive(const struct task *t) {
        const struct slot *s = t->slot;

        if (!s)
                return false;
        if (s->doubt || s->effect)
                return true;
        return s->have && s->have->ours &&
               (s->have->state == HV_CONTAINER_RUNNING || s->have->state == HV_CONTAINER_PAUSED ||
                s->have->state == HV_CONTAINER_RESTARTING);
}

bool hv_task_is_in_doubt(const struct task *t) {
        return t->step == TASK_STEP_RUN && (t->live->start == START_SENT || t->live->start == START_LOST);
}

bool hv_task_fence_held(struct task *t) {
        if (!t->live->barred || t->live->start != START_SENT)
                return false;
        t->live->barred = t->live->is_recalled = false;
        t->live->start = START_NOT_SENT;
        return true;
}

const struct image *hv_task_image(const struct hv_core *c, const struct task *t) {
        return hv_map_get(c->images, t->live->unit->image);
}

uint64_t hv_wall_us(const struct hv_core *c, uint64_t now_us) {
        return c->wall_us ? c->wall_us + (now_us - c->wall_at_us) : 0;
}

void hv_note_task(struct hv_core *c, const struct task *t, enum hv_note_type type, enum hv_reason reason,
                  const char *fmt, ...) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        va_list ap;

        va_start(ap, fmt);
        hv_buf_vprintf(&b, fmt, ap);
        va_end(ap);
        hv_note(c, type, reason, HV_KIND_TASK, t->id, t->slot ? t->slot->name : NULL, "%s", hv_buf_str(&b));
}
