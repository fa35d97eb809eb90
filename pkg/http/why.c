#include "http/why.h"

#include "base/arena.h"
#include "base/duration.h"
#include "base/rfc3339.h"
#include "http/conditions.h"
#include "http/render.h"
#include "json/write.h"

#define REVISION_SHOWN 8

static const char *instant(struct hv_arena *a, uint64_t wall_us) {
        char text[HV_RFC3339_SIZE];

        hv_rfc3339_format(wall_us / HV_USEC_PER_SEC * HV_USEC_PER_SEC, text);
        return hv_arena_strdup(a, text);
}

/* "in 12s", in whole seconds, rounded up. */
static const char *in_time(struct hv_arena *a, const struct hv_api_snapshot *s, uint64_t core_us) {
        char text[HV_DURATION_SIZE];
        uint64_t wait_us = core_us > s->now_us ? core_us - s->now_us : 0;

        hv_duration_format((wait_us + HV_USEC_PER_SEC - 1) / HV_USEC_PER_SEC * HV_USEC_PER_SEC, text);
        return hv_arena_printf(a, "in %s", text);
}

static bool engine_is_ready(const struct hv_api_snapshot *s) {
        return s->status->engine == HV_ENGINE_READY;
}

/* ---- wanted ---- */

static const char *wanted_service(struct hv_arena *a, const struct hv_view_item *item) {
        static const char *const restarts[] = {
                [HV_RESTART_ALWAYS] = "kept running",
                [HV_RESTART_ON_FAILURE] = "started again when it fails",
                [HV_RESTART_NEVER] = "run once",
        };

        if (!item->wanted)
                return "not declared any more: what is left of it is removed";
        if (item->n_units == 0)
                return item->n_status > 0 ? "declared in a revision that is not in force yet"
                                          : "declared with 0 replicas: nothing is to run";
        return hv_arena_printf(a, "%zu %s of %s, %s", item->n_units,
                               item->n_units == 1 ? "container" : "containers", item->units[0]->image,
                               restarts[item->units[0]->restart]);
}

static const char *wanted(struct hv_arena *a, const struct hv_view_item *item) {
        switch (item->kind) {
        case HV_KIND_SERVICE:
                return wanted_service(a, item);
        case HV_KIND_NETWORK:
                if (!item->wanted)
                        return "not declared any more, and no container that stays uses it";
                if (item->network && item->network->implicit)
                        return hv_arena_printf(a, "a %s network, because a service joins it",
                                               item->network->driver);
                return item->network ? hv_arena_printf(a, "a %s network", item->network->driver)
                                     : "a network";
        case HV_KIND_VOLUME:
                if (!item->wanted)
                        return item->in_sync ? hv_arena_printf(a, "not declared any more; %s", item->message)
                                             : "not declared any more";
                return item->volume ? hv_arena_printf(a, "a volume of driver %s, %s when it leaves the files",
                                                      item->volume->driver,
                                                      item->volume->reclaim_delete ? "deleted" : "kept")
                                    : "a volume";
        case HV_KIND_WIREGUARD:
                return item->wanted ? "an interface that is kept as it is declared"
                                    : "not declared any more: it is removed";
        case HV_KIND_REGISTRY:
                return "asked when an image of its host is pulled";
        case HV_KIND_CRONTASK:
                return item->cron ? hv_arena_printf(a, "a run at each time of \"%s\" in %s",
                                                    item->cron->schedule,
                                                    hv_str_empty(item->cron->zone) ? "UTC" : item->cron->zone)
                                  : "a run at each time of its schedule";
        default:
                return "declared";
        }
}

/* ---- seen ---- */

static const char *seen_ended(struct hv_arena *a, const struct hv_unit_status *u) {
        if (u->oom_killed)
                return hv_arena_printf(a, "%s was killed because it ran out of memory", u->container);
        if (u->exit_code >= 0)
                return hv_arena_printf(a, "%s ended with exit code %d", u->container, u->exit_code);
        return hv_arena_printf(a, "%s does not run", u->container);
}

