/* reconcile/orders.h - what people asked of this node by hand, beside its documents.
 *
 *      cordon    no task is admitted: those that are there wait, and run on
 *      hold      nothing is done to the containers of a service, whatever becomes of them or of its document; of the node:
 *                to nothing that documents declare, and no task is admitted. Looks go on
 *      stop      a service does not run: its containers are stopped and left; until somebody says start
 *      pause     containers of a service stay as they were made when its document says something else; what ends is started again
 *                as it is, and what is not there is made as the document says now
 *      restart   of a container, in the very run in which it was named: it is stopped and started once. Those of a service
 *                go one after the other, each when no other is on its way and nothing is missing that it needs to start again;
 *                `now`: all at once
 *
 * Model    A value, given as a whole (HV_INPUT_ORDERS). Who gives it keeps it over restarts, and takes restarts out of it that are
 *          over. An order is a wish of its own: what it asks for is in sync, and status says by whom.
 */
#pragma once

#include "base/arena.h"

struct hv_order {
        const char *by;         /* NULL: it is not given */
        const char *reason;     /* NULL: none was given */
        uint64_t since_wall_us; /* 0: not known */
};

struct hv_service_orders {
        const char *name;
        struct hv_order stop, hold, pause;
};

/* The run of a container: a start gives it another one. */
struct hv_restart_order {
        const char *container_id;
        uint64_t started_wall_us;
        bool now;
};

struct hv_orders {
        struct hv_order cordon, hold; /* of the node */
        const struct hv_service_orders *services;
        size_t n_services;
        const struct hv_restart_order *restarts;
        size_t n_restarts;
};

/* All of it in the arena. */
struct hv_orders hv_orders_copy(const struct hv_orders *o, struct hv_arena *a);

/* NULL: none of that name. */
const struct hv_service_orders *hv_orders_of(const struct hv_orders *o, const char *service);

/* "the node is cordoned by ana: the rack moves"; NULL: tasks may be admitted. */
const char *hv_orders_closed_text(const struct hv_orders *o, struct hv_arena *a);
