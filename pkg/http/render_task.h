/* http/render_task.h - tasks, trust and room as JSON: the shapes of docs/http-api.md, and the documented older ones.
 *
 * Secrets  of `env` only the names are shown, of an inline input only its size: a document is for whoever wrote it.
 */
#pragma once

#include "http/snapshot.h"
#include "http/task_view.h"

struct hv_json_writer;

/* kind, metadata, status; metadata.name is the id, as everywhere what stands in a path. */
void hv_render_task(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s,
                    const struct hv_task_item *item);
/* With spec and attempts. `t` tells where its files are. */
void hv_render_task_whole(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s,
                          const struct hv_api_tasks *t, const struct hv_task_item *item,
                          const struct hv_ledger_attempt *attempts, size_t n_attempts);
void hv_render_task_status(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s,
                           const struct hv_task_item *item);
void hv_render_task_why(struct hv_json_writer *w, const struct hv_api_snapshot *s,
                        const struct hv_task_item *item, const struct hv_ledger_attempt *last,
                        struct hv_arena *a);

/* {"cpu": 1.5, "memory": 1073741824, "disk": ..., "gpus": ..., "gpuMemory": ..., "tasks": 3}; tasks null: no limit. */
void hv_render_room(struct hv_json_writer *w, const char *key, const struct hv_room *room);
void hv_render_fit(struct hv_json_writer *w, const struct hv_api_fit *fit);

/* The documented four: cpu, memory_gb, gpu, gpu_memory_gb. */
void hv_render_legacy_room(struct hv_json_writer *w, const char *key, const struct hv_room *room);
void hv_render_legacy_task(struct hv_json_writer *w, const struct hv_api_snapshot *s,
                           const struct hv_task_item *item);
const char *hv_legacy_task_state(enum hv_task_state state); /* "ALLOCATED", "RUNNING", ... */
