/* The core, one rule a test. The simulator (test/sim) shakes all of them together; here each can be read. */
#include <errno.h>

#include "bed.h"

#define BED struct bed *b = *state

static int setup(void **state) {
        *state = bed_new();
        return 0;
}

static int teardown(void **state) {
        bed_free(*state);
        return 0;
}

static void nothing_is_done_before_the_engine_was_seen_completely(void **state) {
        BED;

        b->hold = true;
        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, {} }));
        bed_run(b);
        assert_string_equal(bed_log_all(b), "connect engine; ");
        bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        bed_run(b);
        assert_string_equal(bed_log_all(b), "list engine; ");
        bed_answer(b, b->held.v[0], HV_OUTCOME_FAILED);
        bed_run(b);
        assert_string_equal(bed_log_all(b), "");
        assert_false(bed_status(b).observed);
        b->hold = false;
        bed_wait(b, 2 * S);
        assert_string_equal(bed_log(b), "create hive-web; start hive-web");
        assert_true(bed_status(b).observed);
}

static void a_new_service_is_created_and_started(void **state) {
        BED;
        struct hv_status s;

        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, {} }));
        bed_run(b);
        assert_string_equal(bed_log_all(b), "connect engine; list engine; create hive-web; start hive-web; ");
        s = bed_status(b);
        assert_true(s.synced);
        assert_int_equal(s.n_units_in_sync, 1);
        assert_string_equal(bed_unit(&s, "hive-web")->message, "");
        assert_string_equal(hv_status_line(&s, b->arena), "1/1 in sync; rev r1");
}

static void a_node_in_sync_is_left_alone(void **state) {
        BED;

        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, { "api" }, {} }));
        bed_run(b);
        (void) bed_log_all(b);
        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, { "api" }, {} }));
        assert_int_equal(hv_core_input(b->core, b->now_us, &(struct hv_input){ .type = HV_INPUT_LOOK }, NULL),
                         0);
        bed_run(b);
        assert_string_equal(bed_log_all(b), "list engine; ");
        bed_wait(b, 3600 * S);
        assert_string_equal(bed_log(b), "");
}

static void networks_and_volumes_come_first_and_go_last(void **state) {
        BED;

        bed_desire(b, desire("r1", (struct wish[]){ { "web", .network = "net", .volume = "data" }, {} }));
        bed_run(b);
        assert_string_equal(bed_log(b),
                            "create network net; create volume data; create hive-web; start hive-web");
        bed_desire(b, desire("r2", (struct wish[]){ {} }));
        bed_run(b);
        /* One service and one network: the guard must let go of both. */
        assert_string_equal(bed_log(b), "");
        assert_int_equal(
                hv_core_input(b->core, b->now_us, &(struct hv_input){ HV_INPUT_ACCEPT, .text = "r2" }, NULL),
                -ENOENT); /* too short a name to be meant */
}

static void dependencies_gate_the_first_start(void **state) {
        BED;
        struct hv_status s;

        b->hold = true;
        bed_desire(b, desire("r1", (struct wish[]){ { "app", .depends_on = "db" }, { "db" }, {} }));
        for (int i = 0; i < 2; i++) {
                bed_run(b);
                bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        }
        bed_run(b);
        bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        bed_run(b);
        assert_string_equal(bed_log(b), "create hive-app; create hive-db");
        s = bed_status(b);
        assert_int_equal(bed_unit(&s, "hive-app")->reason, HV_REASON_WAITING_DEPENDENCY);
        assert_string_equal(bed_unit(&s, "hive-app")->message, "waits for service db");
        b->hold = false;
        while (b->held.n)
                bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        bed_run(b);
        assert_string_equal(bed_log(b), "start hive-db; start hive-app");
        /* Later restarts do not wait: a dependency that is down must not keep its users down. */
        bed_container(b, "hive-app")->state = HV_CONTAINER_EXITED;
        bed_container(b, "hive-db")->state = HV_CONTAINER_EXITED;
        bed_event(b, "die", "hive-app");
        bed_run(b);
        assert_string_equal(bed_log(b), "start hive-app");
}

static void a_changed_spec_replaces_the_container(void **state) {
        BED;

        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, {} }));
        bed_run(b);
        (void) bed_log(b);
        bed_desire(b, desire("r2", (struct wish[]){ { "web", .digest = "e" }, {} }));
        bed_run(b);
        assert_string_equal(bed_log(b), "stop hive-web; remove hive-web; create hive-web; start hive-web");
        assert_string_equal(bed_container(b, "hive-web")->digest, "e");
}

static enum hv_outcome pulls_fail(struct bed *b, const struct hv_action *a) {
        (void) b;
        if (a->type == HV_ACTION_INSPECT_IMAGE)
                return HV_OUTCOME_NOT_FOUND;
        return a->type == HV_ACTION_PULL ? HV_OUTCOME_FAILED : HV_OUTCOME_OK;
}

static void what_runs_goes_on_until_its_successor_can_be_made(void **state) {
        BED;
        struct hv_status s;

        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, {} }));
        bed_run(b);
        (void) bed_log(b);
        b->mood = pulls_fail;
        bed_desire(b, desire("r2", (struct wish[]){ { "web", "img:2", "e" }, {} }));
        bed_run(b);
        assert_string_equal(bed_log(b), "pull img:2");
        assert_int_equal(bed_container(b, "hive-web")->state, HV_CONTAINER_RUNNING);
        s = bed_status(b);
        assert_int_equal(bed_unit(&s, "hive-web")->phase, HV_PHASE_BACK_OFF);
        assert_int_equal(bed_unit(&s, "hive-web")->reason, HV_REASON_PULL_FAILED);
        assert_string_equal(bed_unit(&s, "hive-web")->message,
                            "img:2: cannot pull (try 1): the engine said no");
        assert_string_equal(bed_unit(&s, "hive-web")->next_action, "pull");
        assert_int_equal(bed_unit(&s, "hive-web")->next_us, b->now_us + S);
        b->mood = NULL;
        bed_wait(b, S);
        assert_string_equal(bed_log(b),
                            "pull img:2; stop hive-web; remove hive-web; create hive-web; start hive-web");
}

