/* gc/plan.c - see plan.h. */
#include "gc/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/time.h"

struct planning {
        const struct hv_gc_rules *rules;
        const struct hv_gc_facts *facts;
        struct hv_arena *arena;
        struct hv_gc_step *steps;
        size_t n;
        uint64_t promised_bytes;
        struct hv_gc_plan *ret;
};

const char *hv_gc_what_name(enum hv_gc_what what) {
        static const char *const names[HV_N_GC_WHATS] = {
                [HV_GC_CONTAINER] = "container", [HV_GC_RESULTS] = "results", [HV_GC_LOG] = "log",
                [HV_GC_IMAGE] = "image",         [HV_GC_LAYER] = "layer",
        };

        return names[what];
}

static void add(struct planning *p, const struct hv_gc_step *step) {
        p->steps[p->n++] = *step;
        if (step->what != HV_GC_LOG) /* of another disk, as far as is known */
                p->promised_bytes += step->bytes;
}

/* True when `since` is at least so long ago; else the plan is made again then. */
static bool is_older(struct planning *p, uint64_t since_us, uint64_t age_us) {
        uint64_t then_us = hv_time_add(since_us, age_us);

        if (then_us <= p->facts->now_us)
                return true;
        p->ret->next_us = HV_MIN(p->ret->next_us, then_us);
        return false;
}

/* ---- ended containers ---- */

/* Of one object together, the newest first. */
static int by_object(const void *a, const void *b) {
        const struct hv_gc_container *x = *(const struct hv_gc_container *const *) a,
                                     *y = *(const struct hv_gc_container *const *) b;
        int order = strcmp(x->object, y->object);

        if (order == 0)
                order = (x->ended_us < y->ended_us) - (x->ended_us > y->ended_us);
        return order ? order : strcmp(x->id, y->id);
}

static void plan_containers(struct planning *p) {
        const struct hv_gc_rules *rules = p->rules;
        const struct hv_gc_container **ended =
                HV_ARENA_NEW_N(p->arena, const struct hv_gc_container *, p->facts->n_containers + 1);
        size_t n = 0, rank = 0;

        for (size_t i = 0; i < p->facts->n_containers; i++)
                if (p->facts->containers[i].is_abandoned)
                        ended[n++] = &p->facts->containers[i];
        qsort(ended, n, sizeof(const struct hv_gc_container *), by_object);
        for (size_t i = 0; i < n; i++) {
                const struct hv_gc_container *c = ended[i];
                const char *why;

                rank = i > 0 && strcmp(ended[i - 1]->object, c->object) == 0 ? rank + 1 : 0;
                if (!is_older(p, c->ended_us, rules->min_age_us))
                        continue;
                if (rank >= rules->keep_exited)
                        why = hv_arena_printf(p->arena,
                                              "more than %u ended ones of %s (gc.containers.keepExited)",
                                              rules->keep_exited, c->object);
                else if (is_older(p, c->ended_us, rules->container_max_age_us))
                        why = "it ended longer ago than gc.containers.maxAge";
                else
                        continue;
                add(p, &(struct hv_gc_step){ HV_GC_CONTAINER, c->id, c->name, c->id, why, 0 });
        }
}

/* ---- files of the agent's log ---- */

/* An eighth is for the one that is being written (agent/log_files.c). */
static const char *why_events_go(struct planning *p, const struct hv_gc_log *log, uint64_t up_to_it_bytes) {
        const struct hv_gc_rules *rules = p->rules;

        if (is_older(p, log->written_us, rules->events_keep_us))
                return "its last event is older than logging.events.keep";
        return up_to_it_bytes > rules->events_max_bytes - rules->events_max_bytes / 8
                       ? "more than fits in logging.events.maxSize"
                       : NULL;
}

static void plan_logs(struct planning *p) {
        uint64_t events_bytes = 0;

        for (size_t i = 0; i < p->facts->n_logs; i++) {
                const struct hv_gc_log *log = &p->facts->logs[i];
                const char *why = NULL;

                if (log->is_events)
                        why = why_events_go(p, log, events_bytes += log->bytes);
                else if (log->number >= p->rules->log_files)
                        why = "more files than logging.file.maxFiles";
                if (why)
                        add(p, &(struct hv_gc_step){ HV_GC_LOG, log->path, log->name, log->path, why,
                                                     log->bytes });
        }
}

/* ---- images and layers ---- */

const char *hv_gc_user_of(const struct hv_gc_facts *facts, const struct hv_gc_image *image, size_t i) {
        for (size_t k = 0; k < facts->n_containers; k++)
                if (facts->containers[k].image && strcmp(facts->containers[k].image, image->id) == 0 &&
                    i-- == 0)
                        return facts->containers[k].name;
        return NULL;
}

static bool is_used(const struct hv_gc_facts *facts, const struct hv_gc_image *image) {
        return hv_gc_user_of(facts, image, 0) != NULL;
}

