/* task/result_zip.h - a result as one zip file, for whoever it is sent to.
 *
 *      collected files --.
 *      texts, a log -----+--> zip in a file without a name --> descriptor, size, SHA-256
 *
 * Model    Made anew each time it is needed: the result itself is what is kept. The file has no name, so that nothing of it
 *          survives the process, and lies in the results' own file system.
 * Owner    options are copied, the extras' texts too. `done` comes once, on the loop, never from inside hv_result_zip_new(); it is
 *          freed then. hv_result_zip_free() before that: nothing is called any more. Before hv_worker_free().
 */
#pragma once

#include "base/sha256.h"
#include "task/workspace.h"

struct hv_result_zip;
struct hv_worker;

/* A file beside the collected ones. One of their names is not taken twice: the collected one makes room. */
struct hv_result_zip_extra {
        const char *name;
        const char *text; /* NULL: `before`, the kept log, `after` */
        const char *before, *after;
};

struct hv_result_zip_made {
        int error; /* -errno; 0: it is made */
        const char *message;
        int fd; /* at its beginning; whoever is told owns it */
        uint64_t size_bytes;
        char sha256[HV_SHA256_HEX_SIZE];
};

struct hv_result_zip_options {
        struct hv_worker *worker;
        const char *results_root;
        struct hv_attempt attempt; /* attempt 0: there is no result; the extras alone */
        const struct hv_result_zip_extra *extras;
        size_t n_extras;
        void (*done)(void *userdata, const struct hv_result_zip_made *result);
        void *userdata;
};

struct hv_result_zip *hv_result_zip_new(const struct hv_result_zip_options *options);
struct hv_result_zip *hv_result_zip_free(struct hv_result_zip *p); /* takes NULL, gives NULL */
