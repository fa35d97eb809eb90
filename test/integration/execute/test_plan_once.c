/* plan_once: the plan is what then happens, and making it changes nothing (only GET and HEAD on the wire). */
#include <errno.h>

#include "tap.h"
#include "world.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "execute/plan_once.h"

#define SLEEP \
        "image: " IMAGE ", command: [sh, -c, \"trap 'exit 0' TERM; sleep 1000 & wait\"], stop: {grace: 2s}"
#define MORE "  networks: [{name: front}, {name: back}]\n  volumes: [{name: data, reclaim: delete}]\n"
#define FREE "  node: {safety: {maxPrune: 100%}}\n"

struct planned {
        bool done, parked, complete;
        int error;
        char *steps; /* "create network/front, create service/web/1" */
        char *changes, *message;
};

static void planned_done(struct planned *p) {
        free(p->steps);
        free(p->changes);
        free(p->message);
        *p = (struct planned){};
}

static void on_plan(void *userdata, const struct hv_planned_set *plan) {
        struct planned *p = userdata;
        _hv_cleanup_(hv_buf_done) struct hv_buf steps = {}, changes = {};

        p->done = true;
        p->error = plan->err ? plan->err->code : 0;
        p->message = hv_strdup(plan->err ? plan->err->msg : plan->parked_message);
        p->parked = plan->parked;
        p->complete = plan->complete;
        for (size_t i = 0; i < plan->n_steps; i++) {
                assert_non_null(plan->steps[i].name);
                assert_true(*plan->steps[i].why != '\0');
                hv_buf_printf(&steps, "%s%s %s", i ? ", " : "", hv_action_name(plan->steps[i].type),
                              plan->steps[i].key);
                if (*plan->steps[i].changes)
                        hv_buf_printf(&changes, "%s", plan->steps[i].changes);
        }
        p->steps = hv_buf_steal(&steps);
        p->changes = hv_buf_steal(&changes);
}

static void plan_with(struct world *w, const struct hv_plan_once_options *options, struct planned *ret) {
        _hv_cleanup_(hv_plan_once_freep) struct hv_plan_once *p = NULL;

        planned_done(ret);
        assert_int_equal(hv_plan_once_new(w->event, options, on_plan, ret, &p, NULL), 0);
        hv_test_run_until(w->event, ret->done);
}

/* Plans through a tap: whatever comes of it, the engine saw GET and HEAD only. */
static void plan(struct world *w, const char *services, const char *more, struct planned *ret) {
        _hv_cleanup_(hv_desired_unrefp) struct hv_desired *d = desired_of(services, more);
        _hv_cleanup_(tap_freep) struct tap *tap = tap_new(w->event, hv_engine_url(w->engine));

        plan_with(w,
                  &(struct hv_plan_once_options){
                          .docker_url = tap_url(tap), .desired = d, .in_force = w->desired, .like = w->core },
                  ret);
        assert_true(tap_requests(tap) >= 5);
        for (size_t i = 0; i < tap_requests(tap); i++)
                if (!hv_has_prefix(tap_request(tap, i), "GET ") &&
                    !hv_has_prefix(tap_request(tap, i), "HEAD "))
                        fail_msg("the plan sent: %s", tap_request(tap, i));
}

static int by_text(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The effects of the real run and the planned ones, each in order of text: several objects converge at the same time, so
 * the order between them is the engine's. */
static void expect_as_planned(struct world *w, const char *steps) {
        _hv_cleanup_(hv_buf_done) struct hv_buf done = {}, wished = {};
        _hv_cleanup_free_ char *copy = hv_strdup(steps);
        HV_VEC(char *) v = {};
        char *rest = copy;

        if (w->effects.n > 0)
                qsort(w->effects.v, w->effects.n, sizeof *w->effects.v, by_text);
        for (size_t i = 0; i < w->effects.n; i++)
                hv_buf_printf(&done, "%s\n", w->effects.v[i]);
        while (*rest) {
                char *end = strstr(rest, ", ");

                hv_vec_push(&v, rest);
                rest = end ? end + 2 : rest + strlen(rest);
                if (end)
                        *end = '\0';
        }
        if (v.n > 0)
                qsort(v.v, v.n, sizeof *v.v, by_text);
        for (size_t i = 0; i < v.n; i++)
                hv_buf_printf(&wished, "%s\n", v.v[i]);
        hv_vec_done(&v);
        assert_string_equal(hv_buf_str(&done), hv_buf_str(&wished));
}

static void a_plan_is_what_then_happens(void **state) {
        static const struct {
                const char *what, *services, *more;
        } rows[] = {
                { "from nothing",
                  "[{name: web, " SLEEP
                  ", networks: [{name: front}, {name: back}], mounts: [{volume: data, target: /d}]}, "
                  "{name: db, " SLEEP ", replicas: 2}]",
                  MORE },
                { "nothing",
                  "[{name: web, " SLEEP ", networks: [{name: front}, {name: back}], mounts: [{volume: data, "
                  "target: /d}]}, {name: db, " SLEEP ", replicas: 2}]",
                  MORE },
                { "limits in place",
                  "[{name: web, " SLEEP ", networks: [{name: front}, {name: back}], mounts: [{volume: "
                  "data, target: /d}], resources: {limits: {memory: 32Mi}}}, {name: db, " SLEEP
                  ", replicas: 2}]",
                  MORE },
                { "a replacement",
                  "[{name: web, " SLEEP ", networks: [{name: back}], mounts: [{volume: data, target: "
                  "/d}], env: [{name: A, value: b}], resources: {limits: {memory: 32Mi}}}, {name: db, " SLEEP
                  ", replicas: 2}]",
                  MORE },
                { "fewer", "[{name: db, " SLEEP "}]", FREE },
                { "a dependency",
                  "[{name: db, " SLEEP "}, {name: web, " SLEEP ", dependsOn: [{service: db}]}]", FREE },
        };
        _hv_cleanup_(planned_done) struct planned p = {};
        struct world *w = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                plan(w, rows[i].services, rows[i].more, &p);
                print_message("%s: %s\n", rows[i].what, p.steps);
                assert_int_equal(p.error, 0);
                assert_true(p.complete);
                assert_false(p.parked);
                forget_effects(w);
                wish_for(w, rows[i].services, rows[i].more);
                converge(w);
                expect_as_planned(w, p.steps);
                if (hv_streq(rows[i].what, "nothing"))
                        assert_string_equal(p.steps, "");
        }
}

