/* source/watch.c - see watch.h.
 *
 * For each wanted directory there is a watch on every directory of its path:
 *
 *      /              names "etc"        \
 *      /etc           names "hivelet"     > a change of exactly this name: the way is another one now, arm() anew
 *      /etc/hivelet   names "conf.d"     /
 *      /etc/hivelet/conf.d               every name matters
 *
 * The kernel tells of all names or of none, and other people's files in /etc or /tmp are no reason to wake. So a directory on the way
 * is asked for its names only while the next one could come or go without a word of its own: while that is missing, is a symbolic
 * link, or is empty (an empty one that somebody keeps open is gone when it is removed, and its own watch says so only when it is
 * closed). A full one must be moved, which it says itself, or emptied first, which its names say.
 *
 * The same inode gives the same watch descriptor whatever path led to it, so a descriptor may stand for several paths.
 */
#include "source/watch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/time.h"
#include "base/vec.h"

#define MASK                                                                                            \
        (IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | \
         IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* Of a directory on the way at most its names matter, never what is written: a busy one (/tmp, /var) must not wake the agent.
 * Added to what is watched there already, for two paths may lead to one directory. */
#define WAY_MASK                                                                                           \
        (IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | \
         IN_ONLYDIR | IN_MASK_ADD)
#define SILENT_MASK (IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* A directory in which somebody writes all the time is looked at so often and no oftener. */
#define LOOKS 10
#define LOOKS_INTERVAL_US (100 * HV_USEC_PER_MSEC)

struct place {
        int wd;      /* -1: not there (yet) */
        char *path;  /* without a trailing slash; "" is the root */
        bool wanted; /* every name in it matters */
        bool silent; /* it is not asked for its names: those on the way tell themselves */
};

struct hv_watch {
        struct hv_watch_handler handler;
        int fd;
        sd_event_source *io, *timer;
        HV_VEC(struct place) places;
        uint64_t first_us; /* of the changes that wait to settle; HV_TIME_NEVER: none */
        bool removed;      /* a name went: what was full may be empty */
};

static struct place *place_find(struct hv_watch *w, const char *path, size_t len) {
        for (size_t i = 0; i < w->places.n; i++)
                if (strlen(w->places.v[i].path) == len && strncmp(w->places.v[i].path, path, len) == 0)
                        return &w->places.v[i];
        return NULL;
}

static struct place *place_add(struct hv_watch *w, const char *path, size_t len) {
        struct place *p = place_find(w, path, len);

        if (!p) {
                p = hv_vec_add(&w->places);
                *p = (struct place){ .wd = -1, .path = hv_strndup(path, len) };
        }
        return p;
}

/* A directory on the way to a wanted one, or wanted itself? */
static bool is_on_the_way(const struct hv_watch *w, const char *dir, const char *name) {
        size_t dir_len = strlen(dir), name_len = strlen(name);

        for (size_t i = 0; i < w->places.n; i++) {
                const char *p = w->places.v[i].path;

                if (strncmp(p, dir, dir_len) == 0 && p[dir_len] == '/' &&
                    strncmp(p + dir_len + 1, name, name_len) == 0 && p[dir_len + 1 + name_len] == '\0')
                        return true;
        }
        return false;
}

static bool is_empty(const char *path) {
        DIR *dir = opendir(path);
        const struct dirent *e = NULL;

        while (dir && (e = readdir(dir)) && (hv_streq(e->d_name, ".") || hv_streq(e->d_name, "..")))
                ;
        if (dir)
                (void) closedir(dir);
        return !e;
}

static bool is_next(const struct place *p, const struct place *next) {
        size_t len = strlen(p->path);

        return strncmp(next->path, p->path, len) == 0 && next->path[len] == '/' &&
               !strchr(next->path + len + 1, '/') && next->path[len + 1];
}

/* It cannot go, nor be another one, without that its own watch says so, or the names in it. */
static bool tells_itself(const struct place *p) {
        struct stat st;

        return p->wd >= 0 && lstat(p->path, &st) == 0 && S_ISDIR(st.st_mode) && !is_empty(p->path);
}

static bool can_be_silent(const struct hv_watch *w, const struct place *p) {
        bool any = false;

        for (size_t i = 0; i < w->places.n; i++) {
                const struct place *other = &w->places.v[i];

                if (other != p && other->wd == p->wd)
                        return false; /* another path to it, whose names may matter */
                if (!is_next(p, other))
                        continue;
                if (!tells_itself(other))
                        return false;
                any = true;
        }
        return any && !p->wanted && p->wd >= 0;
}

/* From the last to the first, for the next one on the way stands behind: what becomes of it until its parent is silent, the parent
 * still tells. (Where this watch turns out to be of another directory than before, somebody has told, too.) */
static void silence(struct hv_watch *w) {
        for (size_t i = w->places.n; i-- > 0;) {
                struct place *p = &w->places.v[i];

                p->silent = can_be_silent(w, p) &&
                            inotify_add_watch(w->fd, *p->path ? p->path : "/", SILENT_MASK) >= 0;
        }
}

/* Nobody else tells when one that was emptied is removed, or was, and is there again. */
static bool must_be_armed(const struct hv_watch *w) {
        for (size_t i = 0; i < w->places.n; i++) {
                const struct place *p = &w->places.v[i];

                if (p->silent && !can_be_silent(w, p))
                        return true;
                if (p->wd >= 0 &&
                    inotify_add_watch(w->fd, *p->path ? p->path : "/", SILENT_MASK | IN_MASK_ADD) != p->wd)
                        return true;
        }
        return false;
}

/* Watches all places that can be watched. What is missing stays at -1: its parent tells when it appears. */
static int arm(struct hv_watch *w, struct hv_err *err) {
        int result = 0;

        for (size_t i = 0; i < w->places.n; i++) {
                struct place *p = &w->places.v[i];
                int wd = inotify_add_watch(w->fd, *p->path ? p->path : "/", p->wanted ? MASK : WAY_MASK);

                if (wd < 0 && errno == ENOSPC)
                        result = hv_err_set(
                                err, -ENOSPC,
                                "cannot watch %s: no inotify watch left (raise fs.inotify.max_user_watches)",
                                p->path);
                if (p->wd >= 0 && p->wd != wd) {
                        bool shared = false;

                        for (size_t k = 0; k < w->places.n; k++)
                                shared = shared || (k != i && w->places.v[k].wd == p->wd);
                        if (!shared)
                                (void) inotify_rm_watch(w->fd, p->wd);
                }
                p->wd = wd;
        }
        silence(w);
        return result;
}

/* --- settling --- */

static uint64_t now_us(struct hv_watch *w) {
        uint64_t now = 0;

        (void) sd_event_now(sd_event_source_get_event(w->io), CLOCK_MONOTONIC, &now);
        return now;
}

static void settle_later(struct hv_watch *w) {
        uint64_t now = now_us(w), at;

        if (w->first_us == HV_TIME_NEVER)
                w->first_us = now;
        at = HV_MIN(now + HV_WATCH_QUIET_MS * HV_USEC_PER_MSEC,
                    w->first_us + HV_WATCH_CAP_MS * HV_USEC_PER_MSEC);
        (void) sd_event_source_set_time(w->timer, at);
        (void) sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        struct hv_watch *w = userdata;

        (void) s;
        (void) usec;
        w->first_us = HV_TIME_NEVER;
        w->handler.settled(w->handler.userdata);
        return 0;
}

/* --- events --- */

static void everything_changed(struct hv_watch *w) {
        (void) arm(w, NULL); /* without watches left, what was armed stays; the next change tries again */
        w->handler.lost(w->handler.userdata);
        settle_later(w);
}

static void tell(struct hv_watch *w, const char *dir, const struct inotify_event *e) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s", dir, e->name);

        /* A new name counts as touched, for a hard link or a symbolic link is never closed; who goes on to
         * write into a new file tells so by IN_MODIFY. */
        if (e->mask & IN_MODIFY) {
                w->handler.writing(w->handler.userdata, path);
                return;
        }
        if (w->handler.touched(w->handler.userdata, path))
                settle_later(w);
}

