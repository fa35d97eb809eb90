/* cli/judge.h - a set of documents judged by hivectl itself, without an agent. */
#pragma once

#include "cli/files.h"
#include "spec/desired.h"
#include "spec/diag.h"

/* What the agent reads when it is told nothing. */
#define HV_JUDGE_FILE_DEFAULT "/etc/hivelet/node.yaml"
#define HV_JUDGE_FOLDER_DEFAULT "/etc/hivelet/conf.d"

/* The set as the agent would see it: the first file is the primary one, or whichever holds the NodeState. with_facts: what
 * depends on this machine is judged too, such as files that are named and their modes, and the agent's variables of this
 * environment count. *ret (may be NULL) is written only where there are no errors. */
void hv_judge(const struct hv_cli_files *files, bool with_facts, struct hv_diags *diags,
              struct hv_desired **ret);
