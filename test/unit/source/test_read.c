/* read: which files are believed, and what is said about the others; who can exchange a path. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"

#include "source/facts.h"
#include "source/read.h"

struct row {
        const char *what;
        mode_t mode;
        const char *code; /* NULL: it is read */
        const char *says;
};

static void check(const struct row *row, int r, const struct hv_fault *fault) {
        if (!row->code && r == 0)
                return;
        if (!row->code || r == 0)
                fail_msg("%s: %s", row->what, r == 0 ? "was read" : fault->message);
        if (!hv_streq(fault->code, row->code) || !strstr(fault->message, row->says))
                fail_msg("%s: %s %s", row->what, fault->code, fault->message);
}

static void config_files_by_their_mode(void **state) {
        static const struct row rows[] = {
                { "private", 0600, NULL, NULL },
                { "readable by all", 0644, NULL, NULL },
                { "read-only", 0444, NULL, NULL },
                { "group writes", 0664, "E0009", "writable by group \"root\"; refuse to load (mode 0664)" },
                { "everyone writes", 0606, "E0009", "writable by everyone; refuse to load (mode 0606)" },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
                struct hv_fault fault = {};

                scratch_write_mode(*state, "file", "a: b\n", rows[i].mode);
                if (geteuid() == 0)
                        assert_int_equal(chown(scratch_path(*state, "file"), 0, 0), 0);
                else if (rows[i].mode == 0664)
                        continue; /* the name of the group is this user's */
                check(&rows[i], hv_read_config(AT_FDCWD, scratch_path(*state, "file"), &text, &fault),
                      &fault);
                if (!rows[i].code)
                        assert_string_equal(text.data, "a: b\n");
        }
}

static void secrets_by_their_mode(void **state) {
        static const struct row rows[] = {
                { "private", 0600, NULL, NULL },
                { "read-only", 0400, NULL, NULL },
                { "group reads", 0640, "E0323", "has mode 0640, must be 0600 or stricter" },
                { "everyone reads", 0644, "E0323", "has mode 0644, must be 0600 or stricter" },
                { "everyone writes", 0602, "E0323", "0602" },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_secret_freep) struct hv_secret *secret = NULL;
                struct hv_fault fault = {};

                scratch_write_mode(*state, "file", "hunter2", rows[i].mode);
                check(&rows[i], hv_read_secret(AT_FDCWD, scratch_path(*state, "file"), &secret, &fault),
                      &fault);
                if (!rows[i].code)
                        assert_string_equal(hv_secret_bytes(secret), "hunter2");
        }
}

static void only_regular_files_are_read(void **state) {
        static const struct row rows[] = {
                { "none", 0, "E0001", "cannot open: No such file or directory" },
                { "link", 0, "E0001", "is a symbolic link (to target); links are not followed" },
                { "dir", 0, "E0001", "is a directory, expected a regular file" },
                { "pipe", 0, "E0001", "is a named pipe, expected a regular file" },
        };

        scratch_write(*state, "target", "a: b\n");
        assert_int_equal(symlink("target", scratch_path(*state, "link")), 0);
        scratch_mkdir(*state, "dir");
        assert_int_equal(mkfifo(scratch_path(*state, "pipe"), 0600), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
                struct hv_fault fault = {};

                check(&rows[i], hv_read_config(AT_FDCWD, scratch_path(*state, rows[i].what), &text, &fault),
                      &fault);
        }
}

static void sizes_are_bounded(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_fault fault = {};

        scratch_write(*state, "file", "");
        assert_int_equal(truncate(scratch_path(*state, "file"), HV_READ_CONFIG_MAX), 0);
        assert_int_equal(hv_read_config(AT_FDCWD, scratch_path(*state, "file"), &text, &fault), 0);
        assert_int_equal(text.len, HV_READ_CONFIG_MAX);
        assert_int_equal(truncate(scratch_path(*state, "file"), 1468006), 0);
        assert_int_equal(hv_read_config(AT_FDCWD, scratch_path(*state, "file"), &text, &fault), -EFBIG);
        assert_string_equal(fault.code, "E0003");
        assert_string_equal(fault.message, "too large: 1.4 MiB, limit 1 MiB");
}

static void strangers_are_not_believed(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_fault fault = {};

        if (geteuid() != 0)
                return; /* nobody else can make a file of another user */
        scratch_write(*state, "file", "a: b\n");
        assert_int_equal(chown(scratch_path(*state, "file"), 1234, 0), 0);
        assert_int_equal(hv_read_config(AT_FDCWD, scratch_path(*state, "file"), &text, &fault), -EPERM);
        assert_string_equal(fault.code, "E0009");
        assert_non_null(strstr(fault.message, "owned by uid 1234"));
}

