/* fault.c - see fault.h. */
#include "sim/fault.h"

#include <inttypes.h>
#include <stdio.h>

#include "sim/sim.h"

#define BIT(type) (UINT64_C(1) << (type))
#define LOOKS \
        (BIT(HV_ACTION_CONNECT) | BIT(HV_ACTION_LIST) | BIT(HV_ACTION_INSPECT) | BIT(HV_ACTION_INSPECT_IMAGE))
#define WRITES                                                                                      \
        (BIT(HV_ACTION_TASK_ACCEPT) | BIT(HV_ACTION_TASK_STOPPING) | BIT(HV_ACTION_TASK_EVICTING) | \
         BIT(HV_ACTION_TASK_BEGIN) | BIT(HV_ACTION_TASK_END) | BIT(HV_ACTION_TASK_FORGET) |         \
         BIT(HV_ACTION_CRON_ADVANCE) | BIT(HV_ACTION_CRON_SUSPEND))
#define ERRANDS                                                                                              \
        (WRITES | BIT(HV_ACTION_TASK_PREPARE) | BIT(HV_ACTION_TASK_PACKAGES) | BIT(HV_ACTION_TASK_COLLECT) | \
         BIT(HV_ACTION_TASK_CLEAN) | BIT(HV_ACTION_TASK_WITHHOLD) | BIT(HV_ACTION_TASK_RESTORE))
/* That an engine is asked for. Caps are the kernel's, and not simulated: no slice is ever told of, so none is capped. */
#define EVERY ((BIT(HV_ACTION_TASK_ACCEPT) - 1) & ~BIT(HV_ACTION_CAPS_SET))
#define EFFECTS (EVERY & ~LOOKS)
#define ON_CONTAINER                                                                                   \
        (BIT(HV_ACTION_START) | BIT(HV_ACTION_STOP) | BIT(HV_ACTION_UNPAUSE) | BIT(HV_ACTION_REMOVE) | \
         BIT(HV_ACTION_UPDATE))
#define CREATIONS (BIT(HV_ACTION_CREATE) | BIT(HV_ACTION_NETWORK_CREATE) | BIT(HV_ACTION_VOLUME_CREATE))
#define VANISHING                                                                                       \
        (ON_CONTAINER | BIT(HV_ACTION_INSPECT) | BIT(HV_ACTION_INSPECT_IMAGE) | BIT(HV_ACTION_CREATE) | \
         BIT(HV_ACTION_NETWORK_CONNECT) | BIT(HV_ACTION_NETWORK_DISCONNECT) |                           \
         BIT(HV_ACTION_NETWORK_REMOVE) | BIT(HV_ACTION_VOLUME_REMOVE))

