/* Inputs of a pool on their way to the disk: real files, real flushes, no thread. */
#include "pool/inbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "testing.h"

#define A_HEX "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" /* of "a" */
#define ABC_HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

struct stage {
        char path[64];
        struct hv_inbox *inbox;
        bool threadless; /* work is dropped: the thread has ended */
        /* held back work */
        bool hold;
        void (*run)(void *), (*done)(void *);
        void *data;
        /* what was said */
        unsigned n_done;
        int error;
        char sha256[HV_SHA256_HEX_SIZE], message[160];
};

static void work(void *userdata, void (*run)(void *), void (*done)(void *), void *data) {
        struct stage *s = userdata;

        if (s->hold) {
                s->run = run, s->done = done, s->data = data;
                return;
        }
        if (!s->threadless)
                run(data);
        done(data);
}

static void open_inbox(struct stage *s, uint64_t max_bytes) {
        struct hv_err err = {};

        if (hv_inbox_new(
                    &(struct hv_inbox_options){
                            .path = s->path, .max_bytes = max_bytes, .work = work, .userdata = s },
                    &s->inbox, &err) < 0)
                fail_msg("%s", err.msg);
}

static int set_up(void **state) {
        struct stage *s = HV_NEW(struct stage);
        char *directory;

        (void) snprintf(s->path, sizeof s->path, "/tmp/hv-inbox-XXXXXX");
        directory = mkdtemp(s->path);
        assert_non_null(directory);
        (void) strcat(s->path, "/inbox");
        open_inbox(s, 0);
        *state = s;
        return 0;
}

static int tear_down(void **state) {
        struct stage *s = *state;
        _hv_cleanup_free_ char *command =
                hv_asprintf("rm -rf '%.*s'", (int) (strlen(s->path) - strlen("/inbox")), s->path);

        hv_inbox_free(s->inbox);
        assert_int_equal(system(command), 0);
        free(s);
        return 0;
}

static size_t n_files(const struct stage *s) {
        DIR *d = opendir(s->path);
        size_t n = 0;

        for (const struct dirent *e = readdir(d); e; e = readdir(d))
                n += e->d_name[0] != '.';
        (void) closedir(d);
        return n;
}

static void on_done(void *userdata, const char *sha256, int error, const char *message) {
        struct stage *s = userdata;

        s->n_done++;
        s->error = error;
        (void) snprintf(s->sha256, sizeof s->sha256, "%s", sha256);
        (void) snprintf(s->message, sizeof s->message, "%s", message);
}

static struct hv_inbox_blob *receive(struct stage *s, const char *sha256, uint64_t size) {
        struct hv_inbox_blob *b;
        struct hv_err err = {};

        if (hv_inbox_receive(s->inbox, sha256, size, &b, &err) < 0)
                fail_msg("%s", err.msg);
        return b;
}

static void put(struct stage *s, const char *sha256, uint64_t size, const char *text) {
        struct hv_inbox_blob *b = receive(s, sha256, size);
        struct hv_err err = {};

        assert_int_equal(hv_inbox_blob_add(b, text, strlen(text), &err), 0);
        hv_inbox_blob_finish(b, on_done, s);
}

