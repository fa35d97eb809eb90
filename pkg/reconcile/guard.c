/* reconcile/guard.c - which revision is the active one.
 *
 *      offered --> pending --(engine seen completely)--> active <-- resumed after a restart of the agent
 *                     |
 *                     '--(removes too much)--> parked --(accepted by the operator)--> active
 *
 * One that was in force before a revision on trial is active again without being counted: it was let pass, and what goes with
 * the trial was on trial.
 *
 * The guard counts declared objects that exist: a service with its replicas is one, a replacement is not a
 * removal, a volume that is kept is not counted, a network that nobody declared neither. It never guards the
 * removal of a single object. It counts what the engine holds, not what an older revision said: so it works
 * on the first start, too.
 *
 * What is in doubt (after a reconnect: whatever the list shows otherwise than it was) counts only where it speaks against the
 * revision: as removed when it is left out, not as existing when it is wanted. Where that alone would hold the
 * revision up, the guard waits for the looks; a look that failed is not waited for.
 */
#include <errno.h>
#include <stdio.h>

#include "reconcile/cron_state.h"
#include "reconcile/logins.h"
#include "reconcile/mutant.h"
#include "reconcile/reclaim.h"
#include "reconcile/task_state.h"

/* What was counted, and said of it. */
static void forget_counted(struct hv_core *c) {
        for (size_t i = 0; i < c->parked_removals.n; i++)
                free(c->parked_removals.v[i]);
        hv_vec_clear(&c->parked_removals);
        hv_set_text(&c->parked_message, NULL);
}

static void forget_parked(struct hv_core *c) {
        c->parked = hv_desired_unref(c->parked);
        forget_counted(c);
}

void hv_guard_offer(struct hv_core *c, struct hv_desired *d) {
        hv_desired_unref(c->pending);
        c->pending = hv_desired_ref(d);
        c->seq++;
}

/* ---- activation ---- */

static void want_units(struct hv_core *c, const struct hv_desired *d) {
        struct slot *s;
        size_t it = 0;

        for (size_t i = 0; i < d->n_units; i++) {
                const struct hv_unit *u = &d->units[i];
                const struct hv_unit *before;

                s = hv_slot_get(c, u->container);
                before = s->want;
                s->want = u;
                if (before && hv_streq(before->digest, u->digest) &&
                    memcmp(&before->limits, &u->limits, sizeof u->limits) == 0)
                        continue;
                /* Changed by somebody who may just have mended it: no old failure holds it back. */
                hv_failure_reset(&s->failure);
                hv_backoff_reset(&s->restart);
                s->needs_pull = 0;
        }
        while (hv_map_next(c->slots, &it, NULL, (void **) &s))
                if (s->want && !s->task && hv_desired_unit(d, s->want->key) != s->want) {
                        s->want = NULL;
                        hv_failure_reset(&s->failure);
                }
}

static void want_items(struct hv_core *c, const struct hv_desired *d) {
        struct item *o;
        size_t it = 0;

        while (hv_map_next(c->networks, &it, NULL, (void **) &o))
                o->network = NULL;
        it = 0;
        while (hv_map_next(c->volumes, &it, NULL, (void **) &o))
                o->volume = NULL;
        for (size_t i = 0; i < d->n_networks; i++)
                hv_item_get(c, HV_KIND_NETWORK, d->networks[i].name)->network = &d->networks[i];
        for (size_t i = 0; i < d->n_volumes; i++) {
                o = hv_item_get(c, HV_KIND_VOLUME, d->volumes[i].name);
                o->volume = &d->volumes[i];
        }
        hv_reclaim_declare(c, d);
}

