/* source/object_store.h - the source `api`: objects that were given through the API, one file each.
 *
 *      <state>/api/service/web.yaml      one document, as it was given
 *
 * Model    Read once when opened, held in memory, changed all or nothing: new texts are written beside the
 *          old ones, the list of what to do is made durable (".change"), then everything is put in place and
 *          the list removed. A change that a crash cut short is finished when the store is opened again, or
 *          was never begun.
 * Safety   kind and name make the path, so only known kinds and DNS labels get here.
 * Errors   a file that cannot be read is reported with its path and leaves the store without that object
 *          *unknown*, not without it: opening fails, and the caller goes on with the last good revision.
 */
#pragma once

#include "base/err.h"
#include "source/disk.h"
#include "spec/kind.h"

struct hv_stored_object {
        enum hv_kind kind;
        char *name;
        char *text;
        size_t len;
};

struct hv_object_store;

/* look_only: nothing is made, finished or cleaned up (another process may be at work);
 * hv_object_store_change() is -EROFS. */
int hv_object_store_open(const struct hv_disk *state, bool look_only, struct hv_object_store **ret,
                         struct hv_err *err);
struct hv_object_store *hv_object_store_free(struct hv_object_store *s); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_object_store, hv_object_store_free);

/* Sorted by kind, then name; good until the next change. */
const struct hv_stored_object *hv_object_store_all(const struct hv_object_store *s, size_t *ret_n);
const struct hv_stored_object *hv_object_store_get(const struct hv_object_store *s, enum hv_kind kind,
                                                   const char *name); /* NULL: none */

/* "api/service/web.yaml": what messages call it. Caller frees. */
char *hv_object_store_path(enum hv_kind kind, const char *name);

/* Adds or replaces (text set) or removes (text NULL), all or nothing. What is there already with the same
 * text costs no write. 1 something was written, 0 nothing had to be. -EINVAL a kind or a name that cannot be
 * stored. */
int hv_object_store_change(struct hv_object_store *s, const struct hv_stored_object *changes, size_t n,
                           struct hv_err *err);

/* The last change failed when it was decided already: it is carried out later. */
bool hv_object_store_is_unfinished(const struct hv_object_store *s);
