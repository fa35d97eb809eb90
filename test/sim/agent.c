/* agent.c - see agent.h. */
#include "sim/agent.h"

#include "sim/desk.h"
#include "sim/driver.h"
#include "sim/ledger.h"
#include "sim/oracle.h"
#include "sim/oracle_cron.h"
#include "sim/oracle_task.h"
#include "sim/sim.h"
#include "sim/stream.h"
#include "sim/workload.h"

struct sim_agent *sim_agent_new(struct sim *s) {
        return HV_ARENA_NEW(s->arena, struct sim_agent);
}

void sim_agent_done(struct sim_agent *a) {
        a->core = hv_core_free(a->core);
        a->last_good = hv_desired_unref(a->last_good);
}

static void deadline_comes(struct sim *s, void *arg) {
        if (s->agent->core && s->agent->plan_number == (uintptr_t) arg)
                sim_agent_plan(s);
}

static void late_plan_comes(struct sim *s, void *arg) {
        (void) arg;
        s->agent->plan_due = false;
        if (s->agent->core)
                sim_agent_plan(s);
}

static void hear(enum sim_word words[], const struct hv_desired *d, bool only_news) {
        for (size_t i = 0; i < d->n_volumes; i++) {
                enum sim_word *word = &words[sim_volume_index(d->volumes[i].name)];

                if (!only_news || *word == SIM_WORD_NONE)
                        *word = d->volumes[i].reclaim_delete ? SIM_WORD_DELETE : SIM_WORD_RETAIN;
        }
}

/* To the front, once; the oldest falls out. */
static void keep(struct sim_agent *a, const struct hv_desired *d) {
        unsigned at = 0;

        while (at < a->n_kept && a->kept[at] != d)
                at++;
        if (at == SIM_N_KEPT)
                at--;
        else if (at == a->n_kept)
                a->n_kept++;
        memmove(&a->kept[1], &a->kept[0], at * sizeof a->kept[0]);
        a->kept[0] = d;
}

/* The revision in force survives a crash. */
static void keep_last_good(struct sim *s) {
        const struct hv_desired *active = hv_core_active(s->agent->core);

        if (!active)
                return;
        hear(s->agent->words, active, false);
        hear(s->agent->last_words, active, false);
        if (s->agent->last_good && hv_streq(s->agent->last_good->revision, active->revision))
                return;
        hv_desired_unref(s->agent->last_good);
        s->agent->last_good = hv_desired_ref(sim_workload_find(s->workload, active->revision));
        keep(s->agent, s->agent->last_good);
}

/* ---- what was said of volumes ---- */

enum sim_word sim_agent_word(const struct sim *s, const char *volume) {
        unsigned i = sim_volume_index(volume);

        return i < SIM_N_VOLUMES ? s->agent->words[i] : SIM_WORD_NONE;
}

enum sim_word sim_agent_last_word(const struct sim *s, const char *volume) {
        unsigned i = sim_volume_index(volume);

        return i < SIM_N_VOLUMES ? s->agent->last_words[i] : SIM_WORD_NONE;
}

/* A new life knows what the revisions say that were kept. */
static void remember(struct sim *s) {
        struct hv_volume_word words[SIM_N_VOLUMES];
        struct hv_input in = { .type = HV_INPUT_REMEMBER, .volumes = words };
        struct sim_agent *a = s->agent;

        memset(a->words, 0, sizeof a->words);
        for (unsigned i = 0; i < a->n_kept; i++)
                hear(a->words, a->kept[i], true);
        for (unsigned i = 0; i < SIM_N_VOLUMES; i++)
                if (a->words[i] != SIM_WORD_NONE)
                        words[in.n_volumes++] =
                                (struct hv_volume_word){ sim_volume_name(i), a->words[i] == SIM_WORD_DELETE };
        sim_agent_input(s, &in);
}

static const char *note_name(enum hv_note_type type) {
        static const char *const names[HV_N_NOTES] = {
                [HV_NOTE_REVISION_ACTIVE] = "revision active",
                [HV_NOTE_PRUNE_BLOCKED] = "prune blocked",
                [HV_NOTE_ENGINE_UP] = "engine up",
                [HV_NOTE_ENGINE_DOWN] = "engine down",
                [HV_NOTE_CREATED] = "created",
                [HV_NOTE_STARTED] = "started",
                [HV_NOTE_STOPPED] = "stopped",
                [HV_NOTE_REMOVED] = "removed",
                [HV_NOTE_UPDATED] = "updated",
                [HV_NOTE_EXITED] = "exited",
                [HV_NOTE_VANISHED] = "vanished",
                [HV_NOTE_PULLED] = "pulled",
                [HV_NOTE_FAILED] = "failed",
                [HV_NOTE_NAME_CONFLICT] = "name conflict",
                [HV_NOTE_CONFLICT] = "conflict",
                [HV_NOTE_BACK_OFF] = "back-off",
                [HV_NOTE_WAITING] = "waiting",
                [HV_NOTE_OUT_OF_SYNC] = "out of sync",
                [HV_NOTE_SYNCED] = "synced",
                [HV_NOTE_TASK_ACCEPTED] = "task accepted",
                [HV_NOTE_TASK_ADMITTED] = "task admitted",
                [HV_NOTE_TASK_STOPPING] = "task stopping",
                [HV_NOTE_TASK_RETRY] = "task retry",
                [HV_NOTE_TASK_ENDED] = "task ended",
                [HV_NOTE_TRUST_CHANGED] = "trust changed",
                [HV_NOTE_CRON_SKIPPED] = "cron skipped",
                [HV_NOTE_CRON_ORDER] = "cron order",
                [HV_NOTE_CAPPED] = "capped",
                [HV_NOTE_PRESSURE] = "pressure",
        };

        return type < HV_N_NOTES && names[type] ? names[type] : "?";
}

