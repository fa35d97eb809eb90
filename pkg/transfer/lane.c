/* transfer/lane.c - see lane.h. */
#include "transfer/lane.h"

#include <errno.h>
#include <sys/epoll.h>

#include "base/time.h"

/* Above what 8 calls and the streams of a few hundred containers use: a smaller cache throws connections away
 * that the next call wants (measured: twice the connects). */
#define KEPT_CONNECTIONS 64L

static void drive(struct lane *lane, curl_socket_t fd, int events) {
        int n_running;

        lane->wake_due = false;
        lane->inside = true;
        (void) curl_multi_socket_action(lane->multi, fd, events, &n_running);
        lane->inside = false;
        lane->on_wake(lane); /* last: it may end the lane */
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        int events = 0;

        (void) s;
        if (revents & (EPOLLIN | EPOLLHUP))
                events |= CURL_CSELECT_IN;
        if (revents & EPOLLOUT)
                events |= CURL_CSELECT_OUT;
        if (revents & EPOLLERR)
                events |= CURL_CSELECT_ERR;
        drive(userdata, fd, events);
        return 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        (void) s;
        (void) usec;
        drive(userdata, CURL_SOCKET_TIMEOUT, 0);
        return 0;
}

void lane_wake(struct lane *lane) {
        lane->wake_due = true;
        (void) sd_event_source_set_time_relative(lane->timer, 0);
        (void) sd_event_source_set_enabled(lane->timer, SD_EVENT_ONESHOT);
}

static int lane_timer(CURLM *multi, long timeout_ms, void *userdata) {
        struct lane *lane = userdata;

        (void) multi;
        /* The timer fires at once as it is, and libcurl asks anew after that. */
        if (lane->wake_due)
                return 0;
        if (timeout_ms < 0)
                return sd_event_source_set_enabled(lane->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
        if (sd_event_source_set_time_relative(lane->timer, (uint64_t) timeout_ms * HV_USEC_PER_MSEC) < 0)
                return -1;
        return sd_event_source_set_enabled(lane->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

static int lane_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data) {
        struct lane *lane = userdata;
        sd_event_source *s = socket_data;
        uint32_t events = 0;

        (void) easy;
        if (what == CURL_POLL_REMOVE) {
                /* The fd is closed right after this: the source has to leave epoll now. */
                sd_event_source_disable_unref(s);
                (void) curl_multi_assign(lane->multi, fd, NULL);
                return 0;
        }
        if (what & CURL_POLL_IN)
                events |= EPOLLIN;
        if (what & CURL_POLL_OUT)
                events |= EPOLLOUT;
        if (s)
                return sd_event_source_set_io_events(s, events) < 0 ? -1 : 0;
        if (sd_event_add_io(lane->event, &s, fd, events, on_io, lane) < 0)
                return -1;
        (void) sd_event_source_set_description(s, "transfer");
        (void) curl_multi_assign(lane->multi, fd, s);
        return 0;
}

int lane_init(struct lane *lane, sd_event *event, long max_host_connections, void (*on_wake)(struct lane *),
              void *userdata, struct hv_err *err) {
        int r;

        *lane = (struct lane){ .event = event, .on_wake = on_wake, .userdata = userdata };
        /* Accuracy 1 us: the default of 250 ms would hold up every request, libcurl asks for 0 ms all the
         * time. */
        r = sd_event_add_time_relative(event, &lane->timer, CLOCK_MONOTONIC, 0, 1, on_timer, lane);
        if (r < 0)
                return hv_err_errno(err, r, "transfer: timer");
        (void) sd_event_source_set_enabled(lane->timer, SD_EVENT_OFF);
        (void) sd_event_source_set_description(lane->timer, "transfer-timer");
        lane->multi = curl_multi_init();
        if (!lane->multi)
                return hv_err_set(err, -EIO, "transfer: libcurl gives no multi handle");
        (void) curl_multi_setopt(lane->multi, CURLMOPT_SOCKETFUNCTION, lane_socket);
        (void) curl_multi_setopt(lane->multi, CURLMOPT_SOCKETDATA, lane);
        (void) curl_multi_setopt(lane->multi, CURLMOPT_TIMERFUNCTION, lane_timer);
        (void) curl_multi_setopt(lane->multi, CURLMOPT_TIMERDATA, lane);
        (void) curl_multi_setopt(lane->multi, CURLMOPT_MAX_HOST_CONNECTIONS, max_host_connections);
        (void) curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS);
        (void) curl_multi_setopt(lane->multi, CURLMOPT_PIPELINING, (long) CURLPIPE_NOTHING);
        return 0;
}

void lane_done(struct lane *lane) {
        if (lane->multi)
                (void) curl_multi_cleanup(lane->multi);
        sd_event_source_disable_unref(lane->timer);
        *lane = (struct lane){};
}

CURL *lane_next_ended(struct lane *lane, CURLcode *ret_code) {
        CURLMsg *m;
        int n_left;

        while ((m = curl_multi_info_read(lane->multi, &n_left)))
                if (m->msg == CURLMSG_DONE) {
                        *ret_code = m->data.result;
                        return m->easy_handle;
                }
        return NULL;
}
