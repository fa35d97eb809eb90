/* http/conditions.h - the questions that everybody asks of a node, and since when the answer holds.
 *
 *      Ready            the agent does its work: the engine answers and was looked at, a revision is in force
 *      Converged        the machine runs what the sources say
 *      EngineReachable  the container engine answers
 *      ConfigValid      the sources could be read, and what they say was taken
 *      Listening        the address of http.listen is served
 *      Admitting        tasks are admitted: the machine does not run short, and nobody cordoned it
 *      DiskSufficient   neither the disk of the workspaces nor that of the engine runs short
 *      Preloaded        all of images.preload is there
 *      GPUHealthy       their driver answers, none is lost or too hot, and there are those that resources.gpus.select asks for;
 *                       left out where there are no GPUs and none are asked for
 *      Capped           the slice of all workloads takes no more than resources.limits and reserved leave it
 *      ConfirmPending   a revision is on trial: here True is what somebody has to look at
 *
 * Model    Judging is pure; the set only remembers when an answer last changed.
 */
#pragma once

#include "http/snapshot.h"

enum hv_condition_type {
        HV_CONDITION_READY,
        HV_CONDITION_CONVERGED,
        HV_CONDITION_ENGINE_REACHABLE,
        HV_CONDITION_CONFIG_VALID,
        HV_CONDITION_LISTENING,
        HV_CONDITION_CAPPED,
        HV_CONDITION_ADMITTING,
        HV_CONDITION_DISK_SUFFICIENT,
        HV_CONDITION_PRELOADED,
        HV_CONDITION_GPU_HEALTHY,
        HV_CONDITION_CONFIRM_PENDING,
        HV_N_CONDITIONS
};

enum hv_condition_status {
        HV_CONDITION_UNKNOWN,
        HV_CONDITION_TRUE,
        HV_CONDITION_FALSE,
        HV_CONDITION_ABSENT, /* there is nothing to ask for: it is not shown */
};

struct hv_condition {
        enum hv_condition_status status;
        const char *reason;  /* a reason code, or "Ok" */
        const char *message; /* in the arena of the judgement */
};

struct hv_conditions { /* zeroed: nothing is known yet */
        enum hv_condition_status last[HV_N_CONDITIONS];
        uint64_t since_wall_us[HV_N_CONDITIONS]; /* 0: never judged */
};

const char *hv_condition_type_name(enum hv_condition_type type);       /* "EngineReachable" */
const char *hv_condition_status_name(enum hv_condition_status status); /* "True", "False", "Unknown" */

struct hv_condition hv_condition_judge(enum hv_condition_type type, const struct hv_api_snapshot *s,
                                       struct hv_arena *a);

/* What a slice is to be capped to: "hivelet.slice: CPU 1500m, memory 2Gi". */
const char *hv_condition_caps_text(const struct hv_caps_status *k, struct hv_arena *a);

/* Judges all; where an answer differs from the last one it holds since now. */
void hv_conditions_update(struct hv_conditions *c, const struct hv_api_snapshot *s, struct hv_arena *a,
                          struct hv_condition ret[HV_N_CONDITIONS]);
