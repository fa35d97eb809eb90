/* driver.c - see driver.h. */
#include "sim/driver.h"

#include "sim/agent.h"
#include "sim/attempt.h"
#include "sim/crash.h"
#include "sim/errand.h"
#include "sim/oracle.h"
#include "sim/oracle_task.h"
#include "sim/sim.h"
#include "sim/stream.h"

struct sim_driver *sim_driver_new(struct sim *s) {
        return HV_ARENA_NEW(s->arena, struct sim_driver);
}

static void end(struct sim_call *c) {
        c->desired = hv_desired_unref(c->desired);
        sim_view_done(&c->view);
}

void sim_driver_done(struct sim_driver *d) {
        for (size_t i = 0; i < d->calls.n; i++)
                end(d->calls.v[i]);
        hv_vec_done(&d->calls);
}

static void forget_calls_that_are_over(struct sim_driver *d) {
        size_t n = 0;

        for (size_t i = 0; i < d->calls.n; i++) {
                struct sim_call *c = d->calls.v[i];

                if (c->worked && c->done)
                        end(c);
                else
                        d->calls.v[n++] = c;
        }
        d->calls.n = n;
}

/* ---- telling the core ---- */

static const char *outcome_name(enum hv_outcome outcome) {
        static const char *const names[] = { "ok",          "not found",   "conflict", "not modified",
                                             "refused",     "unsupported", "denied",   "failed",
                                             "unreachable", "unknown" };

        return names[outcome];
}

static void tell(struct sim *s, struct sim_call *c, struct sim_reply reply) {
        struct hv_input in = {
                .type = HV_INPUT_DONE,
                .action_id = c->action.id,
                .outcome = reply.outcome,
                .message = reply.message,
                .created_id = reply.outcome == HV_OUTCOME_OK ? reply.created_id : NULL,
        };
        bool ok = reply.outcome == HV_OUTCOME_OK;

        if (c->done)
                return;
        c->done = true;
        if (reply.outcome == HV_OUTCOME_UNSUPPORTED)
                s->driver->n_effects--; /* the engine has no such call: nothing was done */
        if (c->action.type == HV_ACTION_CONNECT) {
                if (ok && c->opened == s->stream->opened)
                        sim_stream_hear(s);
                else if (c->opened == s->stream->opened)
                        sim_stream_close(s);
        }
        in.listing = c->action.type == HV_ACTION_LIST && ok ? &c->view.listing : NULL;
        in.container = c->action.type == HV_ACTION_INSPECT && ok ? c->view.container : NULL;
        in.collected = c->action.type == HV_ACTION_TASK_COLLECT && ok ? &c->collected : NULL;
        if (c->action.type == HV_ACTION_INSPECT && ok && !c->view.container)
                in.outcome = HV_OUTCOME_NOT_FOUND;
        sim_trace(s, "done #%" PRIu64 " %s %s: %s%s%s", c->action.id, hv_action_name(c->action.type),
                  c->action.name ? c->action.name : "", outcome_name(in.outcome), in.message ? ", " : "",
                  in.message ? in.message : "");
        sim_oracle_before_done(s, c, &in);
        sim_agent_input(s, &in);
        sim_view_done(&c->view);
}

static void reply_arrives(struct sim *s, void *arg) {
        struct sim_call *c = arg;

        tell(s, c, c->reply);
}

void sim_driver_reply(struct sim *s, struct sim_call *c, uint64_t span_us) {
        sim_after(s, span_us, reply_arrives, c);
}

static void deadline_comes(struct sim *s, void *arg) {
        tell(s, arg, (struct sim_reply){ HV_OUTCOME_UNKNOWN, "no answer within the time for a call", NULL });
}

/* No more than this much of the call: how it looks from here depends on luck. */
static void connection_breaks(struct sim *s, struct sim_call *c, const char *why) {
        c->reply = (struct sim_reply){ HV_OUTCOME_UNKNOWN, why, NULL };
        sim_after(s, sim_span(s, SIM_CHANCE_LATENCY, 50, 5000), reply_arrives, c);
}

/* ---- the work at the engine ---- */