/* Without an inspect: the reply to a start does not say when, its event does. */
static void when_it_was_started_is_known_from_the_event(void **state) {
        BED;
        struct hv_input event = { .type = HV_INPUT_EVENT,
                                  .event = { .type = HV_EVENT_CONTAINER,
                                             .action = "start",
                                             .name = "hive-web",
                                             .ours = true,
                                             .time_us = 1234567 } };
        struct hv_status s;

        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, {} }));
        bed_run(b);
        (void) bed_log_all(b);
        event.event.id = bed_container(b, "hive-web")->id;
        assert_int_equal(hv_core_input(b->core, b->now_us, &event, NULL), 0);
        bed_run(b);
        assert_string_equal(bed_log_all(b), "");
        s = bed_status(b);
        assert_int_equal(bed_unit(&s, "hive-web")->started_wall_us, 1234567);
        /* The start of an earlier run is not shown for a later one. */
        bed_container(b, "hive-web")->state = HV_CONTAINER_EXITED;
        bed_event(b, "die", "hive-web");
        bed_run(b);
        assert_string_equal(bed_log(b), "start hive-web");
        s = bed_status(b);
        assert_int_equal(bed_unit(&s, "hive-web")->started_wall_us, 0);
}

static enum hv_outcome login_is_wrong(struct bed *b, const struct hv_action *a) {
        b->n_asked += a->type == HV_ACTION_PULL;
        return a->type == HV_ACTION_PULL ? HV_OUTCOME_DENIED : HV_OUTCOME_OK;
}

static struct hv_desired *with_login(const char *revision, const char *secret) {
        struct hv_desired *d = desire(revision, (struct wish[]){ { "web", .pull = HV_PULL_ALWAYS }, {} });
        struct hv_registry *r = HV_ARENA_NEW(d->arena, struct hv_registry);

        *r = (struct hv_registry){ .name = "r", .host = "r.example", .auth_secret = secret };
        d->registries = r;
        d->n_registries = 1;
        return d;
}

static void a_mended_login_is_tried_at_once(void **state) {
        const struct hv_input look = { .type = HV_INPUT_LOOK };
        BED;
        struct hv_status s;
        unsigned n;

        b->mood = login_is_wrong;
        bed_desire(b, with_login("r1", "old"));
        bed_wait(b, 200 * S);
        s = bed_status(b);
        assert_int_equal(bed_unit(&s, "hive-web")->reason, HV_REASON_AUTH_FAILED);
        n = b->n_asked;
        bed_desire(b, with_login("r2", "old")); /* nothing about logins is new */
        bed_run(b);
        assert_int_equal(b->n_asked, n);
        bed_desire(b, with_login("r3", "new"));
        bed_run(b);
        assert_int_equal(b->n_asked, n + 1);
        assert_int_equal(hv_core_input(b->core, b->now_us, &look, NULL),
                         0); /* apply: the secret's file may be another */
        bed_run(b);
        assert_int_equal(b->n_asked, n + 2);
}

static void limits_change_in_place_and_are_read_back(void **state) {
        BED;

        bed_desire(b, desire("r1", (struct wish[]){ { "web", .memory = 64 << 20 }, {} }));
        bed_run(b);
        (void) bed_log_all(b);
        bed_desire(b, desire("r2", (struct wish[]){ { "web", .memory = 128 << 20 }, {} }));
        bed_run(b);
        assert_string_equal(bed_log_all(b), "update hive-web; inspect hive-web; ");
        assert_int_equal(bed_container(b, "hive-web")->limits.memory_bytes, 128 << 20);
        assert_true(bed_status(b).synced);
}

static void drifted_limits_are_put_right(void **state) {
        BED;

        bed_desire(b, desire("r1", (struct wish[]){ { "web", .memory = 64 << 20 }, {} }));
        bed_run(b);
        (void) bed_log(b);
        bed_container(b, "hive-web")->limits.memory_bytes = 7 << 20;
        bed_event(b, "update", "hive-web");
        bed_run(b);
        assert_string_equal(bed_log(b), "update hive-web");
        /* And without an event: the audit finds it within ten resyncs. */
        bed_container(b, "hive-web")->limits.memory_bytes = 7 << 20;
        bed_wait(b, 10 * 70 * S);
        assert_string_equal(bed_log(b), "update hive-web");
}

/* A node in sync says so once, and not once a minute: a resync and the audit after it are no doubt. */
static void a_routine_look_is_no_news(void **state) {
        BED;
        struct hv_status s;
        size_t n_notes;

        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, {} }));
        bed_run(b);
        assert_true(bed_status(b).synced);
        n_notes = b->notes.n;
        bed_wait(b, 20 * 70 * S);
        assert_int_equal(b->notes.n, n_notes);
        (void) bed_log_all(b);
        b->hold = true;
        while (b->held.n == 0)
                bed_wait(b, S);
        for (unsigned i = 0; i < 2; i++) { /* while the list is under way, and then the inspect */
                s = bed_status(b);
                assert_true(s.synced);
                assert_true(bed_unit(&s, "hive-web")->in_sync);
                assert_int_equal(b->held.n, 1);
                bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
                bed_run(b);
        }
        assert_string_equal(bed_log_all(b), "list engine; inspect hive-web; ");
        bed_event(b, "die", "hive-web");
        bed_run(b);
        assert_false(bed_status(b).synced);
}

static enum hv_outcome updates_do_nothing(struct bed *b, const struct hv_action *a) {
        if (a->type != HV_ACTION_UPDATE)
                return HV_OUTCOME_OK;
        b->n_asked++;
        return HV_OUTCOME_NOT_MODIFIED;
}

