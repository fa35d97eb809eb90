/* driver.h - performs the core's actions on the simulated engine, with latency, deadlines and faults.
 *
 *      issue --request--> work (the effect, or the look) --reply--> done: the core is told
 *        '------------------------ deadline ------------------------^  (outcome unknown; the work may still come)
 *
 * Model    Every call has a deadline, as in the real driver. A call is told to the core at most once; its effect
 * takes place at most once; the two are independent of each other: that is what the faults are made of.
 */
#pragma once

#include "sim/engine.h"
#include "sim/fault.h"
#include "sim/view.h"

struct sim_call {
        struct hv_action action; /* a copy; texts in the run's arena, unit, network and volume in `desired` */
        struct hv_desired *desired;   /* reference, until the call is over */
        const struct hv_action *lent; /* the core's own: must stay as it is until the outcome was told */
        uint64_t core;                /* number of the core that asked */
        enum sim_fault fault;
        uint64_t issued_us, work_us, deadline_us, reply_span_us;
        uint64_t issued_word; /* number of the core's inputs before it */
        uint64_t opened;      /* CONNECT: number of the stream that it opened */
        bool held;            /* until nobody expects it any more */
        bool worked;          /* the engine is through with it, or will never be */
        bool done;            /* the core was told, or is dead */
        bool lost;            /* no reply will come */
        struct sim_reply reply;
        struct sim_view view;               /* what a look saw */
        struct hv_task_collected collected; /* TASK_COLLECT */
        const char *builder_id;             /* TASK_PACKAGES: the container that it made; NULL: none yet */
};

struct sim_driver {
        HV_VEC(struct sim_call *) calls; /* not yet over */
        uint64_t n_looks, n_effects;     /* in all */
};

struct sim_driver *sim_driver_new(struct sim *s);
void sim_driver_done(struct sim_driver *d);

/* The core is told c->reply so much later. */
void sim_driver_reply(struct sim *s, struct sim_call *c, uint64_t span_us);
/* A start that nobody waits for any more may come now: between what was seen or done and what follows from it. */
void sim_driver_start_between(struct sim *s);
void sim_driver_issue(struct sim *s, const struct hv_action *a);
void sim_driver_agent_died(struct sim *s);  /* some requests were not sent yet */
void sim_driver_engine_down(struct sim *s); /* every call breaks; some had their effect */
void sim_driver_calm(struct sim *s);        /* what would come late comes now or never */
