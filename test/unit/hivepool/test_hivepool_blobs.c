/* blobs: whole or not there at all, resumed where they were, by whom they were begun. */
#include "../source/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/time.h"
#include "hivepool/blobs.h"

#define MIB ((size_t) 1 << 20)

static struct hv_blobs *open_blobs(const struct scratch *s) {
        struct hv_blobs *b = NULL;
        struct hv_err err = {};

        if (hv_blobs_new(s->path, 64 * MIB, &b, &err) < 0)
                fail_msg("%s", err.msg);
        return b;
}

static char *make_data(size_t len, char sha256[HV_SHA256_HEX_SIZE]) {
        char *data = hv_malloc(len + 1);

        for (size_t i = 0; i < len; i++)
                data[i] = (char) (i * 31 + i / 4093);
        hv_sha256_hex(data, len, sha256);
        return data;
}

static void assert_is_there(struct hv_blobs *b, const char *sha256, const char *data, size_t len) {
        uint64_t size = 0;
        int fd = hv_blobs_open(b, sha256, &size);
        char *found = hv_malloc(len + 1);
        size_t at = 0;

        assert_true(fd >= 0);
        assert_int_equal(size, len);
        while (at < len) {
                ssize_t n = read(fd, found + at, len - at);

                assert_true(n > 0);
                at += (size_t) n;
        }
        if (len > 0)
                assert_memory_equal(found, data, len);
        free(found);
        (void) close(fd);
}

static void pieces_become_one(void **state) {
        const struct scratch *s = *state;
        struct hv_blobs *b = open_blobs(s);
        char sha256[HV_SHA256_HEX_SIZE], *data = make_data(3 * MIB, sha256);
        struct hv_err err = {};
        uint64_t next = 0, size;

        for (uint64_t at = 0; at < 3 * MIB; at = next) {
                assert_int_equal(hv_blobs_open(b, sha256, &size), -1);
                assert_int_equal(hv_blobs_add(b, sha256, 7, 3 * MIB, at, data + at, MIB, &next, &err), 0);
                assert_int_equal(next, at + MIB);
        }
        assert_is_there(b, sha256, data, 3 * MIB);
        /* again, from anybody: it is there */
        assert_int_equal(hv_blobs_add(b, sha256, 8, 3 * MIB, 0, data, MIB, &next, &err), 0);
        assert_int_equal(next, 3 * MIB);
        hv_blobs_remove(b, sha256);
        assert_int_equal(hv_blobs_open(b, sha256, &size), -1);
        free(data);
        (void) hv_blobs_free(b);
}

static void a_piece_out_of_place_is_asked_for_again(void **state) {
        struct hv_blobs *b = open_blobs(*state);
        char sha256[HV_SHA256_HEX_SIZE], *data = make_data(1000, sha256);
        struct hv_err err = {};
        uint64_t next = 0;

        assert_int_equal(hv_blobs_add(b, sha256, 1, 1000, 0, data, 400, &next, &err), 0);
        assert_int_equal(hv_blobs_add(b, sha256, 1, 1000, 0, data, 400, &next, &err), 0); /* twice */
        assert_int_equal(next, 400);
        assert_int_equal(hv_blobs_add(b, sha256, 1, 1000, 700, data + 700, 300, &next, &err), 0); /* a gap */
        assert_int_equal(next, 400);
        assert_int_equal(hv_blobs_add(b, sha256, 2, 1000, 400, data + 400, 600, &next, &err),
                         0); /* another sender */
        assert_int_equal(next, 0);
        assert_int_equal(hv_blobs_add(b, sha256, 1, 1000, 400, data + 400, 600, &next, &err), 0);
        assert_is_there(b, sha256, data, 1000);
        free(data);
        (void) hv_blobs_free(b);
}

static void what_is_not_what_it_says_begins_anew(void **state) {
        struct hv_blobs *b = open_blobs(*state);
        char sha256[HV_SHA256_HEX_SIZE], *data = make_data(1000, sha256);
        struct hv_err err = {};
        uint64_t next = 0, size;

        data[500] ^= 1;
        assert_int_equal(hv_blobs_add(b, sha256, 1, 1000, 0, data, 1000, &next, &err), -EBADMSG);
        assert_int_equal(hv_blobs_open(b, sha256, &size), -1);
        data[500] ^= 1;
        assert_int_equal(hv_blobs_add(b, sha256, 1, 1000, 0, data, 1000, &next, &err), 0);
        assert_is_there(b, sha256, data, 1000);
        free(data);
        (void) hv_blobs_free(b);
}

