/* oracle_task.c - see oracle_task.h. */
#include "sim/oracle_task.h"

#include "sim/agent.h"
#include "sim/attempt.h"
#include "sim/builder.h"
#include "sim/desk.h"
#include "sim/gpu.h"
#include "sim/job.h"
#include "sim/ledger.h"
#include "sim/oracle.h"
#include "sim/oracle_cron.h"
#include "sim/orders.h"
#include "sim/pool.h"
#include "sim/pressure.h"
#include "sim/sim.h"
#include "sim/workload.h"

/* ---- what is told ---- */

static void judge_note(struct sim *s, const struct hv_note *n) {
        const struct sim_promise *p = n->object ? sim_ledger_find(s, n->object) : NULL;

        switch (n->type) {
        case HV_NOTE_TASK_ACCEPTED:
                if (!p)
                        sim_fail(s, "I3", "%s was called accepted, and the ledger does not have it",
                                 n->object);
                break;
        case HV_NOTE_TASK_STOPPING:
                if (n->reason != HV_REASON_SYNCED) {
                        if (p && !sim_ledger_is_evicted(p))
                                sim_fail(s, "I3", "the eviction of %s is told and is not in the ledger",
                                         n->object);
                } else if (p ? !p->stop_asked && !p->ended : !sim_ledger_forgot(s, n->object))
                        sim_fail(s, "I3", "the stop of %s was confirmed and is not in the ledger", n->object);
                break;
        case HV_NOTE_TASK_ENDED:
                if (!p || !p->ended)
                        sim_fail(s, "I3", "%s was called ended, and the ledger does not say so", n->object);
                break;
        case HV_NOTE_PRESSURE:
                sim_pressure_told(s, n);
                break;
        case HV_NOTE_TASK_ADMITTED:
                sim_attempt_admitted(s, n->object);
                sim_pressure_admitted(s, n->object);
                sim_gpus_admitted(s, n->object);
                sim_orders_admitted(s, n->object);
                sim_pool_admitted(s, n->object);
                break;
        default:
                break;
        }
}

static void judge_status(struct sim *s, const struct hv_task_status *t) {
        const struct sim_promise *p = sim_ledger_find(s, t->id);

        if (!p && sim_ledger_forgot(s, t->id))
                return; /* which it was not told yet */
        if (t->accepted && !p)
                sim_fail(s, "I3", "status calls %s accepted, and the ledger does not have it", t->id);
        if (t->state == HV_TASK_RUNNING && p && !sim_ledger_attempt(p, t->attempt))
                sim_fail(s, "I3", "status says that %s runs, and the ledger has no begin of it", t->id);
        if (hv_task_state_is_end(t->state) && p && !p->ended)
                sim_fail(s, "I3", "status says that %s has ended, and the ledger does not", t->id);
        if (!t->in_sync && !*t->reason)
                sim_fail(s, "INV3", "%s is not in sync and gives no reason", t->id);
}

void sim_oracle_tasks_after_plan(struct sim *s, const struct hv_effects *e) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = NULL;
        const struct hv_task_status *tasks;
        size_t n;

        for (size_t i = 0; i < e->n_notes; i++)
                judge_note(s, &e->notes[i]);
        if (s->jobs->known.n == 0)
                return;
        arena = hv_arena_new();
        tasks = hv_core_live_tasks(s->agent->core, s->now_us, arena, &n);
        for (size_t i = 0; i < n; i++) {
                judge_status(s, &tasks[i]);
                if (tasks[i].in_sync && tasks[i].container)
                        sim_oracle_forget_attempts(s, tasks[i].container);
        }
}

