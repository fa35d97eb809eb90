/* task/remove.h - workspaces and results, removed on the worker's thread.
 *
 * Owner    options are copied. `done` comes once, on the loop, never from inside the call; what could not be removed
 *          (mounts, immutable files) is in the message and stays. With done NULL nobody is told. hv_removal_free() before
 *          that: nothing is called any more, and the removal ends where it is.
 */
#pragma once

#include "task/workspace.h"

struct hv_removal;
struct hv_worker;

struct hv_removal_options {
        struct hv_worker *worker;
        const char *work_root, *results_root; /* NULL: of these nothing is removed */
        struct hv_attempt attempt;            /* 0: the workspaces of all attempts, and no results */
        void (*done)(void *userdata, int error, const char *message);
        void *userdata;
};

struct hv_removal *hv_task_remove(const struct hv_removal_options *options);
struct hv_removal *hv_removal_free(struct hv_removal *r); /* takes NULL, gives NULL */
