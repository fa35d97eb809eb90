/* agent/backend_order.c - what people ask of this node by hand: cordon, hold, stop, restart, pause, and their opposites.
 *
 *      the API --> the orders as they would be --> disk --> core
 *
 * Model    Durable before it is in force, and in force before it is answered. A file that cannot be read at the start is an order of
 *          its own: the node is held and cordoned, for what somebody stopped must not start because of it. */
#include <errno.h>
#include <time.h>

#include "agent/order_store.h"
#include "agent/private.h"
#include "agent/shutdown.h"
#include "log/log.h"

static void tell_core(struct hv_agent *a) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_orders orders = hv_agent_shutdown_orders(a, arena);
        const struct hv_input in = { .type = HV_INPUT_ORDERS, .orders = &orders };

        (void) hv_agent_input(a, &in, NULL);
}

void hv_agent_orders_laid_over(struct hv_agent *a) {
        tell_core(a);
}

static void in_force(struct hv_agent *a, const struct hv_orders *orders, const struct hv_api_drain *drain) {
        struct hv_arena *arena = hv_arena_new();

        a->orders = hv_orders_copy(orders, arena);
        a->drain = (struct hv_api_drain){ { hv_arena_strdup(arena, drain->order.by),
                                            hv_arena_strdup(arena, drain->order.reason),
                                            drain->order.since_wall_us },
                                          drain->deadline_wall_us };
        hv_arena_free(a->orders_arena);
        a->orders_arena = arena;
        tell_core(a);
}

/* ---- one change ---- */

/* The orders as they will be: of the service's own there is a place, which is taken out again when it is left empty. */
struct draft {
        struct hv_arena *arena;
        struct hv_orders orders;
        struct hv_api_drain drain;
        struct hv_service_orders *services, *service;
};

static void draft_begin(struct draft *d, const struct hv_agent *a, const char *service,
                        struct hv_arena *arena) {
        const struct hv_orders *now = &a->orders;

        *d = (struct draft){ .arena = arena, .orders = *now, .drain = a->drain };
        d->services = HV_ARENA_NEW_N(arena, struct hv_service_orders, now->n_services + 1);
        for (size_t i = 0; i < now->n_services; i++) {
                d->services[i] = now->services[i];
                if (hv_streq(now->services[i].name, service))
                        d->service = &d->services[i];
        }
        if (service && !d->service) {
                d->service = &d->services[d->orders.n_services++];
                d->service->name = service;
        }
        d->orders.services = d->services;
}

static void draft_tidy(struct draft *d) {
        size_t n = 0;

        for (size_t i = 0; i < d->orders.n_services; i++)
                if (d->services[i].stop.by || d->services[i].hold.by || d->services[i].pause.by)
                        d->services[n++] = d->services[i];
        d->orders.n_services = n;
}

static bool give(struct hv_order *o, const struct hv_api_order *asked) {
        if (o->by)
                return false;
        *o = (struct hv_order){ asked->by, hv_str_empty(asked->reason) ? NULL : asked->reason,
                                hv_agent_wall_us() };
        return true;
}

static bool take_back(struct hv_order *o) {
        bool was_given = o->by != NULL;

        *o = (struct hv_order){};
        return was_given;
}

/* It is to be restarted in this very run, and at once if that is asked for now. */
static bool is_asked(const struct hv_orders *o, const struct hv_unit_status *u, bool now) {
        for (size_t i = 0; i < o->n_restarts; i++)
                if (o->restarts[i].started_wall_us == u->started_wall_us &&
                    hv_streq(o->restarts[i].container_id, u->id) && (o->restarts[i].now || !now))
                        return true;
        return false;
}

/* Each container of the service in the run that it is in, or (`ended_only`) was in. */
static bool add_restarts(struct hv_agent *a, struct draft *d, bool now, bool ended_only) {
        struct hv_status *s = HV_ARENA_NEW(d->arena, struct hv_status);
        struct hv_restart_order *v;
        size_t n = 0;

        hv_core_status(a->core, hv_agent_now_us(), d->arena, s);
        v = HV_ARENA_NEW_N(d->arena, struct hv_restart_order, d->orders.n_restarts + s->n_unit_status);
        for (; n < d->orders.n_restarts; n++)
                v[n] = d->orders.restarts[n];
        for (size_t i = 0; i < s->n_unit_status; i++) {
                const struct hv_unit_status *u = &s->units[i];
                bool has_ended = (u->phase == HV_PHASE_BACK_OFF && !u->ready) ||
                                 u->phase == HV_PHASE_COMPLETED || u->phase == HV_PHASE_FAILED;

                if (u->kind == HV_KIND_SERVICE && u->wanted_digest && u->id && u->started_wall_us &&
                    hv_streq(u->object, d->service->name) && (has_ended || !ended_only) &&
                    !is_asked(&a->orders, u, now))
                        v[n++] = (struct hv_restart_order){ u->id, u->started_wall_us, now };
        }
        d->orders.restarts = v;
        if (n == d->orders.n_restarts)
                return false;
        d->orders.n_restarts = n;
        return true;
}

