/* ledger/schema.h - the tables, and the way from each released version of them to the next (sqlite/steps.h).
 *
 * Model    A step is SQL, and has a file of its own: schema_<version that it leads to>.c. A released one is never edited:
 *          test/state/ holds a ledger of every released version. The tables of today are the steps' sum.
 * New step its file, its name below and in hv_ledger_steps, the row in docs/ledger.md, and test/state/make-ledger.sh
 */
#pragma once

#include "sqlite/steps.h"

#define HV_LEDGER_APPLICATION_ID 0x68764c47 /* "hvLG", in the file's header (sqlite.org/fileformat, 1.3.14) */

extern const char hv_ledger_schema_1[], hv_ledger_schema_2[], hv_ledger_schema_3[], hv_ledger_schema_4[],
        hv_ledger_schema_5[], hv_ledger_schema_6[], hv_ledger_schema_7[];

extern const struct hv_db_steps hv_ledger_steps; /* .n: the version that this program writes */
