/* pool/hivemind_dues.h - what goes out beside the beats of dialect hivemind, and how often.
 *
 * Model    Pure. Beats come every eight seconds, give or take; with each of them the caller asks what is due. Something that was due
 *          between two beats is late by less than one, and the next is counted from when it was due, not from when it
 *          went out: so the mean is the period.
 * Units    microseconds of any one monotonic clock.
 * Source   the periods of the deployed workers (docs/pool.md)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum hivemind_due {
        HIVEMIND_DUE_BALANCE,    /* GetBalance: a minute */
        HIVEMIND_DUE_USAGE,      /* TaskUsage of the node: 15 s */
        HIVEMIND_DUE_TASK_USAGE, /* TaskUsage of each task: 5 s, as often as it is measured; so with each beat */
        HIVEMIND_N_DUES
};

struct hivemind_dues { /* all zero: everything is due */
        uint64_t at_us[HIVEMIND_N_DUES];
};

/* True: it is due, and counts as done. */
bool hivemind_dues_take(struct hivemind_dues *dues, enum hivemind_due which, uint64_t now_us);
