/* execute/caps_driver.c - see caps_driver.h. After each change the slice is read again: what counts is what the kernel shows. */
#include "execute/caps_driver.h"

#include <errno.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "base/vec.h"
#include "cgroup/caps.h"
#include "cgroup/place.h"
#include "cgroup/slice.h"
#include "cgroup/systemd.h"
#include "docker/client.h"
#include "execute/caps_record.h"
#include "host/capacity.h"
#include "log/log.h"
#include "reconcile/caps.h"

/* systemd answers in milliseconds; one that does not is looked at again. */
#define SYSTEMD_US (20 * HV_USEC_PER_SEC)

struct flight { /* systemd is asked */
        struct caps_driver *driver;
        const struct hv_action *action;
        sd_event_source *timer;
        struct hv_err kept; /* memory could not be capped yet: why; code 0: it was */
};

struct caps_driver {
        struct hv_driver base;
        struct hv_caps_driver_options o;
        struct hv_cgroup_tree *tree;        /* NULL: it could not be looked at, and `problem` says why */
        struct hv_cgroup_caps_files *files; /* of the slices, kept open */
        struct hv_err problem;
        struct hv_systemd *systemd;
        struct hv_caps_record *record;
        HV_VEC(struct flight *) flights;
};

static bool is_systemds(const struct caps_driver *d) {
        return hv_docker_engine(d->o.docker)->cgroup_driver == HV_DOCKER_CGROUP_SYSTEMD;
}

/* ---- looking ---- */

static const char *why_not(const struct caps_driver *d) {
        if (hv_docker_engine(d->o.docker)->cgroup_driver == HV_DOCKER_CGROUP_NONE)
                return "the engine runs without root, and places its containers by itself";
        return d->tree ? NULL : d->problem.msg;
}

static void look(struct caps_driver *d, enum hv_caps_place place, const char *slice) {
        _hv_cleanup_free_ char *path = hv_slice_path(slice);
        struct hv_seen_caps seen = { .place = place, .slice = slice, .message = why_not(d) };
        const struct hv_input in = { .type = HV_INPUT_CAPS, .caps = &seen };
        struct hv_cgroup_capped is = {};
        struct hv_capacity machine = {};
        struct hv_err err = {};
        int r;

        if (!seen.message) {
                r = hv_cgroup_caps_read_again(d->files, path, &is, &err);
                seen.state = r == 0 ? HV_CAPS_THERE : r == -ENOENT ? HV_CAPS_ABSENT : HV_CAPS_UNKNOWN;
                seen.message = r < 0 && r != -ENOENT ? err.msg : NULL;
        }
        (void) hv_capacity_read("/", &machine, NULL);
        seen.caps = (struct hv_caps){ .limits = { .nano_cpus = is.caps.nano_cpus,
                                                  .memory_bytes = is.caps.memory_bytes,
                                                  .pids = is.caps.pids },
                                      .memory_high_bytes = is.caps.memory_high_bytes };
        seen.foreign = hv_caps_asked(&seen.caps) & ~hv_caps_record_get(d->record, slice);
        seen.has_memory_high = is.has_memory_high;
        seen.cpu_is_v1 = d->tree && hv_cgroup_cpu_is_v1(d->tree);
        seen.machine_nano_cpus = machine.nano_cpus;
        seen.machine_memory_bytes = machine.memory_bytes;
        seen.machine_threads = hv_capacity_threads();
        d->o.input(d->o.input_userdata, &in);
}

bool hv_caps_driver_look(struct hv_driver *caps_driver, const char *slice) {
        struct caps_driver *d = (struct caps_driver *) caps_driver;
        _hv_cleanup_free_ char *tasks = hv_cgroup_all_tasks_slice(slice);

        if (hv_docker_engine(d->o.docker)->cgroup_driver == HV_DOCKER_CGROUP_UNKNOWN)
                return false;
        look(d, HV_CAPS_NODE, slice);
        look(d, HV_CAPS_TASKS, tasks);
        return true;
}

/* ---- acting ---- */

static enum hv_outcome outcome_of(int r) {
        switch (r) {
        case 0:
                return HV_OUTCOME_OK;
        case -EACCES:
        case -EPERM:
        case -EROFS:
                return HV_OUTCOME_REFUSED;
        case -ETIMEDOUT:
                return HV_OUTCOME_UNKNOWN;
        default:
                return HV_OUTCOME_FAILED;
        }
}

/* The action may be gone with its outcome, but not its slice: it is read after. */
static void done(struct caps_driver *d, const struct hv_action *a, int r, const struct hv_err *err) {
        _hv_cleanup_free_ char *slice = hv_strdup(a->name);
        enum hv_caps_place place = a->place;
        unsigned asked = a->caps_asked;
        const struct hv_input in = { .type = HV_INPUT_DONE,
                                     .action_id = a->id,
                                     .outcome = outcome_of(r),
                                     .message = r < 0 ? err->msg : NULL };

        if (r == 0)
                hv_caps_record_put(d->record, slice, asked);
        d->o.input(d->o.input_userdata, &in);
        look(d, place, slice);
}

static void flight_free(struct flight *f) {
        for (size_t i = 0; i < f->driver->flights.n; i++)
                if (f->driver->flights.v[i] == f)
                        f->driver->flights.v[i] = f->driver->flights.v[--f->driver->flights.n];
        (void) sd_event_source_disable_unref(f->timer);
        free(f);
}

static void flight_done(struct flight *f, int r, const struct hv_err *err) {
        const struct hv_action *action = f->action;
        struct caps_driver *d = f->driver;
        struct hv_err kept = f->kept;

        flight_free(f);
        if (r == 0 && kept.code < 0)
                done(d, action, kept.code, &kept);
        else
                done(d, action, r, err);
}

