/* schema/json_schema.h - the table of pkg/spec as a JSON Schema (draft-07), for editors.
 *
 * Model    What types alone say: names, types, required fields, words, ranges, patterns of quantities. Whatever
 *          refuses a document here, `hivectl validate` refuses too; not the other way round. Any value may be
 *          a ${VARIABLE}, so every scalar also takes a text with one.
 */
#pragma once

#include "base/buf.h"

void hv_json_schema_write(struct hv_buf *ret); /* compact JSON */
