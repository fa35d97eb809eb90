/* reconcile/assess.c - what one container needs next, and why. Pure: it reads the state and changes nothing,
 * so the planner acts on the very verdict that status shows.
 *
 *      wanted, nothing there      [pull] create
 *      wanted, made, not started  connect networks, wait for dependencies, start
 *      wanted, runs               limits, networks in place; where an engine cannot: image first, then made anew
 *      wanted, ended              restart policy and back-off decide: start
 *      wanted, another digest     image first, then stop, remove, create
 *      ... and paused by hand     stays as it was made; it is started again where it ended
 *      asked for by hand          assess_order.c
 *      ours, not wanted           stop, remove
 *      not ours                   nothing, ever
 */
#include <stdio.h>

#include "reconcile/mutant.h"
#include "reconcile/state.h"
#include "reconcile/task_state.h"

static struct verdict quiet(enum hv_phase phase, enum hv_reason reason) {
        return (struct verdict){ .phase = phase, .reason = reason, .next_us = HV_TIME_NEVER };
}

static struct verdict act(enum hv_phase phase, enum hv_action_type action, const char *why) {
        return (struct verdict){
                .phase = phase,
                .reason = HV_REASON_PENDING,
                .act = true,
                .action = action,
                .why = why,
                .next_us = HV_TIME_NEVER,
        };
}

/* As act(), but not before the wait after an earlier failure is over. */
struct verdict hv_retry(const struct slot *s, uint64_t now_us, enum hv_phase phase,
                        enum hv_action_type action, const char *why) {
        struct verdict v = act(phase, action, why);
        uint64_t next_us = HV_TIME_NEVER;

        if (s->failure.reason != HV_REASON_SYNCED)
                v.reason = s->failure.reason;
        if (hv_backoff_is_over(&s->failure.backoff, now_us, &next_us) || HV_MUTANT(HV_MUTANT_NO_BACKOFF))
                return v;
        v.act = false;
        v.phase = HV_PHASE_BACK_OFF;
        v.next_us = next_us;
        return v;
}

static struct verdict wait_for(enum hv_reason reason, const char *about) {
        struct verdict v = quiet(HV_PHASE_PENDING, reason);

        v.about = about;
        return v;
}

struct verdict hv_look(const struct slot *s, uint64_t now_us, enum hv_phase phase) {
        struct verdict v = act(phase, HV_ACTION_INSPECT, "not certain");
        uint64_t next_us = HV_TIME_NEVER;

        if (s->look)
                v.act = false;
        else if (!hv_backoff_is_over(&s->look_retry, now_us, &next_us)) {
                v.act = false;
                v.next_us = next_us;
        }
        return v;
}

static struct verdict in_flight(const struct flight *f) {
        switch (f->action.type) {
        case HV_ACTION_CREATE:
        case HV_ACTION_NETWORK_CONNECT:
        case HV_ACTION_NETWORK_DISCONNECT:
                return quiet(HV_PHASE_CREATING, HV_REASON_PENDING);
        case HV_ACTION_STOP:
        case HV_ACTION_REMOVE:
                return quiet(HV_PHASE_STOPPING, HV_REASON_PENDING);
        case HV_ACTION_UPDATE:
                return quiet(HV_PHASE_RUNNING, HV_REASON_PENDING);
        default:
                return quiet(HV_PHASE_STARTING, HV_REASON_PENDING);
        }
}

/* ---- on the way out ---- */

/* Stops and removes; `phase` and `why` say on whose behalf. */
struct verdict hv_clear_away(const struct slot *s, uint64_t now_us, enum hv_phase phase, const char *why) {
        switch (s->have->state) {
        case HV_CONTAINER_RUNNING:
        case HV_CONTAINER_RESTARTING:
                return hv_retry(s, now_us, phase, HV_ACTION_STOP, why);
        case HV_CONTAINER_PAUSED:
                /* A frozen process cannot act on a signal. */
                return hv_retry(s, now_us, phase, HV_ACTION_UNPAUSE, why);
        case HV_CONTAINER_REMOVING: {
                struct verdict v = quiet(phase, HV_REASON_PENDING);

                if (s->retry_at_us <= now_us)
                        return hv_look(s, now_us, phase);
                v.next_us = s->retry_at_us;
                return v;
        }
        default:
                return hv_retry(s, now_us, phase, HV_ACTION_REMOVE, why);
        }
}

static struct verdict assess_orphan(const struct hv_core *c, const struct slot *s, uint64_t now_us) {
        struct verdict v;

