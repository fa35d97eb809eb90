/* wallclock.so - a wall clock that is set by a test: LD_PRELOAD, and a file of one 8-byte number.
 *
 * Model    HV_WALLCLOCK names the file; its number of seconds (native order) is added to CLOCK_REALTIME, as often as that is
 *          asked for, so a test sets the clock of a program that runs. No other clock is touched, neither are the kernel's
 *          timers: what measures with the wall clock where it should not, is found out.
 * Why      libfaketime also moves timers of CLOCK_BOOTTIME when only the wall clock is to be another one.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;

__attribute__((constructor)) static void begin(void) {
        const char *path = getenv("HV_WALLCLOCK");
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *at = fd >= 0 ? mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

        if (fd >= 0)
                (void) close(fd);
        if (at == MAP_FAILED)
                abort(); /* a test that only believes that it has set the clock shows nothing */
        shift = at;
}

int clock_gettime(clockid_t clock, struct timespec *ret) {
        static int (*real)(clockid_t, struct timespec *);
        int r;

        if (!real)
                real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
        r = real(clock, ret);
        if (r == 0 && shift && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
                ret->tv_sec += *shift;
        return r;
}

time_t time(time_t *ret) {
        struct timespec ts = {};

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        if (ret)
                *ret = ts.tv_sec;
        return ts.tv_sec;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone) {
        struct timespec ts;
        int r = clock_gettime(CLOCK_REALTIME, &ts);

        (void) zone;
        if (r == 0)
                *ret = (struct timeval){ .tv_sec = ts.tv_sec, .tv_usec = ts.tv_nsec / 1000 };
        return r;
}
