/* monitor/monitor.c - see monitor.h. */
#include "monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/map.h"
#include "base/vec.h"
#include "log/log.h"

#define CGROUP_FILE_SIZE 8192u /* /proc/PID/cgroup: a dozen lines, each with one path */

struct followed {
        char *name, *object;
        char *given; /* UUIDs of its GPUs, commas between them; NULL: none */
        char *id;    /* of the container; NULL: unknown */
        struct hv_container_gpus gpus;
        struct hv_monitor_container shown;  /* borrows both */
        struct hv_container_reader *reader; /* NULL: unknown */
        struct hv_history *history;
        uint64_t started_wall_us;
        uint64_t not_before_us;  /* asked for no earlier than this */
        uint64_t n_oom_told;     /* kills that were told, or were there when it was seen first */
        uint64_t n_oom_outlived; /* ... that it was seen to run after */
        bool is_asked;           /* an answer is on its way */
        bool is_wanted;          /* in the list at hand */
};

struct hv_monitor {
        struct hv_cgroup_tree *tree; /* NULL: it could not be looked at */
        char *proc;                  /* NULL: /proc */
        struct hv_host_sampler *host;
        struct hv_history *history;
        struct hv_map *followed; /* by container's name */
        struct hv_gpu_uses *gpu_uses;
        char *slice_path;
        struct hv_cgroup_counters *slice; /* NULL: it is not there */
        struct hv_container_sample slice_sample;
        uint64_t generation;
        uint64_t first_wall_us;                    /* of the first round */
        bool oom_group, has_oom_group;             /* has: it was told */
        size_t n_max;                              /* that are followed */
        HV_VEC(struct hv_monitor_container) shown; /* of the last look */
};

static void free_followed(void *data) {
        struct followed *f = data;

        (void) hv_container_reader_free(f->reader);
        (void) hv_history_free(f->history);
        hv_container_gpus_done(&f->gpus);
        free(f->given);
        free(f->id);
        free(f->name);
        free(f->object);
        free(f);
}

struct hv_monitor *hv_monitor_new(const struct hv_monitor_options *options) {
        struct hv_monitor *m = HV_NEW(struct hv_monitor);
        struct hv_err err = {};

        if (hv_cgroup_tree_new(options->mountinfo, &m->tree, &err) < 0)
                (void) hv_log_warn(err.code, "what containers use is not known: %s", err.msg);
        m->proc = hv_strdup(options->proc);
        m->n_max = HV_MONITOR_CONTAINERS_MAX;
        if (options->n_files_max)
                m->n_max = HV_MIN(m->n_max, (size_t) (options->n_files_max / HV_MONITOR_FILES_PER_CONTAINER));
        m->host = hv_host_sampler_new(NULL);
        m->history = hv_history_new(HV_MONITOR_HOST_POINTS);
        m->followed = hv_map_new(free_followed);
        m->gpu_uses = hv_gpu_uses_new();
        return m;
}

struct hv_monitor *hv_monitor_free(struct hv_monitor *m) {
        if (!m)
                return NULL;
        (void) hv_map_free(m->followed);
        (void) hv_gpu_uses_free(m->gpu_uses);
        (void) hv_host_sampler_free(m->host);
        (void) hv_history_free(m->history);
        (void) hv_cgroup_counters_free(m->slice);
        (void) hv_cgroup_tree_free(m->tree);
        hv_vec_done(&m->shown);
        free(m->slice_path);
        free(m->proc);
        free(m);
        return NULL;
}

struct hv_host_sampler *hv_monitor_host(struct hv_monitor *m) {
        return m->host;
}

/* ---- who is followed ---- */

static struct followed *follow_new(struct hv_monitor *m, const struct hv_monitor_ref *ref) {
        struct followed *f = HV_NEW(struct followed);

        f->name = hv_strdup(ref->container);
        f->object = hv_strdup(ref->object);
        f->given = hv_strdup(ref->gpus);
        hv_container_gpus_begin(&f->gpus, f->given, NULL);
        f->history = hv_history_new(HV_MONITOR_CONTAINER_POINTS);
        f->started_wall_us = ref->started_wall_us;
        f->shown = (struct hv_monitor_container){ .name = f->name,
                                                  .kind = ref->kind,
                                                  .object = f->object,
                                                  .number = ref->number,
                                                  .history = f->history };
        hv_map_put(m->followed, ref->container, f);
        return f;
}

