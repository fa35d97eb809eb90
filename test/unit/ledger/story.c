/* story.c - see story.h. */
#include "story.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "ledger/attempt.h"
#include "ledger/cron.h"
#include "ledger/promise.h"
#include "ledger/recall.h"

#define AT(us) (&(const struct hv_ledger_instant){ .wall_us = (us) })

#define DIGEST(c) c c c c c c c c c c c c c c c c
#define DIGEST_1 DIGEST("1111")
#define DIGEST_2 DIGEST("2222")
#define DIGEST_3 DIGEST("3333")
#define BASE_US UINT64_C(1700000000000000)
#define BIG_BYTES 12000 /* a document that spills over several pages */

static int accept_file_task(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_promise p = { .id = "train-11111111",
                                             .name = "train",
                                             .source = "file",
                                             .document =
                                                     "{\"kind\":\"Task\",\"metadata\":{\"name\":\"train\"}}",
                                             .digest = DIGEST_1,
                                             .priority = 70,
                                             .accepted_us = now_us };

        return hv_ledger_accept(l, &p, NULL, err);
}

static int accept_cron_run(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_promise p = { .id = "nightly-202311142200",
                                             .name = "nightly",
                                             .source = "cron",
                                             .cron = "nightly",
                                             .document = "{\"kind\":\"Task\"}",
                                             .digest = DIGEST_2,
                                             .accepted_us = now_us,
                                             .cron_until_us = BASE_US };

        return hv_ledger_accept(l, &p, NULL, err);
}

static int accept_big_with_key(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        _hv_cleanup_free_ char *document = hv_malloc(BIG_BYTES + 1);
        const struct hv_ledger_promise p = { .id = "t-0123456789ab",
                                             .name = "t-0123456789ab",
                                             .source = "api",
                                             .document = document,
                                             .digest = DIGEST_3,
                                             .priority = 50,
                                             .accepted_us = now_us,
                                             .key = "order-66" };

        memset(document, 'x', BIG_BYTES);
        document[BIG_BYTES] = '\0';
        return hv_ledger_accept(l, &p, NULL, err);
}

static int begin_1(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        return hv_ledger_begin(l, "train-11111111", 1, "task-train-11111111", AT(now_us), err);
}

static int fail_1(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_end e = { .id = "train-11111111",
                                         .number = 1,
                                         .now_wall_us = now_us,
                                         .result = { .cause = "oom",
                                                     .reason = "OutOfMemory",
                                                     .message = "it used 64 MiB of 64 MiB",
                                                     .exit_code = 137,
                                                     .oom_killed = true,
                                                     .by_task = true,
                                                     .started_us = now_us - 2000,
                                                     .finished_us = now_us - 1000,
                                                     .log_truncated = true,
                                                     .log_bytes = 10485760,
                                                     .log_lines = 4242,
                                                     .log_sha256 = DIGEST_2 } };

        return hv_ledger_end(l, &e, err);
}

static int fetch_fails_2(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_end e = {
                .id = "train-11111111",
                .number = 2,
                .now_wall_us = now_us,
                .result = { .cause = "nodeError", .reason = "InputUnavailable", .exit_code = -1 }
        };

        return hv_ledger_end(l, &e, err);
}

static int begin_3(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        return hv_ledger_begin(l, "train-11111111", 3, "task-train-11111111.3", AT(now_us), err);
}

static int complete_3(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_trust_change trust = { 2, 52, "medium", "the task succeeded", 2 };
        const struct hv_ledger_new_receipt receipt = { "{\"receipt\":1}", DIGEST_1, NULL };
        const struct hv_ledger_end e = { .id = "train-11111111",
                                         .number = 3,
                                         .now_wall_us = now_us,
                                         .state = "Completed",
                                         .trust = &trust,
                                         .receipt = &receipt,
                                         .result = { .cause = "success",
                                                     .started_us = now_us - 2000,
                                                     .finished_us = now_us - 1000,
                                                     .log_bytes = 17,
                                                     .log_lines = 2,
                                                     .log_sha256 = DIGEST_1,
                                                     .n_outputs = 3,
                                                     .outputs_bytes = 3000000000,
                                                     .outputs_sha256 = DIGEST_3,
                                                     .cpu_us = 1500000,
                                                     .memory_peak_bytes = 33554432,
                                                     .gpu_memory_is_known = true,
                                                     .gpu_use_is_known = true,
                                                     .gpu_memory_peak_bytes = 5000000000,
                                                     .gpu_use_mean_percent = 40,
                                                     .gpu_use_peak_percent = 170 } };

        return hv_ledger_end(l, &e, err);
}

