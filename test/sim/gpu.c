/* gpu.c - see gpu.h. */
#include "sim/gpu.h"

#include <string.h>

#include "sim/agent.h"
#include "sim/attempt.h"
#include "sim/job.h"
#include "sim/ledger.h"
#include "sim/sim.h"
#include "sim/truth.h"

#define GIB (UINT64_C(1) << 30)
#define HEALTH_US (30 * HV_USEC_PER_SEC)

static uint64_t below(struct sim *s, uint64_t bound) {
        return sim_below(s, SIM_CHANCE_GPU, bound);
}

static void put_in(struct sim *s, struct sim_gpus *g, unsigned slot) {
        static const uint64_t gib[] = { 8, 16, 24 };

        g->v[slot] = (struct sim_gpu){ .uuid = sim_text(s, "GPU-%u", ++g->n_made),
                                       .memory_bytes = gib[below(s, HV_ARRAY_SIZE(gib))] * GIB,
                                       .is_there = true,
                                       .works = true };
}

static void health_is_looked_at(struct sim *s, void *arg);

struct sim_gpus *sim_gpus_new(struct sim *s) {
        struct sim_gpus *g = HV_ARENA_NEW(s->arena, struct sim_gpus);

        if (s->config->scenario || !sim_chance(s, SIM_CHANCE_GPU, 200))
                return g;
        g->wanted = g->answers = true;
        g->is_shared = sim_chance(s, SIM_CHANCE_GPU, 400);
        g->services_want = sim_chance(s, SIM_CHANCE_GPU, 500);
        g->n = 1 + (unsigned) below(s, SIM_N_GPUS);
        for (unsigned i = 0; i < g->n; i++)
                put_in(s, g, i);
        sim_after(s, HEALTH_US, health_is_looked_at, NULL);
        return g;
}

unsigned sim_gpus_draw_share(struct sim *s) {
        static const unsigned gib[] = { 0, 4, 10 };

        return gib[below(s, HV_ARRAY_SIZE(gib))];
}

bool sim_gpus_want_share(struct sim *s) {
        return s->gpus->services_want && s->gpus->is_shared && sim_chance(s, SIM_CHANCE_GPU, 400);
}

static void draw(struct sim *s, unsigned permille, unsigned *ret_n, unsigned *ret_memory_gib) {
        if (!sim_chance(s, SIM_CHANCE_GPU, permille))
                return;
        *ret_n = 1 + (unsigned) below(s, 2);
        *ret_memory_gib = sim_gpus_draw_share(s);
}

void sim_gpus_draw_service(struct sim *s, unsigned *ret_n, unsigned *ret_memory_gib) {
        if (s->gpus->services_want)
                draw(s, 400, ret_n, ret_memory_gib);
}

void sim_gpus_draw_task(struct sim *s, unsigned *ret_n, unsigned *ret_memory_gib) {
        if (s->gpus->wanted)
                draw(s, 600, ret_n, ret_memory_gib);
}

void sim_gpus_done(struct sim_gpus *g) {
        hv_vec_done(&g->lost);
}

/* ---- what is told ---- */

static void tell(struct sim *s, bool answers) {
        struct hv_seen_gpu v[SIM_N_GPUS];
        struct hv_seen_gpus seen = { .is_known = answers, .message = "the driver does not answer", .v = v };
        struct sim_gpus *g = s->gpus;

        for (unsigned i = 0; i < g->n; i++)
                if (g->v[i].is_there)
                        v[seen.n++] = (struct hv_seen_gpu){ .uuid = g->v[i].uuid,
                                                            .name = "NVIDIA A100",
                                                            .memory_bytes = g->v[i].memory_bytes,
                                                            .is_whole = true,
                                                            .works = g->v[i].works };
        g->was_told = answers;
        sim_agent_input(s, &(struct hv_input){ .type = HV_INPUT_GPUS, .gpus = &seen });
}

static void driver_answers(struct sim *s, void *arg) {
        if (s->agent->core && s->agent->core_number == (uintptr_t) arg)
                tell(s, s->gpus->answers);
}

void sim_gpus_agent_starts(struct sim *s) {
        if (!s->gpus->wanted)
                return;
        tell(s, false); /* it was not asked yet */
        sim_after(s, sim_span(s, SIM_CHANCE_GPU, 10000, 20 * HV_USEC_PER_SEC), driver_answers,
                  (void *) (uintptr_t) s->agent->core_number);
}

static bool has_gpus(const struct sim_container *k) {
        return k->gpus && k->owner == SIM_OWNER_NODE && sim_container_is_up(k);
}

