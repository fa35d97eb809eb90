/* The schedule of the link, in virtual time. */
#include "pool/pace.h"

#include "base/alloc.h"
#include "base/time.h"
#include "testing.h"

#define S HV_USEC_PER_SEC

static const struct hv_pace_options plain = {
        .heartbeat_us = 30 * S,
        .retry = { .initial_us = S, .factor_milli = 2000, .max_us = 300 * S },
        .seed = 7,
};

static const char step_names[][9] = { "wait", "login", "register", "beat" };

/* Takes the step that is due at now_us and answers it; says which it was. */
static const char *take(struct hv_pace *p, uint64_t now_us, enum hv_pool_outcome outcome) {
        uint64_t deadline_us;
        enum hv_pace_step step = hv_pace_next(p, now_us, &deadline_us);

        if (step != HV_PACE_WAIT) {
                assert_int_equal(deadline_us, HV_TIME_NEVER);
                assert_int_equal(hv_pace_next(p, now_us, &deadline_us), HV_PACE_WAIT); /* one at a time */
                hv_pace_done(p, outcome, now_us);
        }
        return step_names[step];
}

static uint64_t wait_of(struct hv_pace *p, uint64_t now_us) {
        uint64_t deadline_us;

        assert_int_equal(hv_pace_next(p, now_us, &deadline_us), HV_PACE_WAIT);
        return deadline_us - now_us;
}

static void go_online(struct hv_pace *p, uint64_t now_us) {
        assert_string_equal(take(p, now_us, HV_POOL_OUTCOME_OK), "register");
        assert_int_equal(p->phase, HV_POOL_REGISTERING);
        assert_string_equal(take(p, now_us, HV_POOL_OUTCOME_OK), "beat");
        assert_int_equal(p->phase, HV_POOL_ONLINE);
}

static void test_the_order_is_register_beat(void **state) {
        struct hv_pace p;

        (void) state;
        hv_pace_init(&p, &plain, 5 * S);
        assert_int_equal(p.phase, HV_POOL_OFFLINE);
        go_online(&p, 5 * S);
        assert_string_equal(take(&p, 5 * S, HV_POOL_OUTCOME_OK), "wait");
}

static void test_a_login_comes_first_and_is_renewed(void **state) {
        struct hv_pace_options o = plain;
        struct hv_pace p;

        (void) state;
        o.has_login = true;
        o.login_every_us = 100 * S;
        o.register_every_us = 40 * S;
        hv_pace_init(&p, &o, 0);
        assert_string_equal(take(&p, 0, HV_POOL_OUTCOME_OK), "login");
        assert_string_equal(take(&p, 0, HV_POOL_OUTCOME_OK), "register");
        assert_string_equal(take(&p, 0, HV_POOL_OUTCOME_OK), "beat");
        assert_string_equal(take(&p, 40 * S, HV_POOL_OUTCOME_OK), "register");
        assert_int_equal(p.phase, HV_POOL_ONLINE);
        assert_string_equal(take(&p, 40 * S, HV_POOL_OUTCOME_OK), "beat");
        assert_string_equal(take(&p, 100 * S, HV_POOL_OUTCOME_OK), "login");
        assert_int_equal(p.phase, HV_POOL_ONLINE);
}

static void test_beats_come_every_heartbeat_with_a_tenth_of_jitter(void **state) {
        struct hv_pace p;
        uint64_t now = 0, least = UINT64_MAX, most = 0;

        (void) state;
        hv_pace_init(&p, &plain, 0);
        go_online(&p, 0);
        for (int i = 0; i < 2000; i++) {
                uint64_t wait = wait_of(&p, now);

                least = HV_MIN(least, wait);
                most = HV_MAX(most, wait);
                now += wait;
                assert_string_equal(take(&p, now, HV_POOL_OUTCOME_OK), "beat");
        }
        assert_in_range(least, 27 * S, 27 * S + S / 10);
        assert_in_range(most, 33 * S - S / 10, 33 * S);
}

