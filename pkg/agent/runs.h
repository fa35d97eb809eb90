/* agent/runs.h - when services were started, so that a log can be cut into runs. Private to pkg/agent.
 *
 * Model    Pure. A service that is started again keeps its container, and that its log, in which no run ends. An engine knows the last
 *          start and the last end, and neither is a border: the first words of a run can be older than its StartedAt, the last ones
 *          be taken in after its FinishedAt. What is asked to start has said nothing yet, and what ran before has said all: so
 *          each request is noted.
 * Lost     Notes are in memory. Of starts before this process the border is the middle between end and start, and where the run before
 *          the last began nobody knows: it is taken for the beginning of the log.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HV_RUNS_NOTED 8u /* starts of one container: those that fail are among them */

struct hv_run_notes {
        char *container; /* its id */
        uint64_t begun_us[HV_RUNS_NOTED];
        unsigned n;
};

struct hv_runs { /* base/vec.h */
        struct hv_run_notes *v;
        size_t n, cap;
};

/* Part of a log. Instants are of the wall clock. */
struct hv_run_span {
        uint64_t since_us; /* 0: from the beginning */
        uint64_t until_us; /* 0: to the end */
};

void hv_runs_done(struct hv_runs *r);
/* It is about to be started. What was started longest ago is forgotten where there are too many. */
void hv_runs_begin(struct hv_runs *r, const char *container, uint64_t wall_us);

/* The last run that is over, of a container as the engine shows it. False: there is none. */
bool hv_runs_last_over(const struct hv_runs *r, const char *container, bool is_running, uint64_t started_us,
                       uint64_t finished_us, struct hv_run_span *ret);
