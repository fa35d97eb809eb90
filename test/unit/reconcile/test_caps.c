/* What all workloads together may take: how much that is, and how a core brings a slice there. */
#include "bed.h"

#include "reconcile/caps.h"

#define BED struct bed *b = *state
#define CPU UINT64_C(1000000000)
#define GIB (UINT64_C(1) << 30)

static int setup(void **state) {
        *state = bed_new();
        return 0;
}

static int teardown(void **state) {
        bed_free(*state);
        return 0;
}

/* ---- how much ---- */

static void caps_are_what_is_left_of_the_machine(void **state) {
        static const struct {
                const char *what;
                struct hv_amounts limits, reserved;
                uint64_t cpus_milli, memory_mib, pids;
        } rows[] = {
                { "nothing is declared", {}, {}, 0, 0, 0 },
                { "only disk", { .disk_bytes = GIB }, { .disk_bytes = 1 }, 0, 0, 0 },
                { "a limit", { .nano_cpus = 2 * CPU, .memory_bytes = 4 * GIB }, {}, 2000, 4096, 28000 },
                { "a reserve", {}, { .nano_cpus = CPU / 2, .memory_bytes = GIB }, 3500, 7168, 28000 },
                { "both",
                  { .nano_cpus = 2 * CPU, .memory_bytes = 4 * GIB },
                  { .nano_cpus = CPU / 2, .memory_bytes = GIB },
                  1500,
                  3072,
                  28000 },
                { "a limit above the machine is none",
                  { .nano_cpus = 16 * CPU, .memory_bytes = 48 * GIB },
                  {},
                  0,
                  0,
                  28000 },
                { "above the machine, with a reserve",
                  { .nano_cpus = 16 * CPU, .memory_bytes = 48 * GIB },
                  { .nano_cpus = CPU, .memory_bytes = GIB },
                  3000,
                  7168,
                  28000 },
                { "one of the two", { .memory_bytes = GIB }, {}, 0, 1024, 28000 },
                { "more reserved than there is",
                  {},
                  { .nano_cpus = 9 * CPU, .memory_bytes = 9 * GIB },
                  10,
                  64,
                  28000 },
        };
        static const struct hv_caps_machine machine = { 4 * CPU, 8 * GIB, 32000 };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_settings s = { .limits = rows[i].limits,
                                               .reserved = rows[i].reserved,
                                               .overcommit_cpu_milli = 3000,
                                               .overcommit_memory_milli = 2000 };
                struct hv_caps caps = hv_caps_of_node(&s, &machine);

                if (caps.limits.nano_cpus != rows[i].cpus_milli * (CPU / 1000) ||
                    caps.limits.memory_bytes != rows[i].memory_mib << 20 || caps.limits.pids != rows[i].pids)
                        fail_msg("%s: %llu, %llu, %llu", rows[i].what,
                                 (unsigned long long) caps.limits.nano_cpus,
                                 (unsigned long long) caps.limits.memory_bytes,
                                 (unsigned long long) caps.limits.pids);
                if (caps.memory_high_bytes > caps.limits.memory_bytes ||
                    (caps.limits.memory_bytes > 0) != (caps.memory_high_bytes > 0))
                        fail_msg("%s: soft at %llu", rows[i].what,
                                 (unsigned long long) caps.memory_high_bytes);
        }
}

/* A kernel keeps whole pages and whole microseconds: what it shows must be what was asked for. */
static void caps_are_whole_pages_and_microseconds(void **state) {
        static const struct hv_caps_machine machine = { 4 * CPU, 8 * GIB, 32000 };
        const struct hv_settings s = { .limits = { .nano_cpus = CPU + 1, .memory_bytes = GIB + 1 } };
        struct hv_caps caps = hv_caps_of_node(&s, &machine);

        (void) state;
        assert_int_equal(caps.limits.nano_cpus, CPU);
        assert_int_equal(caps.limits.memory_bytes, GIB);
        assert_int_equal(caps.memory_high_bytes % 65536, 0);
}

