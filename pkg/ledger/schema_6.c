/* ledger/schema_6.c - from version 5 to 6: what attempts used of their GPUs. */
#include "ledger/schema.h"

/* Attempts  that ended before have none: nobody had added up their samples. */
const char hv_ledger_schema_6[] =
        "ALTER TABLE attempt ADD COLUMN gpu_memory_peak_bytes INTEGER;\n"
        "ALTER TABLE attempt ADD COLUMN gpu_use_mean_percent INTEGER;\n"
        "ALTER TABLE attempt ADD COLUMN gpu_use_peak_percent INTEGER\n"
        "  CHECK ((gpu_use_peak_percent IS NULL) = (gpu_use_mean_percent IS NULL));\n";
