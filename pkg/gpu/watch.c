/* gpu/watch.c - see watch.h. */
#include "gpu/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/time.h"
#include "gpu/helper.h"
#include "log/log.h"
#include "json/json.h"

#define ANSWER_MAX ((size_t) 1 << 20)
#define BACKOFF_FIRST_US (5 * HV_USEC_PER_SEC)
#define BACKOFF_MAX_US (300 * HV_USEC_PER_SEC)
#define REAP_MS 1000 /* a process that was killed and does not hang is gone long before */

enum question { NOTHING, SAMPLE, ACCESS };

struct hv_gpu_watch {
        struct hv_gpu_watch_options options;
        char *library_path;
        sd_event *event;
        struct hv_gpus *gpus;

        int fd, pid_fd, pid;
        sd_event_source *io, *child, *timer, *deadline;
        struct hv_buf in;
        enum question asked;
        bool has_answered; /* this helper, once */
        bool is_killed;    /* it is waited for */
        uint64_t backoff_us;

        char *access_cgroup, *access_device; /* waits for its turn, or is asked */
        void (*access_done)(void *userdata, int r);
        void *access_userdata;
};

static void arm(sd_event_source *s, uint64_t us) {
        (void) sd_event_source_set_time_relative(s, us);
        (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static void end_access(struct hv_gpu_watch *w, int r) {
        void (*done)(void *, int) = w->access_done;

        w->access_done = NULL;
        free(HV_STEAL(w->access_cgroup));
        free(HV_STEAL(w->access_device));
        if (done)
                done(w->access_userdata, r);
}

static void tell(struct hv_gpu_watch *w) {
        w->options.told(w->options.userdata, w->gpus);
}

static void tell_problem(struct hv_gpu_watch *w, const char *text) {
        memset(w->gpus, 0, sizeof *w->gpus);
        (void) snprintf(w->gpus->problem, sizeof w->gpus->problem, "%s", text);
        tell(w);
}

/* ---- its life ---- */

static void let_go(struct hv_gpu_watch *w) {
        w->io = sd_event_source_disable_unref(w->io);
        hv_fd_closep(&w->fd);
        w->fd = -1;
        hv_buf_clear(&w->in);
        w->asked = NOTHING;
        (void) sd_event_source_set_enabled(w->deadline, SD_EVENT_OFF);
}

static void kill_helper(struct hv_gpu_watch *w) {
        if (w->pid && !w->is_killed)
                (void) syscall(SYS_pidfd_send_signal, w->pid_fd, SIGKILL, NULL, 0);
        w->is_killed = true;
        let_go(w);
}

static void try_later(struct hv_gpu_watch *w) {
        w->backoff_us = w->backoff_us ? HV_MIN(w->backoff_us * 2, BACKOFF_MAX_US) : BACKOFF_FIRST_US;
        arm(w->timer, w->backoff_us);
}

/* What it says makes no sense, or it says nothing. */
static void give_up(struct hv_gpu_watch *w, const char *why) {
        kill_helper(w);
        tell_problem(w, why);
        end_access(w, -ENOTCONN);
        try_later(w);
}

static int on_child(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct hv_gpu_watch *w = userdata;
        siginfo_t info = {};
        bool was_killed = w->is_killed;

        (void) s;
        (void) revents;
        if (waitid(P_PIDFD, (id_t) fd, &info, WEXITED | WNOHANG) >= 0 && info.si_pid == 0)
                return 0;
        let_go(w);
        w->child = sd_event_source_disable_unref(w->child);
        hv_fd_closep(&w->pid_fd);
        w->pid_fd = -1;
        w->pid = 0;
        w->is_killed = false;
        if (!was_killed) {
                tell_problem(w, "the GPU helper ended");
                end_access(w, -ENOTCONN);
                try_later(w);
        }
        return 0;
}

static void on_line(struct hv_gpu_watch *w, const char *line, size_t len);

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct hv_gpu_watch *w = userdata;
        char chunk[16384], *end;
        ssize_t n = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);

        (void) s;
        (void) revents;
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n <= 0) { /* its end is told by the other source */
                (void) sd_event_source_set_enabled(w->io, SD_EVENT_OFF);
                return 0;
        }
        hv_buf_add(&w->in, chunk, (size_t) n);
        end = memchr(w->in.data, '\n', w->in.len);
        if (end && w->asked != NOTHING)
                on_line(w, w->in.data, (size_t) (end - w->in.data));
        else if (end || w->in.len > ANSWER_MAX)
                give_up(w, "the GPU helper says what nobody asked for");
        return 0;
}

