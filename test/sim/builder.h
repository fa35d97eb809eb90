/* builder.h - the containers that install Python packages: TASK_PACKAGES as the engine sees it.
 *
 * Model    A while after it was asked for, the errand has a container that runs; at its end that has ended, and stays. Nobody but
 * the core removes it. When the agent dies in between it runs on. One that somebody ended, renamed or removed meanwhile
 * installed nothing.
 * Judged   one that belongs to an errand under way is never stopped or removed (I12), none begins where the core was told that
 * one of its name is there (I13), and none is left at the fixed point.
 */
#pragma once

#include "sim/driver.h"

void sim_builder_issue(struct sim *s, struct sim_call *c, uint64_t span_us); /* span_us: of the errand */
bool sim_builder_end(struct sim *s, struct sim_call *c); /* false: nothing was installed */
void sim_builder_judge_removal(struct sim *s, const struct hv_action *a);
const char *sim_builder_left(struct sim *s); /* NULL: none */
