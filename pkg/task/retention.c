/* task/retention.c - see retention.h. */
#include "task/retention.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/duration.h"
#include "base/fd.h"
#include "base/quantity.h"
#include "base/time.h"
#include "task/folder.h"
#include "task/kept.h"
#include "task/measure.h"
#include "task/results.h"
#include "task/worker.h"

struct hv_retention {
        struct hv_job job;
        struct hv_arena *arena;
        struct hv_retention_options o;
        struct hv_retention_task *tasks; /* the oldest end first */
        bool silent;

        /* of the thread */
        struct hv_retained result;
        struct hv_err err;
};

static int by_end(const void *a, const void *b) {
        const struct hv_retention_task *x = a, *y = b;

        return x->ended_us != y->ended_us ? (x->ended_us < y->ended_us ? -1 : 1) : strcmp(x->id, y->id);
}

/* --- on the thread --- */

static void note(struct hv_retention *r, int error, const struct hv_err *err) {
        if (error < 0 && r->result.error == 0) {
                r->result.error = error;
                r->err = *err;
        }
}

static int open_result(const struct hv_retention *r, const struct hv_retention_task *t, unsigned attempt) {
        _hv_cleanup_(hv_fd_closep) int task_fd = -1;
        char number[16];

        if (hv_folder_of_task(r->o.results_root, t->id, false, &task_fd, NULL) < 0)
                return -ENOENT;
        (void) snprintf(number, sizeof number, "%u", attempt);
        return hv_beneath_open(task_fd, number, O_RDONLY | O_DIRECTORY, 0);
}

/* 1 removed, 0 not. */
static int remove_files(struct hv_retention *r, int fd, struct hv_kept *k, bool log, const char *id) {
        struct hv_err err = {};
        int e = hv_kept_remove(fd, k, log, &r->job, &err);

        if (e < 0)
                (void) hv_err_prefix(&err, e, "the results of task %s", id);
        note(r, e, &err);
        return e >= 0;
}

static void expire(struct hv_retention *r, const struct hv_retention_task *t, int fd) {
        char span[HV_DURATION_SIZE];
        struct hv_kept k;

        if (!hv_kept_read(fd, &k))
                return;
        if (!*k.removed) {
                if (hv_time_add(t->ended_us, k.outputs_us) > r->o.now_us)
                        return;
                hv_duration_format(k.outputs_us, span);
                (void) snprintf(k.removed, sizeof k.removed, "they were kept for %s (outputs.keep)", span);
        } else if (faccessat(fd, "files", F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
                   faccessat(fd, "files.tmp", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return;
        r->result.n_expired += (unsigned) remove_files(r, fd, &k, false, t->id);
}

static void evict(struct hv_retention *r, const struct hv_retention_task *t, int fd) {
        struct hv_measured before = {}, after = {};
        char cap[HV_QUANTITY_SIZE];
        struct hv_kept k = {};

        if (r->result.bytes <= r->o.max_bytes)
                return;
        if (hv_measure_tree(fd, &r->job, &before) < 0)
                return;
        (void) hv_kept_read(fd, &k);
        hv_quantity_format_bytes(r->o.max_bytes, cap);
        if (!*k.removed)
                (void) snprintf(k.removed, sizeof k.removed,
                                "all results together were above %s (gc.tasks.maxSize), and these the oldest",
                                cap);
        if (!remove_files(r, fd, &k, true, t->id) || hv_measure_tree(fd, &r->job, &after) < 0 ||
            after.bytes >= before.bytes)
                return;
        r->result.bytes -= HV_MIN(r->result.bytes, before.bytes - after.bytes);
        r->result.n_evicted++;
}

static void each(struct hv_retention *r,
                 void (*fn)(struct hv_retention *r, const struct hv_retention_task *t, int fd)) {
        for (size_t i = 0; i < r->o.n_tasks; i++)
                for (unsigned k = 1; k <= r->tasks[i].attempts; k++) {
                        _hv_cleanup_(hv_fd_closep) int fd = -1;

                        if (hv_job_is_cancelled(&r->job))
                                return;
                        fd = open_result(r, &r->tasks[i], k);
                        if (fd >= 0)
                                fn(r, &r->tasks[i], fd);
                }
}

static void run(struct hv_job *job) {
        struct hv_retention *r = (struct hv_retention *) job;

        struct hv_err err = {};
        int e;

        qsort(r->tasks, r->o.n_tasks, sizeof *r->tasks, by_end);
        each(r, expire);
        e = hv_results_usage(r->o.results_root, job, &r->result.bytes, &err);
        note(r, e, &err);
        if (e >= 0 && r->o.max_bytes > 0 && r->result.bytes > r->o.max_bytes)
                each(r, evict);
}

/* --- on the loop --- */

static void done(struct hv_job *job) {
        struct hv_retention *r = (struct hv_retention *) job;

        r->result.message = r->result.error < 0 ? r->err.msg : "";
        if (!r->silent && !job->dropped)
                r->o.done(r->o.userdata, &r->result);
        (void) hv_arena_free(r->arena);
        free(r);
}

struct hv_retention *hv_retention_new(const struct hv_retention_options *options) {
        struct hv_retention *r = HV_NEW(struct hv_retention);

        r->arena = hv_arena_new();
        r->o = *options;
        r->o.results_root = hv_arena_strdup(r->arena, options->results_root);
        r->tasks = HV_ARENA_NEW_N(r->arena, struct hv_retention_task, options->n_tasks + 1);
        for (size_t i = 0; i < options->n_tasks; i++) {
                r->tasks[i] = options->tasks[i];
                r->tasks[i].id = hv_arena_strdup(r->arena, options->tasks[i].id);
        }
        r->job.run = run;
        r->job.done = done;
        hv_worker_add(options->worker, &r->job);
        return r;
}

struct hv_retention *hv_retention_free(struct hv_retention *r) {
        if (!r)
                return NULL;
        r->silent = true;
        hv_job_cancel(&r->job);
        return NULL;
}
