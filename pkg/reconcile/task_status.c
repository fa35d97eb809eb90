/* reconcile/task_status.c - tasks in words: the verdicts are the planner's own. */
#include "reconcile/gpu_books.h"
#include "reconcile/mutant.h"
#include "reconcile/task_state.h"

static enum hv_task_state state_of(const struct task *t) {
        switch (t->step) {
        case TASK_STEP_ACCEPT:
        case TASK_STEP_QUEUED:
                return HV_TASK_QUEUED;
        case TASK_STEP_PREPARE:
                return t->effect ? HV_TASK_FETCHING : HV_TASK_ADMITTED;
        case TASK_STEP_MAKE:
                return HV_TASK_FETCHING;
        case TASK_STEP_RUN:
                return HV_TASK_RUNNING;
        case TASK_STEP_COLLECT:
        case TASK_STEP_END:
                return t->live->begun ? HV_TASK_COLLECTING : t->slot ? HV_TASK_FETCHING : HV_TASK_QUEUED;
        case TASK_STEP_TIDY:
                return t->again ? HV_TASK_QUEUED : t->end_state;
        default:
                return t->end_state;
        }
}

static const char *what_fails(const struct failure *f, struct hv_arena *a) {
        return hv_arena_printf(a, "cannot %s (try %u): %s", hv_action_name(f->type), f->backoff.n,
                               hv_str_empty(f->message) ? "no reason given" : f->message);
}

static const char *why_queued(const struct hv_core *c, const struct task *t, uint64_t now_us,
                              struct hv_arena *a) {
        if (t->step == TASK_STEP_ACCEPT)
                return "is being recorded";
        if (t->live->not_before_us > now_us)
                return "waits before its next attempt";
        if (hv_resource_is_of_machine(t->live->lacks))
                return hv_arena_printf(a, "waits: %s", t->live->lacks_text);
        if (t->live->lacks != HV_RESOURCE_NONE)
                return hv_arena_printf(a, "waits for room: %s", t->live->lacks_text);
        if (!c->machine_known)
                return "waits until it is known what this machine has";
        if (c->engine.state != HV_ENGINE_READY)
                return "waits for the engine";
        for (size_t i = 0; t->task && i < t->task->unit.n_depends_on; i++)
                if (!hv_dependency_is_met(c, &t->task->unit.depends_on[i]))
                        return hv_arena_printf(a, "waits for %s %s",
                                               hv_kind_label(t->task->unit.depends_on[i].kind),
                                               t->task->unit.depends_on[i].name);
        return "";
}

/* Seen made, and what its START does is not known. One that is being answered is no matter of doubt yet. */
static bool is_fenced(const struct task *t) {
        return hv_task_is_in_doubt(t) && t->slot->have && t->slot->have->state == HV_CONTAINER_CREATED &&
               !(t->slot->effect && t->slot->effect->action.type == HV_ACTION_START);
}

static const char *sentence(const struct hv_core *c, const struct task *t, const struct verdict *v,
                            uint64_t now_us, struct hv_arena *a) {
        const struct image *i;

        if (t->live->failure.reason != HV_REASON_SYNCED)
                return what_fails(&t->live->failure, a);
        if (t->step <= TASK_STEP_QUEUED)
                return why_queued(c, t, now_us, a);
        if (is_fenced(t))
                return "nobody knows whether its start is under way: its workspace is withheld until that is certain";
        if (t->slot && t->slot->failure.reason != HV_REASON_SYNCED)
                return what_fails(&t->slot->failure, a);
        i = t->slot ? hv_task_image(c, t) : NULL;
        if (i && t->step <= TASK_STEP_MAKE && i->failure.reason != HV_REASON_SYNCED)
                return hv_arena_printf(a, "%s: %s", i->ref, what_fails(&i->failure, a));
        if (i && i->effect)
                return hv_arena_printf(a, "pulling %s", i->ref);
        if (t->effect && t->effect->action.type == HV_ACTION_TASK_PACKAGES && !t->stop_asked)
                return "its Python packages are being installed";
        if (t->live->ending == HV_CAUSE_TIMEOUT && t->step == TASK_STEP_RUN)
                return "is being stopped: its time is over";
        if (t->live->eviction_durable && t->step == TASK_STEP_RUN)
                return hv_arena_printf(a, "is being stopped: %s", t->live->eviction_text);
        if (t->stop_asked && t->step <= TASK_STEP_RUN)
                return hv_arena_printf(a, "is being stopped: asked by %s",
                                       t->stop_by ? t->stop_by : "somebody");
        if (v->reason == HV_REASON_NAME_CONFLICT)
                return hv_arena_printf(a, "a container named %s exists that is not hivelet's",
                                       t->live->unit->container);
        if (v->reason == HV_REASON_WAITING_ENGINE)
                return "waits for the engine";
        if (t->step >= TASK_STEP_TIDY)
                return hv_arena_strdup(a, t->message ? t->message : "");
        return "";
}

static const char *reason_word(const struct hv_core *c, const struct task *t, const struct verdict *v) {
        if (t->step >= TASK_STEP_TIDY && !t->again)
                return hv_task_cause_name(t->end.cause);
        if (t->step == TASK_STEP_QUEUED && t->live->lacks != HV_RESOURCE_NONE)
                return hv_reason_name(hv_task_waiting_reason(c, t->live->lacks));
        return hv_reason_name(v->reason);
}

