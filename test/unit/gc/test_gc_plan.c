/* What is collected: each rule by a row, and what must hold of any plan. */
#include "testing.h"

#include "base/arena.h"
#include "base/rng.h"
#include "base/time.h"
#include "gc/plan.h"

#define MIN HV_USEC_PER_MIN
#define DAY HV_USEC_PER_DAY
#define NOW (1000 * DAY)
#define AGO(span) (NOW - (span))

static const struct hv_gc_rules usual = {
        .high_percent = 85,
        .low_percent = 75,
        .min_age_us = 10 * MIN,
        .keep_exited = 3,
        .container_max_age_us = DAY,
        .image_max_age_us = 30 * DAY,
};

/* The names of what goes, in order, as one text. */
static const char *names_of(const struct hv_gc_plan *plan, struct hv_arena *arena) {
        const char *text = "";

        for (size_t i = 0; i < plan->n_steps; i++)
                text = hv_arena_printf(arena, "%s%s%s", text, i ? " " : "", plan->steps[i].name);
        return text;
}

/* ---- containers ---- */

static void ended_containers_go_by_number_and_age(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        static const struct hv_gc_container containers[] = {
                { "c1", "a.1", "a", "i", true, AGO(5 * 60 * MIN) },
                { "c2", "a.2", "a", "i", true, AGO(4 * 60 * MIN) },
                { "c3", "a.3", "a", "i", true, AGO(3 * 60 * MIN) },
                { "c4", "a.4", "a", "i", true, AGO(2 * 60 * MIN) },
                { "c5", "old", "b", "i", true, AGO(DAY) },
                { "c6", "old but needed", "c", "i", false, AGO(9 * DAY) },
                { "c7", "young", "d", "i", true, AGO(9 * MIN) },
        };
        struct hv_gc_facts facts = { .now_us = NOW,
                                     .containers = containers,
                                     .n_containers = HV_ARRAY_SIZE(containers) };
        struct hv_gc_rules rules = usual;
        struct hv_gc_plan plan;

        (void) state;
        hv_gc_plan(&rules, &facts, arena, &plan);
        assert_string_equal(names_of(&plan, arena), "a.1 old");
        assert_int_equal(plan.next_us, NOW + MIN); /* the young one may be judged then */
        rules.keep_exited = 0;
        hv_gc_plan(&rules, &facts, arena, &plan);
        assert_string_equal(names_of(&plan, arena), "a.4 a.3 a.2 a.1 old");
        assert_int_equal(plan.next_us, NOW + MIN);
        rules.min_age_us = 0;
        hv_gc_plan(&rules, &facts, arena, &plan);
        assert_string_equal(names_of(&plan, arena), "a.4 a.3 a.2 a.1 old young");
}

/* ---- files of the log ---- */

static void full_logs_go_by_number_age_and_size(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        static const struct hv_gc_log logs[] = {
                { "/l/h.1", "h.1", false, 1, 10, AGO(99 * DAY) }, /* the log has no age */
                { "/l/h.2", "h.2", false, 2, 10, AGO(99 * DAY) },
                { "/l/h.3", "h.3", false, 3, 10, AGO(99 * DAY) },
                { "/l/e.1", "e.1", true, 1, 10, AGO(1 * DAY) },
                { "/l/e.2", "e.2", true, 2, 60, AGO(7 * DAY - MIN) },
                { "/l/e.3", "e.3", true, 3, 0, AGO(7 * DAY) },
                { "/l/e.4", "e.4", true, 4, 1, AGO(6 * DAY) }, /* a clock that was set */
        };
        struct hv_gc_facts facts = { .now_us = NOW, .logs = logs, .n_logs = HV_ARRAY_SIZE(logs) };
        struct hv_gc_rules rules = usual;
        struct hv_gc_plan plan;

        (void) state;
        rules.log_files = 3;
        rules.events_keep_us = 7 * DAY;
        rules.events_max_bytes = 80; /* 70 of them for what is full */
        hv_gc_plan(&rules, &facts, arena, &plan);
        assert_string_equal(names_of(&plan, arena), "h.3 e.3 e.4");
        assert_int_equal(plan.next_us, NOW + MIN);
        assert_int_equal(plan.steps[0].what, HV_GC_LOG);
        assert_string_equal(plan.steps[0].target, "/l/h.3");
        rules.log_files = 1;
        rules.events_max_bytes = 8;
        hv_gc_plan(&rules, &facts, arena, &plan);
        assert_string_equal(names_of(&plan, arena), "h.1 h.2 h.3 e.1 e.2 e.3 e.4");
        /* They make no room for the engine. */
        facts.total_bytes = 100;
        facts.free_bytes = 10;
        facts.images = &(const struct hv_gc_image){ .id = "i",
                                                    .name = "image",
                                                    .target = "i",
                                                    .size_bytes = 20,
                                                    .is_ours = true,
                                                    .since_us = AGO(DAY) };
        facts.n_images = 1;
        hv_gc_plan(&rules, &facts, arena, &plan);
        assert_string_equal(names_of(&plan, arena), "h.1 h.2 h.3 e.1 e.2 e.3 e.4 image");
}