        /* Other kinds (tasks) have a life of their own, which is not this planner's. */
        if (s->have && s->have->ours && s->have->kind == HV_KIND_TASK && hv_task_is_left_over(c, s))
                return hv_clear_away(s, now_us, HV_PHASE_ORPHAN, "its end is recorded");
        if (s->have && s->have->ours && hv_task_is_idle_builder(c, s))
                return hv_clear_away(s, now_us, HV_PHASE_ORPHAN,
                                     "its packages are installed, or will not be");
        if (!s->have || !s->have->ours || s->have->kind != HV_KIND_SERVICE) {
                v = quiet(HV_PHASE_ORPHAN, HV_REASON_SYNCED);
                v.in_sync = true;
                return v;
        }
        v = hv_clear_away(s, now_us, HV_PHASE_ORPHAN, "not wanted any more");
        if (v.reason == HV_REASON_PENDING)
                v.reason = HV_REASON_NOT_WANTED;
        return v;
}

/* ---- what a container stands on ---- */

/* A network or volume that is not there yet; NULL when all are. */
static const char *missing_item(const struct hv_core *c, const struct hv_unit *u,
                                enum hv_reason *ret_reason) {
        const struct item *o;

        for (size_t i = 0; !u->network_mode && i < u->n_networks; i++) {
                o = hv_map_get(c->networks, u->networks[i].name);
                if (o && hv_item_is_usable(c, o))
                        continue;
                *ret_reason =
                        o && o->exists && !o->ours ? HV_REASON_NAME_CONFLICT : HV_REASON_WAITING_DEPENDENCY;
                return u->networks[i].name;
        }
        for (size_t i = 0; i < u->n_mounts; i++) {
                if (u->mounts[i].type != HV_MOUNT_VOLUME)
                        continue;
                o = hv_map_get(c->volumes, u->mounts[i].source);
                if (o && hv_item_is_usable(c, o))
                        continue;
                *ret_reason =
                        o && o->exists && !o->ours ? HV_REASON_NAME_CONFLICT : HV_REASON_WAITING_DEPENDENCY;
                return u->mounts[i].source;
        }
        *ret_reason = HV_REASON_WAITING_DEPENDENCY;
        for (size_t i = 0; i < u->n_ports; i++) {
                if (!u->ports[i].address)
                        return u->ports[i].bind;
                if (u->ports[i].tunnel && !hv_tunnel_is_up(c, u->ports[i].tunnel, false))
                        return u->ports[i].tunnel;
        }
        return NULL;
}

bool hv_slot_lacks_item(const struct hv_core *c, const struct slot *s) {
        enum hv_reason reason = HV_REASON_SYNCED;

        return missing_item(c, s->want, &reason);
}

static const struct hv_dependency *unmet_dependency(const struct hv_core *c, const struct hv_unit *u) {
        for (size_t i = 0; i < u->n_depends_on; i++)
                if (!hv_dependency_is_met(c, &u->depends_on[i]))
                        return &u->depends_on[i];
        return NULL;
}

/* The same replica alive under another name (somebody renamed it): two of them must never share a volume. */
static const char *live_twin(const struct hv_core *c, const struct slot *s) {
        const struct slot *other;
        size_t it = 0;

        if (hv_map_size(c->slots) <= c->active->n_units)
                return NULL;
        while (hv_map_next(c->slots, &it, NULL, (void **) &other)) {
                const struct container *k = other->have;

                if (other == s || other->want || !k || !k->ours || k->kind != s->want->kind ||
                    k->replica != s->want->replica || !hv_streq(k->object, s->want->object))
                        continue;
                if (k->state == HV_CONTAINER_RUNNING || k->state == HV_CONTAINER_PAUSED ||
                    k->state == HV_CONTAINER_RESTARTING)
                        return other->name;
        }
        return NULL;
}

/* ---- made of another specification ---- */

/* Engines change a limit in place, and take back the one on pids; a limit on memory or CPU that should be none at all needs
 * a new container (Docker 20.10 to 28: 0 means "leave it", -1 is refused). */
static const char *needs_new_container(const struct container *k, const struct hv_unit *u) {
        if (!k->ours)
                return "adopted";
        if (!hv_streq(k->digest, u->digest) && !HV_MUTANT(HV_MUTANT_WRONG_DIGEST_ADOPTED))
                return "spec changed";
        if (k->detailed && ((u->limits.memory_bytes == 0 && k->limits.memory_bytes != 0) ||
                            (u->limits.nano_cpus == 0 && k->limits.nano_cpus != 0)))
                return "a limit cannot be taken away in place";
        return NULL;
}

