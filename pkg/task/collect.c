/* task/collect.c - see collect.h. What is marked so belongs to the thread until the spool has ended. */
#include "task/collect.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/fd.h"
#include "task/checkpoint.h"
#include "task/folder.h"
#include "task/gather.h"
#include "task/kept.h"
#include "task/spool.h"
#include "task/store.h"

struct hv_collect {
        struct hv_arena *arena;
        struct hv_collect_options o;
        struct hv_spool *spool;
        bool silent; /* freed by its owner */
        enum hv_log_form log_form;
        bool lost_beginning; /* of the log */
        struct hv_task_usage usage;

        /* of the thread */
        struct hv_store_draft draft;
        struct hv_log_file *log;
        struct hv_log_summary log_summary;
        struct hv_manifest_summary manifest_summary;
        bool checkpoint_kept;
        struct hv_err checkpoint_fault;
        char *path;
        struct hv_err err;
};

static void copy_options(struct hv_collect *c, const struct hv_collect_options *o) {
        const char **outputs = HV_ARENA_NEW_N(c->arena, const char *, o->outputs.n + 1);

        c->o = *o;
        c->o.work_root = hv_arena_strdup(c->arena, o->work_root);
        c->o.results_root = hv_arena_strdup(c->arena, o->results_root);
        c->o.attempt.id = hv_arena_strdup(c->arena, o->attempt.id);
        c->o.checkpoint = hv_arena_strdup(c->arena, o->checkpoint);
        for (size_t i = 0; i < o->outputs.n; i++)
                outputs[i] = hv_arena_strdup(c->arena, o->outputs.v[i]);
        c->o.outputs.v = outputs;
}

/* --- on the thread --- */

static int begin(struct hv_collect *c) {
        int r;

        if (c->log)
                return 0;
        r = hv_store_begin(c->o.results_root, &c->o.attempt, NULL, &c->draft, &c->err);
        if (r >= 0)
                r = hv_log_file_new(c->draft.fd, c->o.log_cap_bytes, c->log_form, &c->log, &c->err);
        if (r >= 0 && c->lost_beginning)
                hv_log_file_lost_beginning(c->log);
        return r;
}

static int use_log(void *userdata, unsigned tag, const char *data, size_t len) {
        struct hv_collect *c = userdata;
        int r;

        r = begin(c);
        return r < 0 ? r : hv_log_file_add(c->log, (enum hv_log_stream) tag, data, len, &c->err);
}

static int gather(struct hv_collect *c, struct hv_manifest *m) {
        _hv_cleanup_(hv_workspace_close) struct hv_workspace workspace = HV_WORKSPACE_NONE;
        _hv_cleanup_(hv_fd_closep) int files_fd = -1;
        struct hv_gather g;
        int r;

        r = hv_folder_make(c->draft.fd, "files", c->draft.path, &files_fd, &c->err);
        if (r < 0)
                return r;
        r = hv_workspace_open(c->o.work_root, &c->o.attempt, &workspace, &c->err);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        g = (struct hv_gather){ .workspace_fd = workspace.fd,
                                .paths = c->o.outputs.v,
                                .n_paths = c->o.outputs.n,
                                .max_bytes = c->o.max_bytes,
                                .max_files = c->o.max_files,
                                .files_fd = files_fd,
                                .job = hv_spool_job(c->spool) };
        return hv_gather_files(&g, m, &c->err);
}

/* What can never be copied keeps no result from being kept. */
static int keep_checkpoint(struct hv_collect *c) {
        struct hv_err err = {};
        int r;

        if (!c->o.checkpoint)
                return 0;
        r = hv_checkpoint_keep(c->o.work_root, &c->o.attempt, c->o.checkpoint, &c->o.owner,
                               hv_spool_job(c->spool), &err);
        c->checkpoint_kept = r > 0;
        if (r == -ELOOP) {
                c->checkpoint_fault = err;
                return 0;
        }
        if (r < 0)
                c->err = err;
        return r;
}

static int collect(void *userdata) {
        _hv_cleanup_(hv_manifest_freep) struct hv_manifest *m = NULL;
        struct hv_collect *c = userdata;
        int r;

        r = begin(c);
        if (r >= 0)
                r = hv_log_file_finish(c->log, &c->log_summary, &c->err);
        if (r >= 0)
                r = hv_manifest_new(c->draft.fd, &c->o.attempt, &m, &c->err);
        if (r >= 0)
                r = gather(c, m);
        if (r >= 0)
                r = hv_manifest_finish(m, &c->log_summary, &c->usage, &c->manifest_summary, &c->err);
        if (r >= 0)
                r = keep_checkpoint(c);
        if (r >= 0)
                r = hv_kept_write(c->draft.fd, &(struct hv_kept){ .outputs_us = c->o.keep_us }, &c->err);
        if (r >= 0)
                r = hv_store_commit(&c->draft, &c->err);
        return r;
}

static void clean_up(void *userdata) {
        struct hv_collect *c = userdata;

        c->log = hv_log_file_free(c->log);
        c->path = c->draft.path ? hv_strdup(c->draft.path) : NULL;
        hv_store_close(&c->draft);
}

/* --- on the loop --- */

static void free_all(struct hv_collect *c) {
        free(c->path);
        c->arena = hv_arena_free(c->arena);
        free(c);
}

static void on_ended(void *userdata, int error, bool dropped) {
        struct hv_collect *c = userdata;
        struct hv_collected result = { .error = error,
                                       .message = error < 0 ? c->err.msg : "",
                                       .path = c->path,
                                       .log = c->log_summary,
                                       .manifest = c->manifest_summary,
                                       .checkpoint_kept = c->checkpoint_kept,
                                       .checkpoint_fault = c->checkpoint_fault.msg };

        if (!c->silent && !dropped)
                c->o.done(c->o.userdata, &result);
        free_all(c);
}

static void on_drained(void *userdata) {
        struct hv_collect *c = userdata;

        if (!c->silent && c->o.log_room)
                c->o.log_room(c->o.userdata);
}

struct hv_collect *hv_collect_new(const struct hv_collect_options *options) {
        struct hv_collect *c = HV_NEW(struct hv_collect);
        struct hv_spool_options spool = { .worker = options->worker,
                                          .use = use_log,
                                          .last = collect,
                                          .clean_up = clean_up,
                                          .drained = on_drained,
                                          .ended = on_ended,
                                          .userdata = c };

        c->arena = hv_arena_new();
        c->draft = (struct hv_store_draft) HV_STORE_DRAFT_NONE;
        copy_options(c, options);
        c->spool = hv_spool_new(&spool);
        return c;
}

void hv_collect_log_from(struct hv_collect *c, const char *driver, bool lost_beginning) {
        c->log_form = hv_log_form_of(driver);
        c->lost_beginning = lost_beginning;
}

void hv_collect_usage(struct hv_collect *c, const struct hv_task_usage *usage) {
        c->usage = *usage;
}

bool hv_collect_log(struct hv_collect *c, enum hv_log_stream stream, const void *data, size_t len) {
        return hv_spool_add(c->spool, stream, data, len);
}

void hv_collect_finish(struct hv_collect *c) {
        hv_spool_end(c->spool);
}

struct hv_collect *hv_collect_free(struct hv_collect *c) {
        if (!c)
                return NULL;
        c->silent = true;
        hv_spool_cancel(c->spool);
        return NULL;
}
