/* execute/shadow.h - a driver that does nothing, and shows the engine as if it had.
 *
 *      effect --> noted down, applied to the shadow --> DONE ok
 *      look   --> the engine --> the answer, changed by the shadow --> DONE
 *
 * Model    The engine's answers are real; on top of them lies what was "done" so far: containers made,
 *          started, stopped, removed, networks, volumes, images. A create asks for its image first, as the
 *          engine would: when that is not there, and not pulled in the shadow, the create is answered "not
 *          found" like a real one. Events are dropped: a plan is made of one moment.
 */
#pragma once

#include "execute/driver.h"

struct hv_shadow_options {
        /* Called for each effect, in order, when it "takes place". */
        void (*effect)(void *userdata, const struct hv_action *action);
        void *userdata;
        hv_driver_input_fn *input;
        void *input_userdata;
};

/* The driver that answers the looks is set afterwards (it needs hv_shadow_input() first), and is owned from
 * then on. */
struct hv_driver *hv_shadow_new(const struct hv_shadow_options *options);
void hv_shadow_look_through(struct hv_driver *shadow, struct hv_driver *engine);
void hv_shadow_input(void *shadow, const struct hv_input *input); /* what the engine's driver gives */
