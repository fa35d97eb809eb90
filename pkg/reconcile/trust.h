/* reconcile/trust.h - how far this node is to be trusted, as its own record says.
 *
 * Model    Pure. A task that completed adds `success`, one that failed adds `failure` (a negative number), the score stays
 *          between 0 and 100. What was stopped, rejected or never got room says nothing about the node. A pool that keeps
 *          a score of its own decides by that one: this is only a hint, and open to whoever owns the node.
 * Source   HiveMind's worker documentation: +2, -5, groups at 80 and 50, a new node at 0.
 */
#pragma once

#include "reconcile/task.h"

/* What an end changes; 0: nothing. */
int hv_trust_delta(const struct hv_trust_settings *r, enum hv_task_cause cause);
int hv_trust_after(int score, int delta);                                 /* clamped to 0..100 */
const char *hv_trust_group(const struct hv_trust_settings *r, int score); /* "high", "medium", "low" */