static void an_engine_that_ignores_limits_is_not_pestered(void **state) {
        BED;
        struct hv_status s;

        bed_desire(b, desire("r1", (struct wish[]){ { "web", .memory = 64 << 20 }, {} }));
        bed_run(b);
        b->mood = updates_do_nothing;
        bed_desire(b, desire("r2", (struct wish[]){ { "web", .memory = 128 << 20 }, {} }));
        bed_wait(b, 60 * S);
        assert_in_range(b->n_asked, 2, 7);
        s = bed_status(b);
        assert_int_equal(bed_unit(&s, "hive-web")->reason, HV_REASON_UPDATE_FAILED);
}

static enum hv_outcome no_update(struct bed *b, const struct hv_action *a) {
        b->n_asked += a->type == HV_ACTION_UPDATE;
        return a->type == HV_ACTION_UPDATE ? HV_OUTCOME_UNSUPPORTED : HV_OUTCOME_OK;
}

static void an_engine_that_changes_nothing_in_place_makes_it_anew(void **state) {
        BED;
        static const char *const remade[] = {
                "update hive-web; stop hive-web; remove hive-web; create hive-web; "
                "start hive-web",
                "stop hive-web; remove hive-web; create hive-web; start hive-web"
        };

        b->mood = no_update;
        bed_desire(b, desire("r1", (struct wish[]){
                                           { "web", .memory = 64 << 20, .restart = HV_RESTART_NEVER }, {} }));
        bed_run(b);
        (void) bed_log(b);
        for (unsigned i = 0; i < 2; i++) { /* it is asked once: after that it is known */
                bed_desire(b, desire(i ? "r3" : "r2", (struct wish[]){ { "web", .memory = (128u + i) << 20,
                                                                         .restart = HV_RESTART_NEVER },
                                                                       {} }));
                bed_run(b);
                assert_string_equal(bed_log(b), remade[i]);
                assert_int_equal(bed_container(b, "hive-web")->limits.memory_bytes, (128u + i) << 20);
                assert_true(bed_status(b).synced);
        }
        assert_int_equal(b->n_asked, 1);
}

/* As an engine may do that knows a limit and cannot set it. */
static void what_was_made_so_and_shows_otherwise_is_not_made_for_ever(void **state) {
        BED;
        struct hv_status s;

        b->mood = no_update;
        bed_desire(b, desire("r1", (struct wish[]){ { "web", .memory = 64 << 20 }, {} }));
        bed_run(b);
        (void) bed_log(b);
        bed_container(b, "hive-web")->limits.memory_bytes = 0;
        bed_wait(b, 3600 * S);
        assert_string_equal(bed_log(b), "update hive-web");
        s = bed_status(b);
        assert_int_equal(bed_unit(&s, "hive-web")->reason, HV_REASON_UPDATE_FAILED);
        assert_non_null(strstr(bed_unit(&s, "hive-web")->message, "this engine changes none in place"));
        /* Another wish is worth another try. */
        bed_desire(b, desire("r2", (struct wish[]){ { "web", .memory = 65 << 20 }, {} }));
        bed_run(b);
        assert_string_equal(bed_log(b), "stop hive-web; remove hive-web; create hive-web; start hive-web");
}

static void a_limit_that_should_be_none_needs_a_new_container(void **state) {
        BED;

        bed_desire(b, desire("r1", (struct wish[]){ { "web", .memory = 64 << 20 }, {} }));
        bed_run(b);
        (void) bed_log(b);
        bed_desire(b, desire("r2", (struct wish[]){ { "web" }, {} }));
        bed_run(b);
        assert_string_equal(bed_log(b), "stop hive-web; remove hive-web; create hive-web; start hive-web");
        assert_true(bed_status(b).synced);
}

static void what_left_the_file_is_stopped_and_removed(void **state) {
        BED;

        bed_desire(b, desire("r1", (struct wish[]){ { "api" }, { "web" }, {} }));
        bed_run(b);
        (void) bed_log(b);
        bed_desire(b, desire("r2", (struct wish[]){ { "api" }, {} }));
        bed_run(b);
        assert_string_equal(bed_log(b), "stop hive-web; remove hive-web");
        assert_null(bed_container(b, "hive-web"));
        assert_int_equal(bed_status(b).n_orphans, 0);
}

static void orphans_of_an_earlier_life_are_removed(void **state) {
        BED;

        bed_add(b, "hive-old", true, HV_CONTAINER_RUNNING);
        bed_add(b, "hive-dead", true, HV_CONTAINER_EXITED);
        bed_add(b, "stranger", false, HV_CONTAINER_RUNNING);
        bed_add(b, "hive-web", true, HV_CONTAINER_RUNNING);
        bed_add(b, "hive-a", true, HV_CONTAINER_RUNNING);
        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, { "a" }, {} }));
        bed_run(b);
        assert_string_equal(bed_log(b), "stop hive-old; remove hive-dead; remove hive-old");
        assert_non_null(bed_container(b, "stranger"));
}

static void a_stranger_with_the_wanted_name_is_never_touched(void **state) {
        BED;
        struct hv_status s;

        bed_add(b, "hive-web", false, HV_CONTAINER_EXITED);
        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, {} }));
        b->mood = NULL;
        bed_wait(b, 600 * S);
        assert_string_equal(bed_log(b), "");
        s = bed_status(b);
        assert_int_equal(bed_unit(&s, "hive-web")->reason, HV_REASON_NAME_CONFLICT);
        assert_false(s.synced);
        bed_drop(b, "hive-web");
        bed_wait(b, 70 * S);
        assert_string_equal(bed_log(b), "create hive-web; start hive-web");
}

