/* http/tasks.h - what the API asks of the agent about tasks, and what it gets.
 *
 * Model    What is alive is the core's to tell, what was promised and what ended the ledger's: http/task_view.h joins the
 *          two. Reading is synchronous, as a snapshot is. What changes something ends later, when the change is durable
 *          and never before, with hv_api_task_done().
 */
#pragma once

#include "base/err.h"
#include "ledger/ledger.h"
#include "reconcile/status.h"
#include "spec/diag.h"

struct hv_api_call;
struct hv_api_file;

/* At one instant. Borrowed, or in the arena that came with the request for it. */
struct hv_api_tasks {
        struct hv_ledger *ledger; /* NULL: it is not there (yet); `trouble` says why */
        const char *trouble;
        const struct hv_task_status *live; /* those with something left to do */
        size_t n_live;
        bool room_known;                             /* `allocatable` and `free` are told */
        struct hv_room allocatable, for_tasks, free; /* reconcile/admission.h */
        int trust_score;
        const char *trust_group;
        const char *results_root; /* <results_root>/<id>/<attempt>/; NULL: nowhere */
        bool results_known;
        uint64_t results_bytes;  /* what all of them take on the disk */
        const char *receipt_key; /* public, 64 hex digits; NULL: no ledger, no receipts */
        const char *work_root;   /* <work_root>/<id>/<attempt>/workspace/ */
};

enum hv_api_task_change_type {
        HV_API_TASK_SUBMIT,
        HV_API_TASK_STOP,
        HV_API_TASK_RETRY,
        HV_API_TASK_FORGET,
        HV_API_CRON_TRIGGER,
        HV_API_CRON_SUSPEND,
        HV_API_CRON_RESUME,
};

/* Good until the call is done and the function that was asked has returned. */
struct hv_api_task_change {
        enum hv_api_task_change_type type;
        const struct hv_api_file *file; /* SUBMIT: one Task document */
        const char *id;  /* SUBMIT: NULL, <name>-<digest8>; others: whose; CRON_*: name of the cron task */
        const char *key; /* SUBMIT: the asker's idempotency key; NULL: none */
        const char *by, *reason; /* STOP, CRON_SUSPEND, CRON_RESUME; reason may be NULL */
};

enum hv_api_task_outcome {
        HV_API_TASK_DONE,    /* the change is durable */
        HV_API_TASK_SAME,    /* it was so already */
        HV_API_TASK_REFUSED, /* SUBMIT: `diags` says why */
        HV_API_TASK_FAILED,  /* `err`: -EEXIST the id stands for something else, -ESTALE the key's task was
                              * forgotten, -ENOSPC it never fits, -EPERM policy,
                              * -EAGAIN not now (the ledger), -ENOENT, -EBUSY */
};

struct hv_api_task_changed {
        enum hv_api_task_outcome outcome;
        const char *id;         /* with DONE and SAME; of CRON_TRIGGER the run's */
        struct hv_diags *diags; /* errors and warnings, sorted; NULL: none */
        const struct hv_err *err;
};

void hv_api_task_done(struct hv_api_call *call, const struct hv_api_task_changed *result);

/* Would it fit? */
enum hv_api_fit_verdict {
        HV_API_FIT_NOW,
        HV_API_FIT_LATER, /* when others have ended */
        HV_API_FIT_NEVER,
        HV_API_FIT_UNKNOWN, /* what this machine has is not known yet */
};

struct hv_api_fit {
        enum hv_api_fit_verdict verdict;
        const char *message; /* what it lacks first; "" where it fits */
        struct hv_room asked, free, for_tasks;
        struct hv_diags *diags; /* with errors: refused, nothing else is told. The caller frees; NULL: none */
};
