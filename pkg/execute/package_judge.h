/* execute/package_judge.h - why packages could not be installed, from what pip left: its exit code and its last words.
 *
 * Model    Pure. pip tells its failures by text alone. What it says of the way to the index, of a full disk or of a killed
 *          process is the node's fault, another time it may work (FAILED); everything else would be said again (REFUSED).
 *          An index that cannot be reached makes pip say "no matching distribution" in the end, so the warnings before that
 *          count first.
 * Source   pip 20 to 24: _internal/network, _internal/resolution, _internal/exceptions; urllib3's Retry.
 */
#pragma once

#include "reconcile/action.h"

struct hv_buf;

struct hv_package_end {
        int exit_code; /* not 0 */
        bool oom_killed;
        uint64_t memory_bytes; /* its limit */
        const char *image;     /* for people */
        const char *log;       /* the end of it, as text; may hold anything */
};

/* REFUSED or FAILED, and one sentence. */
enum hv_outcome hv_package_judge(const struct hv_package_end *end, struct hv_buf *ret_message);

/* The engine could not start it: its words. */
enum hv_outcome hv_package_judge_start(const char *image, const char *words, struct hv_buf *ret_message);