static bool limits_differ(const struct hv_core *c, const struct slot *s) {
        struct hv_limits wanted = hv_caps_limits(c, s->want);

        if (HV_MUTANT(HV_MUTANT_LOST_UPDATE))
                return false;
        return s->have->restart_policy_set || !hv_limits_equal(&s->have->limits, &wanted);
}

/* An engine that changes nothing in place makes a container anew, with the limits that are wanted. But not one that was made
 * here with just these: what shows others then would do so again. */
static bool must_be_made_anew(const struct hv_core *c, const struct slot *s) {
        struct hv_limits wanted = hv_caps_limits(c, s->want);

        if (!c->engine.no_update || !s->have->detailed || !limits_differ(c, s))
                return false;
        return !hv_streq(s->made_id, s->have->id) || !hv_limits_equal(&s->made_limits, &wanted);
}

bool hv_slot_is_paused(const struct hv_core *c, const struct slot *s) {
        return s->have && s->have->ours && hv_order_to_pause(c, s) &&
               (needs_new_container(s->have, s->want) || must_be_made_anew(c, s));
}

/* ---- networks of a container ---- */

static const char *network_id(const struct hv_core *c, const char *name) {
        const struct item *o = hv_map_get(c->networks, name);

        return o ? o->id : NULL;
}

static bool is_wanted_network(const struct hv_unit *u, const char *name) {
        for (size_t i = 0; i < u->n_networks; i++)
                if (hv_streq(u->networks[i].name, name))
                        return true;
        return false;
}

/* True when *ret is the change of networks that is due. */
bool hv_assess_networks(const struct hv_core *c, const struct slot *s, uint64_t now_us, enum hv_phase phase,
                        struct verdict *ret) {
        const struct hv_unit *u = s->want;
        const struct container *k = s->have;

        if (u->network_mode)
                return false;
        for (size_t i = 0; i < k->endpoints.n; i++) {
                const struct endpoint *e = &k->endpoints.v[i];
                const struct item *o = hv_map_get(c->networks, e->network);
                const char *id = network_id(c, e->network);
                /* A network with another digest is on its way out: whoever sits on it must get off first. */
                bool stale = o && hv_item_is_outdated(c, o);
                bool gone = !hv_str_empty(e->network_id) && id && !hv_streq(e->network_id, id);

                if ((is_wanted_network(u, e->network) || hv_slot_is_paused(c, s)) && !stale && !gone)
                        continue;
                *ret = hv_retry(s, now_us, phase, HV_ACTION_NETWORK_DISCONNECT,
                                stale || gone ? "the network is made anew" : "not one of its networks");
                ret->about = e->network;
                return true;
        }
        for (size_t i = 0; i < u->n_networks; i++) {
                const struct item *o = hv_map_get(c->networks, u->networks[i].name);

                if (hv_container_endpoint(k, u->networks[i].name))
                        continue;
                if (!o || !hv_item_is_usable(c, o))
                        *ret = wait_for(HV_REASON_WAITING_DEPENDENCY, u->networks[i].name);
                else
                        *ret = hv_retry(s, now_us, phase, HV_ACTION_NETWORK_CONNECT, "network is missing");
                ret->phase = phase;
                ret->about = u->networks[i].name;
                return true;
        }
        return false;
}

/* ---- wanted ---- */

struct verdict hv_assess_creation(const struct hv_core *c, const struct slot *s, uint64_t now_us) {
        const struct image *i = hv_map_get(c->images, s->want->image);
        enum hv_reason reason = HV_REASON_SYNCED;
        const char *item = missing_item(c, s->want, &reason);
        struct verdict v;

        if (item)
                return wait_for(reason, item);
        if (c->gpus.is_told && s->want->n_gpus && !s->gpus)
                return wait_for(HV_REASON_WAITING_GPU, NULL);
        if (s->want->pull_policy == HV_PULL_ALWAYS || (i && i->state == IMAGE_MISSING)) {
                v = hv_assess_image(c, i, s->want, s->needs_pull, now_us);
                if (!v.in_sync)
                        return v;
        }
        return hv_retry(s, now_us, HV_PHASE_CREATING, HV_ACTION_CREATE, "missing");
}

