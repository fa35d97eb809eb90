/* source/facts.c - see facts.h. */
#include "source/facts.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/map.h"
#include "base/quantity.h"
#include "base/time.h"
#include "base/within.h"
#include "log/log.h"
#include "source/path_trust.h"

#define WAIT_US (2 * HV_USEC_PER_SEC) /* for a path of a file system that may not answer */

struct seen { /* one path, as it was looked at for this load */
        struct hv_spec_file_fact file;
        char writer[HV_PATH_TRUST_SIZE];
        bool is_exchangeable; /* by `writer` */
        bool is_known;
};

struct hv_facts {
        struct hv_spec_facts spec;
        char *state_directory;
        struct hv_map *seen; /* by path */
        struct hv_arena *gpus;
        char *gpus_withheld;
};

/* Who could lead the path elsewhere, component by component. */
static bool is_exchangeable(struct seen *f, const char *path) {
        _hv_cleanup_free_ char *at = hv_strdup(path);
        struct stat dir, entry;

        if (path[0] != '/' || lstat("/", &dir) < 0)
                return false;
        for (char *p = at + 1; *p; dir = entry) {
                char *slash = p + strcspn(p, "/"), keep = *slash;

                *slash = '\0';
                if (lstat(at, &entry) < 0)
                        return false; /* what is not there is refused when it is mounted */
                if (hv_path_is_exchangeable(&dir, &entry, f->writer))
                        return true;
                if (S_ISLNK(entry.st_mode)) {
                        (void) snprintf(f->writer, sizeof f->writer, "a symbolic link on the way to it");
                        return true;
                }
                *slash = keep;
                for (p = slash; *p == '/';)
                        p++;
        }
        return false;
}

/* On a thread of its own. */
static void look(const char *path, void *result) {
        struct seen *f = result;
        struct stat st;

        f->is_known = true;
        if (stat(path, &st) < 0) {
                f->file.error = -errno;
                return;
        }
        f->file.mode = st.st_mode;
        f->file.uid = st.st_uid;
        f->file.gid = st.st_gid;
        f->is_exchangeable = is_exchangeable(f, path);
}

static const struct hv_spec_file_fact *look_at(void *userdata, const char *path) {
        struct hv_facts *facts = userdata;
        struct seen *f = hv_map_get(facts->seen, path);
        int r;

        if (f)
                return f->is_known ? &f->file : NULL;
        f = HV_NEW(struct seen);
        hv_map_put(facts->seen, path, f);
        r = hv_within(WAIT_US, path, look, f, sizeof *f);
        if (r < 0) {
                (void) hv_log_warn(
                        r, "%s does not answer: it is not known whether it is there and whose it is", path);
                return NULL;
        }
        f->file.writable_by = f->is_exchangeable ? f->writer : NULL;
        return &f->file;
}

struct hv_facts *hv_facts_new(const char *state_directory) {
        struct hv_facts *f = HV_NEW(struct hv_facts);
        long n_cpus = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES),
             page = sysconf(_SC_PAGESIZE);
        struct statvfs root;

        f->seen = hv_map_new(free);
        f->spec.file = look_at;
        f->spec.userdata = f;
        f->state_directory = hv_strdup(state_directory);
        f->spec.state_directory = f->state_directory;
        f->spec.uid = geteuid();
        if (n_cpus > 0)
                f->spec.nano_cpus = (uint64_t) n_cpus * HV_NANO_CPUS_PER_CPU;
        if (pages > 0 && page > 0)
                f->spec.memory_bytes = (uint64_t) pages * (uint64_t) page;
        if (statvfs("/", &root) == 0)
                f->spec.disk_bytes = (uint64_t) root.f_blocks * root.f_frsize;
        return f;
}

void hv_facts_set_gpus(struct hv_facts *f, const struct hv_spec_gpu_fact *gpus, size_t n) {
        struct hv_spec_gpu_fact *v;

        (void) hv_arena_free(f->gpus);
        f->gpus = hv_arena_new();
        v = HV_ARENA_NEW_N(f->gpus, struct hv_spec_gpu_fact, n + 1);
        for (size_t i = 0; i < n; i++)
                v[i] = (struct hv_spec_gpu_fact){ hv_arena_strdup(f->gpus, gpus[i].uuid),
                                                  hv_arena_strdup(f->gpus, gpus[i].name),
                                                  gpus[i].memory_bytes };
        f->spec.gpus = v;
        f->spec.n_gpus = n;
        f->spec.gpus_known = true;
}

void hv_facts_set_gpus_withheld(struct hv_facts *f, const char *why) {
        free(f->gpus_withheld);
        f->gpus_withheld = hv_strdup(why);
        f->spec.gpus_withheld = f->gpus_withheld;
}

struct hv_facts *hv_facts_free(struct hv_facts *f) {
        if (!f)
                return NULL;
        (void) hv_arena_free(f->gpus);
        hv_map_free(f->seen);
        free(f->state_directory);
        free(f->gpus_withheld);
        free(f);
        return NULL;
}

const struct hv_spec_facts *hv_facts_get(struct hv_facts *f) {
        hv_map_free(f->seen);
        f->seen = hv_map_new(free);
        return &f->spec;
}
