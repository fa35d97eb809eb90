#include "http/render.h"
#include "http/render_gpu.h"
#include "http/render_usage.h"

#include "base/buf.h"
#include "base/rfc3339.h"
#include "http/render_spec.h"
#include "json/write.h"

void hv_render_time(struct hv_json_writer *w, const char *key, uint64_t wall_us) {
        char text[HV_RFC3339_SIZE];

        if (wall_us == 0) {
                hv_json_put_null(w, key);
                return;
        }
        hv_rfc3339_format(wall_us, text);
        hv_json_put_str(w, key, text);
}

static void put_text_or_null(struct hv_json_writer *w, const char *key, const char *text) {
        hv_json_put_str(w, key, hv_str_empty(text) ? NULL : text);
}

/* The lines that people read, so that a client shows them as the agent's own log does. */
static void put_rendered(struct hv_json_writer *w, const char *key, struct hv_diags *diags,
                         const struct hv_diag *diag) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

        hv_diag_render_one(diags, diag, false, &text);
        hv_json_put_str(w, key, hv_buf_str(&text));
}

/* The same without the line of the file, which may hold what the file's mode keeps from others. */
static void put_plain(struct hv_json_writer *w, const char *key, const struct hv_diag *d) {
        const char *severity = d->severity == HV_SEVERITY_ERROR ? "error" : "warning";

        if (d->file)
                hv_json_put_printf(w, key, "%s:%u:%u: %s[%s]: %s%s%s\n", d->file, d->line, d->column,
                                   severity, d->code, d->path, *d->path ? ": " : "", d->message);
        else
                hv_json_put_printf(w, key, "%s[%s]: %s\n", severity, d->code, d->message);
}

void hv_render_diags(struct hv_json_writer *w, const char *key, struct hv_diags *diags,
                     enum hv_severity severity, bool show_lines) {
        size_t n = 0;
        const struct hv_diag *all = diags ? hv_diags_all(diags, &n) : NULL;

        hv_json_begin_array(w, key);
        for (size_t i = 0; i < n; i++) {
                if (all[i].severity != severity)
                        continue;
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "severity", severity == HV_SEVERITY_ERROR ? "error" : "warning");
                hv_json_put_str(w, "code", all[i].code);
                put_text_or_null(w, "file", all[i].file);
                hv_json_put_uint(w, "line", all[i].line);
                hv_json_put_uint(w, "column", all[i].column);
                hv_json_put_uint(w, "endColumn", all[i].end_column);
                hv_json_put_str(w, "path", all[i].path);
                hv_json_put_str(w, "message", all[i].message);
                hv_json_put_str(w, "hint", all[i].hint);
                hv_json_put_str(w, "source", show_lines ? hv_diags_source_line(diags, &all[i]) : NULL);
                if (show_lines)
                        put_rendered(w, "text", diags, &all[i]);
                else
                        put_plain(w, "text", &all[i]);
                hv_json_end(w);
        }
        hv_json_end(w);
}

void hv_render_conditions(struct hv_json_writer *w, const char *key, const struct hv_conditions *c,
                          const struct hv_condition conditions[HV_N_CONDITIONS]) {
        hv_json_begin_array(w, key);
        for (int i = 0; i < HV_N_CONDITIONS; i++) {
                if (conditions[i].status == HV_CONDITION_ABSENT)
                        continue;
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "type", hv_condition_type_name((enum hv_condition_type) i));
                hv_json_put_str(w, "status", hv_condition_status_name(conditions[i].status));
                hv_json_put_str(w, "reason", conditions[i].reason);
                hv_json_put_str(w, "message", conditions[i].message);
                hv_render_time(w, "lastTransitionTime", c->since_wall_us[i]);
                hv_json_end(w);
        }
        hv_json_end(w);
}