static struct verdict assess_replace(const struct hv_core *c, const struct slot *s, uint64_t now_us,
                                     const char *why) {
        const struct image *i = hv_map_get(c->images, s->want->image);
        enum hv_reason reason = HV_REASON_SYNCED;
        const char *item = missing_item(c, s->want, &reason);
        struct verdict v;

        /* Nothing that runs is stopped before all that its successor needs is there. A network that is itself
         * being replaced does not count: it waits for this very container to leave. */
        if (item && !(hv_map_get(c->networks, item) && ((struct item *) hv_map_get(c->networks, item))->ours))
                return wait_for(reason, item);
        if (c->gpus.is_told && s->want->n_gpus && !s->have->gpus && !s->gpus)
                return wait_for(HV_REASON_WAITING_GPU, NULL);
        v = hv_assess_image(c, i, s->want, s->needs_pull, now_us);
        if (!v.in_sync)
                return v;
        return hv_clear_away(s, now_us, HV_PHASE_STOPPING, why);
}

/* Where its slice was given a lower cap while it did not run, the kernel would refuse to start it as it is. */
static bool exceeds_slice(const struct hv_core *c, const struct slot *s) {
        struct hv_limits wanted = hv_caps_limits(c, s->want);

        return s->have->detailed && !c->engine.no_update && wanted.nano_cpus < s->want->limits.nano_cpus &&
               s->have->limits.nano_cpus > wanted.nano_cpus;
}

static struct verdict start(const struct hv_core *c, const struct slot *s, uint64_t now_us, const char *why) {
        if (exceeds_slice(c, s))
                return hv_retry(s, now_us, HV_PHASE_STARTING, HV_ACTION_UPDATE, "limits differ");
        return hv_retry(s, now_us, HV_PHASE_STARTING, HV_ACTION_START, why);
}

/* True when *ret is what one that ran waits for before it is started again, or what is done to it first. */
bool hv_assess_before_start(const struct hv_core *c, const struct slot *s, uint64_t now_us,
                            enum hv_phase phase, struct verdict *ret) {
        const char *twin;

        if (hv_assess_networks(c, s, now_us, phase, ret))
                return true;
        twin = live_twin(c, s);
        if (twin)
                *ret = wait_for(HV_REASON_WAITING_DEPENDENCY, twin);
        else if (exceeds_slice(c, s))
                *ret = hv_retry(s, now_us, phase, HV_ACTION_UPDATE, "limits differ");
        else
                return false;
        return true;
}

static struct verdict assess_start(const struct hv_core *c, const struct slot *s, uint64_t now_us) {
        const struct hv_dependency *d = unmet_dependency(c, s->want);
        const char *twin;
        struct verdict v;

        if (!s->have->detailed) /* its limits may say that it has to be made anew */
                return hv_look(s, now_us, HV_PHASE_CREATING);
        if (hv_gpus_are_anothers(c, s)) /* a create that was given up came true after they were given away */
                return hv_clear_away(s, now_us, HV_PHASE_STOPPING, "its GPU is another's by now");
        if (hv_assess_networks(c, s, now_us, HV_PHASE_CREATING, &v))
                return v;
        if (d)
                return wait_for(HV_REASON_WAITING_DEPENDENCY, d->name);
        twin = live_twin(c, s);
        if (twin)
                return wait_for(HV_REASON_WAITING_DEPENDENCY, twin);
        return start(c, s, now_us, "made, not started");
}

static const char no_change_in_place[] = "this engine changes no limits in place";

struct verdict hv_assess_running(const struct hv_core *c, const struct slot *s, uint64_t now_us) {
        bool differs = limits_differ(c, s) && !hv_slot_is_paused(c, s);
        struct verdict v;

        if (!s->have->detailed)
                v = hv_look(s, now_us, HV_PHASE_RUNNING);
        else if (differs && c->engine.no_update)
                v = quiet(HV_PHASE_RUNNING, HV_REASON_UPDATE_FAILED);
        else if (differs)
                v = hv_retry(s, now_us, HV_PHASE_RUNNING, HV_ACTION_UPDATE, "limits differ");
        else if (!hv_assess_networks(c, s, now_us, HV_PHASE_RUNNING, &v)) {
                v = quiet(HV_PHASE_RUNNING, HV_REASON_SYNCED);
                v.in_sync = true;
        }
        v.ready = true;
        return v;
}

