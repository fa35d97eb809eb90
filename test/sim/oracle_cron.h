/* oracle_cron.h - what the core does with cron tasks, against a calendar that walks every minute (calendar.h).
 *
 *      CRON   each scheduled time is dealt with once, in its turn: it makes the run that bears its minute, or it is left out for
 *             a reason that the declaration gives (missed, too late, another run goes on, that minute has a run), and both are
 *             durable with it. None is forgotten. While one is suspended nothing is scheduled, nor made up for later,
 *             and who suspended it, why and since when is told as it is durable.
 *             Runs beside each other only where that is allowed. Of ended runs as many are kept as the history says
 *
 * Judged   at the moment a write is handed out, by what is durable then: what the core believes plays no part.
 */
#pragma once

#include "reconcile/action.h"

struct sim;

void sim_oracle_before_cron(struct sim *s, const struct hv_action *a); /* CRON_ADVANCE, CRON_SUSPEND */
void sim_oracle_before_run(struct sim *s, const struct hv_action *a);  /* TASK_ACCEPT of a cron task's run */
void sim_oracle_before_forgetting(struct sim *s, const struct hv_action *a);
void sim_oracle_crons_after_plan(struct sim *s);
void sim_oracle_crons_caught_up(struct sim *s); /* at the end, with time enough */
