/* source/revision_store.h - the last good revisions, so that a restart beside a broken file goes on with one.
 *
 *      <state>/revisions/index           which one is in force, which came before
 *      <state>/revisions/<revision>.rev  all documents that made it, from every source, as they were read
 *
 * Model    Each file carries its own SHA-256 and is replaced as a whole. Order of writing: the revision, then
 *          the index that names it, then what fell out of the index is removed; so the index never names what
 *          is not there. Nothing is written while nothing changes.
 * Errors   a file that is torn, truncated or edited is -EBADMSG, with its path: reported, never used, never a
 *          crash. A damaged index is kept as "index.damaged" for the operator, and the store begins empty.
 */
#pragma once

#include "base/sha256.h"
#include "base/vec.h"
#include "source/disk.h"

/* One input of a revision. */
struct hv_revision_file {
        const char *source; /* "file", "api", ... */
        const char *name;   /* display name, as in messages */
        bool primary;
        const char *text;
        size_t len;
};

struct hv_revision_entry {
        char revision[HV_SHA256_HEX_SIZE];
        uint64_t activated_us;           /* wall clock */
        unsigned n_objects;              /* that it declares; 0: not known (the index of an older version) */
        char before[HV_SHA256_HEX_SIZE]; /* in force until then; "": none was, or it is not known */
        char by[64];                     /* who wanted it; "": the files said it, or it is not known */
};

struct hv_revision_store;

/* *ret is written even with -EBADMSG (a damaged index, put aside): the store works, and is empty. */
int hv_revision_store_open(const struct hv_disk *state, struct hv_revision_store **ret, struct hv_err *err);
struct hv_revision_store *hv_revision_store_free(struct hv_revision_store *s); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_revision_store, hv_revision_store_free);

const char *hv_revision_store_active(const struct hv_revision_store *s); /* NULL: none yet */
/* Newest first; the first one is in force. Good until the next change. */
const struct hv_revision_entry *hv_revision_store_all(const struct hv_revision_store *s, size_t *ret_n);

/* Makes a revision the one in force and keeps the `keep` (1..) newest. by NULL: nobody by hand. 1 written, 0 it was in force already. */
int hv_revision_store_activate(struct hv_revision_store *s, const char *revision, uint64_t now_wall_us,
                               const struct hv_revision_file *files, size_t n_files, unsigned n_objects,
                               const char *by, size_t keep, struct hv_err *err);

/* This one stays, however old it becomes; NULL: none. At most one does. */
void hv_revision_store_pin(struct hv_revision_store *s, const char *revision);

/* The documents of a kept revision. -ENOENT not kept, -EBADMSG damaged. Ended with hv_revision_files_done(). */
struct hv_revision_files {
        struct hv_revision_file *v;
        size_t n, cap;
        char *memory;
};
int hv_revision_store_read(const struct hv_revision_store *s, const char *revision,
                           struct hv_revision_files *ret, struct hv_err *err);
void hv_revision_files_done(struct hv_revision_files *f);