/* As its policy says it stays so, whatever becomes of what it stood on. Of one that was not looked at nothing is certain yet. */
bool hv_slot_is_finished(const struct hv_core *c, const struct slot *s) {
        if (s->have->state != HV_CONTAINER_EXITED || s->stopped_by_us || hv_order_to_restart(c, s))
                return false;
        return s->want->restart == HV_RESTART_NEVER ||
               (s->want->restart == HV_RESTART_ON_FAILURE && (!s->have->detailed || s->have->exit_code == 0));
}

static struct verdict finished(const struct slot *s) {
        bool clean = s->have->exit_code == 0;
        struct verdict v = quiet(clean ? HV_PHASE_COMPLETED : HV_PHASE_FAILED, HV_REASON_EXITED);

        v.in_sync = true;
        return v;
}

static struct verdict assess_ended(const struct hv_core *c, const struct slot *s, uint64_t now_us) {
        uint64_t next_us = HV_TIME_NEVER;
        bool is_restart = hv_order_to_restart(c, s) != NULL;
        struct verdict v;

        if (!s->have->detailed)
                return hv_look(s, now_us, HV_PHASE_PENDING);
        if (s->stopped_by_us && must_be_made_anew(c, s) && !hv_order_to_pause(c, s))
                return assess_replace(c, s, now_us, no_change_in_place);
        if (hv_slot_is_finished(c, s))
                return finished(s);
        if (!is_restart && !hv_backoff_is_over(&s->restart, now_us, &next_us)) {
                v = quiet(HV_PHASE_BACK_OFF, s->last_oom_killed ? HV_REASON_OOM_KILLED : HV_REASON_BACK_OFF);
                v.next_us = next_us;
                v.why = "ended";
                return v;
        }
        if (hv_assess_before_start(c, s, now_us, HV_PHASE_STARTING, &v))
                return v;
        return start(c, s, now_us, is_restart ? hv_why_restart : s->stopped_by_us ? "wanted again" : "ended");
}

/* What runs without its GPU looks healthy and does nothing. The engine gives a container its devices when it is made. */
static struct verdict assess_gpu_fault(const struct hv_core *c, const struct slot *s, uint64_t now_us) {
        struct verdict v = quiet(HV_PHASE_BACK_OFF, HV_REASON_GPU_LOST);
        uint64_t next_us = HV_TIME_NEVER;

        if (hv_backoff_is_over(&s->restart, now_us, &next_us))
                v = assess_replace(c, s, now_us, "it lost its GPU");
        else
                v.next_us = next_us;
        if (v.reason == HV_REASON_PENDING)
                v.reason = HV_REASON_GPU_LOST;
        return v;
}

static struct verdict assess_state(const struct hv_core *c, const struct slot *s, uint64_t now_us) {
        switch (s->have->state) {
        case HV_CONTAINER_CREATED:
                return assess_start(c, s, now_us);
        case HV_CONTAINER_RUNNING:
        case HV_CONTAINER_RESTARTING:
                if (must_be_made_anew(c, s) && !hv_order_to_pause(c, s))
                        return assess_replace(c, s, now_us, no_change_in_place);
                return hv_assess_running(c, s, now_us);
        case HV_CONTAINER_PAUSED:
                /* Its limits may say that it has to go: woken up first, it would run for nothing. */
                if (!s->have->detailed)
                        return hv_look(s, now_us, HV_PHASE_STARTING);
                return hv_retry(s, now_us, HV_PHASE_STARTING, HV_ACTION_UNPAUSE, "paused by somebody");
        case HV_CONTAINER_EXITED:
                return assess_ended(c, s, now_us);
        default:
                return hv_clear_away(s, now_us, HV_PHASE_STOPPING, "dead");
        }
}

/* While it waits for its turn all else goes on: what it waits for, or another replica, may be done by that alone. */
static struct verdict assess_with_restart(const struct hv_core *c, const struct slot *s, uint64_t now_us) {
        struct verdict v = assess_state(c, s, now_us), wait;

        if (!hv_container_is_up(s->have) || !hv_order_to_restart(c, s))
                return v;
        if (must_be_made_anew(c, s) && !hv_order_to_pause(c, s))
                return v; /* it is made anew and not restarted */
        if (!hv_restart_is_put_off(c, s, now_us, &wait))
                return hv_clear_away(s, now_us, HV_PHASE_STOPPING, hv_why_restart);
        if (v.in_sync)
                v = wait;
        v.puts_off_restart = true;
        return v;
}

/* It is in sync as it is, whatever else its document says. */
static struct verdict assess_paused(const struct hv_core *c, const struct slot *s, uint64_t now_us) {
        struct verdict v = assess_with_restart(c, s, now_us);