static int spawn(struct hv_gpu_watch *w, int fd, pid_t *ret) {
        char file[] = HV_GPU_HELPER, path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
        _hv_cleanup_(hv_buf_done) struct hv_buf library = {};
        const char *found = w->library_path ? w->library_path : getenv("LD_LIBRARY_PATH");
        char *const args[] = { file, NULL };
        char *environment[] = { path, NULL, NULL };
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        sigset_t none;
        int r;

        if (!hv_str_empty(found)) {
                hv_buf_printf(&library, "LD_LIBRARY_PATH=%s", found);
                environment[1] = library.data;
        }
        (void) sigemptyset(&none);
        (void) posix_spawn_file_actions_init(&files);
        (void) posix_spawnattr_init(&attributes);
        (void) posix_spawn_file_actions_adddup2(&files, fd, 0);
        (void) posix_spawn_file_actions_adddup2(&files, fd, 1);
        (void) posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
        (void) posix_spawn_file_actions_addchdir_np(&files, "/");
        (void) posix_spawnattr_setsigmask(&attributes, &none); /* the agent's loop blocks signals */
        (void) posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
        r = posix_spawn(ret, "/proc/self/exe", &files, &attributes, args, environment);
        (void) posix_spawn_file_actions_destroy(&files);
        (void) posix_spawnattr_destroy(&attributes);
        return -r;
}

static int start(struct hv_gpu_watch *w) {
        _hv_cleanup_(hv_fd_closep) int ours = -1;
        _hv_cleanup_(hv_fd_closep) int theirs = -1;
        int fds[2], r;
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        ours = fds[0];
        theirs = fds[1];
        r = spawn(w, theirs, &pid);
        if (r < 0)
                return r;
        w->pid = pid;
        w->has_answered = w->is_killed = false;
        w->fd = hv_fd_steal(&ours);
        w->pid_fd = (int) syscall(SYS_pidfd_open, pid, 0);
        r = w->pid_fd < 0 ? -errno : fcntl(w->pid_fd, F_SETFD, FD_CLOEXEC);
        if (r >= 0)
                r = sd_event_add_io(w->event, &w->child, w->pid_fd, EPOLLIN, on_child, w);
        if (r >= 0)
                r = sd_event_add_io(w->event, &w->io, w->fd, EPOLLIN, on_readable, w);
        return HV_MIN(r, 0);
}

/* ---- questions and answers ---- */

static void send_question(struct hv_gpu_watch *w, enum question asked, const char *text) {
        ssize_t n = send(w->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);

        w->asked = asked;
        hv_buf_clear(&w->in);
        if (n != (ssize_t) strlen(text)) {
                give_up(w, "the GPU helper does not listen");
                return;
        }
        arm(w->deadline, w->options.timeout_us * (w->has_answered ? 1 : HV_GPU_FIRST_FACTOR));
}

static void ask_next(struct hv_gpu_watch *w) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};

        if (w->asked != NOTHING || w->fd < 0)
                return;
        if (w->access_done && w->has_answered) {
                hv_buf_printf(&b, "access\t%s\t%s\n", w->access_cgroup, w->access_device);
                send_question(w, ACCESS, b.data);
        }
}

static void on_sample(struct hv_gpu_watch *w, const char *line, size_t len) {
        struct hv_err err = {};

        if (hv_gpus_parse(line, len, w->gpus, &err) < 0) {
                give_up(w, err.msg);
                return;
        }
        w->backoff_us = w->gpus->is_known ? 0 : w->backoff_us;
        if (w->gpus->is_known && !*w->gpus->driver) { /* no library: nobody is kept for it */
                kill_helper(w);
                arm(w->timer, HV_GPU_ABSENT_US);
        } else if (w->gpus->is_known)
                arm(w->timer, w->options.interval_us);
        else
                try_later(w);
        tell(w);
}

static void on_line(struct hv_gpu_watch *w, const char *line, size_t len) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        enum question asked = w->asked;

        w->asked = NOTHING;
        w->has_answered = true;
        (void) sd_event_source_set_enabled(w->deadline, SD_EVENT_OFF);
        if (asked == SAMPLE)
                on_sample(w, line, len);
        else if (hv_json_parse(line, len, ANSWER_MAX, &j, NULL) < 0)
                give_up(w, "the GPU helper's answer is not JSON");
        else
                end_access(w, (int) hv_json_int(j, "access", -EBADMSG));
        ask_next(w);
}

