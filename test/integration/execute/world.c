/* world.c - see world.h. */
#include "world.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "spec/load.h"
#include "spec/yaml.h"

static uint64_t now_us(const struct world *w) {
        uint64_t now = 0;

        (void) sd_event_now(w->event, CLOCK_BOOTTIME, &now);
        return now;
}

/* --- the loop around the core --- */

static void poke(struct world *w) {
        (void) sd_event_source_set_enabled(w->pass, SD_EVENT_ONESHOT);
}

static void on_input(void *userdata, const struct hv_input *in) {
        struct world *w = userdata;

        w->n_lost += in->type == HV_INPUT_ENGINE_LOST;
        if (hv_core_input(w->core, now_us(w), in, NULL) < 0)
                fail_msg("the core did not expect this input");
        poke(w);
}

static int on_pass(sd_event_source *s, void *userdata) {
        struct world *w = userdata;
        struct hv_effects fx;

        (void) s;
        hv_core_plan(w->core, now_us(w), &fx);
        for (size_t i = 0; i < fx.n_actions; i++) {
                if (!hv_action_is_look(fx.actions[i]->type))
                        hv_vec_push(&w->effects, hv_asprintf("%s %s", hv_action_name(fx.actions[i]->type),
                                                             fx.actions[i]->key));
                hv_executor_submit(w->executor, fx.actions[i]);
        }
        for (size_t i = 0; i < fx.n_notes; i++)
                print_message("  note: %s: %s\n", fx.notes[i].container ? fx.notes[i].container : "-",
                              fx.notes[i].message);
        if (fx.deadline_us != HV_TIME_NEVER) {
                (void) sd_event_source_set_time(w->deadline, fx.deadline_us);
                (void) sd_event_source_set_enabled(w->deadline, SD_EVENT_ONESHOT);
        }
        hv_effects_done(&fx);
        return 0;
}

static int on_deadline(sd_event_source *s, uint64_t usec, void *userdata) {
        (void) s;
        (void) usec;
        poke(userdata);
        return 0;
}

void start_agent(struct world *w) {
        const struct hv_executor_handler handler = { .input = on_input, .userdata = w };
        const struct hv_docker_options options = { .url = hv_engine_url(w->engine),
                                                   .call_timeout_us = 20 * HV_USEC_PER_SEC };
        struct hv_docker_driver_options driver = { .node_id = NODE_ID,
                                                   .input = hv_executor_input,
                                                   .images = &w->images };

        w->core = hv_core_new(1);
        assert_int_equal(hv_docker_new(w->event, &options, &w->docker, NULL), 0);
        assert_int_equal(hv_executor_new(w->event, &handler, &w->executor, NULL), 0);
        w->images = (struct hv_image_source){ .docker = w->docker, .is_local = true };
        driver.docker = w->docker;
        driver.input_userdata = w->executor;
        hv_executor_add(w->executor, hv_docker_driver_new(&driver));
        if (w->desired)
                (void) hv_core_input(w->core, now_us(w),
                                     &(struct hv_input){ .type = HV_INPUT_DESIRED, .desired = w->desired },
                                     NULL);
        poke(w);
}

void stop_agent(struct world *w) {
        (void) sd_event_source_set_enabled(w->pass, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(w->deadline, SD_EVENT_OFF);
        w->executor = hv_executor_free(w->executor);
        w->docker = hv_docker_free(w->docker);
        w->core = hv_core_free(w->core);
}

/* --- wishes --- */

struct hv_desired *desired_of(const char *services, const char *more) {
        _hv_cleanup_free_ char *text =
                hv_asprintf("apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: " NODE_ID
                            "}\nspec:\n%s  services: "
                            "%s\n",
                            more ? more : "", services);
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf shown = {};
        const struct hv_spec_file file = {
                .name = "node.yaml", .text = text, .len = strlen(text), .source = "file", .primary = true
        };
        struct hv_desired *d = NULL;

        if (hv_spec_load(
                    &(struct hv_spec_input){
                            .files = &file, .n_files = 1, .read = hv_yaml_read, .hostname = "host" },
                    &d, diags) < 0) {
                hv_diags_sort(diags);
                hv_diags_render(diags, false, &shown);
                fail_msg("%s", hv_buf_str(&shown));
        }
        return d;
}

void wish_for(struct world *w, const char *services, const char *more) {
        (void) hv_desired_unref(w->desired);
        w->desired = desired_of(services, more);
        (void) hv_core_input(w->core, now_us(w),
                             &(struct hv_input){ .type = HV_INPUT_DESIRED, .desired = w->desired }, NULL);
        poke(w);
}

bool is_synced(const struct world *w) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_desired *active = hv_core_active(w->core);
        struct hv_status st;

        hv_core_status(w->core, now_us(w), arena, &st);
        return st.synced && active && hv_streq(active->revision, w->desired->revision);
}

