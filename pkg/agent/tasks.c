/* agent/tasks.c - what tasks need of the machine: the ledger, places on the disk, a thread; and what the core is told of all
 * that when it begins.
 *
 *      first desired state --> open ledger --> recall each promise --> core: "tasks are known" --> driver
 *
 * A ledger that cannot be opened keeps the node from accepting and running tasks, and from nothing else: services go on. It is
 * tried again with each desired state. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/monitor.h"
#include "agent/private.h"
#include "base/arena.h"
#include "execute/attempt_cgroup.h"
#include "execute/package_builder.h"
#include "execute/task_driver.h"
#include "host/capacity.h"
#include "ledger/attempt.h"
#include "ledger/cron.h"
#include "ledger/recall.h"
#include "log/log.h"
#include "reconcile/cron.h"
#include "spec/task_load.h"
#include "spec/yaml.h"
#include "task/receipt_key.h"
#include "task/remove.h"
#include "task/worker.h"
#include "transfer/transfer.h"

/* ---- what is told to the core ---- */

static void tell_machine(struct hv_agent *a) {
        struct hv_capacity c = {};
        struct hv_err err = {};
        struct hv_room room;
        const struct hv_input in = { .type = HV_INPUT_MACHINE, .machine = &room };

        if (hv_capacity_read(a->work_root, &c, &err) < 0) {
                (void) hv_log_error(err.code, "no task can be admitted: %s", err.msg);
                return;
        }
        room = (struct hv_room){
                .nano_cpus = c.nano_cpus,
                .memory_bytes = c.memory_bytes,
                .disk_bytes = c.disk_bytes,
        };
        (void) hv_agent_input(a, &in, NULL);
}

struct hv_task *hv_agent_task_kept(const struct hv_ledger_task *kept, const struct hv_desired *d) {
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        struct hv_task_request request = {
                .document = kept->document,
                .len = strlen(kept->document),
                .read = hv_yaml_read,
                .id = kept->id,
                .cron = kept->cron,
                .kept = true,
        };
        struct hv_task *task = NULL;

        (void) hv_task_source_parse(kept->source, &request.source);
        (void) hv_task_load(&request, d, &task, diags); /* never fails with `kept` */
        task->name = hv_arena_strdup(task->arena, kept->name);
        (void) snprintf(task->digest, sizeof task->digest, "%s", kept->digest);
        return task;
}

struct promise { /* one that is not ended, copied out: the ledger must not be asked while it is walked */
        struct hv_task_recalled r;
        struct hv_task *task;
        unsigned attempts_before;
};

/* What was tried before somebody asked for the task anew, and what stopped at a checkpoint, does not count against the limit. */
static int count_attempt(const struct hv_ledger_attempt *attempt, void *userdata) {
        struct promise *p = userdata;

        p->r.n_counted += attempt->ended_us != 0 && attempt->number > p->attempts_before &&
                          !hv_streq(attempt->result.cause, hv_task_cause_name(HV_CAUSE_CHECKPOINT));
        return 0;
}

struct promises {
        struct hv_agent *agent;
        const struct hv_desired *desired;
        struct hv_arena *arena;
        HV_VEC(struct promise) v;
};

static void on_swept(void *userdata, int error, const char *message) {
        (void) userdata;
        if (error)
                (void) hv_log_error(error, "a workspace of a task that ended stays: %s", message);
}

/* Who was killed between the record of an end and the removal left this: the core knows nothing of it any more. */
static void sweep(struct hv_agent *a, const char *id) {
        const struct hv_removal_options options = {
                .worker = a->worker,
                .work_root = a->work_root,
                .attempt = { .id = id },
                .done = on_swept,
        };

        if (hv_workspace_any(a->work_root, id))
                (void) hv_task_remove(&options);
}