static const char *seen_unit(struct hv_arena *a, const struct hv_api_snapshot *s,
                             const struct hv_unit_status *u) {
        if (!engine_is_ready(s))
                return hv_arena_printf(a, "%s is not known: the engine is not answering", u->container);
        if (!u->id)
                return hv_arena_printf(a, "%s does not exist", u->container);
        switch (u->phase) {
        case HV_PHASE_RUNNING:
                if (u->started_wall_us)
                        return hv_arena_printf(a, "%s runs since %s", u->container,
                                               instant(a, u->started_wall_us));
                return hv_arena_printf(a, "%s runs", u->container);
        case HV_PHASE_BACK_OFF:
        case HV_PHASE_COMPLETED:
        case HV_PHASE_FAILED:
                return seen_ended(a, u);
        default:
                if (u->digest && u->wanted_digest && !hv_streq(u->digest, u->wanted_digest))
                        return hv_arena_printf(a, "%s was made from another spec", u->container);
                return hv_arena_printf(a, "%s exists", u->container);
        }
}

static const char *seen_object(const struct hv_api_snapshot *s, const struct hv_view_item *item) {
        if (!item->acted_on || item->kind == HV_KIND_REGISTRY)
                return "nothing is looked at";
        if (!engine_is_ready(s) && item->kind != HV_KIND_WIREGUARD)
                return "not known: the engine is not answering";
        if (!item->seen || !item->seen->exists)
                return "it does not exist";
        return item->seen->foreign ? "it exists, and is not hivelet's" : "it exists";
}

static const char *seen_cron(struct hv_arena *a, const struct hv_cron_status *k) {
        struct hv_buf runs = {};
        const char *ret;

        if (!k)
                return "nothing is known of it yet";
        for (size_t i = 0; i < k->n_live; i++)
                hv_buf_printf(&runs, "%s%s", i ? ", " : "", k->live[i]);
        ret = k->n_live ? hv_arena_printf(a, "not ended: %s", hv_buf_str(&runs))
              : k->until_wall_us
                      ? hv_arena_printf(a, "its times are dealt with up to %s", instant(a, k->until_wall_us))
                      : "none of its times has come yet";
        hv_buf_done(&runs);
        return ret;
}

/* ---- in the way, and next ---- */

static const char *blocking(struct hv_arena *a, enum hv_reason reason, const char *message) {
        return hv_str_empty(message) ? hv_reason_name(reason)
                                     : hv_arena_printf(a, "%s: %s", hv_reason_name(reason), message);
}

static const char *next_without_action(enum hv_reason reason) {
        switch (reason) {
        case HV_REASON_NAME_CONFLICT:
                return "nothing before what has its name is gone: hivelet changes nothing that is not its own";
        case HV_REASON_CONFLICT:
                return "nothing before it is resolved by hand: hivelet would lose data";
        case HV_REASON_DOCKER_DOWN:
        case HV_REASON_DOCKER_UNRESPONSIVE:
        case HV_REASON_WAITING_ENGINE:
                return "a look at everything as soon as the engine answers";
        case HV_REASON_WAITING_DEPENDENCY:
                return "it goes on as soon as what it waits for is there";
        case HV_REASON_JOIN_FAILED:
                return "the VPN service is asked again by itself, and at once after hivectl apply";
        case HV_REASON_SUSPENDED:
                return "nothing while it is suspended";
        case HV_REASON_STOPPED_BY_USER:
                return "nothing before somebody starts it: hivectl start";
        case HV_REASON_ROLLOUT_PAUSED:
                return "it is not made anew before somebody resumes it: hivectl rollout resume";
        case HV_REASON_IMAGE_MISSING:
                return "it goes on as soon as the image is there";
        default:
                return "it is under way";
        }
}

