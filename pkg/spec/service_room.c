/* spec/service_room.c - see service_room.h. Sums that do not fit into 64 bits are UINT64_MAX. */
#include "spec/service_room.h"

#define NANO_CPUS_PER_QUOTA_US UINT64_C(10000) /* of the engine's period of 100 ms */

static uint64_t first_of(uint64_t request, uint64_t limit, uint64_t assumed) {
        return request ? request : limit ? limit : assumed;
}

static uint64_t times(uint64_t each, uint64_t n) {
        uint64_t all;

        return __builtin_mul_overflow(each, n, &all) ? UINT64_MAX : all;
}

static uint64_t plus(uint64_t a, uint64_t b) {
        uint64_t all;

        return __builtin_add_overflow(a, b, &all) ? UINT64_MAX : all;
}

struct hv_amounts hv_service_room(const struct hv_spec_service *s) {
        const struct hv_spec_unit_resources *r = &s->resources;
        uint64_t quota = (uint64_t) s->cpu_quota * NANO_CPUS_PER_QUOTA_US, n = (uint64_t) s->replicas;
        uint64_t cpu_limit = r->limits.nano_cpus ? r->limits.nano_cpus : quota;

        return (struct hv_amounts){
                .nano_cpus =
                        times(first_of(r->requests.nano_cpus, cpu_limit, HV_SERVICE_ASSUMED_NANO_CPUS), n),
                .memory_bytes = times(first_of(r->requests.memory_bytes, r->limits.memory_bytes,
                                               HV_SERVICE_ASSUMED_MEMORY_BYTES),
                                      n),
        };
}

struct hv_amounts hv_services_room(const struct hv_spec_state *s) {
        struct hv_amounts all = {};

        for (size_t i = 0; i < s->services.n; i++) {
                struct hv_amounts one = hv_service_room(&s->services.v[i]);

                all.nano_cpus = plus(all.nano_cpus, one.nano_cpus);
                all.memory_bytes = plus(all.memory_bytes, one.memory_bytes);
        }
        return all;
}
