/* cli/change.h - documents on their way to the agent, and its verdict on the way back. */
#pragma once

#include "cli/cli_internal.h"

/* The files of --filename as the body of a request; empty when none was named. HV_EXIT_OK or an exit code. */
int hv_change_body(struct hv_cli *cli, struct hv_buf *ret);

/* Errors and warnings of an answer, on standard error. */
void hv_change_findings(struct hv_cli *cli, const struct hv_json *answer);

/* "+ service/web", "~ network/backend", "- volume/old": what a revision changes. */
void hv_change_list(const struct hv_json *answer, bool color, struct hv_buf *ret);
