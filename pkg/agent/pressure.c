/* agent/pressure.c - how the machine is, every resources.monitor.interval: what waits for memory, what is free of the disk that tasks
 * work on. What follows from it is the core's (reconcile/pressure.h). A disk that does not answer holds up the worker, and leaves
 * the last word as it is. */
#include "host/pressure.h"
#include "agent/private.h"
#include "base/alloc.h"
#include "reconcile/pressure.h"
#include "task/worker.h"

struct hv_agent_sample {
        struct hv_job job; /* first */
        struct hv_agent *agent;
        char *dir;
        uint64_t disk_bytes, free_bytes;
        bool is_abandoned;
};

static void run(struct hv_job *job) {
        struct hv_agent_sample *s = (struct hv_agent_sample *) job;

        (void) hv_pressure_disk(s->dir, &s->disk_bytes, &s->free_bytes, NULL);
}

/* A thousandth of the disk changes nothing: a machine at rest is not planned for anew with each sample. */
static bool is_as_told(const struct hv_seen_pressure *a, const struct hv_seen_pressure *b) {
        uint64_t more = HV_MAX(a->disk_free_bytes, b->disk_free_bytes),
                 less = HV_MIN(a->disk_free_bytes, b->disk_free_bytes);

        return a->has_memory == b->has_memory && a->memory_some10_centi == b->memory_some10_centi &&
               a->disk_bytes == b->disk_bytes && more - less <= a->disk_bytes / 1000;
}

static void tell(struct hv_agent *a, uint64_t disk_bytes, uint64_t free_bytes) {
        struct hv_seen_pressure seen = { .disk_bytes = disk_bytes, .disk_free_bytes = free_bytes };
        const struct hv_input in = { .type = HV_INPUT_PRESSURE, .pressure = &seen };

        seen.has_memory = hv_pressure_memory(NULL, &seen.memory_some10_centi, NULL) >= 0;
        if (is_as_told(&seen, &a->pressure))
                return;
        a->pressure = seen;
        (void) hv_agent_input(a, &in, NULL);
}

static void done(struct hv_job *job) {
        struct hv_agent_sample *s = (struct hv_agent_sample *) job;
        struct hv_agent *a = s->agent;

        if (!job->dropped && !s->is_abandoned) {
                a->sample = NULL;
                tell(a, s->disk_bytes, s->free_bytes);
        }
        free(s->dir);
        free(s);
}

static int on_timer(sd_event_source *source, uint64_t at_us, void *userdata) {
        struct hv_agent *a = userdata;
        const struct hv_desired *d = hv_core_active(a->core);
        struct hv_agent_sample *s;

        (void) at_us;
        (void) sd_event_source_set_time_relative(source, d ? d->settings.monitor_us : HV_USEC_PER_SEC);
        (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        if (a->sample) /* the disk does not answer */
                return 0;
        s = HV_NEW(struct hv_agent_sample);
        s->job = (struct hv_job){ .run = run, .done = done };
        s->agent = a;
        s->dir = hv_strdup(a->work_root);
        a->sample = s;
        hv_worker_add(a->disk_worker, &s->job);
        return 0;
}

/* The first word comes before anybody can be admitted. */
int hv_agent_pressure_begin(struct hv_agent *a, struct hv_err *err) {
        uint64_t disk_bytes = 0, free_bytes = 0;
        int r;

        if (a->pressure_timer)
                return 0;
        (void) hv_pressure_disk(a->work_root, &disk_bytes, &free_bytes, NULL);
        tell(a, disk_bytes, free_bytes);
        r = sd_event_add_time_relative(a->event, &a->pressure_timer, CLOCK_BOOTTIME, HV_USEC_PER_SEC, 0,
                                       on_timer, a);
        return r < 0 ? hv_err_errno(err, r, "cannot set up the event loop") : 0;
}

void hv_agent_pressure_end(struct hv_agent *a) {
        a->pressure_timer = sd_event_source_disable_unref(a->pressure_timer);
        if (a->sample)
                a->sample->is_abandoned = true;
        a->sample = NULL;
}
