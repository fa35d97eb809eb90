/* task/prepare.c - see prepare.h.
 *
 *      begin (thread): fresh workspace --> fetch (loop): URL by URL --> build (thread): everything in its place
 *
 * What is fetched lies in <work>/<id>/<attempt>/, beside the workspace: on the same file system, out of the container's
 * sight, and gone with the attempt. */
#include "task/prepare.h"
#include "task/input_notes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/fd.h"
#include "task/archive.h"
#include "task/checkpoint.h"
#include "task/download.h"
#include "task/folder.h"
#include "task/place.h"
#include "task/task_json.h"
#include "task/worker.h"
#include "transfer/transfer.h"

#define FETCH_TIMEOUT_US HV_USEC_PER_HOUR
#define BLOCK_BYTES ((size_t) 256 << 10)
#define FETCHED_NAME_SIZE 32

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
        struct hv_download *download; /* of inputs[n_fetched] */
        size_t n_fetched;
        uint64_t fetch_until_us;
        uint64_t n_bytes; /* of all inputs */
        size_t n_entries;

        /* of the thread, while the job is with it */
        struct hv_workspace workspace;
        int error;
        struct hv_err err;
};

/* --- on the thread --- */

static void name_fetched(size_t i, char ret[FETCHED_NAME_SIZE]) {
        (void) snprintf(ret, FETCHED_NAME_SIZE, "fetch-%zu", i);
}

static int count(struct hv_prepare *p, uint64_t bytes) {
        if (bytes > p->limits.max_bytes - p->n_bytes)
                return hv_err_set(&p->err, -EBADMSG, "with it the inputs have more than %llu bytes",
                                  (unsigned long long) p->limits.max_bytes);
        p->n_bytes += bytes;
        return 0;
}

static int make_inline(struct hv_prepare *p, const struct hv_task_input *in, struct hv_prepared_input *ret) {
        int r = count(p, in->len);

        if (r < 0)
                return r;
        ret->size_bytes = in->len;
        hv_sha256_hex(in->text, in->len, ret->sha256);
        return hv_place_text(p->workspace.fd, in->path, in->text, in->len, &p->o.owner, &p->err);
}

static int make_fetched(struct hv_prepare *p, size_t i) {
        char name[FETCHED_NAME_SIZE];
        int r = count(p, p->inputs[i].size_bytes);

        if (r < 0)
                return r;
        name_fetched(i, name);
        return hv_place_file(p->workspace.fd, p->task->inputs[i].path, p->workspace.attempt_fd, name,
                             &p->o.owner, &p->err);
}

static int open_archive(struct hv_prepare *p, const char *path, int *ret_fd) {
        int r = hv_beneath_open_host_file(path, ret_fd);

        switch (r) {
        case 0:
                return 0;
        case -ELOOP:
                return hv_err_set(&p->err, -EBADMSG, "%s: a symbolic link is on the way", path);
        case -EINVAL:
        case -EISDIR:
                return hv_err_set(&p->err, -EBADMSG, "%s is not a regular file", path);
        case -ENOENT:
        case -ENOTDIR:
                return hv_err_set(&p->err, -EBADMSG, "%s is not there", path);
        default:
                return hv_err_errno(&p->err, r, "%s cannot be opened", path);
        }
}

/* What is hashed is what is used, also when somebody writes to the original meanwhile. `what`: how messages call it. */
static int copy_checked(struct hv_prepare *p, const struct hv_task_input *in, const char *what, int from,
                        int to, struct hv_prepared_input *ret) {
        _hv_cleanup_free_ char *block = hv_malloc(BLOCK_BYTES);
        struct hv_sha256 sha256;
        ssize_t n;
        int r;

        hv_sha256_init(&sha256);
        while ((n = read(from, block, BLOCK_BYTES)) > 0) {
                if (hv_job_is_cancelled(&p->job))
                        return hv_err_set(&p->err, -ECANCELED, "the preparation was cancelled");
                hv_sha256_add(&sha256, block, (size_t) n);
                ret->size_bytes += (uint64_t) n;
                if (ret->size_bytes > in->max_size_bytes)
                        return hv_err_set(&p->err, -EBADMSG, "%s has more than %llu bytes", what,
                                          (unsigned long long) in->max_size_bytes);
                r = hv_fd_write(to, block, (size_t) n);
                if (r < 0)
                        return hv_err_errno(&p->err, r, "%s cannot be copied", what);
        }
        if (n < 0)
                return hv_err_errno(&p->err, -errno, "%s cannot be read", what);
        hv_sha256_finish_hex(&sha256, ret->sha256);
        if (in->sha256 && !hv_streq(in->sha256, ret->sha256))
                return hv_err_set(&p->err, -EBADMSG, "%s has sha256 %s, expected %s", what, ret->sha256,
                                  in->sha256);
        return 0;
}

