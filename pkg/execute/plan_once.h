/* execute/plan_once.h - what would be done, without doing it.
 *
 * Model    A fresh core is driven as the agent drives its own. What it wants to see it is shown: the engine's
 *          answers, changed by what was "done" so far (execute/shadow.h). What it wants to do is noted down
 *          and answered with success. So the plan is made by the very code that would act, and ends when that
 *          code is content. The engine client is read-only: anything but GET and HEAD is refused before it
 *          could leave.
 * Limits   waiting is skipped: the core's time jumps to its next deadline. A plan that is not content after
 *          HV_PLAN_ONCE_STEPS steps ends as it is, with `complete` false.
 */
#pragma once

#include "docker/client.h"
#include "reconcile/core.h"

struct sd_event;
struct hv_plan_once;

#define HV_PLAN_ONCE_STEPS 20000

struct hv_planned {
        enum hv_action_type type; /* an effect */
        const char *key;          /* "service/web/1" */
        const char *name;         /* "hive-web" */
        const char *why;          /* "image changed" */
        const char *changes; /* fields that differ from what is in force: "image: a -> b; env TZ"; "" when not
                                known */
};

struct hv_planned_set {
        const struct hv_err *err; /* not NULL: no plan (engine down, too late) */
        bool complete;
        bool parked; /* the guard would hold this revision; the steps are those after consent */
        const char *parked_message;  /* NULL unless parked */
        const char *const *removals; /* what the guard counts: "service/web" */
        unsigned n_removals, n_existing;
        const struct hv_planned *steps; /* in the order in which they would be done */
        size_t n_steps;
};

typedef void hv_plan_once_fn(void *userdata, const struct hv_planned_set *plan); /* good during the call */

struct hv_plan_once_options {
        const char *docker_url;      /* NULL: the default socket */
        struct hv_desired *desired;  /* what is planned for; a reference is taken */
        struct hv_desired *in_force; /* for `changes`; NULL: nothing is */
        const struct hv_core
                *like;       /* shares what this core remembers of volumes, read at once; NULL: nothing */
        bool consent;        /* the guard has been told to let it pass: never parked */
        uint64_t timeout_us; /* 0: 30 s; after it, -ETIMEDOUT */
};

/* `fn` is called once, from the loop. Freeing before that cancels. With node.docker.enabled false nothing is
 * asked and the plan is empty. */
int hv_plan_once_new(struct sd_event *event, const struct hv_plan_once_options *options, hv_plan_once_fn *fn,
                     void *userdata, struct hv_plan_once **ret, struct hv_err *err);
struct hv_plan_once *hv_plan_once_free(
        struct hv_plan_once *p); /* takes NULL, gives NULL; not from inside `fn` */
HV_DEFINE_CLEANUP(struct hv_plan_once, hv_plan_once_free);

/* The fields in which two versions of a unit differ: "image: a -> b; args; env TZ; limits.memory: 64Mi ->
 * 128Mi". Values of the environment are never shown. */
const char *hv_plan_changes(const struct hv_unit *before, const struct hv_unit *after,
                            struct hv_arena *arena);
