/* transfer/lane.h - one libcurl multi handle on an sd-event loop. Private to the module.
 *
 * Model    libcurl says which fds to watch and when to be called (lane_socket, lane_timer); every wake-up
 *          goes into curl_multi_socket_action(), and whatever ended is given to on_end. Between enter and
 *          leave of that function libcurl must not be called again on the same multi: `inside` says so.
 */
#pragma once

#include <curl/curl.h>
#include <systemd/sd-event.h>

#include "base/err.h"

struct lane {
        sd_event *event;
        CURLM *multi;
        sd_event_source *timer;
        bool inside;                        /* libcurl is running a callback of ours, or may */
        bool wake_due;                      /* lane_wake() was asked for and has not come */
        void (*on_wake)(struct lane *lane); /* libcurl has returned: look what ended */
        void *userdata;
};

int lane_init(struct lane *lane, sd_event *event, long max_host_connections, void (*on_wake)(struct lane *),
              void *userdata, struct hv_err *err);
void lane_done(struct lane *lane); /* every easy handle must have been removed */

/* on_wake in a later turn of the loop, whatever libcurl waits for. */
void lane_wake(struct lane *lane);

/* Gives the next handle that ended, and how; NULL: none. */
CURL *lane_next_ended(struct lane *lane, CURLcode *ret_code);
