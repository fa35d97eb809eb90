/* wireguard/launch.c - see launch.h. */
#include "wireguard/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"

#define MANAGER "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"

struct launch {
        struct hv_wg_answer *answer;
        char interface[HV_WG_INTERFACE_SIZE];
        sd_event_source *timer;

        /* detached */
        int pid_fd;
        sd_event_source *child;

        /* by systemd */
        sd_bus *bus;
        sd_bus_slot *removed, *reply;
        char *unit, *job; /* the job's object path; NULL until it is told */
};

static void launch_free(struct launch *l) {
        sd_event_source_disable_unref(l->timer);
        sd_event_source_disable_unref(l->child);
        hv_fd_closep(&l->pid_fd);
        sd_bus_slot_unref(l->removed);
        sd_bus_slot_unref(l->reply);
        sd_bus_close_unref(l->bus);
        free(l->unit);
        free(l->job);
        free(l);
}

static void end(struct launch *l, int r, const struct hv_err *err) {
        struct hv_wg_answer *a = l->answer;

        a->pending = NULL;
        launch_free(l);
        a->done(a, r, err);
}

void hv_wg_launch_cancel(struct hv_wg_answer *a) {
        if (a->pending)
                launch_free(HV_STEAL(a->pending));
}

static int on_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        struct launch *l = userdata;
        struct hv_err err = {};
        int r;

        (void) s;
        (void) usec;
        r = hv_err_set(&err, -ETIMEDOUT, "wireguard-go for %s is not ready after %d s", l->interface,
                       (int) (HV_WG_LAUNCH_TIMEOUT_US / HV_USEC_PER_SEC));
        end(l, r, &err);
        return 0;
}

/* --- detached --- */

static int on_child(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct launch *l = userdata;
        struct hv_err err = {};
        siginfo_t info = {};
        int r = 0;

        (void) s;
        (void) revents;
        if (waitid(P_PIDFD, (id_t) fd, &info, WEXITED | WNOHANG) < 0)
                r = hv_err_errno(&err, -errno, "wireguard-go for %s", l->interface);
        else if (info.si_pid == 0)
                return 0;
        else if (info.si_code != CLD_EXITED || info.si_status != 0)
                r = hv_err_set(
                        &err, -EIO,
                        "wireguard-go for %s ended with %s %d; what it says shows \"wireguard-go -f %s\"",
                        l->interface, info.si_code == CLD_EXITED ? "exit code" : "signal", info.si_status,
                        l->interface);
        end(l, r, &err);
        return 0;
}

static int spawn(const char *program, const char *interface, pid_t *ret) {
        char name[HV_WG_INTERFACE_SIZE], file[] = "wireguard-go";
        char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", level[] = "LOG_LEVEL=error";
        char *const args[] = { file, name, NULL }, *const environment[] = { path, level, NULL };
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        sigset_t none;
        int r;

        memcpy(name, interface, strnlen(interface, sizeof name - 1) + 1);
        (void) sigemptyset(&none);
        (void) posix_spawn_file_actions_init(&files);
        (void) posix_spawnattr_init(&attributes);
        (void) posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        (void) posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
        (void) posix_spawn_file_actions_adddup2(&files, 1, 2);
        (void) posix_spawnattr_setsigmask(&attributes, &none); /* the agent's loop blocks signals */
        (void) posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
        r = posix_spawn(ret, program, &files, &attributes, args, environment);
        (void) posix_spawn_file_actions_destroy(&files);
        (void) posix_spawnattr_destroy(&attributes);
        return -r;
}

static int start_detached(struct launch *l, sd_event *event, const char *program, struct hv_err *err) {
        pid_t pid;
        int r = spawn(program, l->interface, &pid);

        if (r == -ENOENT)
                return hv_err_set(err, -EOPNOTSUPP,
                                  "the kernel has no WireGuard and there is no %s (package wireguard-go)",
                                  program);
        if (r < 0)
                return hv_err_errno(err, r, "%s cannot be started", program);
        l->pid_fd = (int) syscall(SYS_pidfd_open, pid, 0);
        r = l->pid_fd < 0 ? -errno : fcntl(l->pid_fd, F_SETFD, FD_CLOEXEC);
        if (r >= 0)
                r = sd_event_add_io(event, &l->child, l->pid_fd, EPOLLIN, on_child, l);
        return r < 0 ? hv_err_errno(err, r, "%s was started and cannot be waited for", program) : 0;
}

