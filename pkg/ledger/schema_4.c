/* ledger/schema_4.c - from version 3 to 4: when an attempt began, by a clock that nobody can set. */
#include "ledger/schema.h"

/* Attempts  that began before have the wall clock's instant alone. */
const char hv_ledger_schema_4[] = "ALTER TABLE attempt ADD COLUMN boot TEXT;\n"
                                  "ALTER TABLE attempt ADD COLUMN begun_boot_us INTEGER\n"
                                  "  CHECK ((begun_boot_us IS NULL) = (boot IS NULL));\n";
