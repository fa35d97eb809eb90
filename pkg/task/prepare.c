/* task/prepare.c - see prepare.h.
 *
 *      begin (thread): fresh workspace --> fetch (loop): URL by URL --> build (thread): everything in its place
 *
 * What is fetched lies in <work>/<id>/<attempt>/, beside the workspace: on the same file system, out of the container's
 * sight, and gone with the attempt. */
#include "task/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/fd.h"
#include "task/folder.h"
#include "task/place.h"
#include "task/task_json.h"
#include "task/worker.h"

const struct hv_task_input_limits hv_task_input_limits_default = {
        .max_entries = 10000,
        .max_bytes = UINT64_C(10) << 30,
        .max_ratio = 200,
        .ratio_from_bytes = UINT64_C(10) << 20,
};

struct hv_prepare {
        struct hv_job job;
        struct hv_arena *arena;
        struct hv_prepare_options o;
        struct hv_task *task;
        struct hv_task_input_limits limits;
        struct hv_attempt attempt;
        bool silent; /* freed by its owner */
        bool began;  /* the workspace is there */
        struct hv_prepared_input *inputs;

        /* of the thread, while the job is with it */
        struct hv_workspace workspace;
        int error;
        struct hv_err err;
};

/* --- on the thread --- */

static int make_inline(struct hv_prepare *p, const struct hv_task_input *in, struct hv_prepared_input *ret) {
        ret->size_bytes = in->len;
        hv_sha256_hex(in->text, in->len, ret->sha256);
        return hv_place_text(p->workspace.fd, in->path, in->text, in->len, &p->o.owner, &p->err);
}

static int make_input(struct hv_prepare *p, size_t i) {
        const struct hv_task_input *in = &p->task->inputs[i];

        switch (in->type) {
        case HV_TASK_INPUT_INLINE:
                return make_inline(p, in, &p->inputs[i]);
        case HV_TASK_INPUT_URL:
        case HV_TASK_INPUT_ARCHIVE:
                break;
        }
        return hv_err_set(&p->err, -EBADMSG, "URLs and archives are not taken by this version");
}

static int make_task_json(struct hv_prepare *p) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        _hv_cleanup_(hv_fd_closep) int there = -1;

        there = hv_beneath_open(p->workspace.fd, HV_TASK_JSON_FILE, O_PATH | O_NOFOLLOW, 0);
        if (there != -ENOENT)
                return 0; /* an input has this name */
        hv_task_json(p->task, p->attempt.attempt, &text);
        return hv_place_text(p->workspace.fd, HV_TASK_JSON_FILE, text.data, text.len, &p->o.owner, &p->err);
}

static int build(struct hv_prepare *p) {
        int r = 0;

        for (size_t i = 0; i < p->task->n_inputs && r >= 0; i++) {
                if (hv_job_is_cancelled(&p->job))
                        return hv_err_set(&p->err, -ECANCELED, "the preparation was cancelled");
                r = make_input(p, i);
                if (r < 0)
                        (void) hv_err_prefix(&p->err, r, "input %s", p->task->inputs[i].path);
        }
        return r < 0 ? r : make_task_json(p);
}

static void run(struct hv_job *job) {
        struct hv_prepare *p = (struct hv_prepare *) job;

        if (!p->began)
                p->error = hv_workspace_make(p->o.work_root, &p->attempt, &p->o.owner, job, &p->workspace,
                                             &p->err);
        else if (p->error == 0)
                p->error = build(p);
        if (p->error == 0 && hv_job_is_cancelled(job))
                p->error = -ECANCELED;
        if (p->error < 0) {
                hv_workspace_close(&p->workspace);
                (void) hv_workspace_remove(p->o.work_root, &p->attempt, NULL, NULL);
        }
}

/* --- on the loop --- */

static void free_all(struct hv_prepare *p) {
        hv_workspace_close(&p->workspace);
        (void) hv_task_unref(p->task);
        (void) hv_arena_free(p->arena);
        free(p);
}

static void tell(struct hv_prepare *p) {
        struct hv_prepared result = { .error = p->error,
                                      .message = p->error < 0 ? p->err.msg : "",
                                      .path = p->workspace.path,
                                      .inputs = p->inputs };

        result.outcome = p->error == 0          ? HV_PREPARE_OK
                         : p->error == -EBADMSG ? HV_PREPARE_REFUSED
                                                : HV_PREPARE_FAILED;
        p->o.done(p->o.userdata, &result);
}

static void done(struct hv_job *job) {
        struct hv_prepare *p = (struct hv_prepare *) job;

        if (!job->dropped && !p->began && p->error == 0) {
                p->began = true;
                hv_worker_add(p->o.worker, &p->job);
                return;
        }
        if (!p->silent && !job->dropped)
                tell(p);
        free_all(p);
}

struct hv_prepare *hv_task_prepare(const struct hv_prepare_options *options) {
        struct hv_prepare *p = HV_NEW(struct hv_prepare);

        p->arena = hv_arena_new();
        p->o = *options;
        p->o.work_root = hv_arena_strdup(p->arena, options->work_root);
        p->limits = options->limits ? *options->limits : hv_task_input_limits_default;
        p->task = hv_task_ref((struct hv_task *) options->task);
        p->attempt = (struct hv_attempt){ .id = p->task->id, .attempt = options->attempt };
        p->inputs = HV_ARENA_NEW_N(p->arena, struct hv_prepared_input, p->task->n_inputs + 1);
        p->workspace = (struct hv_workspace) HV_WORKSPACE_NONE;
        p->job.run = run;
        p->job.done = done;
        hv_worker_add(p->o.worker, &p->job);
        return p;
}

struct hv_prepare *hv_prepare_free(struct hv_prepare *p) {
        if (!p)
                return NULL;
        p->silent = true;
        hv_job_cancel(&p->job);
        return NULL;
}
