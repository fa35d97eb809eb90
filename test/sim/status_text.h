/* status_text.h - a status as text, without what a restart may change: instants, counters of this life, exit codes. */
#pragma once

struct sim;

char *sim_status_text(struct sim *s); /* caller frees */
void sim_trace_status(struct sim *s);
const char *sim_text_difference(struct sim *s, const char *before,
                                const char *after); /* first line that differs */
