/* Cron tasks in the core, one rule a test: real documents, a clock that the test sets. */
#include <errno.h>

#include "bed.h"

#include "base/rfc3339.h"
#include "reconcile/cron.h"
#include "spec/load.h"
#include "spec/yaml.h"

#define BED struct bed *b = *state
#define MIN HV_USEC_PER_MIN
#define HOUR (60 * MIN)

static struct hv_desired *load(const char *cron_fields) {
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        _hv_cleanup_free_ char *text =
                hv_asprintf("apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: n}\nspec:\n"
                            "  cronTasks:\n    - name: nightly\n%s"
                            "      task: {image: \"img:1\", command: [\"true\"]}\n",
                            cron_fields);
        const struct hv_spec_file file = {
                .name = "node.yaml", .text = text, .len = strlen(text), .source = "file", .primary = true
        };
        const struct hv_spec_input in = {
                .files = &file, .n_files = 1, .read = hv_yaml_read, .hostname = "n"
        };
        struct hv_desired *d = NULL;

        if (hv_spec_load(&in, &d, diags) < 0) {
                size_t n;

                fail_msg("%s", hv_diags_all(diags, &n)->message);
        }
        return d;
}

static const struct hv_order ana = { "ana", "the disk moves", 1763780400000000 }, /* 2025-11-22T03:00:00Z */
        ben = { "ben", NULL, 1763780460000000 };

static uint64_t wall(const char *text) {
        uint64_t us;

        assert_true(hv_rfc3339_parse(text, &us));
        return us;
}

static void set_clock(struct bed *b, const char *text) {
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_CLOCK, .wall_us = wall(text) },
                                       NULL),
                         0);
}

/* A node at this time of the wall clock, with what its ledger remembers of the cron task. */
static void begin(struct bed *b, const char *now, const char *until, const char *fields) {
        const struct hv_room machine = { .nano_cpus = 4 * UINT64_C(1000000000),
                                         .memory_bytes = UINT64_C(8) << 30 };

        set_clock(b, now);
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_MACHINE, .machine = &machine },
                                       NULL),
                         0);
        if (until) {
                const struct hv_cron_recalled r = { .name = "nightly", .until_wall_us = wall(until) };

                assert_int_equal(hv_core_input(b->core, b->now_us,
                                               &(struct hv_input){ .type = HV_INPUT_CRON_RECALL, .cron = &r },
                                               NULL),
                                 0);
        }
        assert_int_equal(
                hv_core_input(b->core, b->now_us, &(struct hv_input){ .type = HV_INPUT_TASKS_KNOWN }, NULL),
                0);
        bed_desire(b, load(fields));
        bed_run(b);
}

static const struct hv_cron_status *status_of(struct bed *b) {
        size_t n;
        const struct hv_cron_status *s = hv_core_crons(b->core, b->now_us, b->arena, &n);

        assert_int_equal(n, 1);
        return s;
}

static void ends(struct bed *b, const char *container, int exit_code) {
        struct hv_seen_container *k = bed_container(b, container);

        assert_non_null(k);
        k->state = HV_CONTAINER_EXITED;
        k->exit_code = exit_code;
        bed_event(b, "die", container);
        bed_run(b);
}

#define RUN(minute)                                                                          \
        "accept nightly-" minute "; prepare nightly-" minute "; create task-nightly-" minute \
        "; record the start of nightly-" minute "; start task-nightly-" minute

static int setup(void **state) {
        *state = bed_new();
        return 0;
}

static int teardown(void **state) {
        bed_free(*state);
        return 0;
}

static void it_begins_when_it_is_first_seen(void **state) {
        BED;

        begin(b, "2026-11-22T03:20:00Z", NULL, "      schedule: \"15 3 * * *\"\n");
        assert_string_equal(bed_log(b), "record the schedule of nightly");
        assert_int_equal(status_of(b)->next_wall_us, wall("2026-11-23T03:15:00Z"));
        bed_wait(b, 23 * HOUR);
        assert_string_equal(bed_log(b), "");
        bed_wait(b, HOUR);
        assert_string_equal(bed_log(b), RUN("202611230315"));
        assert_int_equal(status_of(b)->n_live, 1);
        ends(b, "task-nightly-202611230315", 0);
        assert_int_equal(status_of(b)->n_live, 0);
        assert_int_equal(status_of(b)->next_wall_us, wall("2026-11-24T03:15:00Z"));
}

