/* execute/executor.c - see executor.h.
 *
 *      submit --> waiting --(next turn of the loop)--> driver --> in flight --> input --> ended, input
 */
#include "execute/executor.h"

#include <systemd/sd-event.h>

#include "base/vec.h"
#include "execute/fail_point.h"

struct flight {
        const struct hv_action *action;
        uint64_t begun_us;
        bool waiting; /* not given to a driver yet */
};

struct hv_executor {
        struct hv_executor_handler handler;
        sd_event *event; /* borrowed */
        sd_event_source *defer;
        HV_VEC(struct hv_driver *) drivers;
        HV_VEC(struct flight) flights;
};

static uint64_t now_us(const struct hv_executor *x) {
        uint64_t now = 0;

        (void) sd_event_now(x->event, CLOCK_MONOTONIC, &now);
        return now;
}

static struct hv_driver *driver_for(const struct hv_executor *x, enum hv_action_type type) {
        for (size_t i = 0; i < x->drivers.n; i++)
                if (x->drivers.v[i]->ops->can(x->drivers.v[i], type))
                        return x->drivers.v[i];
        return NULL;
}

/* The action belongs to the core, which may drop it with its outcome. */
static void ended(struct hv_executor *x, const struct hv_input *input) {
        enum hv_action_type type = HV_N_ACTIONS;

        for (size_t i = 0; i < x->flights.n; i++) {
                struct flight f = x->flights.v[i];

                if (f.action->id != input->action_id)
                        continue;
                type = f.action->type;
                hv_fail_point(type, HV_FAIL_AFTER);
                x->flights.v[i] = x->flights.v[--x->flights.n];
                if (x->handler.ended)
                        x->handler.ended(x->handler.userdata, f.action, input->outcome,
                                         now_us(x) - f.begun_us);
                break;
        }
        x->handler.input(x->handler.userdata, input);
        hv_fail_point(type, HV_FAIL_DONE);
}

void hv_executor_input(void *executor, const struct hv_input *input) {
        struct hv_executor *x = executor;

        if (input->type == HV_INPUT_DONE)
                ended(x, input);
        else
                x->handler.input(x->handler.userdata, input);
}

static struct flight *first_waiting(struct hv_executor *x) {
        for (size_t i = 0; i < x->flights.n; i++)
                if (x->flights.v[i].waiting)
                        return &x->flights.v[i];
        return NULL;
}

/* The oldest first: an ended flight's place is taken by the youngest, so the order is found by the action's
 * id. */
static struct flight *next_waiting(struct hv_executor *x) {
        struct flight *best = first_waiting(x);

        for (size_t i = 0; i < x->flights.n; i++)
                if (x->flights.v[i].waiting && x->flights.v[i].action->id < best->action->id)
                        best = &x->flights.v[i];
        return best;
}

static int on_defer(sd_event_source *s, void *userdata) {
        struct hv_executor *x = userdata;
        struct flight *f;

        (void) s;
        while ((f = next_waiting(x))) {
                const struct hv_action *action = f->action;
                struct hv_driver *d = driver_for(x, action->type);

                f->waiting = false;
                hv_fail_point(action->type, HV_FAIL_BEFORE);
                if (d)
                        d->ops->submit(d, action);
                else
                        hv_executor_input(
                                x,
                                &(struct hv_input){
                                        .type = HV_INPUT_DONE,
                                        .action_id = action->id,
                                        .outcome = HV_OUTCOME_UNREACHABLE,
                                        .message =
                                                "no engine is in use: no revision is in force yet, or node.docker.enabled is false",
                                });
        }
        return 0;
}

void hv_executor_submit(struct hv_executor *x, const struct hv_action *action) {
        hv_vec_push(&x->flights,
                    ((struct flight){ .action = action, .begun_us = now_us(x), .waiting = true }));
        (void) sd_event_source_set_enabled(x->defer, SD_EVENT_ONESHOT);
}

size_t hv_executor_in_flight(const struct hv_executor *x) {
        return x->flights.n;
}

void hv_executor_add(struct hv_executor *x, struct hv_driver *d) {
        hv_vec_push(&x->drivers, d);
}

int hv_executor_new(struct sd_event *event, const struct hv_executor_handler *handler,
                    struct hv_executor **ret, struct hv_err *err) {
        _hv_cleanup_(hv_executor_freep) struct hv_executor *x = HV_NEW(struct hv_executor);
        int r;

        x->handler = *handler;
        x->event = event;
        r = sd_event_add_defer(event, &x->defer, on_defer, x);
        if (r >= 0)
                r = sd_event_source_set_enabled(x->defer, SD_EVENT_OFF);
        if (r < 0)
                return hv_err_errno(err, r, "cannot make the executor");
        *ret = HV_STEAL(x);
        return 0;
}

struct hv_executor *hv_executor_free(struct hv_executor *x) {
        if (!x)
                return NULL;
        for (size_t i = 0; i < x->drivers.n; i++)
                (void) hv_driver_free(x->drivers.v[i]);
        hv_vec_done(&x->drivers);
        hv_vec_done(&x->flights);
        (void) sd_event_source_disable_unref(x->defer);
        free(x);
        return NULL;
}