/* Puts in the way what fault 6 is about; false when the name is taken anyway. */
static bool take_name(struct sim *s, const struct sim_call *c) {
        const struct hv_action *a = &c->action;
        enum sim_owner owner = c->fault == SIM_FAULT_NAME_STRANGER ? SIM_OWNER_STRANGER : SIM_OWNER_NODE;
        bool older = c->fault == SIM_FAULT_NAME_OLDER;
        struct sim_container *k;

        if (a->network) {
                if (sim_network_find(s, a->network->name))
                        return false;
                (void) sim_network_add(s, a->network->name, a->network->driver, owner,
                                       older ? sim_older_digest() : a->network->digest);
                return true;
        }
        if (a->volume) {
                if (sim_volume_find(s, a->volume->name))
                        return false;
                (void) sim_volume_add(s, a->volume->name, a->volume->driver, owner,
                                      older ? sim_older_digest() : a->volume->digest,
                                      a->volume->reclaim_delete);
                return true;
        }
        if (sim_container_find(s, a->unit->container))
                return false;
        k = sim_container_add(s, a->unit->container, owner);
        k->kind = a->unit->kind;
        k->object = owner == SIM_OWNER_NODE ? hv_arena_strdup(s->arena, a->unit->object) : NULL;
        k->replica = a->unit->replica;
        k->digest = hv_arena_strdup(s->arena, older ? sim_older_digest() : a->unit->digest);
        k->limits = a->unit->limits;
        if (!older) { /* what was declared before asked for none: a paused roll-out, or a restart, may start it as it is */
                k->gpus = hv_arena_strdup(s->arena, a->gpus);
                k->n_gpus = a->unit->n_gpus;
                k->gpu_memory_bytes = a->unit->gpu_memory_bytes;
        }
        for (size_t i = 0; i < a->unit->n_mounts && owner == SIM_OWNER_NODE; i++)
                if (a->unit->mounts[i].type == HV_MOUNT_VOLUME)
                        k->volumes[k->n_volumes++] = a->unit->mounts[i].source;
        sim_container_made(s, k);
        if (!sim_attempt_is_withheld(s, k) && (older || sim_chance(s, SIM_CHANCE_FAULT, 300)))
                sim_container_run(s, k);
        return true;
}

/* Fault 9: somebody else was faster. */
static bool vanish(struct sim *s, const struct hv_action *a) {
        struct sim_container *k = a->target ? sim_container_find(s, a->target) : NULL;
        struct sim_network *n = a->target ? sim_network_find(s, a->target) : NULL;
        struct sim_volume *v = a->target ? sim_volume_find(s, a->target) : NULL;

        switch (a->type) {
        case HV_ACTION_CREATE:
        case HV_ACTION_INSPECT_IMAGE:
                sim_image_set(s, sim_image_get(s, a->image), false);
                return true;
        case HV_ACTION_NETWORK_REMOVE:
                if (!n || sim_network_is_used(s, n))
                        return false;
                sim_network_remove(s, n);
                return true;
        case HV_ACTION_VOLUME_REMOVE:
                if (!v || sim_volume_is_used(s, v))
                        return false;
                sim_volume_remove(s, v);
                return true;
        default:
                if (!k || k->owner != SIM_OWNER_NODE)
                        return false;
                sim_container_remove(s, k);
                return true;
        }
}

/* What happens at the engine just before the request; false: the fault does not fit the moment. */
static bool prepare(struct sim *s, const struct sim_call *c) {
        const struct hv_action *a = &c->action;
        struct sim_container *k = a->target ? sim_container_find(s, a->target) : NULL;

        switch (c->fault) {
        case SIM_FAULT_NAME_OURS:
        case SIM_FAULT_NAME_OLDER:
        case SIM_FAULT_NAME_STRANGER:
                return take_name(s, c);
        case SIM_FAULT_REMOVING:
                if (!k)
                        return false;
                sim_container_doom(s, k, sim_span(s, SIM_CHANCE_FAULT, 50000, 20 * HV_USEC_PER_SEC));
                return true;
        case SIM_FAULT_ALREADY:
                if (!k || (a->type == HV_ACTION_STOP) != (k->state == HV_CONTAINER_RUNNING) ||
                    k->state == HV_CONTAINER_REMOVING || k->state == HV_CONTAINER_PAUSED ||
                    (a->type == HV_ACTION_START && sim_attempt_is_withheld(s, k)))
                        return false;
                if (a->type == HV_ACTION_STOP)
                        sim_container_end(s, k, 0, false);
                else
                        sim_container_run(s, k);
                return true;
        case SIM_FAULT_VANISHED:
                return vanish(s, a);
        default:
                return true;
        }
}

