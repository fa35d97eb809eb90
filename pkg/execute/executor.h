/* execute/executor.h - gives each action to the driver that can perform it, and counts what is under way.
 *
 * Model    The core bounds and orders (one effect per object, `workers` objects at a time); the executor adds
 *          no queue of its own. With node.docker.enabled false no driver is there for the engine, and not one
 *          byte reaches its socket: the core plans nothing for it, and an action that came all the same is
 *          answered UNREACHABLE.
 */
#pragma once

#include "execute/driver.h"

struct sd_event;
struct hv_executor;

struct hv_executor_handler {
        hv_driver_input_fn *input;
        /* An action ended, before its input is given: for metrics. May be NULL. */
        void (*ended)(void *userdata, const struct hv_action *action, enum hv_outcome outcome,
                      uint64_t duration_us);
        void *userdata;
};

int hv_executor_new(struct sd_event *event, const struct hv_executor_handler *handler,
                    struct hv_executor **ret, struct hv_err *err);
struct hv_executor *hv_executor_free(struct hv_executor *x); /* frees its drivers; takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_executor, hv_executor_free);

/* Takes the driver. Its inputs must come to hv_executor_input() with the executor as userdata. */
void hv_executor_add(struct hv_executor *x, struct hv_driver *d);
void hv_executor_input(void *executor, const struct hv_input *input);

void hv_executor_submit(struct hv_executor *x, const struct hv_action *action);
size_t hv_executor_in_flight(const struct hv_executor *x);