static int unpack(struct hv_prepare *p, const struct hv_task_input *in, int fd, const char *name,
                  const char *what) {
        const struct hv_unpack u = { .archive_fd = fd,
                                     .archive_name = name,
                                     .workspace_fd = p->workspace.fd,
                                     .path = in->path,
                                     .owner = p->o.owner,
                                     .limits = &p->limits,
                                     .n_entries = &p->n_entries,
                                     .n_bytes = &p->n_bytes,
                                     .job = &p->job };
        int r = hv_archive_unpack(&u, &p->err);

        return r < 0 ? hv_err_prefix(&p->err, r, "%s", what) : 0;
}

/* A checked copy of `from` beside the workspace, under `name`. */
static int copy_aside(struct hv_prepare *p, size_t i, const char *what, int from, const char *name,
                      int *ret_fd) {
        _hv_cleanup_(hv_fd_closep) int copy = -1;
        int r;

        copy = openat(p->workspace.attempt_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                      0600);
        if (copy < 0)
                return hv_err_errno(&p->err, -errno, "a copy of %s cannot be made", what);
        r = copy_checked(p, &p->task->inputs[i], what, from, copy, &p->inputs[i]);
        if (r < 0)
                return r;
        *ret_fd = copy;
        copy = -1;
        return 0;
}

static int make_archive(struct hv_prepare *p, size_t i) {
        const struct hv_task_input *in = &p->task->inputs[i];
        _hv_cleanup_(hv_fd_closep) int from = -1, copy = -1;
        const char *slash = strrchr(in->archive, '/');
        char name[FETCHED_NAME_SIZE];
        int r;

        r = open_archive(p, in->archive, &from);
        if (r < 0)
                return r;
        name_fetched(i, name);
        r = copy_aside(p, i, in->archive, from, name, &copy);
        if (r < 0)
                return r;
        r = unpack(p, in, copy, slash ? slash + 1 : in->archive, in->archive);
        (void) unlinkat(p->workspace.attempt_fd, name, 0);
        return r;
}

/* What a pool sent lies in the inbox under its SHA-256; the inbox is the agent's alone, and outlives the attempt. That it is
 * not there is the node's fault: it was when the task was promised. */