static void activate(struct hv_core *c, struct hv_desired *d) {
        bool same = c->active && hv_streq(c->active->revision, d->revision);
        struct hv_desired *before = c->active;

        c->active = hv_desired_ref(d);
        want_units(c, d);
        want_items(c, d);
        hv_tunnels_want(c, d);
        hv_task_want(c, d);
        hv_cron_want(c, d);
        if (before && hv_logins_differ(before, d))
                hv_logins_try_again(c);
        hv_desired_unref(before);
        c->seq++;
        if (same)
                return;
        c->n_generations++;
        hv_note(c, HV_NOTE_REVISION_ACTIVE, HV_REASON_SYNCED, HV_KIND_NODESTATE, NULL, NULL,
                "revision %.8s is active: %zu objects, %zu containers wanted", d->revision, d->n_objects,
                d->n_units);
}

/* ---- the guard ---- */

static bool is_wanted(const struct hv_desired *d, enum hv_kind kind, const char *name) {
        switch (kind) {
        case HV_KIND_NETWORK:
                return hv_desired_network(d, name) != NULL;
        case HV_KIND_VOLUME:
                return hv_desired_volume(d, name) != NULL;
        case HV_KIND_WIREGUARD:
                return hv_desired_tunnel(d, name) != NULL;
        case HV_KIND_TASK:
                for (size_t i = 0; i < d->n_tasks; i++)
                        if (hv_streq(d->tasks[i]->id, name))
                                return true;
                return false;
        default:
                for (size_t i = 0; i < d->n_units; i++)
                        if (d->units[i].kind == kind && hv_streq(d->units[i].object, name))
                                return true;
                return false;
        }
}

/* How objects are counted that are in doubt. */
enum benefit { AGAINST_THE_REVISION, FOR_THE_REVISION };

/* One declared object that exists, or may exist; each is counted once. */
static void count(struct hv_core *c, const struct hv_desired *d, enum hv_kind kind, const char *name,
                  bool in_doubt, enum benefit benefit, struct hv_map *counted) {
        bool wanted = is_wanted(d, kind, name);
        char key[512];

        if (in_doubt && wanted == (benefit == AGAINST_THE_REVISION))
                return;
        (void) snprintf(key, sizeof key, "%s/%s", hv_kind_label(kind), name);
        if (hv_map_get(counted, key))
                return;
        hv_map_put(counted, key, c);
        c->n_parked_existing++;
        if (!wanted)
                hv_vec_push(&c->parked_removals, hv_strdup(key));
}

/* By what was last said of it; of a volume that only d knows of, by what d says. */
static bool would_be_deleted(const struct hv_core *c, const struct hv_desired *d, const struct item *o) {
        const struct hv_volume *v = hv_desired_volume(d, o->name);

        if (v && hv_reclaim_of(c, o->name) == RECLAIM_UNKNOWN)
                return v->reclaim_delete;
        return hv_reclaim_is_delete(c, o);
}

static bool is_in_doubt(const struct slot *s) {
        return s->doubt && !s->audited;
}

static void count_slot(struct hv_core *c, const struct hv_desired *d, const struct slot *s,
                       enum benefit benefit, struct hv_map *counted) {
        bool in_doubt = is_in_doubt(s);

        if (s->have && s->have->ours && s->have->kind == HV_KIND_SERVICE && s->have->object)
                count(c, d, HV_KIND_SERVICE, s->have->object, in_doubt, benefit, counted);
        else if (!s->have && in_doubt && s->want && s->want->kind == HV_KIND_SERVICE)
                count(c, d, HV_KIND_SERVICE, s->want->object, true, benefit, counted);
}

/* Something is looked at, or about to be, and its look has not failed yet. */
static bool awaits_looks(const struct hv_core *c) {
        struct hv_map *const items[] = { c->networks, c->volumes };
        const struct slot *s;
        const struct item *o;
        size_t it = 0;

        while (hv_map_next(c->slots, &it, NULL, (void **) &s))
                if (is_in_doubt(s) && s->look_retry.n == 0)
                        return true;
        for (size_t i = 0; i < HV_ARRAY_SIZE(items); i++) {
                it = 0;
                while (hv_map_next(items[i], &it, NULL, (void **) &o))
                        if (o->doubt && c->engine.list_retry.n == 0)
                                return true;
        }
        return false;
}

