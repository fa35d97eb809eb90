/* execute/task_driver.h - the driver for a task's own actions: promises in the ledger, files on the disk.
 *
 * Ledger   ACCEPT, STOPPING, BEGIN, END: one transaction each, done when submit() returns. A full disk is FAILED: the core
 *          tries again; what contradicts the ledger is CONFLICT.
 *          The END of a task leaves a receipt (task/receipt.h), in the same transaction.
 * Disk     PREPARE, COLLECT, CLEAN, WITHHOLD, RESTORE, FORGET: on the worker's thread, downloads and the engine's log on the
 *          loop. A PREPARE that a CANCEL cuts short is FAILED, and so is a PACKAGES (execute/package_builder.h). A COLLECT
 *          asks the engine for the log of `target` first; a container that is gone has none.
 * Places   <work>/<id>/<attempt>/workspace and <results>/<id>/<attempt>, see task/workspace.h and task/store.h.
 */
#pragma once

#include "execute/driver.h"
#include "ledger/attempt.h"
#include "task/usage.h"

struct hv_attempt_cgroups;
struct hv_docker;
struct hv_ledger_assignment;
struct hv_package_builder;
struct hv_receipt_key;
struct hv_transfer;
struct hv_worker;
struct sd_event;

struct hv_task_driver_options {
        struct sd_event *event; /* borrowed, as all that follow; they outlive the driver */
        struct hv_docker *docker;
        struct hv_ledger *ledger;
        struct hv_worker *worker;
        struct hv_package_builder *builder;
        struct hv_attempt_cgroups *cgroups;   /* NULL: what tasks use is not known */
        struct hv_transfer *transfer;         /* for inputs only */
        const char *work_root, *results_root; /* copied */
        const char *inbox;                    /* of what node pools sent; copied; NULL: there is none */
        bool allow_private;                   /* inputs may be fetched from private addresses */
        hv_driver_input_fn *input;
        void *input_userdata;
        struct hv_ledger_instant (*now)(void);
        const char *node_id;                      /* in receipts; copied */
        const struct hv_receipt_key *receipt_key; /* what they are signed with; NULL: none are written */
        /* The idempotency key that a task was submitted with; NULL: none. May be NULL. */
        const char *(*key)(void *userdata, const char *id);
        /* Under what a node pool is assigning it: 1, *ret; 0: none is. May be NULL. */
        int (*assignment)(void *userdata, const char *id, struct hv_ledger_assignment *ret);
        /* What a container, by name, used of its GPUs by the samples; id NULL: it is gone. May be NULL. */
        struct hv_task_gpu_use (*gpu_use)(void *userdata, const char *container, const char *id);
        void *userdata;
};

struct hv_driver *hv_task_driver_new(const struct hv_task_driver_options *options);
