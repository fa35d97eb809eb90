/* agent/gc.c - the rounds; see gc.h. */
#include "agent/gc.h"

#include <errno.h>
#include <time.h>

#include "agent/images.h"
#include "agent/log_files.h"
#include "agent/monitor.h"
#include "base/arena.h"
#include "base/map.h"
#include "base/quantity.h"
#include "docker/container.h"
#include "docker/image.h"
#include "execute/image_room.h"
#include "log/log.h"

#define FIRST_ROUND_US \
        (10 * HV_USEC_PER_SEC) /* after a revision came into force: it has better things to do at first */

struct dry_run {
        bool is_about_images; /* what stays is told, too */
        struct hv_agent *agent;
        struct hv_api_call *call;
        struct hv_gc_look *look;
};

struct hv_agent_gc {
        sd_event_source *timer;
        struct hv_gc_look *look;
        struct hv_docker_call *call;
        bool is_collecting; /* the disk was above `high`, or room is wanted, and it is not at `low` yet */
        bool is_above;      /* it was above `high` at the last sample */
        bool is_stuck;
        HV_VEC(struct hv_api_call *) asked, waiting; /* for the next round; for this one */
        HV_VEC(struct dry_run *) dry_runs;

        /* the round under way */
        struct hv_arena *arena; /* NULL: none */
        struct hv_map *left;    /* what could not be removed, by id */
        bool has_results;       /* what tasks left was not looked at yet */
        struct hv_gc_step step; /* being performed; texts in `arena` */
        uint64_t free_before, results_before;
        HV_VEC(struct hv_api_gc_step) done;
        uint64_t freed_bytes;
};

static const struct hv_desired *active(const struct hv_agent *a) {
        return hv_core_active(a->core);
}

/* ---- when ---- */

static void arm(struct hv_agent *a, uint64_t in_us) {
        (void) sd_event_source_set_time_relative(a->gc->timer, in_us);
        (void) sd_event_source_set_enabled(a->gc->timer, SD_EVENT_ONESHOT);
}

/* The round that was to come later comes so soon. */
static void arm_at_most(struct hv_agent *a, uint64_t in_us) {
        uint64_t at_us = HV_TIME_NEVER;
        int enabled = SD_EVENT_OFF;

        if (a->gc->arena)
                return;
        (void) sd_event_source_get_enabled(a->gc->timer, &enabled);
        (void) sd_event_source_get_time(a->gc->timer, &at_us);
        if (enabled == SD_EVENT_OFF || at_us > hv_time_add(hv_agent_now_us(), in_us))
                arm(a, in_us);
}

static bool look_at_disk(const struct hv_agent *a, struct hv_disk_space *ret) {
        struct hv_image_room room;

        if (!a->docker)
                return false;
        room = hv_image_room_of(a->docker, hv_agent_images_source(a)->is_local, active(a));
        return hv_image_room_look(&room, ret);
}

void hv_agent_gc_sampled(struct hv_agent *a) {
        const struct hv_file_system *disk =
                a->docker && hv_agent_images_source(a)->is_local ? hv_agent_monitor_disk(a, "engine") : NULL;
        const struct hv_desired *d = active(a);
        struct hv_disk_space space;
        bool was_above;

        if (!a->gc || !d || !d->tree || !disk)
                return;
        space = (struct hv_disk_space){ disk->used_bytes + disk->available_bytes, disk->available_bytes, 0 };
        was_above = a->gc->is_above;
        a->gc->is_above = hv_disk_space_used_percent(&space) > d->tree->state.gc.disk.high_percent;
        if (a->gc->is_above && !was_above)
                arm_at_most(a, 0);
}

void hv_agent_gc_soon(struct hv_agent *a) {
        if (a->gc)
                arm_at_most(a, 0);
}

void hv_agent_gc_wanted(void *agent) {
        struct hv_agent *a = agent;

        if (!a->gc || !active(a))
                return;
        a->gc->is_collecting = true;
        arm_at_most(a, 0);
}

/* ---- what becomes known ---- */

bool hv_agent_gc_is_stuck(const struct hv_agent *a) {
        return a->gc && a->gc->is_stuck;
}

static void tell_stuck(const struct hv_gc_seen *seen) {
        const struct hv_disk_space space = { seen->facts.total_bytes, seen->facts.free_bytes, 0 };

        hv_log_event(
                HV_EVENT_GC_STUCK, NULL,
                "the disk of the engine is used to %u %%, above gc.disk.low (%u %%), and nothing more may be "
                "collected now: the rest is used, pinned, needed by a revision, too young, or not hivelet's",
                hv_disk_space_used_percent(&space), seen->rules.low_percent);
}

