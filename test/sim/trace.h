/* trace.h - the history of a run: its hash, its last lines, and on request all of it.
 *
 * Model    Every line goes into the hash together with its instant, so two runs with one hash went the same
 * way. A line costs its formatting and nothing else unless it is asked for.
 */
#pragma once

#include "base/macros.h"

#define SIM_TRACE_KEPT 60

struct sim;

struct sim_trace {
        uint64_t hash;
        uint64_t n_lines;
        struct {
                uint64_t at_us;
                char text[240];
        } last[SIM_TRACE_KEPT];
};

void sim_trace(struct sim *s, const char *fmt, ...) _hv_printf_(2, 3);
void sim_trace_print_last(const struct sim *s, unsigned n_lines);
