/* http/render_settings.h - the settings in force, and where each of them comes from.
 *
 * Model    Pure: the rows of the schema (spec/schema.h) give fields and defaults, the documents of the revision in force give
 *          what was written, with its file and line, variable or flag. Objects (services, tasks, ...) are no settings. What a
 *          row calls sensitive is left out.
 */
#pragma once

#include "base/macros.h"

struct hv_desired;
struct hv_json_writer;

struct hv_spec_object;

/* One field of an object ("ports[0].host"): its value, and who set it. False: there is no such field. Values that the API shows nowhere
 * else (variables, texts of configs, parameters) are not shown here. */
bool hv_render_origin(struct hv_json_writer *w, const char *key, const struct hv_desired *desired,
                      const struct hv_spec_object *object, const char *field);

/* An array: {field, value, default, origin, where, doc}. `desired` may be NULL: the defaults. */
void hv_render_settings(struct hv_json_writer *w, const char *key, const struct hv_desired *desired);

/* The file of the NodeState; NULL: there is none. */
const char *hv_settings_file(const struct hv_desired *desired);

/* "/etc/hivelet/node.yaml:12", "NODE_ID", "--node-id"; NULL: nobody wrote it, or there is no such field. *ret_known: there is. In
 * `ret`. */
const char *hv_settings_where(const struct hv_desired *desired, const char *field, char *ret, size_t size,
                              bool *ret_known);
