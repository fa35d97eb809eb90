/* attempt.c - see attempt.h. */
#include "sim/attempt.h"

#include "sim/agent.h"
#include "sim/desk.h"
#include "sim/gpu.h"
#include "sim/job.h"
#include "sim/ledger.h"
#include "sim/sim.h"

struct sim_tries *sim_tries_new(struct sim *s) {
        return HV_ARENA_NEW(s->arena, struct sim_tries);
}

void sim_tries_done(struct sim_tries *t) {
        for (size_t i = 0; i < t->v.n; i++)
                hv_vec_done(&t->v.v[i]->ends);
        hv_vec_done(&t->v);
        hv_vec_done(&t->admitted);
}

struct sim_try *sim_try_get(struct sim *s, const char *id, unsigned number) {
        struct sim_try *t;

        for (size_t i = 0; i < s->tries->v.n; i++)
                if (s->tries->v.v[i]->number == number && hv_streq(s->tries->v.v[i]->id, id))
                        return s->tries->v.v[i];
        t = HV_ARENA_NEW(s->arena, struct sim_try);
        t->id = hv_arena_strdup(s->arena, id);
        t->number = number;
        hv_vec_push(&s->tries->v, t);
        return t;
}

void sim_attempt_forget(struct sim *s, const char *id) {
        for (size_t i = 0; i < s->tries->v.n; i++)
                if (hv_streq(s->tries->v.v[i]->id, id))
                        s->tries->v.v[i]->id = "";
}

static bool is_of(const struct sim_container *k, const char *id, unsigned number) {
        return k->kind == HV_KIND_TASK && k->owner == SIM_OWNER_NODE && hv_streq(k->object, id) &&
               (!number || k->replica == number);
}

const struct sim_container *sim_attempt_alive(const struct sim *s, const char *id, unsigned number) {
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                const struct sim_container *k = s->truth->containers.v[i];

                if (is_of(k, id, number) && sim_container_is_up(k) && k->run_is_hivelets)
                        return k;
        }
        return NULL;
}

/* ---- how long it lives ---- */

struct life {
        struct sim_container *container;
        unsigned run;
        int exit_code;
        bool oom_killed;
};

static void life_ends(struct sim *s, void *arg) {
        const struct life *l = arg;
        struct sim_container *k = l->container;

        if (!sim_container_is_up(k) || k->run != l->run)
                return;
        if (k->state == HV_CONTAINER_PAUSED) { /* frozen, it gets nowhere */
                sim_after(s, HV_USEC_PER_SEC, life_ends, arg);
                return;
        }
        s->truth->n_foreign_changes++;
        sim_container_end(s, k, l->exit_code, l->oom_killed);
        k->ended_by_itself = true;
}

static uint64_t below(struct sim *s, uint64_t bound) {
        return sim_below(s, SIM_CHANCE_LIFE, bound);
}

void sim_attempt_runs(struct sim *s, struct sim_container *k) {
        static const int failures[] = { 1, 2, 3, 3, 126, 139 };
        const struct sim_known *known = sim_job_find(s, k->object);
        struct sim_try *t = sim_try_get(s, k->object, k->replica);
        struct life life = { .container = k, .run = k->run };
        uint64_t span_us;

        if (!t->first_run_us)
                t->first_run_us = s->now_us;
        if (!known || known->job.endless)
                return;
        span_us = sim_span(s, SIM_CHANCE_LIFE, known->job.run_us / 4 + 1, known->job.run_us);
        if (s->calm) /* no fault any more, the task's own included */
                span_us = HV_MIN(span_us, 5 * HV_USEC_PER_SEC);
        else if (below(s, 1000) < known->job.ooms) {
                life.exit_code = 137;
                life.oom_killed = true;
        } else if (below(s, 1000) < known->job.fails)
                life.exit_code = failures[below(s, HV_ARRAY_SIZE(failures))];
        else if (known->job.checkpoint_code >= 0 && below(s, 1000) < known->job.checkpoints)
                life.exit_code = known->job.checkpoint_code;
        sim_after(s, span_us, life_ends, hv_arena_memdup(s->arena, &life, sizeof life));
}