void sim_oracle_before_errand(struct sim *s, const struct hv_action *a) {
        const bool beside = a->type == HV_ACTION_TASK_STOPPING || a->type == HV_ACTION_TASK_CANCEL;

        if (a->id <= s->oracle->last_action_id)
                sim_fail(s, "PURE", "%s %s: its id is not new", hv_action_name(a->type), a->name);
        s->oracle->last_action_id = a->id;
        if (a->type == HV_ACTION_CRON_ADVANCE || a->type == HV_ACTION_CRON_SUSPEND) {
                sim_oracle_before_cron(s, a);
                return;
        }
        if (a->type == HV_ACTION_TASK_ACCEPT && a->task->source == HV_TASK_FROM_CRON && !a->reopen) {
                sim_cron_learn(s, (struct hv_task *) a->task);
                sim_oracle_before_run(s, a);
        }
        if (a->type == HV_ACTION_TASK_EVICTING && a->eviction == HV_EVICTION_PRESSURE)
                sim_pressure_stopped(s, a->task_id);
        if (a->type == HV_ACTION_TASK_EVICTING && a->eviction == HV_EVICTION_GPU_LOST)
                sim_gpus_evicted(s, a->task_id, a->attempt);
        if (a->type == HV_ACTION_TASK_BEGIN)
                sim_pool_begun(s, a->task_id);
        if (a->type == HV_ACTION_TASK_FORGET)
                sim_oracle_before_forgetting(s, a);
        for (size_t i = 0; i < s->driver->calls.n; i++) {
                const struct sim_call *c = s->driver->calls.v[i];
                const enum hv_action_type type = c->action.type;

                if (c->done || c->core != s->agent->core_number || !hv_action_is_task(type) ||
                    !hv_streq(c->action.task_id, a->task_id))
                        continue;
                /* A stop is recorded, and what takes long is cut short, beside what is under way. */
                if (beside == (type == HV_ACTION_TASK_STOPPING || type == HV_ACTION_TASK_CANCEL))
                        sim_fail(s, "ONE", "%s %s while another action of the task is in flight",
                                 hv_action_name(a->type), a->name);
        }
        if (a->type == HV_ACTION_TASK_FORGET && sim_ledger_find(s, a->task_id) &&
            !sim_ledger_find(s, a->task_id)->ended)
                sim_fail(s, "I4", "%s is to be forgotten and has not ended", a->task_id);
}

/* ---- the fixed point ---- */

static bool service_runs(const struct sim *s, const struct hv_desired *d, const char *name) {
        bool any = false;

        for (size_t i = 0; i < d->n_units; i++) {
                const struct sim_container *k;

                if (!hv_streq(d->units[i].object, name))
                        continue;
                k = sim_container_find(s, d->units[i].container);
                if (!k || k->owner != SIM_OWNER_NODE || k->state != HV_CONTAINER_RUNNING ||
                    !hv_streq(k->digest, d->units[i].digest))
                        return false;
                any = true;
        }
        return any;
}

static bool job_is_completed(const struct sim *s, const struct hv_desired *d, const char *name) {
        for (size_t i = 0; i < d->n_tasks; i++)
                if (hv_streq(d->tasks[i]->name, name)) {
                        const struct sim_promise *p = sim_ledger_find(s, d->tasks[i]->id);

                        return p && p->ended && p->end.state == HV_TASK_COMPLETED;
                }
        return false;
}

static bool may_go(const struct sim *s, const struct hv_task *t) {
        const struct hv_desired *d = hv_core_active(s->agent->core);

        for (size_t i = 0; i < t->unit.n_depends_on; i++) {
                const struct hv_dependency *on = &t->unit.depends_on[i];

                if (!(on->kind == HV_KIND_SERVICE ? service_runs(s, d, on->name)
                                                  : job_is_completed(s, d, on->name)))
                        return false;
        }
        return true;
}

static bool goes_first(const struct sim_promise *a, const struct sim_promise *b) {
        if (a->task->priority != b->task->priority)
                return a->task->priority > b->task->priority;
        return a->accepted_wall_us != b->accepted_wall_us ? a->accepted_wall_us < b->accepted_wall_us
                                                          : a->order < b->order;
}