static void work(struct sim *s, void *arg);

static bool is_busy(struct sim *s, struct sim_call *c) {
        if (s->now_us >= s->truth->hangs_until_us)
                return false;
        c->work_us = s->truth->hangs_until_us + sim_span(s, SIM_CHANCE_LATENCY, 1000, 50000);
        sim_at(s, c->work_us, work, c);
        return true;
}

/* The parts of a listing are requests that follow one another. */
static bool list_next_part(struct sim *s, struct sim_call *c) {
        for (unsigned part = HV_LOOK_CONTAINERS; part <= HV_LOOK_VOLUMES; part <<= 1) {
                if (!(c->action.parts & part) || c->view.tick[part >> 1])
                        continue;
                if (sim_fault_hits(s, SIM_FAULT_PARTIAL_LIST)) {
                        sim_view_list(s, &c->view, part);
                        sim_view_cut(&c->view, part);
                        sim_trace(s, "  list #%" PRIu64 " is cut in part %u", c->action.id, part);
                        return false;
                }
                sim_view_list(s, &c->view, part);
                sim_after(s, sim_span(s, SIM_CHANCE_LATENCY, 200, 10000), work, c);
                return true;
        }
        return false;
}

/* The request was on its way, or not; and it may have been so for long. */
static void comes_late(struct sim *s, void *arg) {
        struct sim_call *c = arg;

        c->reply = sim_engine_do(s, &c->action, false);
        sim_trace(s, "  effect of #%" PRIu64 " %s %s: %s (too late)", c->action.id,
                  hv_action_name(c->action.type), c->action.name, outcome_name(c->reply.outcome));
}

void sim_driver_start_between(struct sim *s) {
        for (size_t i = 0; i < s->driver->calls.n; i++) {
                struct sim_call *c = s->driver->calls.v[i];

                if (c->worked || !c->done || c->action.type != HV_ACTION_START ||
                    !sim_fault_hits(s, SIM_FAULT_START_BETWEEN))
                        continue;
                c->worked = true;
                comes_late(s, c);
        }
}

static void look(struct sim *s, struct sim_call *c) {
        if (c->action.type == HV_ACTION_INSPECT)
                sim_view_inspect(s, &c->view, c->action.target);
        sim_driver_start_between(s);
        c->reply = (struct sim_reply){ .outcome = HV_OUTCOME_OK };
}

static bool dies_before(struct sim *s, struct sim_call *c) {
        if (!sim_crash_point(s, SIM_CRASH_BEFORE, &c->action))
                return false;
        if (s->config->crashes[0].side == SIM_CRASH_LATE)
                sim_after(s, 1500 * HV_USEC_PER_MSEC, comes_late, c);
        return true;
}

static bool dies_after(struct sim *s, struct sim_call *c) {
        if (sim_crash_point(s, SIM_CRASH_AFTER, &c->action))
                return true;
        if (!sim_fault_hits(s, SIM_FAULT_CRASH_AFTER))
                return false;
        sim_agent_crash(s, sim_span(s, SIM_CHANCE_AGENT, 100000, HV_USEC_PER_MIN));
        return true;
}