static void put_parked(struct hv_json_writer *w, const struct hv_status *s) {
        if (!s->parked_revision) {
                hv_json_put_null(w, "parked");
                return;
        }
        hv_json_begin_object(w, "parked");
        hv_json_put_str(w, "revision", s->parked_revision);
        hv_json_put_str(w, "message", s->parked_message);
        hv_json_put_uint(w, "removals", s->n_parked_removals);
        hv_json_put_uint(w, "existing", s->n_parked_existing);
        hv_json_begin_array(w, "objects");
        for (size_t i = 0; s->parked_removals && s->parked_removals[i] && i < s->n_parked_removals; i++)
                hv_json_put_str(w, NULL, s->parked_removals[i]);
        hv_json_end(w);
        hv_json_end(w);
}

static void put_engine(struct hv_json_writer *w, const struct hv_api_snapshot *s) {
        hv_json_begin_object(w, "engine");
        hv_json_put_str(w, "state", hv_engine_state_name(s->status->engine));
        put_text_or_null(w, "message", s->status->engine_message);
        hv_json_put_str(w, "endpoint", s->engine.endpoint);
        hv_json_put_str(w, "name", s->engine.name);
        hv_json_put_str(w, "version", s->engine.version);
        hv_json_put_str(w, "apiVersion", s->engine.api_version);
        hv_json_end(w);
}

static void put_pool(struct hv_json_writer *w, const struct hv_api_snapshot *s) {
        const struct hv_api_pool *p = &s->pool;

        if (!p->address) {
                hv_json_put_null(w, "pool");
                return;
        }
        hv_json_begin_object(w, "pool");
        hv_json_put_str(w, "address", p->address);
        hv_json_put_str(w, "dialect", p->dialect);
        hv_json_put_str(w, "state", p->phase);
        put_text_or_null(w, "message", p->message);
        hv_json_put_bool(w, "insecure", p->insecure);
        hv_json_put_str(w, "advertised", p->advertised);
        hv_render_time(w, "since", hv_api_wall_us(s, p->since_us));
        hv_render_time(w, "answeredAt", hv_api_wall_us(s, p->answered_us));
        hv_render_time(w, "nextTryAt", hv_api_wall_us(s, p->next_try_us));
        hv_render_time(w, "leaseUntil", hv_api_wall_us(s, p->lease_until_us));
        hv_json_put_uint(w, "assignments", p->n_assignments);
        hv_json_put_uint(w, "refused", p->n_refused);
        hv_json_put_uint(w, "delivered", p->n_delivered);
        if (p->has_balance)
                hv_json_put_int(w, "balance", p->balance);
        else
                hv_json_put_null(w, "balance");
        hv_json_begin_object(w, "outbox");
        hv_json_put_uint(w, "results", p->n_owed);
        hv_json_put_uint(w, "bytes", p->owed_bytes);
        hv_json_put_uint(w, "maxBytes", p->outbox_max_bytes);
        hv_json_end(w);
        hv_json_end(w);
}

static void put_units(struct hv_json_writer *w, const struct hv_status *s) {
        hv_json_begin_object(w, "units");
        hv_json_put_uint(w, "total", s->n_units);
        hv_json_put_uint(w, "inSync", s->n_units_in_sync);
        hv_json_put_uint(w, "pulling", s->n_pulling);
        hv_json_put_uint(w, "backOff", s->n_back_off);
        hv_json_put_uint(w, "orphans", s->n_orphans);
        hv_json_end(w);
}

static void put_tasks(struct hv_json_writer *w, const struct hv_status *s) {
        hv_json_begin_object(w, "tasks");
        hv_json_put_uint(w, "queued", s->n_tasks_queued);
        hv_json_put_uint(w, "running", s->n_tasks_running);
        hv_json_end(w);
}

