/* cgroup/tree.c - see tree.h. */
#include "cgroup/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/vec.h"

#define FILE_MAX 8192 /* cpu.stat has some 300 bytes */
#define NSEC_PER_USEC 1000u

struct hierarchy {
        char *mount_point;
        char *options; /* version 1: names the controllers */
        bool is_v2;
};

struct hv_cgroup_tree {
        HV_VEC(struct hierarchy) all;
};

/* ---- mounts ---- */

static bool has_option(const char *options, const char *name) {
        size_t n = strlen(name);

        for (const char *p = options; p; p = strchr(p, ',')) {
                p += *p == ',';
                if (strncmp(p, name, n) == 0 && strchr(",\n", p[n]))
                        return true;
        }
        return false;
}

/* "36 35 98:0 ROOT MOUNT_POINT OPTIONS [TAGS...] - TYPE SOURCE SUPER_OPTIONS" */
static void take_line(struct hv_cgroup_tree *t, const char *line) {
        _hv_cleanup_free_ char *root = NULL, *place = NULL, *type = NULL, *options = NULL;
        const char *rest = strstr(line, " - ");
        bool is_v2;

        if (!rest || sscanf(line, "%*d %*d %*s %ms %ms", &root, &place) != 2 ||
            sscanf(rest, " - %ms %*s %ms", &type, &options) != 2)
                return;
        is_v2 = hv_streq(type, "cgroup2");
        /* A backslash stands for a blank or the like (octal): no place where anybody mounts this. */
        if ((!is_v2 && !hv_streq(type, "cgroup")) || !hv_streq(root, "/") || strchr(place, '\\'))
                return;
        hv_vec_push(&t->all, ((struct hierarchy){
                                     .mount_point = HV_STEAL(place),
                                     .options = HV_STEAL(options),
                                     .is_v2 = is_v2,
                             }));
}

int hv_cgroup_tree_new(const char *mountinfo, struct hv_cgroup_tree **ret, struct hv_err *err) {
        const char *path = mountinfo ? mountinfo : "/proc/self/mountinfo";
        _hv_cleanup_free_ char *line = NULL;
        struct hv_cgroup_tree *t;
        FILE *f = fopen(path, "re");
        size_t size = 0;

        if (!f)
                return hv_err_errno(err, -errno, "cannot read %s", path);
        t = HV_NEW(struct hv_cgroup_tree);
        while (getline(&line, &size, f) > 0)
                take_line(t, line);
        (void) fclose(f);
        *ret = t;
        return 0;
}

struct hv_cgroup_tree *hv_cgroup_tree_free(struct hv_cgroup_tree *t) {
        for (size_t i = 0; t && i < t->all.n; i++) {
                free(t->all.v[i].mount_point);
                free(t->all.v[i].options);
        }
        if (t)
                hv_vec_done(&t->all);
        free(t);
        return NULL;
}

/* ---- figures ---- */

/* A controller that version 1 has is not in version 2. */
static const struct hierarchy *choose(const struct hv_cgroup_tree *t, const char *controller,
                                      struct hv_err *err) {
        const struct hierarchy *v2 = NULL;

        for (size_t i = 0; i < t->all.n; i++) {
                const struct hierarchy *h = &t->all.v[i];

                if (!h->is_v2 && has_option(h->options, controller))
                        return h;
                if (h->is_v2)
                        v2 = h;
        }
        if (!v2)
                (void) hv_err_set(err, -ENODEV,
                                  "no hierarchy of cgroups is mounted here whole (see /proc/self/mountinfo)");
        return v2;
}

int hv_cgroup_find(const struct hv_cgroup_tree *t, const char *controller, const char *path,
                   struct hv_cgroup_place *ret, struct hv_err *err) {
        const struct hierarchy *h = choose(t, controller, err);

        if (!h)
                return -ENODEV;
        *ret = (struct hv_cgroup_place){
                .dir = hv_asprintf("%s%s", h->mount_point, path),
                .root_len = strlen(h->mount_point),
                .is_v2 = h->is_v2,
        };
        return 0;
}

static int read_file(const char *path, char ret[FILE_MAX], struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        ssize_t n = fd < 0 ? -1 : read(fd, ret, FILE_MAX - 1);

        if (n < 0)
                return hv_err_errno(err, -errno, "cannot read %s", path);
        ret[n] = '\0';
        return 0;
}

/* A folder without this file is another finding than no folder. */
static int read_figure(const struct hierarchy *h, const char *path, const char *name, char ret[FILE_MAX],
                       struct hv_err *err) {
        _hv_cleanup_free_ char *dir = hv_asprintf("%s%s", h->mount_point, path);
        _hv_cleanup_free_ char *file = hv_asprintf("%s/%s", dir, name);
        int r = read_file(file, ret, err);

        if (r == -ENOENT && access(dir, F_OK) == 0)
                return hv_err_set(
                        err, -EOPNOTSUPP,
                        "there is no %s in %s: the kernel is too old, or the controller is off there", name,
                        dir);
        return r;
}

