/* cgroup/systemd.c - see systemd.h.
 *
 *      StopUnit(slice) --> a job --> JobRemoved(slice) --> stopped()
 *                     `--> NoSuchUnit -----------------------'
 */
#include "cgroup/systemd.h"

#include <sys/queue.h>
#include <systemd/sd-bus.h>

#include "base/alloc.h"
#include "log/log.h"

#define MANAGER "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"

struct stop { /* one that was asked for */
        TAILQ_ENTRY(stop) link;
        struct hv_systemd *s;
        sd_bus_slot *call; /* until it is answered */
        char *slice;
};

struct hv_systemd {
        sd_event *event;
        hv_systemd_stopped_fn *stopped;
        void *userdata;
        sd_bus *bus; /* NULL: not connected, or not any more */
        TAILQ_HEAD(, stop) stops;
};

struct hv_systemd *hv_systemd_new(struct sd_event *event, hv_systemd_stopped_fn *stopped, void *userdata) {
        struct hv_systemd *s = HV_NEW(struct hv_systemd);

        s->event = event;
        s->stopped = stopped;
        s->userdata = userdata;
        TAILQ_INIT(&s->stops);
        return s;
}

static void stop_free(struct stop *stop) {
        TAILQ_REMOVE(&stop->s->stops, stop, link);
        sd_bus_slot_unref(stop->call);
        free(stop->slice);
        free(stop);
}

/* What was asked of a bus that is gone is not answered any more. */
static void hang_up(struct hv_systemd *s) {
        struct stop *stop;

        while ((stop = TAILQ_FIRST(&s->stops)))
                stop_free(stop);
        if (s->bus) {
                (void) sd_bus_detach_event(s->bus);
                s->bus = sd_bus_close_unref(s->bus);
        }
}

struct hv_systemd *hv_systemd_free(struct hv_systemd *s) {
        if (s)
                hang_up(s);
        free(s);
        return NULL;
}

static struct stop *find(struct hv_systemd *s, const char *slice) {
        struct stop *stop;

        TAILQ_FOREACH (stop, &s->stops, link)
                if (hv_streq(stop->slice, slice))
                        return stop;
        return NULL;
}

static void ended(struct stop *stop) {
        _hv_cleanup_free_ char *slice = hv_strdup(stop->slice);
        struct hv_systemd *s = stop->s;

        stop_free(stop);
        s->stopped(s->userdata, slice);
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct hv_systemd *s = userdata;
        const char *unit;
        struct stop *stop;

        (void) ret_error;
        if (sd_bus_message_read(m, "uos", NULL, NULL, &unit) < 0)
                return 0;
        stop = find(s, unit);
        if (stop)
                ended(stop);
        return 0;
}

static int on_stop_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        struct stop *stop = userdata;

        (void) ret_error;
        stop->call = sd_bus_slot_unref(stop->call);
        if (!e)
                return 0; /* a job was made: its end follows */
        if (sd_bus_error_has_name(e, "org.freedesktop.systemd1.NoSuchUnit")) {
                ended(stop);
                return 0;
        }
        (void) hv_log_warn(sd_bus_error_get_errno(e),
                           "systemd does not stop slice %s of a task that ended: %s", stop->slice,
                           e->message ? e->message : e->name);
        stop_free(stop);
        return 0;
}

/* Nobody is told of jobs who has not asked for it. A bus that was closed (dbus was restarted) is opened anew. */
static int connect_bus(struct hv_systemd *s) {
        int r;

        if (s->bus && sd_bus_is_open(s->bus) > 0)
                return 0;
        hang_up(s);
        r = sd_bus_open_system(&s->bus);
        if (r >= 0)
                r = sd_bus_attach_event(s->bus, s->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_match_signal_async(s->bus, NULL, MANAGER, "JobRemoved", on_job_removed, NULL, s);
        if (r >= 0)
                r = sd_bus_call_method_async(s->bus, NULL, MANAGER, "Subscribe", NULL, NULL, NULL);
        if (r < 0)
                hang_up(s);
        return r;
}

int hv_systemd_stop_slice(struct hv_systemd *s, const char *slice, struct hv_err *err) {
        struct stop *stop;
        int r = connect_bus(s);

        if (r >= 0 && find(s, slice))
                return 0;
        if (r >= 0) {
                stop = HV_NEW(struct stop);
                stop->s = s;
                stop->slice = hv_strdup(slice);
                TAILQ_INSERT_TAIL(&s->stops, stop, link);
                r = sd_bus_call_method_async(s->bus, &stop->call, MANAGER, "StopUnit", on_stop_reply, stop,
                                             "ss", slice, "replace");
                if (r < 0)
                        stop_free(stop);
        }
        if (r < 0)
                return hv_err_errno(err, r, "systemd cannot be asked to stop %s", slice);
        return 0;
}
