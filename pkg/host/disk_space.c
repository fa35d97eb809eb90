/* host/disk_space.c - see disk_space.h. */
#include "host/disk_space.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/alloc.h"
#include "base/time.h"
#include "base/within.h"

#define WAIT_US (2 * HV_USEC_PER_SEC)

struct answer {
        int error;
        struct hv_disk_space space;
};

static void ask(const char *path, void *result) {
        _hv_cleanup_free_ char *nearest = hv_strdup(path);
        struct answer *answer = result;
        struct statvfs fs;
        struct stat st;

        while (statvfs(nearest, &fs) < 0) {
                char *slash = strrchr(nearest, '/');

                if (errno != ENOENT || !slash || !nearest[1]) {
                        answer->error = -errno;
                        return;
                }
                slash[slash == nearest] = '\0';
        }
        if (stat(nearest, &st) < 0) {
                answer->error = -errno;
                return;
        }
        answer->space = (struct hv_disk_space){
                .total_bytes = (uint64_t) (fs.f_blocks - fs.f_bfree + fs.f_bavail) * fs.f_frsize,
                .free_bytes = (uint64_t) fs.f_bavail * fs.f_frsize,
                .file_system = st.st_dev,
        };
}

int hv_disk_space_read(const char *path, struct hv_disk_space *ret, struct hv_err *err) {
        struct answer answer = {};
        int r = hv_within(WAIT_US, path, ask, &answer, sizeof answer);

        if (r >= 0)
                r = answer.error;
        if (r < 0)
                return hv_err_errno(err, r, "cannot tell how full the disk of %s is", path);
        *ret = answer.space;
        return 0;
}

unsigned hv_disk_space_used_percent(const struct hv_disk_space *s) {
        uint64_t used = s->total_bytes - HV_MIN(s->free_bytes, s->total_bytes);

        if (s->total_bytes == 0)
                return 0;
        return (unsigned) (((unsigned __int128) used * 100 + s->total_bytes - 1) / s->total_bytes);
}