/* What is left beside all that runs, disk and GPUs apart. */
static struct sim_booking room_left(const struct sim *s) {
        struct sim_booking left = sim_allocatable(s);

        for (size_t i = 0; i < s->ledger->promises.n; i++) {
                const struct sim_promise *p = s->ledger->promises.v[i];
                const struct sim_attempt *last = p->attempts.n ? &p->attempts.v[p->attempts.n - 1] : NULL;

                if (p->ended || p->forgotten || !last || last->ended)
                        continue;
                left.nano_cpus -= HV_MIN(left.nano_cpus, p->task->booking.nano_cpus);
                left.memory_bytes -= HV_MIN(left.memory_bytes, p->task->booking.memory_bytes);
                left.n_slots -= left.n_slots > 0;
        }
        return left;
}

static bool fits(const struct sim_booking *left, const struct hv_task *t) {
        return t->booking.nano_cpus <= left->nano_cpus && t->booking.memory_bytes <= left->memory_bytes &&
               left->n_slots > 0;
}

static const char *judge_running(struct sim *s, const struct sim_promise *p,
                                 const struct hv_task_status *st) {
        const struct sim_container *k = NULL;

        for (size_t i = 0; i < s->truth->containers.n && !k; i++) {
                const struct sim_container *c = s->truth->containers.v[i];

                if (c->kind == HV_KIND_TASK && hv_streq(c->object, p->id) && c->replica == st->attempt &&
                    sim_container_is_up(c))
                        k = c;
        }
        if (!k || k->state != HV_CONTAINER_RUNNING)
                return sim_text(s, "%s is called running, and its container is not", p->id);
        if (p->stop_asked)
                return sim_text(s, "%s is to stop, and runs", p->id);
        if (p->task->timeout_us != HV_TIME_NEVER || !sim_job_find(s, p->id)->job.endless)
                return sim_text(s, "%s runs, and will end", p->id);
        if (k->limits.memory_bytes != p->task->booking.memory_bytes ||
            k->limits.nano_cpus != p->task->booking.nano_cpus || k->restart_policy)
                return sim_text(s, "I8: %s runs with other limits than were booked", p->id);
        return sim_gpus_judge(s, k, st->gpus);
}

static const char *judge_promise(struct sim *s, const struct sim_promise *p) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_task_status st;

        if (p->forgotten)
                return NULL;
        if (!hv_core_task_status(s->agent->core, p->id, s->now_us, arena, &st))
                return sim_text(s, "the core does not know %s", p->id);
        if (p->ended) {
                if (st.state != p->end.state)
                        return sim_text(s, "%s has ended, and status says %s", p->id,
                                        hv_task_state_name(st.state));
                return st.in_sync ? NULL : sim_text(s, "%s has ended and is not tidied away", p->id);
        }
        if (!st.in_sync)
                return sim_text(s, "%s is %s and not in sync: %s, %s", p->id, hv_task_state_name(st.state),
                                st.reason, st.message);
        if (st.state == HV_TASK_RUNNING)
                return judge_running(s, p, &st);
        if (st.state != HV_TASK_QUEUED || p->stop_asked || st.next_us)
                return sim_text(s, "%s is %s: %s", p->id, hv_task_state_name(st.state), st.reason);
        return NULL;
}

/* Who is first in the queue must really not fit. */
static const char *judge_queue(struct sim *s) {
        const struct sim_promise *first = NULL;
        struct sim_booking left = room_left(s);

        for (size_t i = 0; i < s->ledger->promises.n; i++) {
                const struct sim_promise *p = s->ledger->promises.v[i];
                const struct sim_attempt *last = p->attempts.n ? &p->attempts.v[p->attempts.n - 1] : NULL;

                if (p->ended || p->forgotten || (last && !last->ended) || !may_go(s, p->task))
                        continue;
                if (!first || goes_first(p, first))
                        first = p;
        }
        /* One that needs disk may wait for the files of those that have not been cleaned away. */
        if (first && first->task->booking.disk_bytes == 0 && fits(&left, first->task) &&
            sim_gpus_are_free(s, first->task->booking.n_gpus, first->task->booking.gpu_memory_bytes))
                return sim_text(s, "%s waits, and there is room for it", first->id);
        return NULL;
}

