/* cli/tar.c - see tar.h. */
#include "cli/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"

#define DEPTH_MAX 200 /* each is a descriptor */
#define PIECE_BYTES ((size_t) 64 << 10)

struct work {
        const struct hv_tar *t;
        struct archive *a;
        char *piece;
        int sink_error;
        struct hv_err *err;
};

static int cannot(const struct work *w, const char *path, int error) {
        return hv_err_errno(w->err, error, "%s cannot be read", path);
}

static la_ssize_t on_write(struct archive *a, void *userdata, const void *data, size_t len) {
        struct work *w = userdata;

        w->sink_error = w->t->write(w->t->userdata, data, len);
        if (w->sink_error == 0)
                return (la_ssize_t) len;
        archive_set_error(a, EIO, "it is not taken any more");
        return -1;
}

static int cannot_write(const struct work *w) {
        const char *why = archive_error_string(w->a);

        return hv_err_set(w->err, w->sink_error < 0 ? w->sink_error : -EIO, "it cannot be packed: %s",
                          why ? why : "no reason is known");
}

static struct archive_entry *new_entry(const struct work *w, const char *name, const struct stat *st) {
        struct archive_entry *e = archive_entry_new();

        if (!e)
                hv_out_of_memory(sizeof *w);
        archive_entry_copy_pathname(e, name);
        archive_entry_set_mode(e, st->st_mode);
        archive_entry_set_mtime(e, st->st_mtim.tv_sec, 0);
        archive_entry_set_uid(e, w->t->with_owners ? st->st_uid : 0);
        archive_entry_set_gid(e, w->t->with_owners ? st->st_gid : 0);
        if (S_ISREG(st->st_mode))
                archive_entry_set_size(e, st->st_size);
        return e;
}

static int put_header(const struct work *w, struct archive_entry *e) {
        int r = archive_write_header(w->a, e);

        archive_entry_free(e);
        return r == ARCHIVE_OK || r == ARCHIVE_WARN ? 0 : cannot_write(w);
}

static int put_link(const struct work *w, int dir_fd, const char *leaf, const char *path, const char *name,
                    const struct stat *st) {
        struct archive_entry *e;
        char target[PATH_MAX];
        ssize_t n = readlinkat(dir_fd, leaf, target, sizeof target - 1);

        if (n < 0)
                return cannot(w, path, -errno);
        target[n] = '\0';
        e = new_entry(w, name, st);
        archive_entry_copy_symlink(e, target);
        return put_header(w, e);
}

static int put_content(const struct work *w, int fd, const char *path, off_t size) {
        while (size > 0) {
                ssize_t n = read(fd, w->piece, HV_MIN((size_t) size, PIECE_BYTES));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return cannot(w, path, -errno);
                if (n == 0)
                        return hv_err_set(w->err, -EIO, "%s became shorter while it was read", path);
                if (archive_write_data(w->a, w->piece, (size_t) n) != n)
                        return cannot_write(w);
                size -= n;
        }
        return 0;
}

static int put(const struct work *w, int dir_fd, const char *leaf, const char *path, const char *name,
               unsigned depth);

static int by_name(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_entry(const struct dirent *d) {
        return !hv_streq(d->d_name, ".") && !hv_streq(d->d_name, "..");
}

/* name NULL: its contents stand at the top of the archive. */
static int put_contents(const struct work *w, int fd, const char *path, const char *name, unsigned depth) {
        struct dirent **entries;
        int n, r = 0;

        if (depth >= DEPTH_MAX)
                return hv_err_set(w->err, -ELOOP, "%s is more than %d levels deep", path, DEPTH_MAX);
        n = scandirat(fd, ".", &entries, is_entry, by_name);
        if (n < 0)
                return cannot(w, path, -errno);
        for (int i = 0; i < n; i++) {
                const char *leaf = entries[i]->d_name;
                _hv_cleanup_free_ char *below = hv_asprintf("%s/%s", path, leaf),
                                       *called = name ? hv_asprintf("%s/%s", name, leaf) : hv_strdup(leaf);

                if (r == 0)
                        r = put(w, fd, leaf, below, called, depth + 1);
                free(entries[i]);
        }
        free(entries);
        return r;
}

/* A file, or a directory with all that is in it. */
static int put_open(const struct work *w, int fd, const char *path, const char *name, unsigned depth) {
        struct stat st;
        int r = 0;

        if (fstat(fd, &st) < 0)
                return cannot(w, path, -errno);
        if (name)
                r = put_header(w, new_entry(w, name, &st));
        if (r < 0)
                return r;
        return S_ISDIR(st.st_mode) ? put_contents(w, fd, path, name, depth)
                                   : put_content(w, fd, path, st.st_size);
}

static int put(const struct work *w, int dir_fd, const char *leaf, const char *path, const char *name,
               unsigned depth) {
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        struct stat st;

        if (fstatat(dir_fd, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return cannot(w, path, -errno);
        if (S_ISLNK(st.st_mode))
                return put_link(w, dir_fd, leaf, path, name, &st);
        if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
                w->t->left_out(w->t->userdata, path, "neither a file, a directory nor a link");
                return 0;
        }
        fd = openat(dir_fd, leaf, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        return fd < 0 ? cannot(w, path, -errno) : put_open(w, fd, path, name, depth);
}

static int put_top(const struct work *w) {
        const struct hv_tar *t = w->t;
        _hv_cleanup_(hv_fd_closep) int fd = -1;

        if (t->name)
                return put(w, AT_FDCWD, t->path, t->path, t->name, 0);
        fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? cannot(w, t->path, -errno) : put_contents(w, fd, t->path, NULL, 0);
}

int hv_tar(const struct hv_tar *t, struct hv_err *err) {
        /* Names go in as they are, whatever the locale. */
        locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0), before;
        struct hv_err own = {};
        struct work w = { .t = t, .err = &own };
        int r;

        if (!utf8)
                return hv_err_errno(err, -errno, "this system has no locale C.UTF-8");
        before = uselocale(utf8);
        w.a = archive_write_new();
        if (!w.a)
                hv_out_of_memory(sizeof w);
        w.piece = hv_malloc(PIECE_BYTES);
        (void) archive_write_set_format_pax_restricted(w.a);
        r = archive_write_open(w.a, &w, NULL, on_write, NULL) == ARCHIVE_OK ? put_top(&w) : cannot_write(&w);
        if (r == 0 && archive_write_close(w.a) != ARCHIVE_OK)
                r = cannot_write(&w);
        (void) archive_write_fail(w.a); /* nothing more is written */
        (void) archive_write_free(w.a);
        (void) uselocale(before);
        freelocale(utf8);
        free(w.piece);
        if (r < 0 && err)
                *err = own;
        return r;
}