/* S44: while somebody exchanges the file for a bad one all the time, no bad content is ever believed. */
struct swapper {
        const struct scratch *scratch;
        bool end;
};

static void *swap(void *userdata) {
        struct swapper *s = userdata;
        char file[256], other[256];

        (void) snprintf(file, sizeof file, "%s/file", s->scratch->path);
        (void) snprintf(other, sizeof other, "%s/other", s->scratch->path);
        while (!__atomic_load_n(&s->end, __ATOMIC_RELAXED))
                (void) renameat2(AT_FDCWD, file, AT_FDCWD, other, RENAME_EXCHANGE);
        return NULL;
}

static void an_exchange_between_check_and_use_is_no_way_in(void **state) {
        struct swapper s = { .scratch = *state };
        const char *path = NULL;
        unsigned n_good = 0, n_bad = 0;
        pthread_t thread;

        scratch_write(*state, "file", "good");
        scratch_write_mode(*state, "other", "evil", 0666);
        assert_int_equal(pthread_create(&thread, NULL, swap, &s), 0);
        path = scratch_path(*state, "file");
        while (n_good < 200 || n_bad < 200) {
                _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
                struct hv_fault fault = {};

                if (hv_read_config(AT_FDCWD, path, &text, &fault) == 0) {
                        assert_string_equal(text.data, "good");
                        n_good++;
                } else {
                        assert_string_equal(fault.code, "E0009");
                        n_bad++;
                }
        }
        __atomic_store_n(&s.end, true, __ATOMIC_RELAXED);
        assert_int_equal(pthread_join(thread, NULL), 0);
}

/* --- facts --- */

static void facts_tell_modes_and_who_can_exchange_a_path(void **state) {
        _hv_cleanup_(hv_facts_freep) struct hv_facts *facts = hv_facts_new("/srv/agent");
        const struct hv_spec_facts *f = hv_facts_get(facts);
        const struct hv_spec_file_fact *fact;

        assert_true(f->nano_cpus > 0 && f->memory_bytes > 0 && f->disk_bytes > 0);
        assert_int_equal(f->uid, geteuid());
        assert_string_equal(f->state_directory, "/srv/agent");
        scratch_write_mode(*state, "file", "", 0644);
        fact = f->file(f->userdata, scratch_path(*state, "file"));
        assert_int_equal(fact->error, 0);
        assert_int_equal(fact->mode & 07777, 0644);
        assert_null(fact->writable_by); /* /tmp is everyone's, but has the sticky bit */
        assert_int_equal(f->file(f->userdata, scratch_path(*state, "none"))->error, -ENOENT);

        scratch_mkdir(*state, "open");
        scratch_write(*state, "open/file", "");
        assert_int_equal(chmod(scratch_path(*state, "open"), 0777), 0);
        assert_string_equal(f->file(f->userdata, scratch_path(*state, "open/file"))->writable_by, "everyone");
        assert_null(f->file(f->userdata, scratch_path(*state, "open"))->writable_by);
        assert_int_equal(chmod(scratch_path(*state, "open"), 0770), 0);
        /* Within one load a path is looked at once; the next load looks again. */
        assert_string_equal(f->file(f->userdata, scratch_path(*state, "open/file"))->writable_by, "everyone");
        f = hv_facts_get(facts);
        fact = f->file(f->userdata, scratch_path(*state, "open/file"));
        assert_true(hv_has_prefix(fact->writable_by, "group "));
        assert_int_equal(symlink("open", scratch_path(*state, "link")), 0);
        fact = f->file(f->userdata, scratch_path(*state, "link/file"));
        assert_non_null(strstr(fact->writable_by, "link"));
        if (geteuid() == 0) {
                assert_int_equal(chmod(scratch_path(*state, "open"), 0700), 0);
                assert_int_equal(chown(scratch_path(*state, "open"), 1234, 0), 0);
                f = hv_facts_get(facts);
                fact = f->file(f->userdata, scratch_path(*state, "open/file"));
                assert_string_equal(fact->writable_by, "uid 1234");
        }
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, scratch_set_up, scratch_tear_down)
        const struct CMUnitTest tests[] = {
                T(config_files_by_their_mode),
                T(secrets_by_their_mode),
                T(only_regular_files_are_read),
                T(sizes_are_bounded),
                T(strangers_are_not_believed),
                T(an_exchange_between_check_and_use_is_no_way_in),
                T(facts_tell_modes_and_who_can_exchange_a_path),
        };

        return cmocka_run_group_tests_name("read", tests, NULL, NULL);
}