/* The process ends without a word: what was on disk by then counts, and nothing else. */
static void it_goes_on_after_a_crash(void **state) {
        const struct scratch *s = *state;
        struct hv_blobs *b = open_blobs(s);
        char sha256[HV_SHA256_HEX_SIZE], *data = make_data(40 * MIB, sha256), name[128];
        struct hv_err err = {};
        uint64_t next = 0;

        for (unsigned i = 0; i < 20; i++)
                assert_int_equal(
                        hv_blobs_add(b, sha256, 3, 40 * MIB, i * MIB, data + i * MIB, MIB, &next, &err), 0);
        (void) hv_blobs_free(b); /* writes nothing */
        /* what was never synced may be anything after a power cut */
        (void) snprintf(name, sizeof name, "uploads/%s.3", sha256);
        assert_int_equal(truncate(scratch_path(s, name), (off_t) (17 * MIB)), 0);
        b = open_blobs(s);
        assert_int_equal(hv_blobs_add(b, sha256, 3, 40 * MIB, 20 * MIB, data + 20 * MIB, MIB, &next, &err),
                         0);
        assert_int_equal(next, 16 * MIB);
        while (next < 40 * MIB)
                assert_int_equal(hv_blobs_add(b, sha256, 3, 40 * MIB, next, data + next, MIB, &next, &err),
                                 0);
        assert_is_there(b, sha256, data, 40 * MIB);
        (void) hv_blobs_free(b);
        /* a file shorter than its state says: from the beginning */
        b = open_blobs(s);
        hv_blobs_remove(b, sha256);
        for (unsigned i = 0; i < 17; i++)
                assert_int_equal(
                        hv_blobs_add(b, sha256, 3, 40 * MIB, i * MIB, data + i * MIB, MIB, &next, &err), 0);
        (void) hv_blobs_free(b);
        assert_int_equal(truncate(scratch_path(s, name), 5), 0);
        b = open_blobs(s);
        assert_int_equal(hv_blobs_add(b, sha256, 3, 40 * MIB, 17 * MIB, data, MIB, &next, &err), 0);
        assert_int_equal(next, 0);
        hv_blobs_forget_sender(b, 3);
        assert_int_equal(access(scratch_path(s, name), F_OK), -1);
        free(data);
        (void) hv_blobs_free(b);
}

static void names_are_no_paths(void **state) {
        struct hv_blobs *b = open_blobs(*state);
        static const char *const names[] = {
                "", "../hivepool.db", "ABCDEF", "..",
                "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"
        };
        struct hv_err err = {};
        uint64_t next, size;

        for (size_t i = 0; i < HV_ARRAY_SIZE(names); i++) {
                assert_int_equal(hv_blobs_add(b, names[i], 1, 1, 0, "x", 1, &next, &err), -EINVAL);
                assert_int_equal(hv_blobs_open(b, names[i], &size), -1);
        }
        (void) hv_blobs_free(b);
}

static void limits_hold(void **state) {
        struct hv_blobs *b = open_blobs(*state);
        char sha256[HV_SHA256_HEX_SIZE], *data = make_data(0, sha256);
        struct hv_err err = {};
        uint64_t next;

        assert_int_equal(hv_blobs_add(b, sha256, 1, 65 * MIB, 0, data, 0, &next, &err), -EFBIG);
        assert_int_equal(hv_blobs_add(b, sha256, 1, 10, 8, "xxxx", 4, &next, &err), -EINVAL);
        assert_int_equal(hv_blobs_add(b, sha256, 1, 10, UINT64_MAX, "x", 1, &next, &err), -EINVAL);
        assert_int_equal(hv_blobs_add(b, sha256, 1, 0, 0, "", 0, &next, &err),
                         0); /* nothing at all is a blob, too */
        assert_is_there(b, sha256, data, 0);
        free(data);
        (void) hv_blobs_free(b);
}

static bool has_file(const struct scratch *s, const char *folder, const char *name) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s/%s", s->path, folder, name);

        return access(path, F_OK) == 0;
}