static void work(struct sim *s, void *arg) {
        struct sim_call *c = arg;
        const struct hv_action *a = &c->action;
        const enum sim_fault f = c->fault;

        if (c->worked || c->held)
                return;
        if (!s->truth->engine_up) {
                c->worked = true;
                c->reply = (struct sim_reply){ HV_OUTCOME_UNREACHABLE, "connection refused", NULL };
                sim_after(s, c->reply_span_us, reply_arrives, c);
                return;
        }
        if (is_busy(s, c))
                return;
        if (a->type == HV_ACTION_LIST && list_next_part(s, c))
                return;
        c->worked = true;
        if (f < SIM_N_CALL_FAULTS && !prepare(s, c))
                c->fault = SIM_N_FAULTS;
        else if (f < SIM_N_CALL_FAULTS)
                sim_fault_count(s, f, a->type);
        if (a->type == HV_ACTION_CONNECT && c->done)
                return; /* nobody is at the other end any more */
        if (!hv_action_is_look(a->type) && !c->done && dies_before(s, c))
                return;
        if (a->type == HV_ACTION_LIST || a->type == HV_ACTION_INSPECT)
                look(s, c);
        else
                c->reply = sim_engine_do(s, a, c->fault == SIM_FAULT_5XX_DONE);
        if (a->type == HV_ACTION_CONNECT)
                c->opened = s->stream->opened;
        if (!hv_action_is_look(a->type))
                sim_trace(s, "  effect of #%" PRIu64 " %s %s: %s%s%s", a->id, hv_action_name(a->type),
                          a->name, outcome_name(c->reply.outcome), c->done ? " (too late)" : "",
                          c->lost ? " (nobody will know)" : "");
        if (!hv_action_is_look(a->type) && !c->done && dies_after(s, c))
                return;
        if (c->fault == SIM_FAULT_CUT || c->lost)
                connection_breaks(s, c, "the connection was cut");
        else
                sim_after(s, c->reply_span_us, reply_arrives, c);
}

/* ---- issuing ---- */

static const struct {
        uint64_t low_us, high_us;
} latencies[HV_N_ACTIONS] = {
        [HV_ACTION_CONNECT] = { 500, 10000 },
        [HV_ACTION_LIST] = { 1000, 30000 },
        [HV_ACTION_INSPECT] = { 100, 3000 },
        [HV_ACTION_INSPECT_IMAGE] = { 100, 3000 },
        [HV_ACTION_PULL] = { 300000, 60 * HV_USEC_PER_SEC },
        [HV_ACTION_NETWORK_CREATE] = { 20000, 300000 },
        [HV_ACTION_NETWORK_REMOVE] = { 20000, 300000 },
        [HV_ACTION_NETWORK_CONNECT] = { 10000, 200000 },
        [HV_ACTION_NETWORK_DISCONNECT] = { 10000, 200000 },
        [HV_ACTION_VOLUME_CREATE] = { 1000, 30000 },
        [HV_ACTION_VOLUME_REMOVE] = { 1000, 30000 },
        [HV_ACTION_CREATE] = { 10000, 300000 },
        [HV_ACTION_START] = { 80000, 1500000 },
        [HV_ACTION_STOP] = { 5000, 500000 },
        [HV_ACTION_UNPAUSE] = { 2000, 50000 },
        [HV_ACTION_REMOVE] = { 10000, 300000 },
        [HV_ACTION_UPDATE] = { 5000, 100000 },
};

static uint64_t time_allowed_us(const struct hv_action *a) {
        uint64_t call_us = a->desired ? a->desired->settings.call_timeout_us : 20 * HV_USEC_PER_SEC;

        if (a->type == HV_ACTION_PULL) /* a pull that moves on has no end; one that stalls has */
                return a->desired->settings.pull_stall_us;
        if (a->type == HV_ACTION_STOP)
                return call_us +
                       (a->stop_grace_us == HV_TIME_NEVER ? 10 * HV_USEC_PER_SEC : a->stop_grace_us);
        return call_us;
}

