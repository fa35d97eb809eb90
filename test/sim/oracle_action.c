/* oracle_action.c - judges each action as it is handed out; see oracle.h. */
#include "sim/agent.h"
#include "sim/attempt.h"
#include "sim/builder.h"
#include "sim/expect.h"
#include "sim/gpu.h"
#include "sim/job.h"
#include "sim/oracle.h"
#include "sim/orders.h"
#include "sim/sim.h"

static void bad(struct sim *s, const char *invariant, const struct hv_action *a, const char *why) {
        sim_fail(s, invariant, "%s %s (%s): %s", hv_action_name(a->type), a->name, a->why, why);
}

/* ---- budget and order ---- */

static void judge_one(struct sim *s, const struct hv_action *a) {
        const struct hv_settings *set = &hv_core_active(s->agent->core)->settings;
        unsigned n_effects = 0, n_pulls = 0;

        for (size_t i = 0; i < s->driver->calls.n; i++) {
                const struct sim_call *c = s->driver->calls.v[i];

                if (c->done || c->core != s->agent->core_number || hv_action_is_look(c->action.type) ||
                    hv_action_is_task(c->action.type))
                        continue;
                n_pulls += c->action.type == HV_ACTION_PULL;
                n_effects += c->action.type != HV_ACTION_PULL;
                if (hv_streq(c->action.key, a->key))
                        bad(s, "ONE", a, "another effect is in flight for the object");
                else if (a->target && hv_streq(c->action.target, a->target))
                        bad(s, "ONE", a, "another effect is in flight for the target");
        }
        if (a->type == HV_ACTION_PULL ? n_pulls >= set->parallel_pulls : n_effects >= set->workers)
                bad(s, "ONE", a, "as many are in flight as may be");
}

/* ---- whose it is ---- */

/* By annotation a stranger under this very name may be replaced. */
static bool may_adopt(const struct sim *s, const char *name) {
        const struct hv_desired *d = hv_core_active(s->agent->core);

        for (size_t i = 0; i < d->n_units; i++)
                if (hv_streq(d->units[i].container, name))
                        return d->units[i].adopt;
        return false;
}

static const struct sim_network *network_by_id(const struct sim *s, const char *id) {
        for (size_t i = 0; i < s->truth->networks.n; i++)
                if (hv_streq(s->truth->networks.v[i]->id, id))
                        return s->truth->networks.v[i];
        return NULL;
}

static bool is_ours(const struct sim *s, const struct hv_action *a) {
        const struct sim_container *k;
        const struct sim_network *n;
        const struct sim_volume *v;

        switch (a->type) {
        case HV_ACTION_PULL:
        case HV_ACTION_CREATE:
        case HV_ACTION_NETWORK_CREATE:
        case HV_ACTION_VOLUME_CREATE:
                return true;
        case HV_ACTION_NETWORK_REMOVE:
                n = network_by_id(s, a->target);
                return n && n->owner == SIM_OWNER_NODE;
        case HV_ACTION_VOLUME_REMOVE:
                v = sim_volume_find(s, a->target);
                return !v || v->owner == SIM_OWNER_NODE;
        default:
                k = sim_container_by_id(s, a->target);
                return k && (k->owner == SIM_OWNER_NODE || may_adopt(s, a->name));
        }
}

/* ---- whether it may go ---- */

static const struct hv_unit *unit_of(const struct sim *s, const char *container) {
        const struct hv_desired *d = hv_core_active(s->agent->core);

        for (size_t i = 0; i < d->n_units; i++)
                if (hv_streq(d->units[i].container, container))
                        return &d->units[i];
        return NULL;
}

static void judge_container_removal(struct sim *s, const struct hv_action *a) {
        const struct sim_container *k = sim_container_by_id(s, a->target);
        const struct hv_unit *u = unit_of(s, a->name);

        if (a->type == HV_ACTION_STOP && k && u &&
            (sim_orders_stop(s, u->object) || sim_orders_restart(s, k)))
                return;
        if (k && k->gpus &&
            (sim_gpus_were_lost(s, k) || (k->state == HV_CONTAINER_CREATED && sim_gpus_are_anothers(s, k))))
                return; /* it is made anew, with others */
        if (u && k && k->owner == SIM_OWNER_NODE && hv_streq(k->digest, u->digest) &&
            k->state != HV_CONTAINER_DEAD && k->state != HV_CONTAINER_REMOVING &&
            k->known_detail_tick >= k->detail_tick &&
            !sim_limits_need_new_container(s, &k->limits, &u->limits))
                bad(s, "I12", a, "the active revision wants it as it is");
}

