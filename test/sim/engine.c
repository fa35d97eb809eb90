/* engine.c - see engine.h. */
#include "sim/engine.h"

#include "sim/agent.h"
#include "sim/attempt.h"
#include "sim/driver.h"
#include "sim/gpu.h"
#include "sim/ledger.h"
#include "sim/sim.h"
#include "sim/stream.h"

static struct sim_reply ok(void) {
        return (struct sim_reply){ .outcome = HV_OUTCOME_OK };
}

static struct sim_reply answer(enum hv_outcome outcome, const char *message) {
        return (struct sim_reply){ .outcome = outcome, .message = message };
}

/* ---- networks, volumes, images ---- */

static struct sim_reply do_network_create(struct sim *s, const struct hv_network *n) {
        if (sim_network_find(s, n->name))
                return answer(HV_OUTCOME_CONFLICT, "network with that name already exists");
        return (struct sim_reply){
                .outcome = HV_OUTCOME_OK,
                .created_id = sim_network_add(s, n->name, n->driver, SIM_OWNER_NODE, n->digest)->id,
        };
}

static struct sim_reply do_network_remove(struct sim *s, const char *id) {
        struct sim_network *n = sim_network_find(s, id);

        if (!n)
                return answer(HV_OUTCOME_NOT_FOUND, "no such network");
        if (sim_network_is_used(s, n))
                return answer(HV_OUTCOME_REFUSED, "network has active endpoints");
        sim_network_remove(s, n);
        return ok();
}

/* The engine itself answers 201 for a volume that exists. The reply shows its labels, and the driver turns another
 * owner's volume, or one with another digest, into a conflict. */
static struct sim_reply do_volume_create(struct sim *s, const struct hv_volume *w) {
        const struct sim_volume *v = sim_volume_find(s, w->name);

        if (v && (v->owner != SIM_OWNER_NODE || !hv_streq(v->digest, w->digest)))
                return answer(HV_OUTCOME_CONFLICT, "a volume of that name exists");
        if (!v)
                (void) sim_volume_add(s, w->name, w->driver, SIM_OWNER_NODE, w->digest, w->reclaim_delete);
        return (struct sim_reply){ .outcome = HV_OUTCOME_OK, .created_id = w->name };
}

static struct sim_reply do_volume_remove(struct sim *s, const char *name) {
        struct sim_volume *v = sim_volume_find(s, name);

        if (!v)
                return answer(HV_OUTCOME_NOT_FOUND, "no such volume");
        if (sim_volume_is_used(s, v))
                return answer(HV_OUTCOME_CONFLICT, "volume is in use");
        sim_volume_remove(s, v);
        return ok();
}

static struct sim_reply do_pull(struct sim *s, const char *ref) {
        if (sim_fault_hits(s, SIM_FAULT_PULL_ERROR))
                return answer(HV_OUTCOME_FAILED, "toomanyrequests: you have reached your pull rate limit");
        if (sim_fault_hits(s, SIM_FAULT_PULL_DENIED))
                return answer(HV_OUTCOME_DENIED, "unauthorized: authentication required");
        if (sim_fault_hits(s, SIM_FAULT_PULL_UNKNOWN))
                return answer(HV_OUTCOME_NOT_FOUND, "manifest unknown");
        sim_image_set(s, sim_image_get(s, ref), true);
        return ok();
}

/* ---- containers ---- */

static struct sim_reply do_create(struct sim *s, const struct hv_unit *u, const char *gpus) {
        struct sim_image *image = sim_image_get(s, u->image);
        struct sim_container *k;