static void trace_notes(struct sim *s, const struct hv_effects *e) {
        for (size_t i = 0; i < e->n_notes; i++)
                sim_trace(s, "note %s %s: %s", note_name(e->notes[i].type),
                          e->notes[i].container ? e->notes[i].container
                          : e->notes[i].object  ? e->notes[i].object
                                                : "",
                          e->notes[i].message ? e->notes[i].message : "");
}

void sim_agent_plan(struct sim *s) {
        struct sim_agent *a = s->agent;
        uint64_t core_number = a->core_number;
        struct hv_effects e;

        a->plan_number++;
        hv_core_plan(a->core, s->now_us, &e);
        a->deadline_us = e.deadline_us;
        a->n_rounds += e.n_actions > 0;
        trace_notes(s, &e);
        a->n_notes += e.n_notes;
        sim_oracle_after_plan(s, &e);
        sim_oracle_quiet_after_plan(s, &e);
        sim_oracle_tasks_after_plan(s, &e);
        sim_oracle_crons_after_plan(s);
        keep_last_good(s); /* only now: the guard decided by what was said before */
        for (size_t i = 0; i < e.n_actions; i++) {
                /* The agent may die between any two of its effects. */
                if (e.n_actions > 1 && sim_fault_hits(s, SIM_FAULT_CRASH)) {
                        hv_effects_done(&e);
                        sim_agent_crash(s, sim_span(s, SIM_CHANCE_AGENT, 100000, 30 * HV_USEC_PER_SEC));
                        return;
                }
                sim_driver_issue(s, e.actions[i]);
        }
        if (a->core_number == core_number && e.deadline_us != HV_TIME_NEVER)
                sim_at(s, e.deadline_us + (s->calm ? 0 : sim_below(s, SIM_CHANCE_AGENT, 3) * 1000),
                       deadline_comes, (void *) (uintptr_t) a->plan_number);
        hv_effects_done(&e);
        sim_oracle_after_actions(s);
}

/* Asks for a plan now, or after some more inputs have piled up. */
static void plan_soon(struct sim *s) {
        if (s->agent->plan_due)
                return;
        if (!sim_fault_hits(s, SIM_FAULT_LATE_PLAN)) {
                sim_agent_plan(s);
                return;
        }
        s->agent->plan_due = true;
        sim_after(s, sim_span(s, SIM_CHANCE_AGENT, 1000, SIM_PLAN_LATE_US), late_plan_comes, NULL);
}

void sim_agent_input(struct sim *s, const struct hv_input *in) {
        struct hv_err err = {};
        int r;

        if (!s->agent->core)
                return;
        s->oracle->n_words++;
        s->agent->n_plans_at_once = 0;
        r = hv_core_input(s->agent->core, s->now_us, in, &err);
        s->agent->last_answer = r;
        sim_oracle_after_input(s, in, r, &err);
        keep_last_good(s);
        plan_soon(s);
}

void sim_agent_offer(struct sim *s) {
        struct hv_input in = { .type = HV_INPUT_DESIRED, .desired = s->workload->source };

        sim_oracle_before_offer(s);
        sim_cron_tell_zones(s, s->workload->source);
        sim_agent_input(s, &in);
}

void sim_agent_start(struct sim *s) {
        struct sim_agent *a = s->agent;
        struct hv_input in = { .type = HV_INPUT_RESUME, .desired = a->last_good };

        if (a->core)
                return;
        a->core = hv_core_new(hv_rng_next(&s->chance[SIM_CHANCE_AGENT]));
        a->core_number++;
        sim_trace(s, "AGENT %" PRIu64 " starts", a->core_number);
        sim_oracle_core_started(s);
        sim_desk_agent_starts(s);
        /* The ledger is read before the last good revision is taken up, or after it. */
        if (a->core_number % 2)
                sim_ledger_recall(s);
        if (a->last_good) {
                remember(s);
                sim_cron_tell_zones(s, a->last_good);
                sim_agent_input(s, &in);
        }
        if (a->core_number % 2 == 0)
                sim_ledger_recall(s);
        sim_agent_offer(s);
}

static void starts_again(struct sim *s, void *arg) {
        (void) arg;
        sim_agent_start(s);
}

void sim_agent_crash(struct sim *s, uint64_t down_us) {
        if (!s->agent->core)
                return;
        sim_trace(s, "AGENT dies");
        s->agent->core = hv_core_free(s->agent->core);
        s->agent->plan_number++;
        sim_driver_agent_died(s);
        sim_stream_close(s);
        sim_after(s, down_us, starts_again, NULL);
}
