/* source/watch.h - notices that files changed, and when they are worth reading.
 *
 *                 close after writing, move, delete, chmod
 *      inotify ---> touched(path) ----------------------------.   quiet for 100 ms,
 *              ---> writing(path)  (not to be read now)        >-- or 1 s after the first ---> settled()
 *              ---> lost()  (overflow, a directory replaced) --'
 *
 * Model    Directories are watched, never files, so that replacing a file by a rename is seen; and every
 *          directory on the way to them, so that one that is missing is noticed when it appears, and one that
 *          is replaced (or whose parent is) is followed. An event names a path; whether it matters is the
 *          handler's to say.
 *          Of a directory on the way other people's files are no reason to wake.
 * Limits   network file systems tell nothing about changes made elsewhere: SIGHUP reads there.
 * Owner    the loop's; the handler outlives the watch.
 * Source   inotify(7); an overflow loses names, so everything counts as changed.
 */
#pragma once

#include "base/err.h"

struct sd_event;
struct hv_watch;

#define HV_WATCH_QUIET_MS 100
#define HV_WATCH_CAP_MS 1000

struct hv_watch_handler {
        bool (*touched)(void *userdata, const char *path); /* false: of no interest */
        void (*writing)(void *userdata, const char *path);
        void (*lost)(void *userdata);
        void (*settled)(void *userdata);
        void *userdata;
};

/* -EMFILE, -ENOMEM: the kernel has no inotify instance left. */
int hv_watch_new(struct sd_event *event, const struct hv_watch_handler *handler, struct hv_watch **ret,
                 struct hv_err *err);
struct hv_watch *hv_watch_free(struct hv_watch *w); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_watch, hv_watch_free);

/* Watches what happens in `dir` (an absolute path), which need not exist yet. -ENOSPC: no watch left
 * (fs.inotify.max_user_watches); the text says so. */
int hv_watch_add(struct hv_watch *w, const char *dir, struct hv_err *err);

/* Takes in what has happened up to now, without waiting: before and after files are read. */
void hv_watch_drain(struct hv_watch *w);
