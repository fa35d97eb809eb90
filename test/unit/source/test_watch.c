/* The watch when a directory is busy: what belongs to others there must not hold up the loop. */
#include "testing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
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

/* ---- the folders above ---- */

struct way {
        sd_event *event;
        struct hv_watch *watch;
        char top[32], conf[64], file[80]; /* TOP, TOP/etc/conf.d, TOP/etc/conf.d/node.yaml */
        int kept_open;
        unsigned n_lost, n_touched;
};

static bool way_touched(void *userdata, const char *path) {
        struct way *w = userdata;

        w->n_touched += hv_streq(strrchr(path, '/'), "/node.yaml");
        return false;
}

static void way_writing(void *userdata, const char *path) {
        (void) userdata;
        (void) path;
}

static void way_lost(void *userdata) {
        ((struct way *) userdata)->n_lost++;
}

static void make_file(const char *path) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        (void) close(fd);
}

static const char *below(const struct way *w, const char *name) {
        static char path[96];

        (void) snprintf(path, sizeof path, "%s/%s", w->top, name);
        return path;
}

static void make_way(struct way *w) {
        assert_int_equal(mkdir(below(w, "etc"), 0700), 0);
        assert_int_equal(mkdir(w->conf, 0700), 0);
        make_file(w->file);
}

static void way_begin(struct way *w) {
        const struct hv_watch_handler handler = { .touched = way_touched,
                                                  .writing = way_writing,
                                                  .lost = way_lost,
                                                  .settled = nothing,
                                                  .userdata = w };

        *w = (struct way){ .top = "/tmp/hv-way-XXXXXX", .kept_open = -1 };
        assert_non_null(mkdtemp(w->top));
        (void) snprintf(w->conf, sizeof w->conf, "%s/etc/conf.d", w->top);
        (void) snprintf(w->file, sizeof w->file, "%s/node.yaml", w->conf);
        make_way(w);
        assert_true(sd_event_new(&w->event) >= 0);
        assert_int_equal(hv_watch_new(w->event, &handler, &w->watch, NULL), 0);
        assert_int_equal(hv_watch_add(w->watch, w->conf, NULL), 0);
        hv_test_drain(w->event);
        w->n_lost = w->n_touched = 0;
}

static void way_end(struct way *w) {
        _hv_cleanup_free_ char *command = hv_asprintf("rm -rf %s", w->top);

        if (w->kept_open >= 0)
                (void) close(w->kept_open);
        (void) hv_watch_free(w->watch);
        sd_event_unref(w->event);
        assert_int_equal(system(command), 0);
}

static unsigned turns(const struct way *w) {
        unsigned n = 0;

        while (sd_event_run(w->event, 0) > 0)
                n++;
        return n;
}

static void neighbours_in_the_folders_above_wake_nobody(void **state) {
        struct way w;

        (void) state;
        way_begin(&w);
        for (unsigned i = 0; i < 50; i++) {
                make_file(below(&w, "noise"));
                make_file(below(&w, "etc/passwd"));
                assert_int_equal(chmod(below(&w, "etc/passwd"), 0644), 0);
                assert_int_equal(unlink(below(&w, "etc/passwd")), 0);
                assert_int_equal(unlink(below(&w, "noise")), 0);
        }
        assert_int_equal(turns(&w), 0);
        make_file(w.file); /* what matters does */
        assert_true(turns(&w) > 0);
        assert_int_equal(w.n_touched, 1);
        assert_int_equal(w.n_lost, 0);
        way_end(&w);
}

static void move_away(struct way *w) {
        _hv_cleanup_free_ char *from = hv_strdup(below(w, "etc"));

        assert_int_equal(rename(from, below(w, "other")), 0);
        make_way(w);
}

static void remove_way(struct way *w) {
        assert_int_equal(unlink(w->file), 0);
        assert_int_equal(rmdir(w->conf), 0);
        assert_int_equal(rmdir(below(w, "etc")), 0);
        make_way(w);
}

/* Its end is told by its own watch when it is closed, which may be never. */
static void remove_kept_open(struct way *w) {
        w->kept_open = open(w->conf, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(w->kept_open >= 0);
        assert_int_equal(unlink(w->file), 0);
        assert_int_equal(rmdir(w->conf), 0);
        assert_int_equal(mkdir(w->conf, 0700), 0);
        make_file(w->file);
}

static void empty_then_remove_kept_open(struct way *w) {
        w->kept_open = open(w->conf, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(w->kept_open >= 0);
        assert_int_equal(unlink(w->file), 0);
        (void) turns(w);
        assert_int_equal(rmdir(w->conf), 0);
        assert_int_equal(mkdir(w->conf, 0700), 0);
        (void) turns(w);
        make_file(w->file);
}

static void turn_link(struct way *w) {
        _hv_cleanup_free_ char *link = hv_strdup(below(w, "etc"));

        assert_int_equal(rename(link, below(w, "old")), 0);
        make_way(w);
        assert_int_equal(rename(link, below(w, "new")), 0);
        assert_int_equal(symlink("old", link), 0);
        (void) turns(w);
        w->n_lost = 0;
        assert_int_equal(unlink(link), 0);
        assert_int_equal(symlink("new", link), 0);
}

static void change_rights(struct way *w) {
        assert_int_equal(chmod(w->conf, 0755), 0);
}

/* After each of them what happens in the new one is told. */
static void another_way_is_followed(void **state) {
        static const struct {
                const char *what;
                void (*change)(struct way *w);
        } rows[] = {
                { "moved away", move_away },
                { "removed", remove_way },
                { "removed while it is open", remove_kept_open },
                { "emptied, then removed while it is open", empty_then_remove_kept_open },
                { "behind a link", turn_link },
                { "with other rights", change_rights },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct way w;

                way_begin(&w);
                rows[i].change(&w);
                (void) turns(&w);
                if (w.n_lost == 0)
                        fail_msg("%s: not told", rows[i].what);
                w.n_touched = 0;
                make_file(w.file);
                (void) turns(&w);
                if (w.n_touched == 0)
                        fail_msg("%s: not followed", rows[i].what);
                way_end(&w);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(busy_neighbour_holds_nothing_up),
                cmocka_unit_test(neighbours_in_the_folders_above_wake_nobody),
                cmocka_unit_test(another_way_is_followed),
        };

        return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
