/* The watch when a directory is busy: what belongs to others there must not hold up the loop. */
#include "testing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/loop.h"
#include "source/watch.h"

struct busy {
        int fd;
        unsigned n_told, n_settled;
};

/* Somebody who writes for each time that he is noticed, as a log of the agent itself in this directory would. */
static void write_again(void *userdata, const char *path) {
        struct busy *b = userdata;

        (void) path;
        b->n_told++;
        assert_int_equal(write(b->fd, "x", 1), 1);
}

static bool touched(void *userdata, const char *path) {
        (void) userdata;
        return hv_has_prefix(strrchr(path, '/'), "/node.yaml");
}

static void nothing(void *userdata) {
        (void) userdata;
}

static void settled(void *userdata) {
        ((struct busy *) userdata)->n_settled++;
}

static void busy_neighbour_holds_nothing_up(void **state) {
        _hv_cleanup_(hv_watch_freep) struct hv_watch *watch = NULL;
        char dir[] = "/tmp/hv-watch-XXXXXX", noise[64], file[64];
        struct busy b = {};
        const struct hv_watch_handler handler = { .touched = touched,
                                                  .writing = write_again,
                                                  .lost = nothing,
                                                  .settled = settled,
                                                  .userdata = &b };
        uint64_t begin;
        sd_event *event;
        int fd;

        (void) state;
        assert_non_null(mkdtemp(dir));
        (void) snprintf(noise, sizeof noise, "%s/noise", dir);
        (void) snprintf(file, sizeof file, "%s/node.yaml", dir);
        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(hv_watch_new(event, &handler, &watch, NULL), 0);
        b.fd = open(noise, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        assert_true(b.fd >= 0);
        assert_int_equal(hv_watch_add(watch, dir, NULL), 0);

        (void) alarm(60); /* ends a drain that has no end */
        assert_int_equal(write(b.fd, "x", 1), 1);
        for (unsigned i = 1; i <= 3; i++) {
                hv_watch_drain(watch); /* what had happened when it was called, and not what that caused */
                assert_int_equal(b.n_told, i);
        }

        fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* what matters is noticed beside it */
        assert_true(fd >= 0);
        (void) close(fd);
        b.n_told = 0;
        begin = hv_test_now_us();
        hv_test_run_until(event, b.n_settled > 0 && hv_test_now_us() > begin + 500 * HV_USEC_PER_MSEC);
        /* Ten looks in each tenth of a second, and not as many as the machine can do. */
        assert_true(b.n_told <= 10 * ((hv_test_now_us() - begin) / (100 * HV_USEC_PER_MSEC) + 2));
        (void) alarm(0);

        watch = hv_watch_free(watch);
        sd_event_unref(event);
        (void) close(b.fd);
        (void) unlink(noise);
        (void) unlink(file);
        assert_int_equal(rmdir(dir), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(busy_neighbour_holds_nothing_up),
        };

        return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
