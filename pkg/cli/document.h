/* cli/document.h - JSON values as text for people: indented JSON. As YAML: json/yaml.h. */
#pragma once

#include "base/buf.h"

struct hv_json;

void hv_document_json(const struct hv_json *j, struct hv_buf *ret); /* with a line end */
