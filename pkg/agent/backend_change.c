/* agent/backend_change.c - apply, update, undo, delete, reload, accept-prune; the verdict about a trial, and going back, go on to trial.c.
 *
 * The documents are judged and stored at once; whether the revision comes into force is the core's guard to say, after its
 * next pass. An engine that does not answer keeps the guard from counting: then the answer says that, and the revision waits
 * in the core. */
#include <errno.h>
#include <stdio.h>

#include "agent/private.h"
#include "log/log.h"

struct change {
        struct hv_api_call *call;
        struct hv_desired *before, *after; /* references; before may be NULL */
        char *accept;
};

static void answer(struct hv_agent *a, enum hv_api_outcome outcome, const struct hv_err *err) {
        struct change *c = HV_STEAL(a->change);
        const struct hv_api_changed result = {
                .outcome = outcome,
                .before = c->before,
                .after = outcome == HV_API_FAILED || outcome == HV_API_REFUSED ? NULL : c->after,
                .diags = a->latest ? a->latest->diags : NULL,
                .err = err,
        };

        hv_api_change_done(c->call, &result);
        hv_desired_unref(c->before);
        hv_desired_unref(c->after);
        free(c->accept);
        free(c);
}

/* A load that leads nowhere: refused, or a dry run. */
static void answer_with(struct hv_agent *a, struct hv_api_call *call, const struct hv_source_load *l,
                        bool dry_run) {
        const struct hv_desired *before = hv_core_active(a->core);
        struct hv_api_changed result = { .before = before, .diags = l->diags, .after = l->desired };

        if (l->err.code != 0) {
                result.outcome = HV_API_FAILED;
                result.err = &l->err;
        } else if (!l->desired)
                result.outcome = HV_API_REFUSED;
        else if (before && hv_streq(before->revision, l->desired->revision))
                result.outcome = HV_API_UNCHANGED;
        else
                result.outcome = HV_API_ACTIVATED;
        (void) dry_run;
        hv_api_change_done(call, &result);
}

static struct hv_source_load *load_for(struct hv_agent *a, const struct hv_api_change *change) {
        struct hv_source_change c = {
                .n_texts = change->n_files,
                .forget_kind = change->forget_kind,
                .forget_name = change->forget_name,
                .dry_run = change->dry_run,
                .in_force = a->active,
                .is_reload = change->is_reload,
        };
        struct hv_source_text *texts = HV_NEW_N(struct hv_source_text, change->n_files);
        struct hv_trial_wish wish;
        struct hv_source_load *l;

        for (size_t i = 0; i < change->n_files; i++)
                texts[i] = (struct hv_source_text){ change->files[i].name, change->files[i].path,
                                                    change->files[i].text, change->files[i].len };
        c.texts = texts;
        if (change->confirm_us > 0) {
                c.trial_before = hv_agent_trial_wish(a, change, &wish);
                c.trial = &wish;
        }
        l = hv_source_set_change(a->sources, &c);
        (void) snprintf(l->by, sizeof l->by, "%s", change->by ? change->by : "");
        free(texts);
        return l;
}

/* As an apply of its document as it shall be. */
static void change_service(struct hv_agent *a, const struct hv_api_change *change, struct hv_api_call *call) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_api_change as_apply = *change;
        struct hv_api_file file = { .name = "document of the service" };
        struct hv_err err = {};
        const struct hv_api_changed failed = { .outcome = HV_API_FAILED, .err = &err };

        if (hv_agent_service_text(a, change->service, &text, &err) < 0) {
                hv_api_change_done(call, &failed);
                return;
        }
        file.text = text.data;
        file.len = text.len;
        as_apply.service = NULL;
        as_apply.files = &file;
        as_apply.n_files = 1;
        hv_agent_change(a, &as_apply, call);
}

void hv_agent_change(void *userdata, const struct hv_api_change *change, struct hv_api_call *call) {
        struct hv_agent *a = userdata;
        struct hv_desired *before = (struct hv_desired *) hv_core_active(a->core);
        struct hv_source_load *l;

        if (change->verdict != HV_API_VERDICT_NONE) {
                hv_agent_trial_verdict(a, change, call);
                return;
        }
        if (change->activate) {
                hv_agent_roll_back(a, change, call);
                return;
        }
        if (change->service) {
                change_service(a, change, call);
                return;
        }
        l = load_for(a, change);
        if (change->confirm_us > 0 && !change->dry_run)
                hv_agent_trial_began(a, l->desired != NULL);
        if (change->dry_run || !l->desired) {
                answer_with(a, call, l, change->dry_run);
                /* What the operator sent is his to mend; only a refusal of what lies in the files is the node's. */
                if (change->dry_run || change->n_files > 0 || change->confirm_us > 0 ||
                    change->forget_kind != HV_KIND_NONE)
                        hv_source_load_free(l);
                else
                        (void) hv_agent_take(a, l);
                return;
        }
        hv_agent_change_abandon(a);
        a->change = HV_NEW(struct change);
        *a->change = (struct change){
                .call = call,
                .before = before ? hv_desired_ref(before) : NULL,
                .after = hv_desired_ref(l->desired),
                .accept = hv_strdup(change->accept_prune),
        };
        if (hv_agent_take(a, l) < 0)
                answer(a, HV_API_REFUSED, NULL);
        else
                hv_agent_look(a);
}

/* The operator's consent, kept so that a restart in the middle of the removal does not ask again. */
static bool accept(struct hv_agent *a) {
        const struct hv_desired *parked = hv_core_parked(a->core);
        struct hv_input in = { .type = HV_INPUT_ACCEPT, .text = a->change->accept };
        struct hv_err err = {};

        if (!a->change->accept)
                return false;
        if (!parked || hv_agent_input(a, &in, &err) < 0) {
                if (!parked)
                        (void) hv_err_set(&err, -ENOENT, "no revision is parked by the guard");
                answer(a, HV_API_FAILED, &err);
                return true;
        }
        return true; /* the next pass finds it active */
}

static bool is_it(const struct hv_desired *d, const struct change *c) {
        return d && hv_streq(d->revision, c->after->revision);
}

/* Compared by revision: the watch of the files may have offered the same one once more meanwhile. */
void hv_agent_change_passed(struct hv_agent *a) {
        struct change *c = a->change;
        struct hv_err err = {};

        if (!c)
                return;
        if (hv_core_is_deciding(a->core)) {
                if (hv_core_is_engine_ready(a->core))
                        return;
                (void) hv_err_set(
                        &err, -ENOTCONN,
                        "revision %.8s is good and was taken in; it comes into force as soon as the "
                        "container engine answers",
                        c->after->revision);
                answer(a, HV_API_FAILED, &err);
        } else if (is_it(hv_core_active(a->core), c))
                answer(a, is_it(c->before, c) ? HV_API_UNCHANGED : HV_API_ACTIVATED, NULL);
        else if (!is_it(hv_core_parked(a->core), c)) {
                (void) hv_err_set(&err, -EAGAIN, "the sources changed once more meanwhile: apply again");
                answer(a, HV_API_FAILED, &err);
        } else if (!accept(a))
                answer(a, HV_API_PARKED, NULL);
}

void hv_agent_change_abandon(struct hv_agent *a) {
        struct hv_err err = {};

        if (!a->change)
                return;
        (void) hv_err_set(&err, -EAGAIN, "the agent is stopping, or another change came first");
        answer(a, HV_API_FAILED, &err);
}
