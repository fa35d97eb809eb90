/* shadow: after "doing" things, the engine is shown as if they were done. */
#include "testing.h"

#include "base/arena.h"
#include "base/buf.h"
#include "execute/shadow.h"

/* The engine: it holds one container, one network and one volume, and knows no image. */
struct engine {
        struct hv_driver base;
        struct hv_driver *shadow;
        unsigned n_asked;
};

struct told {
        enum hv_outcome outcome;
        const char *created_id;
        char shown[512]; /* of a listing or an inspect */
        unsigned n_effects;
};

static void show(const struct hv_seen_container *c, struct hv_buf *out) {
        hv_buf_printf(out, "%s:%d:%llu", c->name, (int) c->state,
                      (unsigned long long) c->limits.memory_bytes);
        for (size_t i = 0; i < c->n_endpoints; i++)
                hv_buf_printf(out, "+%s", c->endpoints[i].network);
        hv_buf_putc(out, ' ');
}

static void on_input(void *userdata, const struct hv_input *in) {
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};
        struct told *t = userdata;

        t->outcome = in->outcome;
        t->created_id = in->created_id;
        if (in->container)
                show(in->container, &out);
        for (size_t i = 0; in->listing && i < in->listing->n_containers; i++)
                show(&in->listing->containers[i], &out);
        for (size_t i = 0; in->listing && i < in->listing->n_networks; i++)
                hv_buf_printf(&out, "net:%s ", in->listing->networks[i].name);
        for (size_t i = 0; in->listing && i < in->listing->n_volumes; i++)
                hv_buf_printf(&out, "vol:%s ", in->listing->volumes[i].name);
        (void) snprintf(t->shown, sizeof t->shown, "%s", hv_buf_str(&out));
}

static void on_effect(void *userdata, const struct hv_action *a) {
        struct told *t = userdata;

        assert_false(hv_action_is_look(a->type));
        t->n_effects++;
}

static void answer(struct hv_driver *d, const struct hv_action *a) {
        static const struct hv_seen_endpoint endpoint = { .network = "front" };
        static const struct hv_seen_container real = { .id = "r1",
                                                       .name = "real",
                                                       .ours = true,
                                                       .detailed = true,
                                                       .state = HV_CONTAINER_RUNNING,
                                                       .endpoints = &endpoint,
                                                       .n_endpoints = 1,
                                                       .limits = { .memory_bytes = 1 } };
        static const struct hv_seen_network network = { .id = "n1", .name = "front", .ours = true };
        static const struct hv_seen_volume volume = { .name = "data", .ours = true };
        static const struct hv_listing listing = { HV_LOOK_ALL, &real, 1, &network, 1, &volume, 1 };
        struct engine *e = (struct engine *) d;
        struct hv_input in = { .type = HV_INPUT_DONE, .action_id = a->id };

        assert_true(hv_action_is_look(a->type)); /* an effect that came through would be done */
        e->n_asked++;
        if (a->type == HV_ACTION_LIST)
                in.listing = &listing;
        else if (a->type == HV_ACTION_INSPECT && hv_streq(a->target, "real"))
                in.container = &real;
        else
                in.outcome = HV_OUTCOME_NOT_FOUND;
        hv_shadow_input(e->shadow, &in);
}

static struct hv_driver *no_free(struct hv_driver *d) {
        (void) d;
        return NULL;
}

static const struct hv_driver_ops engine_ops = { .name = "engine", .submit = answer, .free = no_free };

struct fixture {
        struct engine engine;
        struct told told;
        struct hv_driver *shadow;
        uint64_t last_id;
};

static int set_up(void **state) {
        struct fixture *x = calloc(1, sizeof *x);
        const struct hv_shadow_options options = {
                .effect = on_effect, .userdata = &x->told, .input = on_input, .input_userdata = &x->told
        };

        x->engine.base.ops = &engine_ops;
        x->shadow = hv_shadow_new(&options);
        x->engine.shadow = x->shadow;
        hv_shadow_look_through(x->shadow, &x->engine.base);
        *state = x;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *x = *state;

        (void) hv_driver_free(x->shadow);
        free(x);
        return 0;
}

static const struct told *perform(struct fixture *x, struct hv_action a) {
        a.id = ++x->last_id;
        x->shadow->ops->submit(x->shadow, &a);
        return &x->told;
}

