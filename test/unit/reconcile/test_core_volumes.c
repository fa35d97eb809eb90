/* What becomes of a volume's data when no revision wants it any more: the last declaration of it decides. */
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

static struct hv_desired *with_volume(const char *revision, bool reclaim_delete) {
        return desire(revision, (struct wish[]){ { "a" },
                                                 { "b" },
                                                 { "db", .volume = "data", .delete_volume = reclaim_delete },
                                                 {} });
}

static struct hv_desired *without_volume(const char *revision) {
        return desire(revision, (struct wish[]){ { "a" }, { "b" }, { "db" }, {} });
}

/* As an earlier life of the agent left it. */
static void add_volume(struct bed *b, const char *name, bool label_says_delete) {
        hv_vec_push(&b->volumes, ((struct hv_seen_volume){ .name = name,
                                                           .driver = "local",
                                                           .ours = true,
                                                           .reclaim_delete = label_says_delete,
                                                           .digest = "vol-data" }));
}

static void remember(struct bed *b, const char *name, bool reclaim_delete) {
        const struct hv_volume_word word = { name, reclaim_delete };
        const struct hv_input in = { .type = HV_INPUT_REMEMBER, .volumes = &word, .n_volumes = 1 };

        assert_int_equal(hv_core_input(b->core, b->now_us, &in, NULL), 0);
}

static void resume(struct bed *b, struct hv_desired *d) {
        const struct hv_input in = { .type = HV_INPUT_RESUME, .desired = d };

        assert_int_equal(hv_core_input(b->core, b->now_us, &in, NULL), 0);
        hv_desired_unref(d);
}

static const struct hv_object_status *volume(struct bed *b) {
        static struct hv_status s;

        s = bed_status(b);
        for (size_t i = 0; i < s.n_objects; i++)
                if (s.objects[i].kind == HV_KIND_VOLUME)
                        return &s.objects[i];
        return NULL;
}

static void the_last_declaration_decides(void **state) {
        static const struct {
                const char *what;
                bool first, last, kept;
        } rows[] = {
                { "delete", true, true, false },
                { "retain", false, false, true },
                { "delete, then retain", true, false, true },
                { "retain, then delete", false, true, false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct bed *b = bed_new();

                print_message("%s\n", rows[i].what);
                bed_desire(b, with_volume("r1", rows[i].first));
                bed_run(b);
                bed_desire(b, with_volume("r2", rows[i].last));
                bed_run(b);
                assert_true(bed_status(b).synced);
                bed_desire(b, without_volume("r3"));
                bed_event(b, "destroy", "hive-db"); /* nobody holds it any more */
                bed_drop(b, "hive-db");
                bed_run(b);
                assert_int_equal(b->volumes.n, rows[i].kept);
                assert_true(bed_status(b).synced);
                if (rows[i].kept)
                        assert_non_null(strstr(volume(b)->message, "no declaration that is known here says"));
                bed_free(b);
        }
}

static void a_label_alone_deletes_nothing(void **state) {
        BED;

        add_volume(b, "data", true);
        bed_desire(b, without_volume("r1"));
        bed_wait(b, 1000 * S);
        assert_int_equal(b->volumes.n, 1);
        assert_true(volume(b)->in_sync);
        assert_non_null(strstr(volume(b)->message, "its label does"));
}

static void what_older_revisions_said_counts_after_a_restart(void **state) {
        static const struct {
                const char *what;
                bool label, word, deleted;
        } rows[] = {
                { "made with delete, last word delete", true, true, true },
                { "made with delete, last word retain", true, false, false },
                { "made with retain, last word delete", false, true, true },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct bed *b = bed_new();

                print_message("%s\n", rows[i].what);
                add_volume(b, "data", rows[i].label);
                remember(b, "data", rows[i].word);
                resume(b, without_volume("r2"));
                bed_run(b);
                assert_int_equal(b->volumes.n, !rows[i].deleted);
                bed_free(b);
        }
}

static void a_newer_revision_is_not_overruled_by_memory(void **state) {
        BED;

        add_volume(b, "data", true);
        resume(b, with_volume("r2", false));
        remember(b, "data", true);
        bed_run(b);
        bed_desire(b, without_volume("r3"));
        bed_event(b, "destroy", "hive-db");
        bed_drop(b, "hive-db");
        bed_run(b);
        assert_int_equal(b->volumes.n, 1);
}

static void what_was_said_outlives_the_volume(void **state) {
        BED;

        bed_desire(b, with_volume("r1", true));
        bed_run(b);
        bed_desire(b, with_volume("r2", false));
        bed_run(b);
        bed_desire(b, without_volume("r3"));
        bed_event(b, "destroy", "hive-db");
        bed_drop(b, "hive-db");
        b->volumes.n = 0;
        bed_wait(b, 1000 * S);
        /* It turns up again, from a create that was lost say, with the label of its first declaration. */
        add_volume(b, "data", true);
        bed_wait(b, 1000 * S);
        assert_int_equal(b->volumes.n, 1);
}

/* What will be kept is no removal: without a word that says delete the guard does not count it. */
static void the_guard_counts_a_volume_by_its_last_declaration(void **state) {
        BED;

        bed_add(b, "hive-a", true, HV_CONTAINER_RUNNING);
        bed_add(b, "hive-b", true, HV_CONTAINER_RUNNING);
        add_volume(b, "data", true);
        add_volume(b, "more", true);
        add_volume(b, "most", true);
        remember(b, "most", false);
        bed_desire(b, desire("r1", (struct wish[]){ { "a" }, { "b" }, {} }));
        bed_run(b);
        assert_null(bed_status(b).parked_revision);
        assert_int_equal(b->volumes.n, 3);
}

static void a_plan_remembers_like_the_agent(void **state) {
        BED;
        struct hv_core *other = hv_core_new(2);

        remember(b, "data", true);
        hv_core_remember_like(other, b->core);
        hv_core_free(b->core);
        b->core = other;
        add_volume(b, "data", true);
        bed_desire(b, without_volume("r1"));
        bed_run(b);
        assert_int_equal(b->volumes.n, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(the_last_declaration_decides),
                T(a_label_alone_deletes_nothing),
                T(what_older_revisions_said_counts_after_a_restart),
                T(a_newer_revision_is_not_overruled_by_memory),
                T(what_was_said_outlives_the_volume),
                T(the_guard_counts_a_volume_by_its_last_declaration),
                T(a_plan_remembers_like_the_agent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