void hv_render_trial(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s) {
        const struct hv_api_trial *t = &s->trial;

        if (t->state == HV_API_TRIAL_NONE) {
                hv_json_put_null(w, key);
                return;
        }
        hv_json_begin_object(w, key);
        hv_json_put_str(w, "state", hv_api_trial_state_name(t->state));
        hv_json_put_str(w, "revision", t->revision);
        hv_json_put_str(w, "goesBackTo", t->base);
        hv_json_put_str(w, "by", t->by);
        hv_render_time(w, "since", t->began_wall_us);
        hv_render_time(w, "deadline", hv_api_wall_us(s, t->deadline_us));
        hv_render_time(w, "revertedAt", t->ended_wall_us);
        hv_json_put_str(w, "why", t->state != HV_API_TRIAL_PENDING ? t->why : NULL);
        hv_json_put_bool(w, "filesHeldOff", t->holds_files);
        hv_json_end(w);
}

void hv_render_status(struct hv_json_writer *w, const struct hv_api_snapshot *s,
                      const struct hv_conditions *c, const struct hv_condition conditions[HV_N_CONDITIONS],
                      struct hv_arena *a, bool show_lines) {
        const struct hv_status *status = s->status;

        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "apiVersion", "hivelet/v1");
        hv_json_put_str(w, "kind", "NodeStatus");
        hv_json_put_str(w, "nodeId", s->node_id);
        hv_json_put_str(w, "summary", hv_status_line(status, a));
        hv_json_put_bool(w, "converged", conditions[HV_CONDITION_CONVERGED].status == HV_CONDITION_TRUE);
        hv_json_put_bool(w, "synced", status->synced);
        hv_json_put_bool(w, "observed", status->observed);
        hv_json_put_bool(w, "refused", s->refused);
        hv_render_time(w, "outOfSyncSince", hv_api_wall_us(s, status->out_of_sync_since_us));
        put_text_or_null(w, "revision", status->active_revision);
        put_parked(w, status);
        hv_render_trial(w, "confirm", s);
        hv_render_orders(w, "orders", s);
        put_engine(w, s);
        put_pool(w, s);
        put_units(w, status);
        put_tasks(w, status);
        hv_render_conditions(w, "conditions", c, conditions);
        hv_render_time(w, "loadedAt", s->loaded_wall_us);
        hv_render_time(w, "startedAt", s->started_wall_us);
        hv_render_diags(w, "errors", s->diags, HV_SEVERITY_ERROR, show_lines);
        hv_render_diags(w, "warnings", s->diags, HV_SEVERITY_WARNING, show_lines);
        hv_json_end(w);
}

void hv_render_node(struct hv_json_writer *w, const struct hv_api_snapshot *s,
                    const struct hv_host_sample *usage, const struct hv_gpus *gpus) {
        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "apiVersion", "hivelet/v1");
        hv_json_put_str(w, "kind", "Node");
        hv_json_put_str(w, "id", s->node_id);
        hv_json_put_str(w, "name", s->node_name);
        put_text_or_null(w, "revision", s->status->active_revision);
        hv_json_put_uint(w, "activations", s->status->n_generations);
        put_engine(w, s);
        hv_render_time(w, "startedAt", s->started_wall_us);
        hv_json_begin_object(w, "paths");
        hv_json_put_str(w, "state", s->state_dir);
        hv_json_put_str(w, "work", s->work_dir);
        hv_json_put_str(w, "log", s->log_dir);
        hv_json_end(w);
        hv_render_host_usage(w, "usage", usage, NULL);
        hv_render_node_gpus(w, "gpus", &s->gpus, gpus);
        hv_json_end(w);
}

void hv_render_source(struct hv_json_writer *w, const char *key, const struct hv_api_source *source) {
        hv_json_begin_object(w, key);
        hv_json_put_str(w, "name", source->name);
        hv_json_put_str(w, "type", source->type);
        hv_json_put_str(w, "location", source->location);
        hv_json_put_str(w, "state", hv_api_source_state_name(source->state));
        hv_json_put_str(w, "revision", source->revision);
        hv_json_put_uint(w, "objects", source->n_objects);
        hv_render_time(w, "readAt", source->read_wall_us);
        hv_render_time(w, "failedAt", source->failed_wall_us);
        hv_json_put_uint(w, "failures", source->n_errors);
        hv_json_put_str(w, "error", source->error);
        hv_json_end(w);
}

