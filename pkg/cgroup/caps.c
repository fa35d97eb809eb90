/* cgroup/caps.c - see caps.h. */
#include "cgroup/caps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/vec.h"

#define FILE_MAX 128
#define NANO UINT64_C(1000000000)
#define PERIOD_US UINT64_C(100000)
#define QUOTA_MIN_US UINT64_C(1000) /* kernel/sched/core.c: min_cfs_quota_period */
/* Version 1 says "none" with the largest multiple of a page in a long. */
#define NO_LIMIT (UINT64_C(1) << 62)

/* ---- files ---- */

struct kept_file {
        char *path;
        int fd;
};

struct hv_cgroup_caps_files {
        const struct hv_cgroup_tree *tree;
        HV_VEC(struct kept_file) v;
};

/* An open file holds on to the kernel's record of a cgroup that is gone. */
static void close_all(struct hv_cgroup_caps_files *files) {
        for (size_t i = 0; i < files->v.n; i++) {
                (void) close(files->v.v[i].fd);
                free(files->v.v[i].path);
        }
        hv_vec_clear(&files->v);
}

static ssize_t read_once(const char *path, char ret[FILE_MAX]) {
        _hv_cleanup_(hv_fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

        return fd < 0 ? -1 : read(fd, ret, FILE_MAX - 1);
}

static ssize_t read_kept(struct hv_cgroup_caps_files *files, const char *path, char ret[FILE_MAX]) {
        int fd;

        for (size_t i = 0; i < files->v.n; i++)
                if (hv_streq(files->v.v[i].path, path))
                        return pread(files->v.v[i].fd, ret, FILE_MAX - 1, 0);
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -1;
        hv_vec_push(&files->v, ((struct kept_file){ hv_strdup(path), fd }));
        return pread(fd, ret, FILE_MAX - 1, 0);
}

/* -ENOENT: the controller is off there. files NULL: none are kept. */
static int read_text(struct hv_cgroup_caps_files *files, const char *dir, const char *name,
                     char ret[FILE_MAX], struct hv_err *err) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s", dir, name);
        ssize_t n = files ? read_kept(files, path, ret) : read_once(path, ret);

        if (n < 0 && errno == ENODEV && files) { /* it was removed; another may stand there by now */
                close_all(files);
                n = read_kept(files, path, ret);
        }
        if (n < 0)
                return hv_err_errno(err, -errno, "cannot read %s", path);
        ret[n] = '\0';
        ret[strcspn(ret, "\n")] = '\0';
        return 0;
}

static int write_text(const char *dir, const char *name, const char *text, struct hv_err *err) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s", dir, name);
        _hv_cleanup_(hv_fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

        return n < 0 ? hv_err_errno(err, -errno, "cannot write %s to %s", text, path) : 0;
}

/* "max" is 0. */
static int read_number(struct hv_cgroup_caps_files *files, const char *dir, const char *name, uint64_t *ret,
                       struct hv_err *err) {
        char text[FILE_MAX];
        int r = read_text(files, dir, name, text, err);

        if (r == 0 && hv_streq(text, "max"))
                *ret = 0;
        else if (r == 0 && !hv_parse_uint(text, 0, INT64_MAX, ret))
                return hv_err_set(err, -EBADMSG, "%s/%s holds \"%s\", not a number", dir, name, text);
        return r;
}

static int write_number(const char *dir, const char *name, uint64_t n, const char *none, struct hv_err *err) {
        char text[24];

        (void) snprintf(text, sizeof text, "%" PRIu64, n);
        return write_text(dir, name, n ? text : none, err);
}

/* A controller that is off has no file, and caps nothing. */
static int off_is_none(int r) {
        return r == -ENOENT ? 0 : r;
}

/* ---- CPU ---- */

static uint64_t cpus_of(uint64_t quota_us, uint64_t period_us) {
        return period_us ? (uint64_t) ((unsigned __int128) quota_us * NANO / period_us) : 0;
}

static uint64_t quota_of(uint64_t nano_cpus) {
        return HV_MAX((uint64_t) ((unsigned __int128) nano_cpus * PERIOD_US / NANO), QUOTA_MIN_US);
}

static int read_cpu_v2(struct hv_cgroup_caps_files *files, const char *dir, uint64_t *ret,
                       struct hv_err *err) {
        char text[FILE_MAX], *space;
        uint64_t quota, period;
        int r = read_text(files, dir, "cpu.max", text, err);

        if (r < 0 || hv_has_prefix(text, "max"))
                return off_is_none(r);
        space = strchr(text, ' ');
        if (space)
                *space++ = '\0';
        if (!space || !hv_parse_uint(text, 0, INT64_MAX, &quota) ||
            !hv_parse_uint(space, 1, INT64_MAX, &period))
                return hv_err_set(err, -EBADMSG, "%s/cpu.max does not hold two numbers", dir);
        *ret = cpus_of(quota, period);
        return 0;
}

