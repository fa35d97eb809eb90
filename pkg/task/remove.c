/* task/remove.c - see remove.h. */
#include "task/remove.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "task/store.h"
#include "task/worker.h"

struct hv_removal {
        struct hv_job job;
        struct hv_arena *arena;
        struct hv_removal_options o;
        bool silent;
        int error;
        struct hv_err err;
};

static void run(struct hv_job *job) {
        struct hv_removal *r = (struct hv_removal *) job;
        struct hv_err err = {};
        int e;

        if (r->o.work_root) {
                e = r->o.attempt.attempt
                            ? hv_workspace_remove(r->o.work_root, &r->o.attempt, job, &r->err)
                            : hv_workspace_remove_all(r->o.work_root, r->o.attempt.id, job, &r->err);
                r->error = HV_MIN(e, 0);
        }
        if (r->o.results_root && r->o.attempt.attempt) {
                e = hv_store_remove(r->o.results_root, &r->o.attempt, job, &err);
                if (e < 0 && r->error == 0) {
                        r->error = e;
                        r->err = err;
                }
        }
}

static void done(struct hv_job *job) {
        struct hv_removal *r = (struct hv_removal *) job;

        if (!r->silent && !job->dropped && r->o.done)
                r->o.done(r->o.userdata, r->error, r->error < 0 ? r->err.msg : "");
        (void) hv_arena_free(r->arena);
        free(r);
}

struct hv_removal *hv_task_remove(const struct hv_removal_options *options) {
        struct hv_removal *r = HV_NEW(struct hv_removal);

        r->arena = hv_arena_new();
        r->o = *options;
        r->o.work_root = hv_arena_strdup(r->arena, options->work_root);
        r->o.results_root = hv_arena_strdup(r->arena, options->results_root);
        r->o.attempt.id = hv_arena_strdup(r->arena, options->attempt.id);
        r->job.run = run;
        r->job.done = done;
        hv_worker_add(r->o.worker, &r->job);
        return r;
}

struct hv_removal *hv_removal_free(struct hv_removal *r) {
        if (!r)
                return NULL;
        r->silent = true;
        hv_job_cancel(&r->job);
        return NULL;
}