        if (sim_fault_hits(s, SIM_FAULT_IMAGE_DELETED))
                sim_image_set(s, image, false);
        if (!image->present)
                return answer(HV_OUTCOME_NOT_FOUND, "no such image");
        if (sim_container_find(s, u->container))
                return answer(HV_OUTCOME_CONFLICT, "the container name is already in use");
        k = sim_container_add(s, u->container, SIM_OWNER_NODE);
        k->kind = u->kind;
        k->object = hv_arena_strdup(s->arena, u->object);
        k->replica = u->replica;
        k->digest = hv_arena_strdup(s->arena, u->digest);
        k->image = u->image;
        k->limits = u->limits;
        k->gpus = gpus;
        k->n_gpus = u->n_gpus;
        k->gpu_memory_bytes = u->gpu_memory_bytes;
        if (!u->network_mode && u->n_networks > 0)
                k->networks[k->n_networks++] = u->networks[0].name;
        for (size_t i = 0; i < u->n_mounts; i++) {
                if (u->mounts[i].type != HV_MOUNT_VOLUME)
                        continue; /* a workspace is attempt.h's, memory is nobody's */
                k->volumes[k->n_volumes++] = u->mounts[i].source;
                if (!sim_volume_find(s, u->mounts[i].source))
                        (void) sim_volume_add(s, u->mounts[i].source, "local", SIM_OWNER_STRANGER, NULL,
                                              false);
        }
        sim_container_made(s, k);
        return (struct sim_reply){ .outcome = HV_OUTCOME_OK, .created_id = k->id };
}

static void is_killed(struct sim *s, void *arg) {
        (void) arg;
        if (sim_chance(s, SIM_CHANCE_FAULT, 500))
                sim_agent_crash(s, sim_span(s, SIM_CHANCE_AGENT, 100000, HV_USEC_PER_MIN));
        sim_engine_restart(s, false, sim_span(s, SIM_CHANCE_FAULT, 500000, 3 * HV_USEC_PER_MIN));
}

static void was_started(struct sim *s, struct sim_container *k) {
        const struct sim_promise *p = k->kind == HV_KIND_TASK ? sim_ledger_find(s, k->object) : NULL;

        k->was_started_by_hivelet = true;
        k->promise = p ? p->order : 0;
}

/* Seen of dockerd: it says "created" of what ran until it was killed, before it had written down that it runs. */
static struct sim_reply start_and_forget(struct sim *s, struct sim_container *k) {
        sim_trace(s, "  %s runs, the engine is killed and forgets it", k->name);
        was_started(s, k);
        sim_attempt_started(s, k);
        sim_after(s, 0, is_killed, NULL);
        return ok();
}

static struct sim_reply do_start(struct sim *s, struct sim_container *k, bool half) {
        switch (k->state) {
        case HV_CONTAINER_RUNNING:
                return answer(HV_OUTCOME_NOT_MODIFIED, NULL);
        case HV_CONTAINER_PAUSED:
                return answer(HV_OUTCOME_CONFLICT, "cannot start a paused container, try unpause instead");
        case HV_CONTAINER_REMOVING:
        case HV_CONTAINER_DEAD:
                return answer(HV_OUTCOME_CONFLICT, "container is marked for removal and cannot be started");
        default:
                break;
        }
        for (unsigned i = 0; i < k->n_networks; i++)
                if (!sim_network_find(s, k->networks[i])) {
                        sim_container_start_failed(s, k, "network not found");
                        return answer(HV_OUTCOME_NOT_FOUND, "network not found");
                }
        k->is_touched |= !sim_attempt_is_withheld(s, k);
        if (half) {
                sim_container_start_failed(s, k, "OCI runtime create failed");
                return answer(HV_OUTCOME_FAILED, "OCI runtime create failed");
        }
        if (sim_attempt_is_withheld(s, k)) {
                sim_container_start_failed(s, k, "bind source path does not exist");
                return answer(HV_OUTCOME_REFUSED, "bind source path does not exist");
        }
        if (k->kind == HV_KIND_TASK && sim_fault_hits(s, SIM_FAULT_BAD_PROGRAM)) {
                sim_container_start_failed(s, k, "exec: no such file or directory");
                return answer(HV_OUTCOME_REFUSED, "exec: no such file or directory");
        }
        if (k->kind == HV_KIND_TASK && k->state == HV_CONTAINER_CREATED &&
            sim_fault_hits(s, SIM_FAULT_START_FORGOTTEN))
                return start_and_forget(s, k);
        sim_container_run(s, k);
        k->run_is_hivelets = true;
        was_started(s, k);
        k->n_runs_of_others--;
        if (k->kind == HV_KIND_TASK)
                sim_attempt_started(s, k);
        else
                sim_gpus_started(s, k);
        return ok();
}

