/* alarm.h - the virtual clock: what happens next, and when.
 *
 * Model    A heap ordered by (instant, order of setting): two alarms of one instant ring in the order in which
 * they were set, so a seed always gives the same history. Alarms are not taken back: whoever rings looks
 * whether it still matters.
 */
#pragma once

#include "base/vec.h"

struct sim;

typedef void sim_ring_fn(struct sim *s, void *arg);

struct sim_alarm {
        uint64_t at_us, order;
        sim_ring_fn *ring;
        void *arg; /* lives as long as the run */
};

struct sim_alarms {
        HV_VEC(struct sim_alarm) heap;
        uint64_t n_set;
};

void sim_at(struct sim *s, uint64_t at_us, sim_ring_fn *ring, void *arg);
void sim_after(struct sim *s, uint64_t span_us, sim_ring_fn *ring, void *arg);

/* Moves the clock to the next alarm and rings it; false (and the clock at until_us) when none rings before. */
bool sim_step(struct sim *s, uint64_t until_us);
void sim_alarms_shift(struct sim_alarms *a, uint64_t span_us); /* each rings so much later */
void sim_alarms_done(struct sim_alarms *a);