/* ---- I7: the books ---- */

static uint64_t share(uint64_t has, uint64_t limit, uint64_t reserved, unsigned milli) {
        uint64_t n = limit && limit < has ? limit : has;

        n = n > reserved ? n - reserved : 0;
        return milli ? (uint64_t) ((unsigned __int128) n * milli / 1000) : n;
}

struct sim_booking sim_allocatable(const struct sim *s) {
        const struct hv_desired *active = s->agent->core ? hv_core_active(s->agent->core) : NULL;
        const struct hv_settings *set;

        if (!active)
                return (struct sim_booking){};
        set = &active->settings;
        return (struct sim_booking){
                .nano_cpus = share(s->desk->machine.nano_cpus, set->limits.nano_cpus, set->reserved.nano_cpus,
                                   set->overcommit_cpu_milli),
                .memory_bytes = share(s->desk->machine.memory_bytes, set->limits.memory_bytes,
                                      set->reserved.memory_bytes, set->overcommit_memory_milli),
                .disk_bytes = share(s->desk->machine.disk_bytes, set->limits.disk_bytes,
                                    set->reserved.disk_bytes, 0),
                .n_slots = set->max_concurrent_tasks ? set->max_concurrent_tasks : UINT32_MAX,
        };
}

void sim_attempt_admitted(struct sim *s, const char *id) {
        struct sim_booking b = sim_allocatable(s);

        b.id = hv_arena_strdup(s->arena, id);
        b.order = ++s->tries->n_admissions;
        for (size_t i = 0; i < s->tries->admitted.n; i++)
                if (hv_streq(s->tries->admitted.v[i].id, id)) {
                        s->tries->admitted.v[i] = b;
                        return;
                }
        hv_vec_push(&s->tries->admitted, b);
}

/* An attempt has begun and not ended, and its files lie there. (What was prepared for one that a crash kept from beginning is
 * made anew when its turn comes.) */
static bool takes_disk(const struct sim *s, const char *id) {
        const struct sim_promise *p = sim_ledger_find(s, id);

        for (size_t i = 0; p && !p->ended && i < s->tries->v.n; i++) {
                const struct sim_try *t = s->tries->v.v[i];
                const struct sim_attempt *a = hv_streq(t->id, id) ? sim_ledger_attempt(p, t->number) : NULL;

                if (t->has_workspace && a && !a->ended)
                        return true;
        }
        return false;
}

/* Who asks for none is let in also where a disk that became smaller is overdrawn. */
static bool asks_disk(const struct sim *s, const char *id) {
        return sim_job_find(s, id)->task->booking.disk_bytes > 0;
}

static void judge_books(struct sim *s) {
        const struct sim_booking *last = NULL;
        uint64_t nano_cpus = 0, memory_bytes = 0, disk_bytes = 0;
        unsigned n_slots = 0;

        for (size_t i = 0; i < s->tries->admitted.n; i++) {
                const struct sim_booking *b = &s->tries->admitted.v[i];
                const struct hv_booking *asked;
                const bool alive = sim_attempt_alive(s, b->id, 0), has_files = takes_disk(s, b->id);

                if (!alive && !has_files)
                        continue;
                asked = &sim_job_find(s, b->id)->task->booking;
                nano_cpus += alive ? asked->nano_cpus : 0;
                memory_bytes += alive ? asked->memory_bytes : 0;
                disk_bytes += has_files ? asked->disk_bytes : 0;
                n_slots += alive;
                last = !last || b->order > last->order ? b : last;
        }
        /* Who asks for no disk gets in however little of it is left. */
        if (last && sim_job_find(s, last->id)->task->booking.disk_bytes == 0)
                disk_bytes = 0;
        if (last && (nano_cpus > last->nano_cpus || memory_bytes > last->memory_bytes ||
                     n_slots > last->n_slots || (disk_bytes > last->disk_bytes && asks_disk(s, last->id))))
                sim_fail(s, "I7",
                         "%u tasks are alive with %" PRIu64 " m CPUs, %" PRIu64 " MiB and %" PRIu64
                         " MiB of disk, but when %s was admitted there were %u, %" PRIu64 ", %" PRIu64
                         " and %" PRIu64,
                         n_slots, nano_cpus / 1000000, memory_bytes >> 20, disk_bytes >> 20, last->id,
                         last->n_slots, last->nano_cpus / 1000000, last->memory_bytes >> 20,
                         last->disk_bytes >> 20);
}

