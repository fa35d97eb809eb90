/* task/disk_watch.c - see disk_watch.h. */
#include "task/disk_watch.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "task/measure.h"
#include "task/worker.h"

struct hv_disk_watch {
        struct hv_job job;
        struct hv_arena *arena;
        struct hv_disk_watch_options o;
        struct hv_disk_use *uses;
        bool silent;
};

static void run(struct hv_job *job) {
        struct hv_disk_watch *w = (struct hv_disk_watch *) job;

        for (size_t i = 0; i < w->o.n_uses; i++) {
                _hv_cleanup_(hv_workspace_close) struct hv_workspace workspace = HV_WORKSPACE_NONE;
                struct hv_disk_use *u = &w->uses[i];
                struct hv_measured sum = {};

                if (hv_workspace_open(w->o.work_root, &u->attempt, &workspace, NULL) < 0 ||
                    hv_measure_tree(workspace.fd, job, &sum) < 0)
                        continue; /* it is not there any more, or nobody wants to know */
                u->bytes = sum.bytes;
                u->is_over = sum.bytes > u->limit_bytes || sum.is_too_deep;
        }
}

static void done(struct hv_job *job) {
        struct hv_disk_watch *w = (struct hv_disk_watch *) job;

        if (!w->silent && !job->dropped)
                w->o.done(w->o.userdata, w->uses, w->o.n_uses);
        (void) hv_arena_free(w->arena);
        free(w);
}

struct hv_disk_watch *hv_disk_watch_new(const struct hv_disk_watch_options *options) {
        struct hv_disk_watch *w = HV_NEW(struct hv_disk_watch);

        w->arena = hv_arena_new();
        w->o = *options;
        w->o.work_root = hv_arena_strdup(w->arena, options->work_root);
        w->uses = HV_ARENA_NEW_N(w->arena, struct hv_disk_use, options->n_uses + 1);
        for (size_t i = 0; i < options->n_uses; i++) {
                w->uses[i] = options->uses[i];
                w->uses[i].attempt.id = hv_arena_strdup(w->arena, options->uses[i].attempt.id);
        }
        w->job.run = run;
        w->job.done = done;
        hv_worker_add(options->worker, &w->job);
        return w;
}

struct hv_disk_watch *hv_disk_watch_free(struct hv_disk_watch *w) {
        if (!w)
                return NULL;
        w->silent = true;
        hv_job_cancel(&w->job);
        return NULL;
}
