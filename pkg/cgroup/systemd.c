/* cgroup/systemd.c - see systemd.h. */
#include "cgroup/systemd.h"

#include <errno.h>
#include <systemd/sd-bus.h>

#include "base/alloc.h"
#include "log/log.h"

struct hv_systemd {
        sd_event *event;
        sd_bus *bus; /* NULL: not connected, or not any more */
};

struct hv_systemd *hv_systemd_new(struct sd_event *event) {
        struct hv_systemd *s = HV_NEW(struct hv_systemd);

        s->event = event;
        return s;
}

static void hang_up(struct hv_systemd *s) {
        if (!s->bus)
                return;
        (void) sd_bus_detach_event(s->bus);
        s->bus = sd_bus_close_unref(s->bus);
}

struct hv_systemd *hv_systemd_free(struct hv_systemd *s) {
        if (s)
                hang_up(s);
        free(s);
        return NULL;
}

static int on_stopped(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);

        (void) userdata;
        (void) ret_error;
        if (e && !sd_bus_error_has_name(e, "org.freedesktop.systemd1.NoSuchUnit"))
                (void) hv_log_warn(sd_bus_error_get_errno(e),
                                   "systemd does not stop the slice of a task that ended: %s",
                                   e->message ? e->message : e->name);
        return 0;
}

/* A bus that was closed (dbus was restarted) is opened anew. */
static int connect_bus(struct hv_systemd *s) {
        int r;

        if (s->bus && sd_bus_is_open(s->bus) > 0)
                return 0;
        hang_up(s);
        r = sd_bus_open_system(&s->bus);
        if (r >= 0)
                r = sd_bus_attach_event(s->bus, s->event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                hang_up(s);
        return r;
}

int hv_systemd_stop_slice(struct hv_systemd *s, const char *slice, struct hv_err *err) {
        int r = connect_bus(s);

        if (r >= 0)
                r = sd_bus_call_method_async(s->bus, NULL, "org.freedesktop.systemd1",
                                             "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                                             "StopUnit", on_stopped, NULL, "ss", slice, "replace");
        if (r < 0)
                return hv_err_errno(err, r, "systemd cannot be asked to stop %s", slice);
        return 0;
}