static struct sim_reply do_stop(struct sim *s, struct sim_container *k) {
        static const int exit_codes[] = { 0, 143, 137, 1 };

        if (k->state == HV_CONTAINER_REMOVING)
                return answer(HV_OUTCOME_CONFLICT, "container is marked for removal");
        if (!sim_container_is_up(k))
                return answer(HV_OUTCOME_NOT_MODIFIED, NULL);
        if (k->kind == HV_KIND_TASK)
                sim_try_get(s, k->object, k->replica)->was_ended_by_hivelet = true;
        sim_container_end(s, k, exit_codes[sim_below(s, SIM_CHANCE_LIFE, HV_ARRAY_SIZE(exit_codes))], false);
        sim_stream_emit_container(s, k, "stop");
        return ok();
}

static struct sim_reply do_remove(struct sim *s, struct sim_container *k) {
        if (k->state == HV_CONTAINER_REMOVING)
                return answer(HV_OUTCOME_CONFLICT, "removal of the container is already in progress");
        if (sim_container_is_up(k))
                return answer(HV_OUTCOME_CONFLICT, "you cannot remove a running container");
        if (k->kind == HV_KIND_TASK)
                sim_attempt_removed(s, k);
        sim_container_remove(s, k);
        return ok();
}

static struct sim_reply do_connect(struct sim *s, struct sim_container *k, const char *network) {
        if (!sim_network_find(s, network))
                return answer(HV_OUTCOME_NOT_FOUND, "network not found");
        if (k->state == HV_CONTAINER_REMOVING || k->state == HV_CONTAINER_DEAD)
                return answer(HV_OUTCOME_CONFLICT, "container is marked for removal and cannot be connected");
        if (sim_container_is_on(k, network))
                return answer(HV_OUTCOME_REFUSED, "endpoint with that name already exists in the network");
        sim_container_join(s, k, network);
        return ok();
}

static struct sim_reply do_disconnect(struct sim *s, struct sim_container *k, const char *network) {
        if (sim_container_is_up(k) && !sim_network_find(s, network))
                return answer(HV_OUTCOME_NOT_FOUND, "network not found");
        if (!sim_container_is_on(k, network))
                return answer(HV_OUTCOME_FAILED, "container is not connected to the network");
        sim_container_leave(s, k, network);
        return ok();
}

static struct sim_reply do_update(struct sim *s, struct sim_container *k, const struct hv_limits *limits) {
        struct hv_limits now = k->limits;

        if (!s->truth->has_update)
                return answer(HV_OUTCOME_UNSUPPORTED, "404 page not found");
        if (k->state == HV_CONTAINER_REMOVING || k->state == HV_CONTAINER_DEAD)
                return answer(HV_OUTCOME_CONFLICT, "container is marked for removal and cannot be updated");
        /* 0 is "leave it" for memory and CPU; only the limit on pids can be taken away (20.10 to 28). */
        if (limits->memory_bytes)
                now.memory_bytes = limits->memory_bytes;
        if (limits->nano_cpus)
                now.nano_cpus = limits->nano_cpus;
        now.pids = limits->pids;
        sim_container_update(s, k, &now, false);
        return ok();
}