static void describe(const struct hv_core *c, const struct task *t, uint64_t now_us, struct hv_arena *a,
                     struct hv_task_status *ret) {
        bool on_slot;
        struct verdict v = hv_assess_task(c, t, now_us, &on_slot), stop;

        if (hv_assess_task_stop(t, now_us, &stop))
                v = stop;
        *ret = (struct hv_task_status){
                .id = hv_arena_strdup(a, t->id),
                .name = hv_arena_strdup(a, t->name),
                .cron = t->task ? hv_arena_strdup(a, t->task->cron) : NULL,
                .container = t->slot ? hv_arena_strdup(a, t->slot->name) : NULL,
                .image = t->task ? hv_arena_strdup(a, t->task->unit.image) : NULL,
                .source = t->source,
                .state = state_of(t),
                .accepted = t->accepted && t->step != TASK_STEP_ACCEPT,
                .in_sync = v.in_sync && !t->effect && !t->stopping,
                .attempt = t->attempt,
                .priority = t->task ? t->task->priority : 0,
                .booking = t->task ? t->task->booking : (struct hv_booking){},
                .has_writable_root = t->task && !t->task->unit.security.read_only_root,
                .gpus = t->slot && hv_task_holds_room(t) ? hv_arena_strdup(a, hv_slot_gpus(t->slot)) : NULL,
                .is_booked = t->step >= TASK_STEP_PREPARE && t->step <= TASK_STEP_RUN,
                .reason = reason_word(c, t, &v),
                .message = sentence(c, t, &v, now_us, a),
                .accepted_wall_us = t->accepted_wall_us,
                .started_wall_us = t->started_wall_us,
                .ended_wall_us = t->ended_wall_us,
                .next_us = v.next_us == HV_TIME_NEVER ? 0 : v.next_us,
                .timeout_us = t->task ? t->task->timeout_us : 0,
                .exit_code = t->step >= TASK_STEP_COLLECT ? t->end.exit_code : -1,
                .cause = t->step >= TASK_STEP_COLLECT ? t->end.cause : HV_CAUSE_NONE,
                .stop_by =
                        t->stop_asked ? hv_arena_strdup(a, t->stop_asker ? t->stop_asker : "somebody") : NULL,
                .stop_reason = t->stop_asked ? hv_arena_strdup(a, t->stop_reason) : NULL,
                .stop_recorded = t->stop_durable,
                .can_be_handed_back = !t->hand_back && hv_task_can_be_handed_back(t),
                .is_owed = t->is_owed,
                .ledger_failure =
                        hv_failure_is_of_ledger(&t->live->failure) ? what_fails(&t->live->failure, a) : NULL,
        };
}

bool hv_core_task_status(const struct hv_core *c, const char *id, uint64_t now_us, struct hv_arena *arena,
                         struct hv_task_status *ret) {
        const struct task *t = hv_task_get(c, id);

        if (t)
                describe(c, t, now_us, arena, ret);
        return t != NULL;
}

const struct hv_task_status *hv_core_live_tasks(const struct hv_core *c, uint64_t now_us,
                                                struct hv_arena *arena, size_t *ret_n) {
        struct hv_task_status *v = HV_ARENA_NEW_N(arena, struct hv_task_status, c->live_tasks.n);

        for (size_t i = 0; i < c->live_tasks.n; i++)
                describe(c, c->live_tasks.v[i], now_us, arena, &v[i]);
        *ret_n = c->live_tasks.n;
        return v;
}

void hv_task_count(const struct hv_core *c, unsigned *ret_queued, unsigned *ret_running) {
        for (size_t i = 0; i < c->live_tasks.n; i++) {
                enum hv_task_state state = state_of(c->live_tasks.v[i]);

                *ret_queued += state == HV_TASK_QUEUED;
                *ret_running += state > HV_TASK_QUEUED && !hv_task_state_is_end(state);
        }
}

bool hv_core_room(const struct hv_core *c, struct hv_room *ret_allocatable, struct hv_room *ret_for_tasks,
                  struct hv_room *ret_free) {
        if (!c->machine_known || !c->active)
                return false;
        *ret_allocatable = hv_task_allocatable(c);
        *ret_for_tasks = hv_task_room(c);
        *ret_free = hv_task_free_room(c);
        return true;
}

enum hv_resource hv_core_lacks(const struct hv_core *c, const struct hv_booking *b, bool is_now,
                               char text[HV_ROOM_TEXT_SIZE]) {
        struct hv_room asked = hv_room_of(b), room = is_now ? hv_task_free_room(c) : hv_task_room(c);
        enum hv_resource lacks;

        if (c->gpus.is_told) { /* the books tell more exactly */
                asked.n_gpus = 0;
                asked.gpu_memory_bytes = 0;
                if (is_now ? !hv_gpu_fits_now(c, b, room.n_gpus, text) : !hv_gpu_ever_fits(c, b, text))
                        return HV_RESOURCE_GPU;
        }
        lacks = hv_room_lacks(&room, &asked);
        if (lacks != HV_RESOURCE_NONE)
                (void) hv_room_describe(lacks, &asked, &room, is_now ? "are left now" : HV_ROOM_FOR_TASKS,
                                        text);
        return lacks;
}

const char *hv_core_pressure(const struct hv_core *c, struct hv_arena *arena) {
        return hv_pressure_lacks(c) == HV_RESOURCE_NONE ? NULL : hv_arena_strdup(arena, hv_pressure_text(c));
}

int hv_core_trust(const struct hv_core *c) {
        return c->trust_score;
}
