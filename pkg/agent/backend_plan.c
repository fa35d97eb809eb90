/* agent/backend_plan.c - `hivectl plan`: the sources (or other files in their place) are judged as in a dry run, and a core
 * of its own plans for them against the real engine, over a client that can send nothing but GET and HEAD. */
#include <errno.h>

#include "agent/private.h"

struct plan_call {
        struct hv_agent *agent;
        struct hv_api_call *call;
        struct hv_source_load *load;
        struct hv_desired *before;
        struct hv_plan_once *once;
        sd_event_source *reap; /* a plan must not be freed from inside its own end */
};

static void end(struct plan_call *p, const struct hv_planned_set *set, const struct hv_err *err) {
        struct hv_api_step *steps = HV_NEW_N(struct hv_api_step, set ? set->n_steps : 0);
        struct hv_api_plan plan = {
                .err = err   ? err
                       : set ? set->err
                             : NULL,
                .refused = !p->load->desired && p->load->err.code == 0,
                .diags = p->load->diags,
                .before = p->before,
                .after = p->load->desired,
        };

        for (size_t i = 0; set && i < set->n_steps; i++) {
                const struct hv_planned *s = &set->steps[i];

                steps[i] = (struct hv_api_step){ s->type, s->key, s->name,
                                                 hv_str_empty(s->changes) ? s->why : s->changes };
        }
        if (set) {
                plan.parked = set->parked;
                plan.n_removals = set->n_removals;
                plan.n_existing = set->n_existing;
                plan.steps = steps;
                plan.n_steps = set->n_steps;
        }
        hv_api_plan_done(p->call, &plan);
        p->call = NULL;
        free(steps);
}

static void forget(struct plan_call *p) {
        struct hv_agent *a = p->agent;

        for (size_t i = 0; i < a->plans.n; i++)
                if (a->plans.v[i] == p) {
                        a->plans.v[i] = a->plans.v[--a->plans.n];
                        break;
                }
        hv_plan_once_free(p->once);
        hv_source_load_free(p->load);
        hv_desired_unref(p->before);
        sd_event_source_disable_unref(p->reap);
        free(p);
}

static int on_reap(sd_event_source *s, void *userdata) {
        (void) s;
        forget(userdata);
        return 0;
}

static void on_planned(void *userdata, const struct hv_planned_set *set) {
        struct plan_call *p = userdata;

        end(p, set, NULL);
        (void) sd_event_source_set_enabled(p->reap, SD_EVENT_ONESHOT);
}

static struct hv_source_load *load_for(struct hv_agent *a, const struct hv_api_file *files, size_t n) {
        struct hv_source_text *texts = HV_NEW_N(struct hv_source_text, n);
        struct hv_source_change change = {
                .texts = texts, .n_texts = n, .dry_run = true, .in_force = a->active
        };
        struct hv_source_load *l;

        for (size_t i = 0; i < n; i++)
                texts[i] =
                        (struct hv_source_text){ files[i].name, files[i].path, files[i].text, files[i].len };
        l = hv_source_set_change(a->sources, &change);
        free(texts);
        return l;
}

void hv_agent_plan(void *userdata, const struct hv_api_file *files, size_t n_files,
                   struct hv_api_call *call) {
        struct hv_agent *a = userdata;
        struct hv_desired *active = (struct hv_desired *) hv_core_active(a->core);
        struct plan_call *p = HV_NEW(struct plan_call);
        struct hv_plan_once_options options;
        struct hv_err err = {};
        int r;

        *p = (struct plan_call){ .agent = a,
                                 .call = call,
                                 .load = load_for(a, files, n_files),
                                 .before = active ? hv_desired_ref(active) : NULL };
        hv_vec_push(&a->plans, p);
        if (!p->load->desired) {
                end(p, NULL, p->load->err.code ? &p->load->err : NULL);
                forget(p);
                return;
        }
        options = (struct hv_plan_once_options){
                .docker_url = a->docker_url,
                .desired = p->load->desired,
                .in_force = p->before,
                .like = a->core,
        };
        r = sd_event_add_defer(a->event, &p->reap, on_reap, p);
        if (r >= 0)
                r = sd_event_source_set_enabled(p->reap, SD_EVENT_OFF);
        if (r < 0)
                (void) hv_err_errno(&err, r, "cannot set up the plan");
        else
                r = hv_plan_once_new(a->event, &options, on_planned, p, &p->once, &err);
        if (r < 0) {
                end(p, NULL, &err);
                forget(p);
        }
}

void hv_agent_plans_abandon(struct hv_agent *a) {
        struct hv_err err = {};

        (void) hv_err_set(&err, -EAGAIN, "the agent is stopping");
        while (a->plans.n > 0) {
                struct plan_call *p = a->plans.v[0];

                if (p->call)
                        end(p, NULL, &err);
                forget(p);
        }
        hv_vec_done(&a->plans);
}
