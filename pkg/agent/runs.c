/* agent/runs.c - see runs.h. */
#include "agent/runs.h"

#include "base/alloc.h"
#include "base/time.h"
#include "base/vec.h"

#define CONTAINERS_MAX 4096u
/* A process speaks this much earlier than its engine notes its start, at most. */
#define NOTED_LATE_US (1 * HV_USEC_PER_SEC)

void hv_runs_done(struct hv_runs *r) {
        for (size_t i = 0; i < r->n; i++)
                free(r->v[i].container);
        hv_vec_done(r);
}

static struct hv_run_notes *find(const struct hv_runs *r, const char *container) {
        for (size_t i = 0; i < r->n; i++)
                if (hv_streq(r->v[i].container, container))
                        return &r->v[i];
        return NULL;
}

static uint64_t last_start(const struct hv_run_notes *k) {
        return k->begun_us[k->n - 1];
}

static struct hv_run_notes *make(struct hv_runs *r, const char *container) {
        struct hv_run_notes *k = r->n < CONTAINERS_MAX ? hv_vec_add(r) : &r->v[0];

        if (r->n == CONTAINERS_MAX && k->container) {
                for (size_t i = 1; i < r->n; i++)
                        if (last_start(&r->v[i]) < last_start(k))
                                k = &r->v[i];
                free(k->container);
        }
        *k = (struct hv_run_notes){ .container = hv_strdup(container) };
        return k;
}

void hv_runs_begin(struct hv_runs *r, const char *container, uint64_t wall_us) {
        struct hv_run_notes *k = find(r, container);

        if (!k)
                k = make(r, container);
        if (k->n == HV_RUNS_NOTED)
                memmove(k->begun_us, k->begun_us + 1, --k->n * sizeof *k->begun_us);
        k->begun_us[k->n++] = wall_us;
}

bool hv_runs_last_over(const struct hv_runs *r, const char *container, bool is_running, uint64_t started_us,
                       uint64_t finished_us, struct hv_run_span *ret) {
        const struct hv_run_notes *k = find(r, container);
        struct hv_run_span span = {};

        if (!finished_us)
                return false;
        /* A start that failed wrote nothing: of those in front of the end the last is the one that succeeded, of those behind it
         * the first is as good a border as any. */
        for (unsigned i = 0; k && i < k->n; i++) {
                if (k->begun_us[i] <= finished_us)
                        span.since_us = k->begun_us[i];
                else if (is_running && !span.until_us)
                        span.until_us = k->begun_us[i];
        }
        if (is_running && !span.until_us)
                span.until_us =
                        started_us > finished_us ? finished_us + (started_us - finished_us) / 2 : finished_us;
        if (!is_running && started_us > NOTED_LATE_US)
                span.since_us = HV_MAX(span.since_us, started_us - NOTED_LATE_US);
        *ret = span;
        return true;
}
