/* agent/shutdown.c - the end of the agent: on a signal, or because somebody asked for it (hivectl shutdown).
 *
 *      tasks have ended --> services are stopped, those first that no other needs --> the agent ends
 *
 * Model    Nothing of it is durable. What is asked of the core on the way there lies over the orders of backend_order.c and is never
 *          kept: an agent that starts again, whether the shutdown came to its end or not, brings about what is declared. */
#include "agent/shutdown.h"

#include <errno.h>

#include "base/arena.h"
#include "log/log.h"

/* How long requests that are under way may take when the agent ends. */
#define DRAIN_US (2 * HV_USEC_PER_SEC)

struct hv_agent_shutdown {
        struct hv_arena *arena; /* texts */
        struct hv_order order;
        bool stops_workloads;
        uint64_t deadline_us, deadline_wall_us; /* of tasks; HV_TIME_NEVER: none */
        HV_VEC(const char *) stopped;           /* services that are told to stop */
        bool tasks_have_ended;
        sd_event_source *deadline, *end;
};

/* ---- the end ---- */

/* One of those that the end waits for is done. */
static void on_farewell(void *userdata) {
        struct hv_agent *a = userdata;

        if (--a->n_farewells == 0)
                (void) sd_event_exit(a->event, a->exit_code);
}

void hv_agent_stop(struct hv_agent *a, const char *why) {
        bool has_tcp = a->tcp_server != NULL;

        if (a->stopping) {
                (void) sd_event_exit(a->event, a->exit_code);
                return;
        }
        a->stopping = true;
        hv_notify_stopping(a->notify);
        hv_log_event(HV_EVENT_AGENT_STOPPING, NULL, "stopping on %s", why);
        hv_agent_change_abandon(a);
        hv_agent_plans_abandon(a);
        hv_agent_task_calls_abandon(a);
        hv_agent_tunnel_calls_abandon(a);
        hv_agent_kills_abandon(a);
        /* Whoever asked for it over TCP hears of it, too. */
        a->n_farewells = 1 + has_tcp + hv_agent_pool_leave(a, on_farewell, a);
        if (has_tcp)
                hv_http_server_drain(a->tcp_server, DRAIN_US, on_farewell, a);
        hv_http_server_drain(a->socket_server, DRAIN_US, on_farewell, a);
}

static int on_end(sd_event_source *s, void *userdata) {
        struct hv_agent *a = userdata;
        const struct hv_agent_shutdown *d = a->shutdown;
        const char *why;

        (void) s;
        if (a->stopping) /* a signal came meanwhile */
                return 0;
        why = hv_arena_printf(d->arena, "a shutdown that %s asked for%s%s; containers %s", d->order.by,
                              d->order.reason ? ": " : "", d->order.reason ? d->order.reason : "",
                              d->stops_workloads ? "of services are stopped" : "keep running");
        hv_agent_stop(a, why);
        return 0;
}

/* Whoever asked is answered first. */
static void end_soon(struct hv_agent *a) {
        if (!a->shutdown->end &&
            sd_event_add_defer(a->event, &a->shutdown->end, on_end, a) < 0) /* no memory: as a signal */
                hv_agent_stop(a, "a shutdown");
}

/* ---- what lies over the orders ---- */

struct hv_orders hv_agent_shutdown_orders(const struct hv_agent *a, struct hv_arena *arena) {
        const struct hv_agent_shutdown *d = a->shutdown;
        struct hv_orders ret = a->orders;
        struct hv_service_orders *services;
        size_t n = 0;

        if (!d || !d->stops_workloads)
                return ret;
        services = HV_ARENA_NEW_N(arena, struct hv_service_orders, ret.n_services + d->stopped.n);
        for (; n < ret.n_services; n++)
                services[n] = ret.services[n];
        for (size_t i = 0; i < d->stopped.n; i++) {
                struct hv_service_orders *o = NULL;

                for (size_t k = 0; k < n && !o; k++)
                        if (hv_streq(services[k].name, d->stopped.v[i]))
                                o = &services[k];
                if (!o) {
                        o = &services[n++];
                        o->name = d->stopped.v[i];
                }
                o->stop = d->order;
        }
        ret.services = services;
        ret.n_services = n;
        ret.n_restarts = 0;
        if (!ret.cordon.by)
                ret.cordon = d->order;
        return ret;
}

/* ---- services, in the reverse order of their dependencies ---- */

static bool is_held(const struct hv_agent *a, const char *service) {
        const struct hv_service_orders *o = hv_orders_of(&a->orders, service);

        return a->orders.hold.by || (o && o->hold.by);
}

static bool is_told(const struct hv_agent_shutdown *d, const char *service) {
        for (size_t i = 0; i < d->stopped.n; i++)
                if (hv_streq(d->stopped.v[i], service))
                        return true;
        return false;
}

/* Told to stop, and none of its containers is up any more. What is held is left as it is, and not waited for. */
static bool is_down(const struct hv_agent *a, const struct hv_status *s, const char *service) {
        if (is_held(a, service))
                return true;
        if (!is_told(a->shutdown, service))
                return false;
        for (size_t i = 0; i < s->n_unit_status; i++)
                if (s->units[i].kind == HV_KIND_SERVICE && hv_streq(s->units[i].object, service) &&
                    s->units[i].wanted_digest && s->units[i].phase != HV_PHASE_SUSPENDED)
                        return false;
        return true;
}

