/* oracle_quiet.c - QUIET: a plan that says that it changed nothing (hv_effects, `changed`) shows what the plan before showed.
 *
 * All that the core tells is written down after each plan, in one run of RUNS, for it takes longer than the plan itself. */
#include <inttypes.h>

#include "base/buf.h"
#include "reconcile/cron.h"
#include "reconcile/gpu.h"
#include "reconcile/status.h"
#include "sim/agent.h"
#include "sim/oracle.h"
#include "sim/sim.h"
#include "sim/status_text.h"

#define RUNS 4

static const char *or_none(const char *text) {
        return text ? text : "-";
}

static void add_node(struct hv_buf *b, const struct hv_status *st) {
        hv_buf_printf(b, "engine %s %s observed %d synced %d since %" PRIu64 " generation %" PRIu64 "\n",
                      hv_engine_state_name(st->engine), st->engine_message, st->observed, st->synced,
                      st->out_of_sync_since_us, st->n_generations);
        hv_buf_printf(b, "active %s parked %s (%u of %u): %s\n", st->active_revision,
                      or_none(st->parked_revision), st->n_parked_removals, st->n_parked_existing,
                      or_none(st->parked_message));
        hv_buf_printf(b, "units %u in sync %u pulling %u back-off %u orphans %u queued %u running %u\n",
                      st->n_units, st->n_units_in_sync, st->n_pulling, st->n_back_off, st->n_orphans,
                      st->n_tasks_queued, st->n_tasks_running);
        hv_buf_printf(b, "pressure %s busy %d cordoned %d disk %s\n", or_none(st->pressure), st->is_busy,
                      st->is_cordoned, or_none(st->disk_pressure));
        for (int i = 0; i < HV_N_CAPS; i++)
                hv_buf_printf(b, "caps of %s: in sync %d known %d there %d %" PRIu64 "/%" PRIu64 ": %s\n",
                              or_none(st->caps[i].slice), st->caps[i].in_sync, st->caps[i].is_known,
                              st->caps[i].is_there, st->caps[i].wanted.limits.nano_cpus,
                              st->caps[i].seen.limits.nano_cpus, or_none(st->caps[i].message));
}

static void add_units(struct hv_buf *b, const struct hv_status *st) {
        for (size_t i = 0; i < st->n_unit_status; i++) {
                const struct hv_unit_status *u = &st->units[i];

                hv_buf_printf(b, "%s %s %s in sync %d ready %d %s next %s at %" PRIu64 " since %" PRIu64,
                              u->key, u->container, hv_phase_name(u->phase), u->in_sync, u->ready,
                              hv_reason_name(u->reason), or_none(u->next_action), u->next_us, u->since_us);
                hv_buf_printf(
                        b, " restarts %u id %s image %s digest %s/%s exit %d oom %d gpus %s started %" PRIu64,
                        u->n_restarts, or_none(u->id), or_none(u->image), or_none(u->digest),
                        or_none(u->wanted_digest), u->exit_code, u->oom_killed, or_none(u->gpus),
                        u->started_wall_us);
                hv_buf_printf(b, ": %s\n", or_none(u->message));
        }
        for (size_t i = 0; i < st->n_objects; i++) {
                const struct hv_object_status *o = &st->objects[i];

                hv_buf_printf(b, "%s %s %s in sync %d exists %d foreign %d wanted %d %s: %s\n",
                              hv_kind_label(o->kind), o->name, or_none(o->id), o->in_sync, o->exists,
                              o->foreign, o->wanted, hv_reason_name(o->reason), or_none(o->message));
        }
}

static void add_tasks(struct hv_buf *b, const struct sim *s, struct hv_arena *arena) {
        size_t n;
        const struct hv_task_status *t = hv_core_live_tasks(s->agent->core, s->now_us, arena, &n);

        for (size_t i = 0; i < n; i++) {
                hv_buf_printf(b, "task %s %s state %d accepted %d in sync %d attempt %u booked %d gpus %s",
                              t[i].id, or_none(t[i].container), t[i].state, t[i].accepted, t[i].in_sync,
                              t[i].attempt, t[i].is_booked, or_none(t[i].gpus));
                hv_buf_printf(b, " at %" PRIu64 " %" PRIu64 " %" PRIu64 " next %" PRIu64 " exit %d cause %d",
                              t[i].accepted_wall_us, t[i].started_wall_us, t[i].ended_wall_us, t[i].next_us,
                              t[i].exit_code, t[i].cause);
                hv_buf_printf(b, " stop %s %d back %d owed %d ledger %s: %s %s\n", or_none(t[i].stop_by),
                              t[i].stop_recorded, t[i].can_be_handed_back, t[i].is_owed,
                              or_none(t[i].ledger_failure), or_none(t[i].reason), or_none(t[i].message));
        }
}

static void add_crons(struct hv_buf *b, const struct sim *s, struct hv_arena *arena) {
        size_t n;
        const struct hv_cron_status *c = hv_core_crons(s->agent->core, s->now_us, arena, &n);

        for (size_t i = 0; i < n; i++)
                hv_buf_printf(b,
                              "cron %s suspended by %s can run %d until %" PRIu64 " next %" PRIu64
                              " live %zu recorded %d ledger %s: %s\n",
                              c[i].name, or_none(c[i].suspend.by), c[i].can_run, c[i].until_wall_us,
                              c[i].next_wall_us, c[i].n_live, c[i].is_recorded, or_none(c[i].ledger_failure),
                              or_none(c[i].message));
}

static void add_machine(struct hv_buf *b, const struct sim *s, struct hv_arena *arena) {
        struct hv_room all = {}, tasks = {}, free = {};
        struct hv_gpus_status gpus;
        bool is_known = hv_core_room(s->agent->core, &all, &tasks, &free);

        hv_core_gpus(s->agent->core, arena, &gpus);
        hv_buf_printf(
                b, "room %d cpus %" PRIu64 " memory %" PRIu64 " disk %" PRIu64 " gpus %u slots %u trust %d\n",
                is_known, free.nano_cpus, free.memory_bytes, free.disk_bytes, free.n_gpus, free.n_slots,
                hv_core_trust(s->agent->core));
        hv_buf_printf(b, "gpus known %d %s\n", gpus.is_known, or_none(gpus.message));
        for (size_t i = 0; i < gpus.n; i++)
                hv_buf_printf(b, "gpu %s works %d given %d held %" PRIu64 " by %zu\n", gpus.v[i].uuid,
                              gpus.v[i].works, gpus.v[i].is_given, gpus.v[i].held_bytes, gpus.v[i].n_holders);
}

static char *all_that_is_shown(struct sim *s) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_buf b = {};
        struct hv_status st;

        hv_core_status(s->agent->core, s->now_us, arena, &st);
        add_node(&b, &st);
        add_units(&b, &st);
        add_tasks(&b, s, arena);
        add_crons(&b, s, arena);
        add_machine(&b, s, arena);
        return hv_buf_steal(&b);
}

void sim_oracle_quiet_after_plan(struct sim *s, const struct hv_effects *e) {
        _hv_cleanup_(hv_freep) char *before = HV_STEAL(s->oracle->shown);

        if (s->config->seed % RUNS != 0)
                return;
        s->oracle->shown = all_that_is_shown(s);
        if (e->changed)
                return;
        s->oracle->n_quiet++;
        if (!before || strcmp(before, s->oracle->shown) != 0)
                sim_fail(s, "QUIET", "nothing changed, says the core, and %s",
                         before ? sim_text_difference(s, before, s->oracle->shown) : "it is its first plan");
}
