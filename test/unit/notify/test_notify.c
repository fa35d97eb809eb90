/* What the service manager is told (notify/notify.h), read from a real notification socket. */
#include "testing.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/macros.h"
#include "notify/notify.h"

struct manager {
        char dir[32], path[64];
        int fd;
        sd_event *event;
};

static int set_up(void **state) {
        struct manager *m = calloc(1, sizeof *m);
        struct sockaddr_un sa = { .sun_family = AF_UNIX };

        assert_non_null(m);
        strcpy(m->dir, "/tmp/hivelet-notify-XXXXXX");
        assert_non_null(mkdtemp(m->dir));
        (void) snprintf(m->path, sizeof m->path, "%s/notify", m->dir);
        strcpy(sa.sun_path, m->path);
        m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_int_equal(bind(m->fd, (struct sockaddr *) &sa, sizeof sa), 0);
        assert_int_equal(setenv("NOTIFY_SOCKET", m->path, 1), 0);
        assert_true(sd_event_new(&m->event) >= 0);
        *state = m;
        return 0;
}

static int tear_down(void **state) {
        struct manager *m = *state;

        (void) unsetenv("NOTIFY_SOCKET");
        (void) unsetenv("WATCHDOG_USEC");
        (void) unsetenv("WATCHDOG_PID");
        (void) sd_event_unref(m->event);
        (void) close(m->fd);
        (void) unlink(m->path);
        (void) rmdir(m->dir);
        free(m);
        return 0;
}

/* The next message, or "" when there is none. */
static const char *next(struct manager *m) {
        static char text[4096];
        ssize_t n = recv(m->fd, text, sizeof text - 1, 0);

        text[n < 0 ? 0 : n] = '\0';
        return text;
}

static struct hv_notify *make(struct manager *m) {
        struct hv_notify *n = NULL;
        struct hv_err err = {};

        if (hv_notify_new(m->event, &n, &err) < 0)
                fail_msg("%s", err.msg);
        return n;
}

static void test_messages(void **state) {
        struct manager *m = *state;
        _hv_cleanup_(hv_notify_freep) struct hv_notify *n = make(m);
        unsigned long long at = 0;

        assert_true(hv_notify_is_active(n));
        hv_notify_ready(n);
        assert_string_equal(next(m), "READY=1");
        hv_notify_stopping(n);
        assert_string_equal(next(m), "STOPPING=1");
        hv_notify_errno(n, -ENOENT);
        assert_string_equal(next(m), "ERRNO=2");
        hv_notify_extend_timeout(n, 5000000);
        assert_string_equal(next(m), "EXTEND_TIMEOUT_USEC=5000000");
        hv_notify_watchdog_trigger(n);
        assert_string_equal(next(m), "WATCHDOG=trigger");
        hv_notify_reloading(n);
        assert_int_equal(sscanf(next(m), "RELOADING=1\nMONOTONIC_USEC=%llu", &at), 1);
        assert_true(at > 0);
}

static void test_status_only_when_it_changes(void **state) {
        struct manager *m = *state;
        _hv_cleanup_(hv_notify_freep) struct hv_notify *n = make(m);

        hv_notify_status(n, "%d/3 in sync", 2);
        assert_string_equal(next(m), "STATUS=2/3 in sync");
        hv_notify_status(n, "%d/3 in sync", 2);
        assert_string_equal(next(m), "");
        hv_notify_status(n, "one\nREADY=1"); /* must not become a second assignment */
        assert_string_equal(next(m), "STATUS=one READY=1");
}

