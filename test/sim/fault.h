/* fault.h - the kinds of fault, which of them a seed has, and the matrix of what was hit.
 *
 * Model    Swarm testing: each seed switches on a random subset of the kinds with random rates. All faults all
 * the time would hide what only long quiet runs show (Groce et al., "Swarm Testing", 2012). The first kinds
 * are the faults of a single call; each belongs to one of the eleven base faults, and the matrix counts how
 * often it hit which operation.
 */
#pragma once

#include "reconcile/action.h"

struct sim;

enum sim_fault {
        /* of a call */
        SIM_FAULT_LOST_DONE,     /* 1: reply lost, effect done */
        SIM_FAULT_LOST_NOT_DONE, /* 2: reply lost, effect not done */
        SIM_FAULT_LATE,          /* 3: effect done after the client gave up */
        SIM_FAULT_5XX,           /* 4: error, no effect */
        SIM_FAULT_5XX_DONE,      /* 5: error, and yet an effect */
        SIM_FAULT_NAME_OURS,     /* 6: the name is in use, by ours */
        SIM_FAULT_NAME_OLDER,    /*    by ours with an older digest */
        SIM_FAULT_NAME_STRANGER, /*    by a stranger */
        SIM_FAULT_REMOVING,      /* 7: somebody else's removal is under way */
        SIM_FAULT_ALREADY,       /* 8: 304, somebody else was faster */
        SIM_FAULT_VANISHED,      /* 9: 404, gone between list and call */
        SIM_FAULT_REFUSED,       /* 10: no connection */
        SIM_FAULT_CUT,           /*     connection cut half-way */
        SIM_FAULT_SECONDS,       /* 11: slow */
        SIM_FAULT_HOURS,
        SIM_FAULT_NEVER,
        SIM_N_CALL_FAULTS,

        /* of one operation only */
        SIM_FAULT_PARTIAL_LIST = SIM_N_CALL_FAULTS,
        SIM_FAULT_PULL_ERROR, /* inside a 200 */
        SIM_FAULT_PULL_DENIED,
        SIM_FAULT_PULL_UNKNOWN,  /* the registry does not have it */
        SIM_FAULT_IMAGE_DELETED, /* between pull and create */

        /* of the event stream */
        SIM_FAULT_EVENT_LOST,
        SIM_FAULT_EVENT_TWICE,
        SIM_FAULT_EVENT_REORDERED,
        SIM_FAULT_EVENT_DELAYED,
        SIM_FAULT_STREAM_CUT,

        /* of the engine */
        SIM_FAULT_ENGINE_RESTART,      /* its containers end with it */
        SIM_FAULT_ENGINE_LIVE_RESTART, /* its containers live on */
        SIM_FAULT_ENGINE_HANG,

        /* of containers */
        SIM_FAULT_EXIT_AT_ONCE,
        SIM_FAULT_EXIT_LATER,
        SIM_FAULT_EXIT_OOM,
        SIM_FAULT_STUBBORN, /* a stop takes the whole grace */

        /* of people */
        SIM_PEOPLE_STOP,
        SIM_PEOPLE_KILL,
        SIM_PEOPLE_REMOVE,
        SIM_PEOPLE_PAUSE,
        SIM_PEOPLE_START,
        SIM_PEOPLE_LIMITS,
        SIM_PEOPLE_RESTART_POLICY,
        SIM_PEOPLE_DISCONNECT,
        SIM_PEOPLE_CONNECT,
        SIM_PEOPLE_RENAME,
        SIM_PEOPLE_TAKE_NAME, /* a stranger under our name */
        SIM_PEOPLE_REMOVE_NETWORK,
        SIM_PEOPLE_REMOVE_VOLUME,

        /* of the agent */
        SIM_FAULT_CRASH,
        SIM_FAULT_LATE_PLAN,   /* inputs pile up before the core is asked */
        SIM_FAULT_CRASH_AFTER, /* right after an effect at the engine */

        /* of tasks */
        SIM_FAULT_BAD_PROGRAM, /* the engine refuses to start it */
        SIM_FAULT_DISK_FULL,   /* for a while */
        SIM_FAULT_CLOCK,       /* somebody sets the wall clock */
        SIM_FAULT_START_BETWEEN, /* a start is held up, and comes when nobody waits for it: after a look or a withholding */
        SIM_FAULT_START_FORGOTTEN, /* the engine is killed while it starts one, and knows nothing of it afterwards */
        SIM_FAULT_PRESSURE,        /* the machine runs short of memory or CPU, for a while */
        SIM_FAULT_ORDERS,          /* people ask for something by hand (orders.h) */
        SIM_FAULT_GREEDY,          /* a task takes more of the disk than it asked for */
        SIM_FAULT_GPU,             /* something happens to a GPU, or to its driver */
        SIM_N_FAULTS
};

#define SIM_N_BASE_FAULTS 11

const char *sim_fault_name(enum sim_fault fault);
unsigned sim_fault_base(enum sim_fault fault); /* 1..11 for faults of a call */
bool sim_fault_applies(enum sim_fault fault, enum hv_action_type type);

struct sim_faults {
        uint64_t enabled;                /* bits of enum sim_fault */
        unsigned call_permille;          /* how many calls meet a fault */
        unsigned permille[SIM_N_FAULTS]; /* of the others */
        uint64_t n_hit[SIM_N_FAULTS];
        uint64_t matrix[HV_N_ACTIONS][SIM_N_BASE_FAULTS + 1];
        uint64_t n_calls[HV_N_ACTIONS];
};

void sim_faults_draw(struct sim *s);

/* Whether this fault hits now; counts it. Never while the run is calm. */
bool sim_fault_hits(struct sim *s, enum sim_fault fault);

/* The fault that a call of this type meets; SIM_N_FAULTS for none. Counted by sim_fault_count() once it took hold. */
enum sim_fault sim_fault_for_call(struct sim *s, enum hv_action_type type);
void sim_fault_count(struct sim *s, enum sim_fault fault, enum hv_action_type type);

/* Whether the cell of the matrix means anything: not every fault exists for every operation. */
bool sim_fault_cell_exists(enum hv_action_type type, unsigned base);