static const char *next_of_unit(struct hv_arena *a, const struct hv_api_snapshot *s,
                                const struct hv_unit_status *u) {
        if (u->in_sync)
                return hv_api_is_by_hand(u) ? next_without_action(u->reason) : NULL;
        if (!u->next_action)
                return next_without_action(u->reason);
        if (u->next_us > s->now_us && u->next_us != HV_TIME_NEVER)
                return hv_arena_printf(a, "%s %s %s", u->next_action, u->container,
                                       in_time(a, s, u->next_us));
        return hv_arena_printf(a, "%s %s now", u->next_action, u->container);
}

static void put_unit(struct hv_json_writer *w, const struct hv_api_snapshot *s, struct hv_arena *a,
                     const struct hv_unit_status *u) {
        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "container", u->container);
        hv_json_put_bool(w, "inSync", u->in_sync);
        hv_json_put_str(w, "seen", seen_unit(a, s, u));
        hv_json_put_str(w, "blocking",
                        u->in_sync && !hv_api_is_by_hand(u) ? NULL : blocking(a, u->reason, u->message));
        hv_json_put_str(w, "next", next_of_unit(a, s, u));
        hv_render_time(w, "nextAt", u->in_sync ? 0 : hv_api_wall_us(s, u->next_us));
        hv_json_put_uint(w, "restarts", u->n_restarts);
        hv_json_end(w);
}

/* The guard's own words; how to consent, unless they say it. */
static void put_parked(struct hv_json_writer *w, const struct hv_status *s) {
        const char *message = s->parked_message ? s->parked_message : "it removes too much";

        if (strstr(message, "--accept-prune"))
                hv_json_put_printf(w, NULL, "revision %.*s is parked: %s", REVISION_SHOWN, s->parked_revision,
                                   message);
        else
                hv_json_put_printf(
                        w, NULL,
                        "revision %.*s is parked (%s); to let it remove: hivectl apply --accept-prune %.*s",
                        REVISION_SHOWN, s->parked_revision, message, REVISION_SHOWN, s->parked_revision);
}

static const char *next_of_cron(struct hv_arena *a, const struct hv_cron_status *k) {
        if (!k || !k->can_run)
                return NULL;
        if (k->suspend.by)
                return "nothing before it is resumed: hivectl cron resume";
        return k->next_wall_us ? hv_arena_printf(a, "a run at %s", instant(a, k->next_wall_us))
                               : "nothing: its schedule never comes";
}

static void put_why_cron(struct hv_json_writer *w, struct hv_arena *a, const struct hv_view_item *item) {
        const struct hv_cron_status *k = item->cron;
        bool is_held = !item->in_sync || (k && k->suspend.by);

        hv_json_put_str(w, "seen", seen_cron(a, k));
        hv_json_put_str(w, "blocking", is_held ? blocking(a, item->reason, item->message) : NULL);
        hv_json_put_str(w, "next", next_of_cron(a, k));
        hv_render_time(w, "nextAt", k ? k->next_wall_us : 0);
}

/* What concerns the whole node and therefore this object too. */
static void put_node_notes(struct hv_json_writer *w, const struct hv_api_snapshot *s, struct hv_arena *a) {
        const struct hv_status *status = s->status;

        hv_json_begin_array(w, "node");
        if (!engine_is_ready(s))
                hv_json_put_str(w, NULL, hv_condition_judge(HV_CONDITION_ENGINE_REACHABLE, s, a).message);
        if (s->refused)
                hv_json_put_printf(w, NULL, "the sources were refused (%s), so this is judged against %s",
                                   hv_condition_judge(HV_CONDITION_CONFIG_VALID, s, a).message,
                                   s->desired ? "the revision before" : "nothing");
        if (status->parked_revision)
                put_parked(w, status);
        if (s->trial.state != HV_API_TRIAL_NONE)
                hv_json_put_str(w, NULL, hv_condition_judge(HV_CONDITION_CONFIRM_PENDING, s, a).message);
        if (hv_orders_closed_text(&s->orders, a))
                hv_json_put_printf(w, NULL, "no task is admitted: %s", hv_orders_closed_text(&s->orders, a));
        hv_json_end(w);
}

