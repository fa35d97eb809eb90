/* mutants.c - see mutants.h. */
#include "sim/mutants.h"

#include <stdio.h>

#include "reconcile/mutant.h"

#ifdef HV_MUTANTS
enum hv_mutant hv_mutant_on = HV_MUTANT_NONE;
#endif

static const char *const names[HV_N_MUTANTS] = {
        [HV_MUTANT_OLD_OVERWRITES_NEW] = "an observation older than an event or a completion is believed",
        [HV_MUTANT_PARTIAL_IS_FULL] = "a part that could not be read counts as empty",
        [HV_MUTANT_EVENT_IS_TRUTH] = "a die event is believed without a look",
        [HV_MUTANT_LIST_ERROR_IS_EMPTY] = "a failed listing counts as an empty engine",
        [HV_MUTANT_NO_RELIST] = "the event stream ended, and nothing is listed again",
        [HV_MUTANT_TIMEOUT_IS_FAILURE] = "an effect without a reply counts as not done",
        [HV_MUTANT_CONFLICT_IS_SUCCESS] = "the name is taken: so it must be ours",
        [HV_MUTANT_FOREIGN_REMOVED] = "a stranger's container in the way is removed",
        [HV_MUTANT_WRONG_DIGEST_ADOPTED] = "any container of ours with the right name will do",
        [HV_MUTANT_NO_GUARD] = "every revision is activated, however much it removes",
        [HV_MUTANT_NO_BACKOFF] = "failures are tried again at once",
        [HV_MUTANT_TWO_EFFECTS] = "a second effect is started while one is in flight",
        [HV_MUTANT_PULL_ERROR_IGNORED] = "a failed pull counts as a pulled image",
        [HV_MUTANT_LOST_UPDATE] = "limits are never compared",
        [HV_MUTANT_STALE_LOOK_UNLOCKS] = "effects are planned before the first complete listing",
        [HV_MUTANT_LABEL_DECIDES] = "a volume's label decides what becomes of its data",
        [HV_MUTANT_NO_FENCE] = "a container is started although a start may be under way",
        [HV_MUTANT_NOT_WITHHELD] = "what is fenced can find its workspace all the time",
        [HV_MUTANT_NOT_LOOKED_AT] = "what was seen before the workspace was withheld is believed",
        [HV_MUTANT_RESTORED_EARLY] = "the workspace is back before the container is gone",
        [HV_MUTANT_RECALLED_IS_FRESH] = "after a restart a begun attempt counts as never started",
        [HV_MUTANT_ROOM_FREED_EARLY] = "room is given away while a container still stops",
        [HV_MUTANT_ADMITS_ALL] = "nobody counts what is left",
        [HV_MUTANT_REMOVED_BEFORE_END] = "the container goes, then its end is recorded",
        [HV_MUTANT_END_BEFORE_COLLECT] = "the end is recorded, and nothing was kept of it",
        [HV_MUTANT_TOLD_BEFORE_DURABLE] = "\"accepted\" is said before the ledger has it",
        [HV_MUTANT_STOP_FORGOTTEN] = "a restart forgets that somebody wanted it stopped",
        [HV_MUTANT_RETRIES_FOR_EVER] = "nobody counts the attempts",
        [HV_MUTANT_STALE_EXIT_CODE] = "the exit code is read from what was seen before the end",
        [HV_MUTANT_TIMEOUT_FROM_ACCEPT] = "its time counts while it waits",
        [HV_MUTANT_LOST_IS_SUCCESS] = "its container is gone: it will have done its work",
        [HV_MUTANT_BEGIN_AFTER_START] = "the record of the start follows the start",
        [HV_MUTANT_SUBMITTED_TWICE] = "the same task handed in again runs again",
        [HV_MUTANT_OOM_FLAG_LOST] = "killed for its memory counts as any exit code",
        [HV_MUTANT_DISK_FREED_EARLY] = "the disk of a task that runs is given away",
        [HV_MUTANT_CRON_OVERLAPS] = "a run begins beside the last one, although that is forbidden",
        [HV_MUTANT_CRON_REST_IS_END] = "between two attempts a run of a cron task counts as over",
        [HV_MUTANT_CRON_FROM_START] = "what was due while the agent was down is not looked for",
        [HV_MUTANT_CRON_MAKES_UP] = "resumed, it makes up for what came while it was suspended",
        [HV_MUTANT_CRON_PROMISED_FIRST] = "a run is promised before that which it replaces stops",
        [HV_MUTANT_CRON_RUNS_ALL] = "of what was missed each time is made up for",
        [HV_MUTANT_CRON_IN_UTC] = "nobody asks for the zone of a schedule",
        [HV_MUTANT_CRON_UNSUSPENDED] = "a restart forgets that a cron task is suspended",
        [HV_MUTANT_CRON_SUSPENDED_ANEW] = "a restart forgets since when a cron task is suspended",
        [HV_MUTANT_CRON_GOES_BACK] = "the clock was set back, and the schedule is followed again",
        [HV_MUTANT_CRON_KEEPS_ALL] = "no run of a cron task is ever forgotten",
        [HV_MUTANT_FORGOTTEN_START] = "what the engine says of a start of before the restart is believed",
        [HV_MUTANT_WALL_CLOCK_TRUSTED] = "how long a task has run is what the wall clock says",
        [HV_MUTANT_RENAMED_IS_LOST] = "a container that was renamed counts as gone",
        [HV_MUTANT_BUILDER_LEFT] = "who installed packages is never cleared away",
        [HV_MUTANT_BUILDER_TAKEN] = "who installs packages is cleared away while it does",
        [HV_MUTANT_BUILDER_DOUBLED] = "packages are installed while a crash's container still does",
        [HV_MUTANT_SHORT_ADMITS] = "tasks are admitted while the machine runs short",
        [HV_MUTANT_SHORT_STOPS_AT_ONCE] = "a task is stopped as soon as the machine runs short",
        [HV_MUTANT_CORDON_ADMITS] = "a cordoned node admits tasks",
        [HV_MUTANT_HOLD_ACTS] = "what is held is changed",
        [HV_MUTANT_STOPPED_RUNS] = "what somebody stopped by hand is started",
        [HV_MUTANT_PAUSED_REPLACES] = "a container is made anew while its roll-out is paused",
        [HV_MUTANT_RESTARTS_ALL] = "all replicas of a service are restarted at once",
        [HV_MUTANT_RESTARTS_BLINDLY] = "a restart stops what cannot be started again",
        [HV_MUTANT_SHORT_STOPS_FIRST] =
                "the most important task is stopped first when the machine runs short",
        [HV_MUTANT_SHORT_IS_ITS_FAULT] = "what the node stopped is called to blame for it",
        [HV_MUTANT_BEGUN_HANDED_BACK] = "what was begun before is handed back to its pool",
        [HV_MUTANT_HANDED_BACK_RUNS] = "what is to be handed back is admitted",
        [HV_MUTANT_FOUND_UNTOLD] = "what a look of the routine finds out is told to nobody",
        [HV_MUTANT_GPU_GIVEN_TWICE] = "nobody looks who holds a GPU",
        [HV_MUTANT_GPU_UNSEEN_GIVEN] = "a GPU is given while the driver does not answer",
        [HV_MUTANT_GPU_SHARE_AS_WANTED] = "who runs counts as what is wanted now, not as it was made",
        [HV_MUTANT_GPU_SET_ASIDE_STAYS] = "what was set aside for a service is kept, whoever comes before it",
        [HV_MUTANT_GPU_LOSS_UNNOTICED] = "who holds a GPU that is gone runs on",
        [HV_MUTANT_EVICTED_UNRECORDED] = "the node stops a task, and nobody writes down why",
        [HV_MUTANT_EVICTED_TOO_EARLY] = "it does not wait until that is durable",
        [HV_MUTANT_EVICTION_FORGOTTEN] = "a restart does not ask why a task was being stopped",
};

