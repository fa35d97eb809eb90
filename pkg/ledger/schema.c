/* ledger/schema.c - see schema.h. docs/ledger.md describes the tables. */
#include "ledger/schema.h"

static const char *const sql[] = { hv_ledger_schema_1, hv_ledger_schema_2, hv_ledger_schema_3,
                                   hv_ledger_schema_4, hv_ledger_schema_5, hv_ledger_schema_6,
                                   hv_ledger_schema_7 };

const struct hv_db_steps hv_ledger_steps = {
        .application_id = HV_LEDGER_APPLICATION_ID,
        .program = "hivelet",
        .sql = sql,
        .n = HV_ARRAY_SIZE(sql),
};
