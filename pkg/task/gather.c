/* task/gather.c - see gather.h. */
#include "task/gather.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "base/vec.h"
#include "task/worker.h"

#define BLOCK_BYTES ((size_t) 256 << 10)
#define ZERO_BYTES ((size_t) 4096) /* shorter runs of zeros are written */
#define NAMES_BEYOND_FILES 10000u  /* of one directory: links and the like, on top of max_files */

/* One of several names of a file. */
struct name {
        char *path;
        dev_t dev;
        ino_t ino;
        nlink_t n_links;
};

struct walk {
        const struct hv_gather *g;
        struct hv_manifest *manifest;
        size_t n_files;
        uint64_t n_bytes;
        HV_VEC(struct name) linked;
        char *block;
        struct hv_err *err;
};

struct names {
        char **v;
        size_t n, cap;
};

static void names_done(struct names *names) {
        for (size_t i = 0; i < names->n; i++)
                free(names->v[i]);
        hv_vec_done(names);
}

static void closep(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

static int by_name(const void *a, const void *b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static int error_at(const struct walk *w, int error, const char *path, const char *what) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        return hv_err_errno(w->err, error, "output %s %s", hv_text_quote(path, quoted), what);
}

static bool is_zero(const char *p, size_t len) {
        return len > 0 && p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

/* Writes a block, but leaves holes where there is nothing but zeros. */
static int write_sparse(int fd, const char *p, size_t len) {
        while (len > 0) {
                size_t part = HV_MIN(len, ZERO_BYTES);
                int r = 0;

                if (part == ZERO_BYTES && is_zero(p, part))
                        r = lseek(fd, (off_t) part, SEEK_CUR) < 0 ? -errno : 0;
                else
                        r = hv_fd_write(fd, p, part);
                if (r < 0)
                        return r;
                p += part;
                len -= part;
        }
        return 0;
}

/* At most `size` bytes: what is appended meanwhile does not count. */
static int copy_content(struct walk *w, int from, int to, uint64_t size, struct hv_manifest_file *file) {
        struct hv_sha256 sha256;
        uint64_t at = 0;
        int r;

        hv_sha256_init(&sha256);
        while (at < size) {
                ssize_t n = pread(from, w->block, (size_t) HV_MIN(size - at, BLOCK_BYTES), (off_t) at);

                if (w->g->job && hv_job_is_cancelled(w->g->job))
                        return hv_err_set(w->err, -ECANCELED, "the collection was cancelled");
                if (n < 0)
                        return error_at(w, -errno, file->path, "cannot be read");
                if (n == 0)
                        break; /* it became shorter */
                hv_sha256_add(&sha256, w->block, (size_t) n);
                r = write_sparse(to, w->block, (size_t) n);
                if (r < 0)
                        return error_at(w, r, file->path, "cannot be copied");
                at += (uint64_t) n;
        }
        if (ftruncate(to, (off_t) at) < 0)
                return error_at(w, -errno, file->path, "cannot be copied");
        file->size_bytes = at;
        hv_sha256_finish_hex(&sha256, file->sha256);
        return 0;
}

/* Is there room for one more of this size? Notes it where not. */
static bool has_room(struct walk *w, const char *path, uint64_t size) {
        if (w->n_files >= w->g->max_files) {
                hv_manifest_leave_out(w->manifest, path, true, "more files than are collected");
                return false;
        }
        if (size > w->g->max_bytes - w->n_bytes) {
                hv_manifest_leave_out(w->manifest, path, true, "more bytes than are collected");
                return false;
        }
        return true;
}

/* 1 taken, 0 left out. `fd` is the file that was looked at. */
static int take(struct walk *w, int fd, const struct stat *st, const char *path,
                struct hv_manifest_file *ret_file) {
        struct hv_manifest_file file = { .path = path, .mode = st->st_mode & 0777 };
        struct hv_owner agent = { .uid = geteuid(), .gid = getegid() };
        _hv_cleanup_(hv_fd_closep) int to = -1;
        int r;

        if (!has_room(w, path, (uint64_t) st->st_size))
                return 0;
        r = hv_beneath_make_file(w->g->files_fd, path, &agent, &to);
        if (r < 0)
                return error_at(w, r, path, "cannot be copied");
        r = copy_content(w, fd, to, (uint64_t) st->st_size, &file);
        if (r < 0)
                return r;
        w->n_files++;
        w->n_bytes += file.size_bytes;
        *ret_file = file;
        r = hv_manifest_add(w->manifest, &file, w->err);
        return r < 0 ? r : 1;
}

static int take_file(struct walk *w, int parent_fd, const char *name, const char *path) {
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        struct hv_manifest_file file;
        struct stat st;
        int r;

        r = hv_beneath_open_regular(parent_fd, name, &fd);
        if (r < 0 || fstat(fd, &st) < 0) {
                hv_manifest_leave_out(w->manifest, path, false, "it changed while it was looked at");
                return 0;
        }
        if (st.st_nlink > 1) {
                hv_vec_push(&w->linked, ((struct name){ .path = hv_strdup(path),
                                                        .dev = st.st_dev,
                                                        .ino = st.st_ino,
                                                        .n_links = st.st_nlink }));
                return 0;
        }
        r = take(w, fd, &st, path, &file);
        return HV_MIN(r, 0);
}

static const char *kind_of(mode_t mode) {
        switch (mode & S_IFMT) {
        case S_IFLNK:
                return "a symbolic link";
        case S_IFIFO:
                return "a fifo";
        case S_IFSOCK:
                return "a socket";
        case S_IFCHR:
        case S_IFBLK:
                return "a device";
        default:
                return "not a regular file";
        }
}

static int take_dir(struct walk *w, int fd, const char *path, unsigned depth);

/* Anything below a declared path, or that path itself. */
static int take_entry(struct walk *w, int parent_fd, const char *name, const char *path, unsigned depth) {
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        struct stat st;
        int r;

        r = hv_beneath_open(parent_fd, name, O_PATH | O_NOFOLLOW, 0);
        fd = r < 0 ? -1 : r;
        if (r == -ENOENT)
                return 0;
        if (r < 0 || fstat(fd, &st) < 0) {
                hv_manifest_leave_out(w->manifest, path, false,
                                      r == -EXDEV   ? "something is mounted there"
                                      : r == -ELOOP ? "a symbolic link"
                                                    : "it cannot be opened");
                return 0;
        }
        if (S_ISREG(st.st_mode))
                return take_file(w, parent_fd, name, path);
        if (!S_ISDIR(st.st_mode)) {
                hv_manifest_leave_out(w->manifest, path, false, kind_of(st.st_mode));
                return 0;
        }
        if (depth >= HV_BENEATH_DEPTH_MAX || strlen(path) > HV_BENEATH_PATH_MAX) {
                hv_manifest_leave_out(w->manifest, path, false, "too deep");
                return 0;
        }
        r = hv_beneath_open(parent_fd, name, O_RDONLY | O_DIRECTORY, 0);
        if (r < 0) {
                hv_manifest_leave_out(w->manifest, path, false, "it changed while it was looked at");
                return 0;
        }
        hv_fd_closep(&fd);
        fd = r;
        return take_dir(w, fd, path, depth + 1);
}

/* In order. A directory with more names than could be taken is cut. */
static int read_names(struct walk *w, int fd, const char *path, struct names *names) {
        _hv_cleanup_(closep) DIR *d = NULL;
        size_t max = w->g->max_files - w->n_files + NAMES_BEYOND_FILES;
        struct dirent *entry;
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

        d = copy < 0 ? NULL : fdopendir(copy);
        if (!d)
                return error_at(w, -errno, path, "cannot be listed");
        while ((entry = readdir(d))) {
                if (hv_streq(entry->d_name, ".") || hv_streq(entry->d_name, ".."))
                        continue;
                if (names->n == max) {
                        hv_manifest_leave_out(w->manifest, path, true, "more entries than are collected");
                        break;
                }
                hv_vec_push(names, hv_strdup(entry->d_name));
        }
        if (names->n > 0)
                qsort(names->v, names->n, sizeof *names->v, by_name);
        return 0;
}

static int take_dir(struct walk *w, int fd, const char *path, unsigned depth) {
        _hv_cleanup_(names_done) struct names names = {};
        int r;

        r = read_names(w, fd, path, &names);
        for (size_t i = 0; i < names.n && r >= 0; i++) {
                _hv_cleanup_free_ char *below = hv_asprintf("%s%s%s", path, *path ? "/" : "", names.v[i]);

                if (w->g->job && hv_job_is_cancelled(w->g->job))
                        return hv_err_set(w->err, -ECANCELED, "the collection was cancelled");
                r = take_entry(w, fd, names.v[i], below, depth);
        }
        return r;
}

/* --- files with several names --- */

static int by_inode(const void *a, const void *b) {
        const struct name *x = a, *y = b;

        if (x->dev != y->dev)
                return x->dev < y->dev ? -1 : 1;
        if (x->ino != y->ino)
                return x->ino < y->ino ? -1 : 1;
        return strcmp(x->path, y->path);
}

static int link_copy(struct walk *w, struct hv_manifest_file file, const char *path) {
        struct hv_owner agent = { .uid = geteuid(), .gid = getegid() };
        const char *slash = strrchr(path, '/');
        _hv_cleanup_free_ char *above = slash ? hv_strndup(path, (size_t) (slash - path)) : hv_strdup("");
        _hv_cleanup_(hv_fd_closep) int parent = -1;
        int r;

        if (!has_room(w, path, 0))
                return 0;
        r = hv_beneath_make_dirs(w->g->files_fd, above, &agent, &parent);
        if (r < 0)
                return error_at(w, r, path, "cannot be copied");
        if (linkat(w->g->files_fd, file.path, parent, slash ? slash + 1 : path, 0) < 0)
                return error_at(w, -errno, path, "cannot be copied");
        file.path = path;
        w->n_files++;
        return hv_manifest_add(w->manifest, &file, w->err);
}

/* n names of one file, which are all that it has. */
static int take_linked(struct walk *w, const struct name *names, size_t n) {
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        struct hv_manifest_file file;
        struct stat st;
        int r;

        r = hv_beneath_open_regular(w->g->workspace_fd, names[0].path, &fd);
        if (r < 0 || fstat(fd, &st) < 0 || st.st_ino != names[0].ino || st.st_dev != names[0].dev ||
            st.st_nlink != n) {
                hv_manifest_leave_out(w->manifest, names[0].path, false, "it changed while it was looked at");
                return 0;
        }
        r = take(w, fd, &st, names[0].path, &file);
        if (r < 0)
                return r;
        for (size_t i = 1; i < n; i++) {
                if (r == 0)
                        hv_manifest_leave_out(w->manifest, names[i].path, true,
                                              "another name of what is left out");
                else if (link_copy(w, file, names[i].path) < 0)
                        return w->err->code;
        }
        return 0;
}

static int take_all_linked(struct walk *w) {
        int r = 0;

        if (w->linked.n > 0)
                qsort(w->linked.v, w->linked.n, sizeof *w->linked.v, by_inode);
        for (size_t i = 0, n; i < w->linked.n && r >= 0; i += n) {
                const struct name *first = &w->linked.v[i];

                for (n = 1; i + n < w->linked.n && first[n].dev == first->dev && first[n].ino == first->ino;
                     n++)
                        ;
                if (n == first->n_links)
                        r = take_linked(w, first, n);
                else
                        for (size_t k = 0; k < n; k++)
                                hv_manifest_leave_out(w->manifest, first[k].path, false,
                                                      "a hard link to a file outside of the outputs");
        }
        return r;
}

/* --- the whole --- */

/* Declared twice, or below another declared path? Then it comes with that one. */
static bool is_covered(const struct hv_gather *g, size_t i) {
        for (size_t k = 0; k < g->n_paths; k++) {
                size_t len = strlen(g->paths[k]);

                if (k == i)
                        continue;
                if (hv_streq(g->paths[k], g->paths[i])
                            ? k < i
                            : hv_streq(g->paths[k], ".") ||
                                      (hv_has_prefix(g->paths[i], g->paths[k]) && g->paths[i][len] == '/'))
                        return true;
        }
        return false;
}

static int take_path(struct walk *w, const char *path) {
        if (hv_streq(path, "."))
                return take_dir(w, w->g->workspace_fd, "", 1);
        if (hv_beneath_fault(path, strlen(path)))
                return hv_err_set(w->err, -EINVAL, "output \"%s\": its path %s", path,
                                  hv_beneath_fault(path, strlen(path)));
        return take_entry(w, w->g->workspace_fd, path, path, 1);
}

int hv_gather_files(const struct hv_gather *g, struct hv_manifest *m, struct hv_err *err) {
        struct hv_err own = {};
        struct walk w = { .g = g, .manifest = m, .err = &own };
        int r = 0;

        w.block = hv_malloc(BLOCK_BYTES);
        for (size_t i = 0; i < g->n_paths && r >= 0; i++)
                if (!is_covered(g, i))
                        r = take_path(&w, g->paths[i]);
        if (r >= 0)
                r = take_all_linked(&w);
        for (size_t i = 0; i < w.linked.n; i++)
                free(w.linked.v[i].path);
        hv_vec_done(&w.linked);
        free(w.block);
        if (r < 0 && err)
                *err = own;
        return r;
}