static int read_cpu_v1(struct hv_cgroup_caps_files *files, const char *dir, uint64_t *ret,
                       struct hv_err *err) {
        uint64_t quota, period;
        char text[FILE_MAX];
        int r = read_text(files, dir, "cpu.cfs_quota_us", text, err);

        if (r < 0 || *text == '-')
                return off_is_none(r);
        r = read_number(files, dir, "cpu.cfs_period_us", &period, err);
        if (r < 0)
                return r;
        if (!hv_parse_uint(text, 0, INT64_MAX, &quota))
                return hv_err_set(err, -EBADMSG, "%s/cpu.cfs_quota_us holds \"%s\", not a number", dir, text);
        *ret = cpus_of(quota, period);
        return 0;
}

static int write_cpu(const struct hv_cgroup_place *at, uint64_t nano_cpus, struct hv_err *err) {
        char text[48];
        int r;

        if (at->is_v2) {
                (void) snprintf(text, sizeof text, "%" PRIu64 " %" PRIu64, quota_of(nano_cpus), PERIOD_US);
                return write_text(at->dir, "cpu.max", nano_cpus ? text : "max", err);
        }
        /* Between the two writes there is never more than before and after: a period alone changes the share. */
        if (!nano_cpus)
                return write_text(at->dir, "cpu.cfs_quota_us", "-1", err);
        r = write_number(at->dir, "cpu.cfs_period_us", PERIOD_US, NULL, err);
        if (r >= 0)
                r = write_number(at->dir, "cpu.cfs_quota_us", quota_of(nano_cpus), NULL, err);
        if (r == -EINVAL)
                return hv_err_set(
                        err, r,
                        "the kernel refuses a cap of CPU on %s that is below one of what is below it "
                        "(cgroups of version 1)",
                        at->dir);
        return r;
}

/* ---- memory ---- */

static int read_memory(struct hv_cgroup_caps_files *files, const struct hv_cgroup_place *at,
                       struct hv_cgroup_capped *c, struct hv_err *err) {
        int r;

        if (at->is_v2) {
                r = read_number(files, at->dir, "memory.max", &c->caps.memory_bytes, err);
                if (r < 0)
                        return off_is_none(r);
                c->has_memory_high =
                        read_number(files, at->dir, "memory.high", &c->caps.memory_high_bytes, NULL) >= 0;
                return read_number(files, at->dir, "memory.current", &c->memory_used_bytes, err);
        }
        r = read_number(files, at->dir, "memory.limit_in_bytes", &c->caps.memory_bytes, err);
        if (r < 0)
                return off_is_none(r);
        if (c->caps.memory_bytes >= NO_LIMIT)
                c->caps.memory_bytes = 0;
        return read_number(files, at->dir, "memory.usage_in_bytes", &c->memory_used_bytes, err);
}

static int in_use(const char *dir, uint64_t used, uint64_t cap, int r, struct hv_err *err) {
        return hv_err_set(err, r,
                          "%s uses %" PRIu64 " bytes of memory: it is not capped to %" PRIu64
                          " before it uses less",
                          dir, used, cap);
}

static int write_memory_v2(const char *dir, const struct hv_cgroup_caps *caps,
                           const struct hv_cgroup_capped *is, struct hv_err *err) {
        uint64_t used = is->memory_used_bytes;
        int r = 0;

        if (is->has_memory_high && is->caps.memory_high_bytes != caps->memory_high_bytes)
                r = write_number(dir, "memory.high", caps->memory_high_bytes, "max", err);
        if (r < 0 || is->caps.memory_bytes == caps->memory_bytes)
                return r;
        if (caps->memory_bytes && read_number(NULL, dir, "memory.current", &used, NULL) >= 0 &&
            used > caps->memory_bytes)
                return in_use(dir, used, caps->memory_bytes, -EBUSY, err);
        return write_number(dir, "memory.max", caps->memory_bytes, "max", err);
}

static int write_memory(const struct hv_cgroup_place *at, const struct hv_cgroup_caps *caps,
                        const struct hv_cgroup_capped *is, struct hv_err *err) {
        int r;

        if (at->is_v2)
                return write_memory_v2(at->dir, caps, is, err);
        if (is->caps.memory_bytes == caps->memory_bytes)
                return 0;
        r = write_number(at->dir, "memory.limit_in_bytes", caps->memory_bytes, "-1", err);
        return r == -EBUSY ? in_use(at->dir, is->memory_used_bytes, caps->memory_bytes, r, err) : r;
}

/* ---- both ---- */

struct places {
        struct hv_cgroup_place cpu, memory, pids;
};

static void places_done(struct places *p) {
        free(p->cpu.dir);
        free(p->memory.dir);
        free(p->pids.dir);
}

