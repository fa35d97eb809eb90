/* cli/task_wait.h - waits for the end of a task, and shows what it writes meanwhile; by event, never by asking again and again. */
#pragma once

#include "cli/cli_internal.h"

/* `follow`: its log, of each attempt, goes to standard output. *ret_status is that of its end. HV_EXIT_OK, or what went wrong;
 * told on standard error. */
int hv_cli_task_wait(struct hv_cli *cli, const char *id, bool follow, struct hv_json **ret_status);

/* What the end of a task means for the exit code: its own; 124 its time was over, 125 it never ended by itself. */
int hv_cli_task_exit_code(const struct hv_json *status);
#define HV_EXIT_TASK_TIMED_OUT 124
#define HV_EXIT_TASK_NONE 125