static void only_the_latest_missed_run_is_made_up_for(void **state) {
        BED;

        begin(b, "2026-11-22T03:40:00Z", "2026-11-19T03:15:00Z", "      schedule: \"15 3 * * *\"\n");
        assert_string_equal(bed_log(b), "record the schedule of nightly; " RUN("202611220315"));
}

static void each_missed_run_is_made_up_for_when_asked(void **state) {
        BED;

        begin(b, "2026-11-22T03:40:00Z", "2026-11-20T03:15:00Z",
              "      schedule: \"15 3 * * *\"\n      missed: runAll\n      concurrency: allow\n      startingDeadline: 0s\n");
        assert_int_equal(status_of(b)->n_live, 2);
        assert_non_null(bed_container(b, "task-nightly-202611210315"));
        assert_non_null(bed_container(b, "task-nightly-202611220315"));
}

/* 03:40 is less than its jitter ago: of what was missed the latest one that is due is made up for, and nothing before it. */
static void a_jitter_keeps_no_missed_run_alive(void **state) {
        BED;

        begin(b, "2026-11-22T03:40:01Z", "2026-11-22T03:30:00Z",
              "      schedule: \"* * * * *\"\n      jitter: 2m\n      concurrency: allow\n");
        assert_int_equal(status_of(b)->n_live, 1);
        assert_null(bed_container(b, "task-nightly-202611220331"));
}

static void missed_runs_are_left_out_when_asked(void **state) {
        BED;

        begin(b, "2026-11-22T03:40:00Z", "2026-11-21T03:15:00Z",
              "      schedule: \"15 3 * * *\"\n      missed: skip\n");
        assert_string_equal(bed_log(b), "record the schedule of nightly");
        assert_string_equal(status_of(b)->message,
                            "the run of 2026-11-22T03:15:00Z is left out: it was missed");
}

static void what_is_too_late_does_not_begin(void **state) {
        BED;

        begin(b, "2026-11-22T06:00:00Z", "2026-11-18T03:15:00Z",
              "      schedule: \"15 3 * * *\"\n      startingDeadline: 2h\n      missed: runAll\n");
        assert_string_equal(bed_log(b), "record the schedule of nightly");
        assert_int_equal(status_of(b)->until_wall_us, wall("2026-11-22T03:15:00Z"));
}

static void a_run_that_goes_on_keeps_the_next_one_out(void **state) {
        BED;

        begin(b, "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z", "      schedule: \"*/10 * * * *\"\n");
        bed_wait(b, 10 * MIN);
        assert_string_equal(bed_log(b), RUN("202611220310"));
        bed_wait(b, 10 * MIN);
        assert_string_equal(bed_log(b), "record the schedule of nightly");
        assert_string_equal(status_of(b)->message,
                            "the run of 2026-11-22T03:20:00Z is left out: the last run still goes on");
        ends(b, "task-nightly-202611220310", 0);
        (void) bed_log(b);
        bed_wait(b, 10 * MIN);
        assert_string_equal(bed_log(b), RUN("202611220330"));
}

static enum hv_outcome nothing_is_accepted(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_TASK_ACCEPT ? HV_OUTCOME_FAILED : HV_OUTCOME_OK;
}

static enum hv_outcome the_first_run_is_refused(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_TASK_ACCEPT && hv_streq(a->task_id, "nightly-202611220310")
                       ? HV_OUTCOME_REFUSED
                       : HV_OUTCOME_OK;
}