/* Who waits for a network whose name a stranger has is no stranger itself. */
static void a_stranger_s_network_makes_no_stranger_of_a_container(void **state) {
        BED;
        struct hv_status s;

        hv_vec_push(&b->networks, ((struct hv_seen_network){ "n1", "net", "bridge", false, NULL }));
        bed_add(b, "hive-web", true, HV_CONTAINER_CREATED)->digest = "old";
        bed_desire(b, desire("r1", (struct wish[]){ { "web", .network = "net" }, {} }));
        bed_run(b);
        s = bed_status(b);
        assert_int_equal(bed_unit(&s, "hive-web")->reason, HV_REASON_NAME_CONFLICT);
        assert_string_equal(bed_unit(&s, "hive-web")->message, "net exists and is not hivelet's");
        for (size_t i = 0; i < b->notes.n; i++)
                assert_null(strstr(b->notes.v[i], "a container named"));
}

/* A list does not tell the limits it was made with. */
static void what_was_made_and_not_started_is_looked_at_before_its_start(void **state) {
        struct hv_seen_container *k;
        BED;

        k = bed_add(b, "hive-web", true, HV_CONTAINER_CREATED);
        k->detailed = false;
        b->hold = true;
        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, {} }));
        bed_run(b);
        bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        bed_run(b);
        bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        (void) bed_log_all(b);
        bed_run(b);
        assert_string_equal(bed_log_all(b), "inspect hive-web; ");
        k->detailed = true;
        k->limits.memory_bytes = 1 << 20; /* which cannot be taken away in place */
        b->hold = false;
        bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        bed_run(b);
        assert_string_equal(bed_log(b), "remove hive-web; create hive-web; start hive-web");
}

static enum hv_outcome no_second_image(struct bed *b, const struct hv_action *a) {
        (void) b;
        if (!hv_streq(a->image, "img:2"))
                return HV_OUTCOME_OK;
        return a->type == HV_ACTION_CREATE ? HV_OUTCOME_NOT_FOUND
               : a->type == HV_ACTION_PULL ? HV_OUTCOME_FAILED
                                           : HV_OUTCOME_OK;
}

static void a_killed_container_is_started_at_once_and_then_with_back_off(void **state) {
        BED;
        struct hv_status s;

        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, {} }));
        bed_run(b);
        (void) bed_log_all(b);
        for (unsigned n = 0; n < 3; n++) {
                bed_container(b, "hive-web")->state = HV_CONTAINER_EXITED;
                bed_container(b, "hive-web")->exit_code = 137;
                bed_event(b, "die", "hive-web");
                bed_run(b);
                if (n == 0) {
                        assert_string_equal(bed_log_all(b), "inspect hive-web; start hive-web; ");
                        continue;
                }
                assert_string_equal(bed_log_all(b), "inspect hive-web; ");
                s = bed_status(b);
                assert_int_equal(bed_unit(&s, "hive-web")->phase, HV_PHASE_BACK_OFF);
                assert_int_equal(bed_unit(&s, "hive-web")->exit_code, 137);
                assert_string_equal(bed_unit(&s, "hive-web")->next_action, "start");
                assert_int_equal(bed_unit(&s, "hive-web")->next_us, b->now_us + n * S);
                bed_wait(b, n * S);
                assert_string_equal(bed_log(b), "start hive-web");
        }
        s = bed_status(b);
        assert_int_equal(bed_unit(&s, "hive-web")->n_restarts, 3);
}

static bool was_told(const struct bed *b, const char *text) {
        for (size_t i = 0; i < b->notes.n; i++)
                if (strstr(b->notes.v[i], text))
                        return true;
        return false;
}

static unsigned times_told(const struct bed *b, const char *text) {
        unsigned n = 0;

        for (size_t i = 0; i < b->notes.n; i++)
                n += strstr(b->notes.v[i], text) != NULL;
        return n;
}

static enum hv_outcome app_does_not_start(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_START && hv_streq(a->name, "hive-app") ? HV_OUTCOME_FAILED
                                                                           : HV_OUTCOME_OK;
}

/* Its start has failed; while it waits for the next try, what it depends on is away for a moment. */
static void a_wait_that_is_interrupted_is_told_once(void **state) {
        unsigned n_told;
        BED;

        bed_desire(b, desire("r1", (struct wish[]){ { "app", .depends_on = "db" }, { "db" }, {} }));
        b->mood = app_does_not_start;
        bed_wait(b, 8 * S);
        n_told = times_told(b, "the next try is in");
        assert_int_equal(n_told, 4); /* 1, 2, 4 and 8 s */
        bed_container(b, "hive-db")->state = HV_CONTAINER_EXITED;
        bed_event(b, "die", "hive-db");
        bed_run(b);
        assert_int_equal(times_told(b, "waits for db"), 2);
        assert_int_equal(bed_container(b, "hive-db")->state, HV_CONTAINER_RUNNING);
        assert_int_equal(times_told(b, "the next try is in"), n_told);
        bed_wait(b, 8 * S);
        assert_int_equal(times_told(b, "the next try is in"), n_told + 1);
}

static void what_waits_and_why_is_told_once(void **state) {
        BED;

        bed_desire(b, desire("r1", (struct wish[]){ { "app", .depends_on = "db" }, { "db", "img:2" }, {} }));
        b->mood = no_second_image;
        bed_wait(b, 10 * S);
        assert_true(was_told(b, "waits for db"));
        assert_true(was_told(b, "the next try is in 1s (PullFailed)"));
        assert_int_equal(times_told(b, "waits for db"), 1);
        b->mood = NULL;
        bed_wait(b, 20 * S);
        assert_true(was_told(b, "everything is as revision r1 wants it"));
        bed_container(b, "hive-db")->state = HV_CONTAINER_EXITED;
        bed_event(b, "die", "hive-db");
        bed_run(b);
        assert_true(was_told(b, "something is not as revision r1 wants it"));
}

