/* A machine that runs short: what that is, and what becomes of tasks. */
#include "task_bed.h"

#include "reconcile/caps.h"
#include "reconcile/pressure.h"

/* ---- what is short ---- */

#define ALL \
        { 40, 5, 90, 80, 85, 80 } /* of struct hv_pressure_rules, in its order */

static void short_is_what_the_rules_say(void **state) {
        static const struct {
                const char *what;
                struct hv_pressure_rules rules;
                struct hv_seen_pressure seen;
                enum hv_pressure_level level;
                const char *text;
        } rows[] = {
                { "nothing is known", ALL, {}, HV_PRESSURE_CALM, "" },
                { "nothing counts",
                  {},
                  { true, 10000, 100, 0, true, 99, true, 1000, true, 1500 },
                  HV_PRESSURE_CALM,
                  "" },
                { "little waits", ALL, { true, 2999 }, HV_PRESSURE_CALM, "" },
                { "on the edge", ALL, { true, 3000 }, HV_PRESSURE_BETWEEN, "" },
                { "just below", ALL, { true, 3999 }, HV_PRESSURE_BETWEEN, "" },
                { "much waits", ALL, { true, 4000 }, HV_PRESSURE_SHORT, "40.00 %" },
                { "a kernel that does not tell", ALL, { false, 9000 }, HV_PRESSURE_CALM, "" },
                { "enough of the disk", ALL, { true, 0, 100 * GIB, 6 * GIB }, HV_PRESSURE_CALM, "" },
                { "just enough", ALL, { true, 0, 100 * GIB, 5 * GIB }, HV_PRESSURE_BETWEEN, "" },
                { "too little", ALL, { true, 0, 100 * GIB, 5 * GIB - 1 }, HV_PRESSURE_SHORT, "diskFree" },
                { "an empty disk is calm at 99 %", { 40, 99 }, { true, 0, 100, 100 }, HV_PRESSURE_CALM, "" },
                { "both", ALL, { true, 5012, 100 * GIB, GIB }, HV_PRESSURE_SHORT, "50.12 %" },
                { "nothing more to collect, above high",
                  ALL,
                  { .is_gc_stuck = true, .engine_disk_percent = 86 },
                  HV_PRESSURE_SHORT,
                  "used to 86 %, above gc.disk.high (85 %)" },
                { "nothing more to collect, between low and high",
                  ALL,
                  { .is_gc_stuck = true, .engine_disk_percent = 85 },
                  HV_PRESSURE_BETWEEN,
                  "" },
                { "above high, and something is collected yet",
                  ALL,
                  { .engine_disk_percent = 99 },
                  HV_PRESSURE_CALM,
                  "" },
                { "warm", ALL, { .has_temperature = true, .decicelsius = 750 }, HV_PRESSURE_CALM, "" },
                { "warmer", ALL, { .has_temperature = true, .decicelsius = 751 }, HV_PRESSURE_BETWEEN, "" },
                { "nearly hot",
                  ALL,
                  { .has_temperature = true, .decicelsius = 799 },
                  HV_PRESSURE_BETWEEN,
                  "" },
                { "hot",
                  ALL,
                  { .has_temperature = true, .decicelsius = 803 },
                  HV_PRESSURE_SHORT,
                  "80.3 degrees Celsius (gc.pressure.maxTemperature is 80)" },
                { "busy CPUs are no shortage",
                  ALL,
                  { .has_cpu = true, .cpu_permille = 1000 },
                  HV_PRESSURE_CALM,
                  "" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char text[HV_PRESSURE_TEXT_SIZE];
                enum hv_pressure_level level = hv_pressure_judge(&rows[i].rules, &rows[i].seen, text);

                if (level != rows[i].level || !strstr(text, rows[i].text) ||
                    (*rows[i].text == '\0') != (*text == '\0'))
                        fail_msg("%s: %d \"%s\"", rows[i].what, level, text);
        }
}

static void busy_is_what_the_rule_says(void **state) {
        static const struct {
                const char *what;
                unsigned percent;
                struct hv_seen_pressure seen;
                bool was_busy, is_busy;
                const char *text;
        } rows[] = {
                { "89 %", 90, { .has_cpu = true, .cpu_permille = 890 }, false, false, "" },
                { "90 %", 90, { .has_cpu = true, .cpu_permille = 900 }, false, false, "" },
                { "91 %", 90, { .has_cpu = true, .cpu_permille = 910 }, false, true, "91.0 % of the CPUs" },
                { "89 % after 91",
                  90,
                  { .has_cpu = true, .cpu_permille = 890 },
                  true,
                  true,
                  "from 81.0 % down" },
                { "81 % after 91", 90, { .has_cpu = true, .cpu_permille = 810 }, true, false, "" },
                { "no sample yet", 90, { .cpu_permille = 100 }, false, true, "not known yet" },
                { "it does not count", 0, {}, true, false, "" },
                { "all of it", 100, { .has_cpu = true, .cpu_permille = 1000 }, false, false, "" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_pressure_rules rules = { .cpu_used_percent = rows[i].percent };
                char text[HV_PRESSURE_TEXT_SIZE];
                bool is_busy = hv_pressure_is_busy(&rules, &rows[i].seen, rows[i].was_busy, text);

                if (is_busy != rows[i].is_busy || !strstr(text, rows[i].text) || (*text != '\0') != is_busy)
                        fail_msg("%s: %d \"%s\"", rows[i].what, is_busy, text);
        }
}

/* ---- what becomes of tasks ---- */

static void memory(struct bed *b, unsigned percent) {
        const struct hv_seen_pressure seen = { .has_memory = true, .memory_some10_centi = percent * 100 };
        const struct hv_input in = { .type = HV_INPUT_PRESSURE, .pressure = &seen };

        assert_int_equal(hv_core_input(b->core, b->now_us, &in, NULL), 0);
        bed_run(b);
}

static bool runs(struct bed *b, const char *id) {
        return status_of(b, id).state == HV_TASK_RUNNING;
}

static void ruled(struct bed *b, struct hv_pressure_rules rules) {
        struct hv_desired *d = desire("r2", (struct wish[]){ { "a" }, {} });

        d->settings.pressure = rules;
        bed_desire(b, d);
        bed_run(b);
        (void) bed_log(b);
}

#define RULED ruled(b, (struct hv_pressure_rules){ .memory_some10_percent = 40 })

static void nobody_is_admitted_while_the_machine_runs_short(void **state) {
        BED;

        RULED;
        memory(b, 41);
        assert_non_null(strstr(bed_status(b).pressure, "41.00 %"));
        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        assert_string_equal(bed_log(b), "accept t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_QUEUED);
        assert_string_equal(status_of(b, "t1").reason, "WaitingPressure");
        assert_true(
                hv_has_prefix(status_of(b, "t1").message, "waits: something waited for memory in 41.00 %"));
        /* Below what closes, above what opens. */
        memory(b, 35);
        bed_wait(b, 60 * S);
        assert_string_equal(bed_log(b), "");
        memory(b, 29);
        bed_wait(b, 9 * S);
        assert_string_equal(bed_log(b), "");
        memory(b, 41); /* it was calm for too short a time */
        memory(b, 29);
        bed_wait(b, 9 * S);
        assert_string_equal(bed_log(b), "");
        bed_wait(b, S);
        assert_true(hv_has_prefix(bed_log(b), "prepare t1; create task-t1"));
        assert_null(bed_status(b).pressure);
}

static void cpu(struct bed *b, unsigned percent) {
        const struct hv_seen_pressure seen = { .has_cpu = true, .cpu_permille = percent * 10 };
        const struct hv_input in = { .type = HV_INPUT_PRESSURE, .pressure = &seen };

        assert_int_equal(hv_core_input(b->core, b->now_us, &in, NULL), 0);
        bed_run(b);
}

/* `is_resource_available` of HiveMind's worker; what runs is let run, however long it takes. */
static void nobody_is_admitted_while_the_cpus_are_busy(void **state) {
        BED;

        ruled(b, (struct hv_pressure_rules){ .cpu_used_percent = 90 });
        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        assert_string_equal(bed_log(b), "accept t1");
        assert_string_equal(status_of(b, "t1").reason, "WaitingCpu");
        assert_string_equal(status_of(b, "t1").message, "waits: how busy the CPUs are is not known yet");
        assert_true(bed_status(b).is_busy);
        cpu(b, 89);
        assert_true(runs(b, "t1"));
        assert_null(bed_status(b).pressure);
        (void) bed_log(b);
        cpu(b, 91);
        assert_int_equal(submit(b, &(struct job){ "t2" }), 0);
        bed_run(b);
        assert_string_equal(bed_log(b), "accept t2");
        assert_string_equal(status_of(b, "t2").reason, "WaitingCpu");
        assert_true(hv_has_prefix(status_of(b, "t2").message, "waits: 91.0 % of the CPUs are used"));
        cpu(b, 100);
        bed_wait(b, 600 * S);
        cpu(b, 89);
        assert_string_equal(bed_log(b), "");
        assert_true(runs(b, "t1"));
        cpu(b, 81);
        assert_true(runs(b, "t2"));
}

/* A shortage says more than that the CPUs are busy, and outlives it. */
static void a_shortage_is_told_before_busy_cpus(void **state) {
        const struct hv_seen_pressure seen = {
                .has_memory = true, .memory_some10_centi = 5000, .has_cpu = true, .cpu_permille = 1000
        };
        BED;

        ruled(b, (struct hv_pressure_rules){ .memory_some10_percent = 40, .cpu_used_percent = 90 });
        (void) hv_core_input(b->core, b->now_us,
                             &(struct hv_input){ .type = HV_INPUT_PRESSURE, .pressure = &seen }, NULL);
        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        assert_string_equal(status_of(b, "t1").reason, "WaitingPressure");
        assert_false(bed_status(b).is_busy);
        assert_null(bed_status(b).disk_pressure);
}

static void a_rule_that_is_taken_back_opens(void **state) {
        BED;

        RULED;
        memory(b, 90);
        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        assert_string_equal(bed_log(b), "accept t1");
        ruled(b, (struct hv_pressure_rules){});
        bed_wait(b, 10 * S);
        assert_true(hv_has_prefix(bed_log(b), "prepare t1"));
}

static void the_least_important_goes_first_one_at_a_time(void **state) {
        BED;

        RULED;
        assert_int_equal(submit(b, &(struct job){ "low1", .priority = 1 }), 0);
        assert_int_equal(submit(b, &(struct job){ "high", .priority = 9 }), 0);
        assert_int_equal(submit(b, &(struct job){ "low2", .priority = 1 }), 0);
        bed_run(b);
        assert_true(runs(b, "low1") && runs(b, "high") && runs(b, "low2"));
        (void) bed_log(b);
        memory(b, 90);
        bed_wait(b, 29 * S);
        assert_string_equal(bed_log(b), "");
        bed_wait(b, S);
        assert_true(hv_has_prefix(
                bed_log(b), "record the eviction of low2; stop task-low2; collect the results of low2"));
        assert_int_equal(status_of(b, "low2").state, HV_TASK_FAILED);
        assert_int_equal(status_of(b, "low2").cause, HV_CAUSE_NODE_ERROR);
        assert_true(hv_has_prefix(status_of(b, "low2").message,
                                  "stopped because the node ran short: something waited"));
        bed_wait(b, 29 * S);
        assert_string_equal(bed_log(b), "");
        bed_wait(b, 2 * S);
        assert_true(hv_has_prefix(bed_log(b), "record the eviction of low1; stop task-low1"));
        memory(b, 35); /* better, though not calm: nobody else goes */
        bed_wait(b, 120 * S);
        assert_string_equal(bed_log(b), "");
        assert_true(runs(b, "high"));
        /* Services stay, whatever it takes. */
        memory(b, 90);
        bed_wait(b, 120 * S);
        assert_false(runs(b, "high"));
        bed_wait(b, 600 * S);
        assert_int_equal(bed_container(b, "hive-a")->state, HV_CONTAINER_RUNNING);
}

static enum hv_outcome a_stop_is_not_answered(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_STOP ? HV_OUTCOME_UNKNOWN : HV_OUTCOME_OK;
}

/* Nobody knows whether the node ended it: then nobody blames the task for it. */
static void a_stop_without_an_answer_is_judged_by_its_end(void **state) {
        static const struct {
                int exit_code;
                enum hv_task_cause cause;
        } rows[] = { { 143, HV_CAUSE_NODE_ERROR }, { 137, HV_CAUSE_NODE_ERROR }, { 3, HV_CAUSE_NODE_ERROR } };
        BED;

        RULED;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char id[8], container[16];

                (void) snprintf(id, sizeof id, "t%zu", i);
                (void) snprintf(container, sizeof container, "task-t%zu", i);
                assert_int_equal(submit(b, &(struct job){ id }), 0);
                bed_run(b);
                b->mood = a_stop_is_not_answered;
                memory(b, 90);
                bed_wait(b, 31 * S);
                assert_true(runs(b, id));
                b->mood = NULL;
                ends(b, container, rows[i].exit_code);
                assert_int_equal(status_of(b, id).cause, rows[i].cause);
                memory(b, 0);
                bed_wait(b, 10 * S);
        }
}

/* Several samples may come before the next pass. */
static void a_shortage_between_two_passes_ends_the_calm(void **state) {
        static const struct hv_seen_pressure is_short = { .has_memory = true, .memory_some10_centi = 9000 };
        const struct hv_input in = { .type = HV_INPUT_PRESSURE, .pressure = &is_short };
        BED;

        RULED;
        memory(b, 90);
        memory(b, 0);
        bed_wait(b, 9 * S);
        assert_int_equal(hv_core_input(b->core, b->now_us, &in, NULL), 0);
        memory(b, 0);
        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_wait(b, 9 * S);
        assert_false(runs(b, "t1"));
        bed_wait(b, S);
        assert_true(runs(b, "t1"));
}

static void one_that_may_try_again_waits_for_better_times(void **state) {
        BED;

        RULED;
        assert_int_equal(submit(b, &(struct job){ "t1", .retries = 1, .retry_on = HV_TASK_RETRY_NODE_ERROR }),
                         0);
        bed_run(b);
        memory(b, 90);
        bed_wait(b, 30 * S);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_QUEUED);
        (void) bed_log(b);
        bed_wait(b, 120 * S);
        assert_string_equal(bed_log(b), "");
        memory(b, 0);
        bed_wait(b, 10 * S);
        assert_true(runs(b, "t1"));
        assert_int_equal(status_of(b, "t1").attempt, 2);
}

/* ---- quiet hours ---- */

#define AT(hour, minute) (((hour) *UINT64_C(60) + (minute)) * HV_USEC_PER_MIN)

static void quiet_hours_follow_the_clock(void **state) {
        static const struct hv_quiet_hours day = { .from_minute = 8 * 60, .to_minute = 18 * 60 },
                                           night = { .from_minute = 22 * 60, .to_minute = 6 * 60 };
        static const struct {
                const struct hv_quiet_hours *hours;
                uint64_t at_us;
                bool on;
        } rows[] = {
                { &day, AT(7, 59), false },     { &day, AT(8, 0), true },      { &day, AT(17, 59), true },
                { &day, AT(18, 0), false },     { &night, AT(21, 59), false }, { &night, AT(22, 0), true },
                { &night, AT(0, 0), true },     { &night, AT(5, 59), true },   { &night, AT(6, 0), false },
                { &day, AT(24 + 12, 0), true },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                if (hv_quiet_hours_are_on(rows[i].hours, NULL, rows[i].at_us) != rows[i].on)
                        fail_msg("row %zu", i);
}

static void clock_is(struct bed *b, uint64_t wall_us) {
        const struct hv_input in = { .type = HV_INPUT_CLOCK, .wall_us = wall_us };

        assert_int_equal(hv_core_input(b->core, b->now_us, &in, NULL), 0);
        bed_run(b);
}

static void looked_at(struct bed *b, uint64_t nano_cpus) {
        const struct hv_seen_caps node = { .place = HV_CAPS_NODE,
                                           .slice = "hivelet.slice",
                                           .machine_nano_cpus = 4 * CPU },
                                  tasks = { .place = HV_CAPS_TASKS,
                                            .state = HV_CAPS_THERE,
                                            .slice = "hivelet-tasks.slice",
                                            .machine_nano_cpus = 4 * CPU,
                                            .caps.limits.nano_cpus = nano_cpus };

        (void) hv_core_input(b->core, b->now_us, &(struct hv_input){ .type = HV_INPUT_CAPS, .caps = &node },
                             NULL);
        (void) hv_core_input(b->core, b->now_us, &(struct hv_input){ .type = HV_INPUT_CAPS, .caps = &tasks },
                             NULL);
        bed_run(b);
}

static void tasks_get_less_in_quiet_hours(void **state) {
        static const struct hv_quiet_hours hours[] = {
                { .from_minute = 8 * 60,
                  .to_minute = 18 * 60,
                  .zone = "UTC",
                  .nano_cpus = 2 * CPU,
                  .n_gpus = 64 },
                { .from_minute = 12 * 60, .to_minute = 13 * 60, .nano_cpus = CPU },
                { .from_minute = 14 * 60, .to_minute = 15 * 60, .zone = "Nowhere/Known", .nano_cpus = 1 },
        };
        struct hv_desired *d = desire("r2", (struct wish[]){ { "a" }, {} });
        BED;

        d->settings.quiet_hours = hours;
        d->settings.n_quiet_hours = HV_ARRAY_SIZE(hours);
        clock_is(b, AT(7, 59) + 30 * S);
        looked_at(b, 0);
        bed_desire(b, d);
        bed_run(b);
        assert_string_equal(bed_log(b), "create hive-a; start hive-a");
        bed_wait(b, 29 * S);
        assert_string_equal(bed_log(b), "");
        bed_wait(b, S);
        assert_string_equal(bed_log(b), "cap hivelet-tasks.slice");
        looked_at(b, 2 * CPU);
        assert_true(bed_status(b).synced);
        clock_is(b, AT(12, 0)); /* the lower one of two counts */
        looked_at(b, 2 * CPU);
        assert_string_equal(bed_log(b), "cap hivelet-tasks.slice");
        assert_int_equal(bed_status(b).caps[HV_CAPS_TASKS].wanted.limits.nano_cpus, CPU);
        looked_at(b, CPU);
        clock_is(b, AT(14, 30));
        bed_wait(b, S);
        assert_int_equal(bed_status(b).caps[HV_CAPS_TASKS].wanted.limits.nano_cpus, 2 * CPU);
        looked_at(b, 2 * CPU);
        (void) bed_log(b);
        clock_is(b, AT(18, 0));
        assert_string_equal(bed_log(b), "cap hivelet-tasks.slice");
        assert_int_equal(bed_status(b).caps[HV_CAPS_TASKS].wanted.limits.nano_cpus, 0);
}

static void gpus_rest_in_quiet_hours(void **state) {
        static const struct hv_quiet_hours hours[] = {
                { .from_minute = 12 * 60, .to_minute = 13 * 60, .n_gpus = 0 },
                { .from_minute = 8 * 60, .to_minute = 18 * 60, .n_gpus = 1 },
        };
        struct hv_desired *d = desire("r2", (struct wish[]){ { "a" }, {} });
        BED;

        d->settings.quiet_hours = hours;
        d->settings.n_quiet_hours = HV_ARRAY_SIZE(hours);
        clock_is(b, AT(7, 0));
        bed_desire(b, d);
        bed_run(b);
        assert_int_equal(submit(b, &(struct job){ "g1", .n_gpus = 1 }), 0);
        bed_run(b);
        assert_true(runs(b, "g1"));
        clock_is(b, AT(9, 0)); /* one of two may be held, and is: it goes on */
        assert_int_equal(submit(b, &(struct job){ "g2", .n_gpus = 1 }), 0);
        assert_int_equal(submit(b, &(struct job){ "c1" }), 0);
        bed_run(b);
        assert_true(runs(b, "g1") && runs(b, "c1"));
        assert_string_equal(status_of(b, "g2").reason, "QuietHours");
        assert_non_null(strstr(status_of(b, "g2").message, "0 are left in quiet hours"));
        ends(b, "task-g1", 0);
        assert_true(runs(b, "g2"));
        clock_is(b, AT(12, 30)); /* none may be taken: g2, which has its own, goes on */
        assert_int_equal(submit(b, &(struct job){ "g3", .n_gpus = 2 }), 0);
        bed_run(b);
        assert_true(runs(b, "g2"));
        assert_string_equal(status_of(b, "g3").reason, "QuietHours");
        ends(b, "task-g2", 0);
        assert_int_equal(status_of(b, "g3").state, HV_TASK_QUEUED);
        bed_wait(b, 30 * 60 * S); /* 13:00: one */
        assert_int_equal(status_of(b, "g3").state, HV_TASK_QUEUED);
        bed_wait(b, 5 * 3600 * S);
        assert_true(runs(b, "g3"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, task_bed_setup, task_bed_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(short_is_what_the_rules_say),
                cmocka_unit_test(busy_is_what_the_rule_says),
                TEST(nobody_is_admitted_while_the_cpus_are_busy),
                TEST(a_shortage_is_told_before_busy_cpus),
                TEST(nobody_is_admitted_while_the_machine_runs_short),
                TEST(a_rule_that_is_taken_back_opens),
                TEST(the_least_important_goes_first_one_at_a_time),
                TEST(a_shortage_between_two_passes_ends_the_calm),
                TEST(a_stop_without_an_answer_is_judged_by_its_end),
                TEST(one_that_may_try_again_waits_for_better_times),
                cmocka_unit_test(quiet_hours_follow_the_clock),
                TEST(tasks_get_less_in_quiet_hours),
                TEST(gpus_rest_in_quiet_hours),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