/* When it began is told some time after it is told to run: that is no other start. */
static bool is_same_start(struct followed *f, const struct hv_monitor_ref *ref) {
        if (f->started_wall_us == 0)
                f->started_wall_us = ref->started_wall_us;
        return ref->started_wall_us == 0 || f->started_wall_us == ref->started_wall_us;
}

void hv_monitor_follow(struct hv_monitor *m, const struct hv_monitor_ref *refs, size_t n) {
        struct followed *f;
        const char *name;
        size_t it = 0;

        while (hv_map_next(m->followed, &it, NULL, (void **) &f))
                f->is_wanted = false;
        hv_gpu_uses_begin_keep(m->gpu_uses);
        for (size_t i = 0; i < n; i++)
                hv_gpu_uses_keep(m->gpu_uses, refs[i].container);
        hv_gpu_uses_end_keep(m->gpu_uses);
        for (size_t i = 0; i < HV_MIN(n, m->n_max); i++) {
                if (refs[i].has_ended)
                        continue;
                f = hv_map_get(m->followed, refs[i].container);
                if (!f || !is_same_start(f, &refs[i]))
                        f = follow_new(m, &refs[i]);
                f->is_wanted = true;
        }
        for (it = 0; hv_map_next(m->followed, &it, &name, (void **) &f);)
                if (!f->is_wanted)
                        (void) hv_map_remove(m->followed, name);
}

const char *hv_monitor_next_unknown(struct hv_monitor *m, uint64_t now_us) {
        struct followed *f;
        size_t it = 0;

        while (m->tree && hv_map_next(m->followed, &it, NULL, (void **) &f)) {
                if (f->reader || f->is_asked || now_us < f->not_before_us)
                        continue;
                f->is_asked = true;
                return f->name;
        }
        return NULL;
}

static int32_t mib_of(int64_t bytes) {
        return bytes < 0 ? -1 : (int32_t) HV_MIN(bytes >> 20, (int64_t) INT32_MAX);
}

static void take_sample(const struct hv_monitor *m, struct followed *f, uint64_t at_us, uint64_t wall_us) {
        struct hv_container_sample *s = &f->shown.sample;
        uint64_t n_oom = s->figures.n_oom_kills;
        struct hv_container_gpus_sum gpus = hv_container_gpus_sum(f->gpus.v, f->gpus.n);
        bool is_first = s->at_us == 0, has_io;

        /* It ended, or it ends just now: if it is started again, it is another. */
        if (hv_container_reader_read(f->reader, at_us, wall_us, s, NULL) < 0) {
                f->reader = hv_container_reader_free(f->reader);
                free(HV_STEAL(f->id));
                *s = (struct hv_container_sample){};
                return;
        }
        /* A kill that is seen now may have been the first process's: its cgroup is there for a moment longer. */
        if (is_first)
                f->n_oom_told = f->started_wall_us >= m->first_wall_us ? 0 : s->figures.n_oom_kills;
        else
                f->n_oom_outlived = n_oom;
        if (!s->rates_are_known)
                return;
        has_io = s->figures.known & HV_CGROUP_IO;
        hv_history_add(f->history,
                       &(struct hv_history_point){
                               .wall_us = wall_us,
                               .memory_bytes = hv_cgroup_working_set(&s->figures),
                               .cpu_percent = (float) s->cpu_percent,
                               .rx_bytes_per_s = (float) s->rx_bytes_per_s,
                               .tx_bytes_per_s = (float) s->tx_bytes_per_s,
                               .read_bytes_per_s = has_io ? (float) s->read_bytes_per_s : -1,
                               .written_bytes_per_s = has_io ? (float) s->written_bytes_per_s : -1,
                               .gpu_percent = (float) gpus.use_percent,
                               .gpu_memory_mib = mib_of(gpus.memory_used_bytes) });
}

