/* ledger/schema.h - the tables, and the way from each released version of them to the next.
 *
 * Model    `user_version` of the file is the number of steps done; step i leads from version i to i + 1, in one transaction.
 *          A step is SQL, and has a file of its own: schema_<version that it leads to>.c. A released one is never edited:
 *          test/state/ holds a ledger of every released version. The tables of today are the steps' sum.
 * New step its file, its name below and in hv_ledger_steps[], the row in docs/ledger.md, and test/state/make-ledger.sh
 */
#pragma once

#include "sqlite/db.h"

#define HV_LEDGER_APPLICATION_ID 0x68764c47 /* "hvLG", in the file's header (sqlite.org/fileformat, 1.3.14) */

extern const char hv_ledger_schema_1[], hv_ledger_schema_2[], hv_ledger_schema_3[];

extern const char *const hv_ledger_steps[];
extern const unsigned hv_ledger_n_steps; /* = the version that this program writes */

/* Refuses what is no ledger (-EBADMSG) or a newer one (-ENOTSUP), without a change. A file without tables is a new one. */
int hv_schema_check(struct hv_db *db, unsigned n_steps, unsigned *ret_version, struct hv_err *err);

/* Does the steps from `version` on. Those that are done stay done when a later one fails. */
int hv_schema_migrate(struct hv_db *db, const char *const *steps, unsigned n_steps, unsigned version,
                      struct hv_err *err);
