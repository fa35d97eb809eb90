#include "http/render_task.h"

#include "base/arena.h"
#include "base/duration.h"
#include "http/render.h"
#include "task/usage.h"
#include "json/json.h"
#include "json/write.h"

#define GIB 1073741824.0

static void put_text_or_null(struct hv_json_writer *w, const char *key, const char *text) {
        hv_json_put_str(w, key, hv_str_empty(text) ? NULL : text);
}

/* ---- room ---- */

void hv_render_room(struct hv_json_writer *w, const char *key, const struct hv_room *room) {
        hv_json_begin_object(w, key);
        hv_json_put_real(w, "cpu", (double) room->nano_cpus / 1e9);
        hv_json_put_uint(w, "memory", room->memory_bytes);
        hv_json_put_uint(w, "disk", room->disk_bytes);
        hv_json_put_uint(w, "gpus", room->n_gpus);
        hv_json_put_uint(w, "gpuMemory", room->gpu_memory_bytes);
        if (room->n_slots == UINT32_MAX)
                hv_json_put_null(w, "tasks");
        else
                hv_json_put_uint(w, "tasks", room->n_slots);
        hv_json_end(w);
}

void hv_render_fit(struct hv_json_writer *w, const struct hv_api_fit *fit) {
        static const char *const words[] = {
                [HV_API_FIT_NOW] = "now",
                [HV_API_FIT_LATER] = "later",
                [HV_API_FIT_NEVER] = "never",
                [HV_API_FIT_UNKNOWN] = "unknown",
        };

        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "fits", words[fit->verdict]);
        hv_json_put_str(w, "message", fit->message);
        hv_render_room(w, "asked", &fit->asked);
        if (fit->verdict == HV_API_FIT_UNKNOWN) {
                hv_json_put_null(w, "free");
                hv_json_put_null(w, "forTasks");
        } else {
                hv_render_room(w, "free", &fit->free);
                hv_render_room(w, "forTasks", &fit->for_tasks);
        }
        hv_render_diags(w, "warnings", fit->diags, HV_SEVERITY_WARNING, true);
        hv_json_end(w);
}

/* ---- the document, without what is not to be shown ---- */

static void put_value(struct hv_json_writer *w, const char *key, const struct hv_json *j);

/* Written in either way: {NAME: value}, [{name, value}]. */
static void put_env(struct hv_json_writer *w, const struct hv_json *env) {
        const struct hv_json *value;
        const char *name;
        void *it = NULL;

        hv_json_begin_array(w, "env");
        for (size_t i = 0; hv_json_type(env) == HV_JSON_ARRAY && i < hv_json_size(env); i++)
                hv_json_put_str(w, NULL, hv_json_str(hv_json_at(env, i), "name"));
        while (hv_json_type(env) == HV_JSON_OBJECT && hv_json_next(env, &it, &name, &value))
                hv_json_put_str(w, NULL, name);
        hv_json_end(w);
}

static void put_object(struct hv_json_writer *w, const char *key, const struct hv_json *j) {
        const struct hv_json *value;
        const char *name;
        void *it = NULL;

        hv_json_begin_object(w, key);
        while (hv_json_next(j, &it, &name, &value)) {
                if (hv_streq(name, "env"))
                        put_env(w, value);
                else if (hv_streq(name, "inline") && hv_json_as_str(value))
                        hv_json_put_uint(w, "inlineBytes", strlen(hv_json_as_str(value)));
                else
                        put_value(w, name, value);
        }
        hv_json_end(w);
}

static void put_value(struct hv_json_writer *w, const char *key, const struct hv_json *j) {
        switch (hv_json_type(j)) {
        case HV_JSON_OBJECT:
                put_object(w, key, j);
                break;
        case HV_JSON_ARRAY:
                hv_json_begin_array(w, key);
                for (size_t i = 0; i < hv_json_size(j); i++)
                        put_value(w, NULL, hv_json_at(j, i));
                hv_json_end(w);
                break;
        default:
                hv_json_put_json(w, key, j);
        }
}