static void schedule(struct sim *s, struct sim_call *c) {
        const struct hv_action *a = &c->action;
        uint64_t span_us =
                sim_span(s, SIM_CHANCE_LATENCY, latencies[a->type].low_us, latencies[a->type].high_us);

        c->reply_span_us = sim_span(s, SIM_CHANCE_LATENCY, 50, 2000);
        /* An answer may wait in a buffer while the world goes on: then it is older than what the events say. */
        if (!s->calm && hv_action_is_look(a->type) && sim_chance(s, SIM_CHANCE_LATENCY, 60))
                c->reply_span_us = sim_span(s, SIM_CHANCE_LATENCY, 5000, 3 * HV_USEC_PER_SEC);
        c->deadline_us = s->now_us + time_allowed_us(a);
        if (a->type == HV_ACTION_STOP && sim_fault_hits(s, SIM_FAULT_STUBBORN))
                span_us += a->stop_grace_us == HV_TIME_NEVER ? 10 * HV_USEC_PER_SEC : a->stop_grace_us;
        switch (c->fault) {
        case SIM_FAULT_LATE:
                c->work_us = c->deadline_us + sim_span(s, SIM_CHANCE_FAULT, 1000, 2 * HV_USEC_PER_MIN);
                return;
        case SIM_FAULT_SECONDS:
                c->work_us =
                        s->now_us + span_us + sim_span(s, SIM_CHANCE_FAULT, 500000, 18 * HV_USEC_PER_SEC);
                return;
        case SIM_FAULT_HOURS:
                c->work_us =
                        s->now_us + sim_span(s, SIM_CHANCE_FAULT, HV_USEC_PER_HOUR, 6 * HV_USEC_PER_HOUR);
                return;
        default:
                c->work_us = s->now_us + span_us;
        }
}

/* Faults that end the call before the engine does anything. */
static bool fails_at_once(struct sim *s, struct sim_call *c) {
        switch (c->fault) {
        case SIM_FAULT_LOST_NOT_DONE:
                if (sim_chance(s, SIM_CHANCE_FAULT, 500))
                        connection_breaks(s, c, "the connection was closed without a reply");
                break;
        case SIM_FAULT_5XX:
                c->reply = (struct sim_reply){ HV_OUTCOME_FAILED, "internal server error", NULL };
                sim_at(s, c->work_us + c->reply_span_us, reply_arrives, c);
                break;
        case SIM_FAULT_REFUSED:
                c->reply = (struct sim_reply){ HV_OUTCOME_UNREACHABLE, "connection refused", NULL };
                sim_after(s, c->reply_span_us, reply_arrives, c);
                break;
        case SIM_FAULT_CUT:
                if (sim_chance(s, SIM_CHANCE_FAULT, 500))
                        return false;
                connection_breaks(s, c, "the connection was reset");
                break;
        case SIM_FAULT_NEVER:
                break;
        default:
                return false;
        }
        c->worked = true;
        sim_fault_count(s, c->fault, c->action.type);
        return true;
}

/* The core's own, which ends with it; the rest of a task's unit is the task's (job.h). */
static const struct hv_unit *copy_unit(struct sim *s, const struct hv_unit *u) {
        struct hv_unit *copy;

        if (!u || u->kind != HV_KIND_TASK)
                return u;
        copy = hv_arena_memdup(s->arena, u, sizeof *u);
        copy->key = hv_arena_strdup(s->arena, u->key);
        copy->container = hv_arena_strdup(s->arena, u->container);
        return copy;
}

static const struct hv_task_end *copy_end(struct sim *s, const struct hv_task_end *e) {
        struct hv_task_end *copy = e ? hv_arena_memdup(s->arena, e, sizeof *e) : NULL;

        if (copy)
                copy->message = hv_arena_strdup(s->arena, e->message);
        return copy;
}

static const struct hv_order *copy_order(struct sim *s, const struct hv_order *o) {
        struct hv_order *copy = o ? hv_arena_memdup(s->arena, o, sizeof *o) : NULL;

        if (copy) {
                copy->by = hv_arena_strdup(s->arena, o->by);
                copy->reason = hv_arena_strdup(s->arena, o->reason);
        }
        return copy;
}

static struct sim_call *call_new(struct sim *s, const struct hv_action *a) {
        struct sim_call *c = HV_ARENA_NEW(s->arena, struct sim_call);

        c->action = *a;
        c->action.key = hv_arena_strdup(s->arena, a->key);
        c->action.name = hv_arena_strdup(s->arena, a->name);
        c->action.why = hv_arena_strdup(s->arena, a->why);
        c->action.target = hv_arena_strdup(s->arena, a->target);
        c->action.image = hv_arena_strdup(s->arena, a->image);
        c->action.endpoint = hv_arena_strdup(s->arena, a->endpoint);
        c->action.task_id = hv_arena_strdup(s->arena, a->task_id);
        c->action.gpus = hv_arena_strdup(s->arena, a->gpus);
        c->action.stop_by = hv_arena_strdup(s->arena, a->stop_by);
        c->action.eviction_text = hv_arena_strdup(s->arena, a->eviction_text);
        c->action.unit = copy_unit(s, a->unit);
        c->action.end = copy_end(s, a->end);
        c->action.order = copy_order(s, a->order);
        c->desired = a->desired ? hv_desired_ref((struct hv_desired *) a->desired) : NULL;
        c->lent = a;
        c->core = s->agent->core_number;
        c->issued_us = s->now_us;
        c->issued_word = s->oracle->n_words;
        hv_vec_push(&s->driver->calls, c);
        return c;
}

