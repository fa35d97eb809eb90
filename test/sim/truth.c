/* truth.c - see truth.h. */
#include "sim/truth.h"

#include "sim/attempt.h"
#include "sim/desk.h"
#include "sim/sim.h"
#include "sim/stream.h"

struct sim_truth *sim_truth_new(struct sim *s) {
        struct sim_truth *t = HV_ARENA_NEW(s->arena, struct sim_truth);

        t->engine_up = true;
        t->has_update = !sim_chance(s, SIM_CHANCE_SWARM, 125);
        t->tick = 1; /* 0 is: never */
        return t;
}

void sim_truth_done(struct sim_truth *t) {
        hv_vec_done(&t->containers);
        hv_vec_done(&t->networks);
        hv_vec_done(&t->volumes);
        hv_vec_done(&t->images);
}

/* 64 digits as in the engine, the first eight the same for all: who compares prefixes only is found out. */
static const char *new_id(struct sim *s) {
        return sim_text(s, "c0ffee00%016" PRIx64 "%040" PRIx64, hv_rng_next(&s->chance[SIM_CHANCE_IDS]),
                        ++s->truth->tick);
}

static void changed(struct sim *s, struct sim_container *k, const char *event) {
        k->tick_before = k->tick;
        k->tick = ++s->truth->tick;
        sim_stream_emit_container(s, k, event);
}

/* ---- containers ---- */

struct sim_container *sim_container_add(struct sim *s, const char *name, enum sim_owner owner) {
        struct sim_container *k = HV_ARENA_NEW(s->arena, struct sim_container);

        k->id = new_id(s);
        k->name = hv_arena_strdup(s->arena, name);
        k->owner = owner;
        k->kind = HV_KIND_SERVICE;
        k->image = "docker.io/library/other:1";
        k->exists = true;
        k->state = HV_CONTAINER_CREATED;
        k->error = "";
        hv_vec_push(&s->truth->containers, k);
        return k;
}

struct sim_container *sim_container_find(const struct sim *s, const char *id_or_name) {
        for (size_t i = s->truth->containers.n; i-- > 0;) {
                struct sim_container *k = s->truth->containers.v[i];

                if (k->exists && (hv_streq(k->id, id_or_name) || hv_streq(k->name, id_or_name)))
                        return k;
        }
        return NULL;
}

struct sim_container *sim_container_by_id(const struct sim *s, const char *id) {
        for (size_t i = s->truth->containers.n; i-- > 0;)
                if (hv_streq(s->truth->containers.v[i]->id, id))
                        return s->truth->containers.v[i];
        return NULL;
}

void sim_container_made(struct sim *s, struct sim_container *k) {
        k->detail_tick = ++s->truth->tick;
        changed(s, k, "create");
}

bool sim_container_is_up(const struct sim_container *k) {
        return k->exists && (k->state == HV_CONTAINER_RUNNING || k->state == HV_CONTAINER_PAUSED);
}

/* ---- how long a process lives ---- */

struct life {
        struct sim_container *container;
        unsigned run;
        int exit_code;
        bool oom_killed;
};

static void life_ends(struct sim *s, void *arg) {
        const struct life *l = arg;

        if (s->calm || !sim_container_is_up(l->container) || l->container->run != l->run)
                return;
        s->truth->n_foreign_changes++;
        sim_container_end(s, l->container, l->exit_code, l->oom_killed);
        l->container->ended_by_itself = true;
}

static void life_begins(struct sim *s, struct sim_container *k) {
        static const int exit_codes[] = { 0, 0, 1, 2, 127, 255 };
        struct life life = { .container = k, .run = k->run };
        uint64_t span_us;

        life.exit_code = exit_codes[sim_below(s, SIM_CHANCE_LIFE, HV_ARRAY_SIZE(exit_codes))];
        if (sim_fault_hits(s, SIM_FAULT_EXIT_AT_ONCE)) {
                span_us = sim_span(s, SIM_CHANCE_LIFE, 1, 200 * HV_USEC_PER_MSEC);
        } else if (sim_fault_hits(s, SIM_FAULT_EXIT_OOM)) {
                span_us = sim_span(s, SIM_CHANCE_LIFE, HV_USEC_PER_SEC, 10 * HV_USEC_PER_MIN);
                life.exit_code = 137;
                life.oom_killed = true;
        } else if (sim_fault_hits(s, SIM_FAULT_EXIT_LATER)) {
                span_us = sim_span(s, SIM_CHANCE_LIFE, HV_USEC_PER_SEC, 20 * HV_USEC_PER_MIN);
        } else {
                return;
        }
        sim_after(s, span_us, life_ends, hv_arena_memdup(s->arena, &life, sizeof life));
}