static void test_a_change_is_told_at_once_but_does_not_flood(void **state) {
        struct hv_pace p;

        (void) state;
        hv_pace_init(&p, &plain, S);
        go_online(&p, S);
        hv_pace_changed(&p);
        assert_int_equal(wait_of(&p, S), HV_PACE_BEAT_FLOOR_US);
        assert_string_equal(take(&p, 10 * S, HV_POOL_OUTCOME_OK), "beat");
        assert_true(wait_of(&p, 10 * S) > 20 * S); /* it was told */
        hv_pace_changed(&p);
        hv_pace_changed(&p);
        assert_int_equal(wait_of(&p, 10 * S + 1), HV_PACE_BEAT_FLOOR_US - 1);
}

static void test_what_changes_during_a_beat_is_told_by_the_next(void **state) {
        struct hv_pace p;
        uint64_t deadline;

        (void) state;
        hv_pace_init(&p, &plain, 0);
        go_online(&p, 0);
        hv_pace_changed(&p);
        assert_int_equal(hv_pace_next(&p, 5 * S, &deadline), HV_PACE_BEAT);
        hv_pace_changed(&p);
        hv_pace_done(&p, HV_POOL_OUTCOME_OK, 6 * S);
        assert_string_equal(take(&p, 6 * S, HV_POOL_OUTCOME_OK), "beat");
}

static void test_waits_grow_to_the_longest_and_never_end(void **state) {
        struct hv_pace p;
        uint64_t now = 0, most[40] = {};

        (void) state;
        for (uint64_t seed = 0; seed < 500; seed++) {
                struct hv_pace_options o = plain;

                o.seed = seed;
                hv_pace_init(&p, &o, now = 0);
                for (size_t n = 0; n < HV_ARRAY_SIZE(most); n++) {
                        assert_string_equal(take(&p, now, HV_POOL_OUTCOME_AGAIN), "register");
                        assert_int_equal(p.phase, HV_POOL_OFFLINE);
                        uint64_t wait = wait_of(&p, now);

                        most[n] = HV_MAX(most[n], wait);
                        now += wait;
                }
        }
        for (size_t n = 0; n < HV_ARRAY_SIZE(most); n++) {
                uint64_t bound = n < 9 ? (S << n) : 300 * S;

                assert_true(most[n] <= bound);
                assert_true(most[n] > bound - bound / 20); /* the whole range is used */
        }
}

static void test_the_longest_wait_never_overflows(void **state) {
        struct hv_pace_options o = plain;
        struct hv_pace p;

        (void) state;
        o.retry.max_us = UINT64_MAX / 2;
        o.retry.factor_milli = 100000;
        hv_pace_init(&p, &o, 0);
        p.n_failures = UINT32_MAX;
        assert_string_equal(take(&p, 0, HV_POOL_OUTCOME_AGAIN), "register");
        assert_int_equal(p.n_failures, UINT32_MAX);
        assert_true(wait_of(&p, 0) <= UINT64_MAX / 2);
}

static void test_a_pool_that_registers_and_then_fails_is_not_back(void **state) {
        struct hv_pace p;

        (void) state;
        hv_pace_init(&p, &plain, 0);
        for (int i = 0; i < 20; i++) {
                p.not_before_us = 0;
                assert_string_equal(take(&p, 0, HV_POOL_OUTCOME_OK), "register");
                assert_string_equal(take(&p, 0, HV_POOL_OUTCOME_AGAIN), "beat");
        }
        assert_int_equal(p.n_failures, 20);
        p.not_before_us = 0;
        go_online(&p, 0);
        assert_int_equal(p.n_failures, 0);
}

static void test_a_refusal_is_asked_again_with_back_off(void **state) {
        struct hv_pace p;

        (void) state;
        hv_pace_init(&p, &plain, 0);
        assert_string_equal(take(&p, 0, HV_POOL_OUTCOME_REFUSED), "register");
        assert_int_equal(p.phase, HV_POOL_OFFLINE);
        assert_string_equal(take(&p, 2 * S, HV_POOL_OUTCOME_UNSUPPORTED), "register");
        assert_int_equal(p.n_failures, 2);
}

