/* json/yaml.h - JSON values as YAML, for people.
 *
 * Form     A subset that every reader of YAML 1.1 and 1.2 takes for the same: block style, two spaces, texts
 *          in double quotes unless nothing could take them for something else, blocks (|) for texts of
 *          several lines. Reading it back gives the same value.
 */
#pragma once

#include "base/buf.h"

struct hv_json;

void hv_json_write_yaml(const struct hv_json *j, struct hv_buf *ret); /* with a line end */
