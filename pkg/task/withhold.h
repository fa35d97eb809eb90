/* task/withhold.h - a workspace is taken from where an engine would look for it, or put back: on the worker's thread.
 *
 * Model    hv_workspace_withhold() and hv_workspace_restore() (task/workspace.h say what that means). It keeps its place in
 *          the order of the worker's jobs.
 * Owner    options are copied. `done` comes once, on the loop, never from inside the call; error is 0 or -errno. With
 *          hv_withholding_free() before that nothing is called any more; the work may be done all the same.
 */
#pragma once

#include "task/workspace.h"

struct hv_withholding;
struct hv_worker;

struct hv_withholding_options {
        struct hv_worker *worker;
        const char *work_root;
        struct hv_attempt attempt;
        bool restore; /* put it back */
        void (*done)(void *userdata, int error, const char *message);
        void *userdata;
};

struct hv_withholding *hv_task_withhold(const struct hv_withholding_options *options);
struct hv_withholding *hv_withholding_free(struct hv_withholding *w); /* takes NULL, gives NULL */
