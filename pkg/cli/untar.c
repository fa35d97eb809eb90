/* cli/untar.c - see untar.h. */
#include "cli/untar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"
#include "base/vec.h"
#include "task/beneath.h"

#define NAME_MAX_BYTES 255
#define PATH_MAX_BYTES 4096
#define CLOSED_DIRS_MAX 100000 /* beyond it they stay open for their owner */

/* One that its owner may not write to or search gets its mode at the end. */
struct closed_dir {
        char *path;
        mode_t mode;
};

struct work {
        const struct hv_untar *u;
        struct archive *a;
        char *root; /* the first component of all names; NULL: none was seen yet */
        HV_VEC(struct closed_dir) closed;
        int source_error;
        struct hv_err *err;
};

static int refuse(const struct work *w, const char *entry, const char *what) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        return hv_err_set(w->err, -EBADMSG, "entry %s %s", hv_text_quote(entry, quoted), what);
}

static int cannot(const struct work *w, const char *path, int error) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        if (error == -ELOOP || error == -ENOTDIR)
                return refuse(w, path, "lies below something that is no directory");
        return hv_err_errno(w->err, error, "%s cannot be made", hv_text_quote(path, quoted));
}

/* ---- names ---- */

/* Any bytes are a good name, but what leads elsewhere is none. */
static const char *fault_of(const char *path) {
        if (*path == '/')
                return "has an absolute name";
        if (strlen(path) > PATH_MAX_BYTES)
                return "has a name of more than 4096 bytes";
        for (const char *p = path;; p++) {
                size_t n = strcspn(p, "/");

                if (n == 0 || (n == 1 && *p == '.'))
                        return "has a name that is not of normal form";
                if (n == 2 && p[0] == '.' && p[1] == '.')
                        return "leads out of the archive: \"..\"";
                if (n > NAME_MAX_BYTES)
                        return "has a name of more than 255 bytes";
                p += n;
                if (!*p)
                        return NULL;
        }
}

/* Where an entry goes, below dir_fd; "" is dir_fd itself. The caller frees. NULL: refused. */
static char *place_of(struct work *w, const char *raw) {
        _hv_cleanup_free_ char *name = hv_strdup(raw);
        size_t len = strlen(name), n;
        const char *fault, *rest;

        if (len > 1 && name[len - 1] == '/')
                name[len - 1] = '\0';
        fault = fault_of(name);
        n = strcspn(name, "/");
        if (!fault && !w->root)
                w->root = hv_strndup(name, n);
        if (!fault && (strlen(w->root) != n || memcmp(w->root, name, n) != 0))
                fault = "does not begin as the others do";
        if (fault) {
                (void) refuse(w, raw, fault);
                return NULL;
        }
        rest = name + n;
        if (!w->u->name)
                return hv_strdup(*rest ? rest + 1 : "");
        return hv_asprintf("%s%s", w->u->name, rest);
}

/* ---- making ---- */

static const struct hv_owner *owner_of(const struct work *w, struct archive_entry *e, struct hv_owner *ret) {
        *ret = (struct hv_owner){ geteuid(), getegid() };
        if (w->u->with_owners)
                *ret = (struct hv_owner){ (uid_t) archive_entry_uid(e), (gid_t) archive_entry_gid(e) };
        return ret;
}

/* The directory that `path` is in, made where it is missing; *ret_leaf points into path. */
static int open_parent(const struct work *w, const char *path, const char **ret_leaf) {
        const struct hv_owner me = { geteuid(), getegid() };
        const char *slash = strrchr(path, '/');
        _hv_cleanup_free_ char *above = slash ? hv_strndup(path, (size_t) (slash - path)) : hv_strdup("");
        int fd, r;

        *ret_leaf = slash ? slash + 1 : path;
        r = hv_beneath_make_dirs(w->u->dir_fd, above, &me, &fd);
        return r < 0 ? cannot(w, path, r) : fd;
}

