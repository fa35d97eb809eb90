/* pool/inbox.h - the inputs that a pool sent, as files that are named after what is in them: <inbox>/<sha256>.
 *
 *      receive() --> add(), add(), ... --> finish() --> [thread: flush, rename, flush the directory] --> done, held
 *                          |                                                                               |
 *                          '--> leave(): cut; receive() of the same goes on where it was        release(): promised, or not
 *
 * Model    A blob is complete or absent: it is written under a temporary name, hashed on the way, and gets its own name when
 *          its digest is right and it is on the disk. A blob that is there already is not written again. What no promise
 *          names is removed by hv_inbox_keep(); a blob that just came is held until release(), for its promise is not made
 *          yet. What a process left unfinished is removed by the next one.
 * Limits   one blob and all blobs together, said and enforced while the bytes come: -EFBIG for good, -ENOSPC for now.
 * Files    0600 in a directory of mode 0700. Names are hex digits only: nothing that a pool says becomes part of a path.
 */
#pragma once

#include "base/err.h"
#include "base/sha256.h"

struct hv_inbox;
struct hv_inbox_blob; /* one on its way in */

#define HV_INBOX_MAX_BYTES ((uint64_t) 16 << 30)     /* of all blobs, when nothing else is said */
#define HV_INBOX_MAX_BLOB_BYTES ((uint64_t) 4 << 30) /* of one */

struct hv_inbox_options {
        const char *path;   /* made with mode 0700 when it is not there; its parent must be */
        uint64_t max_bytes; /* 0: HV_INBOX_MAX_BYTES */
        /* `run` on a thread, then `done` on the loop (pool.h, backend->work). */
        void (*work)(void *userdata, void (*run)(void *data), void (*done)(void *data), void *data);
        void *userdata;
};

int hv_inbox_new(const struct hv_inbox_options *options, struct hv_inbox **ret, struct hv_err *err);
struct hv_inbox *hv_inbox_free(struct hv_inbox *i); /* takes NULL, gives NULL; no `done` is called any more */
HV_DEFINE_CLEANUP(struct hv_inbox, hv_inbox_free);

bool hv_inbox_has(const struct hv_inbox *i, const char *sha256);
uint64_t hv_inbox_size_bytes(const struct hv_inbox *i); /* of all blobs, the unfinished ones too */
int hv_inbox_open(const struct hv_inbox *i, const char *sha256, int *ret_fd, struct hv_err *err);

/* Begins a blob, or goes on with the one of the same digest that was cut. `sha256` NULL: what comes is what is wanted.
 * `size_bytes` UINT64_MAX: not known. -EBUSY: it is on its way already; -EINVAL: not a digest. */
int hv_inbox_receive(struct hv_inbox *i, const char *sha256, uint64_t size_bytes, struct hv_inbox_blob **ret,
                     struct hv_err *err);
uint64_t hv_inbox_blob_offset(const struct hv_inbox_blob *b); /* bytes that are here */
int hv_inbox_blob_add(struct hv_inbox_blob *b, const void *data, size_t len, struct hv_err *err);
/* Cut; it is kept for another receive() of this process when its digest is known, else removed. Of many that were cut the last few are
 * kept, and as long as there is room. */
void hv_inbox_blob_leave(struct hv_inbox_blob *b);
void hv_inbox_blob_drop(struct hv_inbox_blob *b); /* removes what came */

/* error 0, or -errno with a sentence: -EBADMSG other bytes or another size than announced. `sha256` is the blob's name. */
typedef void hv_inbox_done_fn(void *userdata, const char *sha256, int error, const char *message);

/* The blob is used up, whatever becomes of it. `done` is called once, later, on the loop. */
void hv_inbox_blob_finish(struct hv_inbox_blob *b, hv_inbox_done_fn *done, void *userdata);
/* `done` of this is not called any more; the blob may stay. */
void hv_inbox_forget(struct hv_inbox *i, void *userdata);

/* A blob that is there is not removed until as many release() as hold(); finish() holds it once. */
void hv_inbox_hold(struct hv_inbox *i, const char *sha256);
void hv_inbox_release(struct hv_inbox *i, const char *sha256);

/* Removes every blob that is not named here and not held. */
void hv_inbox_keep(struct hv_inbox *i, const char *const *sha256, size_t n);