/* Documents are nested a few levels deep: the reader of desired states sees to it. */
static void put_spec(struct hv_json_writer *w, const struct hv_task_item *item) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        const struct hv_json *spec;

        if (item->document)
                (void) hv_json_parse(item->document, strlen(item->document), HV_JSON_MAX_BYTES, &j, NULL);
        spec = hv_json_get(j, "spec");
        if (hv_json_type(spec) == HV_JSON_OBJECT)
                put_object(w, "spec", spec);
        else
                hv_json_put_null(w, "spec");
}

/* ---- status ---- */

static void put_exit_code(struct hv_json_writer *w, const char *key, int exit_code) {
        if (exit_code >= 0)
                hv_json_put_int(w, key, exit_code);
        else
                hv_json_put_null(w, key);
}

static void put_stop(struct hv_json_writer *w, const struct hv_task_item *item) {
        if (!item->stop_by) {
                hv_json_put_null(w, "stop");
                return;
        }
        hv_json_begin_object(w, "stop");
        hv_json_put_str(w, "by", item->stop_by);
        put_text_or_null(w, "reason", item->stop_reason);
        hv_render_time(w, "at", item->stop_wall_us);
        hv_json_end(w);
}

/* What holds of a task only while it lives. */
static void put_live(struct hv_json_writer *w, const struct hv_api_snapshot *s,
                     const struct hv_task_status *live) {
        struct hv_room booked = {};

        hv_json_put_str(w, "container", live ? live->container : NULL);
        hv_json_put_str(w, "image", live ? live->image : NULL);
        hv_json_put_str(w, "gpus", live ? live->gpus : NULL);
        hv_render_time(w, "nextAt", live ? hv_api_wall_us(s, live->next_us) : 0);
        if (!live) {
                hv_json_put_null(w, "resources");
                hv_json_put_bool(w, "booked", false);
                return;
        }
        booked = hv_room_of(&live->booking);
        hv_render_room(w, "resources", &booked);
        hv_json_put_bool(w, "booked", live->is_booked);
}

void hv_render_task_status(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s,
                           const struct hv_task_item *item) {
        const struct hv_task_status *live = item->status;

        hv_json_begin_object(w, key);
        hv_json_put_bool(w, "actedOn", true);
        hv_json_put_str(w, "phase", hv_task_state_name(item->state));
        hv_json_put_bool(w, "ended", hv_task_state_is_end(item->state));
        hv_json_put_bool(w, "inSync", live ? live->in_sync : true);
        hv_json_put_bool(w, "recorded", item->recorded);
        put_text_or_null(w, "reason", item->reason);
        hv_json_put_str(w, "message", item->message);
        put_text_or_null(w, "cause", item->cause);
        put_exit_code(w, "exitCode", item->exit_code);
        hv_json_put_uint(w, "attempt", item->attempt);
        hv_json_put_uint(w, "priority", item->priority);
        hv_render_time(w, "acceptedAt", item->accepted_wall_us);
        hv_render_time(w, "startedAt", item->started_wall_us);
        hv_render_time(w, "endedAt", item->ended_wall_us);
        hv_render_time(w, "retriedAt", item->retried_wall_us);
        put_stop(w, item);
        put_live(w, s, live);
        hv_json_end(w);
}

static void put_head(struct hv_json_writer *w, const struct hv_task_item *item) {
        hv_json_put_str(w, "apiVersion", "hivelet/v1");
        hv_json_put_str(w, "kind", "Task");
        hv_json_begin_object(w, "metadata");
        hv_json_put_str(w, "name", item->id);
        hv_json_put_str(w, "task", item->name);
        hv_json_put_str(w, "source", item->source);
        hv_json_put_str(w, "cronTask", item->cron);
        hv_json_put_str(w, "digest", item->digest);
        hv_json_end(w);
}

void hv_render_task(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s,
                    const struct hv_task_item *item) {
        hv_json_begin_object(w, key);
        put_head(w, item);
        hv_render_task_status(w, "status", s, item);
        hv_json_end(w);
}

/* 0: it could not be measured. */
static void put_known(struct hv_json_writer *w, const char *key, uint64_t value) {
        if (value)
                hv_json_put_uint(w, key, value);
        else
                hv_json_put_null(w, key);
}

/* Why the node stops it is known before it has ended. */
static const char *reason_of(const struct hv_ledger_attempt *a) {
        return a->ended_us ? a->result.reason : a->eviction.reason;
}

