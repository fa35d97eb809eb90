/* execute/driver.h - who performs actions: one table of functions per kind of machine part.
 *
 *      core --- const struct hv_action * --> executor --> driver (docker today; WireGuard, cgroups, ...)
 *      core <-- struct hv_input ------------------------- '   exactly one DONE per action, events in between
 *
 * Model    submit() starts one action. Its outcome comes later, or from inside submit() where nothing has to be
 *          asked: the executor calls submit() from the loop, never from inside hv_executor_submit(). A driver
 *          decides nothing and retries nothing. Each action has a deadline; what did not end by then has an
 *          unknown outcome.
 * Owner    the action stays the core's, valid until its DONE was fed back. The input and all it points to are
 *          good during the call of `fn`.
 */
#pragma once

#include "base/err.h"
#include "reconcile/core.h"

typedef void hv_driver_input_fn(void *userdata, const struct hv_input *input);

struct hv_driver;

struct hv_driver_ops {
        const char *name;
        bool (*can)(const struct hv_driver *d, enum hv_action_type type);
        void (*submit)(struct hv_driver *d, const struct hv_action *action);
        struct hv_driver *(*free)(struct hv_driver *d); /* gives NULL; no input comes any more */
};

struct hv_driver { /* first member of each driver's own struct */
        const struct hv_driver_ops *ops;
};

static inline struct hv_driver *hv_driver_free(struct hv_driver *d) { /* takes NULL, gives NULL */
        return d ? d->ops->free(d) : NULL;
}
HV_DEFINE_CLEANUP(struct hv_driver, hv_driver_free);
