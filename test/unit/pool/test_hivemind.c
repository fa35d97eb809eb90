/* What dialect hivemind makes of text, and of a result that there is not; and how often it speaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/crc32.h"
#include "base/macros.h"
#include "base/time.h"
#include "pool/hivemind_document.h"
#include "pool/hivemind_dues.h"
#include "pool/hivemind_note.h"
#include "pool/hivemind_text.h"
#include "pool/hivemind_token.h"
#include "pool/pace.h"

static void test_take(void **state) {
        static const struct {
                const char *what, *text;
                bool is_last;
                size_t taken;
        } rows[] = {
                { "nothing", "", false, 0 },
                { "whole lines", "a\nb\n", false, 4 },
                { "up to the last newline", "a\nbc", false, 2 },
                { "the end, whatever it is", "a\nbc", true, 4 },
                { "no newline", "abc", false, 3 },
                { "a character of two bytes is cut", "abc\xc3", false, 3 },
                { "of three, after two", "abc\xe4\xbb", false, 3 },
                { "of four, after three", "abc\xf0\x9f\x98", false, 3 },
                { "of four, whole", "abc\xf0\x9f\x98\x80", false, 7 },
                { "no text at all", "\x80\x80\x80\x80", false, 4 },
                { "a beginning and nothing else", "\xe4", false, 1 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                if (hivemind_text_take(rows[i].text, strlen(rows[i].text), rows[i].is_last) != rows[i].taken)
                        fail_msg("%s", rows[i].what);
}

static void test_valid(void **state) {
        static const struct {
                const char *what, *text, *expected;
                size_t len;
        } rows[] = {
                { "nothing", "", "", 0 },
                { "the newline at the end goes", "a\nb\n", "a\nb", 4 },
                { "only one of them", "a\n\n", "a\n", 3 },
                { "a bad byte",
                  "a\xff"
                  "b",
                  "a\xef\xbf\xbd"
                  "b",
                  3 },
                { "a NUL", "a\0b",
                  "a\xef\xbf\xbd"
                  "b",
                  3 },
                { "a surrogate", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 3 },
                { "a color stays", "\x1b[31mx", "\x1b[31mx", 6 },
        };
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                if (!hv_streq(hivemind_text_valid(rows[i].text, rows[i].len, arena), rows[i].expected))
                        fail_msg("%s", rows[i].what);
}

static void test_token(void **state) {
        static const struct {
                const char *what, *claims;
                uint64_t seconds;
                bool has_ended;
        } rows[] = {
                { "an hour", "{\"user_id\":1,\"username\":\"alice\",\"exp\":1003600}", 1800 },
                { "a time with a fraction", "{\"exp\":1000100.9}", 50 },
                { "its last second", "{\"exp\":1000001}", 1 },
                { "it has ended by this clock", "{\"exp\":1000000}", 0, true },
                { "long ago", "{\"exp\":-5}", 0 },
                { "no end", "{\"username\":\"alice\"}", 0 },
                { "an end that is no number", "{\"exp\":\"1003600\"}", 0 },
                { "no JSON", "{", 0 },
                { "longer than time", "{\"exp\":9223372036854775807}", (INT64_MAX / 1000000 - 1000000) / 2 },
        };
        uint64_t now_us = 1000000 * HV_USEC_PER_SEC;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char text[HV_BASE64_SIZE(128)];
                _hv_cleanup_free_ char *token = NULL;
                uint64_t found;

                hv_base64url_encode(rows[i].claims, strlen(rows[i].claims), text);
                text[strcspn(text, "=")] = '\0'; /* RFC 7515: without */
                token = hv_asprintf("eyJhbGciOiJIUzI1NiJ9.%s.c2lnbmF0dXJl", text);
                found = hivemind_token_half_life_us(token, now_us) / HV_USEC_PER_SEC;
                if (found != rows[i].seconds)
                        fail_msg("%s: %llu s", rows[i].what, (unsigned long long) found);
                if (hivemind_token_has_ended(token, now_us) != rows[i].has_ended)
                        fail_msg("%s: whether it has ended", rows[i].what);
        }
        assert_int_equal(hivemind_token_half_life_us("token-1", now_us), 0);
        assert_int_equal(hivemind_token_half_life_us("a.!.b", now_us), 0);
        assert_int_equal(hivemind_token_half_life_us("", now_us), 0);
        assert_false(hivemind_token_has_ended("token-1", now_us));
        assert_false(hivemind_token_has_ended("", now_us));
}

static uint32_t number(const char *at) {
        const unsigned char *b = (const unsigned char *) at;

        return b[0] | (uint32_t) b[1] << 8 | (uint32_t) b[2] << 16 | (uint32_t) b[3] << 24;
}

