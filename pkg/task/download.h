/* task/download.h - one URL into one file, on the loop; written and hashed on the worker's thread.
 *
 *      request --> pieces --> spool (thread: write, hash) --> done
 *         ^           |
 *         '-- Range --'  after a cut, where the server can; else from the beginning; at most five times in a row without
 *                        a byte of progress
 *
 * Rules    https, or http where a sha256 is given. Public addresses only (task/address_policy.h), judged in the moment of the
 *          connection. A redirect is followed (up to five) as long as scheme, host and port stay. The size is cut off at
 *          max_bytes, whatever the server announces. What was begun goes on only where the server confirms with an ETag
 *          that it is still the same.
 * Outcome  error 0; -EBADMSG: the input is wrong (4xx, too big, another sha256, a forbidden address); -ETIMEDOUT, -ENOSPC
 *          and whatever else is in the way.
 * Owner    options are copied. `done` comes once, on the loop, never from inside hv_download_new(), and the download is
 *          freed then. hv_download_free() before that: nothing is called any more.
 */
#pragma once

#include "base/err.h"
#include "base/sha256.h"

struct hv_download;
struct hv_transfer;
struct hv_worker;
struct sd_event;

struct hv_downloaded {
        int error;
        const char *message; /* names neither user nor query of the URL */
        uint64_t size_bytes;
        char sha256[HV_SHA256_HEX_SIZE];
};

struct hv_download_options {
        struct sd_event *event;
        struct hv_worker *worker;
        struct hv_transfer *transfer;
        const char *url;
        const char *sha256; /* NULL: any */
        uint64_t max_bytes;
        int dir_fd;       /* a copy is made */
        const char *name; /* of the file, made in dir_fd, mode 0600; may be there half after an error */
        bool allow_private;
        uint64_t timeout_us; /* for everything */
        uint64_t retry_us;   /* wait before another try; 0: one second */
        uint64_t idle_us;    /* longest silence; 0: 30 seconds */
        void (*done)(void *userdata, const struct hv_downloaded *result);
        void *userdata;
};

struct hv_download *hv_download_new(const struct hv_download_options *options);
struct hv_download *hv_download_free(struct hv_download *d); /* takes NULL, gives NULL */
