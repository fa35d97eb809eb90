/* gpu/access.c - see access.h. */
#include "gpu/access.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

static bool matches(const char *text, unsigned number) {
        char *end;
        unsigned long n;

        if (hv_streq(text, "*"))
                return true;
        n = strtoul(text, &end, 10);
        return end != text && *end == '\0' && n == number;
}

/* One rule: "c 195:0 rwm", "c 195:* rwm", "a *:* rwm". */
static bool allows(const char *line, size_t len, unsigned major, unsigned minor) {
        char type, numbers[32], rights[8], *colon, rule[64];

        (void) snprintf(rule, sizeof rule, "%.*s", (int) HV_MIN(len, sizeof rule - 1), line);
        if (sscanf(rule, "%c %31s %7s", &type, numbers, rights) != 3)
                return false;
        colon = strchr(numbers, ':');
        if ((type != 'c' && type != 'a') || !colon || !strchr(rights, 'r') || !strchr(rights, 'w'))
                return false;
        *colon = '\0';
        return matches(numbers, major) && matches(colon + 1, minor);
}

bool hv_gpu_rules_allow(const char *devices_list, unsigned major, unsigned minor) {
        for (const char *p = devices_list; *p;) {
                size_t len = strcspn(p, "\n");

                if (allows(p, len, major, minor))
                        return true;
                p += len + (p[len] == '\n');
        }
        return false;
}

int hv_gpu_access_v1(const char *directory, unsigned major, unsigned minor, struct hv_err *err) {
        _hv_cleanup_free_ char *path = NULL;
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        char list[16384];
        size_t len = 0;
        ssize_t n = 0;

        if (asprintf(&path, "%s/devices.list", directory) < 0)
                abort();
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return hv_err_errno(err, -errno, "%s", path);
        while (len < sizeof list - 1 && (n = read(fd, list + len, sizeof list - 1 - len)) > 0)
                len += (size_t) n;
        if (n < 0)
                return hv_err_errno(err, -errno, "%s", path);
        list[len] = '\0';
        return hv_gpu_rules_allow(list, major, minor) ? 0 : -EPERM;
}

/* In the child: what it exits with. 0 and EPERM are the kernel's answer for the device; whatever kept it from asking is neither. */
static int join_and_ask(int procs, const char *device) {
        if (write(procs, "0", 1) != 1)
                return EBUSY;
        return access(device, R_OK | W_OK) < 0 ? errno & 0x7f : 0;
}

/* What stands in a cgroup that is frozen does not run, but can be killed. */
static int end_of(pid_t pid) {
        struct pollfd ended = { .events = POLLIN };
        _hv_cleanup_(hv_fd_closep) int fd = (int) syscall(SYS_pidfd_open, pid, 0);
        bool is_late;
        int status;

        ended.fd = fd;
        is_late = fd < 0 || poll(&ended, 1, HV_GPU_ACCESS_MS) == 0;
        if (is_late)
                (void) kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -ECHILD;
        if (is_late)
                return -ETIMEDOUT;
        return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

int hv_gpu_access_within(const char *directory, const char *device) {
        _hv_cleanup_free_ char *path = NULL;
        _hv_cleanup_(hv_fd_closep) int procs = -1;
        pid_t pid;

        if (asprintf(&path, "%s/cgroup.procs", directory) < 0)
                abort();
        procs = open(path, O_WRONLY | O_CLOEXEC);
        if (procs < 0)
                return errno == EPERM ? -EACCES : -errno;
        pid = fork();
        if (pid < 0)
                return -EAGAIN;
        if (pid == 0)
                _exit(join_and_ask(procs, device));
        return end_of(pid);
}