/* A time is dealt with for good, a run that was asked for by hand is not before it is promised: the disk was full. */
static void a_run_that_is_not_promised_keeps_none_out(void **state) {
        BED;
        _hv_cleanup_(hv_desired_unrefp) struct hv_desired *d = load("      schedule: \"*/10 * * * *\"\n");
        struct hv_task *again = hv_cron_run(&d->cron_tasks[0], wall("2026-11-22T03:10:00Z"), d);
        const struct hv_input reopen = {
                .type = HV_INPUT_TASK_REOPEN, .text = "nightly-202611220310", .message = "ana", .task = again
        };

        begin(b, "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z", "      schedule: \"*/10 * * * *\"\n");
        bed_wait(b, 10 * MIN);
        ends(b, "task-nightly-202611220310", 0);
        b->mood = nothing_is_accepted;
        assert_int_equal(hv_core_input(b->core, b->now_us, &reopen, NULL), 0);
        (void) bed_log(b);
        bed_wait(b, 10 * MIN + 10 * HV_USEC_PER_SEC);
        assert_null(strstr(bed_log(b), "record the schedule"));
        assert_int_equal(status_of(b)->until_wall_us, wall("2026-11-22T03:10:00Z"));
        b->mood = the_first_run_is_refused;
        bed_wait(b, MIN);
        assert_non_null(strstr(bed_log(b), RUN("202611220320")));
        hv_task_unref(again);
}

static void a_run_is_replaced_when_asked(void **state) {
        BED;

        begin(b, "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z",
              "      schedule: \"*/10 * * * *\"\n      concurrency: replace\n");
        bed_wait(b, 10 * MIN);
        (void) bed_log(b);
        bed_wait(b, 10 * MIN);
        /* Whoever dies between the two leaves one that stops, and a time that is still due. */
        assert_true(hv_has_prefix(bed_log(b), "record the stop of nightly-202611220310; "
                                              "stop task-nightly-202611220310; accept nightly-202611220320"));
        assert_int_equal(status_of(b)->n_live, 1);
        assert_null(bed_container(b, "task-nightly-202611220310"));
        assert_non_null(bed_container(b, "task-nightly-202611220320"));
}

static void nothing_runs_while_it_is_suspended(void **state) {
        BED;
        const struct hv_input suspend = { .type = HV_INPUT_CRON_SUSPEND, .text = "nightly", .order = &ana };
        const struct hv_input resume = { .type = HV_INPUT_CRON_RESUME, .text = "nightly", .order = &ana };

        begin(b, "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z", "      schedule: \"*/10 * * * *\"\n");
        assert_int_equal(hv_core_input(b->core, b->now_us, &suspend, NULL), 0);
        bed_run(b);
        assert_string_equal(bed_log(b), "suspend nightly");
        assert_int_equal(hv_core_input(b->core, b->now_us, &suspend, NULL), -EALREADY);
        bed_wait(b, 2 * HOUR);
        assert_string_equal(bed_log(b), "");
        assert_int_equal(hv_core_input(b->core, b->now_us, &resume, NULL), 0);
        bed_run(b);
        assert_string_equal(bed_log(b),
                            "suspend nightly"); /* how far the schedule was followed is in that very record */
        assert_int_equal(status_of(b)->until_wall_us, wall("2026-11-22T05:00:00Z"));
        bed_wait(b, 10 * MIN);
        assert_string_equal(bed_log(b), RUN("202611220510"));
}

static int ask(struct bed *b, enum hv_input_type type, const struct hv_order *order) {
        const struct hv_input in = { .type = type, .text = "nightly", .order = order };

        return hv_core_input(b->core, b->now_us, &in, NULL);
}

static void expect_suspended_by(struct bed *b, const struct hv_order *o, const char *message) {
        const struct hv_cron_status *s = status_of(b);

        assert_true(s->is_recorded);
        assert_true(hv_streq(s->suspend.by, o->by));
        assert_true(hv_streq(s->suspend.reason, o->reason));
        assert_int_equal(s->suspend.since_wall_us, o->since_wall_us);
        assert_string_equal(s->message, message);
}

static enum hv_outcome nothing_is_recorded(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_CRON_SUSPEND ? HV_OUTCOME_FAILED : HV_OUTCOME_OK;
}

static unsigned times_noted(const struct bed *b, const char *message) {
        unsigned n = 0;

        for (size_t i = 0; i < b->notes.n; i++)
                n += hv_streq(b->notes.v[i], message);
        return n;
}

