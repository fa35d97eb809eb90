/* task/python_packages.c - see python_packages.h. */
#include "task/python_packages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/time.h"
#include "base/vec.h"
#include "task/folder.h"
#include "task/measure.h"
#include "task/place.h"
#include "task/tree.h"
#include "task/worker.h"

#define BUILD_PREFIX "build-"
#define GONE_PREFIX "gone-"

/* Between the look and the link of somebody who wants it: whatever the settings say, it is not taken away under him. */
#define KEEP_AT_LEAST_US HV_USEC_PER_MIN

static void closep(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

static bool is_dot(const char *name) {
        return hv_streq(name, ".") || hv_streq(name, "..");
}

typedef HV_VEC(char *) names;

static void free_names(names *n) {
        for (size_t i = 0; i < n->n; i++)
                free(n->v[i]);
        hv_vec_done(n);
}

static int list_names(int dir_fd, names *ret) {
        _hv_cleanup_(closep) DIR *d = NULL;
        const struct dirent *e;
        int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (copy < 0)
                return -errno;
        d = fdopendir(copy);
        if (!d) {
                hv_fd_closep(&copy);
                return -ENOMEM;
        }
        for (errno = 0; (e = readdir(d)); errno = 0)
                if (!is_dot(e->d_name))
                        hv_vec_push(ret, hv_strdup(e->d_name));
        return -errno;
}

/* --- the key --- */

static int compare_texts(const void *a, const void *b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static int list_wheels(const char *path, struct hv_buf *ret, struct hv_err *err) {
        _hv_cleanup_(closep) DIR *d = opendir(path);
        _hv_cleanup_(free_names) names found = {};
        const struct dirent *e;

        if (!d)
                return hv_err_errno(err, -errno, "the folder of wheels %s cannot be read", path);
        for (errno = 0; (e = readdir(d)); errno = 0) {
                struct stat st;

                if (is_dot(e->d_name) || fstatat(dirfd(d), e->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode))
                        continue;
                hv_vec_push(&found, hv_asprintf("%zu:%s %lld %lld.%09ld\n", strlen(e->d_name), e->d_name,
                                                (long long) st.st_size, (long long) st.st_mtim.tv_sec,
                                                st.st_mtim.tv_nsec));
        }
        if (errno)
                return hv_err_errno(err, -errno, "the folder of wheels %s cannot be listed", path);
        if (found.n)
                qsort(found.v, found.n, sizeof *found.v, compare_texts);
        for (size_t i = 0; i < found.n; i++)
                hv_buf_puts(ret, found.v[i]);
        return 0;
}

int hv_packages_key(const char *image_id, const struct hv_task_packages *packages,
                    char ret[HV_SHA256_HEX_SIZE], struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        int r;

        hv_buf_printf(&text, "hivelet packages 1\nimage %s\nrequirements %zu\n%sindex %s\nwheels %s\n",
                      image_id, strlen(packages->requirements), packages->requirements,
                      packages->index ? packages->index : "-", packages->wheels ? packages->wheels : "-");
        if (packages->wheels) {
                r = list_wheels(packages->wheels, &text, err);
                if (r < 0)
                        return r;
        }
        hv_sha256_hex(text.data, text.len, ret);
        return 0;
}

/* --- using --- */

int hv_packages_use(const char *root, const char *key, const char *work_root, const struct hv_attempt *a,
                    struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int root_fd = -1, fd = -1;
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s", root, key);
        int r = hv_folder_root(root, &root_fd, err);

        if (r < 0)
                return r;
        fd = hv_beneath_open(root_fd, key, O_RDONLY | O_DIRECTORY, 0);
        if (fd == -ENOENT)
                return 0;
        if (fd < 0)
                return hv_err_errno(err, fd, "%s", path);
        if (futimens(fd, NULL) < 0)
                return hv_err_errno(err, -errno, "the time of %s cannot be set", path);
        r = hv_workspace_link_packages(work_root, a, path, err);
        return r < 0 ? r : 1;
}

/* --- making --- */

char *hv_packages_build_name(const struct hv_attempt *a) {
        return hv_asprintf(BUILD_PREFIX "%s.%u", a->id, a->attempt);
}

static int give(int fd, const struct hv_owner *owner, const char *path, struct hv_err *err) {
        if (fchown(fd, owner->uid, owner->gid) < 0)
                return hv_err_errno(err, -errno, "%s cannot be given to %u:%u", path, (unsigned) owner->uid,
                                    (unsigned) owner->gid);
        return 0;
}

int hv_packages_begin(const char *root, const struct hv_attempt *a, const struct hv_owner *owner,
                      const char *requirements, const struct hv_job *job, char **ret_path,
                      struct hv_err *err) {
        static const char *const folders[] = { HV_PACKAGES_TARGET, HV_PACKAGES_TEMP };
        _hv_cleanup_(hv_fd_closep) int root_fd = -1, fd = -1;
        _hv_cleanup_free_ char *name = hv_packages_build_name(a), *path = NULL;
        int r = hv_folder_check(a, err);

        if (r >= 0)
                r = hv_folder_root(root, &root_fd, err);
        if (r < 0)
                return r;
        path = hv_asprintf("%s/%s", root, name);
        r = hv_tree_remove(root_fd, name, path, job, err);
        if (r >= 0)
                r = hv_folder_make(root_fd, name, root, &fd, err);
        for (size_t i = 0; r >= 0 && i < HV_ARRAY_SIZE(folders); i++) {
                _hv_cleanup_(hv_fd_closep) int folder = -1;

                r = hv_folder_make(fd, folders[i], path, &folder, err);
                if (r >= 0)
                        r = give(folder, owner, path, err);
        }
        if (r >= 0)
                r = hv_place_text(fd, HV_PACKAGES_FILE, requirements, strlen(requirements), owner, err);
        if (r >= 0)
                r = give(fd, owner, path, err);
        if (r < 0)
                return hv_err_prefix(err, r, "packages");
        *ret_path = HV_STEAL(path);
        return 0;
}

/* --- taking over --- */

static int check_amount(uint64_t n_bytes, uint64_t n_entries, struct hv_err *err) {
        if (n_bytes > HV_PACKAGES_MAX_BYTES)
                return hv_err_set(err, -EBADMSG, "the packages need more than %llu GiB",
                                  (unsigned long long) (HV_PACKAGES_MAX_BYTES >> 30));
        if (n_entries > HV_PACKAGES_MAX_ENTRIES)
                return hv_err_set(err, -EBADMSG, "the packages have more than %u files",
                                  HV_PACKAGES_MAX_ENTRIES);
        return 0;
}

struct taking {
        const char *path; /* for messages */
        uint64_t n_bytes, n_entries;
        unsigned depth;
        const struct hv_job *job;
        struct hv_err *err;
};

/* Read by every user, written by none; no bit beside "may be run" is kept. */
static int take(const struct taking *t, int fd, const char *name, mode_t mode) {
        mode_t bits = S_ISDIR(mode) || (mode & S_IXUSR) ? 0755 : 0644;

        if (fchown(fd, geteuid(), getegid()) < 0 || fchmod(fd, bits) < 0)
                return hv_err_errno(t->err, -errno, "%s/%s cannot be taken over", t->path, name);
        return 0;
}

static int take_dir(struct taking *t, int fd);

static int take_entry(struct taking *t, int parent_fd, const char *name) {
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        struct stat st;
        int r;

        if (t->job && hv_job_is_cancelled(t->job))
                return hv_err_set(t->err, -ECANCELED, "the installation was cancelled");
        if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return hv_err_errno(t->err, -errno, "%s/%s", t->path, name);
        if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
                return hv_err_set(t->err, -EBADMSG,
                                  "the packages hold %s, which is neither a file nor a folder", name);
        t->n_entries++;
        t->n_bytes += (uint64_t) st.st_blocks * 512;
        r = check_amount(t->n_bytes, t->n_entries, t->err);
        if (r < 0)
                return r;
        fd = hv_beneath_open(parent_fd, name, O_RDONLY | O_NONBLOCK, 0);
        if (fd < 0)
                return hv_err_errno(t->err, fd, "%s/%s", t->path, name);
        r = take(t, fd, name, st.st_mode);
        return r < 0 || S_ISREG(st.st_mode) ? r : take_dir(t, fd);
}

static int take_dir(struct taking *t, int fd) {
        _hv_cleanup_(free_names) names all = {};
        int r = list_names(fd, &all);

        if (r < 0)
                return hv_err_errno(t->err, r, "%s cannot be listed", t->path);
        if (++t->depth > HV_BENEATH_DEPTH_MAX)
                return hv_err_set(t->err, -EBADMSG, "the packages have more than %u levels of folders",
                                  HV_BENEATH_DEPTH_MAX);
        for (size_t i = 0; r >= 0 && i < all.n; i++)
                r = take_entry(t, fd, all.v[i]);
        t->depth--;
        return r;
}

static int open_build(const char *root, const struct hv_attempt *a, int *ret_root_fd, int *ret_fd,
                      struct hv_err *err) {
        _hv_cleanup_free_ char *name = hv_packages_build_name(a);
        int r = hv_folder_check(a, err);

        if (r >= 0)
                r = hv_folder_root(root, ret_root_fd, err);
        if (r < 0)
                return r;
        *ret_fd = hv_beneath_open(*ret_root_fd, name, O_RDONLY | O_DIRECTORY, 0);
        return *ret_fd < 0 ? hv_err_errno(err, *ret_fd, "%s/%s", root, name) : 0;
}

int hv_packages_check_size(const char *root, const struct hv_attempt *a, const struct hv_job *job,
                           struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int root_fd = -1, fd = -1;
        struct hv_measured found = {};
        int r = open_build(root, a, &root_fd, &fd, err);

        if (r < 0)
                return r;
        r = hv_measure_tree(fd, job, &found);
        if (r < 0)
                return hv_err_errno(err, r, "%s cannot be measured", root);
        if (found.is_too_deep)
                return hv_err_set(err, -EBADMSG, "the packages have more than %u levels of folders",
                                  HV_MEASURE_DEPTH_MAX);
        return check_amount(found.bytes, found.n_entries, err);
}

int hv_packages_commit(const char *root, const struct hv_attempt *a, const char *key,
                       const struct hv_job *job, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int root_fd = -1, build_fd = -1, fd = -1;
        struct taking t = { .path = root, .job = job, .err = err };
        int r = open_build(root, a, &root_fd, &build_fd, err);

        if (r < 0)
                return r;
        fd = hv_beneath_open(build_fd, HV_PACKAGES_TARGET, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return hv_err_errno(err, fd, "%s/%s", root, HV_PACKAGES_TARGET);
        r = take(&t, fd, HV_PACKAGES_TARGET, S_IFDIR);
        if (r >= 0)
                r = take_dir(&t, fd);
        if (r < 0)
                return r;
        /* Thousands of small files: the whole file system once is cheaper than each of them. */
        if (syncfs(fd) < 0)
                return hv_err_errno(err, -errno, "%s cannot be flushed", root);
        if (futimens(fd, NULL) < 0)
                return hv_err_errno(err, -errno, "the time of %s/%s cannot be set", root, key);
        if (renameat2(build_fd, HV_PACKAGES_TARGET, root_fd, key, RENAME_NOREPLACE) < 0 &&
            errno != EEXIST) /* somebody made the same meanwhile */
                return hv_err_errno(err, -errno, "%s/%s cannot be put in place", root, key);
        return fsync(root_fd) < 0 ? hv_err_errno(err, -errno, "%s cannot be flushed", root) : 0;
}

/* --- sweeping --- */

static bool has_name(const names *n, const char *name) {
        for (size_t i = 0; i < n->n; i++)
                if (hv_streq(n->v[i], name))
                        return true;
        return false;
}

/* The sets that the attempts of one task are linked to. */
static int list_links(int task_fd, names *ret) {
        _hv_cleanup_(free_names) names attempts = {};
        int r = list_names(task_fd, &attempts);

        for (size_t i = 0; r >= 0 && i < attempts.n; i++) {
                char name[NAME_MAX + sizeof "/packages"], path[4096];
                const char *slash;
                ssize_t n;

                (void) snprintf(name, sizeof name, "%s/packages", attempts.v[i]);
                n = readlinkat(task_fd, name, path, sizeof path - 1);
                if (n < 0 && (errno == ENOENT || errno == ENOTDIR))
                        continue;
                if (n < 0)
                        return -errno;
                path[n] = '\0';
                slash = strrchr(path, '/');
                hv_vec_push(ret, hv_strdup(slash ? slash + 1 : path));
        }
        return r;
}

static int list_used(const char *work_root, names *ret) {
        _hv_cleanup_(hv_fd_closep) int root_fd = -1;
        _hv_cleanup_(free_names) names tasks = {};
        int r = 0;

        root_fd = open(work_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root_fd < 0)
                return errno == ENOENT ? 0 : -errno;
        r = list_names(root_fd, &tasks);
        for (size_t i = 0; r >= 0 && i < tasks.n; i++) {
                _hv_cleanup_(hv_fd_closep) int task_fd =
                        hv_beneath_open(root_fd, tasks.v[i], O_RDONLY | O_DIRECTORY, 0);

                if (task_fd >= 0)
                        r = list_links(task_fd, ret);
                else if (task_fd != -ENOENT && task_fd != -ENOTDIR)
                        r = task_fd;
        }
        return r;
}

static bool is_old(int root_fd, const char *key, uint64_t keep_us) {
        struct timespec now;
        struct stat st;

        if (keep_us == 0 || fstatat(root_fd, key, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return false;
        (void) clock_gettime(CLOCK_REALTIME, &now);
        return now.tv_sec > st.st_mtim.tv_sec &&
               (uint64_t) (now.tv_sec - st.st_mtim.tv_sec) * HV_USEC_PER_SEC >
                       HV_MAX(keep_us, KEEP_AT_LEAST_US);
}

/* Not complete any more in one step: what a crash leaves of it is found by its name. */
static int remove_set(int root_fd, const char *key, const char *root, const struct hv_job *job,
                      struct hv_err *err) {
        _hv_cleanup_free_ char *gone = hv_asprintf(GONE_PREFIX "%s", key);
        int r = hv_tree_remove(root_fd, gone, root, job, err);

        if (r >= 0 && renameat(root_fd, key, root_fd, gone) < 0)
                return hv_err_errno(err, -errno, "%s/%s cannot be removed", root, key);
        return r < 0 ? r : hv_tree_remove(root_fd, gone, root, job, err);
}

static bool is_under_way(const struct hv_strv *under_way, const char *name) {
        for (size_t i = 0; i < under_way->n; i++)
                if (hv_streq(under_way->v[i], name))
                        return true;
        return false;
}

int hv_packages_sweep(const char *root, const char *work_root, const struct hv_strv *under_way,
                      uint64_t keep_us, const struct hv_job *job, struct hv_err *err) {
        _hv_cleanup_(free_names) names all = {}, used = {};
        _hv_cleanup_(hv_fd_closep) int root_fd = -1;
        struct hv_err one = {};
        int r, unknown, first = 0;

        root_fd = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (root_fd < 0)
                return errno == ENOENT ? 0 : hv_err_errno(err, -errno, "%s cannot be opened", root);
        r = list_names(root_fd, &all);
        if (r < 0)
                return hv_err_errno(err, r, "%s cannot be listed", root);
        unknown = list_used(work_root, &used);
        for (size_t i = 0; i < all.n; i++) {
                const char *name = all.v[i];

                r = 0;
                if (hv_has_prefix(name, BUILD_PREFIX) ? !is_under_way(under_way, name)
                                                      : hv_has_prefix(name, GONE_PREFIX))
                        r = hv_tree_remove(root_fd, name, root, job, &one);
                else if (unknown >= 0 && strlen(name) == HV_SHA256_HEX_SIZE - 1 && !has_name(&used, name) &&
                         is_old(root_fd, name, keep_us))
                        r = remove_set(root_fd, name, root, job, &one);
                if (r < 0 && first == 0) {
                        first = r;
                        if (err)
                                *err = one;
                }
        }
        if (unknown < 0)
                return hv_err_errno(err, unknown, "%s cannot be read: packages stay", work_root);
        return first;
}