static int on_kept(const struct hv_ledger_task *kept, void *userdata) {
        struct promises *all = userdata;
        struct hv_arena *arena = all->arena;
        struct promise *p = hv_vec_add(&all->v);

        *p = (struct promise){ .r = {
                                       .id = hv_arena_strdup(arena, kept->id),
                                       .name = hv_arena_strdup(arena, kept->name),
                                       .digest = hv_arena_strdup(arena, kept->digest),
                                       .accepted_wall_us = kept->accepted_us,
                                       .ended_wall_us = kept->ended_us,
                                       .attempt = kept->last_attempt,
                                       .attempt_ended = kept->last_ended,
                                       .begun_wall_us = kept->last_begun_us,
                                       .begun_us = hv_streq(kept->last_boot, hv_agent_boot())
                                                           ? kept->last_begun_boot_us
                                                           : 0,
                                       .retry_wall_us = kept->last_ended ? kept->finished_us : 0,
                                       .stop_asked = kept->stop_by != NULL,
                                       .eviction_text = hv_arena_strdup(arena, kept->last_eviction.message),
                                       .evicted_wall_us = kept->last_eviction.at_us,
                                       .is_owed = kept->is_owed,
                                       .stop_by = hv_arena_strdup(arena, kept->stop_by),
                                       .stop_reason = hv_arena_strdup(arena, kept->stop_reason),
                                       .message = hv_arena_strdup(arena, kept->message),
                                       .exit_code = kept->exit_code,
                               } };
        if (kept->last_eviction.reason && !kept->last_ended &&
            !hv_eviction_parse(kept->last_eviction.reason, &p->r.eviction))
                p->r.eviction =
                        HV_EVICTION_PRESSURE; /* a newer version's word: the node's doing all the same */
        (void) hv_task_source_parse(kept->source, &p->r.source);
        (void) hv_task_state_parse(kept->state, &p->r.state);
        (void) hv_task_cause_parse(kept->cause ? kept->cause : "", &p->r.cause);
        if (kept->ended_us) {
                sweep(all->agent, kept->id);
                return 0;
        }
        if (hv_task_state_is_end(p->r.state))
                p->r.state = HV_TASK_QUEUED;
        p->task = p->r.task = hv_agent_task_kept(kept, all->desired);
        p->attempts_before = kept->attempts_before;
        if (kept->last_attempt <= kept->attempts_before)
                p->r.retry_wall_us = 0;
        return 0;
}

static int recall_all(struct hv_agent *a, const struct hv_desired *d, struct hv_err *err) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct promises all = { .agent = a, .desired = d, .arena = arena };
        int r = hv_ledger_recall(a->ledger, on_kept, &all, err);

        for (size_t i = 0; i < all.v.n; i++) {
                struct promise *p = &all.v.v[i];
                struct hv_input in = { .type = HV_INPUT_TASK_RECALL, .recalled = &p->r };

                if (r >= 0 && p->task)
                        r = hv_ledger_attempts(a->ledger, p->r.id, count_attempt, p, err);
                if (r >= 0)
                        r = hv_agent_input(a, &in, err);
                hv_task_unref(p->task);
        }
        hv_vec_done(&all.v);
        return r < 0 ? r : 0;
}

static int on_cron(const struct hv_ledger_cron *kept, void *userdata) {
        const struct hv_ledger_suspension *s = &kept->suspension;
        struct hv_agent *a = userdata;
        const struct hv_cron_recalled cron = {
                .name = kept->name,
                .until_wall_us = kept->until_us,
                .suspend = { kept->is_suspended ? s->by ? s->by : "unknown" : NULL, s->reason, s->since_us },
        };
        const struct hv_input in = { .type = HV_INPUT_CRON_RECALL, .cron = &cron };

        return hv_agent_input(a, &in, NULL);
}

/* ---- beginning ---- */

static int make_parts(struct hv_agent *a, struct hv_err *err) {
        static const struct hv_transfer_options for_inputs = {};
        int r = 0;

        if (!a->worker)
                r = hv_worker_new(a->event, &a->worker, err);
        if (r >= 0 && !a->inputs)
                r = hv_transfer_new(a->event, &for_inputs, &a->inputs, err);
        return r;
}

static void make_builder(struct hv_agent *a, const struct hv_desired *d) {
        const struct hv_package_builder_options options = {
                .event = a->event,
                .docker = a->docker,
                .worker = a->worker,
                .root = a->packages_root,
                .work_root = a->work_root,
                .node_id = d->settings.node_id,
        };

        a->builder = hv_package_builder_new(&options);
        hv_package_builder_keep(a->builder, d->settings.keep_packages_us);
}

char *hv_agent_inbox(const struct hv_agent *a) {
        return hv_asprintf("%s/inbox", a->options->state_dir ? a->options->state_dir : HV_AGENT_STATE_DIR);
}

static void add_driver(struct hv_agent *a, const struct hv_desired *d) {
        _hv_cleanup_free_ char *inbox = hv_agent_inbox(a);
        const struct hv_task_driver_options options = {
                .event = a->event,
                .docker = a->docker,
                .ledger = a->ledger,
                .worker = a->worker,
                .builder = a->builder,
                .cgroups = a->cgroups,
                .transfer = a->inputs,
                .work_root = a->work_root,
                .results_root = a->results_root,
                .input = hv_executor_input,
                .input_userdata = a->executor,
                .now = hv_agent_instant,
                .node_id = d->settings.node_id,
                .receipt_key = a->receipt_key,
                .key = hv_agent_task_key,
                .inbox = inbox,
                .assignment = hv_agent_pool_assignment,
                .gpu_use = hv_agent_monitor_gpu_use,
                .userdata = a,
        };

        hv_executor_add(a->executor, hv_task_driver_new(&options));
}