void converge(struct world *w) {
        hv_test_run_until(w->event, is_synced(w));
}

void forget_effects(struct world *w) {
        for (size_t i = 0; i < w->effects.n; i++)
                free(w->effects.v[i]);
        hv_vec_clear(&w->effects);
}

bool has_effect(const struct world *w, const char *effect) {
        for (size_t i = 0; i < w->effects.n; i++)
                if (hv_streq(w->effects.v[i], effect))
                        return true;
        return false;
}

/* --- the test's own client --- */

static struct hv_docker_result own_result;
static bool own_done;

static void on_own(void *userdata, struct hv_docker_result *result) {
        struct world *w = userdata;

        own_result = *result;
        hv_vec_push(&w->answers, HV_STEAL(result->arena));
        own_done = true;
}

struct hv_docker_then own_begin(struct world *w) {
        own_done = false;
        return (struct hv_docker_then){ .fn = on_own, .userdata = w };
}

const struct hv_docker_result *own_end(struct world *w) {
        hv_test_run_until(w->event, own_done);
        return &own_result;
}

const struct hv_docker_container *inspect(struct world *w, const char *name) {
        const struct hv_docker_result *r = OWN(w, hv_docker_container_inspect, name);

        if (r->outcome == HV_DOCKER_NOT_FOUND)
                return NULL;
        if (r->outcome != HV_DOCKER_OK)
                fail_msg("inspect %s: %s", name, r->message);
        return r->container;
}

void sh(const char *fmt, ...) {
        _hv_cleanup_(hv_buf_done) struct hv_buf command = {};
        va_list ap;

        va_start(ap, fmt);
        hv_buf_vprintf(&command, fmt, ap);
        va_end(ap);
        if (system(command.data) != 0)
                fail_msg("failed: %s", command.data);
}

static void clean(struct world *w) {
        const struct hv_docker_result *r;

        for (;;) {
                r = OWN(w, hv_docker_container_list, false);
                assert_int_equal(r->outcome, HV_DOCKER_OK);
                if (r->containers->n == 0)
                        break;
                assert_int_equal(OWN(w, hv_docker_container_remove,
                                     hv_arena_strdup(w->arena, r->containers->v[0].id), true, true)
                                         ->outcome,
                                 HV_DOCKER_OK);
        }
        sh("for n in $(docker -H %s network ls -q -f type=custom); do docker -H %s network rm $n >/dev/null; done; "
           "for v in $(docker -H %s volume ls -q); do docker -H %s volume rm $v >/dev/null; done",
           hv_engine_url(w->engine), hv_engine_url(w->engine), hv_engine_url(w->engine),
           hv_engine_url(w->engine));
}

/* --- life --- */

static int set_up_with(void **state, struct hv_engine *engine) {
        struct world *w = HV_NEW(struct world);
        struct hv_docker_options own = {};

        assert_true(sd_event_new(&w->event) >= 0);
        assert_true(sd_event_add_defer(w->event, &w->pass, on_pass, w) >= 0);
        assert_true(sd_event_source_set_enabled(w->pass, SD_EVENT_OFF) >= 0);
        assert_true(sd_event_add_time(w->event, &w->deadline, CLOCK_BOOTTIME, 0, 1, on_deadline, w) >= 0);
        assert_true(sd_event_source_set_enabled(w->deadline, SD_EVENT_OFF) >= 0);
        w->arena = hv_arena_new();
        w->engine = engine;
        own.url = hv_engine_url(w->engine);
        assert_int_equal(hv_docker_new(w->event, &own, &w->own, NULL), 0);
        assert_int_equal(OWN(w, hv_docker_connect)->outcome, HV_DOCKER_OK);
        clean(w);
        start_agent(w);
        *state = w;
        return 0;
}

int set_up(void **state) {
        return set_up_with(state, hv_engine_shared("docker"));
}

int set_up_own(void **state) {
        return set_up_with(state, hv_engine_start("docker", "execute"));
}

int tear_down(void **state) {
        struct world *w = *state;

        stop_agent(w);
        clean(w);
        for (size_t i = 0; i < w->answers.n; i++)
                (void) hv_arena_free(w->answers.v[i]);
        hv_vec_done(&w->answers);
        (void) hv_docker_free(w->own);
        (void) hv_engine_free(w->engine);
        (void) sd_event_source_disable_unref(w->pass);
        (void) sd_event_source_disable_unref(w->deadline);
        (void) sd_event_unref(w->event);
        (void) hv_desired_unref(w->desired);
        forget_effects(w);
        hv_vec_done(&w->effects);
        (void) hv_arena_free(w->arena);
        free(w);
        return 0;
}