/* ---- I1, I2: starts ---- */

void sim_attempt_started(struct sim *s, struct sim_container *k) {
        struct sim_try *t = sim_try_get(s, k->object, k->replica);
        const struct sim_promise *p = sim_ledger_find(s, k->object);
        const struct sim_attempt *a = p ? sim_ledger_attempt(p, k->replica) : NULL;

        /* What somebody else started may be over before hivelet's own start arrives. */
        if (!a || (a->ended && k->n_runs_of_others == 0))
                sim_fail(s, "I1", "%s was started %s", k->name,
                         a ? "after its end was recorded" : "without a begin in the ledger");
        if (!t->has_workspace)
                sim_fail(s, "I5", "%s was started without a workspace", k->name);
        if (++t->n_starts > 1)
                sim_fail(s, "I1", "attempt %u of %s was started %u times", t->number, t->id, t->n_starts);
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                const struct sim_container *other = s->truth->containers.v[i];

                if (other != k && is_of(other, k->object, 0) && sim_container_is_up(other) &&
                    other->run_is_hivelets)
                        sim_fail(s, "I2", "%s was started while %s is alive", k->name, other->name);
        }
        judge_books(s);
        sim_gpus_started(s, k);
}

bool sim_attempt_is_withheld(struct sim *s, const struct sim_container *k) {
        return k->kind == HV_KIND_TASK && k->owner == SIM_OWNER_NODE &&
               sim_try_get(s, k->object, k->replica)->is_withheld;
}

void sim_attempt_clock_was_set(struct sim *s) {
        for (size_t i = 0; i < s->tries->v.n; i++)
                s->tries->v.v[i]->clock_was_set = true;
}

/* ---- I4: nothing goes before its end is durable ---- */

void sim_attempt_stopped(struct sim *s, const struct sim_container *k) {
        struct sim_try *t = sim_try_get(s, k->object, k->replica);

        hv_vec_push(&t->ends,
                    ((struct sim_end_of_run){ k->exit_code, k->oom_killed, s->now_us - t->first_run_us }));
}

static bool end_is_durable(const struct sim *s, const char *id, unsigned number) {
        const struct sim_promise *p = sim_ledger_find(s, id);
        const struct sim_attempt *a = p ? sim_ledger_attempt(p, number) : NULL;

        return !p || (a && a->ended);
}

/* What ran for a promise that was forgotten, which had ended then, is nothing of a later one's of the same id. */
static bool is_of_the_present_promise(const struct sim *s, const struct sim_container *k) {
        const struct sim_promise *p = sim_ledger_find(s, k->object);

        return p && p->order == k->promise;
}

void sim_attempt_removed(struct sim *s, const struct sim_container *k) {
        if (k->was_started_by_hivelet && is_of_the_present_promise(s, k) &&
            !end_is_durable(s, k->object, k->replica))
                sim_fail(s, "I4", "%s was removed, and its end is not recorded", k->name);
}

void sim_attempt_cleaned(struct sim *s, const char *id, unsigned number) {
        struct sim_try *t = sim_try_get(s, id, number);
        const struct sim_promise *p = sim_ledger_find(s, id);

        if (p && sim_ledger_attempt(p, number) && !end_is_durable(s, id, number))
                sim_fail(s, "I4",
                         "the workspace of attempt %u of %s was cleaned, and its end is not recorded", number,
                         id);
        t->has_workspace = t->is_withheld = false;
}

/* ---- I5: what the ledger says is what was ---- */