static void who_suspended_it_is_known(void **state) {
        BED;
        const char *
                by_ana =
                       "suspended by ana since 2025-11-22T03:00:00Z: the disk moves; until hivectl cron resume",
               *noted = "suspended by ana: the disk moves; no run comes before hivectl cron resume";

        begin(b, "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z", "      schedule: \"*/10 * * * *\"\n");
        b->mood = nothing_is_recorded;
        assert_int_equal(ask(b, HV_INPUT_CRON_SUSPEND, &ana), 0);
        bed_run(b);
        assert_null(status_of(b)->suspend.by); /* nobody is told before it is durable */
        assert_int_equal(times_noted(b, noted), 0);
        b->mood = NULL;
        assert_int_equal(ask(b, HV_INPUT_CRON_SUSPEND, &ben),
                         0); /* it is ana's all the same: she was first */
        bed_wait(b, MIN);
        expect_suspended_by(b, &ana, by_ana);
        assert_int_equal(ask(b, HV_INPUT_CRON_SUSPEND, &ben), -EALREADY);
        expect_suspended_by(b, &ana, by_ana);
        assert_int_equal(times_noted(b, noted), 1);
        assert_int_equal(ask(b, HV_INPUT_CRON_RESUME, &ana), 0);
        bed_run(b);
        expect_suspended_by(b, &(const struct hv_order){}, "");
        assert_int_equal(times_noted(b, "resumed by ana: the disk moves; runs come from now on"), 1);
        assert_int_equal(ask(b, HV_INPUT_CRON_SUSPEND, &ben), 0);
        bed_run(b);
        expect_suspended_by(b, &ben,
                            "suspended by ben since 2025-11-22T03:01:00Z; until hivectl cron resume");
}

/* A ledger of before says that it is suspended, and not since when. */
static void who_suspended_it_is_recalled(void **state) {
        BED;
        const struct hv_cron_recalled r = { .name = "nightly", .suspend = { .by = "unknown" } };

        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_CRON_RECALL, .cron = &r }, NULL),
                         0);
        begin(b, "2026-11-22T03:00:00Z", NULL, "      schedule: \"*/10 * * * *\"\n");
        expect_suspended_by(b, &r.suspend, "suspended by unknown; until hivectl cron resume");
}

/* What came before a resume is dealt with: also a run that nobody could promise, because the disk was full. */
static void a_resume_overtakes_what_was_not_promised(void **state) {
        BED;
        const struct hv_input suspend = { .type = HV_INPUT_CRON_SUSPEND, .text = "nightly", .order = &ana };
        const struct hv_input resume = { .type = HV_INPUT_CRON_RESUME, .text = "nightly", .order = &ana };

        begin(b, "2026-11-22T03:05:00Z", "2026-11-22T03:00:00Z", "      schedule: \"*/10 * * * *\"\n");
        b->mood = nothing_is_accepted;
        bed_wait(b, 5 * MIN);
        assert_int_equal(hv_core_input(b->core, b->now_us, &suspend, NULL), 0);
        bed_run(b);
        assert_int_equal(hv_core_input(b->core, b->now_us, &resume, NULL), 0);
        bed_run(b);
        (void) bed_log(b);
        b->mood = NULL;
        bed_wait(b, 9 * MIN);
        assert_string_equal(bed_log(b), "");
        bed_wait(b, MIN);
        assert_string_equal(bed_log(b), RUN("202611220320"));
}

static void a_run_can_be_had_at_any_time(void **state) {
        BED;
        const struct hv_input trigger = { .type = HV_INPUT_CRON_TRIGGER, .text = "nightly" };

        begin(b, "2026-11-22T03:00:30Z", "2026-11-22T03:00:00Z", "      schedule: \"15 3 * * *\"\n");
        assert_int_equal(hv_core_input(b->core, b->now_us, &trigger, NULL), 0);
        assert_int_equal(hv_core_input(b->core, b->now_us, &trigger, NULL), -EEXIST);
        bed_run(b);
        assert_string_equal(bed_log(b), RUN("202611220300"));
        ends(b, "task-nightly-202611220300", 0);
        bed_wait(b, 15 * MIN);
        assert_non_null(bed_container(b, "task-nightly-202611220315")); /* the schedule goes on as it was */
}

