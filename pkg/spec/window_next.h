/* spec/window_next.h - when a window of the day is open (images.pull.window). Pure.
 *
 * Rule     by the clock on the wall: a window that the clock jumps into, or out of, opens and closes at the jump.
 * Units    wall clock in microseconds. A NULL zone is UTC.
 */
#pragma once

#include "spec/value_time.h"

struct hv_zone;

bool hv_window_is_open(const struct hv_window *w, const struct hv_zone *zone, uint64_t wall_us);
/* When it opens next, after wall_us. */
uint64_t hv_window_next(const struct hv_window *w, const struct hv_zone *zone, uint64_t wall_us);
