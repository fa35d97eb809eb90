/* http/why.h - the answer to "why is it not as I wished?", in words.
 *
 *      wanted    what is wished, and which line of which file says so
 *      seen      what is there
 *      blocking  what is in the way; nothing when it is as wished
 *      next      what happens next, and when
 *
 * Model    Pure: sentences made of a snapshot. The reasons are the planner's own (hv_unit_status), so what is
 *          told is what will be done.
 */
#pragma once

#include "http/view.h"

struct hv_json_writer;

void hv_render_why(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s,
                   const struct hv_view_item *item, struct hv_arena *a);

/* The node, and each object that is not as wished. */
void hv_render_why_node(struct hv_json_writer *w, const struct hv_api_snapshot *s, struct hv_arena *a);
