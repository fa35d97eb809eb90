#include "http/loop.h"

#include <errno.h>
#include <microhttpd.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base/alloc.h"
#include "base/time.h"

struct hv_http_loop {
        struct MHD_Daemon *daemon;
        sd_event_source *epoll, *kick, *timer;
};

static void arm(struct hv_http_loop *loop) {
        MHD_UNSIGNED_LONG_LONG wait_ms = 0;
        bool has_timeout = MHD_get_timeout(loop->daemon, &wait_ms) == MHD_YES;

        if (has_timeout)
                (void) sd_event_source_set_time_relative(loop->timer, wait_ms * HV_USEC_PER_MSEC);
        (void) sd_event_source_set_enabled(loop->timer, has_timeout ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static void run_once(struct hv_http_loop *loop) {
        (void) MHD_run(loop->daemon);
        arm(loop);
}

/* Stays armed when it comes from inside of MHD_run(): what was resumed there is looked at in the next run only. */
void hv_http_loop_kick(struct hv_http_loop *loop) {
        if (loop->kick)
                (void) sd_event_source_set_enabled(loop->kick, SD_EVENT_ONESHOT);
}

static int on_epoll(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        (void) source;
        (void) fd;
        (void) revents;
        run_once(userdata);
        return 0;
}

static int on_kick(sd_event_source *source, void *userdata) {
        (void) source;
        run_once(userdata);
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source;
        (void) usec;
        run_once(userdata);
        return 0;
}

int hv_http_loop_new(sd_event *event, struct MHD_Daemon *daemon, struct hv_http_loop **ret,
                     struct hv_err *err) {
        struct hv_http_loop *loop = HV_NEW(struct hv_http_loop);
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
        int r;

        loop->daemon = daemon;
        r = sd_event_add_io(event, &loop->epoll, info->epoll_fd, EPOLLIN, on_epoll, loop);
        if (r >= 0)
                r = sd_event_add_defer(event, &loop->kick, on_kick, loop);
        if (r >= 0) /* accuracy 1: the default coalesces by 250 ms */
                r = sd_event_add_time(event, &loop->timer, CLOCK_MONOTONIC, 0, 1, on_timer, loop);
        if (r < 0) {
                (void) hv_http_loop_free(loop);
                return hv_err_errno(err, r, "cannot add the HTTP server to the loop");
        }
        arm(loop);
        *ret = loop;
        return 0;
}

struct hv_http_loop *hv_http_loop_free(struct hv_http_loop *loop) {
        if (!loop)
                return NULL;
        loop->epoll = sd_event_source_disable_unref(loop->epoll);
        loop->kick = sd_event_source_disable_unref(loop->kick);
        loop->timer = sd_event_source_disable_unref(loop->timer);
        MHD_stop_daemon(loop->daemon); /* its callbacks may still kick: the sources are NULL by now */
        free(loop);
        return NULL;
}

struct MHD_Daemon *hv_http_loop_daemon(struct hv_http_loop *loop) {
        return loop->daemon;
}