static struct sim_reply do_unpause(struct sim *s, struct sim_container *k) {
        if (k->state != HV_CONTAINER_PAUSED)
                return answer(HV_OUTCOME_CONFLICT, "container is not paused");
        sim_container_pause(s, k, false);
        return ok();
}

static struct sim_reply do_on_container(struct sim *s, const struct hv_action *a, bool half) {
        struct sim_container *k = sim_container_find(s, a->target);

        if (!k)
                return answer(HV_OUTCOME_NOT_FOUND, "no such container");
        switch (a->type) {
        case HV_ACTION_START:
                return do_start(s, k, half);
        case HV_ACTION_STOP:
                return do_stop(s, k);
        case HV_ACTION_UNPAUSE:
                return do_unpause(s, k);
        case HV_ACTION_REMOVE:
                return do_remove(s, k);
        case HV_ACTION_UPDATE:
                return do_update(s, k, &a->limits);
        case HV_ACTION_NETWORK_CONNECT:
                return do_connect(s, k, a->endpoint);
        default:
                return do_disconnect(s, k, a->endpoint);
        }
}

struct sim_reply sim_engine_do(struct sim *s, const struct hv_action *a, bool half) {
        struct sim_reply reply;

        switch (a->type) {
        case HV_ACTION_CONNECT:
                sim_stream_open(s);
                return ok();
        case HV_ACTION_INSPECT_IMAGE:
                return sim_image_get(s, a->image)->present ? ok()
                                                           : answer(HV_OUTCOME_NOT_FOUND, "no such image");
        case HV_ACTION_PULL:
                reply = do_pull(s, a->image);
                break;
        case HV_ACTION_NETWORK_CREATE:
                reply = do_network_create(s, a->network);
                break;
        case HV_ACTION_NETWORK_REMOVE:
                reply = do_network_remove(s, a->target);
                break;
        case HV_ACTION_VOLUME_CREATE:
                reply = do_volume_create(s, a->volume);
                break;
        case HV_ACTION_VOLUME_REMOVE:
                reply = do_volume_remove(s, a->target);
                break;
        case HV_ACTION_CREATE:
                reply = do_create(s, a->unit, a->gpus);
                break;
        default:
                reply = do_on_container(s, a, half);
        }
        if (half && reply.outcome == HV_OUTCOME_OK)
                reply = answer(HV_OUTCOME_FAILED, "internal server error");
        return reply;
}

/* ---- the daemon itself ---- */

static void comes_back(struct sim *s, void *arg) {
        (void) arg;
        if (s->truth->engine_up)
                return;
        s->truth->engine_up = true;
        if (sim_fault_hits(s, SIM_FAULT_ENGINE_HANG)) /* it has bound its socket and is still restoring */
                s->truth->hangs_until_us =
                        s->now_us + sim_span(s, SIM_CHANCE_LATENCY, 100000, 30 * HV_USEC_PER_SEC);
        sim_trace(s, "ENGINE is back");
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                struct sim_container *k = s->truth->containers.v[i];

                if (k->exists && k->restart_policy && k->state == HV_CONTAINER_EXITED &&
                    !sim_attempt_is_withheld(s, k))
                        sim_container_run(s, k);
        }
}

void sim_engine_restart(struct sim *s, bool live, uint64_t down_us) {
        if (!s->truth->engine_up)
                return;
        sim_trace(s, "ENGINE goes down%s", live ? ", containers live on" : "");
        s->truth->n_foreign_changes++;
        sim_driver_engine_down(s);
        s->truth->engine_up = false;
        sim_stream_cut(s, "the engine went down");
        for (size_t i = 0; i < s->truth->containers.n; i++)
                if (!live && sim_container_is_up(s->truth->containers.v[i]))
                        sim_container_end(s, s->truth->containers.v[i], 137, false);
        sim_after(s, down_us, comes_back, NULL);
}

void sim_engine_heal(struct sim *s) {
        s->truth->hangs_until_us = 0;
        comes_back(s, NULL);
}