static const char *network_id(const struct sim *s, const char *name) {
        const struct sim_network *n = sim_network_find(s, name);

        return n ? n->id : NULL;
}

void sim_container_run(struct sim *s, struct sim_container *k) {
        k->state = HV_CONTAINER_RUNNING;
        k->is_touched = true;
        k->run++;
        k->started_us = s->now_us;
        k->started_wall_us = sim_wall_us(s);
        k->run_is_hivelets = false;
        k->n_runs_of_others++;
        k->exit_code = 0;
        k->oom_killed = false;
        k->error = "";
        k->listed_running_until_us = 0;
        for (unsigned i = 0; i < k->n_networks; i++)
                k->network_ids[i] = network_id(s, k->networks[i]);
        s->truth->tick++;
        for (unsigned i = 0; i < k->n_networks; i++)
                sim_stream_emit_endpoint(s, k, k->networks[i], "connect");
        changed(s, k, "start");
        if (k->kind == HV_KIND_TASK && k->owner == SIM_OWNER_NODE)
                sim_attempt_runs(s, k);
        else
                life_begins(s, k);
}

void sim_container_end(struct sim *s, struct sim_container *k, int exit_code, bool oom_killed) {
        k->state = HV_CONTAINER_EXITED;
        k->exit_code = exit_code;
        k->ended_by_itself = false;
        k->detail_tick = ++s->truth->tick;
        k->oom_killed = oom_killed;
        k->finished_us = s->now_us;
        k->finished_wall_us = sim_wall_us(s);
        if (k->kind == HV_KIND_TASK && k->owner == SIM_OWNER_NODE)
                sim_attempt_stopped(s, k);
        /* Measured: 19 of 20 lists after a `die` still said "running", for 19 to 190 ms. */
        if (sim_chance(s, SIM_CHANCE_LATENCY, 950))
                k->listed_running_until_us = s->now_us + sim_between(s, SIM_CHANCE_LATENCY, 19000, 190000);
        if (oom_killed)
                sim_stream_emit_container(s, k, "oom");
        changed(s, k, "die");
        for (unsigned i = 0; i < k->n_networks; i++)
                sim_stream_emit_endpoint(s, k, k->networks[i], "disconnect");
}

void sim_container_start_failed(struct sim *s, struct sim_container *k, const char *error) {
        k->error = error;
        k->exit_code = 127;
        k->tick = ++s->truth->tick;
        /* Of one that ran before this is what the engine tells of its end from now on. */
        if (k->state == HV_CONTAINER_EXITED && k->kind == HV_KIND_TASK && k->owner == SIM_OWNER_NODE)
                sim_attempt_stopped(s, k);
}

void sim_container_pause(struct sim *s, struct sim_container *k, bool pause) {
        k->state = pause ? HV_CONTAINER_PAUSED : HV_CONTAINER_RUNNING;
        changed(s, k, pause ? "pause" : "unpause");
}

void sim_container_rename(struct sim *s, struct sim_container *k, const char *name) {
        k->former_name = k->name;
        k->name = hv_arena_strdup(s->arena, name);
        changed(s, k, "rename");
}

void sim_container_update(struct sim *s, struct sim_container *k, const struct hv_limits *limits,
                          bool restart_policy) {
        k->limits = *limits;
        k->restart_policy = restart_policy;
        k->detail_mark++;
        k->detail_tick = ++s->truth->tick;
        sim_stream_emit_container(s, k, "update");
}

bool sim_container_is_on(const struct sim_container *k, const char *network) {
        for (unsigned i = 0; i < k->n_networks; i++)
                if (hv_streq(k->networks[i], network))
                        return true;
        return false;
}

void sim_container_join(struct sim *s, struct sim_container *k, const char *network) {
        if (k->n_networks == SIM_MAX_NETWORKS)
                return;
        k->networks[k->n_networks] = hv_arena_strdup(s->arena, network);
        k->network_ids[k->n_networks++] = sim_container_is_up(k) ? network_id(s, network) : NULL;
        k->tick_before = k->tick;
        k->joined_tick_before = k->joined_tick;
        k->tick = k->joined_tick = ++s->truth->tick;
        sim_stream_emit_endpoint(s, k, network, "connect");
}

void sim_container_leave(struct sim *s, struct sim_container *k, const char *network) {
        for (unsigned i = 0; i < k->n_networks; i++) {
                if (!hv_streq(k->networks[i], network))
                        continue;
                k->n_networks--;
                k->networks[i] = k->networks[k->n_networks];
                k->network_ids[i] = k->network_ids[k->n_networks];
                k->tick_before = k->tick;
                k->joined_tick_before = k->joined_tick;
                k->tick = k->joined_tick = ++s->truth->tick;
                sim_stream_emit_endpoint(s, k, network, "disconnect");
                return;
        }
}

