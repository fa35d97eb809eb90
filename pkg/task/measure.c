/* task/measure.c - see measure.h. */
#include "task/measure.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "task/beneath.h"
#include "task/worker.h"

static void closep(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

static int add_tree(int fd, const struct hv_job *job, unsigned depth, struct hv_measured *sum);

static int add_entry(int fd, const char *name, const struct hv_job *job, unsigned depth,
                     struct hv_measured *sum) {
        _hv_cleanup_(hv_fd_closep) int below = -1;
        struct stat st;

        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return 0; /* removed meanwhile */
        sum->n_entries++;
        sum->bytes += (uint64_t) st.st_blocks * 512 / (S_ISDIR(st.st_mode) ? 1 : (uint64_t) st.st_nlink);
        if (!S_ISDIR(st.st_mode))
                return 0;
        if (depth >= HV_MEASURE_DEPTH_MAX) {
                sum->is_too_deep = true;
                return 0;
        }
        below = hv_beneath_open(fd, name, O_RDONLY | O_DIRECTORY, 0);
        return below < 0 ? 0 : add_tree(below, job, depth + 1, sum);
}

static int add_tree(int fd, const struct hv_job *job, unsigned depth, struct hv_measured *sum) {
        _hv_cleanup_(closep) DIR *d = NULL;
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0), r = 0;
        struct dirent *entry;

        d = copy < 0 ? NULL : fdopendir(copy);
        if (!d) {
                r = -errno;
                hv_fd_closep(&copy);
                return r;
        }
        rewinddir(d);
        while (r >= 0 && (entry = readdir(d))) {
                if (job && hv_job_is_cancelled(job))
                        return -ECANCELED;
                if (!hv_streq(entry->d_name, ".") && !hv_streq(entry->d_name, ".."))
                        r = add_entry(fd, entry->d_name, job, depth, sum);
        }
        return r;
}

int hv_measure_tree(int fd, const struct hv_job *job, struct hv_measured *sum) {
        return add_tree(fd, job, 0, sum);
}
