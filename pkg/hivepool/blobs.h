/* hivepool/blobs.h - inputs and results as files, named by their SHA-256, and the uploads on their way there.
 *
 * Model    blobs/<sha256> is whole, on disk and never changes. What arrives in pieces grows in uploads/<sha256>.<sender>: each
 *          sender has a file of its own, so that nobody spoils another's. Its hash is made on the way, not at the end. Every
 *          16 MiB the data and the state of the hash are brought to disk: from there an upload goes on after a crash.
 *          Whole means: all bytes are there, the hash agrees, and file and folder were synced. Only then has it its name.
 * Errors   -EBADMSG the bytes are not what their name says (the upload begins anew), -EFBIG above the limit, -EINVAL no such
 *          name; others from the disk.
 * Neighbours which task uses which blob is the store's knowledge (store.h).
 */
#pragma once

#include "base/err.h"
#include "base/sha256.h"

struct hv_blobs;

/* dir is there; the two folders in it are made. */
int hv_blobs_new(const char *dir, uint64_t max_bytes, struct hv_blobs **ret, struct hv_err *err);
struct hv_blobs *hv_blobs_free(struct hv_blobs *b); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_blobs, hv_blobs_free);

bool hv_blobs_is_name(const char *sha256); /* 64 lower-case hex digits */

/* A whole blob, or -1: there is none of that name. The caller's descriptor. */
int hv_blobs_open(struct hv_blobs *b, const char *sha256, uint64_t *ret_size);

/* A piece at `offset` of something of `total` bytes. *ret_next is where the next piece belongs: equal to total, it is whole
 * (perhaps it was before). A piece from somewhere else than asked for changes nothing. */
int hv_blobs_add(struct hv_blobs *b, const char *sha256, uint64_t sender, uint64_t total, uint64_t offset,
                 const void *data, size_t len, uint64_t *ret_next, struct hv_err *err);

/* All of it at once. */
int hv_blobs_put(struct hv_blobs *b, const void *data, size_t len, char ret_sha256[HV_SHA256_HEX_SIZE],
                 struct hv_err *err);

void hv_blobs_remove(struct hv_blobs *b, const char *sha256);
/* Uploads that this sender has begun, and will not end any more. A sender above 0 has one at a time: another one that it begins
 * forgets the first. */
void hv_blobs_forget_sender(struct hv_blobs *b, uint64_t sender);

/* Removes uploads on which nothing came since `before_us` (CLOCK_REALTIME) and, where is_used is given, whole ones as old that it
 * does not claim. Looks at each file: where there are very many, before anybody waits. */
void hv_blobs_clean(struct hv_blobs *b, uint64_t before_us,
                    bool (*is_used)(void *userdata, const char *sha256), void *userdata);