/* `on`: the operations at which it means something; 0: not a fault of a call. */
static const struct {
        const char *name;
        unsigned base;
        uint64_t on;
} faults[SIM_N_FAULTS] = {
        [SIM_FAULT_LOST_DONE] = { "lost-done", 1, EFFECTS | ERRANDS },
        [SIM_FAULT_LOST_NOT_DONE] = { "lost-not-done", 2, EVERY | ERRANDS },
        [SIM_FAULT_LATE] = { "late", 3, EFFECTS },
        [SIM_FAULT_5XX] = { "5xx", 4, EVERY | ERRANDS },
        [SIM_FAULT_5XX_DONE] = { "5xx-done", 5, EFFECTS | ERRANDS },
        [SIM_FAULT_NAME_OURS] = { "name-ours", 6, CREATIONS },
        [SIM_FAULT_NAME_OLDER] = { "name-older", 6, CREATIONS },
        [SIM_FAULT_NAME_STRANGER] = { "name-stranger", 6, CREATIONS },
        [SIM_FAULT_REMOVING] = { "removing", 7, ON_CONTAINER },
        [SIM_FAULT_ALREADY] = { "already", 8, BIT(HV_ACTION_START) | BIT(HV_ACTION_STOP) },
        [SIM_FAULT_VANISHED] = { "vanished", 9, VANISHING },
        [SIM_FAULT_REFUSED] = { "refused", 10,
                                EVERY | BIT(HV_ACTION_TASK_PREPARE) | BIT(HV_ACTION_TASK_PACKAGES) },
        [SIM_FAULT_CUT] = { "cut", 10, EVERY },
        [SIM_FAULT_SECONDS] = { "slow-seconds", 11, EVERY | ERRANDS },
        [SIM_FAULT_HOURS] = { "slow-hours", 11, EVERY },
        [SIM_FAULT_NEVER] = { "slow-never", 11, EVERY },
        [SIM_FAULT_PARTIAL_LIST] = { "partial-list", 0, 0 },
        [SIM_FAULT_PULL_ERROR] = { "pull-error", 0, 0 },
        [SIM_FAULT_PULL_DENIED] = { "pull-denied", 0, 0 },
        [SIM_FAULT_PULL_UNKNOWN] = { "pull-unknown", 0, 0 },
        [SIM_FAULT_IMAGE_DELETED] = { "image-deleted", 0, 0 },
        [SIM_FAULT_EVENT_LOST] = { "event-lost", 0, 0 },
        [SIM_FAULT_EVENT_TWICE] = { "event-twice", 0, 0 },
        [SIM_FAULT_EVENT_REORDERED] = { "event-reordered", 0, 0 },
        [SIM_FAULT_EVENT_DELAYED] = { "event-delayed", 0, 0 },
        [SIM_FAULT_STREAM_CUT] = { "stream-cut", 0, 0 },
        [SIM_FAULT_ENGINE_RESTART] = { "engine-restart", 0, 0 },
        [SIM_FAULT_ENGINE_LIVE_RESTART] = { "engine-live-restart", 0, 0 },
        [SIM_FAULT_ENGINE_HANG] = { "engine-hang", 0, 0 },
        [SIM_FAULT_EXIT_AT_ONCE] = { "exit-at-once", 0, 0 },
        [SIM_FAULT_EXIT_LATER] = { "exit-later", 0, 0 },
        [SIM_FAULT_EXIT_OOM] = { "exit-oom", 0, 0 },
        [SIM_FAULT_STUBBORN] = { "stubborn", 0, 0 },
        [SIM_PEOPLE_STOP] = { "people-stop", 0, 0 },
        [SIM_PEOPLE_KILL] = { "people-kill", 0, 0 },
        [SIM_PEOPLE_REMOVE] = { "people-remove", 0, 0 },
        [SIM_PEOPLE_PAUSE] = { "people-pause", 0, 0 },
        [SIM_PEOPLE_START] = { "people-start", 0, 0 },
        [SIM_PEOPLE_LIMITS] = { "people-limits", 0, 0 },
        [SIM_PEOPLE_RESTART_POLICY] = { "people-restart-policy", 0, 0 },
        [SIM_PEOPLE_DISCONNECT] = { "people-disconnect", 0, 0 },
        [SIM_PEOPLE_CONNECT] = { "people-connect", 0, 0 },
        [SIM_PEOPLE_RENAME] = { "people-rename", 0, 0 },
        [SIM_PEOPLE_TAKE_NAME] = { "people-take-name", 0, 0 },
        [SIM_PEOPLE_REMOVE_NETWORK] = { "people-remove-network", 0, 0 },
        [SIM_PEOPLE_REMOVE_VOLUME] = { "people-remove-volume", 0, 0 },
        [SIM_FAULT_CRASH] = { "crash", 0, 0 },
        [SIM_FAULT_LATE_PLAN] = { "late-plan", 0, 0 },
        [SIM_FAULT_CRASH_AFTER] = { "crash-after", 0, 0 },
        [SIM_FAULT_BAD_PROGRAM] = { "bad-program", 0, 0 },
        [SIM_FAULT_DISK_FULL] = { "disk-full", 0, 0 },
        [SIM_FAULT_CLOCK] = { "clock", 0, 0 },
        [SIM_FAULT_START_BETWEEN] = { "start-between", 0, 0 },
        [SIM_FAULT_START_FORGOTTEN] = { "start-forgotten", 0, 0 },
        [SIM_FAULT_PRESSURE] = { "pressure", 0, 0 },
        [SIM_FAULT_ORDERS] = { "orders", 0, 0 },
        [SIM_FAULT_GREEDY] = { "greedy", 0, 0 },
        [SIM_FAULT_GPU] = { "gpu", 0, 0 },
};

_Static_assert(HV_N_ACTIONS <= 64, "actions are bits of 64");
_Static_assert(SIM_N_FAULTS <= 64, "kinds of fault are bits of 64");

const char *sim_fault_name(enum sim_fault fault) {
        return fault < SIM_N_FAULTS ? faults[fault].name : "none";
}

