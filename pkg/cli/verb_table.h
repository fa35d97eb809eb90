/* cli/verb_table.h - the parts that the table of commands is put together from (verb.c). */
#pragma once

#include "cli/option.h"
#include "cli/verb.h"

#define BIT HV_OPT_BIT
#define DOCUMENT                                                                     \
        ((1u << HV_OUTPUT_JSON) | (1u << HV_OUTPUT_YAML) | (1u << HV_OUTPUT_JSONL) | \
         (1u << HV_OUTPUT_JSONPATH))
#define TABLE ((1u << HV_OUTPUT_TABLE) | (1u << HV_OUTPUT_COLUMNS) | DOCUMENT)

/* Each ends with a row that has no name. */
extern const struct hv_verb hv_verbs_look[];
extern const struct hv_verb hv_verbs_change[];
extern const struct hv_verb hv_verbs_order[];
extern const struct hv_verb hv_verbs_rollout[];
extern const struct hv_verb hv_verbs_task[];
extern const struct hv_verb hv_verbs_tunnel[];
extern const struct hv_verb hv_verbs_receipt[];
extern const struct hv_verb hv_verbs_access[];
extern const struct hv_verb hv_verbs_learn[];
