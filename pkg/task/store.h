/* task/store.h - a result that is complete or absent: <results>/<id>/<attempt>/.
 *
 *      hv_store_begin()   <attempt>.tmp, empty        what a crash left of it is removed
 *      ...                log, files/, manifest.json are written into it
 *      hv_store_commit()  flushed, then renamed to <attempt>, then the directory is flushed
 *
 * Model    An older result of the same attempt (the agent died between commit and ledger) is exchanged for the new one
 *          in one step, and then removed.
 * Thread   everything here blocks: for the worker.
 */
#pragma once

#include "task/workspace.h"

struct hv_job;

struct hv_store_draft {
        int task_fd; /* <results>/<id> */
        int fd;      /* <attempt>.tmp */
        char *path;  /* of the result, when it is committed */
        char name[16], draft_name[24];
};

#define HV_STORE_DRAFT_NONE \
        { .task_fd = -1, .fd = -1 }

int hv_store_begin(const char *results_root, const struct hv_attempt *a, const struct hv_job *job,
                   struct hv_store_draft *ret, struct hv_err *err);
int hv_store_commit(struct hv_store_draft *d, struct hv_err *err);
void hv_store_close(struct hv_store_draft *d); /* removes what was not committed */

/* Removes a result, or an unfinished one. 1 removed, 0 it was not there. <results>/<id> goes with the last one. */
int hv_store_remove(const char *results_root, const struct hv_attempt *a, const struct hv_job *job,
                    struct hv_err *err);