static void the_restart_policy_decides_what_an_end_means(void **state) {
        BED;
        static const struct wish wishes[] = { { "always" },
                                              { "once", .restart = HV_RESTART_NEVER },
                                              { "retry", .restart = HV_RESTART_ON_FAILURE },
                                              {} };
        static const char *const names[] = { "hive-always", "hive-once", "hive-retry" };
        struct hv_status s;

        bed_desire(b, desire("r1", wishes));
        bed_run(b);
        (void) bed_log(b);
        for (int code = 0; code < 2; code++) {
                for (size_t i = 0; i < 3; i++) {
                        bed_container(b, names[i])->state = HV_CONTAINER_EXITED;
                        bed_container(b, names[i])->exit_code = code;
                        bed_event(b, "die", names[i]);
                }
                bed_wait(b, 5 * S);
                assert_string_equal(bed_log(b),
                                    code == 0 ? "start hive-always" : "start hive-always; start hive-retry");
                s = bed_status(b);
                /* It ended with 0 and never ran again: a second `die` changes nothing. */
                assert_int_equal(bed_unit(&s, "hive-once")->phase, HV_PHASE_COMPLETED);
                if (code == 0) {
                        assert_int_equal(bed_unit(&s, "hive-retry")->phase, HV_PHASE_COMPLETED);
                        /* Somebody starts it by hand, and it fails. */
                        bed_container(b, "hive-retry")->state = HV_CONTAINER_RUNNING;
                        bed_event(b, "start", "hive-retry");
                        bed_run(b);
                }
        }
        assert_true(bed_status(b).synced);
}

static void a_removed_container_is_made_again(void **state) {
        BED;

        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, {} }));
        bed_run(b);
        (void) bed_log(b);
        bed_event(b, "destroy", "hive-web");
        bed_drop(b, "hive-web");
        bed_run(b);
        assert_string_equal(bed_log(b), "create hive-web; start hive-web");
}

static void an_event_is_a_hint_and_not_the_truth(void **state) {
        BED;

        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, {} }));
        bed_run(b);
        (void) bed_log_all(b);
        bed_event(b, "destroy", "hive-web");
        bed_event(b, "die", "hive-web");
        bed_run(b);
        assert_string_equal(bed_log_all(b), "inspect hive-web; ");
}

static void a_disconnected_network_is_connected_again(void **state) {
        BED;

        bed_desire(b, desire("r1", (struct wish[]){ { "web", .network = "net" }, {} }));
        bed_run(b);
        (void) bed_log(b);
        bed_container(b, "hive-web")->n_endpoints = 0;
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){
                                               .type = HV_INPUT_EVENT,
                                               .event = { .type = HV_EVENT_NETWORK,
                                                          .action = "disconnect",
                                                          .id = "net1",
                                                          .name = "net",
                                                          .container = bed_container(b, "hive-web")->id } },
                                       NULL),
                         0);
        bed_run(b);
        assert_string_equal(bed_log(b), "connect network hive-web");
}

static enum hv_outcome first_create_is_lost_but_done(struct bed *b, const struct hv_action *a) {
        if (a->type != HV_ACTION_CREATE || b->n_asked++ > 0)
                return HV_OUTCOME_OK;
        bed_add(b, "hive-web", true, HV_CONTAINER_CREATED);
        return HV_OUTCOME_UNKNOWN;
}

static void a_lost_reply_leads_to_a_look_and_the_container_is_adopted(void **state) {
        BED;

        b->mood = first_create_is_lost_but_done;
        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, {} }));
        bed_wait(b, 2 * S);
        assert_string_equal(bed_log_all(b), "connect engine; list engine; create hive-web; inspect hive-web; "
                                            "start hive-web; ");
        assert_int_equal(b->containers.n, 1);
}

static enum hv_outcome image_is_missing_once(struct bed *b, const struct hv_action *a) {
        if (a->type == HV_ACTION_PULL)
                b->n_asked = 1;
        return a->type == HV_ACTION_CREATE && b->n_asked == 0 ? HV_OUTCOME_NOT_FOUND : HV_OUTCOME_OK;
}

static void a_missing_image_is_pulled_and_only_then(void **state) {
        BED;

        b->mood = image_is_missing_once;
        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, { "api" }, {} }));
        bed_run(b);
        assert_string_equal(bed_log(b), "create hive-api; create hive-web; pull img:1; create hive-api; "
                                        "create hive-web; start hive-api; start hive-web");
}

static void pull_policy_always_pulls_before_each_creation(void **state) {
        BED;

        bed_desire(b, desire("r1", (struct wish[]){ { "web", .pull = HV_PULL_ALWAYS }, {} }));
        bed_run(b);
        assert_string_equal(bed_log(b), "pull img:1; create hive-web; start hive-web");
        bed_desire(b, desire("r2", (struct wish[]){ { "web", .digest = "e", .pull = HV_PULL_ALWAYS }, {} }));
        bed_run(b);
        assert_string_equal(bed_log(b),
                            "pull img:1; stop hive-web; remove hive-web; create hive-web; start hive-web");
}

static enum hv_outcome no_image(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_CREATE ? HV_OUTCOME_NOT_FOUND : HV_OUTCOME_OK;
}

static void pull_policy_never_waits_for_the_image_to_come(void **state) {
        BED;
        struct hv_input loaded = { .type = HV_INPUT_EVENT,
                                   .event = { .type = HV_EVENT_IMAGE, .action = "load" } };
        struct hv_status s;

        b->mood = no_image;
        bed_desire(b, desire("r1", (struct wish[]){ { "web", .pull = HV_PULL_NEVER }, {} }));
        bed_run(b);
        s = bed_status(b);
        assert_int_equal(bed_unit(&s, "hive-web")->reason, HV_REASON_IMAGE_MISSING);
        b->mood = NULL;
        (void) bed_log(b);
        assert_int_equal(hv_core_input(b->core, b->now_us, &loaded, NULL), 0);
        bed_run(b);
        assert_string_equal(bed_log(b), "create hive-web; start hive-web");
}