/* A manager that reads nothing for a while: nobody waits for it, and what counts is told when it reads again. */
static void test_manager_that_does_not_read(void **state) {
        struct manager *m = *state;
        _hv_cleanup_(hv_notify_freep) struct hv_notify *n = make(m);
        char last[4096] = "";
        unsigned n_messages = 0, n_ready = 0, n_reloading = 0;

        (void) alarm(60); /* ends a test that waits for the manager */
        for (int i = 0; i < 3000; i++) {
                hv_notify_status(n, "%d", i);
                hv_notify_loop_turned(n);
        }
        hv_notify_ready(n);
        hv_notify_reloading(n);
        hv_notify_status(n, "the last one");
        for (int quiet = 0; quiet < 3;) {
                const char *text = next(m);

                quiet = *text ? 0 : quiet + 1;
                n_messages += *text != '\0';
                n_ready += hv_streq(text, "READY=1");
                n_reloading += hv_has_prefix(text, "RELOADING=1");
                if (*text)
                        strcpy(last, text);
                (void) sd_event_run(m->event, 1000);
        }
        (void) alarm(0);
        assert_int_equal(n_ready, 1);
        assert_int_equal(n_reloading, 1);
        assert_string_equal(last, "STATUS=the last one");
        assert_true(n_messages < 3003); /* what was not true any more when it could be told was left out */
        hv_notify_status(n, "x");
        assert_string_equal(next(m), "STATUS=x");
}

/* A manager that begins anew has another socket at the same path. */
static void test_manager_comes_back(void **state) {
        struct manager *m = *state;
        _hv_cleanup_(hv_notify_freep) struct hv_notify *n = make(m);
        struct sockaddr_un sa = { .sun_family = AF_UNIX };

        (void) close(m->fd);
        (void) unlink(m->path);
        hv_notify_status(n, "nobody hears this");
        strcpy(sa.sun_path, m->path);
        m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_int_equal(bind(m->fd, (struct sockaddr *) &sa, sizeof sa), 0);
        hv_notify_status(n, "heard");
        assert_string_equal(next(m), "STATUS=heard");
}

static void test_nobody_listens(void **state) {
        struct manager *m = *state;
        struct hv_notify *n;

        (void) unsetenv("NOTIFY_SOCKET");
        assert_int_equal(setenv("WATCHDOG_USEC", "1000", 1), 0);
        n = make(m);
        assert_false(hv_notify_is_active(n));
        assert_int_equal(hv_notify_watchdog_us(n), 0);
        hv_notify_ready(n);
        hv_notify_status(n, "x");
        hv_notify_loop_turned(n);
        hv_notify_barrier(n, 1000);
        assert_string_equal(next(m), "");
        assert_null(hv_notify_free(n));
}

/* Waits in the loop for the next timer, without telling the object that the loop turned. */
static void wait_for_period(struct manager *m) {
        assert_true(sd_event_run(m->event, 10 * 1000 * 1000) > 0);
}

static void test_watchdog_needs_the_loop(void **state) {
        struct manager *m = *state;
        struct hv_notify *n;

        assert_int_equal(setenv("WATCHDOG_USEC", "20000", 1), 0);
        n = make(m);
        assert_int_equal(hv_notify_watchdog_us(n), 20000);
        hv_notify_loop_turned(n); /* the first is due at once: systemd counts from the start */
        assert_string_equal(next(m), "WATCHDOG=1");
        hv_notify_loop_turned(n);
        assert_string_equal(next(m), ""); /* not due again before half the time */

        wait_for_period(m);
        wait_for_period(m);
        assert_string_equal(next(m), ""); /* time went by, but the loop did no turn: no ping */
        hv_notify_loop_turned(n);
        assert_string_equal(next(m), "WATCHDOG=1");
        hv_notify_loop_turned(n);
        assert_string_equal(next(m), "");
        assert_null(hv_notify_free(n));
}

static void test_watchdog_of_somebody_else(void **state) {
        struct manager *m = *state;
        struct hv_notify *n;
        struct hv_err err = {};

        assert_int_equal(setenv("WATCHDOG_USEC", "20000", 1), 0);
        assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0); /* our parent's, and inherited */
        n = make(m);
        assert_int_equal(hv_notify_watchdog_us(n), 0);
        assert_null(hv_notify_free(n));

        (void) unsetenv("WATCHDOG_PID");
        assert_int_equal(setenv("WATCHDOG_USEC", "soon", 1), 0);
        assert_true(hv_notify_new(m->event, &n, &err) < 0);
        assert_non_null(strstr(err.msg, "WATCHDOG_USEC=soon"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_messages, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_status_only_when_it_changes, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_manager_that_does_not_read, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_manager_comes_back, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_nobody_listens, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_watchdog_needs_the_loop, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_watchdog_of_somebody_else, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