/* One that has just ended is no fault. */
static void put_oom_group(const struct hv_monitor *m, const struct followed *f) {
        struct hv_err err = {};
        int r = hv_container_reader_oom_group(f->reader, m->oom_group, &err);

        if (r < 0 && r != -ENOENT && r != -ENODEV)
                hv_log_debug("resources.cgroup.memoryOomGroup: %s", err.msg);
}

void hv_monitor_found(struct hv_monitor *m, const char *container, const char *id, int pid,
                      bool has_own_network, uint64_t at_us, uint64_t wall_us) {
        struct followed *f = hv_map_get(m->followed, container);
        struct hv_err err = {};

        if (!f || f->reader || !m->tree)
                return;
        f->is_asked = false;
        if (pid <= 0 || hv_str_empty(id) ||
            hv_container_reader_new(m->tree, m->proc, pid, id, has_own_network, &f->reader, &err) < 0) {
                hv_log_debug("%s: %s", container, err.msg);
                f->not_before_us = at_us + HV_MONITOR_TRY_AGAIN_US;
                return;
        }
        f->id = hv_strdup(id);
        if (m->has_oom_group)
                put_oom_group(m, f);
        take_sample(m, f, at_us, wall_us);
        m->generation++;
}

void hv_monitor_not_found(struct hv_monitor *m, const char *container, uint64_t now_us) {
        struct followed *f = hv_map_get(m->followed, container);

        if (!f)
                return;
        f->is_asked = false;
        f->not_before_us = now_us + HV_MONITOR_TRY_AGAIN_US;
}

void hv_monitor_oom_group(struct hv_monitor *m, bool whole) {
        const struct followed *f;
        size_t it = 0;

        m->oom_group = whole;
        m->has_oom_group = true;
        while (hv_map_next(m->followed, &it, NULL, (void **) &f))
                if (f->reader)
                        put_oom_group(m, f);
}

void hv_monitor_follow_slice(struct hv_monitor *m, const char *path) {
        if (hv_streq(m->slice_path, path))
                return;
        free(m->slice_path);
        m->slice_path = hv_strdup(path);
        m->slice = hv_cgroup_counters_free(m->slice);
        m->slice_sample = (struct hv_container_sample){};
}

/* ---- samples ---- */

static void sample_slice(struct hv_monitor *m, uint64_t at_us, uint64_t wall_us) {
        struct hv_container_sample *s = &m->slice_sample, now = { .at_us = at_us, .wall_us = wall_us };

        if (!m->slice && m->tree && m->slice_path)
                (void) hv_cgroup_counters_of_path(m->tree, m->slice_path, &m->slice, NULL);
        if (!m->slice)
                return;
        if (hv_cgroup_counters_read(m->slice, &now.figures, NULL) < 0) {
                m->slice = hv_cgroup_counters_free(m->slice);
                *s = (struct hv_container_sample){};
                return;
        }
        if (s->at_us && at_us > s->at_us && now.figures.cpu_us >= s->figures.cpu_us) {
                now.rates_are_known = true;
                now.cpu_percent = 100.0 * (double) (now.figures.cpu_us - s->figures.cpu_us) /
                                  (double) (at_us - s->at_us);
        }
        *s = now;
}

static void remember_host(struct hv_monitor *m) {
        const struct hv_host_sample *h = hv_host_sampler_last(m->host);

        if (!h->cpu_is_known)
                return;
        hv_history_add(m->history, &(struct hv_history_point){
                                           .wall_us = h->wall_us,
                                           .memory_bytes = h->memory.total_bytes - h->memory.available_bytes,
                                           .cpu_percent = (float) h->cpu_percent,
                                           .disk_percent = (float) hv_host_disk_percent(h, NULL),
                                           .rx_bytes_per_s = (float) h->rx_bytes_per_s,
                                           .tx_bytes_per_s = (float) h->tx_bytes_per_s,
                                   });
}

void hv_monitor_round(struct hv_monitor *m, uint64_t at_us, uint64_t wall_us) {
        struct followed *f;
        size_t it = 0;

        if (!m->first_wall_us)
                m->first_wall_us = wall_us;
        hv_host_sampler_look(m->host, at_us, wall_us);
        remember_host(m);
        sample_slice(m, at_us, wall_us);
        while (hv_map_next(m->followed, &it, NULL, (void **) &f))
                if (f->reader)
                        take_sample(m, f, at_us, wall_us);
        m->generation++;
}