static void judge_item_removal(struct sim *s, const struct hv_action *a) {
        const struct hv_desired *d = hv_core_active(s->agent->core);
        const struct hv_network *w = hv_desired_network(d, a->name);
        const struct sim_network *n = network_by_id(s, a->target);

        if (a->type == HV_ACTION_NETWORK_REMOVE) {
                if (w && n && hv_streq(n->digest, w->digest))
                        bad(s, "I12", a, "the active revision wants it as it is");
                return;
        }
        if (hv_desired_volume(d, a->name))
                bad(s, "I12", a, "the active revision wants it");
        else if (sim_agent_last_word(s, a->target) != SIM_WORD_DELETE)
                bad(s, "I12", a, "the last declaration of it did not say reclaim: delete");
}

static void judge_disconnect(struct sim *s, const struct hv_action *a) {
        const struct hv_unit *u = unit_of(s, a->name);
        const struct sim_container *k = sim_container_by_id(s, a->target);
        const struct sim_network *n = sim_network_find(s, a->endpoint);
        const struct hv_network *w = hv_desired_network(hv_core_active(s->agent->core), a->endpoint);

        if (!u || !k || !n || !w || !sim_container_is_up(k) || k->known_tick < k->tick ||
            n->known_tick < n->tick)
                return;
        for (size_t i = 0; i < u->n_networks; i++) {
                if (!hv_streq(u->networks[i].name, a->endpoint) || !hv_streq(n->digest, w->digest))
                        continue;
                for (unsigned j = 0; j < k->n_networks; j++)
                        if (hv_streq(k->networks[j], a->endpoint) &&
                            (!k->network_ids[j] || hv_streq(k->network_ids[j], n->id)))
                                bad(s, "I12", a, "the active revision wants it there");
        }
}

/* ---- what the core must know ---- */

static void judge_knowledge(struct sim *s, const struct hv_action *a) {
        struct sim_oracle *o = s->oracle;
        const struct sim_container *k;
        const struct sim_network *n;
        const struct sim_volume *v;

        if (o->parts != HV_LOOK_ALL)
                bad(s, "I13", a, "the engine was not listed completely since the connect");
        for (size_t i = 0; i < o->doubts.n; i++)
                if (hv_streq(o->doubts.v[i].name, a->name) && a->type != HV_ACTION_PULL)
                        bad(s, "I13", a, "an earlier effect on it is unknown, and nobody looked");
        k = a->type == HV_ACTION_CREATE ? sim_container_find(s, a->name) : NULL;
        n = a->type == HV_ACTION_NETWORK_CREATE ? sim_network_find(s, a->name) : NULL;
        v = a->type == HV_ACTION_VOLUME_CREATE ? sim_volume_find(s, a->name) : NULL;
        /* Strangers that nobody wanted until now need not have been remembered: the engine says no. */
        if ((k && k->owner == SIM_OWNER_NODE && k->known_tick >= k->tick) ||
            (n && n->owner == SIM_OWNER_NODE && n->known_tick >= n->tick) ||
            (v && v->owner == SIM_OWNER_NODE && v->known_tick >= v->tick))
                bad(s, "I13", a, "it exists, and the core was told so");
        if (a->type == HV_ACTION_CREATE && a->unit->kind == HV_KIND_SERVICE && a->unit != unit_of(s, a->name))
                bad(s, "I12", a, "not a unit of the active revision");
}

static void judge_stop(struct sim *s, const struct hv_action *a) {
        const struct sim_container *k = sim_container_by_id(s, a->target);

        if (k && k->kind == HV_KIND_TASK && !k->is_builder && k->owner == SIM_OWNER_NODE)
                sim_attempt_judge_stop(s, k);
}

static void judge_attempts(struct sim *s, const struct hv_action *a) {
        for (size_t i = 0; i < s->oracle->attempts.n; i++) {
                const struct sim_attempts *t = &s->oracle->attempts.v[i];

                if (t->type == a->type && t->n_failed > 0 && s->now_us < t->next_us &&
                    hv_streq(t->name, a->name))
                        sim_fail(s, "I15", "%s %s after %u failures comes %" PRIu64 " ms too early",
                                 hv_action_name(a->type), a->name, t->n_failed,
                                 (t->next_us - s->now_us) / 1000);
        }
}

