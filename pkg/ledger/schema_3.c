/* ledger/schema_3.c - from version 2 to 3: what a node pool assigned, and the results that it is owed. */
#include "ledger/schema.h"

/* Debts     of pool tasks that ended before are not made up: no released version took tasks from a pool. */
const char hv_ledger_schema_3[] = "CREATE TABLE assignment (\n"
                                  "  task INTEGER PRIMARY KEY REFERENCES task (seq) ON DELETE CASCADE,\n"
                                  "  attempt INTEGER NOT NULL,\n"
                                  "  lease_epoch INTEGER NOT NULL\n"
                                  ") STRICT;\n"

                                  "CREATE TABLE debt (\n"
                                  "  seq INTEGER PRIMARY KEY AUTOINCREMENT,\n"
                                  "  task INTEGER NOT NULL REFERENCES task (seq) ON DELETE CASCADE,\n"
                                  "  number INTEGER,\n"
                                  "  since_us INTEGER NOT NULL,\n"
                                  "  log_sent INTEGER NOT NULL DEFAULT 0,\n"
                                  "  paid_us INTEGER,\n"
                                  "  outcome TEXT CHECK (outcome IN ('committed', 'unwanted')),\n"
                                  "  message TEXT,\n"
                                  "  CHECK ((paid_us IS NULL) = (outcome IS NULL))\n"
                                  ") STRICT;\n"
                                  "CREATE INDEX debt_open ON debt (seq) WHERE paid_us IS NULL;\n"
                                  "CREATE INDEX debt_task ON debt (task);\n";
