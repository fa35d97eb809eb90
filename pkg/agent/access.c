/* agent/access.c - who may use the API: pkg/auth as the revision in force says. */
#include <stdio.h>

#include "agent/pool.h"
#include "agent/private.h"
#include "auth/auth.h"
#include "http/access.h"
#include "log/log.h"

/* Without a link nobody is let in by it: what cannot be asked is not known. */
static void ask_pool(void *userdata, const char *name, const char *password, hv_pool_answer_fn *answered,
                     void *answer_userdata) {
        const struct hv_agent *a = userdata;

        if (a->pool && a->pool->link)
                hv_pool_vouch(a->pool->link, name, password, answered, answer_userdata);
        else
                answered(answer_userdata, false);
}

void hv_agent_access_init(struct hv_agent *a) {
        const struct hv_auth_options options = { .event = a->event,
                                                 .state_dir = a->options->state_dir ? a->options->state_dir
                                                                                    : HV_AGENT_STATE_DIR,
                                                 .now_us = hv_agent_now_us,
                                                 .wall_us = hv_agent_wall_us };
        struct hv_err err = {};

        /* Without its tokens the agent still does its work, and the socket lets in whoever may repair them. */
        if (hv_auth_new(&options, &a->auth, &err) < 0)
                (void) hv_log_error(err.code, "no token is taken: %s", err.msg);
        hv_auth_set_pool(a->auth, ask_pool, a);
        a->access = hv_http_access_new(a->auth);
}

void hv_agent_access_end(struct hv_agent *a) {
        a->access = hv_http_access_free(a->access);
        a->auth = hv_auth_free(a->auth);
}

void hv_agent_access_follow(struct hv_agent *a, const struct hv_desired *d) {
        const struct hv_http_settings *s = &d->settings.http;
        HV_VEC(struct hv_auth_group) groups = {};
        struct hv_auth_settings settings = { .is_required = s->needs_login,
                                             .metrics_is_open = s->metrics_are_open,
                                             .users_file = s->users_file,
                                             .token_file = s->token_file,
                                             .session_life_us = s->session_us,
                                             .pool_role = (enum hv_role) s->pool_role };
        struct hv_err err = {};

        if (hv_streq(a->access_revision, d->revision))
                return;
        (void) snprintf(a->access_revision, sizeof a->access_revision, "%s", d->revision);
        for (size_t i = 0; i < s->n_groups; i++)
                hv_vec_push(&groups,
                            ((struct hv_auth_group){ s->groups[i].name, (enum hv_role) s->groups[i].role }));
        settings.groups = groups.v;
        settings.n_groups = groups.n;
        if (hv_auth_configure(a->auth, &settings, &err) < 0)
                (void) hv_log_error(err.code, "%s; it lets nobody in", err.msg);
        hv_vec_done(&groups);
}