static const char *judge_containers(struct sim *s) {
        if (sim_builder_left(s))
                return sim_text(s, "%s is left, and installs for nobody", sim_builder_left(s));
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                const struct sim_container *k = s->truth->containers.v[i];
                const struct sim_promise *p;

                if (!k->exists || k->kind != HV_KIND_TASK || k->owner != SIM_OWNER_NODE)
                        continue;
                p = sim_ledger_find(s, k->object);
                if (p && p->ended)
                        return sim_text(s, "%s is left of %s, which has ended", k->name, p->id);
        }
        return NULL;
}

static const char *judge_declared(struct sim *s) {
        const struct hv_desired *d = hv_core_active(s->agent->core);

        for (size_t i = 0; i < d->n_tasks; i++)
                if (!sim_ledger_find(s, d->tasks[i]->id))
                        return sim_text(s, "%s is declared and was not accepted", d->tasks[i]->id);
        return NULL;
}

static const char *judge_room(struct sim *s) {
        struct sim_booking wanted = room_left(s);
        struct hv_room all, for_tasks, left;

        if (!hv_core_room(s->agent->core, &all, &for_tasks, &left))
                return "the core does not know the machine";
        if (left.memory_bytes != wanted.memory_bytes || left.nano_cpus != wanted.nano_cpus)
                return "what is booked is not what runs";
        return NULL;
}

/* Handed in, and neither promised nor refused yet. */
static const char *judge_asked(struct sim *s) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_task_status *tasks;
        size_t n;

        tasks = hv_core_live_tasks(s->agent->core, s->now_us, arena, &n);
        for (size_t i = 0; i < n; i++)
                if (!tasks[i].accepted)
                        return sim_text(s, "nobody answers whoever handed in %s", tasks[i].id);
        return NULL;
}

bool sim_tasks_are_settled(struct sim *s, const char **ret_why) {
        const char *why = NULL;

        if (!hv_core_active(s->agent->core))
                return true;
        if (s->agent->deadline_us <= s->now_us)
                why = "a plan is due";
        else if (sim_pressure_may_be_felt(s))
                why = "the machine ran short a moment ago";
        else if (s->gpus->wanted && !s->gpus->was_told)
                why = "nobody has said yet which GPUs there are";
        for (size_t i = 0; i < s->ledger->promises.n && !why; i++)
                why = judge_promise(s, s->ledger->promises.v[i]);
        why = why ? why : judge_asked(s);
        why = why ? why : judge_queue(s);
        why = why ? why : judge_containers(s);
        why = why ? why : judge_declared(s);
        why = why ? why : judge_room(s);
        if (ret_why)
                *ret_why = why;
        return !why;
}

bool sim_has_live_tasks(const struct sim *s) {
        for (size_t i = 0; i < s->ledger->promises.n; i++)
                if (!s->ledger->promises.v[i]->ended && !s->ledger->promises.v[i]->forgotten)
                        return true;
        return false;
}

/* One after the other: what it ran, or its time, or its wait; then attempts of seconds with a back-off between. */
uint64_t sim_tasks_bound_us(const struct sim *s) {
        uint64_t bound_us = 0;

        for (size_t i = 0; i < s->jobs->known.n; i++) {
                const struct sim_known *k = s->jobs->known.v[i];
                const struct sim_promise *p = sim_ledger_find(s, k->task->id);

                if (p && p->ended && p->ended_wall_us < sim_wall_us(s) && s->now_us < s->calm_us)
                        continue;
                bound_us += HV_MAX(k->job.run_us, 30 * HV_USEC_PER_SEC) + 6 * HV_USEC_PER_MIN;
        }
        return bound_us;
}
