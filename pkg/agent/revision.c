/* agent/revision.c - from sources to the revision in force.
 *
 *      load (good) --> offered --> core's guard --> active --> kept in the store
 *      load (bad)  --> told in log, STATUS and API; what is in force stays
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/gc.h"
#include "agent/join_store.h"
#include "agent/joins.h"
#include "agent/log_files.h"
#include "agent/preload.h"
#include "agent/private.h"
#include "agent/tunnels.h"
#include "base/arena.h"
#include "base/buf.h"
#include "log/log.h"
#include "source/cut.h"

#define KEEP_AGAIN_US (1 * HV_USEC_PER_MIN)

static const char *environment(void *userdata, const char *name) {
        (void) userdata;
        return getenv(name);
}

/* ---- telling ---- */

const char *hv_agent_refusal(const struct hv_agent *a) {
        const struct hv_diag *d;
        size_t n;

        if (!a->latest || a->latest->desired)
                return NULL;
        if (a->latest->err.code != 0)
                return a->latest->err.msg;
        d = hv_diags_all(a->latest->diags, &n);
        for (size_t i = 0; i < n; i++)
                if (d[i].severity == HV_SEVERITY_ERROR)
                        return d[i].message;
        return "the desired state has errors";
}

/* Every finding as a line of its own, so that `journalctl HIVELET_CODE=E0304` works. */
static void log_findings(const struct hv_source_load *l) {
        size_t n;
        const struct hv_diag *d = hv_diags_all(l->diags, &n);

        for (size_t i = 0; i < n; i++) {
                const struct hv_log_fields fields = { .code = d[i].code, .reason = "RevisionRejected" };

                char place[32] = "";

                if (d[i].severity != HV_SEVERITY_ERROR)
                        continue;
                if (d[i].line > 0)
                        (void) snprintf(place, sizeof place, ":%u:%u", d[i].line, d[i].column);
                (void) hv_log_full(LOG_ERR, 0, &fields, "%s%s: error[%s]: %s%s%s", d[i].file, place,
                                   d[i].code, d[i].path, *d[i].path ? ": " : "", d[i].message);
        }
}

static const char *consequence(const struct hv_agent *a) {
        return hv_core_active(a->core) ? "the last good revision stays in force" : "nothing is changed";
}

/* Not read at all, as against read and refused. */
static bool is_unreadable(const struct hv_source_load *l) {
        size_t n;
        const struct hv_diag *d = hv_diags_all(l->diags, &n);

        for (size_t i = 0; i < n; i++)
                if (hv_streq(d[i].code, "E0001") || hv_streq(d[i].code, "E0009"))
                        return true;
        return false;
}

static void log_refused(struct hv_agent *a, const struct hv_source_load *l) {
        const struct hv_log_fields fields = { .reason = hv_reason_name(HV_REASON_REVISION_REJECTED) };
        const struct hv_log_fields stale = { .reason = hv_reason_name(HV_REASON_SOURCE_STALE) };

        log_findings(l);
        if (is_unreadable(l)) {
                hv_log_event(HV_EVENT_SOURCE_STALE, &stale, "the desired state cannot be read: %s; %s",
                             hv_agent_refusal(a), consequence(a));
                return;
        }
        hv_log_event(HV_EVENT_REVISION_REJECTED, &fields, "the desired state was refused: %s; %s",
                     hv_agent_refusal(a), consequence(a));
}

/* ---- taking ---- */

static void in_force(struct hv_agent *a);

/* The core put in force what it was offered, and that was not dealt with yet. */
static bool is_in_force_now(const struct hv_agent *a) {
        return a->offered && a->offered != a->active && hv_core_active(a->core) == a->offered->desired;
}

static void offer(struct hv_agent *a, enum hv_input_type as, struct hv_source_load *l) {
        struct hv_input in = { .type = as, .desired = l->desired };

        /* One that was consented to in this very turn came into force, if only for an instant: what it says of
         * volumes must not be lost. */
        if (is_in_force_now(a))
                in_force(a);
        if (a->offered != a->active && a->offered != a->latest)
                hv_source_load_free(a->offered);
        a->offered = l;
        (void) hv_agent_input(a, &in, NULL);
}