static void no_more_objects_than_workers_change_at_once(void **state) {
        BED;
        struct wish many[31] = {};
        char names[30][16];

        for (int i = 0; i < 30; i++) {
                (void) snprintf(names[i], sizeof names[i], "s%02d", i);
                many[i].name = names[i];
        }
        b->hold = true;
        bed_desire(b, desire("r1", many));
        for (int i = 0; i < 2; i++) {
                bed_run(b);
                bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        }
        for (int i = 0; i < 60; i++) {
                bed_run(b);
                assert_in_range(b->held.n, i < 50 ? 4 : 1, 4);
                bed_answer(b, b->held.v[i % b->held.n], HV_OUTCOME_OK);
        }
        b->hold = false;
        bed_run(b);
        assert_true(bed_status(b).synced);
}

static void the_guard_parks_what_would_remove_too_much(void **state) {
        BED;
        struct hv_status s;

        bed_desire(b, desire("rev1", (struct wish[]){ { "a" }, { "b" }, { "c" }, { "d" }, {} }));
        bed_run(b);
        (void) bed_log(b);
        bed_desire(b, desire("rev2", (struct wish[]){ { "a" }, {} }));
        bed_wait(b, 600 * S);
        assert_string_equal(bed_log(b), "");
        s = bed_status(b);
        assert_string_equal(s.active_revision, "rev1");
        assert_string_equal(s.parked_revision, "rev2");
        assert_int_equal(s.n_parked_removals, 3);
        assert_string_equal(s.parked_removals[0], "service/b");
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ HV_INPUT_ACCEPT, .text = "zzzz" }, NULL),
                         -ENOENT);
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ HV_INPUT_ACCEPT, .text = "rev2" }, NULL),
                         0);
        bed_run(b);
        assert_int_equal(b->containers.n, 1);
        assert_null(bed_status(b).parked_revision);
}

/* What was in force before a trial is wanted again though it removes all of it, though another one is parked, and though the
 * engine is not there to count. */
static void the_way_back_of_a_trial_asks_no_guard(void **state) {
        BED;
        struct hv_desired *before = desire("rev1", (struct wish[]){ { "a" }, {} });
        const struct hv_input back = { .type = HV_INPUT_REVERT, .desired = before };
        struct hv_status s;

        bed_desire(b, hv_desired_ref(before));
        bed_run(b);
        bed_desire(b, desire("rev2", (struct wish[]){ { "a" }, { "b" }, { "c" }, { "d" }, { "e" }, {} }));
        bed_run(b);
        assert_int_equal(b->containers.n, 5);
        bed_desire(b, desire("rev3", (struct wish[]){ { "f" }, {} }));
        bed_run(b);
        assert_string_equal(bed_status(b).parked_revision, "rev3");
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ HV_INPUT_ENGINE_LOST, .message = "cut" }, NULL),
                         0);
        assert_int_equal(hv_core_input(b->core, b->now_us, &back, NULL), 0);
        s = bed_status(b);
        assert_string_equal(s.active_revision, "rev1");
        assert_null(s.parked_revision);
        bed_run(b);
        assert_int_equal(b->containers.n, 1);
        assert_true(bed_status(b).synced);
        hv_desired_unref(before);
}

static void the_guard_says_what_it_would_do_and_does_nothing(void **state) {
        BED;
        _hv_cleanup_(hv_desired_unrefp) struct hv_desired
                *all = desire("rev1", (struct wish[]){ { "a" }, { "b" }, { "c" }, { "d" }, { "e" }, {} }),
                *most = desire("rev2", (struct wish[]){ { "a" }, { "b" }, { "c" }, { "d" }, {} }),
                *few = desire("rev3", (struct wish[]){ { "f" }, {} });
        struct hv_err err = {};
        struct hv_status s;

        bed_desire(b, hv_desired_ref(all));
        bed_run(b);
        assert_int_equal(hv_core_ask_guard(b->core, most, &err), 0);
        assert_int_equal(hv_core_ask_guard(b->core, few, &err), -EDQUOT);
        assert_non_null(strstr(err.msg, "would remove 5 of 5 objects"));
        assert_non_null(strstr(err.msg, "hivectl rollback rev3 --accept-prune rev3"));
        bed_run(b);
        s = bed_status(b);
        assert_string_equal(s.active_revision, "rev1");
        assert_null(s.parked_revision);
        assert_int_equal(b->containers.n, 5);

        bed_desire(b, hv_desired_ref(few)); /* what is parked stays so, with its words */
        bed_run(b);
        assert_int_equal(hv_core_ask_guard(b->core, most, &err), 0);
        s = bed_status(b);
        assert_string_equal(s.parked_revision, "rev3");
        assert_int_equal(s.n_parked_removals, 5);
        assert_non_null(strstr(s.parked_message, "hivectl apply --accept-prune rev3"));

        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ HV_INPUT_ENGINE_LOST, .message = "cut" }, NULL),
                         0);
        assert_int_equal(hv_core_ask_guard(b->core, most, &err), -ENOTCONN);
}

static void the_guard_lets_half_go_and_never_a_single_one_back(void **state) {
        BED;

        bed_desire(b, desire("rev1", (struct wish[]){ { "a" }, { "b" }, { "c" }, { "d" }, {} }));
        bed_run(b);
        bed_desire(b, desire("rev2", (struct wish[]){ { "a" }, { "b" }, {} }));
        bed_run(b);
        assert_int_equal(b->containers.n, 2);
        bed_desire(b, desire("rev3", (struct wish[]){ { "a" }, {} }));
        bed_run(b);
        assert_int_equal(b->containers.n, 1);
        /* The last one by an empty state: an empty file is never believed. */
        bed_desire(b, desire("rev4", (struct wish[]){ {} }));
        bed_run(b);
        assert_int_equal(b->containers.n, 1);
        assert_non_null(strstr(bed_status(b).parked_message, "refusing an empty desired state"));
}

static void the_guard_counts_what_the_engine_holds(void **state) {
        BED;

        /* A new agent beside an old engine: no earlier revision is known, the containers are. */
        for (int i = 0; i < 6; i++) {
                char name[32];

                (void) snprintf(name, sizeof name, "hive-s%d", i);
                bed_add(b, name, true, HV_CONTAINER_RUNNING);
        }
        bed_desire(b, desire("rev1", (struct wish[]){ { "s0" }, {} }));
        bed_run(b);
        assert_int_equal(b->containers.n, 6);
        assert_non_null(bed_status(b).parked_revision);
}

