/* task/kept.h - how long the files of a result stay, and what became of them: <results>/<id>/<attempt>/kept.json.
 *
 *      {"outputsSeconds":86400}
 *      {"outputsSeconds":86400,"removed":"they were kept for 24h (outputs.keep)"}
 *
 * Model    `removed` is written before anything is removed: whoever reads it takes the files for gone.
 * Thread   small files: good for the loop, but for hv_kept_remove(), which removes a tree.
 */
#pragma once

#include "base/err.h"

#define HV_KEPT_FILE "kept.json"

struct hv_job;

struct hv_kept {
        uint64_t outputs_us; /* after the end of the task */
        char removed[160];   /* why; "": they are there */
};

int hv_kept_write(int dir_fd, const struct hv_kept *k, struct hv_err *err);
bool hv_kept_read(int dir_fd, struct hv_kept *ret); /* false: nothing is known */

/* The files, and with `log` what was printed, too; manifest.json stays. Goes on where an earlier one was cut short. */
int hv_kept_remove(int dir_fd, const struct hv_kept *k, bool log, const struct hv_job *job,
                   struct hv_err *err);