/* --- by systemd --- */

static void judge_job(struct launch *l, const char *result) {
        struct hv_err err = {};
        int r = 0;

        if (!hv_streq(result, "done"))
                r = hv_err_set(&err, -EIO, "%s did not start: %s; \"journalctl -u %s\" says why", l->unit,
                               result, l->unit);
        end(l, r, &err);
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct launch *l = userdata;
        const char *job, *unit, *result;
        uint32_t id;

        (void) error;
        if (sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) < 0)
                return 0;
        /* The answer that tells the job may come behind the signal that it is over; the unit's name tells, too. */
        if (l->job ? hv_streq(job, l->job) : hv_streq(unit, l->unit))
                judge_job(l, result);
        return 0;
}

static int on_start_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct launch *l = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(m);
        struct hv_err err = {};
        const char *job;
        int r;

        (void) error;
        if (e) {
                r = hv_err_set(&err,
                               sd_bus_error_has_name(e, "org.freedesktop.systemd1.NoSuchUnit") ? -EOPNOTSUPP
                                                                                               : -EIO,
                               "systemd does not start %s: %s", l->unit, e->message ? e->message : e->name);
                end(l, r, &err);
        } else if (sd_bus_message_read(m, "o", &job) >= 0)
                l->job = hv_strdup(job);
        return 0;
}

/* systemd.unit(5), "STRING ESCAPING FOR INCLUSION IN UNIT NAMES": a "-" would come out as a "/". */
static char *unit_of(const char *interface) {
        struct hv_buf b = {};

        hv_buf_puts(&b, "hivelet-wg@");
        for (const char *p = interface; *p; p++)
                if (strchr("=+-", *p) || (p == interface && *p == '.'))
                        hv_buf_printf(&b, "\\x%02x", (unsigned char) *p);
                else
                        hv_buf_putc(&b, *p);
        hv_buf_puts(&b, ".service");
        return hv_buf_steal(&b);
}

static int start_by_systemd(struct launch *l, sd_event *event, struct hv_err *err) {
        int r;

        l->unit = unit_of(l->interface);
        r = sd_bus_open_system(&l->bus);
        if (r >= 0)
                r = sd_bus_attach_event(l->bus, event, 0);
        if (r >= 0)
                r = sd_bus_match_signal_async(l->bus, &l->removed, MANAGER, "JobRemoved", on_job_removed,
                                              NULL, l);
        if (r >= 0)
                r = sd_bus_call_method_async(l->bus, NULL, MANAGER, "Subscribe", NULL, NULL, "");
        if (r >= 0)
                r = sd_bus_call_method_async(l->bus, &l->reply, MANAGER, "StartUnit", on_start_reply, l, "ss",
                                             l->unit, "replace");
        return r < 0 ? hv_err_errno(err, r, "cannot ask systemd to start %s", l->unit) : 0;
}

/* --- both --- */

int hv_wg_launch(struct sd_event *event, enum hv_wg_launch_way way, const char *program,
                 const char *interface, struct hv_wg_answer *a, struct hv_err *err) {
        struct launch *l = HV_NEW(struct launch);
        bool by_systemd = way == HV_WG_LAUNCH_SYSTEMD || (way == HV_WG_LAUNCH_AUTO && sd_booted() > 0);
        int r;

        l->answer = a;
        l->pid_fd = -1;
        memcpy(l->interface, interface, strnlen(interface, sizeof l->interface - 1) + 1);
        r = sd_event_add_time_relative(event, &l->timer, CLOCK_MONOTONIC, HV_WG_LAUNCH_TIMEOUT_US, 0,
                                       on_timeout, l);
        if (r < 0)
                (void) hv_err_errno(err, r, "wireguard-go for %s", interface);
        else
                r = by_systemd ? start_by_systemd(l, event, err) : start_detached(l, event, program, err);
        if (r < 0) {
                launch_free(l);
                return r;
        }
        a->pending = l;
        return HV_WG_LATER;
}
