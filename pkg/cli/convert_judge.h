/* cli/convert_judge.h - converted documents before a node: what its policy has to allow, and what hivelet says of them. */
#pragma once

#include "cli/convert.h"
#include "json/json.h"

/* `node.policy` that allows what the documents ask for, as YAML on one line; nothing where the defaults do. */
void hv_convert_policy(const struct hv_json *documents, struct hv_buf *ret);

/* Judges the YAML of the documents on a node with that policy. What it says is a note each, errors as well as what this version
 * does not act on yet; returns how many errors there are. */
size_t hv_convert_judge(struct hv_convert *c, const struct hv_buf *policy, struct hv_buf *yaml);
