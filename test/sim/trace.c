/* trace.c - see trace.h. */
#include "sim/trace.h"

#include <stdarg.h>
#include <stdio.h>

#include "sim/sim.h"

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash_add(uint64_t hash, const void *data, size_t len) {
        const unsigned char *p = data;

        for (size_t i = 0; i < len; i++)
                hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
        return hash;
}

static void print_line(uint64_t at_us, const char *text) {
        printf("%6" PRIu64 ".%06" PRIu64 "  %s\n", at_us / HV_USEC_PER_SEC, at_us % HV_USEC_PER_SEC, text);
}

void sim_trace(struct sim *s, const char *fmt, ...) {
        struct sim_trace *t = &s->trace;
        unsigned i = (unsigned) (t->n_lines++ % SIM_TRACE_KEPT);
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vsnprintf(t->last[i].text, sizeof t->last[i].text, fmt, ap);
        va_end(ap);
        t->last[i].at_us = s->now_us;
        t->hash = hash_add(t->hash, &s->now_us, sizeof s->now_us);
        t->hash = hash_add(t->hash, t->last[i].text, HV_MIN((size_t) n, sizeof t->last[i].text - 1));
        if (s->config->verbose)
                print_line(s->now_us, t->last[i].text);
}

void sim_trace_print_last(const struct sim *s, unsigned n_lines) {
        const struct sim_trace *t = &s->trace;
        uint64_t n = HV_MIN(t->n_lines, (uint64_t) HV_MIN(n_lines, SIM_TRACE_KEPT));

        for (uint64_t i = t->n_lines - n; i < t->n_lines; i++)
                print_line(t->last[i % SIM_TRACE_KEPT].at_us, t->last[i % SIM_TRACE_KEPT].text);
}
