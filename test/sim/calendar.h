/* calendar.h - schedules and time zones as the oracle reckons them: minute by minute, with nothing of what the core uses.
 *
 * Model    A few schedules and a few zones, each zone with the two changes of its clock that histories come near (zic(8)'s
 *          rules of 2026 and 2027, written out). Whoever walks every minute and looks at the clock on the wall needs no
 *          theory of gaps: a minute of local time comes when that clock shows it, or a later one, for the first time.
 */
#pragma once

#include "base/macros.h"

#define SIM_N_SCHEDULES 7
#define SIM_N_ZONES 5

const char *sim_schedule_text(unsigned schedule);     /* "30 2 * * *" */
uint64_t sim_schedule_interval_us(unsigned schedule); /* the shortest between two of its times */
unsigned sim_schedule_find(const char *text);         /* SIM_N_SCHEDULES: none of these */
const char *sim_zone_name(unsigned zone);             /* "UTC" is the first */
unsigned sim_zone_find(const char *name);             /* NULL is UTC */
const char *sim_zone_rule(unsigned zone);             /* as in TZ; NULL: UTC needs none */
bool sim_zone_change(unsigned zone, unsigned i,
                     uint64_t *ret_us); /* the i-th change of its clock; false: it has none */

/* The first scheduled time after `after_us` and not after `until_us`; false: there is none. */
bool sim_calendar_next(unsigned schedule, unsigned zone, uint64_t after_us, uint64_t until_us,
                       uint64_t *ret_us);