static void replace_latest(struct hv_agent *a, struct hv_source_load *l) {
        if (a->latest != a->active && a->latest != a->offered)
                hv_source_load_free(a->latest);
        a->latest = l;
        if (l->desired)
                hv_agent_sources_changed(a, l);
        a->loaded_wall_us = hv_agent_wall_us();
}

static void need_engine(struct hv_agent *a, const struct hv_desired *d) {
        struct hv_err err = {};

        hv_log_set_node_id(d->settings.node_id);
        if (!d->settings.docker_enabled)
                return;
        if (hv_agent_engine_need(a, d, &err) < 0)
                (void) hv_log_error(err.code, "%s", err.msg);
        hv_agent_zones_need(a, d);
        hv_agent_tasks_need(a, d);
}

int hv_agent_take(struct hv_agent *a, struct hv_source_load *l) {
        bool was_refused = hv_agent_refusal(a) != NULL;

        if (a->saved != l)
                a->saved = NULL; /* it may be freed, and its address be given to another one */
        (void) hv_source_refuse_cut(l, a->active);
        replace_latest(a, l);
        if (!l->desired) {
                a->failed_wall_us = a->loaded_wall_us;
                a->n_load_errors++;
                log_refused(a, l);
                hv_agent_poke(a);
                return -EINVAL;
        }
        a->good_wall_us = a->loaded_wall_us;
        if (was_refused)
                hv_log_event(HV_EVENT_SOURCE_RECOVERED, NULL,
                             "the desired state is good again: revision %.8s", l->desired->revision);
        need_engine(a, l->desired);
        /* Probes must find somebody on the very first start, too, when the engine keeps the guard from deciding. */
        if (!a->active)
                hv_agent_listen_follow(a, l->desired);
        offer(a, HV_INPUT_DESIRED, l);
        return 0;
}

void hv_agent_put_back(struct hv_agent *a, struct hv_source_load *l) {
        if (!l->desired) {
                (void) hv_log_error(l->err.code, "what was in force before cannot be read any more: %s",
                                    l->err.code ? l->err.msg : "it has errors by now");
                hv_source_load_free(l);
                return;
        }
        need_engine(a, l->desired);
        offer(a, HV_INPUT_REVERT, l);
        in_force(a);
}

int hv_agent_reload(struct hv_agent *a) {
        return hv_agent_take(a, hv_source_set_load(a->sources));
}

void hv_agent_joined(struct hv_agent *a) {
        struct hv_source_load *l;

        if (hv_agent_reload(a) >= 0)
                return;
        /* The sources are broken just now: then what is in force, and it alone. */
        l = hv_source_set_last_good(a->sources);
        if (l->desired)
                offer(a, HV_INPUT_DESIRED, l);
        else
                hv_source_load_free(l);
}

/* ---- in force ---- */

/* What is in force and not in the store would not be taken up after a restart, but something older: a disk that was full is
 * tried again. */
static void keep(struct hv_agent *a) {
        struct hv_err err = {};

        if (a->is_kept || hv_agent_now_us() < a->keep_after_us)
                return;
        a->is_kept = hv_source_set_in_force(a->sources, a->active, a->active_wall_us, &err) >= 0;
        a->keep_after_us = hv_agent_now_us() + KEEP_AGAIN_US;
        hv_api_changed(a->api); /* the list of revisions */
        if (!a->is_kept)
                (void) hv_log_error(err.code, "the revision in force cannot be kept for the next start: %s",
                                    err.msg);
}

/* For a trial that is asked for just after a file was saved (agent/trial.c). */
static void remember_before(struct hv_agent *a) {
        const char *before = a->active ? a->active->desired->revision : "";

        if (hv_streq(before, a->offered->desired->revision))
                return;
        (void) snprintf(a->revision_before, sizeof a->revision_before, "%s", before);
        a->active_us = hv_agent_now_us();
        a->active_was_saved = a->offered == a->saved;
}

static void in_force(struct hv_agent *a) {
        struct hv_source_load *before = a->active;

        remember_before(a);
        a->active = a->offered;
        if (before != a->active && before != a->latest)
                hv_source_load_free(before);
        a->active_wall_us = hv_agent_wall_us();
        hv_agent_log_files_follow(a, &a->active->desired->settings.log);
        hv_agent_engine_policy(a, a->active->desired);
        hv_agent_joins_follow(a, a->active->desired);
        hv_agent_tunnels_follow(a, a->active->desired);
        hv_agent_listen_follow(a, a->active->desired);
        hv_agent_pool_follow(a, a->active->desired);
        hv_agent_preload_follow(a);
        hv_agent_gc_follow(a);
        hv_agent_pressure_sampled(a); /* its rules may ask for more of the last sample */
        a->is_kept = false;
        a->keep_after_us = 0;
        keep(a);
}