static int stop_big(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        return hv_ledger_stop(l, "t-0123456789ab", "alice", "no longer needed", now_us, err);
}

static int end_big(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_trust_change trust = { -5, 47, "low", "the node was asked to stop it", -5 };
        const struct hv_ledger_new_receipt receipt = { "{\"receipt\":2}", DIGEST_2, DIGEST_1 };
        const struct hv_ledger_end e = { .id = "t-0123456789ab",
                                         .now_wall_us = now_us,
                                         .state = "Stopped",
                                         .trust = &trust,
                                         .receipt = &receipt,
                                         .result = { .cause = "stopped", .exit_code = -1 } };

        return hv_ledger_end(l, &e, err);
}

static int retry_train(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        return hv_ledger_retry(l, "train-11111111", now_us, err);
}

static int begin_4(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        return hv_ledger_begin(l, "train-11111111", 4, "task-train-11111111.4",
                               &(const struct hv_ledger_instant){ now_us, "5f9f8d3c", 77 * HV_USEC_PER_SEC },
                               err);
}

static int forget_big(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        (void) now_us;
        return hv_ledger_forget(l, "t-0123456789ab", now_us, err);
}

static int suspend_nightly(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_suspension s = { "alice", "the disk moves", now_us };

        return hv_ledger_cron_suspend(l, "nightly", &s, 0, err);
}

static int advance_hourly(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        return hv_ledger_cron_advance(l, "hourly", now_us, err);
}

static int end_cron_run(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_end e = {
                .id = "nightly-202311142200",
                .now_wall_us = now_us,
                .state = "Rejected",
                .result = { .cause = "rejected", .reason = "CannotFit", .exit_code = -1 }
        };

        return hv_ledger_end(l, &e, err);
}

/* A single fall from 47 to the edge of the scale: less is applied than the rule says. */
static int lose_train(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_trust_change trust = { -47, 0, "low", "its container is gone", -50 };
        const struct hv_ledger_end e = { .id = "train-11111111",
                                         .number = 4,
                                         .now_wall_us = now_us,
                                         .state = "Failed",
                                         .trust = &trust,
                                         .result = { .cause = "nodeError", .exit_code = -1 } };

        return hv_ledger_end(l, &e, err);
}

static int accept_from_pool(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_assignment a = { .attempt = 1, .lease_epoch = 7 };
        const struct hv_ledger_promise p = { .id = "Pool_1",
                                             .name = "Pool_1",
                                             .source = "pool",
                                             .document = "{\"kind\":\"Task\"}",
                                             .digest = DIGEST_1,
                                             .accepted_us = now_us,
                                             .assignment = &a };

        return hv_ledger_accept(l, &p, NULL, err);
}

static int assign_again(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_assignment a = { .attempt = 2, .lease_epoch = 9 };

        (void) now_us;
        return hv_ledger_assign(l, "Pool_1", &a, err);
}

static int begin_pool(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        return hv_ledger_begin(l, "Pool_1", 1, "task-Pool_1", AT(now_us), err);
}

static int end_pool(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_end e = { .id = "Pool_1",
                                         .number = 1,
                                         .now_wall_us = now_us,
                                         .state = "Completed",
                                         .result = { .cause = "success",
                                                     .started_us = now_us - 2000,
                                                     .finished_us = now_us - 1000,
                                                     .log_bytes = 4000,
                                                     .log_sha256 = DIGEST_1 } };

        return hv_ledger_end(l, &e, err);
}

static int send_some_log(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        (void) now_us;
        return hv_ledger_debt_log(l, 1, 1000, err);
}

static int pay_pool(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        return hv_ledger_pay(l, 1, "committed", NULL, now_us, err);
}

static int retry_pool(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        return hv_ledger_retry(l, "Pool_1", now_us, err);
}

static int reject_pool(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_end e = {
                .id = "Pool_1",
                .now_wall_us = now_us,
                .state = "Rejected",
                .result = { .cause = "rejected", .message = "too large", .exit_code = -1 }
        };

        return hv_ledger_end(l, &e, err);
}

static int accept_greedy(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_promise p = { .id = "greedy",
                                             .name = "greedy",
                                             .source = "api",
                                             .document = "{\"kind\":\"Task\"}",
                                             .digest = DIGEST_2,
                                             .accepted_us = now_us };

        return hv_ledger_accept(l, &p, NULL, err);
}

static int begin_greedy(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        return hv_ledger_begin(l, "greedy", 1, "task-greedy", AT(now_us), err);
}