static void a_run_and_its_time_are_one_record(void **state) {
        BED;

        b->hold = true;
        begin(b, "2026-11-22T03:14:00Z", "2026-11-22T03:00:00Z", "      schedule: \"15 3 * * *\"\n");
        while (b->held.n) { /* the engine is greeted and listed */
                bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
                bed_run(b);
        }
        b->now_us += 2 * MIN;
        bed_run(b);
        for (size_t i = 0; i < b->held.n; i++)
                if (b->held.v[i]->type == HV_ACTION_TASK_ACCEPT) {
                        assert_int_equal(b->held.v[i]->cron_until_us, wall("2026-11-22T03:15:00Z"));
                        return;
                }
        fail_msg("no run was accepted: %s", bed_log_all(b));
}

static void old_runs_are_forgotten(void **state) {
        BED;
        struct hv_task_status s;

        begin(b, "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z",
              "      schedule: \"*/10 * * * *\"\n      history: {success: 1, failed: 1}\n");
        bed_wait(b, 10 * MIN);
        ends(b, "task-nightly-202611220310", 0);
        bed_wait(b, 10 * MIN);
        ends(b, "task-nightly-202611220320", 1);
        bed_wait(b, 10 * MIN);
        (void) bed_log(b);
        ends(b, "task-nightly-202611220330", 0);
        assert_non_null(strstr(bed_log(b), "forget nightly-202611220310"));
        assert_false(hv_core_task_status(b->core, "nightly-202611220310", b->now_us, b->arena, &s));
        assert_true(hv_core_task_status(b->core, "nightly-202611220320", b->now_us, b->arena, &s));
        assert_true(hv_core_task_status(b->core, "nightly-202611220330", b->now_us, b->arena, &s));
}

static void a_shorter_history_forgets_at_once(void **state) {
        BED;

        begin(b, "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z", "      schedule: \"*/10 * * * *\"\n");
        bed_wait(b, 10 * MIN);
        ends(b, "task-nightly-202611220310", 0);
        (void) bed_log(b);
        bed_desire(b, load("      schedule: \"*/10 * * * *\"\n      history: {success: 0}\n"));
        bed_run(b);
        assert_string_equal(bed_log(b), "forget nightly-202611220310");
}

static void a_clock_that_steps_back_repeats_nothing(void **state) {
        BED;

        begin(b, "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z", "      schedule: \"*/10 * * * *\"\n");
        bed_wait(b, 10 * MIN);
        ends(b, "task-nightly-202611220310", 0);
        (void) bed_log(b);
        set_clock(b, "2026-11-22T03:05:00Z");
        bed_wait(b, 14 * MIN);
        assert_string_equal(bed_log(b), "");
        bed_wait(b, 2 * MIN);
        assert_string_equal(bed_log(b), RUN("202611220320"));
}

static void an_unknown_zone_waits_and_says_so(void **state) {
        BED;

        begin(b, "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z",
              "      schedule: \"*/10 * * * *\"\n      timezone: Europe/Berlin\n");
        bed_wait(b, HOUR);
        assert_string_equal(bed_log(b), "");
        assert_string_equal(status_of(b)->message, "this machine has no file of the time zone Europe/Berlin");
}

int main(void) {
#define RULE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                RULE(it_begins_when_it_is_first_seen),
                RULE(only_the_latest_missed_run_is_made_up_for),
                RULE(each_missed_run_is_made_up_for_when_asked),
                RULE(a_jitter_keeps_no_missed_run_alive),
                RULE(a_shorter_history_forgets_at_once),
                RULE(missed_runs_are_left_out_when_asked),
                RULE(what_is_too_late_does_not_begin),
                RULE(a_run_that_goes_on_keeps_the_next_one_out),
                RULE(a_run_that_is_not_promised_keeps_none_out),
                RULE(a_run_is_replaced_when_asked),
                RULE(nothing_runs_while_it_is_suspended),
                RULE(who_suspended_it_is_known),
                RULE(who_suspended_it_is_recalled),
                RULE(a_resume_overtakes_what_was_not_promised),
                RULE(a_run_can_be_had_at_any_time),
                RULE(a_run_and_its_time_are_one_record),
                RULE(old_runs_are_forgotten),
                RULE(a_clock_that_steps_back_repeats_nothing),
                RULE(an_unknown_zone_waits_and_says_so),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