/* ---- images ---- */

struct image_row {
        const char *what;
        struct hv_gc_image image;
        bool is_used;
        uint64_t free_bytes; /* of 100 */
        bool is_collecting, unmanaged;
        const char *expected;
        const char *why; /* it stays; NULL: any reason */
};

static const struct image_row image_rows[] = {
        { "unused, but there is room",
          { .is_ours = true, .since_us = AGO(DAY) },
          .free_bytes = 16,
          .expected = "",
          .why = "until room is needed, or gc.images.maxAge is over" },
        { "unused, and there is none",
          { .is_ours = true, .since_us = AGO(DAY) },
          .free_bytes = 14,
          .expected = "x" },
        { "exactly at the high mark",
          { .is_ours = true, .since_us = AGO(DAY) },
          .free_bytes = 15,
          .expected = "" },
        { "between the marks on the way down",
          { .is_ours = true, .since_us = AGO(DAY) },
          .free_bytes = 20,
          .is_collecting = true,
          .expected = "x" },
        { "at the low mark",
          { .is_ours = true, .since_us = AGO(DAY) },
          .free_bytes = 25,
          .is_collecting = true,
          .expected = "" },
        { "used",
          { .is_ours = true, .since_us = AGO(99 * DAY) },
          .is_used = true,
          .expected = "",
          .why = "a container is made of it" },
        { "pinned",
          { .is_ours = true, .is_pinned = true, .since_us = AGO(99 * DAY) },
          .expected = "",
          .why = "pinned (images.preload)" },
        { "needed by a revision",
          { .is_ours = true, .is_needed = true, .since_us = AGO(99 * DAY) },
          .expected = "",
          .why = "needed by a revision that is kept, or by a task" },
        { "somebody else's", { .since_us = AGO(99 * DAY) }, .expected = "", .why = "not brought by hivelet" },
        { "younger than minAge",
          { .is_ours = true, .since_us = AGO(10 * MIN - 1) },
          .expected = "",
          .why = "unused for less than gc.disk.minAge" },
        { "as old as minAge", { .is_ours = true, .since_us = AGO(10 * MIN) }, .expected = "x" },
        { "older than maxAge, with room",
          { .is_ours = true, .since_us = AGO(30 * DAY) },
          .free_bytes = 99,
          .expected = "x" },
        { "a layer of nobody",
          { .is_dangling = true, .since_us = AGO(DAY) },
          .expected = "",
          .why = "not brought by hivelet" },
        { "a layer of nobody that may go",
          { .is_dangling = true, .since_us = AGO(DAY) },
          .unmanaged = true,
          .expected = "x" },
        { "a layer that may go, and there is room",
          { .is_dangling = true, .since_us = AGO(99 * DAY) },
          .unmanaged = true,
          .free_bytes = 50,
          .expected = "",
          .why = "until room is needed" },
        { "a layer that is used",
          { .is_dangling = true, .since_us = AGO(DAY) },
          .unmanaged = true,
          .is_used = true,
          .expected = "" },
        { "an image with a name is no layer", { .since_us = AGO(DAY) }, .unmanaged = true, .expected = "" },
};