static void take(struct hv_watch *w, const struct inotify_event *e) {
        bool way_changed = false;

        if (e->mask & IN_Q_OVERFLOW) {
                everything_changed(w);
                return;
        }
        for (size_t i = 0; i < w->places.n; i++) {
                struct place *p = &w->places.v[i];

                if (p->wd != e->wd)
                        continue;
                if (e->mask & IN_IGNORED)
                        p->wd = -1;
                if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT) ||
                    (e->len == 0 && (e->mask & IN_ATTRIB)))
                        way_changed = true;
                w->removed |= (e->mask & (IN_DELETE | IN_MOVED_FROM)) != 0;
                if (e->len == 0)
                        continue;
                if ((e->mask & (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB)) &&
                    is_on_the_way(w, p->path, e->name))
                        way_changed = true;
                else if (p->wanted)
                        tell(w, p->path, e);
        }
        if (way_changed)
                everything_changed(w);
}

/* What is queued now: who writes as fast as this reads would keep it here for ever. */
void hv_watch_drain(struct hv_watch *w) {
        char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
        int n_queued = 0;
        ssize_t n;

        if (ioctl(w->fd, FIONREAD, &n_queued) < 0)
                return;
        while (n_queued > 0 && ((n = read(w->fd, buf, sizeof buf)) > 0 || (n < 0 && errno == EINTR)))
                for (ssize_t at = 0; at < n;) {
                        const struct inotify_event *e = (const void *) (buf + at);
                        int size = (int) (sizeof *e + e->len);

                        take(w, e);
                        at += size;
                        n_queued -= size;
                }
        if (w->removed && must_be_armed(w))
                everything_changed(w);
        w->removed = false;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        (void) s;
        (void) fd;
        (void) revents;
        hv_watch_drain(userdata);
        return 0;
}