void sim_driver_issue(struct sim *s, const struct hv_action *a) {
        struct sim_call *c;

        forget_calls_that_are_over(s->driver);
        if (hv_action_is_task(a->type))
                sim_oracle_before_errand(s, a);
        else
                sim_oracle_before_action(s, a);
        if (hv_action_is_look(a->type))
                s->driver->n_looks++;
        else
                s->driver->n_effects++;
        c = call_new(s, a);
        c->fault = sim_fault_for_call(s, a->type);
        c->lost = c->fault == SIM_FAULT_LOST_DONE;
        if (!hv_action_is_task(a->type))
                schedule(s, c);
        sim_trace(s, "action #%" PRIu64 " %s %s [%s] %s%s%s", a->id, hv_action_name(a->type), a->name, a->key,
                  a->why, c->fault < SIM_N_FAULTS ? "  !" : "",
                  c->fault < SIM_N_FAULTS ? sim_fault_name(c->fault) : "");
        if (hv_action_is_task(a->type)) {
                sim_errand_issue(s, c);
                return;
        }
        if (!fails_at_once(s, c))
                sim_at(s, c->work_us, work, c);
        sim_at(s, c->deadline_us, deadline_comes, c);
}

/* ---- disasters ---- */

/* The engine does what it had begun, or never will. */
static void settle(struct sim *s, struct sim_call *c) {
        const struct hv_action *a = &c->action;

        if (c->worked)
                return;
        c->worked = true;
        if (hv_action_is_look(a->type) || sim_chance(s, SIM_CHANCE_FAULT, 500))
                return;
        c->reply = sim_engine_do(s, a, false);
        sim_trace(s, "  effect of #%" PRIu64 " %s %s: %s (nobody will know)", a->id, hv_action_name(a->type),
                  a->name, outcome_name(c->reply.outcome));
}

static void held_comes(struct sim *s, void *arg) {
        struct sim_call *c = arg;

        if (c->worked)
                return;
        c->worked = true;
        if (s->truth->engine_up)
                comes_late(s, c);
}

static void hold_up(struct sim *s, struct sim_call *c) {
        c->held = true;
        sim_after(s, sim_span(s, SIM_CHANCE_FAULT, HV_USEC_PER_SEC, 2 * HV_USEC_PER_MIN), held_comes, c);
}

void sim_driver_agent_died(struct sim *s) {
        sim_errand_agent_died(s);
        for (size_t i = 0; i < s->driver->calls.n; i++) {
                struct sim_call *c = s->driver->calls.v[i];

                c->done = true;
                if (!c->worked && sim_chance(s, SIM_CHANCE_FAULT, 500))
                        c->worked = true; /* it was never sent */
                else if (!c->worked && c->action.type == HV_ACTION_START &&
                         sim_fault_hits(s, SIM_FAULT_START_BETWEEN))
                        hold_up(s, c);
        }
}

void sim_driver_engine_down(struct sim *s) {
        for (size_t i = 0; i < s->driver->calls.n; i++) {
                struct sim_call *c = s->driver->calls.v[i];

                if (hv_action_is_task(c->action.type))
                        continue;
                settle(s, c);
                if (!c->done)
                        connection_breaks(s, c, "the engine went down");
        }
}

void sim_driver_calm(struct sim *s) {
        sim_errand_calm(s);
        for (size_t i = 0; i < s->driver->calls.n; i++) {
                struct sim_call *c = s->driver->calls.v[i];

                if (!hv_action_is_task(c->action.type) && !c->worked &&
                    (c->done || c->work_us > s->now_us + 5 * HV_USEC_PER_SEC))
                        settle(s, c);
        }
}
