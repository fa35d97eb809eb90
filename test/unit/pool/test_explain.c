/* How often is asked why the pool is not reached. The words themselves: test/e2e/test_pool_certificates.py. */
#include "pool/explain.h"

#include "base/alloc.h"
#include "base/time.h"
#include "testing.h"

#define S HV_USEC_PER_SEC

struct stage {
        void (*run)(void *data);
        void (*done)(void *data);
        void *data; /* of the question that runs; NULL: none */
        unsigned n_questions;
};

static void work(void *userdata, void (*run)(void *data), void (*done)(void *data), void *data) {
        struct stage *s = userdata;

        assert_null(s->data); /* one at a time */
        *s = (struct stage){ .run = run, .done = done, .data = data, .n_questions = s->n_questions + 1 };
}

static void explained(void *userdata, const char *why) {
        (void) userdata;
        fail_msg("nothing listens there, and it says %s", why);
}

static const struct hv_pool_backend backend = { .work = work };

static struct hv_explainer *new_explainer(struct stage *s) {
        return hv_explainer_new(&(struct hv_explainer_options){ .target = "127.0.0.1:1",
                                                                .ca_file = "/nonexistent",
                                                                .backend = &backend,
                                                                .backend_data = s,
                                                                .every_us = 300 * S,
                                                                .explained = explained });
}

static void answer(struct stage *s) {
        void *data = HV_STEAL(s->data);

        s->run(data);
        s->done(data);
}

static void test_the_same_words_are_asked_about_seldom(void **state) {
        struct stage s = {};
        _hv_cleanup_(hv_explainer_freep) struct hv_explainer *e = new_explainer(&s);
        static const struct {
                const char *text;
                uint64_t at_us;
                unsigned n_questions;
        } rows[] = {
                { "closed", 1 * S, 1 },   { "closed", 2 * S, 1 },   { "closed", 300 * S, 1 },
                { "closed", 301 * S, 2 }, { "verify", 302 * S, 2 }, { "verify", 331 * S, 3 },
                { "closed", 332 * S, 3 }, { "closed", 361 * S, 4 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                assert_null(hv_explainer_ask(e, rows[i].text, rows[i].at_us));
                if (s.n_questions != rows[i].n_questions)
                        fail_msg("row %zu: %u questions, expected %u", i, s.n_questions, rows[i].n_questions);
                if (s.data)
                        answer(&s);
        }
}

static void test_a_question_outlives_its_asker(void **state) {
        struct stage s = {};
        struct hv_explainer *e = new_explainer(&s);

        (void) state;
        assert_null(hv_explainer_ask(e, "closed", S));
        assert_null(hv_explainer_ask(e, "verify", 900 * S)); /* one at a time */
        (void) hv_explainer_free(e);
        answer(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_same_words_are_asked_about_seldom),
                cmocka_unit_test(test_a_question_outlives_its_asker),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
