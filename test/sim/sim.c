/* sim.c - chance and failure; see sim.h. */
#include "sim/sim.h"

#include <stdarg.h>
#include <stdio.h>

uint64_t sim_below(struct sim *s, enum sim_stream_of_chance stream, uint64_t bound) {
        return hv_rng_below(&s->chance[stream], bound);
}

uint64_t sim_between(struct sim *s, enum sim_stream_of_chance stream, uint64_t low, uint64_t high) {
        return low + sim_below(s, stream, high - low + 1);
}

uint64_t sim_span(struct sim *s, enum sim_stream_of_chance stream, uint64_t low, uint64_t high) {
        unsigned doublings = 0;
        uint64_t from;

        for (uint64_t x = low; x < high; x *= 2)
                doublings++;
        from = low << sim_below(s, stream, doublings ? doublings : 1);
        return HV_MIN(high, sim_between(s, stream, from, from * 2));
}

bool sim_chance(struct sim *s, enum sim_stream_of_chance stream, unsigned permille) {
        return sim_below(s, stream, 1000) < permille;
}

void sim_fail(struct sim *s, const char *invariant, const char *fmt, ...) {
        va_list ap;

        if (s->failed)
                return;
        s->failed = invariant;
        s->failed_at_us = s->now_us;
        va_start(ap, fmt);
        (void) vsnprintf(s->failure, sizeof s->failure, fmt, ap);
        va_end(ap);
        sim_trace(s, "VIOLATION %s: %s", invariant, s->failure);
}

const char *sim_text(struct sim *s, const char *fmt, ...) {
        char text[512];
        va_list ap;

        va_start(ap, fmt);
        (void) vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        return hv_arena_strdup(s->arena, text);
}
