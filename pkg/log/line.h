/* log/line.h - a record as a line for people: `[YYYY-MM-DD HH:MM:SS] LEVEL: message`, in local time, as HiveMind's worker documents it.
 *
 * One record is one line, whatever its text holds: names and messages of containers end up here, and a terminal acts on control
 * bytes. Those are written out (`\n`, `\x1b`), and no line is taken apart again for them.
 */
#pragma once

#include "base/buf.h"

struct hv_log_record;

void hv_log_line(const struct hv_log_record *record, struct hv_buf *ret); /* with its line end; added */

/* Back from a line without its end. `*ret_message` points into it. False: it is none of these. An hour that comes twice in a
 * year is taken for one of the two. */
bool hv_log_line_parse(const char *line, uint64_t *ret_realtime_us, int *ret_level, const char **ret_message);
