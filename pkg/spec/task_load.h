/* spec/task_load.h - one Task from its document, under the node-wide sections of a desired state: what is submitted over the
 * API or by a pool, and what a ledger kept.
 *
 * Model    read -> (variables: none are set) -> envelope -> decode -> check -> make, as for a set of files (spec/load.h),
 *          with policy, taskDefaults, networks, volumes, logging and limits of the desired state. Pure.
 * Kept     A promise that was accepted once is not unmade by a policy that got stricter: with `kept` there is always a
 *          task, and `refused` in it says why it may not be started now.
 */
#pragma once

#include "spec/load.h"
#include "spec/task.h"

struct hv_task_request {
        const char *document;
        size_t len;
        hv_spec_read_fn read;
        const char *
                id; /* NULL: <name>-<first 8 digits of the digest>; a document without metadata.name is named after it */
        const char *cron; /* name of the cron task that made it; NULL: none */
        enum hv_task_source source;
        const char *label;                 /* how findings call the text: "run.yaml"; NULL: the id */
        const struct hv_spec_facts *facts; /* NULL: the text alone is judged */
        bool kept;
};

/* 0 and one reference to a task. Else (never with `kept`) -EINVAL with errors in `diags`, which must be new; warnings may be in
 * it in any case. `desired` NULL: the defaults of a node without any document. */
int hv_task_load(const struct hv_task_request *r, const struct hv_desired *desired, struct hv_task **ret,
                 struct hv_diags *diags);