/* The first restart comes at once, the next ones wait; a run that was long enough begins anew (retry/backoff.h). The end
 * may have been noticed late, so what ran for nearly that long is not judged. */
#define NOTICED_LATE_US (10 * HV_USEC_PER_SEC)

static void judge_restart(struct sim *s, const struct hv_action *a) {
        struct sim_container *k = sim_container_by_id(s, a->target);
        const struct hv_unit *u = unit_of(s, a->name);

        if (!k || !u || k->state != HV_CONTAINER_EXITED || sim_orders_restart(s, k))
                return;
        /* A run in between that somebody else began is not on the core's books as one of its own. */
        if (k->restarted_by != s->agent->core_number || !k->ended_by_itself || k->run > k->restart_run + 1 ||
            k->finished_us - k->started_us + NOTICED_LATE_US > u->backoff.reset_after_us)
                k->n_restarts = 0;
        else if (k->run == k->restart_run + 1)
                k->n_restarts += k->start_was_told; /* else the core never knew that it ran */
        if (k->n_restarts > 1 && k->start_was_told && k->exit_code != 0 &&
            s->now_us < k->finished_us + u->backoff.initial_us)
                sim_fail(s, "I15", "restart %u of %s comes %" PRIu64 " ms after its end", k->n_restarts,
                         k->name, (s->now_us - k->finished_us) / 1000);
        k->restarted_by = s->agent->core_number;
        k->restart_run = k->run;
        k->start_was_told = false;
}

/* What one virtual minute may cost. An event leads to a look or two and perhaps to a repair; a container that ends with
 * 0 at once may come back every 100 ms, and its events are counted. The rest is resyncs, retries and changes of mind.
 */
#define CALLS_PER_MINUTE 400u
#define CALLS_PER_UNIT 40u
#define CALLS_PER_EVENT 4u

static void judge_rate(struct sim *s) {
        const struct hv_desired *active = hv_core_active(s->agent->core);
        struct sim_oracle *o = s->oracle;
        uint64_t minute = s->now_us / HV_USEC_PER_MIN;

        if (minute != o->minute) {
                o->minute = minute;
                o->n_calls_in_minute = o->n_events_in_minute = 0;
        }
        if (++o->n_calls_in_minute >
            CALLS_PER_MINUTE + CALLS_PER_UNIT * ((active ? active->n_units : 0) + s->jobs->known.n) +
                    CALLS_PER_EVENT * o->n_events_in_minute)
                sim_fail(s, "I15", "%" PRIu64 " engine calls within one minute, with %" PRIu64 " events",
                         o->n_calls_in_minute, o->n_events_in_minute);
}

void sim_oracle_before_action(struct sim *s, const struct hv_action *a) {
        struct sim_oracle *o = s->oracle;

        if (a->id <= o->last_action_id)
                bad(s, "PURE", a, "its id is not new");
        o->last_action_id = a->id;
        judge_rate(s);
        if (a->type == HV_ACTION_CONNECT) {
                o->connect_id = a->id;
                o->parts = 0;
        }
        if (hv_action_is_look(a->type))
                return;
        if (!hv_core_active(s->agent->core)) {
                bad(s, "I12", a, "no revision is active");
                return;
        }
        judge_one(s, a);
        if (!is_ours(s, a))
                bad(s, "I6", a, "not ours");
        if (a->type == HV_ACTION_STOP || a->type == HV_ACTION_REMOVE)
                judge_container_removal(s, a);
        if (a->type == HV_ACTION_STOP || a->type == HV_ACTION_REMOVE)
                sim_builder_judge_removal(s, a);
        if (a->type == HV_ACTION_STOP)
                judge_stop(s, a);
        if (a->type == HV_ACTION_NETWORK_REMOVE || a->type == HV_ACTION_VOLUME_REMOVE)
                judge_item_removal(s, a);
        if (a->type == HV_ACTION_NETWORK_DISCONNECT)
                judge_disconnect(s, a);
        if (a->type == HV_ACTION_START)
                judge_restart(s, a);
        sim_orders_judge_action(s, a);
        judge_knowledge(s, a);
        judge_attempts(s, a);
}
