/* task/gather.h - the declared outputs of a workspace, copied by somebody who trusts none of its names.
 *
 * Model    Regular files only. A symbolic link, a device, a fifo or a socket is left out with a note, and never opened.
 *          A file with several names is taken only when all of them are below the declared outputs, and then copied and
 *          counted once: a name that somebody else holds too could be a file of the host. Directories are walked in the
 *          order of their names, so that the same workspace always gives the same manifest.
 * Limits   what does not fit any more is left out, and so is what lies more than 64 levels deep. Sizes are apparent ones:
 *          a sparse file of 1 TiB counts 1 TiB (and is copied as a sparse file).
 * Thread   blocks: for the worker.
 */
#pragma once

#include "task/manifest.h"

struct hv_job;

struct hv_gather {
        int workspace_fd;
        const char *const *paths; /* relative, normal; "." is the whole workspace */
        size_t n_paths;
        uint64_t max_bytes;
        size_t max_files;
        int files_fd; /* where the copies go */
        const struct hv_job *job;
};

/* A path that is not there is no error. -ECANCELED; -ENOSPC and what else goes wrong where the copies go. */
int hv_gather_files(const struct hv_gather *g, struct hv_manifest *m, struct hv_err *err);