/* One that ends just now is nobody's. */
static struct followed *owner_of(const struct hv_monitor *m, int pid) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%d/cgroup", m->proc ? m->proc : "/proc", pid);
        _hv_cleanup_(hv_fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        char text[CGROUP_FILE_SIZE];
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        struct followed *f;
        size_t it = 0;

        if (n < 0)
                return NULL;
        text[n] = '\0';
        while (hv_map_next(m->followed, &it, NULL, (void **) &f))
                if (f->id && strstr(text, f->id))
                        return f;
        return NULL;
}

/* Nobody's processes are known of one that is not found yet; who has no GPU needs no record, which would say nothing. */
static void add_up_gpus(struct hv_monitor *m) {
        const struct followed *f;
        size_t it = 0;

        while (hv_map_next(m->followed, &it, NULL, (void **) &f)) {
                struct hv_container_gpus_sum sum = hv_container_gpus_sum(f->gpus.v, f->gpus.n);

                if (f->id && f->gpus.n > 0)
                        hv_gpu_uses_add(m->gpu_uses, f->name, f->id, &sum);
        }
}

void hv_monitor_gpus(struct hv_monitor *m, const struct hv_gpus *gpus) {
        struct followed *f;
        size_t it = 0;

        while (hv_map_next(m->followed, &it, NULL, (void **) &f))
                hv_container_gpus_begin(&f->gpus, f->given, gpus);
        for (size_t i = 0; i < gpus->n; i++)
                for (size_t k = 0; gpus->v[i].processes_are_listed && k < gpus->v[i].n_processes; k++) {
                        f = owner_of(m, gpus->v[i].processes[k].pid);
                        if (f)
                                hv_container_gpus_add(&f->gpus, &gpus->v[i], &gpus->v[i].processes[k]);
                }
        add_up_gpus(m);
        m->generation++;
}

static int by_name(const void *a, const void *b) {
        const struct hv_monitor_container *x = a, *y = b;

        return strcmp(x->name, y->name);
}

void hv_monitor_look(struct hv_monitor *m, struct hv_monitor_view *ret) {
        const struct followed *f;
        size_t it = 0;

        hv_vec_clear(&m->shown);
        while (hv_map_next(m->followed, &it, NULL, (void **) &f)) {
                struct hv_monitor_container *c = hv_vec_add(&m->shown);

                *c = f->shown;
                c->gpus = f->gpus.v;
                c->n_gpus = f->gpus.n;
        }
        if (m->shown.n > 0)
                qsort(m->shown.v, m->shown.n, sizeof *m->shown.v, by_name);
        *ret = (struct hv_monitor_view){
                .generation = m->generation,
                .host = hv_host_sampler_last(m->host),
                .history = m->history,
                .slice = m->slice_sample.at_us ? &m->slice_sample : NULL,
                .containers = m->shown.v,
                .n_containers = m->shown.n,
        };
}

bool hv_monitor_next_oom(struct hv_monitor *m, struct hv_monitor_oom *ret) {
        struct followed *f;
        size_t it = 0;

        while (hv_map_next(m->followed, &it, NULL, (void **) &f)) {
                if (f->n_oom_outlived <= f->n_oom_told)
                        continue;
                *ret = (struct hv_monitor_oom){ f->name, f->shown.kind, f->object,
                                                f->n_oom_outlived - f->n_oom_told };
                f->n_oom_told = f->n_oom_outlived;
                return true;
        }
        return false;
}

const struct hv_container_sample *hv_monitor_sample(const struct hv_monitor *m, const char *container) {
        const struct followed *f = hv_map_get(m->followed, container);

        return f && f->shown.sample.at_us ? &f->shown.sample : NULL;
}

struct hv_container_gpus_sum hv_monitor_gpus_sum(const struct hv_monitor *m, const char *container) {
        const struct followed *f = hv_map_get(m->followed, container);

        return hv_container_gpus_sum(f ? f->gpus.v : NULL, f ? f->gpus.n : 0);
}

struct hv_gpu_use hv_monitor_gpu_use(const struct hv_monitor *m, const char *container, const char *id) {
        return hv_gpu_uses_get(m->gpu_uses, container, id);
}
