/* ledger/schema_2.c - from version 1 to 2: what was applied to the score is told from what the rule says, and a key outlives
 * the task that it stands for. */
#include "ledger/schema.h"

/* Trust      version 1 kept the rule's number in `delta`, at the edge of the scale too. There the change follows from the two
 *            scores (a new node begins at 0), so that all of them add up to the score.
 * Keys       of a task that is gone it is not known since when: as if it had been forgotten at once. */
const char hv_ledger_schema_2[] =
        "ALTER TABLE trust ADD COLUMN nominal INTEGER CHECK (nominal BETWEEN -100 AND 100);\n"
        "UPDATE trust SET nominal = delta;\n"
        "UPDATE trust SET delta = score - coalesce((SELECT before.score FROM trust AS before\n"
        "    WHERE before.seq < trust.seq ORDER BY before.seq DESC LIMIT 1), 0)\n"
        "  WHERE score IN (0, 100);\n"

        "ALTER TABLE idempotency_key ADD COLUMN forgotten_us INTEGER;\n"
        "UPDATE idempotency_key SET forgotten_us = at_us WHERE task NOT IN (SELECT id FROM task);\n"
        "DROP INDEX idempotency_key_age;\n"
        "CREATE INDEX idempotency_key_forgotten ON idempotency_key (forgotten_us) WHERE forgotten_us IS NOT NULL;\n"
        "CREATE INDEX idempotency_key_task ON idempotency_key (task);\n";
