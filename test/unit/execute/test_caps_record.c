/* Which caps are hivelet's: what is remembered over a restart, and what is forgotten with the boot. */
#include "../source/scratch.h"

#include <errno.h>

#include "execute/caps_record.h"
#include "reconcile/observed.h"

#define SLICE "hivelet.slice"
#define TASKS "hivelet-tasks.slice"

static struct hv_caps_record *opened(const struct scratch *s, int expected) {
        struct hv_caps_record *r = NULL;
        struct hv_err err = {};

        assert_int_equal(hv_caps_record_open(s->path, &r, &err), expected);
        assert_true(expected == 0 || err.msg[0] != '\0');
        return r;
}

static void it_is_kept_over_a_restart(void **state) {
        const struct scratch *s = *state;
        struct hv_caps_record *r = opened(s, 0);

        assert_int_equal(hv_caps_record_get(r, SLICE), 0);
        hv_caps_record_put(r, SLICE, HV_CAP_CPU | HV_CAP_PIDS);
        hv_caps_record_put(r, TASKS, HV_CAP_MEMORY | HV_CAP_MEMORY_HIGH);
        r = hv_caps_record_free(r);
        r = opened(s, 0);
        assert_int_equal(hv_caps_record_get(r, SLICE), HV_CAP_CPU | HV_CAP_PIDS);
        assert_int_equal(hv_caps_record_get(r, TASKS), HV_CAP_MEMORY | HV_CAP_MEMORY_HIGH);
        hv_caps_record_put(r, SLICE, 0);
        r = hv_caps_record_free(r);
        r = opened(s, 0);
        assert_int_equal(hv_caps_record_get(r, SLICE), 0);
        assert_int_equal(hv_caps_record_get(r, TASKS), HV_CAP_MEMORY | HV_CAP_MEMORY_HIGH);
        hv_caps_record_free(r);
}

static void what_another_file_holds_is_not_ours(void **state) {
        static const struct {
                const char *what, *text;
                int expected;
        } rows[] = {
                { "another boot",
                  "{\"version\": 1, \"boot\": \"00000000-0000-0000-0000-000000000000\", \"slices\": {\"hivelet.slice\": "
                  "[\"cpu\"]}}",
                  0 },
                { "no JSON", "{", -EBADMSG },
                { "another version", "{\"version\": 2}", -EBADMSG },
        };
        const struct scratch *s = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_caps_record *r;

                scratch_write(s, "caps.json", rows[i].text);
                r = opened(s, rows[i].expected);
                if (hv_caps_record_get(r, SLICE))
                        fail_msg("%s: it is ours", rows[i].what);
                hv_caps_record_put(r, SLICE, HV_CAP_CPU);
                r = hv_caps_record_free(r);
                r = opened(s, 0);
                assert_int_equal(hv_caps_record_get(r, SLICE), HV_CAP_CPU);
                hv_caps_record_free(r);
        }
}

static void without_a_folder_it_is_kept_in_memory(void **state) {
        struct hv_caps_record *r = NULL;

        (void) state;
        assert_int_equal(hv_caps_record_open(NULL, &r, NULL), 0);
        hv_caps_record_put(r, SLICE, HV_CAP_CPU);
        assert_int_equal(hv_caps_record_get(r, SLICE), HV_CAP_CPU);
        hv_caps_record_free(r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_set_up, scratch_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(it_is_kept_over_a_restart),
                TEST(what_another_file_holds_is_not_ours),
                cmocka_unit_test(without_a_folder_it_is_kept_in_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