static bool has_ended_so(const struct sim_try *t, const struct hv_task_end *e) {
        for (size_t i = 0; i < t->ends.n; i++)
                if (t->ends.v[i].exit_code == e->exit_code && t->ends.v[i].oom_killed == e->oom_killed)
                        return true;
        return false;
}

static bool ran_for(const struct sim_try *t, uint64_t span_us) {
        for (size_t i = 0; i < t->ends.n; i++)
                if (t->ends.v[i].ran_us >= span_us)
                        return true;
        return false;
}

static const struct sim_container *still_there(const struct sim *s, const struct sim_try *t) {
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                const struct sim_container *k = s->truth->containers.v[i];

                if (k->exists && is_of(k, t->id, t->number) && k->was_started_by_hivelet && !k->doomed &&
                    k->state != HV_CONTAINER_CREATED) /* the engine has forgotten it */
                        return k;
        }
        return NULL;
}

/* However the wall clock was set: it cannot have run for longer than since it began. */
static bool has_had_its_time(const struct sim *s, const struct sim_promise *p, const struct sim_try *t) {
        const struct sim_attempt *a = sim_ledger_attempt(p, t->number);

        return ran_for(t, p->task->timeout_us) ||
               (t->clock_was_set && s->now_us - a->begun_us >= p->task->timeout_us);
}

void sim_attempt_judge_stop(struct sim *s, const struct sim_container *k) {
        const struct sim_promise *p = sim_ledger_find(s, k->object);
        const struct sim_attempt *a = p ? sim_ledger_attempt(p, k->replica) : NULL;
        const struct sim_try *t = sim_try_get(s, k->object, k->replica);

        if (!a || a->ended || p->stop_asked || a->eviction != HV_EVICTION_NONE)
                return;
        if (p->task->timeout_us == HV_TIME_NEVER ||
            (s->now_us - t->first_run_us < p->task->timeout_us && !has_had_its_time(s, p, t)))
                sim_fail(s, "WHY", "%s is stopped, and nothing that is durable says why", k->name);
}

static const char *judge_exit(const struct sim *s, const struct sim_promise *p, const struct sim_try *t,
                              const struct hv_task_end *e) {
        if (e->exit_code >= 0 && !has_ended_so(t, e))
                return "no run of it ended with this exit code";
        switch (e->cause) {
        case HV_CAUSE_SUCCESS:
                return e->exit_code == 0 && !e->oom_killed ? NULL : "a success without exit code 0";
        case HV_CAUSE_EXIT_CODE:
                return e->exit_code > 0 ? NULL : "an exit code that is none";
        case HV_CAUSE_OOM:
                return e->oom_killed ? NULL : "it did not run out of memory";
        case HV_CAUSE_CHECKPOINT:
                return e->exit_code == p->task->checkpoint_code ? NULL : "no checkpoint";
        case HV_CAUSE_TIMEOUT:
                return has_had_its_time(s, p, t) ? NULL : "its time was not over";
        case HV_CAUSE_STOPPED:
                return p->stop_asked ? NULL : "nobody asked for a stop";
        case HV_CAUSE_DISK_LIMIT:
                return t->took_too_much ? NULL : "its workspace is within its limit";
        case HV_CAUSE_NODE_ERROR:
        case HV_CAUSE_INPUT:
                return NULL;
        default:
                return "no attempt ends like this";
        }
}

/* Why it was stopped is durable, whoever did it and whoever lives to see the end. */
static void judge_eviction(struct sim *s, const struct sim_promise *p, const struct sim_try *t,
                           const struct hv_task_end *e) {
        const struct sim_attempt *a = sim_ledger_attempt(p, t->number);

        if (e->eviction != HV_EVICTION_NONE && a->eviction != e->eviction)
                sim_fail(s, "P3", "attempt %u of %s is called evicted, and the ledger does not say so",
                         t->number, t->id);
        if (e->cause == HV_CAUSE_EXIT_CODE && t->was_ended_by_hivelet && a->eviction != HV_EVICTION_NONE)
                sim_fail(s, "P3", "the node stopped attempt %u of %s (%s), and that is called its own fault",
                         t->number, t->id, hv_eviction_name(a->eviction));
}

