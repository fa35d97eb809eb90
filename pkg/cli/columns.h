/* cli/columns.h - kubectl's -o custom-columns: a table of what the caller names.
 *
 *      NAME:.metadata.name,PHASE:.status.phase
 *
 * Rules    HEADING:PATH, separated by commas; a comma inside brackets belongs to the path. A path is one of cli/jsonpath.h, with
 *          braces or without. Of a list each item is a row, of anything else the whole. What is not there is an empty cell.
 * Pure.
 */
#pragma once

#include "base/err.h"

struct hv_json;
struct hv_table;
struct hv_columns;

/* -EINVAL: `text` names no columns; err says which one is wrong. */
int hv_columns_new(const char *text, struct hv_columns **ret, struct hv_err *err);
struct hv_columns *hv_columns_free(struct hv_columns *c); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_columns, hv_columns_free);

/* A table with a row for each item; the columns must outlive it. */
struct hv_table *hv_columns_table(const struct hv_columns *c, const struct hv_json *j);
