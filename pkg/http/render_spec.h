/* http/render_spec.h - what is wished of an object, as JSON: the `spec` of http/render.h. */
#pragma once

#include "http/view.h"

struct hv_json_writer;

/* show_values: values of environment variables too. Nobody is shown them (they are marked sensitive in the schema,
 * and often are); digests need them. */
void hv_render_spec(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s,
                    const struct hv_view_item *item, bool show_values);

void hv_render_pairs(struct hv_json_writer *w, const char *key, const struct hv_pairs *pairs);