static int by_age(const void *a, const void *b) {
        const struct hv_gc_image *x = *(const struct hv_gc_image *const *) a,
                                 *y = *(const struct hv_gc_image *const *) b;
        int order = (x->since_us > y->since_us) - (x->since_us < y->since_us);

        return order ? order : strcmp(x->id, y->id);
}

static bool may_go(const struct planning *p, const struct hv_gc_image *i, enum hv_gc_what what) {
        if (i->is_pinned || i->is_needed || is_used(p->facts, i))
                return false;
        return what == HV_GC_IMAGE ? i->is_ours : !i->is_ours && i->is_dangling && p->rules->unmanaged;
}

static bool wants_more(const struct planning *p) {
        return p->ret->makes_space && p->promised_bytes < p->ret->wanted_bytes;
}

static void plan_images(struct planning *p, enum hv_gc_what what) {
        const struct hv_gc_image **unused =
                HV_ARENA_NEW_N(p->arena, const struct hv_gc_image *, p->facts->n_images + 1);
        size_t n = 0;

        for (size_t i = 0; i < p->facts->n_images; i++)
                if (may_go(p, &p->facts->images[i], what))
                        unused[n++] = &p->facts->images[i];
        qsort(unused, n, sizeof(const struct hv_gc_image *), by_age);
        for (size_t i = 0; i < n; i++) {
                const struct hv_gc_image *image = unused[i];
                bool is_due = what == HV_GC_IMAGE && is_older(p, image->since_us, p->rules->image_max_age_us);
                const char *why = is_due ? "unused longer than gc.images.maxAge"
                                         : "the disk is above gc.disk.high, and nothing uses it";

                if (!is_due && !wants_more(p))
                        continue;
                if (is_older(p, image->since_us, p->rules->min_age_us))
                        add(p, &(struct hv_gc_step){ what, image->id, image->name, image->target, why,
                                                     image->size_bytes });
        }
}

/* ---- all of it ---- */

static uint64_t used(const struct hv_gc_facts *f) {
        return f->total_bytes - HV_MIN(f->free_bytes, f->total_bytes);
}

static uint64_t share(const struct hv_gc_facts *f, unsigned percent) {
        return (uint64_t) ((unsigned __int128) f->total_bytes * percent / 100);
}

void hv_gc_plan(const struct hv_gc_rules *rules, const struct hv_gc_facts *facts, struct hv_arena *arena,
                struct hv_gc_plan *ret) {
        static const char results[] = "what gc.tasks and outputs.keep do not keep of tasks that ended";
        uint64_t low = share(facts, rules->low_percent);
        struct planning p = { .rules = rules, .facts = facts, .arena = arena, .ret = ret };

        *ret = (struct hv_gc_plan){ .next_us = HV_TIME_NEVER };
        ret->makes_space = used(facts) > share(facts, rules->high_percent) ||
                           (facts->is_collecting && used(facts) > low);
        ret->wanted_bytes = ret->makes_space ? used(facts) - low : 0;
        p.steps = HV_ARENA_NEW_N(arena, struct hv_gc_step,
                                 facts->n_containers + facts->n_images + facts->n_logs + 1);
        plan_containers(&p);
        if (facts->has_results)
                add(&p, &(struct hv_gc_step){
                                .what = HV_GC_RESULTS, .id = "", .name = "results", .why = results });
        plan_logs(&p);
        plan_images(&p, HV_GC_IMAGE);
        plan_images(&p, HV_GC_LAYER);
        ret->steps = p.steps;
        ret->n_steps = p.n;
        ret->is_enough = p.promised_bytes >= ret->wanted_bytes;
}

/* In the order of may_go(): what is said first is what would have to change first. */
static const char *why_it_stays(const struct hv_gc_rules *rules, const struct hv_gc_facts *facts,
                                const struct hv_gc_image *i) {
        if (is_used(facts, i))
                return "a container is made of it";
        if (i->is_pinned)
                return "pinned (images.preload)";
        if (i->is_needed)
                return "needed by a revision that is kept, or by a task";
        if (!i->is_ours && !(i->is_dangling && rules->unmanaged))
                return "not brought by hivelet";
        if (hv_time_add(i->since_us, rules->min_age_us) > facts->now_us)
                return "unused for less than gc.disk.minAge";
        return i->is_ours ? "until room is needed, or gc.images.maxAge is over" : "until room is needed";
}

struct hv_gc_verdict hv_gc_judge_image(const struct hv_gc_rules *rules, const struct hv_gc_facts *facts,
                                       const struct hv_gc_plan *plan, const struct hv_gc_image *image) {
        for (size_t i = 0; i < plan->n_steps; i++)
                if ((plan->steps[i].what == HV_GC_IMAGE || plan->steps[i].what == HV_GC_LAYER) &&
                    strcmp(plan->steps[i].id, image->id) == 0)
                        return (struct hv_gc_verdict){ true, plan->steps[i].why };
        return (struct hv_gc_verdict){ false, why_it_stays(rules, facts, image) };
}