static void test_note(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        const char *end;

        (void) state;
        hivemind_note(&b, "a.txt", "hello");
        end = b.data + b.len - 22;
        assert_int_equal(number(b.data), 0x04034b50);
        assert_int_equal(number(b.data + 14), hv_crc32(0, "hello", 5));
        assert_memory_equal(b.data + 30, "a.txthello", 10);
        assert_int_equal(number(end), 0x06054b50);
        assert_int_equal(number(end + 12), 46 + 5);     /* the directory, */
        assert_int_equal(number(end + 16), 30 + 5 + 5); /* which begins here */
        assert_int_equal(b.len, 30 + 5 + 5 + 46 + 5 + 22);
}

static void test_check(void **state) {
        Hivemind__ExecuteTaskRequest m = HIVEMIND__EXECUTE_TASK_REQUEST__INIT;
        struct hv_err err;

        (void) state;
        m.task_id = (char *) "Job_1";
        assert_int_equal(hivemind_document_check(&m, 1, &err), 0);
        assert_true(hivemind_document_check(&m, 0, &err) < 0);
        m.memory_gb = -1;
        assert_true(hivemind_document_check(&m, 1, &err) < 0);
        assert_string_equal(err.msg, "memory_gb is -1, expected 0 to 1048576");
        m.memory_gb = 0;
        m.task_id = (char *) "../x";
        assert_true(hivemind_document_check(&m, 1, &err) < 0);
}

#define S HV_USEC_PER_SEC

/* An hour online, by the periods that the dialect itself has, as pool.c takes them. */
static void test_an_hour_of_it(void **state) {
        const struct hv_pool_dialect *d = &hv_pool_hivemind;
        struct hv_pace_options o = { .heartbeat_us = hv_pace_heartbeat(d, 30 * S),
                                     .retry = { .initial_us = S, .factor_milli = 2000, .max_us = 300 * S },
                                     .has_login = true,
                                     .login_every_us = d->login_every_us,
                                     .register_every_us = d->register_every_us,
                                     .seed = 7 };
        uint64_t now = S, deadline, beaten = 0, gap = 0;
        unsigned n[4] = {}, n_due[HIVEMIND_N_DUES] = {};
        struct hivemind_dues dues = {};
        struct hv_pace p;

        (void) state;
        hv_pace_init(&p, &o, now);
        while (now < 3600 * S) {
                enum hv_pace_step step = hv_pace_next(&p, now, &deadline);

                if (step == HV_PACE_WAIT) {
                        now = deadline;
                        continue;
                }
                n[step]++;
                hv_pace_done(&p, HV_POOL_OUTCOME_OK, now);
                if (step != HV_PACE_BEAT)
                        continue;
                gap = beaten ? HV_MAX(gap, now - beaten) : 0;
                beaten = now;
                for (int i = 0; i < HIVEMIND_N_DUES; i++)
                        n_due[i] += hivemind_dues_take(&dues, (enum hivemind_due) i, now);
        }
        assert_int_equal(n[HV_PACE_LOGIN], 2);                /* half of the hour that a token lives */
        assert_in_range(n[HV_PACE_REGISTER], 118, 121);       /* 30 s */
        assert_in_range(n[HV_PACE_BEAT], 440, 580);           /* 8 s, and one behind each registration */
        assert_true(gap <= 10 * S);                           /* where a pool expects one in 5 to 10 s */
        assert_in_range(n_due[HIVEMIND_DUE_BALANCE], 59, 61); /* a minute */
        assert_in_range(n_due[HIVEMIND_DUE_USAGE], 237, 241); /* 15 s */
        assert_in_range(n_due[HIVEMIND_DUE_TASK_USAGE], 430, n[HV_PACE_BEAT]);
        assert_int_equal(hv_pace_heartbeat(d, 5 * S), 5 * S); /* sooner, where somebody asks for it */
}

static void test_nothing_is_caught_up_with(void **state) {
        struct hivemind_dues dues = {};

        (void) state;
        assert_true(hivemind_dues_take(&dues, HIVEMIND_DUE_BALANCE, 7 * S));
        assert_false(hivemind_dues_take(&dues, HIVEMIND_DUE_BALANCE, 66 * S));
        assert_true(hivemind_dues_take(&dues, HIVEMIND_DUE_BALANCE, 69 * S)); /* due at 67 */
        assert_false(hivemind_dues_take(&dues, HIVEMIND_DUE_BALANCE, 126 * S));
        assert_true(hivemind_dues_take(&dues, HIVEMIND_DUE_BALANCE, 127 * S));
        assert_true(hivemind_dues_take(&dues, HIVEMIND_DUE_BALANCE, 5000 * S)); /* an outage */
        assert_false(hivemind_dues_take(&dues, HIVEMIND_DUE_BALANCE, 5059 * S));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_take),
                cmocka_unit_test(test_valid),
                cmocka_unit_test(test_token),
                cmocka_unit_test(test_note),
                cmocka_unit_test(test_check),
                cmocka_unit_test(test_an_hour_of_it),
                cmocka_unit_test(test_nothing_is_caught_up_with),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
