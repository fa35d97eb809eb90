/* Secrets do not go out as text (log/redact.h). */
#include "testing.h"

#include "base/secret.h"
#include "log/log.h"
#include "log/redact.h"

static bool add(const char *value) {
        _hv_cleanup_(hv_secret_freep) struct hv_secret *s = hv_secret_new(value, strlen(value));

        return hv_log_redact_add(s); /* the registry keeps a copy: s ends here */
}

static int forget(void **state) {
        (void) state;
        hv_log_redact_clear();
        return 0;
}

static void test_replaces(void **state) {
        static const struct {
                const char *what, *markers[3], *text, *want; /* want NULL: unchanged */
        } ROWS[] = {
                { "nothing registered", {}, "password hunter22", NULL },
                { "not in the text", { "hunter22" }, "all is well", NULL },
                { "in the middle", { "hunter22" }, "pw=hunter22;", "pw=[redacted];" },
                { "twice and at both ends", { "hunter22" }, "hunter22 hunter22", "[redacted] [redacted]" },
                { "the longer one wins",
                  { "abcd", "abcdefgh" },
                  "x abcdefgh abcd",
                  "x [redacted] [redacted]" },
                { "too short to register", { "abc" }, "xabcx", NULL },
                { "a file's line end does not matter", { "hunter22\n" }, "pw hunter22.", "pw [redacted]." },
                { "each line of a key",
                  { "-----BEGIN KEY-----\nMIIEvQ\nAAAAAA==\n-----END KEY-----\n" },
                  "read MIIEvQ then AAAAAA==",
                  "read [redacted] then [redacted]" },
                { "overlapping occurrences", { "aaaa" }, "aaaaaa", "[redacted]aa" },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++) {
                _hv_cleanup_free_ char *got = NULL;

                (void) forget(state);
                for (size_t k = 0; ROWS[i].markers[k]; k++)
                        (void) add(ROWS[i].markers[k]);
                got = hv_log_redact(ROWS[i].text);
                if (!hv_streq(got, ROWS[i].want))
                        fail_msg("%s: got %s, want %s", ROWS[i].what, got ?: "(unchanged)", ROWS[i].want);
        }
        assert_false(add("abc"));
        assert_true(add("hunter22"));
}

static void collect(const struct hv_log_record *r, void *userdata) {
        char *all = userdata;

        (void) snprintf(all + strlen(all), 1024 - strlen(all), "%s|%s|%s\n", r->message, r->fields.name ?: "",
                        r->fields.reason ?: "");
}

static void test_every_text_of_a_record(void **state) {
        char sink[1024] = "", observer[1024] = "";

        (void) state;
        assert_true(add("hunter22"));
        hv_log_set_sink(collect, sink);
        hv_log_set_observer(collect, observer);
        hv_log_event(HV_EVENT_CREATE_FAILED, HV_LOG_FIELDS(.name = "hunter22", .reason = "is-hunter22"),
                     "engine said: %s", "bad hunter22");
        hv_log_set_sink(NULL, NULL);
        hv_log_set_observer(NULL, NULL);
        assert_string_equal(sink, "engine said: bad [redacted]|[redacted]|is-[redacted]\n");
        assert_string_equal(observer, sink);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_replaces, forget),
                cmocka_unit_test_teardown(test_every_text_of_a_record, forget),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