static void a_plan_names_what_changes(void **state) {
        _hv_cleanup_(planned_done) struct planned p = {};
        struct world *w = *state;

        wish_for(w, "[{name: web, " SLEEP "}]", NULL);
        converge(w);
        plan(w, "[{name: web, " SLEEP ", resources: {limits: {memory: 64Mi}}}]", NULL, &p);
        assert_string_equal(p.steps, "update service/web/1");
        assert_string_equal(p.changes, "resources.limits.memory: (none) -> 64Mi");
}

static void an_image_that_is_missing_is_planned_to_be_pulled(void **state) {
        _hv_cleanup_(planned_done) struct planned p = {};
        struct world *w = *state;

        plan(w, "[{name: web, image: docker.io/library/missing:1}]", NULL, &p);
        assert_string_equal(p.steps,
                            "create network network/hivemind, pull image/docker.io/library/missing:1, create "
                            "service/web/1, start service/web/1");
}

static void a_plan_that_the_guard_would_hold_says_so_and_goes_on(void **state) {
        _hv_cleanup_(planned_done) struct planned p = {};
        struct world *w = *state;

        wish_for(w,
                 "[{name: a, " SLEEP "}, {name: b, " SLEEP "}, {name: c, " SLEEP "}, {name: d, " SLEEP "}]",
                 NULL);
        converge(w);
        plan(w, "[{name: a, " SLEEP "}]", NULL, &p);
        assert_true(p.parked);
        assert_non_null(strstr(p.message, "accept-prune"));
        assert_non_null(strstr(p.steps, "stop hive-b"));
        assert_non_null(strstr(p.steps, "remove hive-c"));
        assert_int_equal(inspect(w, "hive-b")->state, HV_DOCKER_STATE_RUNNING);
}

static void a_stranger_in_the_way_is_no_endless_plan(void **state) {
        _hv_cleanup_(planned_done) struct planned p = {};
        struct world *w = *state;

        sh("docker -H %s create --name hive-web hv/busybox:1 true >/dev/null", hv_engine_url(w->engine));
        plan(w, "[{name: web, " SLEEP "}]", NULL, &p);
        assert_true(p.complete);
        assert_string_equal(p.steps, "create network network/hivemind");
}

static void without_an_engine_there_is_no_plan(void **state) {
        _hv_cleanup_(planned_done) struct planned p = {};
        struct world *w = *state;
        _hv_cleanup_(hv_desired_unrefp) struct hv_desired *d = desired_of("[{name: web, " SLEEP "}]", NULL);
        _hv_cleanup_(hv_desired_unrefp) struct hv_desired *off =
                desired_of("[{name: web, " SLEEP "}]", "  node: {docker: {enabled: false}}\n");

        plan_with(w, &(struct hv_plan_once_options){ .docker_url = "unix:///nonexistent/sock", .desired = d },
                  &p);
        assert_int_equal(p.error, -EHOSTDOWN);
        assert_true(*p.message != '\0');
        /* switched off: not even asked */
        plan_with(w,
                  &(struct hv_plan_once_options){ .docker_url = "unix:///nonexistent/sock", .desired = off },
                  &p);
        assert_int_equal(p.error, 0);
        assert_true(p.complete);
        assert_string_equal(p.steps, "");
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                T(a_plan_is_what_then_happens),
                T(a_plan_names_what_changes),
                T(an_image_that_is_missing_is_planned_to_be_pulled),
                T(a_plan_that_the_guard_would_hold_says_so_and_goes_on),
                T(a_stranger_in_the_way_is_no_endless_plan),
                T(without_an_engine_there_is_no_plan),
        };

        return cmocka_run_group_tests_name("plan_once", tests, NULL, NULL);
}
