/* golden.h - what is made now beside what was accepted once: a file below golden/. */
#pragma once

#include "base/buf.h"

/* A body as JSON, one member a line, so that a difference is found by eye; then an empty line. */
void golden_add_lines(const char *json, struct hv_buf *out);

/* HV_GOLDEN=write in the environment accepts what is made now; the change is then reviewed as a change of that file. */
void golden_expect(const char *path, const struct hv_buf *made);