static const char *message_of(const struct hv_ledger_attempt *a) {
        return a->ended_us ? a->result.message : a->eviction.message;
}

static void put_attempt(struct hv_json_writer *w, const struct hv_ledger_attempt *a) {
        const struct hv_ledger_result *r = &a->result;

        hv_json_begin_object(w, NULL);
        hv_json_put_uint(w, "attempt", a->number);
        hv_json_put_str(w, "container", a->container);
        hv_render_time(w, "begunAt", a->begun_us);
        hv_render_time(w, "endedAt", a->ended_us);
        hv_json_put_str(w, "cause", r->cause);
        hv_json_put_str(w, "reason", reason_of(a));
        put_text_or_null(w, "message", message_of(a));
        put_exit_code(w, "exitCode", a->ended_us ? r->exit_code : -1);
        hv_json_put_bool(w, "oomKilled", r->oom_killed);
        hv_render_time(w, "startedAt", r->started_us);
        hv_render_time(w, "finishedAt", r->finished_us);
        hv_json_begin_object(w, "log");
        hv_json_put_uint(w, "bytes", r->log_bytes);
        hv_json_put_str(w, "sha256", r->log_sha256);
        hv_json_put_bool(w, "truncated", r->log_truncated);
        hv_json_end(w);
        hv_json_begin_object(w, "outputs");
        hv_json_put_uint(w, "files", r->n_outputs);
        hv_json_put_uint(w, "bytes", r->outputs_bytes);
        hv_json_put_str(w, "sha256", r->outputs_sha256);
        hv_json_end(w);
        hv_json_begin_object(w, "usage");
        put_known(w, "cpuMicroseconds", r->cpu_us);
        put_known(w, "memoryPeakBytes", r->memory_peak_bytes);
        hv_task_put_gpu_use(w, &(struct hv_task_gpu_use){
                                       .memory_is_known = r->gpu_memory_is_known,
                                       .use_is_known = r->gpu_use_is_known,
                                       .memory_peak_bytes = r->gpu_memory_peak_bytes,
                                       .use_mean_percent = r->gpu_use_mean_percent,
                                       .use_peak_percent = r->gpu_use_peak_percent,
                               });
        hv_json_end(w);
        hv_json_end(w);
}

void hv_render_task_whole(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s,
                          const struct hv_api_tasks *t, const struct hv_task_item *item,
                          const struct hv_ledger_attempt *attempts, size_t n_attempts) {
        hv_json_begin_object(w, key);
        put_head(w, item);
        put_spec(w, item);
        hv_render_task_status(w, "status", s, item);
        hv_json_begin_array(w, "attempts");
        for (size_t i = 0; i < n_attempts; i++)
                put_attempt(w, &attempts[i]);
        hv_json_end(w);
        hv_json_begin_object(w, "paths");
        if (t->work_root && item->attempt > 0 && !hv_task_state_is_end(item->state))
                hv_json_put_printf(w, "workspace", "%s/%s/%u/workspace", t->work_root, item->id,
                                   item->attempt);
        else
                hv_json_put_null(w, "workspace");
        if (t->results_root && n_attempts > 0)
                hv_json_put_printf(w, "results", "%s/%s", t->results_root, item->id);
        else
                hv_json_put_null(w, "results");
        hv_json_end(w);
        hv_json_end(w);
}

/* ---- why ---- */

static const char *seen(const struct hv_task_item *item, const struct hv_ledger_attempt *last,
                        struct hv_arena *a) {
        if (item->state == HV_TASK_QUEUED && !item->recorded)
                return "it is not recorded yet: nothing is promised";
        if (item->state == HV_TASK_QUEUED && last && reason_of(last))
                return hv_arena_printf(
                        a, "it is %s; attempt %u: %s (%s)", hv_task_state_name(item->state), last->number,
                        message_of(last) ? message_of(last) : "nothing is known of it", reason_of(last));
        if (item->exit_code >= 0)
                return hv_arena_printf(a, "attempt %u ended with exit code %d", item->attempt,
                                       item->exit_code);
        if (item->attempt > 0)
                return hv_arena_printf(a, "attempt %u is %s", item->attempt, hv_task_state_name(item->state));
        return hv_arena_printf(a, "it is %s", hv_task_state_name(item->state));
}