static void tell_removed(struct hv_agent *a, const struct hv_api_gc_step *s) {
        char size[HV_QUANTITY_SIZE];
        const struct hv_log_fields fields = { .name = s->name };

        hv_quantity_format_bytes(s->bytes, size);
        hv_metrics_gc(hv_api_metrics(a->api), s->what, s->bytes);
        if (!hv_streq(s->what, hv_gc_what_name(HV_GC_RESULTS)))
                hv_log_event(HV_EVENT_GC_REMOVED, &fields, "%s %s removed: %s; %s are free again", s->what,
                             s->name, s->why, size);
}

static void figures(struct hv_api_gc *ret, const struct hv_gc_rules *rules, const struct hv_gc_facts *facts) {
        ret->total_bytes = facts->total_bytes;
        ret->free_bytes = facts->free_bytes;
        ret->high_percent = rules->high_percent;
        ret->low_percent = rules->low_percent;
}

/* ---- a round ---- */

static void look(struct hv_agent *a);

static void end_round(struct hv_agent *a, const struct hv_gc_seen *seen, uint64_t next_us,
                      const struct hv_err *err) {
        struct hv_agent_gc *g = a->gc;
        uint64_t in_us = active(a)->settings.gc_interval_us, now_us = hv_agent_wall_us();
        struct hv_api_gc result = { .err = err,
                                    .is_stuck = g->is_stuck,
                                    .steps = g->done.v,
                                    .n_steps = g->done.n,
                                    .bytes = g->freed_bytes };

        if (seen)
                figures(&result, &seen->rules, &seen->facts);
        for (size_t i = 0; i < g->waiting.n; i++)
                hv_api_gc_done(g->waiting.v[i], &result);
        hv_vec_clear(&g->waiting);
        hv_vec_done(&g->done);
        g->left = hv_map_free(g->left);
        g->arena = hv_arena_free(g->arena);
        if (next_us != HV_TIME_NEVER)
                in_us = HV_MIN(in_us, next_us > now_us ? next_us - now_us : 0);
        arm(a, g->asked.n > 0 ? 0 : HV_MAX(in_us, HV_USEC_PER_SEC));
        hv_api_changed(a->api);
}

/* The step has been performed, or could not be. */
static void step_ended(struct hv_agent *a, bool is_done, uint64_t freed_bytes) {
        struct hv_agent_gc *g = a->gc;
        struct hv_api_gc_step *s;

        if (!is_done) {
                hv_map_put(g->left, g->step.id, g);
                look(a);
                return;
        }
        s = hv_vec_add(&g->done);
        *s = (struct hv_api_gc_step){ hv_gc_what_name(g->step.what), g->step.name, g->step.why, freed_bytes };
        g->freed_bytes += freed_bytes;
        tell_removed(a, s);
        look(a);
}

static void on_removed(void *userdata, struct hv_docker_result *result) {
        struct hv_agent *a = userdata;
        struct hv_agent_gc *g = a->gc;
        struct hv_disk_space space;
        uint64_t freed = 0;
        struct hv_err err = {};

        g->call = NULL;
        if (result->outcome == HV_DOCKER_UNREACHABLE || result->outcome == HV_DOCKER_UNKNOWN) {
                (void) hv_err_set(&err, result->error, "%s", result->message);
                end_round(a, NULL, HV_TIME_NEVER, &err);
                return;
        }
        if (result->outcome != HV_DOCKER_OK && result->outcome != HV_DOCKER_NOT_FOUND) {
                hv_log_info("%s %s stays: %s", hv_gc_what_name(g->step.what), g->step.name, result->message);
                step_ended(a, false, 0);
                return;
        }
        if (look_at_disk(a, &space) && space.free_bytes > g->free_before)
                freed = space.free_bytes - g->free_before;
        step_ended(a, true, freed);
}

/* What became free of the results is worth telling, that there was nothing is not. */
static void on_results(struct hv_agent *a) {
        uint64_t freed = a->gc->results_before - HV_MIN(a->results_bytes, a->gc->results_before);

        if (freed > 0)
                step_ended(a, true, freed);
        else
                look(a);
}

static void perform(struct hv_agent *a, const struct hv_gc_step *step, uint64_t free_bytes) {
        struct hv_docker_then then = { .fn = on_removed, .userdata = a };
        struct hv_agent_gc *g = a->gc;

        g->step = (struct hv_gc_step){ step->what,
                                       hv_arena_strdup(g->arena, step->id),
                                       hv_arena_strdup(g->arena, step->name),
                                       hv_arena_strdup(g->arena, step->target),
                                       hv_arena_strdup(g->arena, step->why),
                                       step->bytes };
        g->free_before = free_bytes;
        switch (step->what) {
        case HV_GC_CONTAINER:
                g->call = hv_docker_container_remove(a->docker, g->step.target, false, true, then);
                break;
        case HV_GC_IMAGE:
        case HV_GC_LAYER:
                g->call = hv_docker_image_remove(a->docker, g->step.target, false, then);
                break;
        case HV_GC_LOG:
                step_ended(a, hv_agent_log_files_remove(a, g->step.name), g->step.bytes);
                break;
        case HV_GC_RESULTS:
        case HV_N_GC_WHATS:
                g->has_results = false;
                g->results_before = a->results_bytes;
                if (!hv_agent_retention_run(a, on_results))
                        look(a);
                break;
        }
}

