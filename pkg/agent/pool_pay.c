/* agent/pool_pay.c - what a pool is owed: debts of the ledger, results of the store. See pool.h. */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "agent/pool.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "log/log.h"
#include "task/result_zip.h"
#include "task/results.h"

/* ---- debts ---- */

struct first {
        struct hv_arena *arena;
        struct hv_pool_owed *ret;
};

static int on_debt(const struct hv_ledger_debt *d, void *userdata) {
        struct first *f = userdata;

        *f->ret = (struct hv_pool_owed){
                .seq = d->seq,
                .id = hv_arena_strdup(f->arena, d->id),
                .attempt = d->assignment.attempt,
                .lease_epoch = d->assignment.lease_epoch,
                .number = d->log_sha256 ? d->number : 0, /* an attempt that never began has no result */
                .state = hv_arena_strdup(f->arena, d->state),
                .cause = hv_arena_strdup(f->arena, d->cause),
                .message = hv_arena_strdup(f->arena, d->message ? d->message : ""),
                .exit_code = d->exit_code,
                .accepted_wall_us = d->accepted_us,
                .started_wall_us = d->started_us,
                .finished_wall_us = d->finished_us,
                .log_bytes = d->log_bytes,
                .log_sent = d->log_sent,
                .log_truncated = d->log_truncated,
                .log_sha256 = hv_arena_strdup(f->arena, d->log_sha256),
                .is_handed_back = hv_streq(d->cause, hv_task_cause_name(HV_CAUSE_HANDED_BACK)),
                .receipt = hv_arena_strdup(f->arena, d->receipt),
        };
        return 1;
}

bool hv_agent_pool_owed(void *userdata, uint64_t after, struct hv_arena *arena, struct hv_pool_owed *ret) {
        const struct hv_agent_pool *p = userdata;
        struct first f = { .arena = arena, .ret = ret };
        struct hv_err err = {};
        int r;

        if (!p->agent->ledger)
                return false;
        r = hv_ledger_debts(p->agent->ledger, after, on_debt, &f, &err);
        if (r < 0)
                (void) hv_log_error(r, "what the pool is owed cannot be read: %s", err.msg);
        return r > 0;
}

int hv_agent_pool_log_sent(void *userdata, uint64_t seq, uint64_t offset, struct hv_err *err) {
        const struct hv_agent_pool *p = userdata;

        return hv_ledger_debt_log(p->agent->ledger, seq, offset, err);
}

struct one {
        uint64_t seq;
        char id[HV_LEDGER_ID_SIZE];
        struct hv_ledger_assignment assignment;
};

static int find_one(const struct hv_ledger_debt *d, void *userdata) {
        struct one *o = userdata;

        if (d->seq == o->seq) {
                (void) snprintf(o->id, sizeof o->id, "%s", d->id);
                o->assignment = d->assignment;
        }
        return 1;
}

/* A word about a lease that is over by now says nothing about the newer one: that may have been given because the result was lost. */
static bool is_stale(const struct one *o, const struct hv_pool_owed *owed) {
        return *o->id &&
               (o->assignment.attempt != owed->attempt || o->assignment.lease_epoch != owed->lease_epoch);
}

int hv_agent_pool_delivered(void *userdata, const struct hv_pool_owed *owed, enum hv_pool_delivery how,
                            const char *message, struct hv_err *err) {
        bool committed = how == HV_POOL_COMMITTED;
        struct hv_agent_pool *p = userdata;
        struct one o = { .seq = owed->seq };
        const struct hv_input in = { .type = HV_INPUT_TASK_DELIVERED, .text = o.id };
        int r = hv_ledger_debts(p->agent->ledger, owed->seq - 1, find_one, &o, err);

        if (r >= 0 && is_stale(&o, owed))
                return hv_err_set(err, -ESTALE, "the pool has assigned %s anew meanwhile", o.id);
        if (r >= 0)
                r = hv_ledger_pay(p->agent->ledger, owed->seq, committed ? "committed" : "unwanted", message,
                                  hv_agent_wall_us(), err);
        if (r < 0 || !*o.id)
                return r < 0 ? r : 0;
        if (!committed)
                (void) hv_log_warn(0, "the pool does not want the result of task %s, which is kept here: %s",
                                   o.id, message ? message : "");
        p->inbox_is_due = true;
        (void) hv_agent_input(p->agent, &in, NULL);
        hv_api_changed(p->agent->api);
        return 0;
}

/* ---- the kept log ---- */

