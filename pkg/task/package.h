/* task/package.h - a result as one zip file, for whoever it is sent to.
 *
 *      collected files --.
 *      texts, a log -----+--> zip in a file without a name --> descriptor, size, SHA-256
 *
 * Model    Made anew each time it is needed: the result itself is what is kept. The file has no name, so that nothing of it
 *          survives the process, and lies in the results' own file system.
 * Owner    options are copied, the extras' texts too. `done` comes once, on the loop, never from inside hv_package_new(); the
 *          package is freed then. hv_package_free() before that: nothing is called any more. Before hv_worker_free().
 */
#pragma once

#include "base/sha256.h"
#include "task/workspace.h"

struct hv_package;
struct hv_worker;

/* A file beside the collected ones. One of their names is not taken twice: the collected one makes room. */
struct hv_package_extra {
        const char *name;
        const char *text; /* NULL: `before`, the kept log, `after` */
        const char *before, *after;
};

struct hv_packaged {
        int error; /* -errno; 0: it is made */
        const char *message;
        int fd; /* at its beginning; whoever is told owns it */
        uint64_t size_bytes;
        char sha256[HV_SHA256_HEX_SIZE];
};

struct hv_package_options {
        struct hv_worker *worker;
        const char *results_root;
        struct hv_attempt attempt; /* attempt 0: there is no result; the extras alone */
        const struct hv_package_extra *extras;
        size_t n_extras;
        void (*done)(void *userdata, const struct hv_packaged *result);
        void *userdata;
};

struct hv_package *hv_package_new(const struct hv_package_options *options);
struct hv_package *hv_package_free(struct hv_package *p); /* takes NULL, gives NULL */