static void health_is_looked_at(struct sim *s, void *arg) {
        (void) arg;
        for (size_t i = 0; s->agent->core && i < s->truth->containers.n; i++) {
                const struct sim_container *k = s->truth->containers.v[i];

                if (has_gpus(k) && k->gpu_denied)
                        sim_agent_input(s, &(struct hv_input){ .type = HV_INPUT_GPU_LOST,
                                                               .text = k->id,
                                                               .message = "its cgroup does not let it" });
        }
        sim_after(s, HEALTH_US, health_is_looked_at, NULL);
}

/* ---- what happens to them ---- */

static void lose(struct sim *s, struct sim_gpu *g) {
        hv_vec_push(&s->gpus->lost, g->uuid);
        g->works = false;
}

static void deny_one(struct sim *s) {
        struct sim_container *chosen = NULL;
        unsigned n = 0;

        for (size_t i = 0; i < s->truth->containers.n; i++)
                if (has_gpus(s->truth->containers.v[i]) && below(s, ++n) == 0)
                        chosen = s->truth->containers.v[i];
        if (chosen)
                chosen->gpu_denied = true;
        sim_trace(s, "GPU %s may not use its own any more", chosen ? chosen->name : "(nobody)");
}

void sim_gpus_change(struct sim *s) {
        struct sim_gpus *g = s->gpus;
        struct sim_gpu *one = &g->v[below(s, g->n)];

        switch (below(s, 7)) {
        case 0:
                lose(s, one);
                break;
        case 1:
                one->works = one->is_there = true;
                break;
        case 2:
                lose(s, one);
                one->is_there = false;
                break;
        case 3:
                lose(s, one);
                put_in(s, g, (unsigned) (one - g->v));
                break;
        case 4:
                deny_one(s);
                return;
        case 5:
                g->answers = false;
                break;
        default:
                g->answers = true;
                break;
        }
        sim_trace(s, "GPU %s: there %d, works %d; the driver answers %d", one->uuid, one->is_there,
                  one->works, g->answers);
        tell(s, g->answers);
}

void sim_gpus_heal(struct sim *s) {
        if (!s->gpus->wanted)
                return;
        for (unsigned i = 0; i < s->gpus->n; i++)
                s->gpus->v[i].is_there = s->gpus->v[i].works = true;
        s->gpus->answers = true;
        tell(s, true);
}

/* ---- what is judged ---- */

static bool lists(const char *list, const char *uuid) {
        size_t len = strlen(uuid);

        for (const char *at = list; at && (at = strstr(at, uuid)); at += len)
                if (at[len] == '\0' || at[len] == ',')
                        return true;
        return false;
}

static unsigned count(const char *list) {
        unsigned n = list && *list;

        for (; list && *list; list++)
                n += *list == ',';
        return n;
}

static void judge_one(struct sim *s, const struct sim_gpu *g, const struct sim_container *k) {
        uint64_t taken = 0;
        unsigned n = 0;
        bool alone = false;

        for (size_t i = 0; i < s->truth->containers.n; i++) {
                const struct sim_container *other = s->truth->containers.v[i];

                if (!has_gpus(other) || !other->run_is_hivelets || !lists(other->gpus, g->uuid))
                        continue;
                if (other->former_name) /* somebody renamed it: until a look finds it, it counts as gone */
                        continue;
                n++;
                taken += other->gpu_memory_bytes;
                alone |= other->gpu_memory_bytes == 0;
        }
        if (n > 1 && (!s->gpus->is_shared || alone || taken > g->memory_bytes))
                sim_fail(s, "G1", "%s was started, and %u hold %s", k->name, n, g->uuid);
}

void sim_gpus_started(struct sim *s, const struct sim_container *k) {
        if (!s->gpus->wanted)
                return;
        if (count(k->gpus) != k->n_gpus)
                sim_fail(s, "G1", "%s asked for %u GPUs, and has %s", k->name, k->n_gpus,
                         k->gpus ? k->gpus : "none");
        for (unsigned i = 0; k->gpus && i < s->gpus->n; i++)
                if (lists(k->gpus, s->gpus->v[i].uuid))
                        judge_one(s, &s->gpus->v[i], k);
}

void sim_gpus_admitted(struct sim *s, const char *id) {
        if (s->gpus->wanted && !s->gpus->was_told && sim_job_find(s, id)->task->booking.n_gpus)
                sim_fail(s, "G2", "%s is admitted, and nobody can say which GPUs there are", id);
}

