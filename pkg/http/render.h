/* http/render.h - a snapshot as JSON: the shapes of docs/http-api.md.
 *
 * Model    Pure functions. Objects look as in Kubernetes: kind, metadata, spec (what is wished), status (what
 *          is). Instants are RFC 3339, so an answer changes only when what it tells changes (ETag). null: not
 *          known, or none.
 */
#pragma once

#include "http/conditions.h"
#include "http/diff.h"
#include "http/view.h"

struct hv_gpus;
struct hv_host_sample;
struct hv_json_writer;

/* An instant, or null for 0. */
void hv_render_time(struct hv_json_writer *w, const char *key, uint64_t wall_us);

/* Findings of a severity, as an array. `diags` may be NULL. show_lines: with the lines of the files, which nobody may see
 * who may not read the files. */
void hv_render_diags(struct hv_json_writer *w, const char *key, struct hv_diags *diags,
                     enum hv_severity severity, bool show_lines);

void hv_render_conditions(struct hv_json_writer *w, const char *key, const struct hv_conditions *c,
                          const struct hv_condition conditions[HV_N_CONDITIONS]);
void hv_render_status(struct hv_json_writer *w, const struct hv_api_snapshot *s,
                      const struct hv_conditions *c, const struct hv_condition conditions[HV_N_CONDITIONS],
                      struct hv_arena *a, bool show_lines);
/* usage NULL: no sample yet. */
void hv_render_node(struct hv_json_writer *w, const struct hv_api_snapshot *s,
                    const struct hv_host_sample *usage, const struct hv_gpus *gpus);
void hv_render_source(struct hv_json_writer *w, const char *key, const struct hv_api_source *source);
/* null where it is not given. */
void hv_render_order(struct hv_json_writer *w, const char *key, const struct hv_order *order);
void hv_render_orders(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s);
/* null, or what is on trial, or what became of it. */
void hv_render_trial(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s);
void hv_render_change(struct hv_json_writer *w, const struct hv_diff *change);
/* changes: what it changed; NULL: they are not shown. */
void hv_render_revision(struct hv_json_writer *w, const char *key, const struct hv_api_revision *r,
                        const struct hv_diffs *changes);

void hv_render_item(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s,
                    const struct hv_view_item *item);
/* Only its status. */
void hv_render_item_status(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s,
                           const struct hv_view_item *item);