int hv_agent_pool_open_log(void *userdata, const struct hv_pool_owed *owed, struct hv_err *err) {
        const struct hv_attempt attempt = { .id = owed->id, .attempt = owed->number };
        _hv_cleanup_(hv_results_freep) struct hv_results *results = NULL;
        const struct hv_agent_pool *p = userdata;
        struct hv_result_file file;
        int r;

        if (owed->number == 0)
                return hv_err_set(err, -ENOENT, "task %s never ran: it has no log", owed->id);
        r = hv_results_open(p->agent->results_root, &attempt, &results, err);
        if (r >= 0)
                r = hv_results_open_log(results, &file, err);
        return r < 0 ? r : file.fd;
}

/* ---- packages ---- */

struct packing {
        struct hv_result_zip *package;
        hv_pool_package_fn *done;
        void *done_data;
};

static void on_packaged(void *userdata, const struct hv_result_zip_made *result) {
        struct packing *k = userdata;
        struct hv_pool_package package = { .fd = result->fd, .size_bytes = result->size_bytes };
        struct hv_err err = {};

        memcpy(package.sha256, result->sha256, sizeof package.sha256);
        if (result->error < 0) {
                (void) hv_err_set(&err, result->error, "%s", result->message);
                package.err = &err;
        }
        k->done(k->done_data, &package);
        free(k);
}

/* As the pool knows this node: the account, where there is one. */
static const char *name_of_node(const struct hv_agent_pool *p) {
        const struct hv_spec_master *m = p->master;

        return m->credentials.node && m->credentials.username ? m->credentials.username
                                                              : p->desired->settings.node_id;
}

/* What the old worker put beside a workspace, word for word: programs on the user's side read it. */
static size_t extras_of(const struct hv_agent_pool *p, const struct hv_pool_owed *o, struct hv_arena *arena,
                        struct hv_result_zip_extra ret[3]) {
        bool stopped = hv_streq(o->state, "Stopped"), good = hv_streq(o->state, "Completed");
        time_t at = (time_t) (o->finished_wall_us / HV_USEC_PER_SEC);
        char when[32] = "";
        struct tm tm;
        size_t n = 0;

        if (at == 0)
                at = (time_t) (hv_agent_wall_us() / HV_USEC_PER_SEC);
        if (localtime_r(&at, &tm))
                (void) strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
        ret[n++] = (struct hv_result_zip_extra){
                .name = "execution_log.txt",
                .text = hv_arena_printf(
                        arena, "Task ID: %s\nStatus: %s\nExecution Result: %s\nTime: %s\nNode: %s\n%s%s%s",
                        o->id,
                        stopped ? "Stopped by user"
                        : good  ? "Success"
                                : "Failed",
                        stopped ? "Terminated"
                        : good  ? "Completed"
                                : "Error",
                        when, name_of_node(p), *o->message ? "Reason: " : "", o->message,
                        *o->message ? "\n" : ""),
        };
        ret[n++] = (struct hv_result_zip_extra){
                .name = "task_logs.txt",
                .before = hv_arena_printf(arena, "=== Task %s Complete Logs ===\n", o->id),
                .after = "\n=== End of Logs ===\n",
        };
        if (stopped)
                ret[n++] = (struct hv_result_zip_extra){
                        .name = "task_stopped.txt",
                        .text = hv_arena_printf(arena, "Task %s was stopped by user\nStopped at: %s\n", o->id,
                                                when),
                };
        return n;
}

void *hv_agent_pool_package(void *userdata, const struct hv_pool_owed *owed, enum hv_pool_shape shape,
                            hv_pool_package_fn *done, void *done_data) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_agent_pool *p = userdata;
        struct hv_result_zip_extra extras[3];
        struct packing *k = HV_NEW(struct packing);
        const struct hv_result_zip_options o = {
                .worker = p->agent->worker,
                .results_root = p->agent->results_root,
                .attempt = { .id = owed->id, .attempt = owed->number },
                .extras = extras,
                .n_extras = shape == HV_POOL_SHAPE_WORKSPACE ? extras_of(p, owed, arena, extras) : 0,
                .done = on_packaged,
                .userdata = k,
        };

        k->done = done;
        k->done_data = done_data;
        k->package = hv_result_zip_new(&o);
        return k;
}

void hv_agent_pool_cancel_package(void *userdata, void *package) {
        struct packing *k = package;

        (void) userdata;
        if (!k)
                return;
        (void) hv_result_zip_free(k->package);
        free(k);
}
