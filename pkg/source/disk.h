/* source/disk.h - files that are old or new, never in between.
 *
 * Model    A directory held open and names in it. A file is replaced by writing a temporary neighbour,
 *          flushing it, renaming it over the old one and flushing the directory; whatever fails or wherever
 *          the power is cut, a reader finds the old or the new content. Left-over neighbours are removed by
 *          hv_disk_clean().
 * Safety   Directories are 0700 and files 0600 whatever the umask; no symbolic link is ever followed in the
 *          last component, and names are single components.
 * Errors   0 or -errno with a sentence that holds the path. A full disk is -ENOSPC (or -EDQUOT, -EFBIG).
 * Owner    the caller closes directories with hv_disk_close().
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

struct hv_disk {
        int fd;     /* -1: none */
        char *path; /* as opened, for messages */
};

#define HV_DISK_NONE \
        { .fd = -1 }

/* Opens a directory, making it (0700) when it is missing; its parents are made as well (0755). It must belong
 * to this user or to root, and nobody else may write to it. */
int hv_disk_open(const char *path, struct hv_disk *ret, struct hv_err *err);
/* Only opens: -ENOENT when it is not there. */
int hv_disk_open_existing(const char *path, struct hv_disk *ret, struct hv_err *err);
int hv_disk_open_below(const struct hv_disk *parent, const char *name, struct hv_disk *ret,
                       struct hv_err *err);
void hv_disk_close(struct hv_disk *d); /* takes HV_DISK_NONE; leaves it */

/* One process at a time works below a directory: -EBUSY when another one has it, still after a second. (A process that
 * was killed while it started a child leaves the lock to that child until the child's exec.) Ends with
 * hv_disk_close(). */
int hv_disk_lock(const struct hv_disk *d, struct hv_err *err);

/* Makes `name` hold exactly these bytes, durably. On failure the old file is still there, or (only when
 * flushing the directory failed) the new one. */
int hv_disk_replace(const struct hv_disk *d, const char *name, const void *data, size_t len,
                    struct hv_err *err);

/* The two halves, for several files that must change together: `name` is written and flushed as a neighbour
 * ... */
int hv_disk_prepare(const struct hv_disk *d, const char *name, const void *data, size_t len,
                    struct hv_err *err);
/* ... and put in place; -ENOENT when nothing was prepared. Call hv_disk_flush() after the last. */
int hv_disk_commit(const struct hv_disk *d, const char *name, struct hv_err *err);
void hv_disk_abandon(const struct hv_disk *d, const char *name);
int hv_disk_flush(const struct hv_disk *d, struct hv_err *err);

/* Reads a whole file of at most `max` bytes into `ret` (cleared first). -ENOENT when it is missing, -ELOOP
 * for a symbolic link, -EINVAL for what is no regular file, -EFBIG above max. */
int hv_disk_read(const struct hv_disk *d, const char *name, size_t max, struct hv_buf *ret,
                 struct hv_err *err);

/* Gives a file another name, durably. */
int hv_disk_rename(const struct hv_disk *d, const char *from, const char *to, struct hv_err *err);

/* Removes durably; 1 removed, 0 it was not there. */
int hv_disk_remove(const struct hv_disk *d, const char *name, struct hv_err *err);

/* Names that end in `suffix` ("" for all), without it, sorted by byte; no hidden file, no neighbour. */
struct hv_disk_names {
        char **v;
        size_t n, cap;
};
int hv_disk_list(const struct hv_disk *d, const char *suffix, struct hv_disk_names *ret, struct hv_err *err);
void hv_disk_names_done(struct hv_disk_names *n);

/* Removes neighbours that a crash left behind. */
void hv_disk_clean(const struct hv_disk *d);