static void count_existing(struct hv_core *c, const struct hv_desired *d, enum benefit benefit) {
        _hv_cleanup_(hv_map_freep) struct hv_map *counted = hv_map_new(NULL);
        const struct slot *s;
        const struct item *o;
        const struct tunnel *w;
        size_t it = 0;

        c->n_parked_existing = 0;
        for (size_t i = 0; i < c->parked_removals.n; i++)
                free(c->parked_removals.v[i]);
        hv_vec_clear(&c->parked_removals);
        while (hv_map_next(c->tunnels, &it, NULL, (void **) &w))
                if (w->state == HV_TUNNEL_OURS)
                        count(c, d, HV_KIND_WIREGUARD, w->name, false, benefit, counted);
        if (!d->settings.docker_enabled)
                return; /* without an engine there is nothing else to remove */
        /* A declared task that has not ended would be stopped. What ends in this pass is told apart by the next one, which comes with the
         * record of its end. */
        for (size_t i = 0; i < c->live_tasks.n; i++) {
                const struct task *t = c->live_tasks.v[i];

                if (t->source == HV_TASK_FROM_FILE && t->accepted && t->step < TASK_STEP_TIDY &&
                    !t->stop_asked)
                        count(c, d, HV_KIND_TASK, t->id, false, benefit, counted);
        }
        it = 0;
        while (hv_map_next(c->slots, &it, NULL, (void **) &s))
                count_slot(c, d, s, benefit, counted);
        it = 0;
        while (hv_map_next(c->networks, &it, NULL, (void **) &o)) {
                const struct hv_network *n = o->network ? o->network : hv_desired_network(d, o->name);

                if (o->ours && !(n && n->implicit))
                        count(c, d, HV_KIND_NETWORK, o->name, o->doubt != 0, benefit, counted);
        }
        it = 0;
        while (hv_map_next(c->volumes, &it, NULL, (void **) &o))
                if (o->ours && would_be_deleted(c, d, o))
                        count(c, d, HV_KIND_VOLUME, o->name, o->doubt != 0, benefit, counted);
}

/* What somebody says who lets it. */
#define BY_APPLY "hivectl apply"
#define BY_ROLLBACK "hivectl rollback"

/* True when d may become active; otherwise parked_message and parked_removals say why not. */
static bool is_allowed_by(struct hv_core *c, const struct hv_desired *d, enum benefit benefit,
                          const char *command) {
        const char *rolled = hv_streq(command, BY_ROLLBACK) ? d->revision : "";
        const char *space = *rolled ? " " : "";
        size_t removed;

        count_existing(c, d, benefit);
        removed = c->parked_removals.n;
        free(c->parked_message);
        c->parked_message = NULL;
        if (d->n_objects == 0 && removed > 0 && !d->settings.allow_empty)
                c->parked_message =
                        hv_asprintf("refusing an empty desired state while %u objects are active; set "
                                    "node.safety.allowEmpty or run: %s%s%.8s --accept-prune %.8s",
                                    c->n_parked_existing, command, space, rolled, d->revision);
        else if (removed > 1 && removed * 100 > (size_t) d->settings.max_prune_percent * c->n_parked_existing)
                c->parked_message =
                        hv_asprintf("revision %.8s would remove %zu of %u objects, more than "
                                    "node.safety.maxPrune (%u%%) allows; to let it: %s%s%.8s "
                                    "--accept-prune %.8s",
                                    d->revision, removed, c->n_parked_existing, d->settings.max_prune_percent,
                                    command, space, rolled, d->revision);
        return !c->parked_message;
}

static bool is_allowed(struct hv_core *c, const struct hv_desired *d, enum benefit benefit) {
        return is_allowed_by(c, d, benefit, BY_APPLY);
}