/* An id that changed was let change when the sources were claimed: of all ledgers the one of this state directory follows. */
static int open_ledger(struct hv_agent *a, const struct hv_desired *d, struct hv_err *err) {
        const char *dir = a->options->state_dir ? a->options->state_dir : HV_AGENT_STATE_DIR;

        if (a->options->change_node_id)
                return hv_ledger_adopt(dir, d->settings.node_id, hv_agent_wall_us(), &a->ledger, err);
        return hv_ledger_open(dir, d->settings.node_id, hv_agent_wall_us(), &a->ledger, err);
}

static int begin(struct hv_agent *a, const struct hv_desired *d, struct hv_err *err) {
        const char *dir = a->options->state_dir ? a->options->state_dir : HV_AGENT_STATE_DIR;
        struct hv_input known = { .type = HV_INPUT_TASKS_KNOWN };
        unsigned score = 0;
        int r = make_parts(a, err);

        if (r >= 0 && !a->receipt_key)
                r = hv_receipt_key_open(dir, &a->receipt_key, err);
        if (r >= 0)
                r = open_ledger(a, d, err);
        if (r >= 0)
                r = hv_ledger_trust_score(a->ledger, &score, err);
        if (r < 0)
                return r;
        hv_agent_tell_clock(a);
        tell_machine(a);
        r = recall_all(a, d, err);
        if (r >= 0)
                r = hv_ledger_crons(a->ledger, on_cron, a, err);
        if (r < 0)
                return r;
        known.trust_score = (int) score;
        make_builder(a, d);
        add_driver(a, d);
        r = hv_agent_input(a, &known, err);
        if (r >= 0)
                r = hv_agent_disk_begin(a, err);
        if (r >= 0)
                hv_agent_pressure_begin(a);
        return r < 0 ? r : hv_agent_retention_begin(a, err);
}

/* What a crash left, of tasks whose end is recorded. Of the others nothing may go before it was read. */
static void sweep_cgroups(struct hv_agent *a, const struct hv_desired *d) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_task_status *live;
        struct hv_attempt_ref *refs;
        const char *slice;
        size_t n;

        if (!a->ledger || !d->tree)
                return;
        slice = d->tree->state.resources.cgroup.slice;
        live = hv_core_live_tasks(a->core, hv_agent_now_us(), arena, &n);
        refs = HV_ARENA_NEW_N(arena, struct hv_attempt_ref, n);
        for (size_t i = 0; i < n; i++)
                refs[i] = (struct hv_attempt_ref){ slice, live[i].id, live[i].attempt };
        hv_attempt_cgroups_sweep(a->cgroups, slice, refs, n);
}

void hv_agent_tasks_note(struct hv_agent *a, const struct hv_note *note) {
        const struct hv_desired *d = hv_core_active(a->core);

        if (note->type == HV_NOTE_ENGINE_UP && d)
                sweep_cgroups(a, d);
}

/* The places are fixed when they are first needed: what runs has its files there. */
static void choose_places(struct hv_agent *a, const struct hv_desired *d) {
        const char *state_dir = a->options->state_dir ? a->options->state_dir : HV_AGENT_STATE_DIR;

        if (a->work_root)
                return;
        a->work_root =
                d->settings.work_dir ? hv_strdup(d->settings.work_dir) : hv_asprintf("%s/tasks", state_dir);
        a->results_root = hv_asprintf("%s/results", state_dir);
        a->packages_root = hv_asprintf("%s/packages", state_dir);
}

const char *hv_agent_work_root(struct hv_agent *a, const struct hv_desired *d) {
        choose_places(a, d);
        return a->work_root;
}

void hv_agent_tasks_need(struct hv_agent *a, const struct hv_desired *d) {
        struct hv_err err = {};

        if (a->builder)
                hv_package_builder_keep(a->builder, d->settings.keep_packages_us);
        if (a->ledger || !a->docker)
                return;
        choose_places(a, d);
        if (begin(a, d, &err) < 0) {
                (void) hv_log_event_error(HV_EVENT_LEDGER_FAILED, err.code, NULL, "tasks cannot be run: %s",
                                          err.msg);
                a->ledger = hv_ledger_free(a->ledger);
        }
}

void hv_agent_tell_clock(struct hv_agent *a) {
        const struct hv_input in = { .type = HV_INPUT_CLOCK, .wall_us = hv_agent_wall_us() };

        (void) hv_core_input(a->core, hv_agent_now_us(), &in, NULL);
}

void hv_agent_tasks_end(struct hv_agent *a) {
        a->inputs = hv_transfer_free(a->inputs);
        hv_agent_retention_end(a);
        hv_agent_disk_end(a);
        a->builder = hv_package_builder_free(a->builder);
        a->worker = hv_worker_free(a->worker);
        a->ledger = hv_ledger_free(a->ledger);
        a->receipt_key = hv_receipt_key_free(a->receipt_key);
        free(a->work_root);
        free(a->results_root);
        free(a->packages_root);
}