static bool start(struct hv_agent *a, struct draft *d) {
        if (take_back(&d->service->stop))
                return true;
        return add_restarts(a, d, true, true);
}

/* Said again it has the new deadline. */
static bool drain(struct draft *d, const struct hv_api_order *asked) {
        uint64_t now_us = hv_agent_wall_us();

        (void) give(&d->orders.cordon, asked);
        d->drain = (struct hv_api_drain){ .deadline_wall_us = HV_TIME_NEVER };
        (void) give(&d->drain.order, asked);
        if (asked->deadline_us < HV_TIME_NEVER - now_us)
                d->drain.deadline_wall_us = now_us + asked->deadline_us;
        return true;
}

static bool uncordon(struct draft *d) {
        bool was_drained = take_back(&d->drain.order);

        return take_back(&d->orders.cordon) || was_drained;
}

/* True: it makes a difference. */
static bool draft_change(struct hv_agent *a, struct draft *d, const struct hv_api_order *asked) {
        struct hv_order *hold = d->service ? &d->service->hold : &d->orders.hold;

        switch (asked->type) {
        case HV_API_ORDER_CORDON:
                return give(&d->orders.cordon, asked);
        case HV_API_ORDER_UNCORDON:
                return uncordon(d);
        case HV_API_ORDER_DRAIN:
                return drain(d, asked);
        case HV_API_ORDER_HOLD:
                return give(hold, asked);
        case HV_API_ORDER_RELEASE:
                return take_back(hold);
        case HV_API_ORDER_STOP:
                return give(&d->service->stop, asked);
        case HV_API_ORDER_START:
                return start(a, d);
        case HV_API_ORDER_RESTART:
                return add_restarts(a, d, asked->now, false);
        case HV_API_ORDER_PAUSE:
                return give(&d->service->pause, asked);
        case HV_API_ORDER_RESUME:
                return take_back(&d->service->pause);
        }
        return false;
}

static void tell(const struct hv_api_order *asked) {
        static const char *const words[] = {
                [HV_API_ORDER_CORDON] = "cordoned: no task is admitted before hivectl uncordon",
                [HV_API_ORDER_UNCORDON] = "not cordoned any more: tasks are admitted",
                [HV_API_ORDER_HOLD] = "held: nothing is done to it before hivectl release",
                [HV_API_ORDER_RELEASE] = "released: what it should be is brought about again",
                [HV_API_ORDER_STOP] = "stopped by hand, until hivectl start",
                [HV_API_ORDER_START] = "started by hand",
                [HV_API_ORDER_RESTART] = "restarted by hand",
                [HV_API_ORDER_PAUSE] =
                        "paused: its containers stay as they were made, until hivectl rollout resume",
                [HV_API_ORDER_RESUME] = "resumed: its containers are made as it is declared now",
                [HV_API_ORDER_DRAIN] = "drained: no task is admitted before hivectl uncordon",
        };
        const struct hv_log_fields fields = {
                .kind = hv_kind_name(asked->service ? HV_KIND_SERVICE : HV_KIND_NODESTATE),
                .name = asked->service,
        };

        hv_log_event(HV_EVENT_ORDER, &fields, "%s%s%s is %s; asked for by %s%s%s",
                     asked->service ? "service \"" : "the node", asked->service ? asked->service : "",
                     asked->service ? "\"" : "", words[asked->type], asked->by,
                     hv_str_empty(asked->reason) ? "" : ": ",
                     hv_str_empty(asked->reason) ? "" : asked->reason);
}

int hv_agent_order(void *userdata, const struct hv_api_order *asked, struct hv_err *err) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_service_orders *now;
        struct hv_agent *a = userdata;
        struct draft d;
        int r;

        now = asked->service ? hv_orders_of(&a->orders, asked->service) : NULL;
        if (asked->type == HV_API_ORDER_RESTART && now && now->stop.by)
                return hv_err_set(err, -EBUSY, "service %s is stopped by %s: hivectl start %s starts it",
                                  asked->service, now->stop.by, asked->service);
        draft_begin(&d, a, asked->service, arena);
        if (asked->type == HV_API_ORDER_START || asked->type == HV_API_ORDER_RESTART)
                hv_agent_look(a); /* pulls that failed are tried again at once */
        if (!draft_change(a, &d, asked))
                return 0;
        draft_tidy(&d);
        r = hv_order_store_write(a->options->state_dir, &d.orders, &d.drain, err);
        if (r < 0)
                return hv_err_prefix(err, r, "it cannot be made durable, so it is not done");
        tell(asked);
        in_force(a, &d.orders, &d.drain);
        return 1;
}

/* ---- a drain whose deadline came ---- */

static bool is_running(const struct hv_task_status *t) {
        return t->state != HV_TASK_QUEUED && !hv_task_state_is_end(t->state);
}