int hv_guard_ask(struct hv_core *c, const struct hv_desired *d, struct hv_err *err) {
        typeof(c->parked_removals) removals = c->parked_removals;
        unsigned n_existing = c->n_parked_existing;
        char *message = HV_STEAL(c->parked_message);
        int r = 0;

        if (c->engine.state != HV_ENGINE_READY && d->settings.docker_enabled) {
                c->parked_message = message;
                return hv_err_set(err, -ENOTCONN,
                                  "what revision %.8s would remove cannot be counted before the container "
                                  "engine answers; to let it, whatever it is: " BY_ROLLBACK
                                  " %.8s --accept-prune %.8s",
                                  d->revision, d->revision, d->revision);
        }
        memset(&c->parked_removals, 0, sizeof c->parked_removals);
        if (!is_allowed_by(c, d, AGAINST_THE_REVISION, BY_ROLLBACK))
                r = hv_err_set(err, -EDQUOT, "%s", c->parked_message);
        forget_counted(c);
        hv_vec_done(&c->parked_removals);
        c->parked_removals = removals;
        c->n_parked_existing = n_existing;
        c->parked_message = message;
        return r;
}

void hv_guard_decide(struct hv_core *c, uint64_t now_us) {
        _hv_cleanup_(hv_desired_unrefp) struct hv_desired *d = NULL;
        bool again, in_force;

        (void) now_us;
        /* What is parked is judged anew each time, as a restart would: what exists may have changed. */
        if (!c->pending && c->parked)
                c->pending = hv_desired_ref(c->parked);
        if (!c->pending)
                return;
        /* What is in force already was let pass, by the guard or by the operator: what a VPN service gave since then need not wait for
         * an engine. */
        in_force = c->active && hv_streq(c->active->revision, c->pending->revision);
        /* With Docker switched off nothing of an engine is counted. */
        if (!in_force && c->engine.state != HV_ENGINE_READY && c->pending->settings.docker_enabled &&
            !HV_MUTANT(HV_MUTANT_STALE_LOOK_UNLOCKS))
                return;
        d = HV_STEAL(c->pending);
        again = c->parked && hv_streq(c->parked->revision, d->revision);
        forget_parked(c);
        if (in_force || is_allowed(c, d, AGAINST_THE_REVISION) || HV_MUTANT(HV_MUTANT_NO_GUARD)) {
                forget_parked(c);
                activate(c, d);
                return;
        }
        if (!again && d->settings.docker_enabled && awaits_looks(c) && is_allowed(c, d, FOR_THE_REVISION)) {
                forget_parked(c);
                c->pending = HV_STEAL(d);
                return;
        }
        (void) is_allowed(c, d, AGAINST_THE_REVISION);
        c->parked = hv_desired_ref(d);
        if (!again)
                hv_note(c, HV_NOTE_PRUNE_BLOCKED, HV_REASON_PRUNE_BLOCKED, HV_KIND_NODESTATE, NULL, NULL,
                        "%s", c->parked_message);
}

void hv_guard_resume(struct hv_core *c, struct hv_desired *d) {
        if (!c->active)
                activate(c, d);
}

void hv_guard_revert(struct hv_core *c, struct hv_desired *d) {
        c->pending = hv_desired_unref(c->pending);
        forget_parked(c);
        activate(c, d);
}

int hv_guard_accept(struct hv_core *c, const char *revision, struct hv_err *err) {
        _hv_cleanup_(hv_desired_unrefp) struct hv_desired *d = NULL;

        if (!c->parked)
                return hv_err_set(err, -ENOENT, "no revision is parked by the guard");
        if (strlen(revision) < 4 || !hv_has_prefix(c->parked->revision, revision))
                return hv_err_set(err, -ENOENT, "revision \"%s\" is not parked; the parked one is %.8s",
                                  revision, c->parked->revision);
        d = hv_desired_ref(c->parked);
        forget_parked(c);
        activate(c, d);
        return 0;
}