static int make_inbox(struct hv_prepare *p, size_t i) {
        static const char what[] = "what the pool sent";
        const struct hv_task_input *in = &p->task->inputs[i];
        _hv_cleanup_(hv_fd_closep) int dir = -1, from = -1, copy = -1;
        char name[FETCHED_NAME_SIZE];
        int r;

        dir = p->o.inbox ? open(p->o.inbox, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        from = dir >= 0 ? openat(dir, in->sha256, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
        if (from < 0)
                return hv_err_errno(&p->err, p->o.inbox ? -errno : -ENOENT, "%s is not in the inbox any more",
                                    what);
        name_fetched(i, name);
        r = copy_aside(p, i, what, from, name, &copy);
        if (r == -EBADMSG && p->inputs[i].size_bytes <= in->max_size_bytes) /* damaged since it came */
                return hv_err_prefix(&p->err, -EIO, "the inbox");
        if (r < 0)
                return r;
        if (!in->unpack)
                return make_fetched(p, i);
        r = unpack(p, in, copy, "archive", what);
        (void) unlinkat(p->workspace.attempt_fd, name, 0);
        return r;
}

static int make_input(struct hv_prepare *p, size_t i) {
        const struct hv_task_input *in = &p->task->inputs[i];

        switch (in->type) {
        case HV_TASK_INPUT_INLINE:
                return make_inline(p, in, &p->inputs[i]);
        case HV_TASK_INPUT_URL:
                return make_fetched(p, i);
        case HV_TASK_INPUT_ARCHIVE:
                return make_archive(p, i);
        case HV_TASK_INPUT_INBOX:
                return make_inbox(p, i);
        }
        return hv_err_set(&p->err, -EINVAL, "it is of no type that is known");
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
        if (r >= 0 && p->task->checkpoint_code >= 0)
                r = hv_checkpoint_give(p->o.work_root, &p->attempt, p->task->checkpoint_path, &p->o.owner,
                                       p->workspace.fd, &p->job, &p->err);
        if (r >= 0)
                r = make_task_json(p);
        return r < 0 ? r : hv_input_notes_write(p->workspace.attempt_fd, p->task, p->inputs, &p->err);
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

static void end(struct hv_prepare *p, bool dropped) {
        if (!p->silent && !dropped)
                tell(p);
        free_all(p);
}

static void fetch_next(struct hv_prepare *p);

static void on_fetched(void *userdata, const struct hv_downloaded *result) {
        struct hv_prepare *p = userdata;
        struct hv_prepared_input *in = &p->inputs[p->n_fetched];

        p->download = NULL;
        in->size_bytes = result->size_bytes;
        memcpy(in->sha256, result->sha256, sizeof in->sha256);
        if (result->error < 0) {
                p->error = hv_err_set(&p->err, result->error, "input %s: %s",
                                      p->task->inputs[p->n_fetched].path, result->message);
                hv_worker_add(p->o.worker, &p->job); /* removes the workspace */
                return;
        }
        p->n_fetched++;
        fetch_next(p);
}

static void fetch(struct hv_prepare *p, const struct hv_task_input *in) {
        uint64_t now_us = hv_transfer_now_us();
        char name[FETCHED_NAME_SIZE];
        struct hv_download_options o = { .event = p->o.event,
                                         .worker = p->o.worker,
                                         .transfer = p->o.transfer,
                                         .url = in->url,
                                         .sha256 = in->sha256,
                                         .max_bytes = HV_MIN(in->max_size_bytes, p->limits.max_bytes),
                                         .dir_fd = p->workspace.attempt_fd,
                                         .name = name,
                                         .allow_private = p->o.allow_private,
                                         .timeout_us =
                                                 p->fetch_until_us > now_us ? p->fetch_until_us - now_us : 0,
                                         .done = on_fetched,
                                         .userdata = p };

        name_fetched(p->n_fetched, name);
        p->download = hv_download_new(&o);
}

/* The next URL; behind the last one everything is put in its place. */
static void fetch_next(struct hv_prepare *p) {
        while (p->n_fetched < p->task->n_inputs && p->task->inputs[p->n_fetched].type != HV_TASK_INPUT_URL)
                p->n_fetched++;
        if (p->n_fetched < p->task->n_inputs)
                fetch(p, &p->task->inputs[p->n_fetched]);
        else
                hv_worker_add(p->o.worker, &p->job);
}

static void done(struct hv_job *job) {
        struct hv_prepare *p = (struct hv_prepare *) job;

        if (job->dropped || p->began || p->error < 0) {
                end(p, job->dropped);
                return;
        }
        p->began = true;
        fetch_next(p);
}

struct hv_prepare *hv_task_prepare(const struct hv_prepare_options *options) {
        struct hv_prepare *p = HV_NEW(struct hv_prepare);

        p->arena = hv_arena_new();
        p->o = *options;
        p->o.work_root = hv_arena_strdup(p->arena, options->work_root);
        p->o.inbox = hv_arena_strdup(p->arena, options->inbox);
        p->limits = options->limits ? *options->limits : hv_task_input_limits_default;
        p->task = hv_task_ref((struct hv_task *) options->task);
        p->attempt = (struct hv_attempt){ .id = p->task->id, .attempt = options->attempt };
        p->inputs = HV_ARENA_NEW_N(p->arena, struct hv_prepared_input, p->task->n_inputs + 1);
        p->workspace = (struct hv_workspace) HV_WORKSPACE_NONE;
        p->fetch_until_us =
                hv_time_add(hv_transfer_now_us(),
                            options->fetch_timeout_us ? options->fetch_timeout_us : FETCH_TIMEOUT_US);
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
        if (p->download) { /* then the job is not with the worker */
                p->download = hv_download_free(p->download);
                hv_worker_add(p->o.worker, &p->job); /* removes the workspace */
        }
        return NULL;
}
