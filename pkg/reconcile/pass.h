/* reconcile/pass.h - one pass of the planner, shared by its parts. Private to pkg/reconcile. */
#pragma once

#include "reconcile/state.h"

struct pass {
        struct hv_core *c;
        struct hv_effects *out;
        uint64_t now_us;
        unsigned max_effects, max_pulls;
        bool settled;        /* nothing seen so far that is not as wished */
        uint64_t look_at_us; /* the next look of the routine; HV_TIME_NEVER */
};

/* plan.c */
void hv_pass_hand_out(struct pass *p, struct flight *f);
void hv_pass_not_later_than(struct pass *p, uint64_t when_us);
/* Hands out what a slot's verdict asks for, as far as the budget goes. NULL: nothing was. */
struct flight *hv_pass_act(struct pass *p, struct slot *s, const struct verdict *v, bool looks);
void hv_pass_note_phase(struct pass *p, struct slot *s, const struct verdict *v);

/* caps.c */
void hv_pass_caps(struct pass *p);

/* pressure.c */
void hv_pass_pressure(struct pass *p); /* before anybody is admitted */
void hv_pass_gpus(struct pass *p);     /* gpu.c */

/* task_plan.c */
void hv_pass_tasks(struct pass *p);
/* First of all: what the facts mean for tasks may ask for a look, and who is over gives his room back. */
void hv_pass_advance_tasks(struct pass *p);

/* task_retention.c */
void hv_pass_forget_tasks(struct pass *p);