        if (v.in_sync && v.reason == HV_REASON_SYNCED)
                v.reason = HV_REASON_ROLLOUT_PAUSED;
        return v;
}

static struct verdict assess_wanted(const struct hv_core *c, const struct slot *s, uint64_t now_us) {
        const struct container *k = s->have;
        const char *why;

        if (hv_order_to_stop(c, s))
                return hv_assess_stopped(s, now_us);
        if (!k)
                return hv_assess_creation(c, s, now_us);
        if (!k->ours && !s->want->adopt && !HV_MUTANT(HV_MUTANT_FOREIGN_REMOVED))
                return wait_for(HV_REASON_NAME_CONFLICT, s->name);
        if (hv_slot_is_paused(c, s))
                return assess_paused(c, s, now_us);
        why = needs_new_container(k, s->want);
        if (why)
                return assess_replace(c, s, now_us, why);
        if (hv_slot_has_gpu_fault(s) && !hv_slot_is_finished(c, s))
                return assess_gpu_fault(c, s, now_us);
        return assess_with_restart(c, s, now_us);
}

/* What is in sync stays so while its details are read again, or status would flicker at every resync. */
static struct verdict assess_audited(const struct hv_core *c, const struct slot *s, uint64_t now_us) {
        struct verdict known = s->want ? assess_wanted(c, s, now_us) : assess_orphan(c, s, now_us);
        struct verdict v = hv_look(s, now_us, s->phase);

        if (!known.in_sync)
                return v;
        known.act = v.act;
        known.action = v.action;
        known.why = v.why;
        known.next_us = HV_MIN(known.next_us, v.next_us);
        return known;
}

struct verdict hv_assess_slot(const struct hv_core *c, const struct slot *s, uint64_t now_us) {
        struct verdict v;
        bool on_slot;

        if (s->task)
                return hv_assess_task(c, s->task, now_us, &on_slot);
        if (s->want && s->want->suspended) {
                v = quiet(HV_PHASE_SUSPENDED, HV_REASON_SUSPENDED);
                v.in_sync = true;
                return v;
        }
        if (s->effect && !HV_MUTANT(HV_MUTANT_TWO_EFFECTS))
                return in_flight(s->effect);
        if (hv_order_to_hold(c, s))
                return hv_assess_held(s, now_us);
        if (s->doubt)
                return s->audited ? assess_audited(c, s, now_us) : hv_look(s, now_us, s->phase);
        return s->want ? assess_wanted(c, s, now_us) : assess_orphan(c, s, now_us);
}

/* ---- dependencies ---- */

static bool replica_meets(const struct hv_core *c, const struct slot *s, enum hv_condition_wanted condition) {
        const struct container *k = s ? s->have : NULL;

        if (!k || !k->ours || (s->doubt && !s->audited) || s->effect ||
            (!hv_streq(k->digest, s->want->digest) && !hv_order_to_pause(c, s)))
                return false;
        if (condition == HV_WANT_COMPLETED)
                return k->state == HV_CONTAINER_EXITED && k->detailed && k->exit_code == 0;
        return k->state == HV_CONTAINER_RUNNING;
}

/* The first unit of an object: units are sorted by "kind/object/replica". */
static size_t first_unit(const struct hv_desired *d, const char *prefix, size_t len) {
        size_t low = 0, high = d->n_units;

        while (low < high) {
                size_t mid = (low + high) / 2;

                if (strncmp(d->units[mid].key, prefix, len) < 0)
                        low = mid + 1;
                else
                        high = mid;
        }
        return low;
}

bool hv_dependency_is_met(const struct hv_core *c, const struct hv_dependency *d) {
        const struct hv_desired *a = c->active;
        char prefix[300];
        bool any = false;
        size_t len;

        if (d->kind == HV_KIND_TASK)
                return hv_task_dependency_is_met(c, d);
        if (d->kind == HV_KIND_WIREGUARD)
                return hv_tunnel_is_up(c, d->name, d->condition == HV_WANT_HEALTHY);
        (void) snprintf(prefix, sizeof prefix, "%s/%s/", hv_kind_label(d->kind), d->name);
        len = strlen(prefix);
        for (size_t i = first_unit(a, prefix, len); i < a->n_units; i++) {
                if (strncmp(a->units[i].key, prefix, len) != 0)
                        break;
                if (!replica_meets(c, hv_map_get(c->slots, a->units[i].container), d->condition))
                        return false;
                any = true;
        }
        return any;
}