static void a_difference_is_said_in_words(void **state) {
        const struct hv_caps none = {},
                             some = { { .nano_cpus = 3 * CPU / 2, .memory_bytes = 2 * GIB, .pids = 28000 },
                                      GIB };
        char text[HV_CAPS_TEXT_SIZE];

        (void) state;
        assert_string_equal(hv_caps_describe(&none, &some, false, text),
                            "CPU none -> 1500m, memory none -> 2Gi, processes none -> 28000");
        assert_string_equal(hv_caps_describe(&some, &none, true, text),
                            "CPU 1500m -> none, memory 2Gi -> none, soft memory 1Gi -> none, "
                            "processes 28000 -> none");
        assert_string_equal(hv_caps_describe(&some, &some, true, text), "");
}

/* ---- becoming so ---- */

static struct hv_desired *with(const char *revision, uint64_t nano_cpus) {
        struct hv_desired *d = desire(revision, (struct wish[]){ { "a" }, {} });

        d->settings.limits.nano_cpus = nano_cpus;
        ((struct hv_unit *) d->units)->limits.nano_cpus = 2 * CPU;
        return d;
}

static const char *slice = "hivelet.slice";

static void seen(struct bed *b, struct hv_seen_caps caps) {
        const struct hv_input in = { .type = HV_INPUT_CAPS, .caps = &caps };

        caps.slice = caps.place == HV_CAPS_NODE ? slice : "hivelet-tasks.slice";
        caps.machine_nano_cpus = 4 * CPU;
        caps.machine_memory_bytes = 8 * GIB;
        assert_int_equal(hv_core_input(b->core, b->now_us, &in, NULL), 0);
        bed_run(b);
}

#define SEEN(...) seen(b, (struct hv_seen_caps){ __VA_ARGS__ })

static const struct hv_caps_status *node_caps(struct bed *b) {
        static struct hv_status s;

        s = bed_status(b);
        return &s.caps[HV_CAPS_NODE];
}

static unsigned times_told(const struct bed *b, const char *words) {
        unsigned n = 0;

        for (size_t i = 0; i < b->notes.n; i++)
                n += strstr(b->notes.v[i], words) != NULL;
        return n;
}

static void a_slice_is_capped_before_anything_runs_in_it(void **state) {
        BED;

        SEEN(.state = HV_CAPS_ABSENT);
        SEEN(.state = HV_CAPS_ABSENT, .place = HV_CAPS_TASKS);
        bed_desire(b, with("r1", CPU));
        bed_run(b);
        assert_string_equal(bed_log(b), "cap hivelet.slice; create hive-a; start hive-a");
        SEEN(.state = HV_CAPS_THERE, .caps.limits.nano_cpus = CPU);
        assert_string_equal(bed_log(b), "");
        assert_true(bed_status(b).synced);
        assert_true(node_caps(b)->in_sync);
        assert_int_equal(times_told(b, "CPU none -> 1"), 1);
}

static void in_a_slice_that_was_not_looked_at_yet_nothing_is_made(void **state) {
        struct hv_desired *other = with("r2", CPU);
        BED;

        SEEN(.state = HV_CAPS_ABSENT);
        bed_desire(b, desire("r1", (struct wish[]){ { "b" }, {} }));
        bed_run(b);
        assert_string_equal(bed_log(b), "create hive-b; start hive-b");
        other->settings.slice = "other.slice";
        bed_desire(b, other);
        bed_run(b);
        assert_string_equal(bed_log(b), "");
        assert_false(bed_status(b).synced);
        slice = "other.slice";
        SEEN(.state = HV_CAPS_ABSENT);
        slice = "hivelet.slice";
        assert_string_equal(bed_log(b),
                            "cap other.slice; stop hive-b; create hive-a; remove hive-b; start hive-a");
}

static void what_nobody_has_looked_at_is_not_capped(void **state) {
        BED;

        bed_desire(b, with("r1", CPU));
        bed_run(b);
        assert_string_equal(bed_log(b), "create hive-a; start hive-a");
        assert_true(bed_status(b).synced);
        assert_string_equal(node_caps(b)->message, "not looked at yet");
}