static int evict_greedy(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_eviction e = { "Pressure", "the disk is full", now_us };

        return hv_ledger_evict(l, "greedy", 1, &e, err);
}

static int end_greedy(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_end e = {
                .id = "greedy",
                .number = 1,
                .now_wall_us = now_us,
                .result = { .cause = "nodeError", .reason = "Pressure", .exit_code = 143 }
        };

        return hv_ledger_end(l, &e, err);
}

static int begin_greedy_2(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        return hv_ledger_begin(l, "greedy", 2, "task-greedy.2", AT(now_us), err);
}

static int evict_greedy_2(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) {
        const struct hv_ledger_eviction e = { "GpuLost", NULL, now_us };

        return hv_ledger_evict(l, "greedy", 2, &e, err);
}

static int (*const steps[])(struct hv_ledger *l, uint64_t now_us, struct hv_err *err) = {
        accept_file_task,
        accept_cron_run,
        accept_big_with_key,
        begin_1,
        fail_1,
        fetch_fails_2,
        begin_3,
        complete_3,
        stop_big,
        end_big,
        retry_train,
        begin_4,
        forget_big,
        suspend_nightly,
        advance_hourly,
        end_cron_run,
        lose_train,
        /* version 3 */
        accept_from_pool,
        assign_again,
        begin_pool,
        end_pool,
        send_some_log,
        pay_pool,
        retry_pool,
        reject_pool,
        /* version 5 */
        accept_greedy,
        begin_greedy,
        evict_greedy,
        end_greedy,
        begin_greedy_2,
        evict_greedy_2,
};
const unsigned n_story_steps = HV_ARRAY_SIZE(steps);

int story_step(struct hv_ledger *l, unsigned step, struct hv_err *err) {
        return steps[step](l, BASE_US + step * UINT64_C(1000000), err);
}

/* --- telling --- */

static int tell_attempt(const struct hv_ledger_attempt *a, void *userdata) {
        const struct hv_ledger_result *r = &a->result;

        hv_buf_printf(userdata, "  attempt %u in %s, %" PRIu64 "..%" PRIu64, a->number,
                      a->container ? a->container : "-", a->begun_us, a->ended_us);
        if (r->cause)
                hv_buf_printf(userdata, ": %s/%s/%s exit %d oom %d by_task %d %" PRIu64 "..%" PRIu64,
                              r->cause, r->reason ? r->reason : "-", r->message ? r->message : "-",
                              r->exit_code, r->oom_killed, r->by_task, r->started_us, r->finished_us);
        if (a->eviction.reason)
                hv_buf_printf(userdata, "; evicted %" PRIu64 " for %s/%s", a->eviction.at_us,
                              a->eviction.reason, a->eviction.message ? a->eviction.message : "-");
        hv_buf_printf(userdata, "; log %" PRIu64 " %" PRIu64 " %d %s", r->log_bytes, r->log_lines,
                      r->log_truncated, r->log_sha256 ? r->log_sha256 : "-");
        hv_buf_printf(userdata, "; outputs %" PRIu64 " %" PRIu64 " %s", r->n_outputs, r->outputs_bytes,
                      r->outputs_sha256 ? r->outputs_sha256 : "-");
        hv_buf_printf(userdata, "; used %" PRIu64 " %" PRIu64, r->cpu_us, r->memory_peak_bytes);
        if (r->gpu_memory_is_known) /* older schemas know of none */
                hv_buf_printf(userdata, ", of GPUs %" PRIu64, r->gpu_memory_peak_bytes);
        if (r->gpu_use_is_known)
                hv_buf_printf(userdata, " %u%% to %u%%", r->gpu_use_mean_percent, r->gpu_use_peak_percent);
        hv_buf_puts(userdata, "\n");
        return 0;
}

static int tell_task(const struct hv_ledger_task *t, void *userdata) {
        hv_buf_printf(userdata,
                      "task %" PRIu64 " %s %s %s %s %s %u %zu bytes, %" PRIu64 "/%" PRIu64 "/%" PRIu64 "\n",
                      t->seq, t->id, t->name, t->source, t->cron ? t->cron : "-", t->digest, t->priority,
                      strlen(t->document), t->accepted_us, t->retried_us, t->ended_us);
        hv_buf_printf(
                userdata, "  %s, stop %s/%s/%" PRIu64 ", last %u/%" PRIu64 "/%d, by task %u, by node %u\n",
                t->state, t->stop_by ? t->stop_by : "-", t->stop_reason ? t->stop_reason : "-", t->stop_us,
                t->last_attempt, t->last_begun_us, t->last_ended, t->n_ended_by_task, t->n_ended_by_node);
        if (t->last_boot)
                hv_buf_printf(userdata, "  last begun %" PRIu64 " after boot %s\n", t->last_begun_boot_us,
                              t->last_boot);
        if (t->last_eviction.reason)
                hv_buf_printf(userdata, "  last evicted %" PRIu64 " for %s/%s\n", t->last_eviction.at_us,
                              t->last_eviction.reason,
                              t->last_eviction.message ? t->last_eviction.message : "-");
        hv_buf_printf(userdata, "  %s/%s/%s exit %d %" PRIu64 "..%" PRIu64 "\n", t->cause ? t->cause : "-",
                      t->reason ? t->reason : "-", t->message ? t->message : "-", t->exit_code, t->started_us,
                      t->finished_us);
        return 0;
}

