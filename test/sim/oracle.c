/* oracle.c - see oracle.h: what is judged after inputs and plans. oracle_action.c judges the actions. */
#include "sim/oracle.h"

#include <errno.h>

#include "sim/agent.h"
#include "sim/expect.h"
#include "sim/oracle_task.h"
#include "sim/sim.h"

struct sim_oracle *sim_oracle_new(struct sim *s) {
        return HV_ARENA_NEW(s->arena, struct sim_oracle);
}

void sim_oracle_done(struct sim_oracle *o) {
        hv_vec_done(&o->doubts);
        hv_vec_done(&o->attempts);
        hv_vec_done(&o->words);
        free(o->shown);
}

void sim_oracle_core_started(struct sim *s) {
        struct sim_oracle *o = s->oracle;

        o->last_action_id = o->connect_id = 0;
        o->parts = 0;
        o->n_generations = 0;
        hv_vec_clear(&o->doubts);
        hv_vec_clear(&o->attempts);
        o->active = o->offered = o->accepted = o->held = NULL;
        o->synced = o->observed = o->parked = false;
        o->n_events = 0;
        free(HV_STEAL(o->shown));
        sim_oracle_forget_told(s);
}

void sim_oracle_before_offer(struct sim *s) {
        sim_trace(s, "OFFER revision %.8s: %zu units, %zu networks, %zu volumes",
                  s->workload->source->revision, s->workload->source->n_units,
                  s->workload->source->n_networks, s->workload->source->n_volumes);
}

/* ---- inputs ---- */

static void forget_doubts(struct sim *s, const struct sim_call *c, const struct hv_input *in) {
        struct sim_oracle *o = s->oracle;
        size_t n = 0;

        for (size_t i = 0; i < o->doubts.n; i++) {
                struct sim_doubt *d = &o->doubts.v[i];
                bool of_network = d->type == HV_ACTION_NETWORK_CREATE || d->type == HV_ACTION_NETWORK_REMOVE;
                bool of_volume = d->type == HV_ACTION_VOLUME_CREATE || d->type == HV_ACTION_VOLUME_REMOVE;
                bool settled = false;

                if (c->action.type == HV_ACTION_INSPECT && c->view.tick[0])
                        settled = !of_network && !of_volume && hv_streq(c->action.target, d->name);
                else if (c->action.type == HV_ACTION_LIST && in->listing)
                        settled = (of_network && in->listing->parts & HV_LOOK_NETWORKS) ||
                                  (of_volume && in->listing->parts & HV_LOOK_VOLUMES);
                if (!settled || c->issued_word < d->word)
                        o->doubts.v[n++] = *d;
        }
        o->doubts.n = n;
}

static struct sim_attempts *attempts_of(struct sim *s, const char *name, enum hv_action_type type) {
        struct sim_oracle *o = s->oracle;
        struct sim_attempts *a;

        for (size_t i = 0; i < o->attempts.n; i++)
                if (o->attempts.v[i].type == type && hv_streq(o->attempts.v[i].name, name))
                        return &o->attempts.v[i];
        a = hv_vec_add(&o->attempts);
        a->name = hv_arena_strdup(s->arena, name);
        a->type = type;
        return a;
}

/* An object that is as wished, or was done something to with success, begins anew. */
void sim_oracle_forget_attempts(struct sim *s, const char *name) {
        for (size_t i = 0; i < s->oracle->attempts.n; i++)
                if (hv_streq(s->oracle->attempts.v[i].name, name))
                        s->oracle->attempts.v[i].n_failed = 0;
}

static void count_attempt(struct sim *s, const struct sim_call *c, enum hv_outcome outcome) {
        /* The schedule of now counts, not the one of when the action was handed out. */
        const struct hv_desired *active = hv_core_active(s->agent->core);
        const struct hv_unit *u = active ? hv_desired_unit(active, c->action.key) : NULL;
        uint64_t wait_us = u ? u->backoff.initial_us : HV_USEC_PER_SEC;
        uint64_t max_us = u ? u->backoff.max_us : 2 * HV_USEC_PER_MIN;
        unsigned factor_milli = u ? u->backoff.factor_milli : 2000;
        struct sim_attempts *t;

        if (outcome == HV_OUTCOME_UNSUPPORTED)
                return; /* nothing was tried */
        if (hv_action_is_task(c->action.type)) {
                wait_us = HV_USEC_PER_SEC;
                max_us = HV_USEC_PER_MIN;
                factor_milli = 2000;
        }
        if (outcome != HV_OUTCOME_FAILED && outcome != HV_OUTCOME_REFUSED && outcome != HV_OUTCOME_DENIED) {
                sim_oracle_forget_attempts(s, c->action.name);
                return;
        }
        t = attempts_of(s, c->action.name, c->action.type);
        for (unsigned i = 0; i < t->n_failed && wait_us < max_us; i++)
                wait_us = HV_MIN(max_us, wait_us / 1000 * factor_milli);
        t->n_failed++;
        t->next_us = s->now_us + wait_us;
}

