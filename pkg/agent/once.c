/* agent/once.c - `hivelet --once`: converge, then end; for Ansible, image builds and tests. */
#include <stdio.h>

#include "agent/private.h"
#include "base/arena.h"
#include "base/duration.h"
#include "log/log.h"

static void end(struct hv_agent *a, int exit_code) {
        a->exit_code = exit_code;
        (void) sd_event_exit(a->event, exit_code);
}

/* A task that failed has ended too: what is converged upon is that nothing is left to do. */
static bool are_tasks_over(const struct hv_agent *a, const struct hv_status *s) {
        const struct hv_desired *d = hv_core_active(a->core);

        return s->n_tasks_queued == 0 && s->n_tasks_running == 0 &&
               (!d || d->n_tasks == 0 || !d->settings.docker_enabled || a->ledger);
}

void hv_agent_once(struct hv_agent *a, const struct hv_status *s) {
        if (hv_agent_refusal(a))
                end(a, HV_AGENT_EXIT_REFUSED);
        else if (s->parked_revision)
                end(a, HV_AGENT_EXIT_NOT_CONVERGED);
        else if (s->synced && are_tasks_over(a, s))
                end(a, HV_AGENT_EXIT_OK);
}

/* Too late: everything that is not in sync is named, with the reason. */
static int on_timeout(sd_event_source *source, uint64_t at_us, void *userdata) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_agent *a = userdata;
        char text[HV_DURATION_SIZE];
        struct hv_status s;

        (void) source;
        (void) at_us;
        hv_core_status(a->core, hv_agent_now_us(), arena, &s);
        hv_duration_format(a->options->once_timeout_us, text);
        (void) hv_log_error(0, "not converged after %s: %s", text, hv_status_line(&s, arena));
        for (size_t i = 0; i < s.n_unit_status; i++)
                if (!s.units[i].in_sync)
                        (void) hv_log_error(0, "%s: %s: %s", s.units[i].key,
                                            hv_reason_name(s.units[i].reason), s.units[i].message);
        end(a, HV_AGENT_EXIT_NOT_CONVERGED);
        return 0;
}

int hv_agent_once_init(struct hv_agent *a, struct hv_err *err) {
        int r;

        if (!a->options->once)
                return 0;
        r = sd_event_add_time_relative(a->event, &a->once_timeout, CLOCK_MONOTONIC,
                                       a->options->once_timeout_us, 0, on_timeout, a);
        return r < 0 ? hv_err_errno(err, r, "cannot arm the timeout") : 0;
}
