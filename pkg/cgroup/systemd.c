/* cgroup/systemd.c - see systemd.h.
 *
 *      StopUnit(slice) --> a job --> JobRemoved(slice) --> stopped()
 *                     `--> NoSuchUnit -----------------------'
 *      SetUnitProperties(slice) --> StartUnit(slice) --> a job --> JobRemoved(job) --> capped()
 */
#include "cgroup/systemd.h"

#include <errno.h>
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

struct cap { /* one that is being given */
        TAILQ_ENTRY(cap) link;
        struct hv_systemd *s;
        sd_bus_slot *call;
        char *slice, *job; /* job: NULL before there is one */
        hv_systemd_capped_fn *done;
        void *userdata;
};

struct hv_systemd {
        sd_event *event;
        hv_systemd_stopped_fn *stopped;
        void *userdata;
        sd_bus *bus; /* NULL: not connected, or not any more */
        TAILQ_HEAD(, stop) stops;
        TAILQ_HEAD(, cap) caps;
};

struct hv_systemd *hv_systemd_new(struct sd_event *event, hv_systemd_stopped_fn *stopped, void *userdata) {
        struct hv_systemd *s = HV_NEW(struct hv_systemd);

        s->event = event;
        s->stopped = stopped;
        s->userdata = userdata;
        TAILQ_INIT(&s->stops);
        TAILQ_INIT(&s->caps);
        return s;
}

static void stop_free(struct stop *stop) {
        TAILQ_REMOVE(&stop->s->stops, stop, link);
        sd_bus_slot_unref(stop->call);
        free(stop->slice);
        free(stop);
}

static void cap_free(struct cap *cap) {
        TAILQ_REMOVE(&cap->s->caps, cap, link);
        sd_bus_slot_unref(cap->call);
        free(cap->slice);
        free(cap->job);
        free(cap);
}

/* Whoever is told may ask for the next one. */
static void cap_ended(struct cap *cap, int r, const struct hv_err *err) {
        hv_systemd_capped_fn *done = cap->done;
        void *userdata = cap->userdata;

        cap_free(cap);
        done(userdata, r, err);
}

static void cap_failed(struct cap *cap, int r, const char *message) {
        struct hv_err err = {};

        r = hv_err_set(&err, r < 0 ? r : -EIO, "systemd does not cap slice %s: %s", cap->slice, message);
        cap_ended(cap, r, &err);
}

/* What was asked of a bus that is gone is not answered any more. */
static void hang_up(struct hv_systemd *s) {
        struct stop *stop;
        struct cap *cap;

        while ((stop = TAILQ_FIRST(&s->stops)))
                stop_free(stop);
        while ((cap = TAILQ_FIRST(&s->caps)))
                cap_free(cap);
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
        const char *job, *unit, *result;
        struct stop *stop;
        struct cap *cap;

        (void) ret_error;
        if (sd_bus_message_read(m, "uoss", NULL, &job, &unit, &result) < 0)
                return 0;
        TAILQ_FOREACH (cap, &s->caps, link)
                if (hv_streq(cap->job, job))
                        break;
        if (cap && hv_streq(result, "done")) {
                cap_ended(cap, 0, NULL);
                return 0;
        }
        if (cap) {
                cap_failed(cap, -EIO, result);
                return 0;
        }
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

/* ---- caps ---- */

#define PERIOD_US UINT64_C(100000)
#define NSEC_PER_USEC 1000u

/* False: it failed, and was told. */
static bool is_answered(struct cap *cap, sd_bus_message *reply) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);

        cap->call = sd_bus_slot_unref(cap->call);
        if (e)
                cap_failed(cap, -sd_bus_error_get_errno(e), e->message ? e->message : e->name);
        return !e;
}

static int on_start_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct cap *cap = userdata;
        const char *job;
        int r;

        (void) ret_error;
        if (!is_answered(cap, reply))
                return 0;
        r = sd_bus_message_read(reply, "o", &job);
        if (r < 0)
                cap_failed(cap, r, "its answer makes no sense");
        else
                cap->job = hv_strdup(job);
        return 0;
}

static int on_properties_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct cap *cap = userdata;
        int r;

        (void) ret_error;
        if (!is_answered(cap, reply))
                return 0;
        r = sd_bus_call_method_async(cap->s->bus, &cap->call, MANAGER, "StartUnit", on_start_reply, cap, "ss",
                                     cap->slice, "replace");
        if (r < 0)
                cap_failed(cap, r, "it cannot be asked");
        return 0;
}

/* systemd.resource-control(5): UINT64_MAX is "infinity". */
static uint64_t or_infinity(uint64_t n) {
        return n ? n : UINT64_MAX;
}

static int put(sd_bus_message *m, const char *property, uint64_t value) {
        return sd_bus_message_append(m, "(sv)", property, "t", value);
}

static int put_all(sd_bus_message *m, const struct hv_cgroup_caps *caps, unsigned which) {
        int r = sd_bus_message_open_container(m, 'a', "(sv)");

        if (r >= 0 && (which & HV_CGROUP_CAP_CPU))
                r = put(m, "CPUQuotaPerSecUSec", or_infinity(caps->nano_cpus / NSEC_PER_USEC));
        if (r >= 0 && (which & HV_CGROUP_CAP_CPU))
                r = put(m, "CPUQuotaPeriodUSec", PERIOD_US);
        if (r >= 0 && (which & HV_CGROUP_CAP_MEMORY_HIGH))
                r = put(m, "MemoryHigh", or_infinity(caps->memory_high_bytes));
        if (r >= 0 && (which & HV_CGROUP_CAP_MEMORY))
                r = put(m, "MemoryMax", or_infinity(caps->memory_bytes));
        if (r >= 0 && (which & HV_CGROUP_CAP_PIDS))
                r = put(m, "TasksMax", or_infinity(caps->pids));
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int hv_systemd_cap_slice(struct hv_systemd *s, const char *slice, const struct hv_cgroup_caps *caps,
                         unsigned which, hv_systemd_capped_fn *done, void *userdata, struct hv_err *err) {
        sd_bus_message *m = NULL;
        struct cap *cap;
        int r = connect_bus(s);

        if (r < 0)
                return hv_err_errno(err, r, "cannot ask systemd to cap slice %s", slice);
        cap = HV_NEW(struct cap);
        cap->s = s;
        cap->slice = hv_strdup(slice);
        cap->done = done;
        cap->userdata = userdata;
        TAILQ_INSERT_TAIL(&s->caps, cap, link);
        r = sd_bus_message_new_method_call(s->bus, &m, MANAGER, "SetUnitProperties");
        if (r >= 0)
                r = sd_bus_message_append(m, "sb", slice, true);
        if (r >= 0)
                r = put_all(m, caps, which);
        if (r >= 0)
                r = sd_bus_call_async(s->bus, &cap->call, m, on_properties_reply, cap, 0);
        sd_bus_message_unref(m);
        if (r < 0) {
                cap_free(cap);
                return hv_err_errno(err, r, "cannot ask systemd to cap slice %s", slice);
        }
        return 0;
}
