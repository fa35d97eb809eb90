/* task/withhold.c - see withhold.h. */
#include "task/withhold.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "task/worker.h"

struct hv_withholding {
        struct hv_job job;
        struct hv_arena *arena;
        struct hv_withholding_options o;
        bool silent;
        int error;
        struct hv_err err;
};

static void run(struct hv_job *job) {
        struct hv_withholding *w = (struct hv_withholding *) job;

        w->error = (w->o.restore ? hv_workspace_restore : hv_workspace_withhold)(w->o.work_root,
                                                                                 &w->o.attempt, &w->err);
}

static void done(struct hv_job *job) {
        struct hv_withholding *w = (struct hv_withholding *) job;

        if (!w->silent && !job->dropped)
                w->o.done(w->o.userdata, w->error, w->error < 0 ? w->err.msg : "");
        (void) hv_arena_free(w->arena);
        free(w);
}

struct hv_withholding *hv_task_withhold(const struct hv_withholding_options *options) {
        struct hv_withholding *w = HV_NEW(struct hv_withholding);

        w->arena = hv_arena_new();
        w->o = *options;
        w->o.work_root = hv_arena_strdup(w->arena, options->work_root);
        w->o.attempt.id = hv_arena_strdup(w->arena, options->attempt.id);
        w->job.run = run;
        w->job.done = done;
        hv_worker_add(w->o.worker, &w->job);
        return w;
}

struct hv_withholding *hv_withholding_free(struct hv_withholding *w) {
        if (!w)
                return NULL;
        w->silent = true;
        hv_job_cancel(&w->job);
        return NULL;
}
