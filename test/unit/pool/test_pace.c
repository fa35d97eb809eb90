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

static void test_a_token_that_is_refused_during_a_beat(void **state) {
        struct hv_pace_options o = plain;
        uint64_t deadline_us;
        struct hv_pace p;

        (void) state;
        o.has_login = true;
        hv_pace_init(&p, &o, 0);
        assert_string_equal(take(&p, 0, HV_POOL_OUTCOME_OK), "login");
        assert_string_equal(take(&p, 0, HV_POOL_OUTCOME_OK), "register");
        assert_int_equal(hv_pace_next(&p, 0, &deadline_us), HV_PACE_BEAT);
        hv_pace_hint(&p, HV_POOL_OUTCOME_RELOGIN, 0); /* of another call, at the same time */
        hv_pace_done(&p, HV_POOL_OUTCOME_OK, S);
        assert_string_equal(take(&p, S, HV_POOL_OUTCOME_OK), "login");
        assert_string_equal(take(&p, S, HV_POOL_OUTCOME_OK), "register");
        assert_string_equal(take(&p, S, HV_POOL_OUTCOME_OK), "beat");
        assert_string_equal(take(&p, S, HV_POOL_OUTCOME_OK), "wait"); /* once */
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

/* A pool that does not answer, asked for the first time at 0 and then again and again until `age_us`; what is waited for then. */
static uint64_t wait_at_age(const struct hv_pace_options *o, uint64_t age_us) {
        struct hv_pace p;

        hv_pace_init(&p, o, 0);
        assert_string_equal(take(&p, 0, HV_POOL_OUTCOME_AGAIN), "register");
        assert_int_equal(p.phase, HV_POOL_OFFLINE);
        if (age_us == 0)
                return wait_of(&p, 0);
        p.not_before_us = age_us;
        assert_string_equal(take(&p, age_us, HV_POOL_OUTCOME_AGAIN), "register");
        return wait_of(&p, age_us);
}

static void test_a_wait_is_as_long_as_the_outage_at_most(void **state) {
        static const struct {
                uint64_t age_us, bound_us;
                uint32_t factor_milli;
        } rows[] = {
                { 0, S, 2000 },
                { S / 2, S, 2000 },
                { 3 * S, 3 * S, 2000 },
                { 100 * S, 100 * S, 2000 },
                { 300 * S, 300 * S, 2000 },
                { 86400 * S, 300 * S, 2000 },
                { 100 * S, 50 * S, 1500 },
                { 100 * S, 200 * S, 3000 },
                { 100 * S, S, 1000 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                uint64_t most = 0, least = UINT64_MAX, bound = rows[i].bound_us;

                for (uint64_t seed = 0; seed < 500; seed++) {
                        struct hv_pace_options o = plain;
                        uint64_t wait;

                        o.seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
                        o.retry.factor_milli = rows[i].factor_milli;
                        wait = wait_at_age(&o, rows[i].age_us);
                        most = HV_MAX(most, wait);
                        least = HV_MIN(least, wait);
                }
                if (most > bound || most < bound - bound / 20 || least < bound / 4 ||
                    least > bound / 4 + bound / 20)
                        fail_msg(
                                "age %llu us, factor %u: waits from %llu to %llu us, expected a quarter to all of %llu",
                                (unsigned long long) rows[i].age_us, rows[i].factor_milli,
                                (unsigned long long) least, (unsigned long long) most,
                                (unsigned long long) bound);
        }
}

/* The longest wait after a beat that failed 30 s after one that was answered. */
static uint64_t longest_wait_after_a_beat(bool stream_was_cut) {
        uint64_t most = 0;

        for (uint64_t seed = 1; seed < 500; seed++) {
                struct hv_pace_options o = plain;
                struct hv_pace p;

                o.seed = seed * UINT64_C(0x9e3779b97f4a7c15);
                hv_pace_init(&p, &o, 0);
                go_online(&p, 10 * S);
                if (stream_was_cut)
                        hv_pace_hint(&p, HV_POOL_OUTCOME_AGAIN, 40 * S - S / 2);
                p.beat_us = 40 * S;
                assert_string_equal(take(&p, 40 * S, HV_POOL_OUTCOME_AGAIN), "beat");
                most = HV_MAX(most, wait_of(&p, 40 * S));
        }
        return most;
}

static void test_a_pool_was_there_until_its_stream_was_cut(void **state) {
        (void) state;
        assert_in_range(longest_wait_after_a_beat(true), S * 9 / 10, S);
        assert_in_range(longest_wait_after_a_beat(false), 28 * S, 30 * S);
}

static void test_waits_never_end_and_never_overflow(void **state) {
        struct hv_pace_options o = plain;
        struct hv_pace p;
        uint64_t now = 0;

        (void) state;
        hv_pace_init(&p, &o, 0);
        for (int i = 0; i < 10000; i++) {
                assert_string_equal(take(&p, now, HV_POOL_OUTCOME_AGAIN), "register");
                now += wait_of(&p, now);
        }
        o.retry.max_us = UINT64_MAX / 2;
        o.retry.factor_milli = 100000;
        hv_pace_init(&p, &o, 0);
        (void) take(&p, 0, HV_POOL_OUTCOME_AGAIN);
        p.not_before_us = UINT64_MAX / 4;
        assert_string_equal(take(&p, UINT64_MAX / 4, HV_POOL_OUTCOME_AGAIN), "register");
        assert_true(wait_of(&p, UINT64_MAX / 4) <= UINT64_MAX / 2);
}

static void test_a_pool_that_registers_and_then_fails_is_not_back(void **state) {
        struct hv_pace p;

        (void) state;
        hv_pace_init(&p, &plain, 0);
        for (uint64_t now = 0; now <= 20 * S; now += S) {
                p.not_before_us = now;
                assert_string_equal(take(&p, now, HV_POOL_OUTCOME_OK), "register");
                assert_string_equal(take(&p, now, HV_POOL_OUTCOME_AGAIN), "beat");
        }
        assert_int_equal(p.heard_us, 0);
        p.not_before_us = 21 * S;
        go_online(&p, 21 * S);
        assert_int_equal(p.heard_us, 21 * S);
}

static void test_a_refusal_is_asked_again_with_back_off(void **state) {
        struct hv_pace p;

        (void) state;
        hv_pace_init(&p, &plain, 0);
        assert_string_equal(take(&p, 0, HV_POOL_OUTCOME_REFUSED), "register");
        assert_int_equal(p.phase, HV_POOL_OFFLINE);
        assert_string_equal(take(&p, 2 * S, HV_POOL_OUTCOME_UNSUPPORTED), "register");
        assert_int_equal(p.heard_us, 0);
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

struct reconnection {
        uint64_t outage_us, heartbeat_us;
        bool has_streams; /* each node hears at once that the pool is gone; else when it beats */
};

/* A pool with 100,000 nodes is away for a while and has forgotten them all. Each registration that it answers is counted
 * in the second in which it came; the number of seconds until all are back. */
static size_t reconnect(const struct reconnection *r, unsigned *per_second, size_t n_seconds) {
        struct hv_pace *nodes = HV_NEW_N(struct hv_pace, NODES);
        struct herd h = { .heap = HV_NEW_N(struct due, NODES) };
        const uint64_t down_us = 100 * S, up_us = down_us + r->outage_us;
        size_t n_back = 0, second = 0;

        for (unsigned i = 0; i < NODES; i++) {
                struct hv_pace_options o = plain;

                o.seed = i * UINT64_C(0x9e3779b97f4a7c15) + 1;
                o.heartbeat_us = r->heartbeat_us;
                hv_pace_init(&nodes[i], &o, 0);
                go_online(&nodes[i], down_us - r->heartbeat_us * i / NODES);
                if (r->has_streams)
                        hv_pace_hint(&nodes[i], HV_POOL_OUTCOME_AGAIN, down_us);
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
                        second = (d.at_us - up_us) / S;
                        assert_true(second < n_seconds);
                        per_second[second]++;
                        n_back++;
                        continue; /* the rest of its life is of no interest */
                }
                hv_pace_done(p, up ? HV_POOL_OUTCOME_REREGISTER : HV_POOL_OUTCOME_AGAIN, d.at_us);
                heap_push(&h, (struct due){ d.at_us, d.node });
        }
        free(h.heap);
        free(nodes);
        return second + 1;
}

/* The peak against the mean of all the time until the very last node is back, and how long that takes. */
static void test_a_hundred_thousand_nodes_come_back_evenly(void **state) {
        static const struct {
                const char *what;
                struct reconnection r;
                size_t all_back_s;
        } rows[] = {
                { "1 s", { S, 30 * S, true }, 2 },
                { "10 s", { 10 * S, 30 * S, true }, 11 },
                { "1 min", { 60 * S, 30 * S, true }, 61 },
                { "10 min", { 600 * S, 30 * S, true }, 301 },
                { "1 h", { 3600 * S, 30 * S, true }, 301 },
                { "1 s, only beats", { S, 30 * S, false }, 35 },
                { "10 s, only beats", { 10 * S, 30 * S, false }, 44 },
                { "1 min, only beats", { 60 * S, 30 * S, false }, 94 },
                { "1 h, only beats", { 3600 * S, 30 * S, false }, 301 },
                { "1 s, beats of 8 s", { S, 8 * S, false }, 11 },
                { "10 s, beats of 8 s", { 10 * S, 8 * S, false }, 20 },
                { "1 min, beats of 8 s", { 60 * S, 8 * S, false }, 70 },
                { "1 h, beats of 8 s", { 3600 * S, 8 * S, false }, 301 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                unsigned per_second[400] = {}, peak = 0, mean;
                size_t n = reconnect(&rows[i].r, per_second, HV_ARRAY_SIZE(per_second));

                for (size_t s = 0; s < n; s++)
                        peak = HV_MAX(peak, per_second[s]);
                mean = NODES / (unsigned) n;
                print_message("%s: all back after %zu s, peak %u a second, mean %u: %u.%02u\n", rows[i].what,
                              n, peak, mean, peak / mean, peak * 100 / mean % 100);
                if (peak > 3 * mean)
                        fail_msg("%s: peak %u, mean %u", rows[i].what, peak, mean);
                if (n > rows[i].all_back_s)
                        fail_msg("%s: all back after %zu s, expected %zu", rows[i].what, n,
                                 rows[i].all_back_s);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_order_is_register_beat),
                cmocka_unit_test(test_a_login_comes_first_and_is_renewed),
                cmocka_unit_test(test_a_token_that_is_refused_during_a_beat),
                cmocka_unit_test(test_beats_come_every_heartbeat_with_a_tenth_of_jitter),
                cmocka_unit_test(test_a_change_is_told_at_once_but_does_not_flood),
                cmocka_unit_test(test_what_changes_during_a_beat_is_told_by_the_next),
                cmocka_unit_test(test_a_wait_is_as_long_as_the_outage_at_most),
                cmocka_unit_test(test_a_pool_was_there_until_its_stream_was_cut),
                cmocka_unit_test(test_waits_never_end_and_never_overflow),
                cmocka_unit_test(test_a_pool_that_registers_and_then_fails_is_not_back),
                cmocka_unit_test(test_a_refusal_is_asked_again_with_back_off),
                cmocka_unit_test(test_unknown_node_registers_at_once_but_not_in_a_loop),
                cmocka_unit_test(test_a_token_that_ran_out_is_renewed_at_once),
                cmocka_unit_test(test_a_hint_brings_the_next_step_forward),
                cmocka_unit_test(test_a_hundred_thousand_nodes_come_back_evenly),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