static void a_cap_that_somebody_changes_is_set_again(void **state) {
        BED;

        bed_desire(b, with("r1", CPU));
        bed_run(b);
        SEEN(.state = HV_CAPS_THERE, .caps.limits.nano_cpus = CPU);
        (void) bed_log(b);
        SEEN(.state = HV_CAPS_THERE, .caps.limits.nano_cpus = 3 * CPU);
        assert_string_equal(bed_log(b), "cap hivelet.slice");
        /* It did not stay: the next try waits. */
        SEEN(.state = HV_CAPS_THERE, .caps.limits.nano_cpus = 3 * CPU);
        assert_string_equal(bed_log(b), "");
        assert_false(bed_status(b).synced);
        assert_string_equal(node_caps(b)->message, "it was set, and is another one again");
        bed_wait(b, S);
        assert_string_equal(bed_log(b), "cap hivelet.slice");
        SEEN(.state = HV_CAPS_THERE, .caps.limits.nano_cpus = CPU);
        assert_true(bed_status(b).synced);
}

static void a_cap_that_is_not_declared_any_more_is_lifted(void **state) {
        BED;

        bed_desire(b, with("r1", 0));
        bed_run(b);
        (void) bed_log(b);
        SEEN(.state = HV_CAPS_THERE, .caps.limits.nano_cpus = CPU);
        assert_string_equal(bed_log(b), "cap hivelet.slice");
        SEEN(.state = HV_CAPS_THERE, .place = HV_CAPS_TASKS, .caps.limits.memory_bytes = GIB);
        assert_string_equal(bed_log(b), "cap hivelet-tasks.slice");
}

static const struct hv_action *last_cap;

static enum hv_outcome keep_cap(struct bed *b, const struct hv_action *a) {
        static struct hv_action kept;

        (void) b;
        if (a->type == HV_ACTION_CAPS_SET) {
                kept = *a;
                last_cap = &kept;
        }
        return HV_OUTCOME_OK;
}

/* What an operator's unit file, or another agent, set is theirs, as long as nobody here asks for it. */
static void a_cap_of_somebody_else_is_left(void **state) {
        BED;

        b->mood = keep_cap;
        bed_desire(b, with("r1", 0));
        bed_run(b);
        (void) bed_log(b);
        SEEN(.state = HV_CAPS_THERE, .caps.limits = { .nano_cpus = CPU, .memory_bytes = GIB },
             .foreign = HV_CAP_CPU | HV_CAP_MEMORY);
        assert_string_equal(bed_log(b), "");
        assert_true(node_caps(b)->in_sync);
        /* Of two only the one that hivelet set is lifted. */
        SEEN(.state = HV_CAPS_THERE, .caps.limits = { .nano_cpus = CPU, .memory_bytes = GIB },
             .foreign = HV_CAP_MEMORY);
        assert_string_equal(bed_log(b), "cap hivelet.slice");
        assert_int_equal(last_cap->caps.limits.nano_cpus, 0);
        assert_int_equal(last_cap->caps.limits.memory_bytes, GIB);
        assert_int_equal(last_cap->caps_asked, 0);
}

/* From then on it is kept, and lifted when nobody asks for it any more. */
static void one_that_is_asked_for_is_taken_over(void **state) {
        BED;

        b->mood = keep_cap;
        bed_desire(b, with("r1", CPU));
        bed_run(b);
        (void) bed_log(b);
        SEEN(.state = HV_CAPS_THERE, .caps.limits.nano_cpus = CPU, .foreign = HV_CAP_CPU);
        assert_string_equal(bed_log(b), "cap hivelet.slice");
        assert_int_equal(last_cap->caps.limits.nano_cpus, CPU);
        assert_int_equal(last_cap->caps_asked, HV_CAP_CPU);
        assert_int_equal(times_told(b, "kept from now on"), 1);
        SEEN(.state = HV_CAPS_THERE, .caps.limits.nano_cpus = CPU);
        assert_string_equal(bed_log(b), "");
        assert_true(bed_status(b).synced);
}

static enum hv_outcome no_cap = HV_OUTCOME_FAILED;

static enum hv_outcome caps_fail(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_CAPS_SET ? no_cap : HV_OUTCOME_OK;
}

