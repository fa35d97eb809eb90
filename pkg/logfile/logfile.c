#include "logfile/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/time.h"
#include "logfile/folder.h"
#include "logfile/rotated.h"

struct hv_logfile {
        char *folder, *name, *path;
        struct hv_logfile_limits limits;
        int folder_fd, fd; /* -1: not open */
        uint64_t bytes;    /* in it */
        uint64_t begun_us; /* realtime; 0: not known */
};

struct hv_logfile *hv_logfile_new(const char *folder, const char *name,
                                  const struct hv_logfile_limits *limits) {
        struct hv_logfile *f = HV_NEW(struct hv_logfile);

        *f = (struct hv_logfile){ .folder = hv_strdup(folder),
                                  .name = hv_strdup(name),
                                  .path = hv_asprintf("%s/%s", folder, name),
                                  .limits = *limits,
                                  .folder_fd = -1,
                                  .fd = -1 };
        return f;
}

static void close_file(struct hv_logfile *f) {
        hv_fd_closep(&f->fd);
        hv_fd_closep(&f->folder_fd);
}

struct hv_logfile *hv_logfile_free(struct hv_logfile *f) {
        if (!f)
                return NULL;
        close_file(f);
        free(f->folder);
        free(f->name);
        free(f->path);
        free(f);
        return NULL;
}

void hv_logfile_set_limits(struct hv_logfile *f, const struct hv_logfile_limits *limits) {
        f->limits = *limits;
}

const struct hv_logfile_limits *hv_logfile_get_limits(const struct hv_logfile *f) {
        return &f->limits;
}

/* When the file was made; not every file system knows. */
static uint64_t begin_of(int fd) {
        struct statx st;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &st) < 0 || !(st.stx_mask & STATX_BTIME))
                return 0;
        return (uint64_t) st.stx_btime.tv_sec * HV_USEC_PER_SEC + st.stx_btime.tv_nsec / 1000;
}

int hv_logfile_open(struct hv_logfile *f, struct hv_err *err) {
        struct stat st;
        int r;

        if (f->fd >= 0)
                return 0;
        r = f->folder_fd = hv_log_folder_open(f->folder, true, err);
        if (r < 0)
                return r;
        r = f->fd = hv_log_folder_append(f->folder_fd, f->name, err);
        if (r < 0)
                (void) hv_err_prefix(err, r, "%s", f->folder);
        else if (fstat(f->fd, &st) < 0)
                r = hv_err_errno(err, -errno, "%s cannot be looked at", f->path);
        if (r < 0) {
                close_file(f);
                return r;
        }
        f->bytes = (uint64_t) st.st_size;
        f->begun_us = begin_of(f->fd);
        return 0;
}

/* What was opened still has its name: nobody moved file or folder away. */
static bool is_in_place(const struct hv_logfile *f) {
        struct stat open, named;

        return fstat(f->fd, &open) == 0 && lstat(f->path, &named) == 0 && open.st_dev == named.st_dev &&
               open.st_ino == named.st_ino;
}

static bool is_full(const struct hv_logfile *f, uint64_t now_us, size_t more) {
        if (f->bytes == 0)
                return false;
        return f->bytes + more > f->limits.file_bytes ||
               (f->limits.age_us && f->begun_us && hv_time_add(f->begun_us, f->limits.age_us) <= now_us);
}

/* One that cannot be removed stays: there is nothing better to be done about it here. */
static void drop_oldest(const struct hv_logfile *f) {
        struct hv_rotated_files files;
        uint64_t total = f->limits.file_bytes; /* that the new one may grow to */

        hv_rotated_list(f->folder_fd, f->name, &files);
        for (size_t i = 0; i < files.n; i++) {
                total += files.v[i].bytes;
                if ((f->limits.files && files.v[i].number >= f->limits.files) ||
                    (f->limits.total_bytes && total > f->limits.total_bytes))
                        (void) hv_rotated_remove(f->folder_fd, f->name, files.v[i].number, NULL);
        }
        hv_rotated_files_done(&files);
}

static int rotate(struct hv_logfile *f, struct hv_err *err) {
        int r = hv_rotated_shift(f->folder_fd, f->name, err);

        if (r < 0)
                return hv_err_prefix(err, r, "%s", f->folder);
        drop_oldest(f);
        close_file(f);
        return hv_logfile_open(f, err);
}

int hv_logfile_write(struct hv_logfile *f, uint64_t now_us, const char *lines, size_t len,
                     struct hv_err *err) {
        int r;

        if (f->fd >= 0 && !is_in_place(f))
                close_file(f);
        r = hv_logfile_open(f, err);
        if (r >= 0 && is_full(f, now_us, len))
                r = rotate(f, err);
        if (r < 0)
                return r;
        r = hv_fd_write(f->fd, lines, len);
        if (r < 0) {
                if (ftruncate(f->fd, (off_t) f->bytes) < 0)
                        close_file(f); /* the next one ends the line that was cut */
                return hv_err_errno(err, r, "%s cannot be written", f->path);
        }
        f->bytes += len;
        return 0;
}