void hv_agent_revision_passed(struct hv_agent *a) {
        if (is_in_force_now(a))
                in_force(a);
        else if (a->active)
                keep(a);
        hv_agent_change_passed(a);
}

const struct hv_secret *hv_agent_secret(const struct hv_agent *a, const char *name) {
        return a->active && a->active->secrets ? hv_secrets_get(a->active->secrets, name) : NULL;
}

/* ---- beginning ---- */

static void on_files_changed(void *userdata) {
        struct hv_agent *a = userdata;
        struct hv_source_load *l = hv_source_set_load(a->sources);

        a->saved = l;
        (void) hv_agent_take(a, l);
}

/* Flags are the strongest voice about a field. */
static size_t flags_of(const struct hv_agent_options *o, struct hv_spec_override flags[2]) {
        size_t n = 0;

        if (o->node_id)
                flags[n++] = (struct hv_spec_override){ "node.id", o->node_id, "--node-id" };
        if (o->node_pool)
                flags[n++] = (struct hv_spec_override){ "master.address", o->node_pool, "--node-pool" };
        return n;
}

static const struct hv_spec_wireguard *given(void *userdata, const struct hv_spec_wireguard *declared) {
        const struct hv_join *j = hv_join_store_look(userdata, declared->o.name);

        /* One of another service or name is in use until the new one is there. */
        return j && j->damage.code == 0 ? &j->config.spec : NULL;
}

int hv_agent_source_set_new(const struct hv_agent_options *o, struct hv_join_store *joins, bool look_only,
                            struct hv_source_set **ret, struct hv_err *err) {
        struct hv_spec_override flags[2];
        char hostname[256] = "";
        struct hv_source_options options = {
                .config = o->config,
                .config_dir = o->config_dir,
                .state_dir = o->state_dir,
                .credentials = getenv("CREDENTIALS_DIRECTORY"),
                .hostname = hostname,
                .env = environment,
                .flags = flags,
                .n_flags = flags_of(o, flags),
                .change_node_id = o->change_node_id,
                .given = given,
                .given_userdata = joins,
                .look_only = look_only,
        };

        (void) gethostname(hostname, sizeof hostname - 1);
        return hv_source_set_new(&options, ret, err);
}

/* What was in force when the agent last ran is in force again at once: a file that broke meanwhile, an engine that is down or
 * a removal that was agreed to and not finished change nothing about it. */
static void resume(struct hv_agent *a) {
        struct hv_source_load *l = hv_source_set_last_good(a->sources);
        struct hv_input in = { .type = HV_INPUT_RESUME, .desired = l->desired };
        struct hv_err err = {};

        if (!l->desired) {
                if (l->err.code != -ENOENT)
                        (void) hv_log_error(l->err.code, "the last good revision cannot be used: %s",
                                            l->err.msg);
                hv_source_load_free(l);
                return;
        }
        need_engine(a, l->desired);
        hv_agent_sources_changed(a, l);
        hv_agent_remember_volumes(a);
        a->offered = l;
        if (hv_agent_input(a, &in, &err) < 0)
                (void) hv_log_error(err.code, "the last good revision cannot be used: %s", err.msg);
        else
                in_force(a);
}

int hv_agent_sources_init(struct hv_agent *a, struct hv_err *err) {
        int r;

        a->join_store = hv_join_store_new(a->options->state_dir);
        r = hv_agent_source_set_new(a->options, a->join_store, false, &a->sources, err);
        if (r == -EBADMSG)
                (void) hv_log_warn(r, "%s", err->msg);
        else if (r < 0)
                return r;
        r = hv_source_set_watch(a->sources, a->event, on_files_changed, a, err);
        if (r < 0)
                return r;
        r = hv_agent_trial_init(a, err);
        if (r < 0)
                return r;
        resume(a);
        (void) hv_agent_reload(a);
        return 0;
}
