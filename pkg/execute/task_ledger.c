/* execute/task_ledger.c - see task_ledger.h. */
#include "execute/task_ledger.h"

#include <errno.h>

#include "ledger/attempt.h"
#include "ledger/cron.h"
#include "ledger/promise.h"
#include "reconcile/orders.h"
#include "task/receipt.h"

/* What stands against it in the ledger will stand against it the next time; a disk may recover. */
static enum hv_outcome outcome_of(int r) {
        switch (r) {
        case -EEXIST:
        case -EALREADY:
        case -EBUSY:
        case -ESTALE:
                return HV_OUTCOME_CONFLICT;
        case -ENOENT:
                return HV_OUTCOME_NOT_FOUND;
        case -EINVAL:
                return HV_OUTCOME_REFUSED;
        default:
                return r < 0 ? HV_OUTCOME_FAILED : HV_OUTCOME_OK;
        }
}

static int accept(struct hv_ledger *l, const struct hv_action *a, const struct hv_task_asked *asked,
                  uint64_t now_wall_us, struct hv_err *err) {
        const struct hv_task *t = a->task;
        const struct hv_ledger_promise p = {
                .id = t->id,
                .name = t->name,
                .source = hv_task_source_name(t->source),
                .cron = t->cron,
                .document = t->document,
                .digest = t->digest,
                .priority = t->priority,
                .accepted_us = now_wall_us,
                .key = asked->key,
                .assignment = asked->assignment,
                .cron_until_us = a->cron_until_us,
        };

        if (a->reopen)
                return hv_ledger_retry(l, t->id, now_wall_us, err);
        return hv_ledger_accept(l, &p, NULL, err);
}

static bool is_fault_of_task(enum hv_task_cause cause) {
        return cause == HV_CAUSE_EXIT_CODE || cause == HV_CAUSE_OOM || cause == HV_CAUSE_TIMEOUT ||
               cause == HV_CAUSE_INPUT || cause == HV_CAUSE_DISK_LIMIT;
}

static const char *text_or_null(const char *text) {
        return hv_str_empty(text) ? NULL : text;
}

/* The last attempt's: what the ledger is about to record, in the node's own words and signed. */
static int make_receipt(struct hv_ledger *l, const struct hv_action *a, const struct hv_task_end_facts *facts,
                        const struct hv_ledger_end *end, struct hv_buf *text,
                        char ret_sha256[HV_SHA256_HEX_SIZE], char ret_previous[HV_SHA256_HEX_SIZE],
                        struct hv_err *err) {
        const struct hv_ledger_result *result = &end->result;
        char document[HV_SHA256_HEX_SIZE] = "";
        const struct hv_task *t = a->task;
        struct hv_receipt r = {
                .node = facts->node_id,
                .task = a->task_id,
                .attempt = end->number,
                .image_id = facts->image_id,
                .inputs = facts->inputs,
                .n_inputs = facts->n_inputs,
                .inputs_known = facts->inputs_known,
                .outputs_sha256 = result->outputs_sha256,
                .n_outputs = result->n_outputs,
                .outputs_bytes = result->outputs_bytes,
                .log_sha256 = result->log_sha256,
                .log_bytes = result->log_bytes,
                .log_truncated = result->log_truncated,
                .oom_killed = result->oom_killed,
                .exit_code = result->exit_code,
                .cause = result->cause,
                .reason = result->reason,
                .state = end->state,
                .started_us = result->started_us,
                .finished_us = result->finished_us,
                .ended_us = end->now_wall_us,
                .usage = facts->usage,
        };
        int there = hv_ledger_receipt_last(l, ret_previous, err);

        if (there < 0)
                return there;
        if (there > 0)
                r.previous = ret_previous;
        if (t) {
                hv_sha256_hex(t->document, strlen(t->document), document);
                r.name = t->name;
                r.source = hv_task_source_name(t->source);
                r.digest = t->digest;
                r.document_sha256 = document;
                r.image = t->unit.image;
        }
        hv_receipt_make(&r, facts->key, text, ret_sha256);
        return there;
}

