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

        for (unsigned version = 1; version <= hv_ledger_steps.n; version++)
                expect_golden(x->scratch, version, fresh);
}

static void the_story_is_told_again_as_it_was_released(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_free_ char *path =
                hv_asprintf("%s/test/state/ledger-v%u.txt", HV_SOURCE_DIR, hv_ledger_steps.n);
        _hv_cleanup_free_ char *want = read_whole(path);
        _hv_cleanup_free_ char *told = NULL;

        for (unsigned i = 0; i < n_story_steps; i++)
                if (story_step(x->ledger, i, &x->err) < 0)
                        fail_msg("step %u: %s", i, x->err.msg);
        told = story_tell(x->ledger);
        assert_string_equal(told, want);
}

/* --- steps --- */

/* A ledger as version `n` of the schema left it, with rows of its own. Closed. */
static void make_version(const char *dir, unsigned n, const char *rows) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/" HV_LEDGER_FILE, dir);
        struct hv_db_steps steps = hv_ledger_steps;
        struct hv_db db = {};
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(hv_db_open(path, &db, NULL), 0);
        steps.n = n;
        assert_int_equal(hv_db_steps_do(&db, &steps, NULL), 0);
        assert_int_equal(hv_db_exec(&db, rows, NULL), 0);
        hv_db_close(&db);
}

static int tell_trust(const struct hv_ledger_trust *t, void *userdata) {
        hv_buf_printf(userdata, "%+d of %+d=%u ", t->change.delta, t->change.nominal, t->change.score);
        return 0;
}

/* Version 1 kept what the rule says as what was applied, and nothing of when a task was forgotten. */
static void what_version_1_knew_is_read_as_it_was(void **state) {
        static const char rows[] =
                "INSERT INTO trust (at_us, task, delta, score, score_group, cause) VALUES"
                " (1, 't', -5, 0, 'low', 'nodeError'), (2, 't', 60, 60, 'medium', 'success'),"
                " (3, 't', -5, 55, 'medium', 'oom'), (4, 't', 60, 100, 'high', 'success'),"
                " (5, 't', 2, 100, 'high', 'success');"
                "INSERT INTO task (id, name, source, digest, priority, accepted_us, state, document)"
                " VALUES ('t-1', 't', 'api', '" DIGEST_A "', 0, 1, 'Queued', '{}');"
                "INSERT INTO idempotency_key (key, task, digest, at_us) VALUES"
                " ('stands', 't-1', '" DIGEST_A "', 1000), ('gone', 't-0', '" DIGEST_A "', 1000);";
        struct fixture *x = *state;
        _hv_cleanup_(hv_ledger_freep) struct hv_ledger *l = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};
        struct hv_ledger_key key;
        const char *dir;

        scratch_mkdir(x->scratch, "old");
        dir = scratch_path(x->scratch, "old");
        make_version(dir, 1, rows);
        l = open_ledger(dir);
        assert_int_equal(hv_ledger_trust_page(l, 0, 9, tell_trust, &out, NULL, NULL), 0);
        assert_string_equal(hv_buf_str(&out),
                            "+0 of +2=100 +45 of +60=100 -5 of -5=55 +60 of +60=60 +0 of -5=0 ");
        assert_int_equal(hv_ledger_key(l, "stands", 2000, &key, NULL), 1);
        assert_int_equal(key.forgotten_us, 0);
        assert_int_equal(hv_ledger_key(l, "gone", 2000, &key, NULL), 1);
        assert_int_equal(key.forgotten_us, 1000);
        assert_int_equal(hv_ledger_key(l, "gone", 1000 + HV_LEDGER_KEY_KEPT_US, &key, NULL), 0);
}

static void a_step_is_done_whole_or_not_at_all(void **state) {
        static const char
                grow[] = "ALTER TABLE task ADD COLUMN colour TEXT;",
                broken[] = "CREATE TABLE more (a INTEGER) STRICT; CREATE TABLE more (a INTEGER) STRICT;";
        const unsigned known = hv_ledger_steps.n;
        const char *sql[16] = { [0] = "not done again" };
        struct hv_db_steps steps = { .application_id = HV_LEDGER_APPLICATION_ID,
                                     .program = "hivelet",
                                     .sql = sql,
                                     .n = hv_ledger_steps.n + 2 };
        struct fixture *x = *state;
        _hv_cleanup_free_ char *failed =
                hv_asprintf("cannot bring the schema from version %u to %u", known + 1, known + 2);
        _hv_cleanup_free_ char *newer =
                hv_asprintf("its schema is version %u, this program knows up to %u", known + 1, known);
        _hv_cleanup_free_ char *schema = NULL;
        struct hv_db *db = &x->ledger->db;
        unsigned version = 0;
        int64_t found;
        int r;

        assert_in_range(known, 1, HV_ARRAY_SIZE(sql) - 2);
        sql[known] = grow;
        sql[known + 1] = broken;
        accept_task(x, "t-1");
        r = hv_db_steps_do(db, &steps, &x->err);
        expect_error(&x->err, r, -EIO, failed);
        assert_int_equal(hv_db_steps_check(db, &steps, &version, NULL), 0);
        assert_int_equal(version, known + 1);
        assert_int_equal(hv_db_number(db, "SELECT count(*) FROM task WHERE colour IS NULL", &found, NULL), 0);
        assert_int_equal(found, 1);
        schema = dump_schema(hv_ledger_path(x->ledger));
        assert_null(strstr(schema, "more"));
        accept_task(x, "t-2"); /* and it is usable */

        r = hv_db_steps_check(db, &hv_ledger_steps, &version, &x->err);
        expect_error(&x->err, r, -ENOTSUP, newer);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(every_released_ledger_opens_and_tells_the_same, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(the_story_is_told_again_as_it_was_released, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(what_version_1_knew_is_read_as_it_was, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_step_is_done_whole_or_not_at_all, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
