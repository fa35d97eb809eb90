/* execute/plan_once.c - see plan_once.h.
 *
 *      core --> executor --> shadow --> docker driver (read-only)
 *       ^-------- inputs -----'
 *
 * A pass of the core follows each batch of inputs; when nothing is under way and nothing comes out of a pass, the core is
 * content, or waits for time: then time is moved on.
 */
#include "execute/plan_once.h"

#include <errno.h>
#include <systemd/sd-event.h>

#include "base/arena.h"
#include "base/vec.h"
#include "execute/docker_driver.h"
#include "execute/executor.h"
#include "execute/shadow.h"
#include "reconcile/status.h"

#define DEFAULT_TIMEOUT_US (30 * HV_USEC_PER_SEC)
/* Leaps in time after which nothing new came up: what is still waited for (a name that is taken, a tunnel) is
 * not a matter of time. */
#define MAX_IDLE_LEAPS 4

struct hv_plan_once {
        hv_plan_once_fn *fn;
        void *userdata;
        struct hv_desired *desired, *in_force;
        bool consent;

        struct hv_core *core;
        struct hv_docker *docker; /* NULL: no engine is asked */
        struct hv_executor *executor;
        sd_event_source *pass, *timeout;
        uint64_t now_us; /* the core's time */
        unsigned n_steps, n_idle_leaps;

        struct hv_arena *arena; /* of the result */
        HV_VEC(struct hv_planned) steps;
        struct hv_planned_set result;
        struct hv_err err;
        bool over;
};

/* --- the end --- */

static void finish(struct hv_plan_once *p, bool complete) {
        if (p->over)
                return;
        p->over = true;
        (void) sd_event_source_set_enabled(p->pass, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(p->timeout, SD_EVENT_OFF);
        p->result.complete = complete;
        p->result.steps = p->steps.v;
        p->result.n_steps = p->steps.n;
        if (p->err.code < 0)
                p->result.err = &p->err;
        p->fn(p->userdata, &p->result);
}

static int on_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        struct hv_plan_once *p = userdata;

        (void) s;
        (void) usec;
        (void) hv_err_set(&p->err, -ETIMEDOUT, "the engine did not answer in time; there is no plan");
        finish(p, false);
        return 0;
}

/* --- what happens --- */

static void on_effect(void *userdata, const struct hv_action *a) {
        struct hv_plan_once *p = userdata;
        const struct hv_unit *before = p->in_force ? hv_desired_unit(p->in_force, a->key) : NULL;
        const struct hv_unit *after = hv_desired_unit(p->desired, a->key);

        hv_vec_push(&p->steps,
                    ((struct hv_planned){
                            .type = a->type,
                            .key = hv_arena_strdup(p->arena, a->key),
                            .name = hv_arena_strdup(p->arena, a->name),
                            .why = hv_arena_strdup(p->arena, a->why ? a->why : ""),
                            .changes = before && after ? hv_plan_changes(before, after, p->arena) : "",
                    }));
        p->n_idle_leaps = 0;
}

static void on_input(void *userdata, const struct hv_input *in) {
        struct hv_plan_once *p = userdata;
        bool lost = in->type == HV_INPUT_ENGINE_LOST;

        if (p->over)
                return;
        if (lost || in->outcome == HV_OUTCOME_UNREACHABLE || in->outcome == HV_OUTCOME_UNKNOWN) {
                (void) hv_err_set(&p->err, -EHOSTDOWN, "%s",
                                  in->message ? in->message : "the engine does not answer");
                finish(p, false);
                return;
        }
        (void) hv_core_input(p->core, p->now_us, in, NULL);
        (void) sd_event_source_set_enabled(p->pass, SD_EVENT_ONESHOT);
}

/* The guard holds the revision: the plan goes on with what would follow consent. True when there is more to
 * do. */
static bool pass_the_guard(struct hv_plan_once *p, const struct hv_status *st) {
        const struct hv_input accept = { .type = HV_INPUT_ACCEPT, .text = st->parked_revision };
        const char **removals;

        if (!st->parked_revision)
                return false;
        if (!p->consent) {
                removals = HV_ARENA_NEW_N(p->arena, const char *, st->n_parked_removals + 1);
                for (unsigned i = 0; i < st->n_parked_removals; i++)
                        removals[i] = hv_arena_strdup(p->arena, st->parked_removals[i]);
                p->result.parked = true;
                p->result.parked_message = hv_arena_strdup(p->arena, st->parked_message);
                p->result.removals = removals;
                p->result.n_removals = st->n_parked_removals;
                p->result.n_existing = st->n_parked_existing;
        }
        return hv_core_input(p->core, p->now_us, &accept, NULL) >= 0;
}