void sim_oracle_before_done(struct sim *s, const struct sim_call *c, const struct hv_input *in) {
        struct sim_oracle *o = s->oracle;

        /* Under a sanitizer this reads what the core promised to keep. */
        if (c->lent->id != c->action.id || !hv_streq(c->lent->name, c->action.name) ||
            !hv_streq(c->lent->target, c->action.target))
                sim_fail(s, "PURE", "action %" PRIu64 " changed while it was in flight", c->action.id);
        if (hv_action_is_look(c->action.type)) {
                sim_oracle_told_look(s, c, in);
                if (c->action.type == HV_ACTION_INSPECT_IMAGE && in->outcome == HV_OUTCOME_OK)
                        sim_oracle_forget_attempts(s, c->action.name);
                /* It is gone after all: what goes by its name later is another one. */
                if (c->action.type == HV_ACTION_INSPECT && in->outcome == HV_OUTCOME_NOT_FOUND)
                        sim_oracle_forget_attempts(s, c->action.name);
                forget_doubts(s, c, in);
                if (c->action.type == HV_ACTION_LIST && in->listing && c->action.id > o->connect_id)
                        o->parts |= in->listing->parts & c->action.parts;
                return;
        }
        sim_oracle_told_effect(s, c, in->outcome);
        count_attempt(s, c, in->outcome);
        if (in->outcome == HV_OUTCOME_UNKNOWN && c->action.type != HV_ACTION_PULL)
                hv_vec_push(&o->doubts,
                            ((struct sim_doubt){ c->action.name, c->action.type, o->n_words + 1 }));
}

void sim_oracle_after_input(struct sim *s, const struct hv_input *in, int r, const struct hv_err *err) {
        struct sim_oracle *o = s->oracle;

        o->n_events += in->type == HV_INPUT_EVENT;
        o->n_events_in_minute += in->type == HV_INPUT_EVENT;
        if (in->type == HV_INPUT_RESUME)
                o->accepted = hv_arena_strdup(s->arena, in->desired->revision);
        if (in->type == HV_INPUT_DESIRED)
                o->offered = hv_arena_strdup(s->arena, in->desired->revision);
        for (size_t i = 0; in->type == HV_INPUT_LOOK && i < o->attempts.n; i++)
                if (o->attempts.v[i].type == HV_ACTION_PULL)
                        o->attempts.v[i].n_failed = 0;
        if (in->type == HV_INPUT_ENGINE_LOST)
                o->parts = 0;
        if (in->type == HV_INPUT_ACCEPT) {
                if (r == 0 && !o->parked)
                        sim_fail(s, "I12", "an accept succeeded while nothing was parked");
                if (r == 0)
                        o->accepted = hv_arena_strdup(s->arena, hv_core_active(s->agent->core)->revision);
                return;
        }
        if ((in->type >= HV_INPUT_TASK_SUBMIT && in->type <= HV_INPUT_TASK_FORGET) ||
            in->type >= HV_INPUT_CRON_TRIGGER)
                return; /* the core may say no to people */
        if (r < 0)
                sim_fail(s, "PURE", "input of type %d was refused: %s", (int) in->type, err->msg);
}

/* ---- plans ---- */

/* What the guard should have said, as far as the ground truth tells. */
static void judge_guard(struct sim *s, const struct hv_desired *before, const struct hv_desired *offered,
                        bool activated) {
        unsigned existing, removed;
        bool too_many;

        /* A core that was told of a change may not have looked yet. */
        if (before ? !s->oracle->synced : s->oracle->n_events > 0 || s->oracle->observed)
                return;
        if (!sim_all_is_known(s) || sim_effect_in_flight(s, NULL))
                return;
        if (sim_has_live_tasks(s))
                return; /* whether one that ends now still counts only the core can say */
        sim_count_removals(s, before, offered, &existing, &removed);
        too_many = (removed > 1 && removed * 100 > offered->settings.max_prune_percent * existing) ||
                   (removed > 0 && offered->n_objects == 0 && !offered->settings.allow_empty);
        if (activated && too_many)
                sim_fail(s, "I12",
                         "revision %.8s became active although it removes %u of %u objects (at most %u%%)",
                         offered->revision, removed, existing, offered->settings.max_prune_percent);
        if (!activated && !too_many)
                sim_fail(s, "I12",
                         "revision %.8s was parked although it removes only %u of %u objects (%u%%)",
                         offered->revision, removed, existing, offered->settings.max_prune_percent);
}