static void images_go_only_when_every_rule_lets_them(void **state) {
        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(image_rows); i++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
                const struct image_row *row = &image_rows[i];
                const struct hv_gc_container user = { "c", "c", "c", "x", false, 0 };
                struct hv_gc_image image = row->image;
                struct hv_gc_facts facts = { .now_us = NOW,
                                             .total_bytes = 100,
                                             .free_bytes = row->free_bytes,
                                             .is_collecting = row->is_collecting,
                                             .containers = &user,
                                             .n_containers = row->is_used,
                                             .images = &image,
                                             .n_images = 1 };
                struct hv_gc_rules rules = usual;
                struct hv_gc_verdict verdict;
                struct hv_gc_plan plan;

                image.id = image.name = image.target = "x";
                image.size_bytes = 1;
                rules.unmanaged = row->unmanaged;
                hv_gc_plan(&rules, &facts, arena, &plan);
                if (strcmp(names_of(&plan, arena), row->expected) != 0)
                        fail_msg("%s: goes \"%s\", expected \"%s\"", row->what, names_of(&plan, arena),
                                 row->expected);
                verdict = hv_gc_judge_image(&rules, &facts, &plan, &image);
                if (verdict.goes != (*row->expected != '\0') ||
                    (row->why && strcmp(verdict.why, row->why) != 0))
                        fail_msg("%s: %s because \"%s\"", row->what, verdict.goes ? "goes" : "stays",
                                 verdict.why);
                if (verdict.goes)
                        assert_ptr_equal(verdict.why, plan.steps[0].why);
                assert_int_equal(hv_gc_user_of(&facts, &image, 0) != NULL, row->is_used);
                assert_null(hv_gc_user_of(&facts, &image, 1));
        }
}

static void the_order_is_the_documented_one_and_it_ends_at_low(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        static const struct hv_gc_container containers[] = { { "c", "container", "o", "used", true,
                                                               AGO(2 * DAY) } };
        static const struct hv_gc_image images[] = {
                { "l", "layer", "l", 10, .is_dangling = true, .since_us = AGO(9 * DAY) },
                { "y", "younger", "y", 10, .is_ours = true, .since_us = AGO(1 * DAY) },
                { "o", "older", "o", 10, .is_ours = true, .since_us = AGO(2 * DAY) },
        };
        struct hv_gc_facts facts = { .now_us = NOW,
                                     .total_bytes = 100,
                                     .free_bytes = 0,
                                     .has_results = true,
                                     .containers = containers,
                                     .n_containers = 1,
                                     .images = images,
                                     .n_images = 3 };
        struct hv_gc_rules rules = usual;
        struct hv_gc_plan plan;

        (void) state;
        rules.unmanaged = true;
        hv_gc_plan(&rules, &facts, arena, &plan);
        assert_string_equal(names_of(&plan, arena), "container results older younger layer");
        assert_int_equal(plan.wanted_bytes, 25);
        assert_true(plan.is_enough);
        facts.free_bytes = 5;
        hv_gc_plan(&rules, &facts, arena, &plan);
        assert_string_equal(names_of(&plan, arena), "container results older younger");
        rules.low_percent = 60;
        hv_gc_plan(&rules, &facts, arena, &plan);
        assert_false(plan.is_enough);
        /* A disk of which nothing is known gives no reason to make room. */
        facts.total_bytes = 0;
        hv_gc_plan(&rules, &facts, arena, &plan);
        assert_string_equal(names_of(&plan, arena), "container results");
}

/* ---- of any plan ---- */

static const struct hv_gc_image *image_of(const struct hv_gc_facts *f, const char *id) {
        for (size_t i = 0; i < f->n_images; i++)
                if (strcmp(f->images[i].id, id) == 0)
                        return &f->images[i];
        return NULL;
}

static const struct hv_gc_container *container_of(const struct hv_gc_facts *f, const char *id) {
        for (size_t i = 0; i < f->n_containers; i++)
                if (strcmp(f->containers[i].id, id) == 0)
                        return &f->containers[i];
        return NULL;
}