static void test_unknown_node_registers_at_once_but_not_in_a_loop(void **state) {
        struct hv_pace p;

        (void) state;
        hv_pace_init(&p, &plain, 0);
        go_online(&p, 0);
        assert_string_equal(take(&p, 40 * S, HV_POOL_OUTCOME_REREGISTER), "beat");
        assert_string_equal(take(&p, 40 * S, HV_POOL_OUTCOME_OK), "register");
        assert_string_equal(take(&p, 40 * S, HV_POOL_OUTCOME_REREGISTER), "beat"); /* it forgot again */
        assert_int_equal(p.phase, HV_POOL_OFFLINE);
        p.not_before_us = 0;
        go_online(&p, 41 * S);
        assert_string_equal(take(&p, 80 * S, HV_POOL_OUTCOME_REREGISTER),
                            "beat"); /* long after: at once again */
        assert_string_equal(take(&p, 80 * S, HV_POOL_OUTCOME_OK), "register");
}

static void test_a_token_that_ran_out_is_renewed_at_once(void **state) {
        struct hv_pace_options o = plain;
        struct hv_pace p;

        (void) state;
        o.has_login = true;
        hv_pace_init(&p, &o, 0);
        (void) take(&p, 0, HV_POOL_OUTCOME_OK);
        go_online(&p, 0);
        assert_string_equal(take(&p, 40 * S, HV_POOL_OUTCOME_RELOGIN), "beat");
        assert_string_equal(take(&p, 40 * S, HV_POOL_OUTCOME_OK), "login");
        assert_string_equal(take(&p, 40 * S, HV_POOL_OUTCOME_RELOGIN),
                            "register"); /* a token that is never taken */
        assert_int_equal(p.phase, HV_POOL_OFFLINE);
        hv_pace_init(&p, &plain, 0); /* nobody to log in as */
        go_online(&p, 0);
        assert_string_equal(take(&p, 40 * S, HV_POOL_OUTCOME_RELOGIN), "beat");
        assert_int_equal(p.phase, HV_POOL_OFFLINE);
}

static void test_a_hint_brings_the_next_step_forward(void **state) {
        struct hv_pace p;

        (void) state;
        hv_pace_init(&p, &plain, 0);
        hv_pace_hint(&p, HV_POOL_OUTCOME_REREGISTER, 0); /* offline: nothing to bring forward */
        go_online(&p, 0);
        hv_pace_hint(&p, HV_POOL_OUTCOME_OK, 5 * S);
        assert_true(wait_of(&p, 5 * S) > 10 * S);
        hv_pace_hint(&p, HV_POOL_OUTCOME_AGAIN, 5 * S);
        assert_true(wait_of(&p, 5 * S) <= S);
        hv_pace_hint(&p, HV_POOL_OUTCOME_REREGISTER, 5 * S);
        assert_string_equal(take(&p, 5 * S, HV_POOL_OUTCOME_OK), "register");
}

/* --- a herd --- */

#define NODES 100000

struct due {
        uint64_t at_us;
        unsigned node;
};

struct herd {
        struct due *heap;
        size_t n;
};

static void heap_push(struct herd *h, struct due d) {
        size_t i = h->n++;

        for (; i && h->heap[(i - 1) / 2].at_us > d.at_us; i = (i - 1) / 2)
                h->heap[i] = h->heap[(i - 1) / 2];
        h->heap[i] = d;
}

static struct due heap_pop(struct herd *h) {
        struct due first = h->heap[0], last = h->heap[--h->n];
        size_t i = 0;

        for (;;) {
                size_t child = 2 * i + 1;

                if (child >= h->n)
                        break;
                if (child + 1 < h->n && h->heap[child + 1].at_us < h->heap[child].at_us)
                        child++;
                if (h->heap[child].at_us >= last.at_us)
                        break;
                h->heap[i] = h->heap[child];
                i = child;
        }
        h->heap[i] = last;
        return first;
}

/* A pool with 100,000 nodes is away for a while and has forgotten them all. Each registration that it answers is counted
 * in the second in which it came. */