static int number(const char *text, const char *name, uint64_t *ret, struct hv_err *err) {
        char digits[24] = "";

        (void) snprintf(digits, sizeof digits, "%.*s", (int) strcspn(text, "\n"), text);
        if (!hv_parse_uint(digits, 0, INT64_MAX, ret))
                return hv_err_set(err, -EBADMSG, "%s holds \"%s\", not a number", name, digits);
        return 0;
}

static int cpu_of_v2(const char *stat, uint64_t *ret_us, struct hv_err *err) {
        static const char key[] = "usage_usec ";
        const char *line = stat;

        while (line && !hv_has_prefix(line, key)) {
                line = strchr(line, '\n');
                line += line != NULL;
        }
        if (!line)
                return hv_err_set(err, -EOPNOTSUPP, "this kernel's cpu.stat has no usage_usec");
        return number(line + strlen(key), "cpu.stat", ret_us, err);
}

int hv_cgroup_cpu(const struct hv_cgroup_tree *t, const char *path, uint64_t *ret_us, struct hv_err *err) {
        const struct hierarchy *h = choose(t, "cpuacct", err);
        char text[FILE_MAX];
        uint64_t ns;
        int r;

        if (!h)
                return -ENODEV;
        r = read_figure(h, path, h->is_v2 ? "cpu.stat" : "cpuacct.usage", text, err);
        if (r < 0)
                return r;
        if (h->is_v2)
                return cpu_of_v2(text, ret_us, err);
        r = number(text, "cpuacct.usage", &ns, err);
        if (r == 0)
                *ret_us = ns / NSEC_PER_USEC;
        return r;
}

/* Linux before 5.11 charges a child to its parent only where that was asked for. */
static int check_hierarchical(const struct hierarchy *h, const char *path, struct hv_err *err) {
        char text[FILE_MAX];

        if (read_figure(h, path, "memory.use_hierarchy", text, NULL) == 0 && *text == '0')
                return hv_err_set(err, -EOPNOTSUPP,
                                  "%s%s/memory.use_hierarchy is 0: what is below does not count",
                                  h->mount_point, path);
        return 0;
}

int hv_cgroup_memory_peak(const struct hv_cgroup_tree *t, const char *path, uint64_t *ret_bytes,
                          struct hv_err *err) {
        const struct hierarchy *h = choose(t, "memory", err);
        const char *name = h && h->is_v2 ? "memory.peak" : "memory.max_usage_in_bytes";
        char text[FILE_MAX];
        int r;

        if (!h)
                return -ENODEV;
        r = read_figure(h, path, name, text, err);
        if (r == 0 && !h->is_v2)
                r = check_hierarchical(h, path, err);
        return r < 0 ? r : number(text, name, ret_bytes, err);
}

/* ---- folders ---- */

/* A file system that is read-only says so before it says that there is nothing. */
static int keep_failure(int before, int r, const char *dir, struct hv_err *err) {
        if (before < 0 || access(dir, F_OK) < 0)
                return before;
        return hv_err_errno(err, r, "cannot remove cgroup %s", dir);
}

int hv_cgroup_remove(const struct hv_cgroup_tree *t, const char *path, struct hv_err *err) {
        int r = 0;

        for (size_t i = 0; i < t->all.n; i++) {
                _hv_cleanup_free_ char *dir = hv_asprintf("%s%s", t->all.v[i].mount_point, path);

                if (rmdir(dir) < 0)
                        r = keep_failure(r, -errno, dir, err);
        }
        return r;
}

bool hv_cgroup_is_there(const struct hv_cgroup_tree *t, const char *path) {
        for (size_t i = 0; i < t->all.n; i++) {
                _hv_cleanup_free_ char *dir = hv_asprintf("%s%s", t->all.v[i].mount_point, path);

                if (access(dir, F_OK) == 0)
                        return true;
        }
        return false;
}

void hv_cgroup_children(const struct hv_cgroup_tree *t, const char *path,
                        void (*visit)(const char *name, void *userdata), void *userdata) {
        for (size_t i = 0; i < t->all.n; i++) {
                _hv_cleanup_free_ char *top = hv_asprintf("%s%s", t->all.v[i].mount_point, path);
                DIR *dir = opendir(top);
                struct dirent *e;

                while (dir && (e = readdir(dir)))
                        if (e->d_type == DT_DIR && !hv_streq(e->d_name, ".") && !hv_streq(e->d_name, ".."))
                                visit(e->d_name, userdata);
                if (dir)
                        (void) closedir(dir);
        }
}
