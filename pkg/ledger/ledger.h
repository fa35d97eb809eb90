/* ledger/ledger.h - what the node promised and what it owes, so that no crash and no power cut makes it forget.
 *
 *      promise.h   accept, stop, retry, forget     attempt.h   begin, end (result, trust and receipt in one go)
 *      recall.h    every task, pages of tasks      trust.h, receipt.h, cron.h   what outlives a task
 *
 * Model    One SQLite file, `ledger.db`, in the state directory. Each function that changes something is one transaction:
 *          when it returns >= 0 the change is on the disk (WAL, synchronous=FULL); when it returns < 0 nothing has changed
 *          for this process. Only a power cut right after a failed flush may still show the change: an error of a disk
 *          means "not confirmed", never "surely not there".
 *          The ledger takes no decision and knows no other module: ids, words and times are handed in. Times are wall
 *          clock, microseconds; 0 is "none". Texts handed out are good until the visitor returns.
 * Thread   one; a visitor must not call the ledger (-EDEADLK for changes).
 * Errors   with a sentence; it holds the path where the file is at fault. -EINVAL a word or a number that the schema does not
 *          know; -ENOENT no such task; -ENOSPC, -EDQUOT, -EIO, -EROFS the disk (nothing changed, and the next call works when
 *          the disk does); -EAGAIN another program holds the file; -EBADMSG the file is damaged. What else a function says
 *          stands beside it.
 * Secrets  a document holds none, and no error text ever shows a document.
 */
#pragma once

#include "base/err.h"
#include "base/macros.h"

#define HV_LEDGER_FILE "ledger.db"
#define HV_LEDGER_ID_SIZE 65 /* of a task: 64 characters and the terminator */

struct hv_ledger;

/* Opens <dir>/ledger.db, made with mode 0600 when it is missing, brings an older schema up to date and binds the file to
 * the node at the first open. `dir` is there already, private to this user and locked by the caller.
 *   -EBADMSG  damaged, or no ledger at all: left as it is, for the operator to restore or to put aside
 *   -ENOTSUP  written by a newer version; nothing was touched
 *   -EPERM    the ledger of another node, or a file of another user
 *   -ELOOP, -EINVAL  a link, or no regular file */
int hv_ledger_open(const char *dir, const char *node_id, uint64_t now_wall_us, struct hv_ledger **ret,
                   struct hv_err *err);

/* As it, also where the ledger is bound to another node: the operator let this node's id change. It is bound anew. */
int hv_ledger_adopt(const char *dir, const char *node_id, uint64_t now_wall_us, struct hv_ledger **ret,
                    struct hv_err *err);

struct hv_ledger *hv_ledger_free(struct hv_ledger *l); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_ledger, hv_ledger_free);

const char *hv_ledger_path(const struct hv_ledger *l);
