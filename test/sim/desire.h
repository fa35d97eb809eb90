/* desire.h - from the model of a document to the revision that a loader would make of it. */
#pragma once

#include "sim/workload.h"

struct hv_desired *sim_lower(struct sim *s, const struct sim_model *model); /* one reference, the caller's */
unsigned sim_n_backoffs(void);