static const struct wish six[] = { { "a" }, { "b" }, { "c" }, { "d" }, { "e" }, { "f" }, {} };
static const char *const six_names[] = { "hive-a", "hive-b", "hive-c", "hive-d", "hive-e", "hive-f" };

static void engine_was_away_while(struct bed *b, unsigned from, unsigned until) {
        bed_desire(b, desire("rev1", six));
        bed_run(b);
        b->now_us += 120 * S;
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ HV_INPUT_ENGINE_LOST, .message = "cut" }, NULL),
                         0);
        for (unsigned i = from; i < until; i++)
                bed_drop(b, six_names[i]);
        for (size_t i = 0; i < b->notes.n; i++)
                free(b->notes.v[i]);
        b->notes.n = 0;
}

/* All but two are gone, and the file drops these two: 2 of 2, although 6 were known before the engine was lost. (It is let
 * pass when the four that the old revision still wants are there again.) */
static void the_guard_does_not_count_what_is_in_doubt_as_existing(void **state) {
        BED;

        engine_was_away_while(b, 0, 4);
        bed_desire(b, desire("rev2", (struct wish[]){ { "a" }, { "b" }, { "c" }, { "d" }, {} }));
        bed_run(b);
        assert_true(was_told(b, "would remove 2 of 2 objects"));
}

/* The file drops four that are gone already: nothing is removed, and no alarm is given meanwhile. */
static void the_guard_waits_for_looks_before_it_parks(void **state) {
        BED;

        engine_was_away_while(b, 2, 6);
        bed_desire(b, desire("rev2", (struct wish[]){ { "a" }, { "b" }, {} }));
        bed_run(b);
        assert_string_equal(bed_status(b).active_revision, "rev2");
        assert_false(was_told(b, "would remove"));
}

static enum hv_outcome inspects_fail(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_INSPECT ? HV_OUTCOME_FAILED : HV_OUTCOME_OK;
}

static void the_guard_does_not_wait_for_ever(void **state) {
        BED;

        engine_was_away_while(b, 2, 6);
        b->mood = inspects_fail;
        bed_desire(b, desire("rev2", (struct wish[]){ { "a" }, { "b" }, {} }));
        bed_run(b);
        assert_string_equal(bed_status(b).parked_revision, "rev2");
        b->mood = NULL;
        bed_wait(b, 10 * S);
        assert_string_equal(bed_status(b).active_revision, "rev2");
}

static void a_network_that_nobody_declared_is_not_counted(void **state) {
        BED;
        struct hv_desired *d = desire("rev2", (struct wish[]){ { "a", .network = "hivemind" }, {} });

        /* A new agent without memory: three services on the implicit network; the file keeps one. 2 of 3 is too much. */
        for (const char *const *n = (const char *const[]){ "hive-a", "hive-b", "hive-c", NULL }; *n; n++)
                bed_add(b, *n, true, HV_CONTAINER_RUNNING);
        hv_vec_push(&b->networks,
                    ((struct hv_seen_network){ "n1", "hivemind", "bridge", true, "net-hivemind" }));
        ((struct hv_network *) d->networks)[0].implicit = true;
        bed_desire(b, d);
        bed_run(b);
        assert_int_equal(b->containers.n, 3);
        assert_int_equal(bed_status(b).n_parked_existing, 3);
}

static void a_lost_engine_is_reached_again_and_listed(void **state) {
        BED;
        struct hv_status s;

        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, {} }));
        bed_run(b);
        (void) bed_log_all(b);
        b->now_us += 120 * S;
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ HV_INPUT_ENGINE_LOST, .message = "cut" }, NULL),
                         0);
        s = bed_status(b);
        assert_int_equal(s.engine, HV_ENGINE_DOWN);
        assert_false(s.synced);
        assert_int_equal(bed_unit(&s, "hive-web")->reason, HV_REASON_DOCKER_DOWN);
        bed_container(b, "hive-web")->state = HV_CONTAINER_EXITED;
        bed_run(b);
        assert_string_equal(bed_log_all(b),
                            "connect engine; list engine; inspect hive-web; start hive-web; ");
}

static enum hv_outcome nobody_answers(struct bed *b, const struct hv_action *a) {
        assert_int_equal(a->type, HV_ACTION_CONNECT);
        b->n_asked++;
        return HV_OUTCOME_UNREACHABLE;
}

static void a_dead_engine_is_asked_again_with_patience(void **state) {
        BED;

        b->mood = nobody_answers;
        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, {} }));
        bed_wait(b, 600 * S);
        assert_in_range(b->n_asked, 100, 140); /* every 5 s at most, once the first quick tries are over */
}

static void a_list_that_says_still_running_does_not_undo_an_inspect(void **state) {
        BED;

        bed_desire(b, desire("r1", (struct wish[]){ { "web" }, {} }));
        bed_run(b);
        b->hold = true;
        (void) bed_log_all(b);
        /* A list is under way when the container dies; the inspect after the event overtakes its answer. */
        assert_int_equal(hv_core_input(b->core, b->now_us, &(struct hv_input){ .type = HV_INPUT_LOOK }, NULL),
                         0);
        bed_run(b);
        bed_event(b, "die", "hive-web");
        bed_run(b);
        assert_string_equal(bed_log_all(b), "list engine; inspect hive-web; ");
        bed_container(b, "hive-web")->state = HV_CONTAINER_EXITED;
        bed_answer(b, b->held.v[1], HV_OUTCOME_OK);
        bed_container(b, "hive-web")->state = HV_CONTAINER_RUNNING;
        bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        bed_container(b, "hive-web")->state = HV_CONTAINER_EXITED;
        b->hold = false;
        bed_run(b);
        assert_string_equal(bed_log(b), "start hive-web");
}

