/* Which images are hivelet's: what is remembered over restarts and deaths, and what never counts as ours. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "docker/image.h"
#include "execute/image_record.h"

#define NAME "docker.io/library/redis:7"
#define OTHER "docker.io/library/redis:latest"

struct bench {
        char dir[40], file[60];
        struct hv_image_record *record;
};

static void open_record(struct bench *b, int expected) {
        struct hv_err err = {};

        assert_int_equal(hv_image_record_open(b->dir, &b->record, &err), expected);
}

static int set_up(void **state) {
        struct bench *b = HV_NEW(struct bench);

        (void) snprintf(b->dir, sizeof b->dir, "/tmp/hv-images-XXXXXX");
        assert_non_null(mkdtemp(b->dir));
        (void) snprintf(b->file, sizeof b->file, "%s/images.json", b->dir);
        open_record(b, 0);
        *state = b;
        return 0;
}

static int tear_down(void **state) {
        struct bench *b = *state;
        _hv_cleanup_free_ char *damaged = hv_asprintf("%s.damaged", b->file);

        hv_image_record_free(b->record);
        (void) unlink(b->file);
        (void) unlink(damaged);
        assert_int_equal(rmdir(b->dir), 0);
        free(b);
        return 0;
}

/* As a process that is killed: what is only in memory is lost. */
static void die(struct bench *b) {
        _hv_cleanup_free_ char *aside = hv_asprintf("%s.aside", b->file);

        if (link(b->file, aside) < 0)
                aside[0] = '\0';
        hv_image_record_free(b->record);
        if (*aside) { /* two names of one file are not renamed into one */
                (void) unlink(b->file);
                assert_int_equal(rename(aside, b->file), 0);
        }
        open_record(b, 0);
}

static struct hv_docker_image seen(const char *id, const char *const *tags, size_t n) {
        return (struct hv_docker_image){ .id = id, .tags = { (const char **) tags, n } };
}

static void what_was_not_there_before_is_ours(void **state) {
        struct bench *b = *state;

        assert_null(hv_image_record_get(b->record, "new"));
        hv_image_record_begin(b->record, NAME, "");
        hv_image_record_end(b->record, NAME, "new", 5);
        hv_image_record_begin(b->record, OTHER, "old");
        hv_image_record_end(b->record, OTHER, "old", 5); /* it was there already */
        hv_image_record_begin(b->record, OTHER, "old");
        hv_image_record_end(b->record, OTHER, NULL, 5); /* it did not come */
        hv_image_record_end(b->record, OTHER, "never begun", 5);
        die(b);
        assert_non_null(hv_image_record_get(b->record, "new"));
        assert_int_equal(hv_image_record_get(b->record, "new")->since_us, 5);
        assert_null(hv_image_record_get(b->record, "old"));
        assert_null(hv_image_record_get(b->record, "never begun"));
}

static void a_death_while_an_image_comes_is_settled_by_a_look(void **state) {
        static const char *const name[] = { "redis:7" }, *const other[] = { "redis:latest" };
        struct bench *b = *state;
        const struct hv_docker_image v[] = { seen("id-7", name, 1), seen("id-latest", other, 1) };
        const struct hv_docker_images images = { v, 2 };

        hv_image_record_begin(b->record, NAME, "");
        hv_image_record_begin(b->record, OTHER, "id-latest");
        hv_image_record_settle(b->record, &images, 8);
        assert_null(hv_image_record_get(b->record, "id-7")); /* it still comes, and says so itself */
        die(b);
        hv_image_record_settle(b->record, &images, 9);
        assert_non_null(hv_image_record_get(b->record, "id-7"));
        assert_null(hv_image_record_get(b->record, "id-latest"));
        die(b);
        assert_int_equal(hv_image_record_get(b->record, "id-7")->since_us, 9);
}