/* One that was started, and is called lost, must not be found anywhere. */
static const char *judge_loss(struct sim *s, const struct sim_try *t, const struct hv_task_end *e) {
        const struct sim_container *k = still_there(s, t);

        if (sim_attempt_alive(s, t->id, t->number))
                return "its container is alive";
        if (e->cause == HV_CAUSE_NODE_ERROR && k && e->eviction == HV_EVICTION_NONE)
                return "its container is there, and says how it ended";
        return NULL;
}

static bool may_be_tried_again(const struct hv_task *t, const struct hv_task_end *e) {
        switch (e->cause) {
        case HV_CAUSE_CHECKPOINT:
                return true;
        case HV_CAUSE_NODE_ERROR:
                return t->retry_on & HV_TASK_RETRY_NODE_ERROR;
        case HV_CAUSE_OOM:
                return t->retry_on & HV_TASK_RETRY_OOM;
        case HV_CAUSE_TIMEOUT:
                return t->retry_on & HV_TASK_RETRY_TIMEOUT;
        case HV_CAUSE_EXIT_CODE:
                return t->retry_on & HV_TASK_RETRY_EXIT_CODE &&
                       (!t->n_retry_codes || t->retry_codes[0] == e->exit_code);
        default:
                return false;
        }
}

static const char *judge_retry(const struct sim_promise *p, const struct hv_task_end *e) {
        static const enum hv_task_state states[HV_N_CAUSES] = {
                [HV_CAUSE_NONE] = HV_TASK_QUEUED,         [HV_CAUSE_SUCCESS] = HV_TASK_COMPLETED,
                [HV_CAUSE_EXIT_CODE] = HV_TASK_FAILED,    [HV_CAUSE_CHECKPOINT] = HV_TASK_FAILED,
                [HV_CAUSE_OOM] = HV_TASK_FAILED,          [HV_CAUSE_TIMEOUT] = HV_TASK_TIMED_OUT,
                [HV_CAUSE_STOPPED] = HV_TASK_STOPPED,     [HV_CAUSE_NODE_ERROR] = HV_TASK_FAILED,
                [HV_CAUSE_INPUT] = HV_TASK_FAILED,        [HV_CAUSE_RESOURCES] = HV_TASK_FAILED,
                [HV_CAUSE_REJECTED] = HV_TASK_REJECTED,   [HV_CAUSE_DISK_LIMIT] = HV_TASK_FAILED,
                [HV_CAUSE_HANDED_BACK] = HV_TASK_STOPPED,
        };

        if (e->final)
                return e->state == states[e->cause] ? NULL : "its state is not what its cause says";
        if (p->stop_asked)
                return "it is tried again although somebody wants it stopped";
        if (!may_be_tried_again(p->task, e))
                return "it is tried again after what is not to be tried again";
        if (e->cause != HV_CAUSE_CHECKPOINT && p->n_counted >= p->task->retry_limit)
                return "it is tried again more often than its limit";
        return NULL;
}

void sim_attempt_judge_end(struct sim *s, const struct sim_promise *p, const struct hv_task_end *e) {
        const char *why = judge_retry(p, e);
        struct sim_try *t;

        if (e->attempt && !why) {
                t = sim_try_get(s, p->id, e->attempt);
                why = judge_exit(s, p, t, e);
                why = why ? why : judge_loss(s, t, e);
                judge_eviction(s, p, t, e);
                if (!t->collected)
                        sim_fail(s, "I4",
                                 "the end of attempt %u of %s is recorded before its results were kept",
                                 e->attempt, p->id);
                else if (!why && !hv_streq(t->kept.log_sha256, e->collected.log_sha256))
                        why = "the results are not those that were kept";
        } else if (!why && (e->cause == HV_CAUSE_SUCCESS || e->exit_code >= 0))
                why = "it never ran";
        if (why)
                sim_fail(s, "I5", "%s, attempt %u, %s, exit code %d: %s", p->id, e->attempt,
                         hv_task_cause_name(e->cause), e->exit_code, why);
}