static void check_step(const struct hv_gc_rules *r, const struct hv_gc_facts *f, const struct hv_gc_step *s) {
        const struct hv_gc_image *image = image_of(f, s->id);
        const struct hv_gc_container *container = container_of(f, s->id);

        if (s->what == HV_GC_CONTAINER) {
                assert_true(container->is_abandoned);
                assert_true(container->ended_us + r->min_age_us <= f->now_us);
                return;
        }
        if (s->what == HV_GC_RESULTS)
                return;
        assert_true(s->what == HV_GC_IMAGE ? image->is_ours : r->unmanaged && image->is_dangling);
        assert_false(image->is_pinned);
        assert_false(image->is_needed);
        assert_true(image->since_us + r->min_age_us <= f->now_us);
        for (size_t i = 0; i < f->n_containers; i++)
                assert_string_not_equal(f->containers[i].image, image->id);
}

/* What would stay if there were room. */
static bool is_for_space(const struct hv_gc_rules *r, const struct hv_gc_facts *f,
                         const struct hv_gc_step *s) {
        return s->what == HV_GC_LAYER ||
               (s->what == HV_GC_IMAGE && image_of(f, s->id)->since_us + r->image_max_age_us > f->now_us);
}

#define N 12

static void no_plan_takes_what_must_stay(void **state) {
        struct hv_rng rng = { .state = 6 };

        (void) state;
        for (unsigned round = 0; round < 20000; round++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
                struct hv_gc_container containers[N];
                struct hv_gc_image images[N];
                struct hv_gc_rules rules = usual;
                struct hv_gc_facts facts = { .now_us = NOW,
                                             .total_bytes = 1000,
                                             .free_bytes = hv_rng_below(&rng, 1001),
                                             .is_collecting = hv_rng_below(&rng, 2),
                                             .has_results = hv_rng_below(&rng, 2),
                                             .containers = containers,
                                             .n_containers = hv_rng_below(&rng, N + 1),
                                             .images = images,
                                             .n_images = hv_rng_below(&rng, N + 1) };
                uint64_t promised = 0;
                struct hv_gc_plan plan;

                rules.unmanaged = hv_rng_below(&rng, 2);
                rules.keep_exited = (unsigned) hv_rng_below(&rng, 3);
                for (size_t i = 0; i < N; i++) {
                        containers[i] = (struct hv_gc_container){
                                .id = hv_arena_printf(arena, "c%zu", i),
                                .name = "c",
                                .object = hv_rng_below(&rng, 2) ? "a" : "b",
                                .image = hv_arena_printf(arena, "i%u", (unsigned) hv_rng_below(&rng, 2 * N)),
                                .is_abandoned = hv_rng_below(&rng, 2),
                                .ended_us = AGO(hv_rng_below(&rng, 3 * DAY)),
                        };
                        images[i] = (struct hv_gc_image){
                                .id = hv_arena_printf(arena, "i%zu", i),
                                .name = "i",
                                .size_bytes = hv_rng_below(&rng, 300),
                                .is_ours = hv_rng_below(&rng, 2),
                                .is_pinned = hv_rng_below(&rng, 8) == 0,
                                .is_needed = hv_rng_below(&rng, 8) == 0,
                                .is_dangling = hv_rng_below(&rng, 2),
                                .since_us =
                                        AGO(hv_rng_below(&rng, hv_rng_below(&rng, 2) ? 40 * DAY : 20 * MIN)),
                        };
                }
                hv_gc_plan(&rules, &facts, arena, &plan);
                for (size_t i = 0; i < plan.n_steps; i++) {
                        check_step(&rules, &facts, &plan.steps[i]);
                        assert_true(i == 0 || plan.steps[i - 1].what <= plan.steps[i].what);
                        if (is_for_space(&rules, &facts, &plan.steps[i]))
                                assert_true(plan.makes_space && promised < plan.wanted_bytes);
                        promised += plan.steps[i].bytes;
                }
                assert_int_equal(plan.is_enough, promised >= plan.wanted_bytes);
                assert_true(plan.next_us > facts.now_us);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ended_containers_go_by_number_and_age),
                cmocka_unit_test(full_logs_go_by_number_age_and_size),
                cmocka_unit_test(images_go_only_when_every_rule_lets_them),
                cmocka_unit_test(the_order_is_the_documented_one_and_it_ends_at_low),
                cmocka_unit_test(no_plan_takes_what_must_stay),
        };

        return cmocka_run_group_tests_name("gc_plan", tests, NULL, NULL);
}
