/* base/rng.h - repeatable randomness for pure modules: the seed is an argument, nothing is read from the
 * machine.
 *
 * Source   SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014). Not for
 *          secrets.
 */
#pragma once

#include <stdint.h>

struct hv_rng {
        uint64_t state;
};

static inline uint64_t hv_rng_next(struct hv_rng *r) {
        uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

/* Uniform in [0, bound); 0 for a bound of 0. The bias of the modulo is below 2^-32 for every bound used here.
 */
static inline uint64_t hv_rng_below(struct hv_rng *r, uint64_t bound) {
        return bound ? hv_rng_next(r) % bound : 0;
}