static const struct hv_gc_step *first_of(const struct hv_agent_gc *g, const struct hv_gc_plan *plan) {
        for (size_t i = 0; i < plan->n_steps; i++)
                if (!hv_map_get(g->left, plan->steps[i].id))
                        return &plan->steps[i];
        return NULL;
}

static void on_seen(void *userdata, struct hv_gc_seen *seen, const struct hv_err *err) {
        struct hv_agent *a = userdata;
        struct hv_agent_gc *g = a->gc;
        const struct hv_gc_step *step;
        struct hv_gc_plan plan;
        bool was_stuck = g->is_stuck;

        g->look = NULL;
        seen->facts.is_collecting = g->is_collecting;
        seen->facts.has_results = g->has_results;
        hv_gc_plan(&seen->rules, &seen->facts, seen->arena, &plan);
        /* An engine that shows nothing leaves what tasks left. */
        step = first_of(g, &plan);
        if (step) {
                perform(a, step, seen->facts.free_bytes);
                return;
        }
        if (!err && seen->facts.total_bytes > 0) {
                g->is_collecting = plan.makes_space;
                g->is_stuck = plan.makes_space;
                hv_metrics_gc_stuck(hv_api_metrics(a->api), g->is_stuck);
                if (g->is_stuck && !was_stuck)
                        tell_stuck(seen);
                if (g->is_stuck != was_stuck)
                        hv_agent_pressure_sampled(a);
        }
        end_round(a, err ? NULL : seen, plan.next_us, err);
}

static void look(struct hv_agent *a) {
        a->gc->look = hv_gc_look_new(a, on_seen, a);
}

static int on_timer(sd_event_source *s, uint64_t at_us, void *userdata) {
        struct hv_agent *a = userdata;
        struct hv_agent_gc *g = a->gc;

        (void) s;
        (void) at_us;
        if (g->arena)
                return 0;
        g->arena = hv_arena_new();
        g->left = hv_map_new(NULL);
        g->has_results = true;
        g->freed_bytes = 0;
        for (size_t i = 0; i < g->asked.n; i++)
                hv_vec_push(&g->waiting, g->asked.v[i]);
        hv_vec_clear(&g->asked);
        look(a);
        return 0;
}

/* ---- what it would do ---- */

static void forget(struct hv_agent_gc *g, struct dry_run *d) {
        for (size_t i = 0; i < g->dry_runs.n; i++)
                if (g->dry_runs.v[i] == d)
                        g->dry_runs.v[i] = g->dry_runs.v[--g->dry_runs.n];
        free(d);
}

static void tell_images(struct dry_run *d, struct hv_gc_seen *seen, const struct hv_err *err) {
        struct hv_api_engine_images result = { .err = err };
        struct hv_api_engine_image *images =
                HV_ARENA_NEW_N(seen->arena, struct hv_api_engine_image, seen->facts.n_images + 1);
        struct hv_gc_plan plan;

        hv_gc_plan(&seen->rules, &seen->facts, seen->arena, &plan);
        for (size_t i = 0; i < seen->facts.n_images; i++) {
                const struct hv_gc_image *image = &seen->facts.images[i];
                struct hv_gc_verdict v = hv_gc_judge_image(&seen->rules, &seen->facts, &plan, image);
                const char **users = HV_ARENA_NEW_N(seen->arena, const char *, seen->facts.n_containers + 1);
                size_t n = 0;

                for (const char *user; (user = hv_gc_user_of(&seen->facts, image, n)); n++)
                        users[n] = user;
                images[i] = (struct hv_api_engine_image){ .id = image->id,
                                                          .name = image->is_dangling ? NULL : image->name,
                                                          .size_bytes = image->size_bytes,
                                                          .created_wall_us = image->created_us,
                                                          .users = users,
                                                          .n_users = n,
                                                          .is_pinned = image->is_pinned,
                                                          .is_ours = image->is_ours,
                                                          .goes = v.goes,
                                                          .why = v.why };
        }
        result.images = images;
        result.n_images = seen->facts.n_images;
        hv_api_engine_images_done(d->call, &result);
}