void sim_gpus_evicted(struct sim *s, const char *id, unsigned attempt) {
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                const struct sim_container *k = s->truth->containers.v[i];

                if (!k->gpus || k->kind != HV_KIND_TASK || k->replica != attempt || !hv_streq(k->object, id))
                        continue;
                if (k->gpu_denied)
                        return;
                for (size_t j = 0; j < s->gpus->lost.n; j++)
                        if (lists(k->gpus, s->gpus->lost.v[j]))
                                return;
        }
        sim_fail(s, "G3", "attempt %u of %s is stopped for a GPU that was never lost", attempt, id);
}

const char *sim_gpus_judge(struct sim *s, const struct sim_container *k, const char *told) {
        unsigned n = 0;

        if (!s->gpus->wanted)
                return NULL;
        for (unsigned i = 0; k->gpus && i < s->gpus->n; i++)
                n += s->gpus->v[i].works && s->gpus->v[i].is_there && lists(k->gpus, s->gpus->v[i].uuid);
        if (k->gpu_denied || n != count(k->gpus))
                return sim_text(s, "G3: %s runs on without its GPU", k->name);
        if (k->gpus && !hv_streq(k->gpus, told))
                return sim_text(s, "G3: %s holds %s, and status says %s", k->name, k->gpus,
                                told ? told : "none");
        return NULL;
}

bool sim_gpus_are_anothers(const struct sim *s, const struct sim_container *k) {
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                const struct sim_container *other = s->truth->containers.v[i];

                if (other == k || !other->exists || other->owner != SIM_OWNER_NODE)
                        continue;
                for (unsigned g = 0; g < s->gpus->n; g++)
                        if (lists(k->gpus, s->gpus->v[g].uuid) && lists(other->gpus, s->gpus->v[g].uuid))
                                return true;
        }
        return false;
}

bool sim_gpus_were_lost(const struct sim *s, const struct sim_container *k) {
        for (size_t i = 0; i < s->gpus->lost.n; i++)
                if (lists(k->gpus, s->gpus->lost.v[i]))
                        return true;
        return k->gpu_denied;
}

/* What a service was given is its own as long as it is wanted, whether it runs or not. */
static bool holds(const struct hv_desired *d, const struct sim_container *k, const char *uuid) {
        if (!k->exists || k->owner != SIM_OWNER_NODE || !lists(k->gpus, uuid))
                return false;
        for (size_t i = 0; i < d->n_units; i++)
                if (hv_streq(d->units[i].container, k->name))
                        return true;
        return sim_container_is_up(k);
}

static bool is_held(const struct sim *s, const struct hv_desired *d, const char *uuid, const char *but) {
        for (size_t i = 0; i < s->truth->containers.n; i++)
                if (holds(d, s->truth->containers.v[i], uuid) &&
                    !hv_streq(s->truth->containers.v[i]->name, but))
                        return true;
        return false;
}

bool sim_gpus_may_lack(struct sim *s, const struct hv_desired *d, const struct hv_unit *u) {
        unsigned n_free = 0, n_given = 0;

        if (!u->n_gpus)
                return false;
        for (unsigned i = 0; i < s->gpus->n; i++)
                n_free += s->gpus->v[i].memory_bytes >= u->gpu_memory_bytes &&
                          !is_held(s, d, s->gpus->v[i].uuid, u->container);
        /* Others may have been given theirs, and wait for something else. */
        for (size_t i = 0; i < d->n_units; i++) {
                const struct sim_container *k = sim_container_find(s, d->units[i].container);

                if (&d->units[i] != u && (!k || k->owner != SIM_OWNER_NODE || !k->gpus))
                        n_given += d->units[i].n_gpus;
        }
        return n_free < u->n_gpus + n_given;
}

bool sim_gpus_are_free(const struct sim *s, unsigned n, uint64_t memory_bytes) {
        const struct hv_desired *d = hv_core_active(s->agent->core);
        unsigned n_free = 0;

        if (n == 0)
                return true;
        for (size_t i = 0; i < d->n_units; i++)
                if (d->units[i]
                            .n_gpus) /* which go first, and hold theirs while they wait for something else */
                        return false;
        for (unsigned i = 0; !s->gpus->is_shared && i < s->gpus->n; i++) {
                bool is_held = s->gpus->v[i].memory_bytes < memory_bytes;

                for (size_t j = 0; j < s->truth->containers.n; j++)
                        is_held |= has_gpus(s->truth->containers.v[j]) &&
                                   lists(s->truth->containers.v[j]->gpus, s->gpus->v[i].uuid);
                n_free += !is_held;
        }
        return n_free >= n;
}