static void test_a_blob_is_named_by_its_digest(void **state) {
        struct stage *s = *state;
        struct stat st;
        char room[8] = {};
        int fd;

        put(s, ABC_HEX, 3, "abc");
        assert_int_equal(s->error, 0);
        assert_string_equal(s->sha256, ABC_HEX);
        assert_true(hv_inbox_has(s->inbox, ABC_HEX));
        assert_int_equal(hv_inbox_size_bytes(s->inbox), 3);
        assert_int_equal(hv_inbox_open(s->inbox, ABC_HEX, &fd, NULL), 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(read(fd, room, sizeof room), 3);
        assert_string_equal(room, "abc");
        hv_fd_closep(&fd);
        assert_int_equal(stat(s->path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_what_is_not_known_before_is_named_after(void **state) {
        struct stage *s = *state;

        put(s, NULL, UINT64_MAX, "abc");
        assert_string_equal(s->sha256, ABC_HEX);
        assert_true(hv_inbox_has(s->inbox, ABC_HEX));
}

static void test_other_bytes_leave_nothing(void **state) {
        struct stage *s = *state;

        put(s, A_HEX, 3, "abc");
        assert_int_equal(s->error, -EBADMSG);
        assert_non_null(strstr(s->message, "another SHA-256"));
        put(s, ABC_HEX, 4, "abc");
        assert_int_equal(s->error, -EBADMSG);
        assert_non_null(strstr(s->message, "has 3 bytes, 4 were announced"));
        assert_int_equal(n_files(s), 0);
        assert_int_equal(hv_inbox_size_bytes(s->inbox), 0);
}

static void test_more_than_announced_is_refused_at_once(void **state) {
        struct stage *s = *state;
        struct hv_inbox_blob *b = receive(s, ABC_HEX, 3);
        struct hv_err err = {};

        assert_int_equal(hv_inbox_blob_add(b, "ab", 2, &err), 0);
        assert_int_equal(hv_inbox_blob_add(b, "cd", 2, &err), -EBADMSG);
        hv_inbox_blob_drop(b);
        assert_int_equal(n_files(s), 0);
}

static void test_names_are_digests_and_nothing_else(void **state) {
        static const char *const names[] = {
                "",
                "..",
                "../../../../etc/passwd",
                "new.0",
                "CA978112",
                A_HEX "0",
                "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48b/",
                "CA978112CA1BBDCAFAC231B39A23DC4DA786EFF8147C4E72B9807785AFEE48BB"
        };
        struct stage *s = *state;
        struct hv_inbox_blob *b;
        struct hv_err err = {};
        int fd;

        for (size_t i = 0; i < HV_ARRAY_SIZE(names); i++) {
                assert_int_equal(hv_inbox_receive(s->inbox, names[i], 1, &b, &err), -EINVAL);
                assert_int_equal(hv_inbox_open(s->inbox, names[i], &fd, &err), -EINVAL);
        }
        assert_int_equal(hv_inbox_open(s->inbox, A_HEX, &fd, &err), -ENOENT);
}

static void test_a_link_in_the_place_of_a_blob_is_not_followed(void **state) {
        struct stage *s = *state;
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s", s->path, A_HEX);
        struct hv_err err = {};
        int fd;

        assert_int_equal(symlink("/etc/passwd", path), 0);
        assert_int_equal(hv_inbox_open(s->inbox, A_HEX, &fd, &err), -ELOOP);
}

static void test_what_was_cut_goes_on_where_it_was(void **state) {
        struct stage *s = *state;
        struct hv_inbox_blob *b = receive(s, ABC_HEX, 3);
        struct hv_err err = {};

        assert_int_equal(hv_inbox_receive(s->inbox, ABC_HEX, 3, &b, &err), -EBUSY);
        assert_int_equal(hv_inbox_blob_add(b, "ab", 2, &err), 0);
        hv_inbox_blob_leave(b);
        b = receive(s, ABC_HEX, 3);
        assert_int_equal(hv_inbox_blob_offset(b), 2);
        assert_int_equal(hv_inbox_blob_add(b, "c", 1, &err), 0);
        hv_inbox_blob_finish(b, on_done, s);
        assert_int_equal(s->error, 0);
        assert_int_equal(n_files(s), 1);

        b = receive(s, A_HEX, 2); /* and when the pool says another size, it begins anew */
        assert_int_equal(hv_inbox_blob_add(b, "a", 1, &err), 0);
        hv_inbox_blob_leave(b);
        b = receive(s, A_HEX, 1);
        assert_int_equal(hv_inbox_blob_offset(b), 0);
        hv_inbox_blob_drop(b);
}

/* A pool may begin what it never ends. */
static void test_of_very_many_that_were_cut_the_last_are_kept(void **state) {
        char sha256[HV_SHA256_HEX_SIZE];
        struct stage *s = *state;
        struct hv_inbox_blob *b;
        struct hv_err err = {};

        for (unsigned i = 0; i < 500; i++) {
                hv_sha256_hex(&i, sizeof i, sha256);
                b = receive(s, sha256, sizeof i);
                assert_int_equal(hv_inbox_blob_add(b, &i, 1, &err), 0);
                hv_inbox_blob_leave(b);
        }
        assert_in_range(n_files(s), 1, 100);
        assert_int_equal(hv_inbox_size_bytes(s->inbox), n_files(s));
        b = receive(s, sha256, sizeof(unsigned));
        assert_int_equal(hv_inbox_blob_offset(b), 1);
        hv_inbox_blob_drop(b);
}

static void test_what_was_cut_makes_room(void **state) {
        struct stage *s = *state;
        struct hv_inbox_blob *b;
        struct hv_err err = {};

        hv_inbox_free(s->inbox);
        open_inbox(s, 4);
        b = receive(s, A_HEX, 3);
        assert_int_equal(hv_inbox_blob_add(b, "xyz", 3, &err), 0);
        hv_inbox_blob_leave(b);
        put(s, ABC_HEX, 3, "abc");
        assert_int_equal(s->error, 0);
        assert_int_equal(hv_inbox_size_bytes(s->inbox), 3);
}

static void test_what_a_process_left_unfinished_is_removed(void **state) {
        struct stage *s = *state;
        struct hv_inbox_blob *b;
        struct hv_err err = {};

        put(s, ABC_HEX, 3, "abc");
        b = receive(s, A_HEX, 1);
        assert_int_equal(hv_inbox_blob_add(b, "a", 1, &err), 0);
        hv_inbox_blob_leave(b);
        assert_int_equal(n_files(s), 2);
        s->inbox = hv_inbox_free(s->inbox);
        _hv_cleanup_free_ char *left = hv_asprintf("%s/new.99", s->path);
        int fd = open(left, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* of one that was killed */

        hv_fd_closep(&fd);
        open_inbox(s, 0);
        assert_int_equal(n_files(s), 1);
        assert_true(hv_inbox_has(s->inbox, ABC_HEX));
        assert_int_equal(hv_inbox_size_bytes(s->inbox), 3);
}

static void test_only_what_is_named_or_held_stays(void **state) {
        static const char *const live[] = { A_HEX };
        struct stage *s = *state;

        put(s, A_HEX, 1, "a");
        put(s, ABC_HEX, 3, "abc");
        hv_inbox_keep(s->inbox, NULL, 0);
        assert_int_equal(n_files(s), 2); /* held: their promises are not made yet */
        hv_inbox_release(s->inbox, A_HEX);
        hv_inbox_release(s->inbox, ABC_HEX);
        hv_inbox_keep(s->inbox, live, 1);
        assert_int_equal(n_files(s), 1);
        assert_true(hv_inbox_has(s->inbox, A_HEX));
        assert_false(hv_inbox_has(s->inbox, ABC_HEX));
        assert_int_equal(hv_inbox_size_bytes(s->inbox), 1);
}

static void test_the_same_twice_is_one_file(void **state) {
        struct stage *s = *state;

        put(s, NULL, UINT64_MAX, "abc");
        put(s, NULL, UINT64_MAX, "abc");
        assert_int_equal(n_files(s), 1);
        assert_int_equal(hv_inbox_size_bytes(s->inbox), 3);
        hv_inbox_release(s->inbox, ABC_HEX);
        hv_inbox_keep(s->inbox, NULL, 0);
        assert_true(hv_inbox_has(s->inbox, ABC_HEX)); /* the other one holds it */
}

static void test_there_is_an_end_to_the_room(void **state) {
        struct stage *s = *state;
        struct hv_inbox_blob *b;
        struct hv_err err = {};

        hv_inbox_free(s->inbox);
        open_inbox(s, 4);
        assert_int_equal(hv_inbox_receive(s->inbox, A_HEX, 5, &b, &err), -EFBIG); /* it will never fit */
        put(s, ABC_HEX, 3, "abc");
        b = receive(s, A_HEX, 2);
        assert_int_equal(hv_inbox_blob_add(b, "aa", 2, &err), -ENOSPC); /* it may fit later */
        assert_int_equal(hv_inbox_blob_add(b, "a", 1, &err), 0);
        hv_inbox_blob_drop(b);
        assert_int_equal(hv_inbox_size_bytes(s->inbox), 3);
}

static void test_the_thread_that_ended_kept_nothing(void **state) {
        struct stage *s = *state;

        s->threadless = true;
        put(s, ABC_HEX, 3, "abc");
        assert_int_equal(s->error, -ECANCELED);
        assert_false(hv_inbox_has(s->inbox, ABC_HEX));
}

static void test_nobody_is_told_after_the_end(void **state) {
        struct stage *s = *state;

        s->hold = true;
        put(s, ABC_HEX, 3, "abc");
        s->inbox = hv_inbox_free(s->inbox);
        s->run(s->data);
        s->done(s->data);
        assert_int_equal(s->n_done, 0);
        open_inbox(s, 0);
        assert_true(hv_inbox_has(s->inbox, ABC_HEX)); /* the flush was on its way */
        s->hold = false;
        put(s, A_HEX, 1, "a");
        assert_int_equal(s->n_done, 1);
}

static void test_whoever_does_not_wait_any_more_holds_nothing(void **state) {
        struct stage *s = *state;

        s->hold = true;
        put(s, ABC_HEX, 3, "abc");
        hv_inbox_forget(s->inbox, s);
        s->run(s->data);
        s->done(s->data);
        assert_int_equal(s->n_done, 0);
        assert_true(hv_inbox_has(s->inbox, ABC_HEX));
        hv_inbox_keep(s->inbox, NULL, 0);
        assert_false(hv_inbox_has(s->inbox, ABC_HEX));
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_a_blob_is_named_by_its_digest),
                TEST(test_what_is_not_known_before_is_named_after),
                TEST(test_other_bytes_leave_nothing),
                TEST(test_more_than_announced_is_refused_at_once),
                TEST(test_names_are_digests_and_nothing_else),
                TEST(test_a_link_in_the_place_of_a_blob_is_not_followed),
                TEST(test_what_was_cut_goes_on_where_it_was),
                TEST(test_of_very_many_that_were_cut_the_last_are_kept),
                TEST(test_what_was_cut_makes_room),
                TEST(test_what_a_process_left_unfinished_is_removed),
                TEST(test_only_what_is_named_or_held_stays),
                TEST(test_the_same_twice_is_one_file),
                TEST(test_there_is_an_end_to_the_room),
                TEST(test_the_thread_that_ended_kept_nothing),
                TEST(test_nobody_is_told_after_the_end),
                TEST(test_whoever_does_not_wait_any_more_holds_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
