/* pressure.h - how the machine is: what the core is told of it, and what it may do then.
 *
 * Model    Now and then (SIM_FAULT_PRESSURE) memory runs short, or nearly, or not any more, and the CPUs are busy or not; each state lasts
 *          until the next one, the last until it is calm. A core that begins is told as it is.
 *
 *      P1    nobody is admitted while the core knows that memory is short or the CPUs are busy
 *      P2    it says so when memory is short, and that this is over only after ten seconds of calm; half a minute passes before a
 *            task is stopped for it, memory is short then, and none is stopped that matters more than another that runs
 *
 *          That an attempt that was stopped for it is not blamed: attempt.h (P3). That services are never stopped for it: a stop of what is wanted is an effect without a reason (oracle_action.c).
 */
#pragma once

#include "reconcile/core.h"
#include "reconcile/pressure.h"

struct sim;

struct sim_pressure {
        struct hv_seen_pressure seen;
        uint64_t changed_us;
        uint64_t calm_us; /* since when the present core could have known that there is memory enough */
        uint64_t
                closed_us; /* when it said that it admits nobody for want of memory; 0: it has not, or admits again */
};

struct sim_pressure *sim_pressure_new(struct sim *s);
/* In each revision: what short and busy is. */
struct hv_pressure_rules sim_pressure_rules(void);
void sim_pressure_agent_starts(struct sim *s);
void sim_pressure_changes(struct sim *s);                                           /* to any state */
void sim_pressure_set(struct sim *s, unsigned memory_centi, unsigned cpu_permille); /* to this one */
void sim_pressure_ends(struct sim *s);
/* So long after it ran short the core may still be waiting, to be sure that it is over. */
bool sim_pressure_may_be_felt(const struct sim *s);

void sim_pressure_told(struct sim *s, const struct hv_note *note); /* it closes, or opens again */
void sim_pressure_admitted(struct sim *s, const char *id);         /* the core says so */
void sim_pressure_stopped(struct sim *s, const char *id);