/* What is there already goes: a file, or a link, but nothing else. */
static int make_room(const struct work *w, int parent, const char *leaf, const char *path) {
        struct stat st;

        if (fstatat(parent, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : cannot(w, path, -errno);
        if (S_ISDIR(st.st_mode))
                return refuse(w, path, "would replace a directory");
        if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
                return refuse(w, path, "would replace something that is no file");
        return unlinkat(parent, leaf, 0) < 0 ? cannot(w, path, -errno) : 0;
}

static int damaged(const struct work *w, const char *name) {
        const char *why = archive_error_string(w->a);
        char quoted[HV_TEXT_QUOTE_SIZE], reason[HV_TEXT_QUOTE_SIZE];

        if (w->source_error < 0)
                return hv_err_set(w->err, w->source_error, "what came is not whole");
        return hv_err_set(w->err, -EBADMSG, "entry %s is damaged or cut (%s)",
                          hv_text_quote(name ? name : "", quoted),
                          hv_text_quote(why ? why : "no reason is known", reason));
}

static int write_content(struct work *w, struct archive_entry *e, int fd, const char *path) {
        la_int64_t end = 0;

        for (;;) {
                const void *data;
                la_int64_t offset;
                size_t len;
                int got = archive_read_data_block(w->a, &data, &len, &offset), r;

                if (got == ARCHIVE_EOF)
                        break;
                if (got != ARCHIVE_OK)
                        return damaged(w, path);
                if (offset != end)
                        return refuse(w, path, "is sparse: its holes could be larger than any disk");
                r = hv_fd_write(fd, data, len);
                if (r < 0)
                        return cannot(w, path, r);
                end += (la_int64_t) len;
        }
        return end == archive_entry_size(e) ? 0
                                            : refuse(w, path, "is sparse, or has not the size that it says");
}

static int make_file(struct work *w, struct archive_entry *e, const char *path) {
        const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                           { .tv_sec = archive_entry_mtime(e),
                                             .tv_nsec = archive_entry_mtime_nsec(e) } };
        const char *leaf;
        _hv_cleanup_(hv_fd_closep) int parent = open_parent(w, path, &leaf), fd = -1;
        struct hv_owner owner;
        int r;

        if (parent < 0)
                return parent;
        r = make_room(w, parent, leaf, path);
        if (r < 0)
                return r;
        fd = hv_beneath_open(parent, leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        if (fd < 0)
                return cannot(w, path, fd);
        r = write_content(w, e, fd, path);
        if (r < 0)
                return r;
        (void) owner_of(w, e, &owner);
        if ((w->u->with_owners && fchown(fd, owner.uid, owner.gid) < 0) ||
            fchmod(fd, archive_entry_perm(e) & 0777) < 0)
                return cannot(w, path, -errno);
        (void) futimens(fd, times);
        return 0;
}

static int make_symlink(struct work *w, struct archive_entry *e, const char *path) {
        const char *target = archive_entry_symlink(e), *leaf;
        _hv_cleanup_(hv_fd_closep) int parent = open_parent(w, path, &leaf);
        struct hv_owner owner;
        int r;

        if (parent < 0)
                return parent;
        if (!target)
                return refuse(w, path, "is a link without a target");
        r = make_room(w, parent, leaf, path);
        if (r < 0)
                return r;
        if (symlinkat(target, parent, leaf) < 0)
                return cannot(w, path, -errno);
        (void) owner_of(w, e, &owner);
        if (w->u->with_owners && fchownat(parent, leaf, owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) < 0)
                return cannot(w, path, -errno);
        return 0;
}

/* By its descriptor: what was looked at is linked, not its name again. */
static int make_hard_link(struct work *w, const char *target_raw, const char *path) {
        _hv_cleanup_free_ char *target = place_of(w, target_raw);
        _hv_cleanup_(hv_fd_closep) int parent = -1, file = -1;
        char link[32];
        const char *leaf;
        struct stat st;
        int r;

        if (!target)
                return w->err->code;
        file = hv_beneath_open(w->u->dir_fd, *target ? target : ".", O_PATH | O_NOFOLLOW, 0);
        if (file < 0 || fstat(file, &st) < 0 || !S_ISREG(st.st_mode))
                return refuse(w, path, "is a hard link to what is no file of the archive");
        parent = open_parent(w, path, &leaf);
        if (parent < 0)
                return parent;
        if (hv_streq(path, target))
                return 0;
        r = make_room(w, parent, leaf, path);
        if (r < 0)
                return r;
        (void) snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        return linkat(AT_FDCWD, link, parent, leaf, AT_SYMLINK_FOLLOW) < 0 ? cannot(w, path, -errno) : 0;
}

/* One that was there keeps its mode. */
static int make_dir(struct work *w, struct archive_entry *e, const char *path) {
        _hv_cleanup_(hv_fd_closep) int fd =
                hv_beneath_open(w->u->dir_fd, *path ? path : ".", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
        mode_t mode = archive_entry_perm(e) & 0777;
        struct hv_owner owner;
        int r;

        if (fd >= 0)
                return 0;
        r = hv_beneath_make_dirs(w->u->dir_fd, path, owner_of(w, e, &owner), &fd);
        if (r < 0)
                return cannot(w, path, r);
        if (fchmod(fd, mode | 0700) < 0)
                return cannot(w, path, -errno);
        if ((mode & 0700) != 0700 && w->closed.n < CLOSED_DIRS_MAX)
                hv_vec_push(&w->closed, ((struct closed_dir){ hv_strdup(path), mode }));
        return 0;
}

static void leave_out(const struct work *w, const char *path, const char *why) {
        if (w->u->left_out)
                w->u->left_out(w->u->userdata, path, why);
}

static int make_entry(struct work *w, struct archive_entry *e) {
        const char *raw = archive_entry_pathname(e), *hard;
        _hv_cleanup_free_ char *path = NULL;

        if (!raw)
                return hv_err_set(w->err, -EBADMSG, "an entry has a name that cannot be read");
        path = place_of(w, raw);
        if (!path)
                return w->err->code;
        hard = archive_entry_hardlink(e);
        if (!*path && (hard || archive_entry_filetype(e) != AE_IFDIR))
                return refuse(w, raw, "is no directory");
        if (hard)
                return make_hard_link(w, hard, path);
        switch (archive_entry_filetype(e)) {
        case AE_IFREG:
                return make_file(w, e, path);
        case AE_IFDIR:
                return make_dir(w, e, path);
        case AE_IFLNK:
                return make_symlink(w, e, path);
        case AE_IFCHR:
        case AE_IFBLK:
                leave_out(w, path, "a device");
                return 0;
        default:
                leave_out(w, path, "neither a file, a directory nor a link");
                return 0;
        }
}

/* ---- the archive ---- */

static la_ssize_t give(struct archive *a, void *userdata, const void **ret) {
        struct work *w = userdata;
        ssize_t n = w->u->read(w->u->userdata, ret);

        if (n >= 0)
                return n;
        w->source_error = (int) n;
        archive_set_error(a, EIO, "what came is not whole");
        return ARCHIVE_FATAL;
}

static int unpack(struct work *w) {
        struct archive_entry *e;

        (void) archive_read_support_format_tar(w->a);
        if (archive_read_open(w->a, w, NULL, give, NULL) != ARCHIVE_OK)
                return damaged(w, NULL);
        for (;;) {
                int got = archive_read_next_header(w->a, &e), r;

                if (got == ARCHIVE_EOF)
                        break;
                if (got != ARCHIVE_OK)
                        return damaged(w, w->root);
                r = make_entry(w, e);
                if (r < 0)
                        return r;
        }
        return w->root ? 0 : hv_err_set(w->err, -EBADMSG, "the archive is empty");
}

/* Deepest last in, first out: one that is closed can be passed no more. */
static int close_dirs(struct work *w) {
        int r = 0;

        while (w->closed.n > 0) {
                struct closed_dir d = w->closed.v[--w->closed.n];
                _hv_cleanup_(hv_fd_closep) int fd =
                        hv_beneath_open(w->u->dir_fd, d.path, O_RDONLY | O_DIRECTORY, 0);

                if (r == 0 && (fd < 0 || fchmod(fd, d.mode) < 0))
                        r = cannot(w, d.path, fd < 0 ? fd : -errno);
                free(d.path);
        }
        hv_vec_done(&w->closed);
        return r;
}

int hv_untar(const struct hv_untar *u, struct hv_err *err) {
        /* Names come out as they are, whatever the locale. */
        locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0), before;
        struct hv_err own = {};
        struct work w = { .u = u, .err = &own };
        int r, r2;

        if (!utf8)
                return hv_err_errno(err, -errno, "this system has no locale C.UTF-8");
        before = uselocale(utf8);
        w.a = archive_read_new();
        if (!w.a)
                hv_out_of_memory(sizeof w);
        r = unpack(&w);
        r2 = close_dirs(&w);
        (void) archive_read_free(w.a);
        (void) uselocale(before);
        freelocale(utf8);
        free(w.root);
        if (r == 0)
                r = r2;
        if (r < 0 && err)
                *err = own;
        return r;
}
