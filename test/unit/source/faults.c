/* faults.c - see faults.h. The wrapped calls live here, the code under test in its own objects: that is what --wrap needs. */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

#define MAX_PLACES 500
#define CRASHED 77

int __real_openat(int dir, const char *path, int flags, ...);
ssize_t __real_write(int fd, const void *data, size_t len);
int __real_fsync(int fd);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __real_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __real_unlinkat(int dir, const char *path, int flags);
int __real_mkdirat(int dir, const char *path, mode_t mode);
int __wrap_openat(int dir, const char *path, int flags, ...);
ssize_t __wrap_write(int fd, const void *data, size_t len);
int __wrap_fsync(int fd);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_unlinkat(int dir, const char *path, int flags);
int __wrap_mkdirat(int dir, const char *path, mode_t mode);

static enum fault armed;
static bool tracing, unflushed;
static unsigned left;
static bool struck;
static char trace[4096];
static size_t n_trace;

void fault_arm(enum fault fault, unsigned nth) {
        armed = fault;
        left = nth;
        struck = false;
        tracing = true;
        n_trace = 0;
        trace[0] = '\0';
}

bool fault_disarm(void) {
        armed = FAULT_NONE;
        tracing = false;
        return struck;
}

const char *fault_trace(void) {
        return trace;
}

/* Once struck, a full disk stays full and a broken one broken. */
void fault_without_flush(void) {
        unflushed = true;
}

static bool strikes(char what) {
        if (!tracing)
                return false;
        if (n_trace < sizeof trace - 1) {
                trace[n_trace++] = what;
                trace[n_trace] = '\0';
        }
        if (armed == FAULT_NONE)
                return false;
        if (!struck && --left > 0)
                return false;
        if (armed == FAULT_CRASH)
                _exit(CRASHED);
        struck = true;
        errno = armed == FAULT_ENOSPC ? ENOSPC : EIO;
        return true;
}

int __wrap_openat(int dir, const char *path, int flags, ...) {
        mode_t mode = 0;
        va_list ap;

        if (flags & O_CREAT) {
                va_start(ap, flags);
                mode = va_arg(ap, mode_t);
                va_end(ap);
                if (strikes('o'))
                        return -1;
        }
        return __real_openat(dir, path, flags, mode);
}

ssize_t __wrap_write(int fd, const void *data, size_t len) {
        bool first = !struck;

        if (!strikes('w'))
                return __real_write(fd, data, len);
        return first && armed == FAULT_ENOSPC && len > 1 ? __real_write(fd, data, len / 2) : -1;
}

int __wrap_fsync(int fd) {
        return strikes('s') ? -1 : unflushed ? 0 : __real_fsync(fd);
}

int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to) {
        return strikes('r') ? -1 : __real_renameat(from_dir, from, to_dir, to);
}

int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
        return strikes('r') ? -1 : __real_renameat2(from_dir, from, to_dir, to, flags);
}

/* A full disk can always be emptied. */
int __wrap_unlinkat(int dir, const char *path, int flags) {
        if (armed == FAULT_ENOSPC)
                return __real_unlinkat(dir, path, flags);
        return strikes('u') ? -1 : __real_unlinkat(dir, path, flags);
}

int __wrap_mkdirat(int dir, const char *path, mode_t mode) {
        return strikes('m') ? -1 : __real_mkdirat(dir, path, mode);
}

static bool one_place(const struct fault_run *run, enum fault fault, unsigned nth) {
        int status = 0, code;
        bool hit;
        pid_t pid;

        run->prepare(run->userdata);
        if (fault == FAULT_CRASH) {
                pid = fork();
                assert_true(pid >= 0);
                if (pid == 0) {
                        fault_arm(fault, nth);
                        (void) run->change(run->userdata);
                        _exit(0);
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_true(WIFEXITED(status));
                hit = WEXITSTATUS(status) == CRASHED;
                if (hit)
                        run->check(run->userdata, true, 0);
                return hit;
        }
        fault_arm(fault, nth);
        code = run->change(run->userdata);
        hit = fault_disarm();
        if (hit)
                run->check(run->userdata, false, code);
        return hit;
}

unsigned fault_everywhere(const struct fault_run *run, enum fault fault) {
        unsigned n = 0;

        while (one_place(run, fault, n + 1)) {
                n++;
                assert_true(n < MAX_PLACES);
        }
        return n;
}
