/* task/collect.h - the result of one attempt: its log and its declared outputs, brought into the results store.
 *
 *      hv_collect_new() -> hv_collect_log()* -> hv_collect_finish() -> done          on the loop
 *                                |                     |
 *      worker's thread:     <attempt>.tmp/log      outputs copied, manifest, flushed, renamed to <attempt>
 *
 *      <results>/<id>/<attempt>/log, log.idx, manifest.json, files/<path below the workspace>
 *
 * Model    Complete or absent: before `done` says success there is no <attempt>, afterwards it is durable. A workspace or
 *          an output that is not there means no files; it is no error. Doing it again replaces the result.
 * Flow     hv_collect_log() takes every piece; false asks for a pause (hv_docker_call_pause()) until `log_room`. When the
 *          log cannot be written, that is what `done` says; pieces may still be given.
 * Owner    options are copied. `done` comes once, on the loop, never from inside a call; *result lives until it returns, and
 *          the collection is freed then. hv_collect_free() before that: nothing is called any more, and nothing is left.
 *          It must be called before hv_worker_free().
 */
#pragma once

#include "spec/desired.h"
#include "task/log_file.h"
#include "task/manifest.h"

struct hv_worker;
struct hv_collect;

struct hv_collected {
        int error; /* 0, or -errno: -ENOSPC and -EDQUOT are a full disk */
        const char *message;
        const char *path; /* of the result */
        struct hv_log_summary log;
        struct hv_manifest_summary manifest;
        bool checkpoint_kept;
        const char *checkpoint_fault; /* why it cannot be, though it is there; "": nothing is wrong */
};

struct hv_collect_options {
        struct hv_worker *worker;
        const char *work_root, *results_root;
        struct hv_attempt attempt;
        struct hv_strv outputs; /* relative to the workspace */
        uint64_t max_bytes;
        size_t max_files;
        const char *checkpoint; /* folder of the workspace that the next attempt gets; NULL: none */
        struct hv_owner owner;  /* of its copy: the container's user */
        uint64_t keep_us;       /* how long the files stay after the end of the task (task/kept.h) */
        uint64_t log_cap_bytes; /* 0: all of it */
        void (*log_room)(void *userdata);
        void (*done)(void *userdata, const struct hv_collected *result);
        void *userdata;
};

struct hv_collect *hv_collect_new(const struct hv_collect_options *options);
/* In front of the first piece: the driver that keeps the log, for its form (task/log_form.h), and whether the engine is known to
 * have dropped the beginning. Without: the bytes count. */
void hv_collect_log_from(struct hv_collect *c, const char *driver, bool lost_beginning);
/* What the attempt used, for the manifest. In front of hv_collect_finish(); without: it is not known. */
void hv_collect_usage(struct hv_collect *c, const struct hv_task_usage *usage);
/* A message of the engine, or a part of one. */
bool hv_collect_log(struct hv_collect *c, enum hv_log_stream stream, const void *data, size_t len);
void hv_collect_finish(struct hv_collect *c);             /* that was the whole log */
struct hv_collect *hv_collect_free(struct hv_collect *c); /* takes NULL, gives NULL */