static const char *list(struct fixture *x) {
        return perform(x, (struct hv_action){ .type = HV_ACTION_LIST, .parts = HV_LOOK_ALL })->shown;
}

static void a_real_container_is_shown_with_what_was_done_to_it(void **state) {
        struct fixture *x = *state;

        assert_string_equal(list(x), "real:1:1+front net:front vol:data ");
        (void) perform(x, (struct hv_action){ .type = HV_ACTION_UPDATE,
                                              .target = "r1",
                                              .limits = { .memory_bytes = 2 } });
        (void) perform(x, (struct hv_action){
                                  .type = HV_ACTION_NETWORK_CONNECT, .target = "r1", .endpoint = "back" });
        assert_string_equal(
                perform(x, (struct hv_action){ .type = HV_ACTION_INSPECT, .target = "real" })->shown,
                "real:1:2+front+back ");
        (void) perform(x, (struct hv_action){ .type = HV_ACTION_NETWORK_DISCONNECT,
                                              .target = "r1",
                                              .endpoint = "front" });
        (void) perform(x, (struct hv_action){ .type = HV_ACTION_STOP, .target = "r1" });
        assert_string_equal(list(x), "real:5:2+back net:front vol:data ");
        (void) perform(x, (struct hv_action){ .type = HV_ACTION_REMOVE, .target = "r1" });
        assert_string_equal(list(x), "net:front vol:data ");
        assert_int_equal(
                perform(x, (struct hv_action){ .type = HV_ACTION_INSPECT, .target = "real" })->outcome,
                HV_OUTCOME_NOT_FOUND);
        assert_int_equal(x->told.n_effects, 5);
}

static void what_is_made_is_shown_until_it_is_removed(void **state) {
        static const struct hv_unit_network back = { .name = "back" };
        static const struct hv_unit u = { .kind = HV_KIND_SERVICE,
                                          .object = "web",
                                          .replica = 1,
                                          .container = "real",
                                          .image = "i",
                                          .networks = &back,
                                          .n_networks = 1,
                                          .limits = { .memory_bytes = 7 } };
        static const struct hv_network net = { .name = "back" };
        static const struct hv_volume vol = { .name = "more" };
        struct fixture *x = *state;
        const struct hv_action create = { .type = HV_ACTION_CREATE, .unit = &u };
        const char *id;

        (void) perform(x, (struct hv_action){ .type = HV_ACTION_REMOVE, .target = "r1" });
        assert_int_equal(perform(x, create)->outcome, HV_OUTCOME_NOT_FOUND); /* its image is not there */
        (void) perform(x, (struct hv_action){ .type = HV_ACTION_PULL, .image = "i" });
        assert_int_equal(
                perform(x, (struct hv_action){ .type = HV_ACTION_INSPECT_IMAGE, .image = "i" })->outcome,
                HV_OUTCOME_OK);
        assert_int_equal(perform(x, create)->outcome, HV_OUTCOME_OK);
        id = x->told.created_id;
        (void) perform(x, (struct hv_action){ .type = HV_ACTION_START, .target = id });
        assert_string_equal(
                perform(x, (struct hv_action){ .type = HV_ACTION_INSPECT, .target = "real" })->shown,
                "real:1:7+back ");
        id = perform(x, (struct hv_action){ .type = HV_ACTION_NETWORK_CREATE, .network = &net })->created_id;
        (void) perform(x, (struct hv_action){ .type = HV_ACTION_VOLUME_CREATE, .volume = &vol });
        assert_string_equal(list(x), "real:1:7+back net:front net:back vol:data vol:more ");
        (void) perform(x, (struct hv_action){ .type = HV_ACTION_NETWORK_REMOVE, .target = id });
        (void) perform(x, (struct hv_action){ .type = HV_ACTION_NETWORK_REMOVE, .target = "n1" });
        (void) perform(x, (struct hv_action){ .type = HV_ACTION_VOLUME_REMOVE, .target = "more" });
        (void) perform(x, (struct hv_action){ .type = HV_ACTION_VOLUME_REMOVE, .target = "data" });
        assert_string_equal(list(x), "real:1:7+back ");
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                T(a_real_container_is_shown_with_what_was_done_to_it),
                T(what_is_made_is_shown_until_it_is_removed),
        };

        return cmocka_run_group_tests_name("shadow", tests, NULL, NULL);
}
