/* notify/notify.h - what the service manager is told.
 *
 * Model    One object for the process: sd_notify(3) messages to $NOTIFY_SOCKET, and the watchdog.
 *          Without that variable every call is a no-op, so callers never ask. A STATUS that equals the
 *          last one is not sent. Nothing waits for a manager that does not read: what counts then is told
 *          as soon as it reads again.
 * Watchdog When $WATCHDOG_USEC is set, half of it is the period. A timer wakes the loop once a period
 *          and only marks a ping as due; the ping itself is sent by hv_notify_loop_turned(), which the
 *          agent calls once per turn of its loop. So a loop that hangs in a handler, or one that no
 *          longer does its passes, is found and restarted by systemd.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

typedef struct sd_event sd_event; /* systemd/sd-event.h */

struct hv_notify;

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID; takes a reference on event. The first watchdog ping is
 * due at once. */
int hv_notify_new(sd_event *event, struct hv_notify **ret, struct hv_err *err);
struct hv_notify *hv_notify_free(struct hv_notify *n); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_notify, hv_notify_free);

bool hv_notify_is_active(const struct hv_notify *n);       /* there is a service manager to talk to */
uint64_t hv_notify_watchdog_us(const struct hv_notify *n); /* 0: no watchdog */

void hv_notify_ready(struct hv_notify *n); /* READY=1: after start, and after a reload has ended */
/* STATUS=, sent only when the text changed. One line. */
void hv_notify_status(struct hv_notify *n, const char *fmt, ...) _hv_printf_(2, 3);
void hv_notify_reloading(struct hv_notify *n); /* RELOADING=1 and MONOTONIC_USEC (sd_notify(3), since 253) */
void hv_notify_stopping(struct hv_notify *n);  /* STOPPING=1 */
void hv_notify_errno(struct hv_notify *n, int error);                    /* ERRNO=; errno or -errno */
void hv_notify_extend_timeout(struct hv_notify *n, uint64_t timeout_us); /* EXTEND_TIMEOUT_USEC= from now */
void hv_notify_watchdog_trigger(struct hv_notify *n); /* WATCHDOG=trigger: an internal check failed */

/* The loop did one turn of real work: pings when a ping is due. Cheap enough for every turn. */
void hv_notify_loop_turned(struct hv_notify *n);

/* Returns when the manager has read all before it (sd_notify_barrier(3)), at most timeout_us later; before
 * exec and exit. */
void hv_notify_barrier(struct hv_notify *n, uint64_t timeout_us);