/* What is refused here holds up nobody who waits for the node to be as wished; what may work later does. */
static void a_cap_that_cannot_be_set_is_tried_again(void **state) {
        static const struct {
                enum hv_outcome outcome;
                bool synced;
        } rows[] = { { HV_OUTCOME_FAILED, false },
                     { HV_OUTCOME_UNKNOWN, false },
                     { HV_OUTCOME_REFUSED, true } };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct bed *b = bed_new();

                no_cap = rows[i].outcome;
                b->mood = caps_fail;
                SEEN(.state = HV_CAPS_ABSENT);
                bed_desire(b, with("r1", CPU));
                bed_run(b);
                assert_string_equal(bed_log(b), "cap hivelet.slice; create hive-a; start hive-a");
                assert_int_equal(bed_status(b).synced, rows[i].synced);
                assert_false(node_caps(b)->in_sync);
                bed_wait(b, S);
                assert_string_equal(bed_log(b), "cap hivelet.slice");
                assert_int_equal(times_told(b, "cannot set what hivelet.slice may take"), 1);
                b->mood = NULL;
                bed_wait(b, 2 * S);
                assert_string_equal(bed_log(b), "cap hivelet.slice");
                assert_true(bed_status(b).synced);
                bed_free(b);
        }
}

static void where_nothing_can_be_capped_nobody_waits_for_it(void **state) {
        BED;

        SEEN(.state = HV_CAPS_UNKNOWN, .message = "the engine runs without root");
        bed_desire(b, with("r1", CPU));
        bed_run(b);
        assert_string_equal(bed_log(b), "create hive-a; start hive-a");
        assert_true(bed_status(b).synced);
        assert_false(node_caps(b)->in_sync);
        assert_true(node_caps(b)->is_capped);
        assert_string_equal(node_caps(b)->message, "the engine runs without root");
}

static uint64_t cpus_of(struct bed *b) {
        return bed_container(b, "hive-a")->limits.nano_cpus;
}

/* Version 1 refuses a limit above one that is above it: going down the container goes first, going up the slice. */
static void with_version_1_a_container_stays_below_its_slice(void **state) {
        BED;

        SEEN(.state = HV_CAPS_ABSENT, .cpu_is_v1 = true);
        bed_desire(b, with("r1", CPU));
        bed_run(b);
        assert_int_equal(cpus_of(b), CPU);
        SEEN(.state = HV_CAPS_THERE, .cpu_is_v1 = true, .caps.limits.nano_cpus = CPU);
        assert_true(bed_status(b).synced);
        (void) bed_log(b);
        bed_desire(b, with("r2", 3 * CPU));
        bed_run(b);
        assert_string_equal(bed_log(b), "cap hivelet.slice; update hive-a");
        assert_int_equal(cpus_of(b), 2 * CPU);
}

static void one_that_does_not_run_is_given_less_before_it_starts(void **state) {
        BED;

        SEEN(.state = HV_CAPS_ABSENT, .cpu_is_v1 = true);
        bed_desire(b, with("r1", 0));
        bed_run(b);
        assert_int_equal(cpus_of(b), 2 * CPU);
        (void) bed_log(b);
        bed_container(b, "hive-a")->state = HV_CONTAINER_EXITED;
        bed_desire(b, with("r2", CPU));
        bed_event(b, "die", "hive-a");
        bed_run(b);
        bed_wait(b, S);
        assert_string_equal(bed_log(b), "cap hivelet.slice; update hive-a; start hive-a");
        assert_int_equal(cpus_of(b), CPU);
}

static void with_version_2_each_has_its_own(void **state) {
        BED;

        SEEN(.state = HV_CAPS_ABSENT);
        bed_desire(b, with("r1", CPU));
        bed_run(b);
        assert_int_equal(cpus_of(b), 2 * CPU);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(caps_are_what_is_left_of_the_machine),
                cmocka_unit_test(caps_are_whole_pages_and_microseconds),
                cmocka_unit_test(a_difference_is_said_in_words),
                TEST(a_slice_is_capped_before_anything_runs_in_it),
                TEST(in_a_slice_that_was_not_looked_at_yet_nothing_is_made),
                TEST(what_nobody_has_looked_at_is_not_capped),
                TEST(a_cap_that_somebody_changes_is_set_again),
                TEST(a_cap_that_is_not_declared_any_more_is_lifted),
                TEST(a_cap_of_somebody_else_is_left),
                TEST(one_that_is_asked_for_is_taken_over),
                cmocka_unit_test(a_cap_that_cannot_be_set_is_tried_again),
                TEST(where_nothing_can_be_capped_nobody_waits_for_it),
                TEST(with_version_1_a_container_stays_below_its_slice),
                TEST(one_that_does_not_run_is_given_less_before_it_starts),
                TEST(with_version_2_each_has_its_own),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
