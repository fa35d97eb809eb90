/* http/loop.h - libmicrohttpd on an sd-event loop. Inside pkg/http only.
 *
 * Model    MHD keeps an epoll of its own and hands out its fd; whenever that is ready, or MHD's own
 *          time-out is due, or we asked for it, MHD_run() is called once and MHD is asked anew how long
 *          it can wait.
 * Traps    Resuming a connection wakes nobody: whoever resumes must kick. MHD's epoll is edge-triggered
 *          inside: a time-out of 0 means "run again", also when no fd is ready, else requests stall.
 *          Both are handled here and nowhere else. No TLS: a partial TLS handshake makes MHD 0.9.75
 *          report a time-out of 0 for ever; whoever adds TLS needs a gate.
 */
#pragma once

#include "base/err.h"

typedef struct sd_event sd_event; /* systemd/sd-event.h */
struct MHD_Daemon;

struct hv_http_loop;

/* Takes the daemon over: hv_http_loop_free() stops it. */
int hv_http_loop_new(sd_event *event, struct MHD_Daemon *daemon, struct hv_http_loop **ret,
                     struct hv_err *err);
struct hv_http_loop *hv_http_loop_free(struct hv_http_loop *loop); /* takes NULL, gives NULL */

struct MHD_Daemon *hv_http_loop_daemon(struct hv_http_loop *loop);
void hv_http_loop_kick(struct hv_http_loop *loop); /* MHD_run() soon; also from inside its callbacks */