void hv_render_change(struct hv_json_writer *w, const struct hv_diff *change) {
        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "change", hv_diff_type_name(change->type));
        hv_json_put_str(w, "kind", hv_kind_name(change->kind));
        hv_json_put_str(w, "name", change->name);
        hv_json_end(w);
}

void hv_render_revision(struct hv_json_writer *w, const char *key, const struct hv_api_revision *r,
                        const struct hv_diffs *changes) {
        hv_json_begin_object(w, key);
        hv_json_put_str(w, "revision", r->revision);
        hv_json_put_str(w, "state", hv_api_revision_state_name(r->state));
        hv_render_time(w, "since", r->since_wall_us);
        hv_json_put_uint(w, "objects", r->n_objects);
        hv_json_put_str(w, "before", r->before);
        hv_json_put_str(w, "by", r->by);
        if (changes) {
                hv_json_begin_array(w, "changes");
                for (size_t i = 0; i < changes->n; i++)
                        hv_render_change(w, &changes->v[i]);
                hv_json_end(w);
        }
        hv_json_end(w);
}

static void put_next(struct hv_json_writer *w, const struct hv_api_snapshot *s,
                     const struct hv_unit_status *u) {
        if (!u->next_action) {
                hv_json_put_null(w, "next");
                return;
        }
        hv_json_begin_object(w, "next");
        hv_json_put_str(w, "action", u->next_action);
        hv_render_time(w, "at", hv_api_wall_us(s, u->next_us));
        hv_json_end(w);
}

static void put_unit(struct hv_json_writer *w, const struct hv_api_snapshot *s,
                     const struct hv_unit_status *u) {
        hv_json_begin_object(w, NULL);
        hv_json_put_uint(w, "replica", u->replica);
        hv_json_put_str(w, "container", u->container);
        hv_json_put_str(w, "id", u->id);
        hv_json_put_str(w, "phase", hv_phase_name(u->phase));
        hv_json_put_bool(w, "inSync", u->in_sync);
        hv_json_put_bool(w, "ready", u->ready);
        hv_json_put_str(w, "reason", hv_reason_name(u->reason));
        hv_json_put_str(w, "message", u->message ? u->message : "");
        put_next(w, s, u);
        hv_render_time(w, "since", hv_api_wall_us(s, u->since_us));
        hv_render_time(w, "startedAt", u->started_wall_us);
        hv_json_put_uint(w, "restarts", u->n_restarts);
        hv_json_put_str(w, "image", u->image);
        hv_json_put_str(w, "digest", u->digest);
        hv_json_put_str(w, "wantedDigest", u->wanted_digest);
        if (u->exit_code >= 0)
                hv_json_put_int(w, "exitCode", u->exit_code);
        else
                hv_json_put_null(w, "exitCode");
        hv_json_put_bool(w, "oomKilled", u->oom_killed);
        hv_json_end(w);
}

static void put_cron(struct hv_json_writer *w, const struct hv_cron_status *k) {
        hv_json_put_str(w, "schedule", k->schedule);
        hv_json_put_str(w, "timeZone", hv_str_empty(k->zone) ? "UTC" : k->zone);
        hv_json_put_bool(w, "suspended", k->suspend.by != NULL);
        hv_render_order(w, "suspension", &k->suspend);
        hv_render_time(w, "dealtWithUntil", k->until_wall_us);
        hv_render_time(w, "next", k->next_wall_us);
        hv_json_begin_array(w, "live");
        for (size_t i = 0; i < k->n_live; i++)
                hv_json_put_str(w, NULL, k->live[i]);
        hv_json_end(w);
}

