/* spec/service_room.h - what services count as in the books of admission: their requests, else their limits, else what a small
 * program takes (W020 says so). E0601 and the lowering use the same numbers. */
#pragma once

#include "spec/desired.h"
#include "spec/types.h"

#define HV_SERVICE_ASSUMED_NANO_CPUS UINT64_C(100000000)
#define HV_SERVICE_ASSUMED_MEMORY_BYTES (UINT64_C(64) << 20)

/* All replicas together; UINT64_MAX where it cannot be counted. */
struct hv_amounts hv_service_room(const struct hv_spec_service *s);

/* All services together. */
struct hv_amounts hv_services_room(const struct hv_spec_state *s);
