/* http/orders.h - what the API takes from people by hand: reconcile/orders.h, one at a time. */
#pragma once

#include "base/err.h"
#include "reconcile/orders.h"

enum hv_api_order_type {
        HV_API_ORDER_CORDON, /* of the node */
        HV_API_ORDER_UNCORDON,
        HV_API_ORDER_HOLD, /* of a service, or of the node */
        HV_API_ORDER_RELEASE,
        HV_API_ORDER_STOP, /* of a service */
        HV_API_ORDER_START,
        HV_API_ORDER_RESTART,
        HV_API_ORDER_PAUSE, /* of a service */
        HV_API_ORDER_RESUME,
        HV_API_ORDER_DRAIN, /* of the node: cordon, and at the deadline an end of the tasks that run; UNCORDON ends it */
};

struct hv_api_order {
        enum hv_api_order_type type;
        const char *service; /* NULL: the node */
        bool now;            /* RESTART: all replicas at once */
        uint64_t
                deadline_us; /* DRAIN: from now; HV_TIME_NEVER: those that run may take as long as they want */
        const char *by, *reason; /* reason NULL: none */
};

struct hv_api_shutdown_wish {
        bool stop_workloads;  /* tasks and services are ended first */
        uint64_t deadline_us; /* of tasks, from now; HV_TIME_NEVER: they may take as long as they want */
        const char *by, *reason;
};

struct hv_api_drain {              /* or a shutdown */
        struct hv_order order;     /* not given: the node is not drained */
        uint64_t deadline_wall_us; /* HV_TIME_NEVER: none */
};

/* A signal to the containers of a service. */
struct hv_api_kill {
        const char *service, *signal;
        unsigned replica; /* 0: all */
};

struct hv_api_killed {
        unsigned n_signalled;
        const struct hv_err *err; /* NULL: all were; else what the engine said of the first that was not */
};
