/* cli/declared.h - objects as they were written: as kubectl has it, what `get -o yaml` prints can be applied again. */
#pragma once

#include "spec/kind.h"
#include "json/json.h"

struct hv_cli;

/* The declaration of an object, with its status, as YAML; on standard error what of it the agent shows to nobody. The exit code. */
int hv_cli_print_declared(struct hv_cli *cli, enum hv_kind kind, const char *name,
                          const struct hv_json *status);