unsigned sim_fault_base(enum sim_fault fault) {
        return faults[fault].base;
}

bool sim_fault_applies(enum sim_fault fault, enum hv_action_type type) {
        return fault < SIM_N_CALL_FAULTS && faults[fault].on & BIT(type);
}

void sim_faults_draw(struct sim *s) {
        static const unsigned shares[] = { 0, 100, 250, 500, 500, 800, 950 };
        static const unsigned call_rates[] = { 5, 20, 60, 150, 300 };
        static const unsigned rates[] = { 5, 20, 80, 250 };
        unsigned share = shares[sim_below(s, SIM_CHANCE_SWARM, HV_ARRAY_SIZE(shares))];
        struct sim_faults *f = &s->faults;

        f->call_permille = call_rates[sim_below(s, SIM_CHANCE_SWARM, HV_ARRAY_SIZE(call_rates))];
        for (unsigned i = 0; i < SIM_FAULT_PRESSURE; i++) {
                f->permille[i] = rates[sim_below(s, SIM_CHANCE_SWARM, HV_ARRAY_SIZE(rates))];
                if (sim_chance(s, SIM_CHANCE_SWARM, share))
                        f->enabled |= UINT64_C(1) << i;
        }
        f->permille[SIM_FAULT_PRESSURE] = 900; /* it moves one way or the other */
        if (sim_chance(s, SIM_CHANCE_PRESSURE, 400))
                f->enabled |= UINT64_C(1) << SIM_FAULT_PRESSURE;
        f->permille[SIM_FAULT_ORDERS] = 900;
        if (sim_chance(s, SIM_CHANCE_ORDERS, 300))
                f->enabled |= UINT64_C(1) << SIM_FAULT_ORDERS;
        f->permille[SIM_FAULT_GREEDY] = 500;
        if (sim_chance(s, SIM_CHANCE_PRESSURE, 500))
                f->enabled |= UINT64_C(1) << SIM_FAULT_GREEDY;
        f->permille[SIM_FAULT_GPU] = 700;
        if (sim_chance(s, SIM_CHANCE_GPU, 800))
                f->enabled |= UINT64_C(1) << SIM_FAULT_GPU;
        f->permille[SIM_FAULT_START_BETWEEN] = 300; /* its occasions are rare enough */
        f->enabled &= ~s->config->disabled_faults;
}

bool sim_fault_hits(struct sim *s, enum sim_fault fault) {
        struct sim_faults *f = &s->faults;

        if (s->calm || !(f->enabled & UINT64_C(1) << fault))
                return false;
        if (!sim_chance(s, SIM_CHANCE_FAULT, f->permille[fault]))
                return false;
        f->n_hit[fault]++;
        return true;
}

enum sim_fault sim_fault_for_call(struct sim *s, enum hv_action_type type) {
        struct sim_faults *f = &s->faults;
        enum sim_fault choice[SIM_N_CALL_FAULTS];
        unsigned n = 0;

        f->n_calls[type]++;
        if (s->config->scenario && !s->calm) {
                s->n_calls++;
                for (unsigned i = 0; i < HV_ARRAY_SIZE(s->config->forced); i++)
                        if (s->config->forced[i].call == s->n_calls &&
                            sim_fault_applies((enum sim_fault) s->config->forced[i].fault, type))
                                return (enum sim_fault) s->config->forced[i].fault;
        }
        if (s->calm || !sim_chance(s, SIM_CHANCE_FAULT, f->call_permille))
                return SIM_N_FAULTS;
        for (unsigned i = 0; i < SIM_N_CALL_FAULTS; i++)
                if (f->enabled & UINT64_C(1) << i && sim_fault_applies(i, type))
                        choice[n++] = i;
        return n ? choice[sim_below(s, SIM_CHANCE_FAULT, n)] : SIM_N_FAULTS;
}

void sim_fault_count(struct sim *s, enum sim_fault fault, enum hv_action_type type) {
        s->faults.n_hit[fault]++;
        s->faults.matrix[type][faults[fault].base]++;
}

bool sim_fault_cell_exists(enum hv_action_type type, unsigned base) {
        for (unsigned i = 0; i < SIM_N_CALL_FAULTS; i++)
                if (faults[i].base == base && sim_fault_applies(i, type))
                        return true;
        return false;
}