static void put_declared(struct hv_json_writer *w, const struct hv_view_item *item) {
        const struct hv_origin *o = item->origin;

        if (!o || hv_str_empty(o->file))
                hv_json_put_str(w, "declaredAt", o ? o->source : NULL);
        else
                hv_json_put_printf(w, "declaredAt", "%s:%u:%u", o->file, o->line, o->column);
}

void hv_render_why(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s,
                   const struct hv_view_item *item, struct hv_arena *a) {
        bool in_the_way = item->acted_on && !item->in_sync;

        hv_json_begin_object(w, key);
        hv_json_put_str(w, "kind", hv_kind_name(item->kind));
        hv_json_put_str(w, "name", item->name);
        if (item->acted_on)
                hv_json_put_bool(w, "inSync", item->in_sync);
        else
                hv_json_put_null(w, "inSync");
        hv_json_put_str(w, "wanted", wanted(a, item));
        put_declared(w, item);
        if (item->kind == HV_KIND_SERVICE) {
                hv_json_begin_array(w, "units");
                for (size_t i = 0; i < item->n_status; i++)
                        put_unit(w, s, a, item->status[i]);
                hv_json_end(w);
        } else if (item->kind == HV_KIND_CRONTASK)
                put_why_cron(w, a, item);
        else {
                hv_json_put_str(w, "seen", seen_object(s, item));
                if (!item->acted_on)
                        hv_json_put_str(w, "blocking", item->message);
                else
                        hv_json_put_str(w, "blocking",
                                        in_the_way ? blocking(a, item->reason, item->message) : NULL);
                hv_json_put_str(w, "next",
                                in_the_way        ? next_without_action(item->reason)
                                : !item->acted_on ? "nothing in this version"
                                                  : NULL);
        }
        put_node_notes(w, s, a);
        hv_json_end(w);
}

/* Each slice that is to be capped, and what keeps it from being so. */
static void put_caps(struct hv_json_writer *w, const struct hv_status *status, struct hv_arena *a) {
        hv_json_begin_array(w, "caps");
        for (int i = 0; i < HV_N_CAPS; i++) {
                const struct hv_caps_status *k = &status->caps[i];
                const char *what = hv_condition_caps_text(k, a);

                if (k->in_sync && k->is_capped)
                        hv_json_put_str(w, NULL, what);
                else if (!k->in_sync && (k->is_capped || k->is_known))
                        hv_json_put_printf(w, NULL, "%s; it is not so: %s", what, k->message);
        }
        hv_json_end(w);
}

void hv_render_why_node(struct hv_json_writer *w, const struct hv_api_snapshot *s, struct hv_arena *a) {
        struct hv_condition converged = hv_condition_judge(HV_CONDITION_CONVERGED, s, a);

        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "kind", "Node");
        hv_json_put_str(w, "name", s->node_id);
        hv_json_put_bool(w, "inSync", converged.status == HV_CONDITION_TRUE);
        hv_json_put_str(w, "reason", converged.reason);
        hv_json_put_str(w, "message", converged.message);
        put_node_notes(w, s, a);
        put_caps(w, s->status, a);
        hv_json_begin_array(w, "items");
        for (int kind = HV_KIND_SERVICE; kind < HV_N_KINDS; kind++) {
                size_t n;
                const struct hv_view_item *items = hv_view_list(a, s, (enum hv_kind) kind, &n);

                for (size_t i = 0; i < n; i++) {
                        if (items[i].acted_on && !items[i].in_sync)
                                hv_render_why(w, NULL, s, &items[i], a);
                }
        }
        hv_json_end(w);
        hv_json_end(w);
}