static int find(const struct hv_cgroup_tree *t, const char *path, struct places *ret, struct hv_err *err) {
        int r = hv_cgroup_find(t, "cpu", path, &ret->cpu, err);

        if (r >= 0)
                r = hv_cgroup_find(t, "memory", path, &ret->memory, err);
        return r < 0 ? r : hv_cgroup_find(t, "pids", path, &ret->pids, err);
}

static int read_all(struct hv_cgroup_caps_files *files, const struct places *p, struct hv_cgroup_capped *ret,
                    struct hv_err *err) {
        int r = (p->cpu.is_v2 ? read_cpu_v2 : read_cpu_v1)(files, p->cpu.dir, &ret->caps.nano_cpus, err);

        if (r >= 0)
                r = read_memory(files, &p->memory, ret, err);
        if (r >= 0)
                r = off_is_none(read_number(files, p->pids.dir, "pids.max", &ret->caps.pids, err));
        return r;
}

bool hv_cgroup_cpu_is_v1(const struct hv_cgroup_tree *t) {
        _hv_cleanup_(places_done) struct places p = {};

        return hv_cgroup_find(t, "cpu", "", &p.cpu, NULL) >= 0 && !p.cpu.is_v2;
}

static int read_path(const struct hv_cgroup_tree *t, struct hv_cgroup_caps_files *files, const char *path,
                     struct hv_cgroup_capped *ret, struct hv_err *err) {
        _hv_cleanup_(places_done) struct places p = {};
        struct hv_cgroup_capped c = {};
        int r = find(t, path, &p, err);

        if (r < 0)
                return r;
        if (!hv_cgroup_is_there(t, path)) {
                if (files)
                        close_all(files);
                return hv_err_set(err, -ENOENT, "there is no cgroup %s", path);
        }
        r = read_all(files, &p, &c, err);
        if (r >= 0)
                *ret = c;
        return r;
}

int hv_cgroup_caps_read(const struct hv_cgroup_tree *t, const char *path, struct hv_cgroup_capped *ret,
                        struct hv_err *err) {
        return read_path(t, NULL, path, ret, err);
}

int hv_cgroup_caps_read_again(struct hv_cgroup_caps_files *files, const char *path,
                              struct hv_cgroup_capped *ret, struct hv_err *err) {
        return read_path(files->tree, files, path, ret, err);
}

struct hv_cgroup_caps_files *hv_cgroup_caps_files_new(const struct hv_cgroup_tree *t) {
        struct hv_cgroup_caps_files *files = HV_NEW(struct hv_cgroup_caps_files);

        files->tree = t;
        return files;
}

struct hv_cgroup_caps_files *hv_cgroup_caps_files_free(struct hv_cgroup_caps_files *files) {
        if (!files)
                return NULL;
        close_all(files);
        hv_vec_done(&files->v);
        free(files);
        return NULL;
}

/* Each folder of `dir` below its mount point. In version 2 a controller works in a folder when the one above hands it down. */
static int make(const struct hv_cgroup_place *at, const char *controller, struct hv_err *err) {
        _hv_cleanup_free_ char *dir = hv_strdup(at->dir), *on = hv_asprintf("+%s", controller);
        char *slash = dir + at->root_len;
        int r;

        while (slash && *slash) {
                *slash = '\0';
                if (at->is_v2) {
                        r = write_text(dir, "cgroup.subtree_control", on, err);
                        if (r < 0)
                                return r;
                }
                *slash = '/';
                slash = strchr(slash + 1, '/');
                if (slash)
                        *slash = '\0';
                if (mkdir(dir, 0755) < 0 && errno != EEXIST)
                        return hv_err_errno(err, -errno, "cannot make cgroup %s", dir);
                if (slash)
                        *slash = '/';
        }
        return 0;
}

int hv_cgroup_caps_write(const struct hv_cgroup_tree *t, const char *path, const struct hv_cgroup_caps *caps,
                         struct hv_err *err) {
        _hv_cleanup_(places_done) struct places p = {};
        struct hv_cgroup_capped is = {};
        int r = find(t, path, &p, err);

        if (r >= 0)
                r = make(&p.cpu, "cpu", err);
        if (r >= 0)
                r = make(&p.memory, "memory", err);
        if (r >= 0)
                r = make(&p.pids, "pids", err);
        if (r >= 0)
                r = read_all(NULL, &p, &is, err);
        if (r >= 0 && is.caps.nano_cpus != caps->nano_cpus)
                r = write_cpu(&p.cpu, caps->nano_cpus, err);
        if (r >= 0 && is.caps.pids != caps->pids)
                r = write_number(p.pids.dir, "pids.max", caps->pids, "max", err);
        return r < 0 ? r : write_memory(&p.memory, caps, &is, err);
}