static void tell_steps(struct dry_run *d, struct hv_gc_seen *seen, const struct hv_err *err) {
        struct hv_agent *a = d->agent;
        struct hv_api_gc result = { .err = err, .dry_run = true, .is_stuck = a->gc->is_stuck };
        struct hv_api_gc_step *steps;
        struct hv_gc_plan plan;

        hv_gc_plan(&seen->rules, &seen->facts, seen->arena, &plan);
        steps = HV_ARENA_NEW_N(seen->arena, struct hv_api_gc_step, plan.n_steps + 1);
        for (size_t i = 0; i < plan.n_steps; i++) {
                const struct hv_gc_step *s = &plan.steps[i];

                steps[i] = (struct hv_api_gc_step){ hv_gc_what_name(s->what), s->name, s->why, s->bytes };
                result.bytes += s->bytes;
        }
        result.steps = steps;
        result.n_steps = plan.n_steps;
        figures(&result, &seen->rules, &seen->facts);
        hv_api_gc_done(d->call, &result);
}

static void on_seen_dry(void *userdata, struct hv_gc_seen *seen, const struct hv_err *err) {
        struct dry_run *d = userdata;

        seen->facts.is_collecting = d->agent->gc->is_collecting;
        if (d->is_about_images)
                tell_images(d, seen, err);
        else
                tell_steps(d, seen, err);
        forget(d->agent->gc, d);
}

static void look_only(struct hv_agent *a, bool is_about_images, struct hv_api_call *call) {
        struct dry_run *d = HV_NEW(struct dry_run);

        *d = (struct dry_run){ .is_about_images = is_about_images, .agent = a, .call = call };
        hv_vec_push(&a->gc->dry_runs, d);
        d->look = hv_gc_look_new(a, on_seen_dry, d);
}

void hv_agent_gc_images(void *userdata, struct hv_api_call *call) {
        struct hv_agent *a = userdata;
        struct hv_api_engine_images none = {};
        struct hv_err err = {};

        if (a->gc && active(a)) {
                look_only(a, true, call);
                return;
        }
        (void) hv_err_set(&err, -EAGAIN, "no revision of the desired state is in force yet");
        none.err = &err;
        hv_api_engine_images_done(call, &none);
}

void hv_agent_gc(void *userdata, bool dry_run, struct hv_api_call *call) {
        struct hv_agent *a = userdata;
        struct hv_api_gc none = {};
        struct hv_err err = {};

        if (!a->gc || !active(a)) {
                (void) hv_err_set(&err, -EAGAIN, "no revision of the desired state is in force yet");
                none.err = &err;
                hv_api_gc_done(call, &none);
                return;
        }
        if (!dry_run) {
                hv_vec_push(&a->gc->asked, call);
                arm_at_most(a, 0);
                return;
        }
        look_only(a, false, call);
}

/* ---- life ---- */

void hv_agent_gc_follow(struct hv_agent *a) {
        int r;

        if (!a->gc) {
                a->gc = HV_NEW(struct hv_agent_gc);
                r = sd_event_add_time(a->event, &a->gc->timer, CLOCK_BOOTTIME, 0, 0, on_timer, a);
                if (r >= 0)
                        r = sd_event_source_set_enabled(a->gc->timer, SD_EVENT_OFF);
                if (r < 0)
                        (void) hv_log_error(r, "garbage collection cannot be set up");
        }
        arm_at_most(a, HV_MIN(active(a)->settings.gc_interval_us, FIRST_ROUND_US));
}

void hv_agent_gc_end(struct hv_agent *a) {
        struct hv_agent_gc *g = a->gc;
        struct hv_api_engine_images no_images = {};
        struct hv_api_gc result = {};
        struct hv_err err = {};

        if (!g)
                return;
        (void) hv_err_set(&err, -ESHUTDOWN, "the agent ends");
        result.err = no_images.err = &err;
        for (size_t i = 0; i < g->asked.n; i++)
                hv_api_gc_done(g->asked.v[i], &result);
        for (size_t i = 0; i < g->waiting.n; i++)
                hv_api_gc_done(g->waiting.v[i], &result);
        for (size_t i = 0; i < g->dry_runs.n; i++) {
                if (g->dry_runs.v[i]->is_about_images)
                        hv_api_engine_images_done(g->dry_runs.v[i]->call, &no_images);
                else
                        hv_api_gc_done(g->dry_runs.v[i]->call, &result);
                hv_gc_look_free(g->dry_runs.v[i]->look);
                free(g->dry_runs.v[i]);
        }
        hv_vec_done(&g->asked);
        hv_vec_done(&g->waiting);
        hv_vec_done(&g->dry_runs);
        hv_vec_done(&g->done);
        hv_gc_look_free(g->look);
        hv_docker_call_cancel(g->call);
        hv_map_free(g->left);
        hv_arena_free(g->arena);
        sd_event_source_disable_unref(g->timer);
        free(g);
        a->gc = NULL;
}
