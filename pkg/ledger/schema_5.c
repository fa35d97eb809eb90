/* ledger/schema_5.c - from version 4 to 5: why the node itself stops an attempt, durable before it does. */
#include "ledger/schema.h"

/* Attempts  that were being stopped so while the program was replaced have no reason: it was never written down. */
const char hv_ledger_schema_5[] = "ALTER TABLE attempt ADD COLUMN evicted_us INTEGER;\n"
                                  "ALTER TABLE attempt ADD COLUMN eviction TEXT\n"
                                  "  CHECK ((eviction IS NULL) = (evicted_us IS NULL));\n"
                                  "ALTER TABLE attempt ADD COLUMN eviction_message TEXT\n"
                                  "  CHECK (eviction_message IS NULL OR eviction IS NOT NULL);\n";