static int tell_trust(const struct hv_ledger_trust *t, void *userdata) {
        hv_buf_printf(userdata, "trust %" PRIu64 " %" PRIu64 " %s.%u %+d=%u %s (%s)", t->seq, t->at_us,
                      t->task, t->number, t->change.delta, t->change.score, t->change.group, t->change.cause);
        if (t->change.nominal != t->change.delta)
                hv_buf_printf(userdata, " of %+d", t->change.nominal);
        hv_buf_putc(userdata, '\n');
        return 0;
}

static int tell_receipt(const struct hv_ledger_receipt *r, void *userdata) {
        hv_buf_printf(userdata, "receipt %" PRIu64 " %" PRIu64 " %s.%u %s < %s %s\n", r->seq, r->at_us,
                      r->task, r->number, r->sha256, r->previous ? r->previous : "-", r->text);
        return 0;
}

static int tell_cron(const struct hv_ledger_cron *c, void *userdata) {
        hv_buf_printf(userdata, "cron %s %" PRIu64 " %d", c->name, c->until_us, c->is_suspended);
        if (c->suspension.by)
                hv_buf_printf(userdata, " by %s since %" PRIu64 ": %s", c->suspension.by,
                              c->suspension.since_us, c->suspension.reason ? c->suspension.reason : "-");
        hv_buf_putc(userdata, '\n');
        return 0;
}

static int tell_debt(const struct hv_ledger_debt *d, void *userdata) {
        hv_buf_printf(userdata,
                      "debt %" PRIu64 " %s.%u as %u/%" PRIu64 " since %" PRIu64 ", log %" PRIu64
                      " of %" PRIu64 " %d %s, outputs %" PRIu64 "\n",
                      d->seq, d->id, d->number, d->assignment.attempt, d->assignment.lease_epoch, d->since_us,
                      d->log_sent, d->log_bytes, d->log_truncated, d->log_sha256 ? d->log_sha256 : "-",
                      d->outputs_bytes);
        hv_buf_printf(userdata, "  %s/%s/%s exit %d %" PRIu64 "/%" PRIu64 "/%" PRIu64 " %s\n", d->state,
                      d->cause, d->message ? d->message : "-", d->exit_code, d->accepted_us, d->started_us,
                      d->finished_us, d->receipt ? d->receipt : "-");
        return 0;
}

struct ids {
        char v[8][HV_LEDGER_ID_SIZE];
        unsigned n;
};

static int collect(const struct hv_ledger_task *t, void *userdata) {
        struct ids *ids = userdata;

        (void) snprintf(ids->v[ids->n++], HV_LEDGER_ID_SIZE, "%s", t->id);
        return ids->n == HV_ARRAY_SIZE(ids->v);
}

char *story_tell(struct hv_ledger *l) {
        struct hv_buf out = {};
        struct ids ids = {};
        int r;

        r = hv_ledger_recall(l, collect, &ids, NULL);
        for (unsigned i = 0; i < ids.n && r == 0; i++) {
                r = hv_ledger_task(l, ids.v[i], tell_task, &out, NULL);
                if (r == 0)
                        r = hv_ledger_attempts(l, ids.v[i], tell_attempt, &out, NULL);
        }
        if (r == 0)
                r = hv_ledger_trust_page(l, 0, 100, tell_trust, &out, NULL, NULL);
        if (r == 0)
                r = hv_ledger_receipts(l, NULL, 0, 100, tell_receipt, &out, NULL);
        if (r == 0)
                r = hv_ledger_crons(l, tell_cron, &out, NULL);
        if (r == 0)
                r = hv_ledger_debts(l, 0, tell_debt, &out, NULL);
        if (r != 0)
                hv_buf_printf(&out, "cannot be read: %d\n", r);
        return hv_buf_steal(&out);
}
