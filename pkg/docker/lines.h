/* docker/lines.h - a stream of JSON documents, one a line, that arrives in arbitrary pieces. Private to the module. */
#pragma once

#include "base/buf.h"
#include "json/json.h"

#define HV_LINES_MAX_BYTES ((size_t) 1 << 20) /* a line; an event with 300 long labels has 64 KiB */

struct hv_lines {
        struct hv_buf rest;
        bool overlong; /* the line that is arriving is thrown away */
};

void hv_lines_done(struct hv_lines *l);

/* Calls fn for every complete line that is not blank: with its document, or NULL when it is none (or too long). fn gives
 * false to stop at once, and then nothing of `l` is touched any more; hv_lines_add() gives the same. */
bool hv_lines_add(struct hv_lines *l, const char *data, size_t len,
                  bool (*fn)(void *userdata, const struct hv_json *document), void *userdata);