static void make_old(const struct scratch *s, const char *folder, const char *name) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s/%s", s->path, folder, name);
        const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void a_sender_has_one_upload_at_a_time(void **state) {
        const struct scratch *s = *state;
        struct hv_blobs *b = open_blobs(s);
        char first[HV_SHA256_HEX_SIZE], second[HV_SHA256_HEX_SIZE], *data = make_data(1000, first);
        _hv_cleanup_free_ char *mine = hv_asprintf("%s.7", first), *other = hv_asprintf("%s.8", first);
        struct hv_err err = {};
        uint64_t next = 0;

        hv_sha256_hex(data, 999, second);
        assert_int_equal(hv_blobs_add(b, first, 7, 1000, 0, data, 400, &next, &err), 0);
        assert_int_equal(hv_blobs_add(b, first, 8, 1000, 0, data, 400, &next, &err), 0);
        assert_int_equal(hv_blobs_add(b, second, 7, 999, 0, data, 400, &next, &err), 0);
        assert_false(has_file(s, "uploads", mine));
        assert_true(has_file(s, "uploads", other));
        assert_int_equal(hv_blobs_add(b, second, 7, 999, 400, data + 400, 599, &next, &err), 0);
        assert_is_there(b, second, data, 999);
        free(data);
        (void) hv_blobs_free(b);
}

/* Of those that are begun only so many have an open file; each goes on all the same. */
static void very_many_uploads_take_no_more_descriptors(void **state) {
        struct hv_blobs *b = open_blobs(*state);
        char sha256[HV_SHA256_HEX_SIZE], *data = make_data(1000, sha256);
        struct hv_err err = {};
        uint64_t next = 0;
        int fd;

        for (uint64_t sender = 1; sender <= 600; sender++)
                assert_int_equal(hv_blobs_add(b, sha256, sender, 1000, 0, data, 400, &next, &err), 0);
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_in_range(fd, 3, 300);
        (void) close(fd);
        assert_int_equal(hv_blobs_add(b, sha256, 1, 1000, 400, data + 400, 600, &next, &err), 0);
        assert_int_equal(next, 0); /* what was not on the disk yet is asked for again */
        assert_int_equal(hv_blobs_add(b, sha256, 1, 1000, 0, data, 1000, &next, &err), 0);
        assert_is_there(b, sha256, data, 1000);
        free(data);
        (void) hv_blobs_free(b);
}

static bool is_second(void *second, const char *sha256) {
        return hv_streq(sha256, second);
}

static void what_is_old_and_nobodys_is_removed(void **state) {
        const struct scratch *s = *state;
        struct hv_blobs *b = open_blobs(s);
        char used[HV_SHA256_HEX_SIZE], lost[HV_SHA256_HEX_SIZE], fresh[HV_SHA256_HEX_SIZE], *data;
        char again[HV_SHA256_HEX_SIZE];
        _hv_cleanup_free_ char *upload = NULL;
        struct hv_err err = {};
        uint64_t next = 0;

        data = make_data(1000, again);
        upload = hv_asprintf("%s.9", again);
        assert_int_equal(hv_blobs_put(b, data, 1, used, &err), 0);
        assert_int_equal(hv_blobs_put(b, data, 2, lost, &err), 0);
        assert_int_equal(hv_blobs_put(b, data, 3, fresh, &err), 0);
        assert_int_equal(hv_blobs_add(b, again, 9, 1000, 0, data, 400, &next, &err), 0);
        make_old(s, "blobs", used);
        make_old(s, "blobs", lost);
        hv_blobs_clean(b, 2000 * HV_USEC_PER_SEC, is_second, used);
        assert_true(has_file(s, "blobs", used));
        assert_false(has_file(s, "blobs", lost));
        assert_true(has_file(s, "blobs", fresh));
        assert_true(has_file(s, "uploads", upload));
        make_old(s, "uploads", upload);
        assert_int_equal(hv_blobs_add(b, used, 1, 1, 0, data, 1, &next, &err),
                         0); /* wanted again: not old any more */
        hv_blobs_clean(b, 2000 * HV_USEC_PER_SEC, NULL, NULL);
        assert_false(has_file(s, "uploads", upload));
        hv_blobs_clean(b, 2000 * HV_USEC_PER_SEC, is_second, lost);
        assert_true(has_file(s, "blobs", used));
        free(data);
        (void) hv_blobs_free(b);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_set_up, scratch_tear_down)
        const struct CMUnitTest tests[] = {
                TEST(pieces_become_one),
                TEST(a_piece_out_of_place_is_asked_for_again),
                TEST(what_is_not_what_it_says_begins_anew),
                TEST(it_goes_on_after_a_crash),
                TEST(names_are_no_paths),
                TEST(limits_hold),
                TEST(a_sender_has_one_upload_at_a_time),
                TEST(very_many_uploads_take_no_more_descriptors),
                TEST(what_is_old_and_nobodys_is_removed),
        };

        return cmocka_run_group_tests_name("blobs", tests, NULL, NULL);
}
