/* reconcile/mutant.h - seeded bugs, to prove that the simulator would find the real ones.
 *
 * Model    In every normal build HV_MUTANT(x) is 0 and costs nothing. test/sim builds these sources a second
 *          time with -DHV_MUTANTS, switches one bug on at run time and must see an invariant break.
 */
#pragma once

enum hv_mutant {
        HV_MUTANT_NONE,
        HV_MUTANT_OLD_OVERWRITES_NEW,  /* an observation older than an event or a completion is believed */
        HV_MUTANT_PARTIAL_IS_FULL,     /* a part that could not be read counts as empty */
        HV_MUTANT_EVENT_IS_TRUTH,      /* a die event is believed without a look */
        HV_MUTANT_LIST_ERROR_IS_EMPTY, /* a failed listing counts as an empty engine */
        HV_MUTANT_NO_RELIST,           /* the event stream ended, and nothing is listed again */
        HV_MUTANT_TIMEOUT_IS_FAILURE, /* a create without a reply counts as not done: another name is tried */
        HV_MUTANT_CONFLICT_IS_SUCCESS,  /* the name is taken: so it must be ours */
        HV_MUTANT_FOREIGN_REMOVED,      /* a stranger's container in the way is removed */
        HV_MUTANT_WRONG_DIGEST_ADOPTED, /* any container of ours with the right name will do */
        HV_MUTANT_NO_GUARD,             /* every revision is activated, however much it removes */
        HV_MUTANT_NO_BACKOFF,           /* failures are tried again at once */
        HV_MUTANT_TWO_EFFECTS,          /* a second effect is started while one is in flight */
        HV_MUTANT_PULL_ERROR_IGNORED,   /* a failed pull counts as a pulled image */
        HV_MUTANT_LOST_UPDATE,          /* limits are never compared */
        HV_MUTANT_STALE_LOOK_UNLOCKS,   /* effects are planned before the first complete listing */
        HV_MUTANT_LABEL_DECIDES, /* a volume's label decides what becomes of its data, not the last declaration */
        HV_MUTANT_NO_FENCE,      /* a task's container is started although a start may be under way */
        HV_MUTANT_RECALLED_IS_FRESH, /* after a restart a begun attempt counts as never started */
        HV_MUTANT_ROOM_FREED_EARLY,  /* what a task booked is given away while its container still stops */
        HV_MUTANT_ADMITS_ALL,        /* nobody counts what is left */
        HV_MUTANT_CRON_OVERLAPS,     /* a run begins beside the last one, although that is forbidden */
        HV_N_MUTANTS
};

#ifdef HV_MUTANTS
extern enum hv_mutant hv_mutant_on;
#define HV_MUTANT(which) (hv_mutant_on == (which))
#else
#define HV_MUTANT(which) (0 && (which))
#endif