/* --- life --- */

int hv_watch_new(struct sd_event *event, const struct hv_watch_handler *handler, struct hv_watch **ret,
                 struct hv_err *err) {
        _hv_cleanup_(hv_watch_freep) struct hv_watch *w = HV_NEW(struct hv_watch);
        int r;

        w->handler = *handler;
        w->first_us = HV_TIME_NEVER;
        w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (w->fd < 0)
                return hv_err_errno(err, -errno, "cannot watch files for changes");
        r = sd_event_add_io(event, &w->io, w->fd, EPOLLIN, on_io, w);
        if (r >= 0)
                r = sd_event_source_set_ratelimit(w->io, LOOKS_INTERVAL_US, LOOKS);
        if (r >= 0)
                /* accuracy 1: 0 would mean 250 ms */
                r = sd_event_add_time(event, &w->timer, CLOCK_MONOTONIC, 0, 1, on_timer, w);
        if (r >= 0)
                r = sd_event_source_set_enabled(w->timer, SD_EVENT_OFF);
        if (r < 0)
                return hv_err_errno(err, r, "cannot watch files for changes");
        *ret = HV_STEAL(w);
        return 0;
}

struct hv_watch *hv_watch_free(struct hv_watch *w) {
        if (!w)
                return NULL;
        (void) sd_event_source_disable_unref(w->io);
        (void) sd_event_source_disable_unref(w->timer);
        if (w->fd >= 0)
                (void) close(w->fd);
        for (size_t i = 0; i < w->places.n; i++)
                free(w->places.v[i].path);
        hv_vec_done(&w->places);
        free(w);
        return NULL;
}

int hv_watch_add(struct hv_watch *w, const char *dir, struct hv_err *err) {
        size_t len = strlen(dir);

        if (dir[0] != '/')
                return hv_err_set(err, -EINVAL, "\"%s\" is not an absolute path", dir);
        while (len > 0 && dir[len - 1] == '/')
                len--;
        place_add(w, "", 0);
        for (size_t i = 1; i < len; i++)
                if (dir[i] == '/' && dir[i - 1] != '/')
                        (void) place_add(w, dir, i);
        place_add(w, dir, len)->wanted = true;
        return arm(w, err);
}
