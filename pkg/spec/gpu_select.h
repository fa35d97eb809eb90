/* spec/gpu_select.h - is a GPU like an entry of resources.gpus.select? */
#pragma once

#include "spec/desired.h"

/* The start of a UUID is enough, and any part of the name, in letters of either case. */
bool hv_gpu_is_like(const struct hv_gpu_selector *selector, const char *uuid, const char *name,
                    uint64_t memory_bytes);