static int on_deadline(sd_event_source *s, uint64_t at_us, void *userdata) {
        struct hv_gpu_watch *w = userdata;
        char text[HV_GPU_MESSAGE_SIZE];

        (void) s;
        (void) at_us;
        (void) snprintf(text, sizeof text,
                        "the GPU driver does not answer within %llu s: its helper is ended",
                        (unsigned long long) (w->options.timeout_us *
                                              (w->has_answered ? 1 : HV_GPU_FIRST_FACTOR) / HV_USEC_PER_SEC));
        give_up(w, text);
        return 0;
}

static int on_timer(sd_event_source *s, uint64_t at_us, void *userdata) {
        struct hv_gpu_watch *w = userdata;
        int r = 0;

        (void) s;
        (void) at_us;
        if (w->is_killed) { /* it hangs in the kernel: no second one beside it */
                try_later(w);
                return 0;
        }
        if (w->fd < 0) {
                r = start(w);
                if (r < 0) {
                        char text[HV_GPU_MESSAGE_SIZE];

                        (void) snprintf(text, sizeof text, "the GPU helper cannot be started: %s",
                                        strerror(-r));
                        give_up(w, text);
                        return 0;
                }
        }
        if (w->asked == NOTHING)
                send_question(w, SAMPLE, "sample\n");
        else /* a question about a container is before it */
                arm(w->timer, HV_USEC_PER_SEC);
        return 0;
}

int hv_gpu_watch_access(struct hv_gpu_watch *w, const char *cgroup, const char *device,
                        void (*done)(void *userdata, int r), void *userdata) {
        if (w->fd < 0)
                return -ENOTCONN;
        if (w->access_done)
                return -EBUSY;
        if (strpbrk(cgroup, "\t\n") || strpbrk(device, "\t\n"))
                return -EINVAL;
        w->access_cgroup = hv_strdup(cgroup);
        w->access_device = hv_strdup(device);
        w->access_done = done;
        w->access_userdata = userdata;
        ask_next(w);
        return 0;
}

void hv_gpu_watch_set_interval(struct hv_gpu_watch *w, uint64_t interval_us) {
        w->options.interval_us = interval_us;
}

int hv_gpu_watch_pid(const struct hv_gpu_watch *w) {
        return w->pid;
}

int hv_gpu_watch_new(struct sd_event *event, const struct hv_gpu_watch_options *options,
                     struct hv_gpu_watch **ret, struct hv_err *err) {
        _hv_cleanup_(hv_gpu_watch_freep) struct hv_gpu_watch *w = HV_NEW(struct hv_gpu_watch);
        int r;

        w->options = *options;
        w->library_path = hv_strdup(options->library_path);
        w->event = sd_event_ref(event);
        w->gpus = HV_NEW(struct hv_gpus);
        w->fd = w->pid_fd = -1;
        r = sd_event_add_time_relative(event, &w->timer, CLOCK_BOOTTIME, 0, 0, on_timer, w);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &w->deadline, CLOCK_BOOTTIME, 0, 0, on_deadline, w);
        if (r >= 0)
                r = sd_event_source_set_enabled(w->deadline, SD_EVENT_OFF);
        if (r < 0)
                return hv_err_errno(err, r, "cannot set up the event loop");
        *ret = HV_STEAL(w);
        return 0;
}

/* A helper that is killed here is reaped here, unless it hangs in the driver: then by whoever inherits it. */
struct hv_gpu_watch *hv_gpu_watch_free(struct hv_gpu_watch *w) {
        struct pollfd ended = { .events = POLLIN };

        if (!w)
                return NULL;
        kill_helper(w);
        ended.fd = w->pid_fd;
        if (w->pid && poll(&ended, 1, REAP_MS) > 0)
                (void) waitpid(w->pid, NULL, WNOHANG);
        sd_event_source_disable_unref(w->child);
        sd_event_source_disable_unref(w->timer);
        sd_event_source_disable_unref(w->deadline);
        hv_fd_closep(&w->pid_fd);
        sd_event_unref(w->event);
        free(w->access_cgroup);
        free(w->access_device);
        free(w->library_path);
        hv_buf_done(&w->in);
        free(w->gpus);
        free(w);
        return NULL;
}
