/* ledger/schema_7.c - from version 6 to 7: who suspended a cron task, why, since when. */
#include "ledger/schema.h"

/* Cron tasks  that were suspended before stay so; by whom was never written down. */
const char hv_ledger_schema_7[] =
        "ALTER TABLE cron ADD COLUMN suspended_by TEXT CHECK (suspended_by IS NULL OR suspended = 1);\n"
        "ALTER TABLE cron ADD COLUMN suspended_reason TEXT\n"
        "  CHECK (suspended_reason IS NULL OR suspended_by IS NOT NULL);\n"
        "ALTER TABLE cron ADD COLUMN suspended_us INTEGER\n"
        "  CHECK (suspended_us IS NULL OR suspended_by IS NOT NULL);\n";