/* Nothing is under way: content, or waiting for time. */
static void on_idle(struct hv_plan_once *p, uint64_t deadline_us) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_status st;

        hv_core_status(p->core, p->now_us, arena, &st);
        if (!pass_the_guard(p, &st)) {
                if (st.synced || deadline_us == HV_TIME_NEVER || p->n_idle_leaps++ >= MAX_IDLE_LEAPS) {
                        finish(p, true);
                        return;
                }
                p->now_us = HV_MAX(p->now_us, deadline_us);
        }
        (void) sd_event_source_set_enabled(p->pass, SD_EVENT_ONESHOT);
}

static int on_pass(sd_event_source *s, void *userdata) {
        struct hv_plan_once *p = userdata;
        struct hv_effects effects;

        (void) s;
        p->now_us++;
        hv_core_plan(p->core, p->now_us, &effects);
        for (size_t i = 0; i < effects.n_actions; i++)
                hv_executor_submit(p->executor, effects.actions[i]);
        p->n_steps += (unsigned) effects.n_actions;
        if (p->n_steps > HV_PLAN_ONCE_STEPS)
                finish(p, false);
        else if (effects.n_actions == 0 && hv_executor_in_flight(p->executor) == 0)
                on_idle(p, effects.deadline_us);
        hv_effects_done(&effects);
        return 0;
}

/* --- life --- */

static int make_engine(struct hv_plan_once *p, struct sd_event *event, const char *url, struct hv_err *err) {
        const struct hv_docker_options docker = {
                .url = url,
                .read_only = true,
                .call_timeout_us = p->desired->settings.call_timeout_us,
        };
        struct hv_shadow_options shadow = { .effect = on_effect, .userdata = p, .input = hv_executor_input };
        struct hv_docker_driver_options engine = { .node_id = p->desired->settings.node_id,
                                                   .input = hv_shadow_input };
        struct hv_driver *driver;
        int r;

        if (!p->desired->settings.docker_enabled)
                return 0;
        r = hv_docker_new(event, &docker, &p->docker, err);
        if (r < 0)
                return r;
        shadow.input_userdata = p->executor;
        driver = hv_shadow_new(&shadow);
        engine.docker = p->docker;
        engine.input_userdata = driver;
        hv_shadow_look_through(driver, hv_docker_driver_new(&engine));
        hv_executor_add(p->executor, driver);
        return 0;
}

int hv_plan_once_new(struct sd_event *event, const struct hv_plan_once_options *options, hv_plan_once_fn *fn,
                     void *userdata, struct hv_plan_once **ret, struct hv_err *err) {
        _hv_cleanup_(hv_plan_once_freep) struct hv_plan_once *p = HV_NEW(struct hv_plan_once);
        const struct hv_executor_handler handler = { .input = on_input, .userdata = p };
        uint64_t timeout_us = options->timeout_us ? options->timeout_us : DEFAULT_TIMEOUT_US;
        int r;

        p->fn = fn;
        p->userdata = userdata;
        p->consent = options->consent;
        p->desired = hv_desired_ref(options->desired);
        p->in_force = options->in_force ? hv_desired_ref(options->in_force) : NULL;
        p->arena = hv_arena_new();
        p->core = hv_core_new(0);
        if (options->like)
                hv_core_remember_like(p->core, options->like);
        p->now_us = HV_USEC_PER_SEC;
        r = hv_executor_new(event, &handler, &p->executor, err);
        if (r < 0)
                return r;
        r = make_engine(p, event, options->docker_url, err);
        if (r < 0)
                return r;
        r = sd_event_add_defer(event, &p->pass, on_pass, p);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &p->timeout, CLOCK_MONOTONIC, timeout_us, 1, on_timeout,
                                               p);
        if (r < 0)
                return hv_err_errno(err, r, "cannot plan");
        (void) hv_core_input(p->core, p->now_us,
                             &(struct hv_input){ .type = HV_INPUT_DESIRED, .desired = p->desired }, NULL);
        *ret = HV_STEAL(p);
        return 0;
}

struct hv_plan_once *hv_plan_once_free(struct hv_plan_once *p) {
        if (!p)
                return NULL;
        (void) sd_event_source_disable_unref(p->pass);
        (void) sd_event_source_disable_unref(p->timeout);
        (void) hv_executor_free(p->executor);
        (void) hv_docker_free(p->docker);
        (void) hv_core_free(p->core);
        hv_vec_done(&p->steps);
        (void) hv_arena_free(p->arena);
        (void) hv_desired_unref(p->desired);
        (void) hv_desired_unref(p->in_force);
        free(p);
        return NULL;
}