const char *sim_mutant_name(int mutant) {
        return mutant > 0 && mutant < HV_N_MUTANTS ? names[mutant] : NULL;
}

void sim_mutant_set(int mutant) {
#ifdef HV_MUTANTS
        hv_mutant_on = (enum hv_mutant) mutant;
#else
        (void) mutant;
#endif
}

/* Those that take histories in which several tasks run while memory runs short. */
static const bool takes_pressure[HV_N_MUTANTS] = { [HV_MUTANT_SHORT_STOPS_FIRST] = true };

static bool finds(int mutant, uint64_t seed, struct sim_result *ret) {
        struct sim_config config = { .seed = seed, .mutant = mutant, .pressure = takes_pressure[mutant] };

        *ret = sim_run(&config, 0);
        config.mutant = 0; /* a seed that fails anyway proves nothing */
        return ret->failed && !sim_run(&config, 0).failed;
}

/* Those that take many seeds, and one that found them when this was written: it is tried first, and only where it has become
 * another history all others are. */
static const uint64_t found_by[HV_N_MUTANTS] = {
        [HV_MUTANT_OLD_OVERWRITES_NEW] = 1608, [HV_MUTANT_LABEL_DECIDES] = 381,
        [HV_MUTANT_NOT_WITHHELD] = 184,        [HV_MUTANT_NOT_LOOKED_AT] = 262,
        [HV_MUTANT_RESTORED_EARLY] = 1172,     [HV_MUTANT_ROOM_FREED_EARLY] = 480,
        [HV_MUTANT_RENAMED_IS_LOST] = 172,     [HV_MUTANT_CRON_REST_IS_END] = 621,
        [HV_MUTANT_CRON_GOES_BACK] = 101,      [HV_MUTANT_WALL_CLOCK_TRUSTED] = 2314,
        [HV_MUTANT_SHORT_IS_ITS_FAULT] = 222,  [HV_MUTANT_GPU_GIVEN_TWICE] = 105,
        [HV_MUTANT_GPU_LOSS_UNNOTICED] = 2879, [HV_MUTANT_GPU_SHARE_AS_WANTED] = 398,
        [HV_MUTANT_RESTARTS_BLINDLY] = 1735,
};

/* A seed that finds it; 0: none does. */
static uint64_t find(int mutant, uint64_t max_seeds, struct sim_result *ret) {
        if (found_by[mutant] && finds(mutant, found_by[mutant], ret))
                return found_by[mutant];
        for (uint64_t seed = 1; seed <= max_seeds; seed++)
                if (finds(mutant, seed, ret))
                        return seed;
        return 0;
}

unsigned sim_mutants_run(uint64_t max_seeds, unsigned jobs) {
        unsigned n_survived = 0, n_tried = 0;

        (void) jobs;
        for (int mutant = 1; mutant < HV_N_MUTANTS; mutant++) {
                struct sim_result r;
                uint64_t seed;

                if (!names[mutant])
                        continue; /* of what the simulator does not do: left to the unit tests */
                seed = find(mutant, max_seeds, &r);
                n_tried++;
                if (seed == 0) {
                        n_survived++;
                        printf("%2d SURVIVED %-62s\n", mutant, names[mutant]);
                } else
                        printf("%2d seed %4" PRIu64 "  %-5s %s: %s\n", mutant, seed, r.invariant,
                               names[mutant], r.message);
                (void) fflush(stdout);
        }
        printf("%d mutants, %u survived %" PRIu64 " seeds\n", n_tried, n_survived, max_seeds);
        return n_survived;
}