static bool is_needed(const struct hv_agent *a, const struct hv_desired *d, const struct hv_status *s,
                      const char *service) {
        for (size_t i = 0; i < d->n_units; i++) {
                const struct hv_unit *u = &d->units[i];

                for (size_t k = 0; k < u->n_depends_on && u->kind == HV_KIND_SERVICE; k++)
                        if (u->depends_on[k].kind == HV_KIND_SERVICE &&
                            hv_streq(u->depends_on[k].name, service) && !is_down(a, s, u->object))
                                return true;
        }
        return false;
}

/* True: all are down. */
static bool stop_services(struct hv_agent *a) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_desired *d = hv_core_active(a->core);
        struct hv_agent_shutdown *shutdown = a->shutdown;
        size_t n_told = shutdown->stopped.n;
        struct hv_status s;
        bool all_down = true;

        hv_core_status(a->core, hv_agent_now_us(), arena, &s);
        for (size_t i = 0; d && i < d->n_units; i++) {
                const char *service = d->units[i].object;

                if (d->units[i].kind != HV_KIND_SERVICE || is_down(a, &s, service))
                        continue;
                all_down = false;
                if (!is_told(shutdown, service) && !is_needed(a, d, &s, service))
                        hv_vec_push(&shutdown->stopped, hv_arena_strdup(shutdown->arena, service));
        }
        if (shutdown->stopped.n > n_told)
                hv_agent_orders_laid_over(a);
        return all_down;
}

/* ---- tasks ---- */

static int on_deadline(sd_event_source *s, uint64_t at_us, void *userdata) {
        (void) s;
        (void) at_us;
        hv_agent_poke(userdata);
        return 0;
}

static bool tasks_have_ended(struct hv_agent *a) {
        const struct hv_agent_shutdown *d = a->shutdown;

        if (hv_agent_running_tasks(a) == 0)
                return true;
        if (hv_agent_now_us() >= d->deadline_us)
                hv_agent_end_tasks(a, d->order.by,
                                   d->order.reason ? d->order.reason : "the node is shut down");
        return false;
}

void hv_agent_shutdown_passed(struct hv_agent *a) {
        struct hv_agent_shutdown *d = a->shutdown;

        if (!d || !d->stops_workloads || d->end || a->stopping)
                return;
        /* Once: what ended without an engine to look at it must not begin anew. */
        d->tasks_have_ended = d->tasks_have_ended || tasks_have_ended(a);
        if (d->tasks_have_ended && stop_services(a))
                end_soon(a);
}

/* ---- asking ---- */

static int arm(struct hv_agent *a, struct hv_err *err) {
        struct hv_agent_shutdown *d = a->shutdown;
        int r = 0;

        d->deadline = sd_event_source_disable_unref(d->deadline);
        if (d->deadline_us != HV_TIME_NEVER)
                r = sd_event_add_time(a->event, &d->deadline, CLOCK_BOOTTIME, d->deadline_us, 0, on_deadline,
                                      a);
        return r < 0 ? hv_err_errno(err, r, "cannot make a timer") : 0;
}

int hv_agent_shutdown(void *userdata, const struct hv_api_shutdown_wish *wish, struct hv_err *err) {
        const char *reason = hv_str_empty(wish->reason) ? NULL : wish->reason;
        struct hv_agent *a = userdata;
        struct hv_agent_shutdown *d;
        int r;

        if (a->stopping)
                return 0;
        if (wish->stop_workloads && a->docker && !hv_core_is_engine_ready(a->core))
                return hv_err_set(
                        err, -ENOTCONN,
                        "the engine does not answer, so nothing can be stopped; without stopping workloads "
                        "the agent ends all the same");
        if (!a->shutdown) {
                a->shutdown = HV_NEW(struct hv_agent_shutdown);
                a->shutdown->arena = hv_arena_new();
        }
        d = a->shutdown;
        d->order = (struct hv_order){ hv_arena_strdup(d->arena, wish->by), hv_arena_strdup(d->arena, reason),
                                      hv_agent_wall_us() };
        d->stops_workloads = wish->stop_workloads;
        d->deadline_us = hv_time_add(hv_agent_now_us(), wish->deadline_us);
        d->deadline_wall_us = hv_time_add(hv_agent_wall_us(), wish->deadline_us);
        r = arm(a, err);
        if (r < 0)
                return r;
        if (d->stops_workloads)
                hv_agent_orders_laid_over(a);
        else
                end_soon(a);
        return 0;
}

void hv_agent_shutdown_show(const struct hv_agent *a, struct hv_api_drain *ret) {
        if (a->shutdown)
                *ret = (struct hv_api_drain){ a->shutdown->order, a->shutdown->deadline_wall_us };
}

void hv_agent_shutdown_end(struct hv_agent *a) {
        if (!a->shutdown)
                return;
        sd_event_source_disable_unref(a->shutdown->deadline);
        sd_event_source_disable_unref(a->shutdown->end);
        hv_vec_done(&a->shutdown->stopped);
        hv_arena_free(a->shutdown->arena);
        free(a->shutdown);
        a->shutdown = NULL;
}