static const char *next(const struct hv_api_snapshot *s, const struct hv_task_item *item,
                        struct hv_arena *a) {
        char text[HV_DURATION_SIZE];

        if (hv_task_state_is_end(item->state))
                return NULL;
        if (item->status && item->status->next_us > s->now_us) {
                uint64_t left_us = item->status->next_us - s->now_us;

                hv_duration_format((left_us + HV_USEC_PER_SEC - 1) / HV_USEC_PER_SEC * HV_USEC_PER_SEC, text);
                return hv_arena_printf(a,
                                       item->state == HV_TASK_RUNNING ? "its time is over in %s"
                                                                      : "looked at again in %s",
                                       text);
        }
        switch (item->state) {
        case HV_TASK_QUEUED:
                return "it is admitted as soon as there is room for it";
        case HV_TASK_RUNNING:
                return "it runs until it ends by itself";
        default:
                return "at once";
        }
}

void hv_render_task_why(struct hv_json_writer *w, const struct hv_api_snapshot *s,
                        const struct hv_task_item *item, const struct hv_ledger_attempt *last,
                        struct hv_arena *a) {
        bool ended = hv_task_state_is_end(item->state), fine = item->state == HV_TASK_COMPLETED;

        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "kind", "Task");
        hv_json_put_str(w, "name", item->id);
        hv_json_put_bool(w, "inSync", fine || (!ended && item->status && item->status->in_sync));
        hv_json_put_printf(w, "wanted", "one run to its end, asked for by %s%s%s", item->source,
                           item->cron ? " " : "", item->cron ? item->cron : "");
        hv_json_put_null(w, "declaredAt");
        hv_json_put_str(w, "seen", seen(item, last, a));
        hv_json_put_str(w, "blocking",
                        fine || hv_str_empty(item->message)
                                ? (fine || !ended
                                           ? NULL
                                           : hv_arena_printf(a, "%s (%s)", hv_task_state_name(item->state),
                                                             item->cause ? item->cause : "no cause"))
                                : hv_arena_printf(a, "%s%s%s%s", item->message, item->reason ? " (" : "",
                                                  item->reason ? item->reason : "", item->reason ? ")" : ""));
        hv_json_put_str(w, "next", next(s, item, a));
        hv_json_end(w);
}

/* ---- as HiveMind's worker told it ---- */

const char *hv_legacy_task_state(enum hv_task_state state) {
        switch (state) {
        case HV_TASK_QUEUED:
        case HV_TASK_ADMITTED:
        case HV_TASK_FETCHING:
                return "ALLOCATED";
        case HV_TASK_RUNNING:
        case HV_TASK_COLLECTING:
                return "RUNNING";
        case HV_TASK_COMPLETED:
                return "COMPLETED";
        default:
                return "FAILED";
        }
}

void hv_render_legacy_room(struct hv_json_writer *w, const char *key, const struct hv_room *room) {
        hv_json_begin_object(w, key);
        hv_json_put_real(w, "cpu", (double) room->nano_cpus / 1e9);
        hv_json_put_real(w, "memory_gb", (double) room->memory_bytes / GIB);
        hv_json_put_uint(w, "gpu", room->n_gpus);
        hv_json_put_real(w, "gpu_memory_gb", (double) room->gpu_memory_bytes / GIB);
        hv_json_end(w);
}

void hv_render_legacy_task(struct hv_json_writer *w, const struct hv_api_snapshot *s,
                           const struct hv_task_item *item) {
        uint64_t end_us = item->ended_wall_us ? item->ended_wall_us : s->now_wall_us;
        struct hv_room held = item->status ? hv_room_of(&item->status->booking) : (struct hv_room){};

        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "task_id", item->id);
        hv_json_put_str(w, "status", hv_legacy_task_state(item->state));
        hv_render_time(w, "start_time", item->started_wall_us);
        hv_json_put_real(w, "elapsed",
                         item->started_wall_us && end_us > item->started_wall_us
                                 ? (double) (end_us - item->started_wall_us) / 1e6
                                 : 0);
        hv_render_legacy_room(w, "resources", &held);
        hv_json_put_str(w, "name", item->name);
        put_exit_code(w, "exit_code", item->exit_code);
        hv_json_end(w);
}
