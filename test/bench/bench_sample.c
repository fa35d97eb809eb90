/* What a round of samples costs: the monitor's, and the floor under it, which is reading the same files without looking at them.
 *
 *      bench_sample ROUNDS CONTAINER=ID=PID...      (sample.py starts the containers)
 *
 * Both take turns in one process, so that a machine whose speed drifts treats them alike; medians are compared. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/time.h"
#include "base/vec.h"
#include "cgroup/counters.h"
#include "monitor/monitor.h"

#define ROUNDS_MAX 10000u
#define TEXT_SIZE 8192

struct reader {
        HV_VEC(int) files;
};

static uint64_t cpu_ns(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
}

/* ---- the floor ---- */

static void open_file(struct reader *r, const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd >= 0)
                hv_vec_push(&r->files, fd);
}

static void open_container(struct reader *r, const struct hv_cgroup_tree *t, const char *id,
                           const char *pid) {
        _hv_cleanup_free_ char *cgroup = hv_asprintf("/proc/%s/cgroup", pid);
        _hv_cleanup_free_ char *network = hv_asprintf("/proc/%s/net/dev", pid);
        const struct hv_cgroup_file *file;
        FILE *f = fopen(cgroup, "re");
        char text[TEXT_SIZE];

        if (!f)
                return;
        text[fread(text, 1, sizeof text - 1, f)] = '\0';
        (void) fclose(f);
        for (size_t i = 0; (file = hv_cgroup_file_at(i)); i++) {
                _hv_cleanup_free_ char *path =
                        hv_cgroup_path_of_process(text, file->is_v2 ? "" : file->controller, id);
                _hv_cleanup_free_ char *name = NULL;
                struct hv_cgroup_place place;

                if (!path || hv_cgroup_find(t, file->controller, path, &place, NULL) < 0)
                        continue;
                name = hv_asprintf("%s/%s", place.dir, file->name);
                free(place.dir);
                if (place.is_v2 == file->is_v2)
                        open_file(r, name);
        }
        open_file(r, network);
}

static uint64_t read_all(const struct reader *r) {
        uint64_t begin = cpu_ns();
        char text[TEXT_SIZE];

        for (size_t i = 0; i < r->files.n; i++)
                if (pread(r->files.v[i], text, sizeof text, 0) < 0 && errno == ENODEV)
                        (void) fprintf(stderr, "a container has ended\n");
        return cpu_ns() - begin;
}

/* ---- both ---- */

static int by_size(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

static uint64_t median(uint64_t *v, size_t n) {
        qsort(v, n, sizeof *v, by_size);
        return v[n / 2];
}

/* Not every round reads everything (cgroup/counters.h): four of them do what one of each kind does. */
#define ROUNDS_OF_A_KIND 4u

static uint64_t one_round(struct hv_monitor *m, uint64_t i) {
        uint64_t begin = cpu_ns();

        for (uint64_t k = 0; k < ROUNDS_OF_A_KIND; k++) {
                uint64_t at_us = (ROUNDS_OF_A_KIND * i + k + 1) * 5 * HV_USEC_PER_SEC;

                hv_monitor_round(m, at_us, at_us);
        }
        return (cpu_ns() - begin) / ROUNDS_OF_A_KIND;
}

int main(int argc, char *argv[]) {
        static uint64_t round_ns[ROUNDS_MAX], floor_ns[ROUNDS_MAX], host_ns[ROUNDS_MAX];
        const struct hv_monitor_options options = {};
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *m = hv_monitor_new(&options);
        _hv_cleanup_(hv_monitor_freep) struct hv_monitor *alone = hv_monitor_new(&options);
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = NULL;
        struct hv_monitor_ref *refs = HV_NEW_N(struct hv_monitor_ref, (size_t) argc);
        struct reader r = {};
        uint64_t n_rounds;
        size_t n = 0;

        if (argc < 2 || !hv_parse_uint(argv[1], 1, ROUNDS_MAX, &n_rounds) ||
            hv_cgroup_tree_new(NULL, &t, NULL) < 0)
                return 64;
        for (int i = 2; i < argc; i++)
                refs[n++] = (struct hv_monitor_ref){ .container = strtok(
                                                             argv[i], "="), /* the name; id and pid follow */
                                                     .kind = HV_KIND_SERVICE,
                                                     .object = "bench" };
        hv_monitor_follow(m, refs, n);
        for (size_t i = 0; i < n; i++) {
                const char *id = refs[i].container + strlen(refs[i].container) + 1;
                char *end = strchr(id, '=');
                uint64_t pid = 0;

                if (!end || !hv_parse_uint(end + 1, 1, INT32_MAX, &pid))
                        return 64;
                *end = '\0';
                open_container(&r, t, id, end + 1);
                hv_monitor_found(m, refs[i].container, id, (int) pid, true, 1, 1);
        }
        for (uint64_t i = 0; i < n_rounds; i++) {
                round_ns[i] = one_round(m, i);
                floor_ns[i] = read_all(&r);
                host_ns[i] = one_round(alone, i);
        }
        (void) printf("containers %zu files %zu round_us %" PRIu64 " floor_us %" PRIu64 " host_us %" PRIu64
                      "\n",
                      n, r.files.n, median(round_ns, n_rounds) / 1000, median(floor_ns, n_rounds) / 1000,
                      median(host_ns, n_rounds) / 1000);
        for (size_t i = 0; i < r.files.n; i++)
                (void) close(r.files.v[i]);
        hv_vec_done(&r.files);
        free(refs);
        return 0;
}