static void put_tunnel(struct hv_json_writer *w, const struct hv_api_tunnel *t) {
        hv_json_put_str(w, "backend", t->backend);
        hv_json_put_str(w, "publicKey", t->public_key);
        hv_json_put_uint(w, "listenPort", t->listen_port);
        hv_json_begin_array(w, "peers");
        for (size_t i = 0; i < t->n_peers; i++) {
                const struct hv_api_peer *p = &t->peers[i];

                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "name", p->name);
                hv_json_put_str(w, "publicKey", p->public_key);
                hv_json_put_str(w, "endpoint", p->endpoint);
                hv_json_put_str(w, "fault", p->fault);
                hv_render_time(w, "handshakeAt", p->handshake_wall_us);
                hv_json_put_uint(w, "receivedBytes", p->rx_bytes);
                hv_json_put_uint(w, "sentBytes", p->tx_bytes);
                hv_json_end(w);
        }
        hv_json_end(w);
}

void hv_render_item_status(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s,
                           const struct hv_view_item *item) {
        const struct hv_service_orders *orders = hv_orders_of(&s->orders, item->name);

        hv_json_begin_object(w, key);
        hv_json_put_bool(w, "actedOn", item->acted_on);
        hv_json_put_str(w, "phase", item->phase);
        if (item->acted_on) {
                hv_json_put_bool(w, "inSync", item->in_sync);
                hv_json_put_str(w, "reason", hv_reason_name(item->reason));
        } else {
                hv_json_put_null(w, "inSync");
                hv_json_put_null(w, "reason");
        }
        hv_json_put_str(w, "message", item->message);
        if (item->seen) {
                hv_json_put_bool(w, "exists", item->seen->exists);
                hv_json_put_bool(w, "foreign", item->seen->foreign);
                hv_json_put_str(w, "id", item->seen->id);
        }
        if (item->cron)
                put_cron(w, item->cron);
        if (item->tunnel)
                put_tunnel(w, item->tunnel);
        if (item->kind == HV_KIND_SERVICE) {
                hv_json_put_uint(w, "replicas", item->n_wanted);
                hv_json_put_uint(w, "replicasInSync", item->n_in_sync);
                hv_json_put_uint(w, "replicasReady", item->n_ready);
                hv_json_put_uint(w, "replicasUpdated", item->n_updated);
                hv_render_order(w, "paused", orders ? &orders->pause : NULL);
                hv_json_put_uint(w, "restarts", item->n_restarts);
                hv_json_begin_array(w, "units");
                for (size_t i = 0; i < item->n_status; i++)
                        put_unit(w, s, item->status[i]);
                hv_json_end(w);
        }
        hv_json_end(w);
}

static void put_metadata(struct hv_json_writer *w, const struct hv_view_item *item) {
        hv_json_begin_object(w, "metadata");
        hv_json_put_str(w, "name", item->name);
        if (item->object)
                hv_render_pairs(w, "labels", &item->object->labels);
        if (item->origin && item->origin->source) {
                hv_json_begin_object(w, "declaredAt");
                hv_json_put_str(w, "source", item->origin->source);
                hv_json_put_str(w, "file", item->origin->file);
                hv_json_put_uint(w, "line", item->origin->line);
                hv_json_put_uint(w, "column", item->origin->column);
                hv_json_end(w);
        } else
                hv_json_put_null(w, "declaredAt");
        hv_json_end(w);
}

void hv_render_item(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s,
                    const struct hv_view_item *item) {
        hv_json_begin_object(w, key);
        hv_json_put_str(w, "apiVersion", "hivelet/v1");
        hv_json_put_str(w, "kind", hv_kind_name(item->kind));
        put_metadata(w, item);
        hv_render_spec(w, "spec", s, item, false);
        hv_render_item_status(w, "status", s, item);
        hv_json_end(w);
}
