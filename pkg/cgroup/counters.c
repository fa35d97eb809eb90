/* cgroup/counters.c - see counters.h. */
#include "cgroup/counters.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/vec.h"

#define ALL_READ_EVERY 4u /* reads: the least that all periods have in common */
#define FILE_SIZE 8192    /* memory.stat of version 2 has some 1,800 bytes */

struct open_file {
        int fd;
        const struct hv_cgroup_file *file;
};

struct hv_cgroup_counters {
        char *path;      /* for messages */
        char *oom_group; /* the file; NULL: version 1 */
        HV_VEC(struct open_file) files;
        unsigned n_reads;
        struct hv_cgroup_figures last;
};

/* Which path it has below the hierarchy of a controller; NULL: none. The caller frees it. */
typedef char *find_path_fn(const void *userdata, const char *controller);

/* What a kernel or a mount does not tell is left out. */
static void open_files(struct hv_cgroup_counters *c, const struct hv_cgroup_tree *t, find_path_fn *find_path,
                       const void *userdata) {
        const struct hv_cgroup_file *file;

        for (size_t i = 0; (file = hv_cgroup_file_at(i)); i++) {
                _hv_cleanup_free_ char *path = find_path(userdata, file->is_v2 ? "" : file->controller);
                _hv_cleanup_free_ char *name = NULL;
                struct hv_cgroup_place place;
                int fd;

                /* The root's figures are the machine's, not a cgroup's. */
                if (!path || hv_streq(path, "/") ||
                    hv_cgroup_find(t, file->controller, path, &place, NULL) < 0)
                        continue;
                name = hv_asprintf("%s/%s", place.dir, file->name);
                free(place.dir);
                fd = place.is_v2 == file->is_v2 ? open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
                if (fd < 0)
                        continue;
                if (!c->path)
                        c->path = HV_STEAL(path);
                hv_vec_push(&c->files, ((struct open_file){ fd, file }));
        }
}

/* In the hierarchy of version 2, where it is that one which has the memory. */
static char *find_oom_group(const struct hv_cgroup_tree *t, find_path_fn *find_path, const void *userdata) {
        _hv_cleanup_free_ char *path = find_path(userdata, "");
        struct hv_cgroup_place place;
        char *file = NULL;

        if (!path || hv_streq(path, "/") || hv_cgroup_find(t, "memory", path, &place, NULL) < 0)
                return NULL;
        if (place.is_v2)
                file = hv_asprintf("%s/memory.oom.group", place.dir);
        free(place.dir);
        return file;
}

static int open_all(const struct hv_cgroup_tree *t, find_path_fn *find_path, const void *userdata,
                    struct hv_cgroup_counters **ret) {
        struct hv_cgroup_counters *c = HV_NEW(struct hv_cgroup_counters);

        open_files(c, t, find_path, userdata);
        if (c->files.n == 0) {
                (void) hv_cgroup_counters_free(c);
                return -ENOENT;
        }
        c->oom_group = find_oom_group(t, find_path, userdata);
        *ret = c;
        return 0;
}

struct process {
        const char *text, *id;
};

static char *path_of_process(const void *userdata, const char *controller) {
        const struct process *p = userdata;

        return hv_cgroup_path_of_process(p->text, controller, p->id);
}

int hv_cgroup_counters_of_process(const struct hv_cgroup_tree *t, int proc_dir, const char *id,
                                  struct hv_cgroup_counters **ret, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = openat(proc_dir, "cgroup", O_RDONLY | O_CLOEXEC);
        char text[FILE_SIZE];
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

        if (n < 0)
                return hv_err_errno(err, -errno, "cannot read the cgroup of container %.12s", id);
        text[n] = '\0';
        if (open_all(t, path_of_process, &(struct process){ text, id }, ret) < 0)
                return hv_err_set(err, -ESRCH, "no cgroup of container %.12s is to be seen here", id);
        return 0;
}

static char *same_path(const void *userdata, const char *controller) {
        (void) controller;
        return hv_strdup(userdata);
}

int hv_cgroup_counters_of_path(const struct hv_cgroup_tree *t, const char *path,
                               struct hv_cgroup_counters **ret, struct hv_err *err) {
        if (open_all(t, same_path, path, ret) < 0)
                return hv_err_set(err, -ENOENT, "there is no cgroup %s", path);
        return 0;
}

struct hv_cgroup_counters *hv_cgroup_counters_free(struct hv_cgroup_counters *c) {
        if (!c)
                return NULL;
        for (size_t i = 0; i < c->files.n; i++)
                (void) close(c->files.v[i].fd);
        hv_vec_done(&c->files);
        free(c->path);
        free(c->oom_group);
        free(c);
        return NULL;
}

int hv_cgroup_counters_oom_group(const struct hv_cgroup_counters *c, bool whole, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        char now, wanted = whole ? '1' : '0';

        if (!c->oom_group)
                return 0;
        fd = open(c->oom_group, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 || pread(fd, &now, 1, 0) < 1)
                return hv_err_errno(err, -errno, "cannot read %s", c->oom_group);
        if (now != wanted && pwrite(fd, &wanted, 1, 0) < 0)
                return hv_err_errno(err, -errno, "cannot write %c to %s", wanted, c->oom_group);
        return 0;
}

int hv_cgroup_counters_read(struct hv_cgroup_counters *c, struct hv_cgroup_figures *ret, struct hv_err *err) {
        struct hv_cgroup_figures f = c->last;
        unsigned n = c->n_reads++;
        char text[FILE_SIZE];

        if (n % ALL_READ_EVERY == 0)
                f = (struct hv_cgroup_figures){};
        for (size_t i = 0; i < c->files.n; i++) {
                if (n % c->files.v[i].file->period != 0)
                        continue;
                ssize_t len = pread(c->files.v[i].fd, text, sizeof text - 1, 0);

                if (len < 0 && errno == ENODEV)
                        return hv_err_set(err, -ENODEV, "the cgroup %s is gone", c->path);
                if (len < 0) /* one that this kernel will not tell now */
                        continue;
                text[len] = '\0';
                (void) c->files.v[i].file->parse(text, &f);
        }
        *ret = c->last = f;
        return 0;
}