static int end(struct hv_ledger *l, const struct hv_action *a, const struct hv_task_end_facts *facts,
               uint64_t now_wall_us, struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        char sha256[HV_SHA256_HEX_SIZE], previous[HV_SHA256_HEX_SIZE];
        struct hv_ledger_new_receipt receipt = { .sha256 = sha256 };
        const struct hv_task_end *e = a->end;
        const struct hv_ledger_trust_change trust = {
                .delta = e->trust_delta,
                .nominal = e->trust_nominal,
                .score = (unsigned) e->trust_score,
                .group = e->trust_group,
                .cause = hv_task_cause_name(e->cause),
        };
        struct hv_ledger_end record = {
                .id = a->task_id,
                .number = e->attempt,
                .now_wall_us = now_wall_us,
                .result = { .cause = hv_task_cause_name(e->cause),
                            .reason = hv_eviction_name(e->eviction),
                            .message = text_or_null(e->message),
                            .exit_code = e->exit_code,
                            .oom_killed = e->oom_killed,
                            .by_task = is_fault_of_task(e->cause),
                            .started_us = e->started_wall_us,
                            .finished_us = e->finished_wall_us,
                            .log_truncated = e->collected.log_truncated,
                            .log_bytes = e->collected.log_bytes,
                            .log_sha256 = text_or_null(e->collected.log_sha256),
                            .n_outputs = e->collected.n_outputs,
                            .outputs_bytes = e->collected.outputs_bytes,
                            .outputs_sha256 = text_or_null(e->collected.manifest_sha256),
                            .cpu_us = facts->usage.cpu_us,
                            .memory_peak_bytes = facts->usage.memory_peak_bytes,
                            .gpu_memory_is_known = facts->usage.gpu.memory_is_known,
                            .gpu_use_is_known = facts->usage.gpu.use_is_known,
                            .gpu_memory_peak_bytes = facts->usage.gpu.memory_peak_bytes,
                            .gpu_use_mean_percent = facts->usage.gpu.use_mean_percent,
                            .gpu_use_peak_percent = facts->usage.gpu.use_peak_percent },
                .state = e->final ? hv_task_state_name(e->state) : NULL,
                .trust = e->trust_nominal ? &trust : NULL,
        };

        int r = 0;

        if (e->final && facts->key) {
                r = make_receipt(l, a, facts, &record, &text, sha256, previous, err);
                if (r < 0)
                        return r;
                receipt.text = hv_buf_str(&text);
                receipt.previous = r > 0 ? previous : NULL;
                record.receipt = &receipt;
        }
        return hv_ledger_end(l, &record, err);
}

static int evict(struct hv_ledger *l, const struct hv_action *a, uint64_t now_wall_us, struct hv_err *err) {
        const struct hv_ledger_eviction e = { .reason = hv_eviction_name(a->eviction),
                                              .message = text_or_null(a->eviction_text),
                                              .at_us = now_wall_us };

        return hv_ledger_evict(l, a->task_id, a->attempt, &e, err);
}

static int suspend(struct hv_ledger *l, const struct hv_action *a, struct hv_err *err) {
        const struct hv_order *o = a->order;
        const struct hv_ledger_suspension s = { o->by, o->reason, o->since_wall_us };

        return hv_ledger_cron_suspend(l, a->name, a->suspend ? &s : NULL, a->cron_until_us, err);
}

enum hv_outcome hv_task_ledger_do(struct hv_ledger *l, const struct hv_action *a,
                                  const struct hv_task_asked *asked, const struct hv_task_end_facts *facts,
                                  struct hv_ledger_instant now, struct hv_err *err) {
        int r;

        switch (a->type) {
        case HV_ACTION_TASK_ACCEPT:
                return outcome_of(accept(l, a, asked, now.wall_us, err));
        case HV_ACTION_TASK_STOPPING:
                r = hv_ledger_stop(l, a->task_id, a->stop_by ? a->stop_by : "somebody", a->stop_reason,
                                   now.wall_us, err);
                return r == -EALREADY ? HV_OUTCOME_OK : outcome_of(r);
        case HV_ACTION_TASK_EVICTING:
                return outcome_of(evict(l, a, now.wall_us, err));
        case HV_ACTION_TASK_BEGIN:
                return outcome_of(hv_ledger_begin(l, a->task_id, a->attempt, a->unit->container, &now, err));
        case HV_ACTION_TASK_END:
                return outcome_of(end(l, a, facts, now.wall_us, err));
        case HV_ACTION_TASK_FORGET:
                return outcome_of(hv_ledger_forget(l, a->task_id, now.wall_us, err));
        case HV_ACTION_CRON_ADVANCE:
                return outcome_of(hv_ledger_cron_advance(l, a->name, a->cron_until_us, err));
        case HV_ACTION_CRON_SUSPEND:
                return outcome_of(suspend(l, a, err));
        default:
                (void) hv_err_set(err, -EINVAL, "%s is no business of the ledger", hv_action_name(a->type));
                return HV_OUTCOME_REFUSED;
        }
}
