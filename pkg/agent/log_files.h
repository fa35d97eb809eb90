/* agent/log_files.h - the agent's log in files: logging.dir of the desired state, or $LOG_DIR. Private to pkg/agent.
 *
 *      record --> hivelet.log (lines, as urgent as logging.level) and, an event, events.jsonl (all of them)
 *
 * Start    Which folder, only a revision says: what is logged before one is in force is kept, so much of it as fits in EARLY_BYTES, and
 *          written then. What earlier runs wrote becomes the older part of /api/logs.
 * Faults   What cannot be written is counted; that is told once, as an event, and it is tried again with a record that comes two
 *          seconds later. A full disk or a folder that went away never stops the agent, and the journal has everything.
 */
#pragma once

#include "agent/private.h"
#include "gc/plan.h"

int hv_agent_log_files_begin(struct hv_agent *a, struct hv_err *err); /* before the first record */
/* A revision is in force: level, target, files. */
void hv_agent_log_files_follow(struct hv_agent *a, const struct hv_log_settings *settings);
void hv_agent_log_files_end(struct hv_agent *a); /* what is logged from now on is in no file */

/* The folder can be used, as far as that can be seen without making anything (--check). */
int hv_agent_log_files_check(const struct hv_log_settings *settings, struct hv_err *err);

/* For gc: the files that are full. */
void hv_agent_log_files_look(const struct hv_agent *a, struct hv_arena *arena, struct hv_gc_facts *ret);
bool hv_agent_log_files_remove(struct hv_agent *a, const char *name);