size_t hv_agent_running_tasks(struct hv_agent *a) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        size_t n, n_running = 0;
        const struct hv_task_status *live = hv_core_live_tasks(a->core, hv_agent_now_us(), arena, &n);

        for (size_t i = 0; i < n; i++)
                n_running += is_running(&live[i]);
        return n_running;
}

/* The wish is durable before a task is stopped, as anybody's is. */
void hv_agent_end_tasks(struct hv_agent *a, const char *by, const char *reason) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        size_t n;
        const struct hv_task_status *live = hv_core_live_tasks(a->core, hv_agent_now_us(), arena, &n);

        for (size_t i = 0; i < n; i++) {
                const struct hv_input in = {
                        .type = HV_INPUT_TASK_STOP, .text = live[i].id, .message = by, .reason = reason
                };

                if (is_running(&live[i]) && !live[i].stop_by)
                        (void) hv_agent_input(a, &in, NULL);
        }
}

static int on_drain_deadline(sd_event_source *s, uint64_t at_us, void *userdata) {
        (void) s;
        (void) at_us;
        hv_agent_poke(userdata);
        return 0;
}

/* By the wall clock: a deadline is an instant for people. A clock that is set is followed. */
static void follow_drain(struct hv_agent *a) {
        uint64_t deadline_us = a->drain.order.by ? a->drain.deadline_wall_us : HV_TIME_NEVER;

        if (deadline_us != HV_TIME_NEVER && hv_agent_wall_us() >= deadline_us)
                hv_agent_end_tasks(a, a->drain.order.by,
                                   a->drain.order.reason ? a->drain.order.reason : "the node is drained");
        else if (deadline_us != HV_TIME_NEVER && !a->drain_timer)
                (void) sd_event_add_time(a->event, &a->drain_timer, CLOCK_REALTIME, deadline_us, 0,
                                         on_drain_deadline, a);
        else if (deadline_us != HV_TIME_NEVER) {
                (void) sd_event_source_set_time(a->drain_timer, deadline_us);
                (void) sd_event_source_set_enabled(a->drain_timer, SD_EVENT_ONESHOT);
        } else if (a->drain_timer)
                (void) sd_event_source_set_enabled(a->drain_timer, SD_EVENT_OFF);
}

/* ---- what is over ---- */

static bool is_declared(const struct hv_desired *d, const char *service) {
        for (size_t i = 0; i < d->n_objects; i++)
                if (d->objects[i].kind == HV_KIND_SERVICE && hv_streq(d->objects[i].name, service))
                        return true;
        return false;
}

/* Restarts that came to pass, and stops and pauses of services that are not declared any more. While a revision is on trial the one
 * before it may come back. */
void hv_agent_orders_passed(struct hv_agent *a) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = NULL;
        const struct hv_desired *active = hv_core_active(a->core);
        bool on_trial = hv_source_set_trial(a->sources)->phase == HV_TRIAL_PENDING;
        struct hv_restart_order *restarts;
        struct hv_err err = {};
        struct draft d;
        size_t n = 0, n_forgotten = 0;

        follow_drain(a);
        if (!active || (a->orders.n_restarts == 0 && (a->orders.n_services == 0 || on_trial)))
                return;
        arena = hv_arena_new();
        draft_begin(&d, a, NULL, arena);
        restarts = HV_ARENA_NEW_N(arena, struct hv_restart_order, a->orders.n_restarts);
        for (size_t i = 0; i < a->orders.n_restarts; i++)
                if (!hv_core_restart_is_over(a->core, &a->orders.restarts[i]))
                        restarts[n++] = a->orders.restarts[i];
        d.orders.restarts = restarts;
        d.orders.n_restarts = n;
        for (size_t i = 0; i < d.orders.n_services && !on_trial; i++)
                if (!is_declared(active, d.services[i].name)) {
                        n_forgotten += take_back(&d.services[i].stop);
                        n_forgotten += take_back(&d.services[i].pause);
                }
        draft_tidy(&d);
        if (n == a->orders.n_restarts && n_forgotten == 0)
                return;
        if (hv_order_store_write(a->options->state_dir, &d.orders, &d.drain, &err) < 0)
                (void) hv_log_warn(err.code, "orders that are over stay on disk: %s", err.msg);
        in_force(a, &d.orders, &d.drain);
}

/* ---- life ---- */

void hv_agent_orders_init(struct hv_agent *a) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_orders orders = {};
        struct hv_api_drain drained = {};
        struct hv_err err = {};
        int r = hv_order_store_read(a->options->state_dir, arena, &orders, &drained, &err);

        if (r == -ENOENT)
                return;
        if (r < 0) {
                (void) hv_log_error(r, "what was asked of this node by hand cannot be read: %s", err.msg);
                orders.cordon.by = "hivelet";
                orders.cordon.reason = err.msg;
                orders.hold = orders.cordon;
        }
        in_force(a, &orders, &drained);
}

void hv_agent_orders_end(struct hv_agent *a) {
        a->drain_timer = sd_event_source_disable_unref(a->drain_timer);
        a->orders_arena = hv_arena_free(a->orders_arena);
}