static void judge_revision(struct sim *s, const struct hv_status *st) {
        struct sim_oracle *o = s->oracle;
        const struct hv_desired *active = hv_core_active(s->agent->core);
        const struct hv_desired *before = o->active ? sim_workload_find(s->workload, o->active) : NULL;
        bool changed = active && !hv_streq(active->revision, o->active);

        if (!hv_streq(st->active_revision, active ? active->revision : ""))
                sim_fail(s, "I17", "status names another revision than the active one");
        if (st->n_generations < o->n_generations)
                sim_fail(s, "I17", "generations went back from %" PRIu64 " to %" PRIu64, o->n_generations,
                         st->n_generations);
        o->n_generations = st->n_generations;
        if (changed && !hv_streq(active->revision, o->offered) && !hv_streq(active->revision, o->accepted) &&
            !hv_streq(active->revision, o->held))
                sim_fail(s, "I12", "revision %.8s is active and was neither offered last nor accepted",
                         active->revision);
        if (changed && !hv_streq(active->revision, o->accepted))
                judge_guard(s, before, active, true);
        else if (o->offered && st->parked_revision && hv_streq(st->parked_revision, o->offered))
                judge_guard(s, before, sim_workload_find(s->workload, o->offered), false);
        if (o->offered &&
            (hv_streq(st->parked_revision, o->offered) || (active && hv_streq(active->revision, o->offered))))
                o->offered = NULL;
        o->parked = st->parked_revision != NULL;
        o->held = hv_arena_strdup(s->arena, st->parked_revision);
        if (!changed)
                return;
        o->active = hv_arena_strdup(s->arena, active->revision);
        hv_vec_clear(&o->attempts);
        for (size_t i = 0; i < s->truth->containers.n; i++)
                s->truth->containers.v[i]->n_restarts = 0;
}

static void judge_synced(struct sim *s, const struct hv_status *st) {
        const struct hv_desired *active = hv_core_active(s->agent->core);
        struct sim_differences l;

        if (!st->synced)
                return;
        if (!active) {
                sim_fail(s, "I17", "synced is claimed without a revision");
                return;
        }
        if (sim_effect_in_flight(s, NULL))
                sim_fail(s, "I17", "synced is claimed while an effect is in flight");
        sim_compare(s, active, &l);
        for (unsigned i = 0; i < l.n; i++)
                if (l.v[i].known)
                        sim_fail(s, "I17", "synced is claimed, but %s, and the core was told so",
                                 l.v[i].what);
}

static void judge_units(struct sim *s, const struct hv_status *st) {
        const struct hv_desired *active = hv_core_active(s->agent->core);
        unsigned n_in_sync = 0;

        if (active && st->n_units != active->n_units)
                sim_fail(s, "PURE", "status counts %u units, the revision has %zu", st->n_units,
                         active->n_units);
        for (size_t i = 0; i < st->n_unit_status; i++) {
                const struct hv_unit_status *u = &st->units[i];

                if (u->in_sync) {
                        sim_oracle_forget_attempts(s, u->container);
                        n_in_sync += i < st->n_units;
                } else if (u->reason == HV_REASON_SYNCED)
                        sim_fail(s, "INV3", "%s is not in sync and gives no reason", u->container);
        }
        for (size_t i = 0; i < st->n_objects; i++)
                if (st->objects[i].in_sync)
                        sim_oracle_forget_attempts(s, st->objects[i].name);
        if (n_in_sync != st->n_units_in_sync)
                sim_fail(s, "PURE", "status counts %u units in sync, and shows %u", st->n_units_in_sync,
                         n_in_sync);
        if (st->synced && n_in_sync != st->n_units)
                sim_fail(s, "I17", "synced is claimed with %u of %u units in sync", n_in_sync, st->n_units);
}

bool sim_call_in_flight(const struct sim *s) {
        for (size_t i = 0; i < s->driver->calls.n; i++)
                if (!s->driver->calls.v[i]->done && s->driver->calls.v[i]->core == s->agent->core_number)
                        return true;
        return false;
}

static void judge_deadline(struct sim *s, const struct hv_effects *e, const struct hv_status *st) {
        if (e->n_actions > 0)
                return;
        if (e->deadline_us == HV_TIME_NEVER && !sim_call_in_flight(s))
                sim_fail(s, "INV3", "nothing is in flight and there is no deadline%s",
                         st->synced ? "" : ", and not synced");
        if (e->deadline_us <= s->now_us && ++s->agent->n_plans_at_once > 3)
                sim_fail(s, "I15", "the core asks for plan after plan at one instant");
}

void sim_oracle_after_plan(struct sim *s, const struct hv_effects *e) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct sim_oracle *o = s->oracle;
        struct hv_status st;
        bool told = false;

        hv_core_status(s->agent->core, s->now_us, arena, &st);
        judge_revision(s, &st);
        judge_units(s, &st);
        judge_synced(s, &st);
        judge_deadline(s, e, &st);
        for (size_t i = 0; i < e->n_notes; i++)
                told |= e->notes[i].type == HV_NOTE_SYNCED;
        if (told != (st.synced && !o->synced))
                sim_fail(s, "I17", "a note says synced %s status", told ? "before" : "later than");
        o->synced = st.synced;
        o->busy = st.n_pulling + st.n_back_off > 0;
        o->observed |= st.observed;
}

/* A second plan at the same instant has nothing to add. */
void sim_oracle_after_actions(struct sim *s) {
        struct hv_effects e;

        if (!s->agent->core || !sim_chance(s, SIM_CHANCE_AGENT, 30))
                return;
        hv_core_plan(s->agent->core, s->now_us, &e);
        sim_oracle_quiet_after_plan(s, &e);
        if (e.n_actions > 0)
                sim_fail(s, "PURE", "planning twice at one instant gave another action: %s %s",
                         hv_action_name(e.actions[0]->type), e.actions[0]->name);
        hv_effects_done(&e);
}