static void reconnect(uint64_t outage_us, unsigned *per_second, size_t n_seconds) {
        struct hv_pace *nodes = HV_NEW_N(struct hv_pace, NODES);
        struct herd h = { .heap = HV_NEW_N(struct due, NODES) };
        const uint64_t down_us = 100 * S, up_us = down_us + outage_us;
        size_t n_back = 0;

        for (unsigned i = 0; i < NODES; i++) {
                struct hv_pace_options o = plain;

                o.seed = i * UINT64_C(0x9e3779b97f4a7c15) + 1;
                hv_pace_init(&nodes[i], &o, 0);
                go_online(&nodes[i], down_us - 30 * S * i / NODES);
                hv_pace_hint(&nodes[i], HV_POOL_OUTCOME_AGAIN, down_us); /* its stream was cut */
                heap_push(&h, (struct due){ down_us, i });
        }
        while (n_back < NODES) {
                struct due d = heap_pop(&h);
                struct hv_pace *p = &nodes[d.node];
                bool up = d.at_us >= up_us;
                uint64_t deadline_us;
                enum hv_pace_step step = hv_pace_next(p, d.at_us, &deadline_us);

                if (step == HV_PACE_WAIT) {
                        heap_push(&h, (struct due){ deadline_us, d.node });
                        continue;
                }
                if (up && step == HV_PACE_REGISTER) {
                        assert_true((d.at_us - up_us) / S < n_seconds);
                        per_second[(d.at_us - up_us) / S]++;
                        n_back++;
                        continue; /* the rest of its life is of no interest */
                }
                hv_pace_done(p, up ? HV_POOL_OUTCOME_REREGISTER : HV_POOL_OUTCOME_AGAIN, d.at_us);
                heap_push(&h, (struct due){ d.at_us, d.node });
        }
        free(h.heap);
        free(nodes);
}

/* The mean is that of the seconds in which the node asked for came back: after a short outage a few nodes that were unlucky
 * with their waits come long after all others, and a mean with that tail in it would say nothing. */
static void test_a_hundred_thousand_nodes_come_back_evenly(void **state) {
        static const struct {
                const char *what;
                uint64_t outage_us;
                unsigned percent;
        } rows[] = {
                { "ten seconds", 10 * S, 90 },
                { "two minutes", 120 * S, 90 },
                { "an hour", 3600 * S, 100 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                unsigned per_second[400] = {}, peak = 0, sum = 0, wanted = NODES / 100 * rows[i].percent,
                         mean;
                size_t n = 0;

                reconnect(rows[i].outage_us, per_second, HV_ARRAY_SIZE(per_second));
                for (; sum < wanted; sum += per_second[n++])
                        peak = HV_MAX(peak, per_second[n]);
                mean = sum / (unsigned) n;
                print_message("%s: %u %% back after %zu s, peak %u a second, mean %u\n", rows[i].what,
                              rows[i].percent, n, peak, mean);
                if (peak > 3 * mean)
                        fail_msg("%s: peak %u, mean %u", rows[i].what, peak, mean);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_order_is_register_beat),
                cmocka_unit_test(test_a_login_comes_first_and_is_renewed),
                cmocka_unit_test(test_beats_come_every_heartbeat_with_a_tenth_of_jitter),
                cmocka_unit_test(test_a_change_is_told_at_once_but_does_not_flood),
                cmocka_unit_test(test_what_changes_during_a_beat_is_told_by_the_next),
                cmocka_unit_test(test_waits_grow_to_the_longest_and_never_end),
                cmocka_unit_test(test_the_longest_wait_never_overflows),
                cmocka_unit_test(test_a_pool_that_registers_and_then_fails_is_not_back),
                cmocka_unit_test(test_a_refusal_is_asked_again_with_back_off),
                cmocka_unit_test(test_unknown_node_registers_at_once_but_not_in_a_loop),
                cmocka_unit_test(test_a_token_that_ran_out_is_renewed_at_once),
                cmocka_unit_test(test_a_hint_brings_the_next_step_forward),
                cmocka_unit_test(test_a_hundred_thousand_nodes_come_back_evenly),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
