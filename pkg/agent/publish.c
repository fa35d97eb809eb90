/* agent/publish.c - one status value, told to the service manager.
 *
 * A burst of passes is published once: at its end, or after 100 ms at the latest. The API reads the status on demand. */
#include "agent/private.h"
#include "base/arena.h"
#include "log/log.h"

#define PUBLISH_US (100 * HV_USEC_PER_MSEC)

/* READY=1 when what is there was seen, or when it is known that it cannot be seen: a unit that waits for an engine must
 * not hang in "activating" until a timeout kills it. */
static bool is_ready(const struct hv_status *s) {
        return s->observed || s->engine == HV_ENGINE_DOWN || s->engine == HV_ENGINE_UNRESPONSIVE;
}

static void tell_manager(struct hv_agent *a, const struct hv_status *s, const char *line) {
        const char *refused = hv_agent_refusal(a);

        if (refused)
                hv_notify_status(a->notify, "RevisionRejected: %s; %s", refused, line);
        else
                hv_notify_status(a->notify, "%s", line);
        if (!a->ready && is_ready(s)) {
                a->ready = true;
                hv_log_event(HV_EVENT_AGENT_READY, NULL, "ready: %s",
                             line); /* whoever waits for READY finds it */
                hv_notify_ready(a->notify);
        }
        if (a->reloading) {
                a->reloading = false;
                hv_notify_ready(a->notify);
        }
}

/* With who cordoned or holds the node, and why: whoever looks at the unit wonders why nothing is admitted. */
static const char *line_of(const struct hv_status *s, struct hv_arena *arena) {
        const char *line = hv_status_line(s, arena);

        return s->is_cordoned ? hv_arena_printf(arena, "%s; %s", line, s->pressure) : line;
}

static int on_publish(sd_event_source *source, uint64_t at_us, void *userdata) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_agent *a = userdata;
        struct hv_status s;

        (void) source;
        (void) at_us;
        hv_core_status(a->core, hv_agent_now_us(), arena, &s);
        tell_manager(a, &s, line_of(&s, arena));
        if (a->options->once)
                hv_agent_once(a, &s);
        return 0;
}

int hv_agent_publish_init(struct hv_agent *a, struct hv_err *err) {
        int r = sd_event_add_time(a->event, &a->publish, CLOCK_MONOTONIC, 0, 10 * HV_USEC_PER_MSEC,
                                  on_publish, a);

        if (r >= 0)
                r = sd_event_source_set_enabled(a->publish, SD_EVENT_OFF);
        return r < 0 ? hv_err_errno(err, r, "cannot set up the event loop") : 0;
}

void hv_agent_publish_soon(struct hv_agent *a) {
        int enabled = SD_EVENT_OFF;

        (void) sd_event_source_get_enabled(a->publish, &enabled);
        if (enabled != SD_EVENT_OFF)
                return;
        (void) sd_event_source_set_time_relative(a->publish, PUBLISH_US);
        (void) sd_event_source_set_enabled(a->publish, SD_EVENT_ONESHOT);
}