static void a_name_that_somebody_gave_it_is_a_claim(void **state) {
        static const char *const both[] = { "redis:7", "redis:latest" }, *const none[] = { HV_IMAGE_NO_TAG };
        struct hv_docker_image two = seen("id", both, 2), one = seen("id", both, 1),
                               untagged = seen("id", none, 1);
        struct bench *b = *state;

        hv_image_record_begin(b->record, NAME, "");
        hv_image_record_end(b->record, NAME, "id", 5);
        assert_true(hv_image_is_only_ours(hv_image_record_get(b->record, "id"), &one));
        assert_true(hv_image_is_only_ours(hv_image_record_get(b->record, "id"), &untagged));
        assert_false(hv_image_is_only_ours(hv_image_record_get(b->record, "id"), &two));
        hv_image_record_begin(b->record, OTHER, "");
        hv_image_record_end(b->record, OTHER, "id", 5);
        die(b);
        assert_true(hv_image_is_only_ours(hv_image_record_get(b->record, "id"), &two));
}

static void how_long_it_is_unused_counts_from_the_change(void **state) {
        struct bench *b = *state;
        struct stat before, after;

        hv_image_record_begin(b->record, NAME, "");
        hv_image_record_end(b->record, NAME, "id", 5);
        hv_image_record_use(b->record, "id", false, 6);
        assert_int_equal(hv_image_record_get(b->record, "id")->since_us, 5);
        hv_image_record_use(b->record, "id", true, 7);
        hv_image_record_use(b->record, "id", true, 8);
        assert_int_equal(hv_image_record_get(b->record, "id")->since_us, 0);
        hv_image_record_use(b->record, "id", false, 9);
        assert_int_equal(hv_image_record_get(b->record, "id")->since_us, 9);
        hv_image_record_touch(b->record, NAME, 11);
        hv_image_record_touch(b->record, OTHER, 12);
        assert_int_equal(hv_image_record_get(b->record, "id")->since_us, 11);
        hv_image_record_flush(b->record);
        assert_int_equal(stat(b->file, &before), 0);
        hv_image_record_use(b->record, "id", false, 13);
        hv_image_record_flush(b->record); /* nothing changed, nothing is written */
        assert_int_equal(stat(b->file, &after), 0);
        assert_int_equal(before.st_ino, after.st_ino);
        hv_image_record_keep_only(b->record, &(struct hv_docker_images){ NULL, 0 });
        assert_null(hv_image_record_get(b->record, "id"));
}

static void a_damaged_record_makes_nothing_ours(void **state) {
        static const char *const texts[] = {
                "", "{", "{\"version\": 2, \"images\": []}", "{\"version\": 1}",
                "{\"version\": 1, \"images\": [{\"id\": \"x\", \"names\": [7]}]}"
        };
        struct bench *b = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(texts); i++) {
                int fd;

                b->record = hv_image_record_free(b->record);
                fd = open(b->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
                assert_true(fd >= 0);
                assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
                (void) close(fd);
                open_record(b, -EBADMSG);
                assert_null(hv_image_record_get(b->record, "x"));
                assert_int_equal(access(b->file, F_OK), -1);
        }
}

static void an_archive_is_known_as_long_as_it_is_the_same(void **state) {
        struct bench *b = *state;

        hv_image_record_put_archive(b->record, "redis.tar", 10, 20);
        die(b);
        assert_true(hv_image_record_has_archive(b->record, "redis.tar", 10, 20));
        assert_false(hv_image_record_has_archive(b->record, "redis.tar", 11, 20));
        assert_false(hv_image_record_has_archive(b->record, "redis.tar", 10, 21));
        assert_false(hv_image_record_has_archive(b->record, "other.tar", 10, 20));
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(what_was_not_there_before_is_ours),
                T(a_death_while_an_image_comes_is_settled_by_a_look),
                T(a_name_that_somebody_gave_it_is_a_claim),
                T(how_long_it_is_unused_counts_from_the_change),
                T(a_damaged_record_makes_nothing_ours),
                T(an_archive_is_known_as_long_as_it_is_the_same),
        };

        return cmocka_run_group_tests_name("image_record", tests, NULL, NULL);
}
