/* task/prepare.h - everything that must be there before an attempt is started: a fresh workspace with its inputs.
 *
 *      hv_task_prepare() --> [fetch each URL] --> inline texts, archives, fetched files, task.json --> done
 *                             on the loop          on the worker's thread
 *
 * Model    Inputs are made in the order in which they are written. A file is never replaced: two inputs that want the same
 *          name are refused. What is made belongs to the container's user. task.json tells the program what the agent
 *          knows of it; an input of that name is kept in its place. What an attempt before this one left as a checkpoint
 *          (task/checkpoint.h) takes the place of inputs under its path.
 * Outcome  REFUSED: the input is wrong, and the same again would fail again. FAILED: the disk, the network or the engine's
 *          host are in the way; another time it may work. Whatever is not OK leaves no workspace.
 * Owner    options are copied, except worker, transfer and event. `done` comes once, on the loop, never from inside
 *          hv_task_prepare(); *result lives until it returns, and the preparation is freed then. hv_prepare_free() before
 *          that: nothing is called any more. It must be called before hv_worker_free() and hv_transfer_free().
 */
#pragma once

#include "base/sha256.h"
#include "spec/task.h"
#include "task/workspace.h"

struct hv_prepare;
struct hv_transfer;
struct hv_worker;
struct sd_event;

/* Of all inputs of one task together. */
struct hv_task_input_limits {
        size_t max_entries;        /* files and directories of archives */
        uint64_t max_bytes;        /* unpacked and fetched */
        unsigned max_ratio;        /* unpacked to packed bytes of one archive, ... */
        uint64_t ratio_from_bytes; /* ... once it gave more than this */
};

extern const struct hv_task_input_limits hv_task_input_limits_default; /* 10,000, 10 GiB, 200, 10 MiB */

enum hv_prepare_outcome {
        HV_PREPARE_OK,
        HV_PREPARE_REFUSED,
        HV_PREPARE_FAILED,
};

struct hv_prepared_input { /* of task->inputs[i] */
        uint64_t size_bytes;
        char sha256[HV_SHA256_HEX_SIZE]; /* of the text, the fetched file or the archive as it is */
};

struct hv_prepared {
        enum hv_prepare_outcome outcome;
        int error;           /* -errno; 0 for OK */
        const char *message; /* names the input; "" for OK */
        const char *path;    /* of the workspace: what is mounted */
        const struct hv_prepared_input *inputs;
};

struct hv_prepare_options {
        struct sd_event *event;
        struct hv_worker *worker;
        struct hv_transfer *transfer; /* used for inputs only: see task/download.h */
        const struct hv_task *task;
        unsigned attempt;
        struct hv_owner owner; /* the container's user */
        const char *work_root;
        const char *inbox; /* directory of what pools sent, files by their SHA-256; NULL: there is none */
        const struct hv_task_input_limits *limits; /* NULL: the defaults */
        bool allow_private;                        /* URLs may lead to private addresses */
        uint64_t fetch_timeout_us;                 /* for all URLs together; 0: one hour */
        void (*done)(void *userdata, const struct hv_prepared *result);
        void *userdata;
};

struct hv_prepare *hv_task_prepare(const struct hv_prepare_options *options);
struct hv_prepare *hv_prepare_free(struct hv_prepare *p); /* takes NULL, gives NULL */
