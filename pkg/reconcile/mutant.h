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
        HV_MUTANT_NOT_WITHHELD,   /* it is removed, and its workspace was there to be mounted all the time */
        HV_MUTANT_NOT_LOOKED_AT,  /* the workspace is withheld, and what was seen before that is believed */
        HV_MUTANT_RESTORED_EARLY, /* the workspace is back before the container is gone */
        HV_MUTANT_RECALLED_IS_FRESH,   /* after a restart a begun attempt counts as never started */
        HV_MUTANT_ROOM_FREED_EARLY,    /* what a task booked is given away while its container still stops */
        HV_MUTANT_ADMITS_ALL,          /* nobody counts what is left */
        HV_MUTANT_CRON_OVERLAPS,       /* a run begins beside the last one, although that is forbidden */
        HV_MUTANT_REMOVED_BEFORE_END,  /* the container goes, then its end is recorded */
        HV_MUTANT_END_BEFORE_COLLECT,  /* the end is recorded, and nothing was kept of it */
        HV_MUTANT_TOLD_BEFORE_DURABLE, /* "accepted" is said before the ledger has it */
        HV_MUTANT_STOP_FORGOTTEN,      /* a restart forgets that somebody wanted it stopped */
        HV_MUTANT_RETRIES_FOR_EVER,    /* nobody counts the attempts */
        HV_MUTANT_STALE_EXIT_CODE,     /* the exit code is read from what was seen before the end */
        HV_MUTANT_TIMEOUT_FROM_ACCEPT, /* its time counts while it waits */
        HV_MUTANT_LOST_IS_SUCCESS,     /* its container is gone: it will have done its work */
        HV_MUTANT_BEGIN_AFTER_START,   /* the record of the start follows the start */
        HV_MUTANT_SUBMITTED_TWICE,     /* the same task handed in again runs again */
        HV_MUTANT_OOM_FLAG_LOST,       /* killed for its memory counts as any exit code */
        HV_MUTANT_RENAMED_IS_LOST,     /* a container that was renamed counts as gone */
        HV_MUTANT_DISK_FREED_EARLY,    /* what a workspace takes is given away when its task runs */
        HV_MUTANT_CRON_REST_IS_END,    /* between two attempts a run counts as over */
        HV_MUTANT_CRON_FROM_START,     /* what was due while the agent was down is not looked for */
        HV_MUTANT_CRON_MAKES_UP,       /* resumed, it makes up for what came while it was suspended */
        HV_MUTANT_CRON_PROMISED_FIRST, /* a run is promised before the stop of the one that it replaces is durable */
        HV_MUTANT_CRON_RUNS_ALL,    /* of what was missed each time is made up for, whatever was declared */
        HV_MUTANT_CRON_IN_UTC,      /* nobody asks for the zone */
        HV_MUTANT_CRON_UNSUSPENDED, /* a restart forgets that it is suspended */
        HV_MUTANT_CRON_SUSPENDED_ANEW, /* ... since when */
        HV_MUTANT_CRON_GOES_BACK,      /* the clock was set back, and the schedule is followed once more */
        HV_MUTANT_CRON_KEEPS_ALL,      /* no run is ever forgotten */
        HV_MUTANT_FORGOTTEN_START, /* what the engine says of a start that an agent before this one sent is believed */
        HV_MUTANT_WALL_CLOCK_TRUSTED,  /* how long it has run is what two readings of the wall clock say */
        HV_MUTANT_BUILDER_LEFT,        /* who installed packages is never cleared away */
        HV_MUTANT_BUILDER_TAKEN,       /* ... or while it does */
        HV_MUTANT_BUILDER_DOUBLED,     /* packages are installed while a crash's container still does */
        HV_MUTANT_SHORT_ADMITS,        /* tasks are admitted while the machine runs short */
        HV_MUTANT_SHORT_STOPS_AT_ONCE, /* ... and stopped for it without a wait */
        HV_MUTANT_SHORT_STOPS_FIRST,   /* ... the most important first */
        HV_MUTANT_SHORT_IS_ITS_FAULT,  /* ... and called to blame for it */
        HV_MUTANT_CORDON_ADMITS,       /* a cordoned node admits tasks */
        HV_MUTANT_HOLD_ACTS,           /* what is held is changed */
        HV_MUTANT_STOPPED_RUNS,        /* what somebody stopped by hand is started again */
        HV_MUTANT_PAUSED_REPLACES, /* a container is made anew although the roll-out of its service is paused */
        HV_MUTANT_RESTARTS_ALL,    /* a restart of a service takes all its replicas at once */
        HV_MUTANT_RESTARTS_BLINDLY,    /* ... or stops what cannot be started again */
        HV_MUTANT_EVICTED_UNRECORDED,  /* the node stops an attempt, and nobody writes down why */
        HV_MUTANT_EVICTED_TOO_EARLY,   /* ... or does not wait until that is durable */
        HV_MUTANT_EVICTION_FORGOTTEN,  /* ... or a restart does not ask for it */
        HV_MUTANT_GPU_GIVEN_TWICE,     /* nobody looks who holds a GPU */
        HV_MUTANT_GPU_UNSEEN_GIVEN,    /* one is given while the driver does not answer */
        HV_MUTANT_GPU_LOSS_UNNOTICED,  /* who holds a GPU that is gone runs on */
        HV_MUTANT_GPU_SHARE_AS_WANTED, /* who runs counts as what is wanted now, not as it was made */
        HV_MUTANT_GPU_SET_ASIDE_STAYS, /* what was set aside for a service is kept, whoever comes before it */
        HV_MUTANT_BEGUN_HANDED_BACK,   /* what was begun before is handed back to its pool */
        HV_MUTANT_HANDED_BACK_RUNS,    /* what is to be handed back is admitted */
        HV_MUTANT_FOUND_UNTOLD,        /* what a look of the routine finds out is told to nobody */
        HV_N_MUTANTS
};

#ifdef HV_MUTANTS
extern enum hv_mutant hv_mutant_on;
#define HV_MUTANT(which) (hv_mutant_on == (which))
#else
#define HV_MUTANT(which) (0 && (which))
#endif
