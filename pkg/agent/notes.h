/* agent/notes.h - the core's notes as records of the log. */
#pragma once

#include "reconcile/core.h"

/* Logs one note as the event that it is, with the fields of docs/journal.md. `revision` may be NULL. */
void hv_agent_log_note(const struct hv_note *note, const char *revision);