void sim_container_remove(struct sim *s, struct sim_container *k) {
        if (sim_container_is_up(k))
                sim_container_end(s, k, 137, false);
        k->exists = false;
        changed(s, k, "destroy");
}

static void doom_comes(struct sim *s, void *arg) {
        struct sim_container *k = arg;

        if (k->exists)
                sim_container_remove(s, k);
}

void sim_container_doom(struct sim *s, struct sim_container *k, uint64_t span_us) {
        if (k->doomed)
                return;
        if (sim_container_is_up(k))
                sim_container_end(s, k, 137, false);
        k->doomed = true;
        k->state = HV_CONTAINER_REMOVING;
        k->tick = ++s->truth->tick;
        s->truth->n_foreign_changes++;
        sim_after(s, span_us, doom_comes, k);
}

/* ---- networks ---- */

struct sim_network *sim_network_add(struct sim *s, const char *name, const char *driver, enum sim_owner owner,
                                    const char *digest) {
        struct sim_network *n = HV_ARENA_NEW(s->arena, struct sim_network);

        *n = (struct sim_network){
                .id = new_id(s),
                .name = hv_arena_strdup(s->arena, name),
                .driver = hv_arena_strdup(s->arena, driver),
                .digest = hv_arena_strdup(s->arena, digest),
                .owner = owner,
                .exists = true,
                .tick = ++s->truth->tick,
        };
        hv_vec_push(&s->truth->networks, n);
        sim_stream_emit_network(s, n, "create");
        return n;
}

struct sim_network *sim_network_find(const struct sim *s, const char *id_or_name) {
        for (size_t i = s->truth->networks.n; i-- > 0;) {
                struct sim_network *n = s->truth->networks.v[i];

                if (n->exists && (hv_streq(n->id, id_or_name) || hv_streq(n->name, id_or_name)))
                        return n;
        }
        return NULL;
}

bool sim_network_is_used(const struct sim *s, const struct sim_network *n) {
        for (size_t i = 0; i < s->truth->containers.n; i++)
                if (sim_container_is_up(s->truth->containers.v[i]) &&
                    sim_container_is_on(s->truth->containers.v[i], n->name))
                        return true;
        return false;
}

void sim_network_remove(struct sim *s, struct sim_network *n) {
        n->exists = false;
        n->tick = ++s->truth->tick;
        sim_stream_emit_network(s, n, "destroy");
}

/* ---- volumes ---- */

struct sim_volume *sim_volume_add(struct sim *s, const char *name, const char *driver, enum sim_owner owner,
                                  const char *digest, bool reclaim_delete) {
        struct sim_volume *v = HV_ARENA_NEW(s->arena, struct sim_volume);

        *v = (struct sim_volume){
                .name = hv_arena_strdup(s->arena, name),
                .driver = hv_arena_strdup(s->arena, driver),
                .digest = hv_arena_strdup(s->arena, digest),
                .owner = owner,
                .reclaim_delete = reclaim_delete,
                .exists = true,
                .tick = ++s->truth->tick,
        };
        hv_vec_push(&s->truth->volumes, v);
        sim_stream_emit_volume(s, v, "create");
        return v;
}

struct sim_volume *sim_volume_find(const struct sim *s, const char *name) {
        for (size_t i = s->truth->volumes.n; i-- > 0;)
                if (s->truth->volumes.v[i]->exists && hv_streq(s->truth->volumes.v[i]->name, name))
                        return s->truth->volumes.v[i];
        return NULL;
}

bool sim_volume_is_used(const struct sim *s, const struct sim_volume *v) {
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                const struct sim_container *k = s->truth->containers.v[i];

                for (unsigned j = 0; k->exists && j < k->n_volumes; j++)
                        if (hv_streq(k->volumes[j], v->name))
                                return true;
        }
        return false;
}

void sim_volume_remove(struct sim *s, struct sim_volume *v) {
        v->exists = false;
        v->tick = ++s->truth->tick;
        sim_stream_emit_volume(s, v, "destroy");
}

/* ---- images ---- */

struct sim_image *sim_image_get(struct sim *s, const char *ref) {
        struct sim_image *i;

        for (size_t k = 0; k < s->truth->images.n; k++)
                if (hv_streq(s->truth->images.v[k]->ref, ref))
                        return s->truth->images.v[k];
        i = HV_ARENA_NEW(s->arena, struct sim_image);
        i->ref = hv_arena_strdup(s->arena, ref);
        hv_vec_push(&s->truth->images, i);
        return i;
}

void sim_image_set(struct sim *s, struct sim_image *i, bool present) {
        if (i->present == present)
                return;
        i->present = present;
        sim_stream_emit_image(s, i, present ? "pull" : "delete");
}
