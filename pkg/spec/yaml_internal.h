/* spec/yaml_internal.h - between the reader and its error texts. */
#pragma once

#include <yaml.h>

#include "spec/diag.h"

static inline struct hv_pos hv_yaml_pos(unsigned file, const yaml_mark_t *m) {
        return (struct hv_pos){ file, (unsigned) m->line + 1, (unsigned) m->column + 1 };
}

/* Turns libyaml's error into a finding. */
void hv_yaml_report(const yaml_parser_t *p, struct hv_diags *d, unsigned file, const char *text, size_t len);

/* UTF-8, NUL, byte order mark in the middle, control characters, size: true when libyaml may see the text. */
bool hv_yaml_text_is_clean(struct hv_diags *d, unsigned file, const char *text, size_t len);
