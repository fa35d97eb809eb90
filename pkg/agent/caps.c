/* agent/caps.c - when the node's slices are read: as soon as the engine is known, with each revision, at each node.reconcile.resync,
 * and when somebody wants to know. What comes of it is the core's (reconcile/caps.h); a change is read back by the driver. */
#include <stdio.h>

#include "agent/private.h"
#include "execute/caps_driver.h"

static void look(struct hv_agent *a, const struct hv_desired *d) {
        if (!hv_caps_driver_look(a->caps, d->settings.slice))
                return;
        (void) snprintf(a->caps_revision, sizeof a->caps_revision, "%s", d->revision);
        (void) sd_event_source_set_time_relative(a->caps_timer, d->settings.resync_us);
        (void) sd_event_source_set_enabled(a->caps_timer, SD_EVENT_ONESHOT);
}

void hv_agent_caps_look(struct hv_agent *a) {
        const struct hv_desired *d = hv_core_active(a->core);

        if (a->caps && d)
                look(a, d);
}

static int on_timer(sd_event_source *s, uint64_t at_us, void *userdata) {
        (void) s;
        (void) at_us;
        hv_agent_caps_look(userdata);
        return 0;
}

/* Before the first revision is in force the one that is offered counts: nothing is to be made before its slice is known. */
void hv_agent_caps_follow(struct hv_agent *a) {
        const struct hv_desired *d = hv_core_active(a->core);

        if (!d && a->offered)
                d = a->offered->desired;
        if (a->caps && d && !hv_streq(a->caps_revision, d->revision))
                look(a, d);
}

int hv_agent_caps_begin(struct hv_agent *a, struct hv_err *err) {
        const struct hv_caps_driver_options options = { .event = a->event,
                                                        .docker = a->docker,
                                                        .state_dir = a->options->state_dir
                                                                             ? a->options->state_dir
                                                                             : HV_AGENT_STATE_DIR,
                                                        .input = hv_executor_input,
                                                        .input_userdata = a->executor };
        int r = sd_event_add_time(a->event, &a->caps_timer, CLOCK_BOOTTIME, 0, 0, on_timer, a);

        if (r >= 0)
                r = sd_event_source_set_enabled(a->caps_timer, SD_EVENT_OFF);
        if (r < 0)
                return hv_err_errno(err, r, "cannot set up the event loop");
        a->caps = hv_caps_driver_new(&options);
        hv_executor_add(a->executor, a->caps);
        return 0;
}