static void a_switched_off_engine_is_never_spoken_to(void **state) {
        BED;
        struct hv_desired *d = desire("r1", (struct wish[]){ { "web" }, {} });
        struct hv_status s;

        d->settings.docker_enabled = false;
        ((struct hv_unit *) d->units)[0].suspended = true;
        bed_desire(b, d);
        bed_wait(b, 600 * S);
        assert_string_equal(bed_log_all(b), "");
        s = bed_status(b);
        assert_true(s.synced);
        assert_true(s.observed);
        assert_int_equal(bed_unit(&s, "hive-web")->phase, HV_PHASE_SUSPENDED);
}

static void a_completion_that_was_not_asked_for_is_refused(void **state) {
        BED;
        struct hv_input in = { .type = HV_INPUT_DONE, .action_id = 99 };
        struct hv_err err = {};

        assert_int_equal(hv_core_input(b->core, b->now_us, &in, &err), -ENOENT);
        assert_string_equal(err.msg, "action 99 is not in flight");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* The engine takes an ended container off its networks, and tells so after the end: no second look for that. */
static void leaving_a_network_at_the_end_is_no_news(void **state) {
        BED;
        struct hv_input left = { .type = HV_INPUT_EVENT,
                                 .event = {
                                         .type = HV_EVENT_NETWORK, .action = "disconnect", .name = "net" } };
        struct hv_seen_container *k;

        bed_desire(b, desire("r1", (struct wish[]){ { "web", .network = "net" }, {} }));
        bed_run(b);
        (void) bed_log_all(b);
        b->hold = true;
        k = bed_container(b, "hive-web");
        left.event.container = k->id;
        k->state = HV_CONTAINER_EXITED;
        bed_event(b, "die", "hive-web");
        bed_run(b);
        assert_string_equal(bed_log_all(b), "inspect hive-web; ");
        assert_int_equal(hv_core_input(b->core, b->now_us, &left, NULL), 0);
        bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        bed_run(b);
        assert_string_equal(bed_log_all(b), "start hive-web; ");
}

/* But where the look shows that it runs, somebody took it off: that is looked at. */
static void leaving_a_network_alive_is_looked_at(void **state) {
        BED;
        struct hv_input left = { .type = HV_INPUT_EVENT,
                                 .event = {
                                         .type = HV_EVENT_NETWORK, .action = "disconnect", .name = "net" } };

        bed_desire(b, desire("r1", (struct wish[]){ { "web", .network = "net" }, {} }));
        bed_run(b);
        (void) bed_log_all(b);
        b->hold = true;
        left.event.container = bed_container(b, "hive-web")->id;
        bed_event(b, "die", "hive-web"); /* of an earlier life */
        bed_run(b);
        assert_int_equal(hv_core_input(b->core, b->now_us, &left, NULL), 0);
        bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        bed_run(b);
        assert_string_equal(bed_log_all(b), "inspect hive-web; inspect hive-web; ");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                T(nothing_is_done_before_the_engine_was_seen_completely),
                T(a_new_service_is_created_and_started),
                T(a_node_in_sync_is_left_alone),
                T(leaving_a_network_at_the_end_is_no_news),
                T(leaving_a_network_alive_is_looked_at),
                T(networks_and_volumes_come_first_and_go_last),
                T(dependencies_gate_the_first_start),
                T(a_changed_spec_replaces_the_container),
                T(what_runs_goes_on_until_its_successor_can_be_made),
                T(a_mended_login_is_tried_at_once),
                T(when_it_was_started_is_known_from_the_event),
                T(limits_change_in_place_and_are_read_back),
                T(drifted_limits_are_put_right),
                T(a_routine_look_is_no_news),
                T(an_engine_that_ignores_limits_is_not_pestered),
                T(an_engine_that_changes_nothing_in_place_makes_it_anew),
                T(what_was_made_so_and_shows_otherwise_is_not_made_for_ever),
                T(a_limit_that_should_be_none_needs_a_new_container),
                T(what_left_the_file_is_stopped_and_removed),
                T(orphans_of_an_earlier_life_are_removed),
                T(a_stranger_with_the_wanted_name_is_never_touched),
                T(a_stranger_s_network_makes_no_stranger_of_a_container),
                T(what_was_made_and_not_started_is_looked_at_before_its_start),
                T(a_killed_container_is_started_at_once_and_then_with_back_off),
                T(what_waits_and_why_is_told_once),
                T(a_wait_that_is_interrupted_is_told_once),
                T(the_restart_policy_decides_what_an_end_means),
                T(a_removed_container_is_made_again),
                T(an_event_is_a_hint_and_not_the_truth),
                T(a_disconnected_network_is_connected_again),
                T(a_lost_reply_leads_to_a_look_and_the_container_is_adopted),
                T(a_missing_image_is_pulled_and_only_then),
                T(pull_policy_always_pulls_before_each_creation),
                T(pull_policy_never_waits_for_the_image_to_come),
                T(no_more_objects_than_workers_change_at_once),
                T(the_guard_parks_what_would_remove_too_much),
                T(the_way_back_of_a_trial_asks_no_guard),
                T(the_guard_says_what_it_would_do_and_does_nothing),
                T(the_guard_lets_half_go_and_never_a_single_one_back),
                T(the_guard_counts_what_the_engine_holds),
                T(the_guard_does_not_count_what_is_in_doubt_as_existing),
                T(the_guard_waits_for_looks_before_it_parks),
                T(the_guard_does_not_wait_for_ever),
                T(a_network_that_nobody_declared_is_not_counted),
                T(a_lost_engine_is_reached_again_and_listed),
                T(a_dead_engine_is_asked_again_with_patience),
                T(a_list_that_says_still_running_does_not_undo_an_inspect),
                T(a_switched_off_engine_is_never_spoken_to),
                T(a_completion_that_was_not_asked_for_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
