/* schemas: a ledger of every released version is opened, brought up to date and tells the same; and how a step is done. */
#include <errno.h>

#include "helpers.h"
#include "story.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "ledger/private.h"
#include "ledger/schema.h"

static char *read_whole(const char *path) {
        struct hv_buf out = {};
        char block[4096];
        FILE *f = fopen(path, "re");
        size_t n;

        if (!f)
                fail_msg("%s: cannot be read; test/state/make-ledger.sh makes it", path);
        while ((n = fread(block, 1, sizeof block, f)) > 0)
                hv_buf_add(&out, block, n);
        assert_int_equal(fclose(f), 0);
        hv_buf_puts(&out, "");
        return hv_buf_steal(&out);
}

static void copy_file(const char *from, const char *to) {
        char block[4096];
        FILE *in = fopen(from, "re"), *out = fopen(to, "we");
        size_t n;

        if (!in || !out)
                fail_msg("%s cannot be copied", from);
        while ((n = fread(block, 1, sizeof block, in)) > 0)
                assert_int_equal(fwrite(block, 1, n, out), n);
        assert_int_equal(fclose(in), 0);
        assert_int_equal(fclose(out), 0);
}

static void expect_golden(const struct scratch *s, unsigned version, const char *fresh_schema) {
        _hv_cleanup_free_ char *db = hv_asprintf("%s/test/state/ledger-v%u.db", HV_SOURCE_DIR, version);
        _hv_cleanup_free_ char *txt = hv_asprintf("%s/test/state/ledger-v%u.txt", HV_SOURCE_DIR, version);
        _hv_cleanup_free_ char *dir = hv_asprintf("%s/v%u", s->path, version);
        _hv_cleanup_free_ char *copy = hv_asprintf("%s/" HV_LEDGER_FILE, dir);
        _hv_cleanup_free_ char *want = read_whole(txt);
        _hv_cleanup_free_ char *told = NULL;
        _hv_cleanup_free_ char *schema = NULL;
        _hv_cleanup_(hv_ledger_freep) struct hv_ledger *l = NULL;
        struct hv_err err = {};
        char name[16];

        (void) snprintf(name, sizeof name, "v%u", version);
        scratch_mkdir(s, name);
        copy_file(db, copy);
        if (hv_ledger_open(dir, "golden-node", NOW, &l, &err) < 0)
                fail_msg("version %u: %s", version, err.msg);
        told = story_tell(l);
        assert_string_equal(told, want);
        l = hv_ledger_free(l);
        schema = dump_schema(copy);
        assert_string_equal(schema, fresh_schema);
}

static void every_released_ledger_opens_and_tells_the_same(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_free_ char *fresh = dump_schema(hv_ledger_path(x->ledger));

        for (unsigned version = 1; version <= hv_ledger_n_steps; version++)
                expect_golden(x->scratch, version, fresh);
}

static void the_story_is_told_again_as_it_was_released(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_free_ char *path =
                hv_asprintf("%s/test/state/ledger-v%u.txt", HV_SOURCE_DIR, hv_ledger_n_steps);
        _hv_cleanup_free_ char *want = read_whole(path);
        _hv_cleanup_free_ char *told = NULL;

        for (unsigned i = 0; i < n_story_steps; i++)
                if (story_step(x->ledger, i, &x->err) < 0)
                        fail_msg("step %u: %s", i, x->err.msg);
        told = story_tell(x->ledger);
        assert_string_equal(told, want);
}

/* --- steps --- */

static void a_step_is_done_whole_or_not_at_all(void **state) {
        static const char
                grow[] = "ALTER TABLE task ADD COLUMN colour TEXT;",
                broken[] = "CREATE TABLE more (a INTEGER) STRICT; CREATE TABLE more (a INTEGER) STRICT;";
        const char *const steps[] = { hv_ledger_steps[0], grow, broken };
        struct fixture *x = *state;
        _hv_cleanup_free_ char *schema = NULL;
        struct hv_db *db = &x->ledger->db;
        unsigned version = 0;
        int64_t found;
        int r;

        accept_task(x, "t-1");
        r = hv_schema_migrate(db, steps, 3, 1, &x->err);
        expect_error(&x->err, r, -EIO, "cannot bring the schema from version 2 to 3");
        assert_int_equal(hv_schema_check(db, 3, &version, NULL), 0);
        assert_int_equal(version, 2);
        assert_int_equal(hv_db_number(db, "SELECT count(*) FROM task WHERE colour IS NULL", &found, NULL), 0);
        assert_int_equal(found, 1);
        schema = dump_schema(hv_ledger_path(x->ledger));
        assert_null(strstr(schema, "more"));
        accept_task(x, "t-2"); /* and it is usable */

        r = hv_schema_check(db, 1, &version, &x->err);
        expect_error(&x->err, r, -ENOTSUP, "its schema is version 2, this program knows up to 1");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(every_released_ledger_opens_and_tells_the_same, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(the_story_is_told_again_as_it_was_released, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(a_step_is_done_whole_or_not_at_all, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