static void on_capped(void *userdata, int r, const struct hv_err *err) {
        flight_done(userdata, r, err);
}

static void on_stopped(void *userdata, const char *slice) { /* none is */
        (void) userdata;
        (void) slice;
}

/* What was asked is not waited for any more, of nobody: the bus may be another one by now. */
static int on_timer(sd_event_source *s, uint64_t at_us, void *userdata) {
        struct flight *f = userdata;
        struct caps_driver *d = f->driver;
        struct hv_err err = {};

        (void) s;
        (void) at_us;
        (void) hv_err_set(&err, -ETIMEDOUT, "systemd does not answer");
        (void) hv_systemd_free(d->systemd);
        d->systemd = hv_systemd_new(d->o.event, on_stopped, d);
        while (d->flights.n > 0)
                flight_done(d->flights.v[0], err.code, &err);
        return 0;
}

/* Version 2 kills for memory that is capped below what is used. */
static bool must_wait(const struct caps_driver *d, const char *path, const struct hv_caps *caps,
                      struct hv_err *err) {
        struct hv_cgroup_capped is = {};

        if (!caps->limits.memory_bytes || hv_cgroup_caps_read(d->tree, path, &is, NULL) < 0 ||
            !is.has_memory_high || is.memory_used_bytes <= caps->limits.memory_bytes)
                return false;
        (void) hv_err_set(err, -EBUSY,
                          "%s uses %llu bytes of memory: it is not capped to %llu before it uses less", path,
                          (unsigned long long) is.memory_used_bytes,
                          (unsigned long long) caps->limits.memory_bytes);
        return true;
}

static unsigned cgroup_caps(unsigned caps) {
        return (caps & HV_CAP_CPU ? HV_CGROUP_CAP_CPU : 0u) |
               (caps & HV_CAP_MEMORY ? HV_CGROUP_CAP_MEMORY : 0u) |
               (caps & HV_CAP_MEMORY_HIGH ? HV_CGROUP_CAP_MEMORY_HIGH : 0u) |
               (caps & HV_CAP_PIDS ? HV_CGROUP_CAP_PIDS : 0u);
}

/* `which`: enum hv_cap. */
static int ask_systemd(struct caps_driver *d, const struct hv_action *a, const struct hv_cgroup_caps *caps,
                       unsigned which, struct hv_err *err) {
        _hv_cleanup_free_ char *path = hv_slice_path(a->name);
        struct flight *f = HV_NEW(struct flight);
        int r;

        f->driver = d;
        f->action = a;
        hv_vec_push(&d->flights, f);
        if (must_wait(d, path, &a->caps, &f->kept))
                which &= ~(unsigned) HV_CAP_MEMORY;
        r = sd_event_add_time_relative(d->o.event, &f->timer, CLOCK_MONOTONIC, SYSTEMD_US, 0, on_timer, f);
        if (r < 0)
                (void) hv_err_errno(err, r, "cannot set up the event loop");
        else
                r = hv_systemd_cap_slice(d->systemd, a->name, caps, cgroup_caps(which), on_capped, f, err);
        if (r < 0)
                flight_free(f);
        return r;
}

static void submit(struct hv_driver *driver, const struct hv_action *a) {
        struct caps_driver *d = (struct caps_driver *) driver;
        _hv_cleanup_free_ char *path = hv_slice_path(a->name);
        const struct hv_cgroup_caps caps = { .nano_cpus = a->caps.limits.nano_cpus,
                                             .memory_bytes = a->caps.limits.memory_bytes,
                                             .memory_high_bytes = a->caps.memory_high_bytes,
                                             .pids = a->caps.limits.pids };
        unsigned ours = hv_caps_record_get(d->record, a->name) | a->caps_asked;
        struct hv_err err = {};
        int r;

        if (!why_not(d))
                hv_caps_record_put(d->record, a->name, ours);
        if (why_not(d))
                r = hv_err_set(&err, -EPERM, "%s", why_not(d));
        else if (is_systemds(d)) {
                r = ask_systemd(d, a, &caps, ours, &err);
                if (r == 0)
                        return;
        } else
                r = hv_cgroup_caps_write(d->tree, path, &caps, &err);
        done(d, a, r, &err);
}

/* ---- life ---- */

static bool can(const struct hv_driver *d, enum hv_action_type type) {
        (void) d;
        return type == HV_ACTION_CAPS_SET;
}

static struct hv_driver *driver_free(struct hv_driver *driver) {
        struct caps_driver *d = (struct caps_driver *) driver;

        (void) hv_systemd_free(d->systemd);
        while (d->flights.n > 0)
                flight_free(d->flights.v[0]);
        hv_vec_done(&d->flights);
        (void) hv_cgroup_caps_files_free(d->files);
        (void) hv_cgroup_tree_free(d->tree);
        (void) hv_caps_record_free(d->record);
        free(d);
        return NULL;
}

static const struct hv_driver_ops ops = { .name = "caps", .can = can, .submit = submit, .free = driver_free };

struct hv_driver *hv_caps_driver_new(const struct hv_caps_driver_options *options) {
        struct caps_driver *d = HV_NEW(struct caps_driver);
        struct hv_err err = {};

        d->base.ops = &ops;
        d->o = *options;
        if (hv_cgroup_tree_new(options->mountinfo, &d->tree, &d->problem) < 0)
                (void) hv_log_warn(d->problem.code, "nothing can be capped: %s", d->problem.msg);
        d->files = hv_cgroup_caps_files_new(d->tree);
        d->systemd = hv_systemd_new(options->event, on_stopped, d);
        if (hv_caps_record_open(options->state_dir, &d->record, &err) < 0)
                (void) hv_log_error(err.code, "%s", err.msg);
        return &d->base;
}
