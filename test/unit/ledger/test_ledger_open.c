/* opening: what is made, what is refused, and that a refused file is left as it is. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "ledger/private.h"
#include "ledger/schema.h"

/* --- tools --- */

static const char *file(const struct fixture *x, const char *suffix) {
        static char ring[4][256];
        static unsigned at;
        char *path = ring[at++ % 4];

        (void) snprintf(path, sizeof ring[0], "%s/" HV_LEDGER_FILE "%s", x->scratch->path, suffix);
        return path;
}

static void close_ledger(struct fixture *x) {
        x->ledger = hv_ledger_free(x->ledger);
}

static int try_open(struct fixture *x) {
        x->err = (struct hv_err){};
        return hv_ledger_open(x->scratch->path, NODE, NOW, &x->ledger, &x->err);
}

static void read_bytes(const char *path, struct hv_buf *ret) {
        char block[4096];
        ssize_t n;
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        while ((n = read(fd, block, sizeof block)) > 0)
                hv_buf_add(ret, block, (size_t) n);
        assert_int_equal(n, 0);
        assert_int_equal(close(fd), 0);
}

static void write_at(const char *path, off_t offset, const void *data, size_t len) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, data, len, offset), len);
        assert_int_equal(close(fd), 0);
}

static void run_sql(const char *path, const char *sql) {
        sqlite3 *sqlite = NULL;

        assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
        if (sqlite3_exec(sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
                fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
        assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
}

/* Opening is refused, says so, and changes no byte. */
static void expect_refused(struct fixture *x, int code, const char *expected) {
        _hv_cleanup_(hv_buf_done) struct hv_buf before = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf after = {};

        read_bytes(file(x, ""), &before);
        expect_error(&x->err, try_open(x), code, expected);
        assert_non_null(strstr(x->err.msg, file(x, "")));
        read_bytes(file(x, ""), &after);
        assert_int_equal(before.len, after.len);
        if (before.len > 0)
                assert_memory_equal(before.data, after.data, before.len);
}

/* --- what is made --- */

static void expect_private(const char *path) {
        struct stat st;

        if (stat(path, &st) < 0)
                fail_msg("%s: %s", path, strerror(errno));
        assert_int_equal(st.st_mode & 07777, 0600);
}

static void its_files_are_private(void **state) {
        struct fixture *x = *state; /* the umask is 0 here */

        accept_task(x, "t-1");
        expect_private(file(x, ""));
        expect_private(file(x, "-wal"));
        expect_private(file(x, "-shm"));
        close_ledger(x);
        assert_int_equal(access(file(x, "-wal"), F_OK), -1);
        assert_int_equal(chmod(file(x, ""), 0644), 0);
        assert_int_equal(try_open(x), 0);
        expect_private(file(x, ""));
        assert_string_equal(hv_ledger_path(x->ledger), file(x, ""));
}

static void every_commit_is_flushed(void **state) {
        const struct {
                const char *pragma;
                int64_t expected;
        } settings[] = {
                { "PRAGMA synchronous", 2 },
                { "PRAGMA foreign_keys", 1 },
                { "PRAGMA trusted_schema", 0 },
                { "PRAGMA busy_timeout", 0 },
                { "PRAGMA cell_size_check", 1 },
                { "PRAGMA temp_store", 2 },
                { "PRAGMA user_version", hv_ledger_steps.n },
                { "PRAGMA wal_autocheckpoint", 1000 },
                { "PRAGMA journal_size_limit", 4194304 },
                { "PRAGMA application_id", 0x68764c47 },
                { "SELECT journal_mode = 'wal' FROM pragma_journal_mode", 1 },
        };
        struct fixture *x = *state;

        reopen(x); /* as a program finds it that did not make it */
        for (size_t i = 0; i < HV_ARRAY_SIZE(settings); i++) {
                int64_t found = -1;

                assert_int_equal(hv_db_number(&x->ledger->db, settings[i].pragma, &found, NULL), 0);
                if (found != settings[i].expected)
                        fail_msg("%s is %d", settings[i].pragma, (int) found);
        }
}

/* --- what is refused --- */

static void a_ledger_belongs_to_one_node(void **state) {
        struct fixture *x = *state;
        int r;

        close_ledger(x);
        r = hv_ledger_open(x->scratch->path, "node-b", NOW, &x->ledger, &x->err);
        expect_error(&x->err, r, -EPERM, "of node \"node-a\", this is node \"node-b\"");
        r = hv_ledger_open(x->scratch->path, "", NOW, &x->ledger, &x->err);
        expect_error(&x->err, r, -EINVAL, "needs the id of its node");
        assert_int_equal(try_open(x), 0);
}

static void a_ledger_follows_its_node_to_another_name(void **state) {
        struct fixture *x = *state;
        int r;

        accept_task(x, "t-1");
        close_ledger(x);
        assert_int_equal(hv_ledger_adopt(x->scratch->path, "node-b", NOW + 1, &x->ledger, NULL), 0);
        close_ledger(x);
        r = try_open(x);
        expect_error(&x->err, r, -EPERM, "of node \"node-b\", this is node \"node-a\"");
        assert_int_equal(hv_ledger_open(x->scratch->path, "node-b", NOW, &x->ledger, NULL), 0);
        r = hv_ledger_forget(x->ledger, "t-1", NOW, &x->err);
        expect_error(&x->err, r, -EBUSY, "t-1"); /* its promises came along */
}

static void a_newer_schema_is_left_alone(void **state) {
        struct fixture *x = *state;

        close_ledger(x);
        run_sql(file(x, ""), "PRAGMA user_version = 99");
        expect_refused(x, -ENOTSUP, "its schema is version 99, this program knows up to");
        assert_int_equal(access(file(x, "-wal"), F_OK), -1);
        assert_int_equal(access(file(x, "-shm"), F_OK), -1);
}

/* A power cut right after an upgrade: the version is in the log only. */
static void a_newer_schema_in_the_log_is_left_alone(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf db = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf wal = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf after = {};
        struct fixture *x = *state;

        accept_task(x, "t-1");
        assert_int_equal(hv_db_exec(&x->ledger->db, "PRAGMA user_version = 99", NULL), 0);
        read_bytes(file(x, ""), &db);
        read_bytes(file(x, "-wal"), &wal);
        close_ledger(x);
        assert_int_equal(unlink(file(x, "")), 0);
        write_at(file(x, ""), 0, db.data, db.len);
        write_at(file(x, "-wal"), 0, wal.data, wal.len);
        expect_refused(x, -ENOTSUP, "its schema is version 99");
        read_bytes(file(x, "-wal"), &after);
        assert_int_equal(wal.len, after.len);
        assert_memory_equal(wal.data, after.data, wal.len);
}

static void what_is_no_ledger_is_left_alone(void **state) {
        struct fixture *x = *state;
        char zeros[8192] = {};

        close_ledger(x);
        assert_int_equal(unlink(file(x, "")), 0);
        write_at(file(x, ""), 0, "# a text, not a ledger\n", 23);
        expect_refused(x, -EBADMSG, "is damaged or no database");
        assert_int_equal(unlink(file(x, "")), 0);
        write_at(file(x, ""), 0, zeros, sizeof zeros);
        expect_refused(x, -EBADMSG, "is damaged or no database");
        assert_int_equal(unlink(file(x, "")), 0);
        run_sql(file(x, ""), "CREATE TABLE mine (a)");
        expect_refused(x, -EBADMSG, "is a database of another program (application id 0x00000000");
        run_sql(file(x, ""), "PRAGMA application_id = 1; PRAGMA user_version = 1");
        expect_refused(x, -EBADMSG, "application id 0x00000001");
}

static void damage_is_found_when_it_is_opened(void **state) {
        struct fixture *x = *state;
        struct stat st;
        char junk[64];

        memset(junk, 0xa5, sizeof junk);
        for (unsigned i = 0; i < 20; i++)
                accept_task(x, (const char[]){ (char) ('a' + i), '\0' });
        close_ledger(x);
        assert_int_equal(stat(file(x, ""), &st), 0);
        for (off_t page = 1; page * 4096 < st.st_size; page++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf whole = {};

                read_bytes(file(x, ""), &whole);
                write_at(file(x, ""), page * 4096, junk,
                         sizeof junk); /* the head of a page of a table or an index */
                expect_refused(x, -EBADMSG, "is damaged");
                write_at(file(x, ""), 0, whole.data, whole.len);
        }
        assert_int_equal(truncate(file(x, ""), st.st_size - 4096), 0);
        expect_refused(x, -EBADMSG, "is damaged");
}

static void a_log_without_its_ledger_is_kept(void **state) {
        struct fixture *x = *state;
        struct stat st;

        close_ledger(x);
        assert_int_equal(unlink(file(x, "")), 0);
        write_at(file(x, "-wal"), 100, "committed once", 14);
        expect_error(&x->err, try_open(x), -EBADMSG, "is missing or empty, but its log");
        assert_int_equal(access(file(x, ""), F_OK), -1);
        write_at(file(x, ""), 0, "", 0);
        expect_refused(x, -EBADMSG, "is missing or empty, but its log");
        assert_int_equal(stat(file(x, "-wal"), &st), 0);
        assert_int_equal(st.st_size, 114);
}

static void only_a_regular_file_of_ours_is_opened(void **state) {
        struct fixture *x = *state;

        close_ledger(x);
        assert_int_equal(rename(file(x, ""), file(x, ".real")), 0);
        assert_int_equal(symlink(file(x, ".real"), file(x, "")), 0);
        expect_error(&x->err, try_open(x), -ELOOP, "is a link");
        assert_int_equal(unlink(file(x, "")), 0);
        assert_int_equal(mkfifo(file(x, ""), 0600), 0);
        expect_error(&x->err, try_open(x), -EINVAL, "is no regular file");
        assert_int_equal(unlink(file(x, "")), 0);
        assert_int_equal(mkdir(file(x, ""), 0700), 0);
        expect_error(&x->err, try_open(x), -EISDIR, "cannot open it");
        assert_int_equal(rmdir(file(x, "")), 0);
        assert_int_equal(rename(file(x, ".real"), file(x, "")), 0);
        if (geteuid() == 0) {
                assert_int_equal(chown(file(x, ""), 1234, 0), 0);
                expect_error(&x->err, try_open(x), -EPERM, "belongs to uid 1234");
                assert_int_equal(chown(file(x, ""), 0, 0), 0);
        }
        assert_int_equal(try_open(x), 0);
}

static void a_directory_is_expected(void **state) {
        struct fixture *x = *state;
        struct hv_ledger *l = NULL;
        int r = hv_ledger_open(scratch_path(x->scratch, "nowhere"), NODE, NOW, &l, &x->err);

        expect_error(&x->err, r, -ENOENT, "nowhere: cannot open the directory");
        assert_null(l);
}

/* --- another program --- */

static void another_writer_is_told_and_waited_for_by_the_caller(void **state) {
        const struct hv_ledger_promise p = promise("t-1");
        struct fixture *x = *state;
        sqlite3 *other = NULL;
        int r;

        assert_int_equal(sqlite3_open(file(x, ""), &other), SQLITE_OK);
        assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        r = hv_ledger_accept(x->ledger, &p, NULL, &x->err);
        expect_error(&x->err, r, -EAGAIN, "another program holds it");
        assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(hv_ledger_accept(x->ledger, &p, NULL, NULL), 1);
        assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

static void a_backup_of_a_ledger_in_use_is_whole(void **state) {
        _hv_cleanup_(hv_ledger_freep) struct hv_ledger *copy = NULL;
        _hv_cleanup_free_ char *sql = NULL;
        _hv_cleanup_free_ char *here = NULL;
        _hv_cleanup_free_ char *there = NULL;
        struct fixture *x = *state;

        accept_task(x, "t-1");
        scratch_mkdir(x->scratch, "copy");
        sql = hv_asprintf("VACUUM INTO '%s/copy/" HV_LEDGER_FILE "'", x->scratch->path);
        run_sql(file(x, ""), sql);
        copy = open_ledger(scratch_path(x->scratch, "copy"));
        here = dump(x->scratch->path);
        there = dump(scratch_path(x->scratch, "copy"));
        assert_string_equal(here, there);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(its_files_are_private, set_up, tear_down),
                cmocka_unit_test_setup_teardown(every_commit_is_flushed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_ledger_belongs_to_one_node, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_ledger_follows_its_node_to_another_name, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_newer_schema_is_left_alone, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_newer_schema_in_the_log_is_left_alone, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_is_no_ledger_is_left_alone, set_up, tear_down),
                cmocka_unit_test_setup_teardown(damage_is_found_when_it_is_opened, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_log_without_its_ledger_is_kept, set_up, tear_down),
                cmocka_unit_test_setup_teardown(only_a_regular_file_of_ours_is_opened, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_directory_is_expected, set_up, tear_down),
                cmocka_unit_test_setup_teardown(another_writer_is_told_and_waited_for_by_the_caller, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(a_backup_of_a_ledger_in_use_is_whole, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
