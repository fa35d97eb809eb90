/* execute/task_driver.c - see task_driver.h.
 *
 *      ledger    one call, done at once
 *      PREPARE   hv_task_prepare()                                       --> done
 *      PACKAGES  hv_package_want_new()                                   --> done
 *      COLLECT   [engine's log --> hv_collect_log()] --> finish --> done
 *      CLEAN     cgroup, hv_task_remove(workspace)                            --> done
 *      WITHHOLD, RESTORE    hv_task_withhold()                           --> done
 *      FORGET    hv_task_remove(result) for each attempt --> ledger      --> done
 */
#include "execute/task_driver.h"

#include <errno.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/map.h"
#include "docker/container.h"
#include "execute/attempt_cgroup.h"
#include "execute/log_loss.h"
#include "execute/observe.h"
#include "execute/package_builder.h"
#include "execute/task_ledger.h"
#include "ledger/debt.h"
#include "task/collect.h"
#include "task/input_notes.h"
#include "task/prepare.h"
#include "task/remove.h"
#include "task/withhold.h"

struct task_driver;

struct work { /* one action under way */
        TAILQ_ENTRY(work) link;
        struct task_driver *d;
        const struct hv_action *action;
        struct hv_prepare *prepare;
        struct hv_package_want *packages;
        struct hv_collect *collect;
        struct hv_removal *removal;
        struct hv_withholding *withholding;
        struct hv_docker_call *log, *look; /* COLLECT: of the container, before its log */
        bool log_is_local;
        unsigned next_attempt; /* FORGET: whose result goes next */
};

struct finding {        /* of an attempt, beside what the core is told */
        char *image_id; /* what it ran; NULL: not known */
        struct hv_task_usage usage;
};

static void finding_free(void *value) {
        struct finding *f = value;

        free(f->image_id);
        free(f);
}

struct task_driver {
        struct hv_driver base;
        struct hv_task_driver_options o;
        char *work_root, *results_root, *inbox, *node_id;
        struct hv_map *found; /* "<id>/<attempt>" -> struct finding, from COLLECT to END */
        TAILQ_HEAD(, work) works;
};

static struct work *work_new(struct task_driver *d, const struct hv_action *action) {
        struct work *w = HV_NEW(struct work);

        w->d = d;
        w->action = action;
        TAILQ_INSERT_TAIL(&d->works, w, link);
        return w;
}

static void work_free(struct work *w) {
        TAILQ_REMOVE(&w->d->works, w, link);
        hv_docker_call_cancel(w->log);
        hv_docker_call_cancel(w->look);
        hv_prepare_free(w->prepare);
        hv_package_want_free(w->packages);
        hv_collect_free(w->collect);
        hv_removal_free(w->removal);
        hv_withholding_free(w->withholding);
        free(w);
}

static void tell(struct task_driver *d, const struct hv_action *action, enum hv_outcome outcome,
                 const char *message, const struct hv_task_collected *collected) {
        const struct hv_input in = {
                .type = HV_INPUT_DONE,
                .action_id = action->id,
                .outcome = outcome,
                .message = hv_str_empty(message) ? NULL : message,
                .collected = collected,
        };

        d->o.input(d->o.input_userdata, &in);
}

/* Ends the work, then tells: whoever is told may submit the next action. */
static void done(struct work *w, enum hv_outcome outcome, const char *message) {
        const struct hv_action *action = w->action;
        _hv_cleanup_free_ char *copy = hv_strdup(message);
        struct task_driver *d = w->d;

        work_free(w);
        tell(d, action, outcome, copy, NULL);
}

/* ---- ledger ---- */

static char *attempt_key(const struct hv_action *a) {
        return hv_asprintf("%s/%u", a->task_id, a->attempt);
}

static void find_end_facts(struct task_driver *d, const struct hv_action *a, struct hv_arena *arena,
                           struct hv_task_end_facts *ret) {
        const struct hv_attempt attempt = { .id = a->task_id, .attempt = a->end->attempt };
        _hv_cleanup_free_ char *key = hv_asprintf("%s/%u", a->task_id, a->end->attempt);

        const struct finding *found = hv_map_get(d->found, key);

        *ret = (struct hv_task_end_facts){
                .key = d->o.receipt_key,
                .node_id = d->node_id,
                .image_id = found ? found->image_id : NULL,
                .usage = found ? found->usage : (struct hv_task_usage){},
        };
        if (attempt.attempt > 0)
                ret->inputs_known =
                        hv_input_notes_read(d->work_root, &attempt, arena, &ret->inputs, &ret->n_inputs);
}

static void forget_finding(struct task_driver *d, const struct hv_action *a) {
        _hv_cleanup_free_ char *key = hv_asprintf("%s/%u", a->task_id, a->end->attempt);

        (void) hv_map_remove(d->found, key);
}

static void record(struct task_driver *d, const struct hv_action *a) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_task_end_facts facts = {};
        struct hv_ledger_assignment assignment;
        struct hv_task_asked asked = {};
        struct hv_err err = {};
        enum hv_outcome outcome;

        if (a->type == HV_ACTION_TASK_ACCEPT && d->o.key)
                asked.key = d->o.key(d->o.userdata, a->task_id);
        if (a->type == HV_ACTION_TASK_ACCEPT && d->o.assignment &&
            d->o.assignment(d->o.userdata, a->task_id, &assignment) > 0)
                asked.assignment = &assignment;
        if (a->type == HV_ACTION_TASK_END)
                find_end_facts(d, a, arena, &facts);
        outcome = hv_task_ledger_do(d->o.ledger, a, &asked, &facts, d->o.now(), &err);
        if (a->type == HV_ACTION_TASK_END && outcome == HV_OUTCOME_OK)
                forget_finding(d, a);

        tell(d, a, outcome, outcome == HV_OUTCOME_OK ? NULL : err.msg, NULL);
}

/* ---- prepare ---- */

static void on_prepared(void *userdata, const struct hv_prepared *result) {
        struct work *w = userdata;

        w->prepare = NULL;
        done(w,
             result->outcome == HV_PREPARE_OK        ? HV_OUTCOME_OK
             : result->outcome == HV_PREPARE_REFUSED ? HV_OUTCOME_REFUSED
                                                     : HV_OUTCOME_FAILED,
             result->message);
}

static void prepare(struct task_driver *d, const struct hv_action *a) {
        struct work *w = work_new(d, a);
        const struct hv_prepare_options options = {
                .event = d->o.event,
                .worker = d->o.worker,
                .transfer = d->o.transfer,
                .task = a->task,
                .attempt = a->attempt,
                .owner = { .uid = a->task->uid, .gid = a->task->gid },
                .work_root = d->work_root,
                .inbox = d->inbox,
                .allow_private = d->o.allow_private,
                .done = on_prepared,
                .userdata = w,
        };

        w->prepare = hv_task_prepare(&options);
}

/* ---- packages ---- */

static void on_packages(void *userdata, enum hv_outcome outcome, const char *message) {
        struct work *w = userdata;

        w->packages = NULL;
        done(w, outcome, message);
}

static void packages(struct task_driver *d, const struct hv_action *a) {
        const struct hv_task_packages *p = &a->task->packages;
        struct work *w = work_new(d, a);
        const struct hv_package_want_options options = {
                .task = a->task,
                .attempt = a->attempt,
                .revision = a->desired ? a->desired->revision : NULL,
                .done = on_packages,
                .userdata = w,
        };

        if (!p->index && !p->wheels)
                done(w, HV_OUTCOME_REFUSED,
                     "this node has no place to take Python packages from (taskDefaults.python: index or wheels); take an "
                     "image that has them, and write requirements: []");
        else
                w->packages = hv_package_want_new(d->o.builder, &options);
}

static void cancel(struct task_driver *d, const struct hv_action *a) {
        struct work *w;

        TAILQ_FOREACH (w, &d->works, link)
                if ((w->prepare || w->packages) && hv_streq(w->action->task_id, a->task_id))
                        break;
        if (w)
                done(w, HV_OUTCOME_FAILED, "cancelled: the task is to stop");
        tell(d, a, HV_OUTCOME_OK, NULL, NULL);
}

/* ---- collect ---- */

static void on_collected(void *userdata, const struct hv_collected *result) {
        struct work *w = userdata;
        const struct hv_action *action = w->action;
        struct task_driver *d = w->d;
        _hv_cleanup_free_ char *fault = NULL;
        struct hv_task_collected collected = {
                .log_bytes = result->log.size_bytes,
                .log_truncated = result->log.truncated,
                .n_outputs = (unsigned) result->manifest.n_files,
                .outputs_bytes = result->manifest.size_bytes,
                .outputs_truncated = result->manifest.truncated,
        };

        w->collect = NULL;
        if (result->error) {
                done(w, HV_OUTCOME_FAILED, result->message);
                return;
        }
        memcpy(collected.log_sha256, result->log.sha256, sizeof collected.log_sha256);
        memcpy(collected.manifest_sha256, result->manifest.sha256, sizeof collected.manifest_sha256);
        if (*result->checkpoint_fault)
                fault = hv_asprintf("the next attempt begins anew: %s", result->checkpoint_fault);
        work_free(w);
        tell(d, action, HV_OUTCOME_OK, fault, &collected);
}

static void on_log(void *userdata, const struct hv_docker_log *piece) {
        struct work *w = userdata;

        if (!hv_collect_log(w->collect,
                            piece->output == HV_DOCKER_STDERR ? HV_LOG_FROM_STDERR : HV_LOG_FROM_STDOUT,
                            piece->data, piece->len))
                hv_docker_call_pause(w->log, true);
}

static void on_log_room(void *userdata) {
        struct work *w = userdata;

        if (w->log)
                hv_docker_call_pause(w->log, false);
}

/* A driver such as "none" or "syslog" keeps nothing that could be read back (docker, daemon/logger). */
static bool has_no_log(const struct hv_docker_result *r) {
        return r->outcome == HV_DOCKER_NOT_FOUND ||
               strcasestr(r->message, "does not support reading") != NULL;
}

static void on_log_end(void *userdata, struct hv_docker_result *result) {
        struct work *w = userdata;

        w->log = NULL;
        if (result->outcome == HV_DOCKER_OK || has_no_log(result)) {
                hv_collect_finish(w->collect);
                return;
        }
        done(w, hv_observe_docker_outcome(result->outcome, w->action->type), result->message);
}

static void ask_for_log(struct work *w) {
        const struct hv_docker_logs log = {
                .tail = -1, .timestamps = w->log_is_local, .fn = on_log, .userdata = w
        };

        w->log = hv_docker_container_logs(w->d->o.docker, w->action->target, &log,
                                          (struct hv_docker_then){ .fn = on_log_end, .userdata = w });
}

/* Which image a tag stood for is known for certain only from the container. NULL: it is gone. */
static void note_finding(struct work *w, const struct hv_docker_container *container) {
        const struct hv_action *a = w->action;
        const struct hv_attempt_ref ref = { a->task->unit.cgroup_parent, a->task_id, a->attempt };
        struct finding *f = HV_NEW(struct finding);
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        _hv_cleanup_free_ char *key = attempt_key(a);

        f->image_id = hv_strdup(container ? container->image_id : NULL);
        f->usage = hv_attempt_cgroups_read(w->d->o.cgroups, &ref, container);
        if (w->d->o.gpu_use)
                f->usage.gpu =
                        w->d->o.gpu_use(w->d->o.userdata, hv_task_container(a->task, a->attempt, arena),
                                        container ? container->id : NULL);
        hv_collect_usage(w->collect, &f->usage);
        hv_map_put(w->d->found, key, f);
}

static void on_look_end(void *userdata, struct hv_docker_result *result) {
        struct work *w = userdata;

        w->look = NULL;
        if (result->outcome != HV_DOCKER_OK && result->outcome != HV_DOCKER_NOT_FOUND) {
                done(w, hv_observe_docker_outcome(result->outcome, w->action->type), result->message);
                return;
        }
        if (result->outcome == HV_DOCKER_OK && result->container) {
                const struct hv_docker_container *k = result->container;

                note_finding(w, k);
                w->log_is_local = hv_streq(k->log_driver, "local");
                hv_collect_log_from(w->collect, k->log_driver,
                                    hv_log_is_cut(hv_docker_engine(w->d->o.docker), k));
        } else {
                note_finding(w, NULL);
                hv_collect_log_from(w->collect, "json-file", false); /* its bytes take the most room */
        }
        ask_for_log(w);
}

static void collect(struct task_driver *d, const struct hv_action *a) {
        struct work *w = work_new(d, a);
        const struct hv_collect_options options = {
                .worker = d->o.worker,
                .work_root = d->work_root,
                .results_root = d->results_root,
                .attempt = { .id = a->task_id, .attempt = a->attempt },
                .outputs = a->task->outputs,
                .max_bytes = a->task->outputs_max_bytes,
                .max_files = a->task->outputs_max_files,
                .checkpoint = a->is_checkpoint ? a->task->checkpoint_path : NULL,
                .owner = { .uid = a->task->uid, .gid = a->task->gid },
                .keep_us = a->task->outputs_keep_us,
                .log_cap_bytes = a->task->log_max_bytes,
                .log_room = on_log_room,
                .done = on_collected,
                .userdata = w,
        };
        w->collect = hv_collect_new(&options);
        if (a->target)
                w->look = hv_docker_container_inspect(
                        d->o.docker, a->target, (struct hv_docker_then){ .fn = on_look_end, .userdata = w });
        else {
                note_finding(w, NULL);
                hv_collect_finish(w->collect);
        }
}

/* ---- remove ---- */

/* The last one takes along what a crash left of those before it. */
static void remove_cgroups(struct task_driver *d, const struct hv_action *a) {
        for (unsigned i = a->final ? 1 : a->attempt; a->task && i <= a->attempt; i++) {
                const struct hv_attempt_ref ref = { a->task->unit.cgroup_parent, a->task_id, i };

                hv_attempt_cgroups_remove(d->o.cgroups, &ref);
        }
}

static void on_cleaned(void *userdata, int error, const char *message) {
        struct work *w = userdata;

        w->removal = NULL;
        done(w, error ? HV_OUTCOME_FAILED : HV_OUTCOME_OK, message);
}

static void clean(struct task_driver *d, const struct hv_action *a) {
        struct work *w = work_new(d, a);
        const struct hv_removal_options options = {
                .worker = d->o.worker,
                .work_root = d->work_root,
                .attempt = { .id = a->task_id, .attempt = a->final ? 0 : a->attempt },
                .done = on_cleaned,
                .userdata = w,
        };

        remove_cgroups(d, a);
        w->removal = hv_task_remove(&options);
}

/* ---- withhold ---- */

static void on_withheld(void *userdata, int error, const char *message) {
        struct work *w = userdata;

        w->withholding = NULL;
        done(w,
             error == 0         ? HV_OUTCOME_OK
             : error == -ENOENT ? HV_OUTCOME_NOT_FOUND
                                : HV_OUTCOME_FAILED,
             message);
}

static void withhold(struct task_driver *d, const struct hv_action *a) {
        struct work *w = work_new(d, a);
        const struct hv_withholding_options options = {
                .worker = d->o.worker,
                .work_root = d->work_root,
                .attempt = { .id = a->task_id, .attempt = a->attempt },
                .restore = a->type == HV_ACTION_TASK_RESTORE,
                .done = on_withheld,
                .userdata = w,
        };

        w->withholding = hv_task_withhold(&options);
}

/* ---- forget ---- */

/* Results first: a record without files can be told about, files without a record would be forgotten for ever. */
static void forget_next(struct work *w);

static void on_result_removed(void *userdata, int error, const char *message) {
        struct work *w = userdata;

        w->removal = NULL;
        if (error)
                done(w, HV_OUTCOME_FAILED, message);
        else
                forget_next(w);
}

static void forget_next(struct work *w) {
        struct task_driver *d = w->d;
        const struct hv_removal_options options = {
                .worker = d->o.worker,
                .work_root = d->work_root,
                .results_root = d->results_root,
                .attempt = { .id = w->action->task_id, .attempt = w->next_attempt },
                .done = on_result_removed,
                .userdata = w,
        };
        const struct hv_action *a = w->action;

        if (w->next_attempt > 0) {
                w->next_attempt--;
                w->removal = hv_task_remove(&options);
                return;
        }
        work_free(w);
        record(d, a);
}

static void forget(struct task_driver *d, const struct hv_action *a) {
        struct work *w = work_new(d, a);

        w->next_attempt = a->attempt;
        forget_next(w);
}

/* ---- driver ---- */

static void (*const perform[HV_N_ACTIONS])(struct task_driver *d, const struct hv_action *a) = {
        [HV_ACTION_TASK_ACCEPT] = record,     [HV_ACTION_TASK_STOPPING] = record,
        [HV_ACTION_TASK_BEGIN] = record,      [HV_ACTION_TASK_END] = record,
        [HV_ACTION_TASK_EVICTING] = record,   [HV_ACTION_TASK_PREPARE] = prepare,
        [HV_ACTION_TASK_PACKAGES] = packages, [HV_ACTION_TASK_CANCEL] = cancel,
        [HV_ACTION_TASK_COLLECT] = collect,   [HV_ACTION_TASK_CLEAN] = clean,
        [HV_ACTION_TASK_WITHHOLD] = withhold, [HV_ACTION_TASK_RESTORE] = withhold,
        [HV_ACTION_TASK_FORGET] = forget,     [HV_ACTION_CRON_ADVANCE] = record,
        [HV_ACTION_CRON_SUSPEND] = record,
};

static bool can(const struct hv_driver *driver, enum hv_action_type type) {
        (void) driver;
        return type < HV_N_ACTIONS && perform[type];
}

static void submit(struct hv_driver *driver, const struct hv_action *action) {
        struct task_driver *d = (struct task_driver *) driver;

        perform[action->type](d, action);
}

static struct hv_driver *driver_free(struct hv_driver *driver) {
        struct task_driver *d = (struct task_driver *) driver;
        struct work *w;

        while ((w = TAILQ_FIRST(&d->works)))
                work_free(w);
        (void) hv_map_free(d->found);
        free(d->node_id);
        free(d->work_root);
        free(d->results_root);
        free(d->inbox);
        free(d);
        return NULL;
}

struct hv_driver *hv_task_driver_new(const struct hv_task_driver_options *options) {
        static const struct hv_driver_ops ops = {
                .name = "task", .can = can, .submit = submit, .free = driver_free
        };
        struct task_driver *d = HV_NEW(struct task_driver);

        d->base.ops = &ops;
        d->o = *options;
        d->work_root = hv_strdup(options->work_root);
        d->results_root = hv_strdup(options->results_root);
        d->inbox = hv_strdup(options->inbox);
        d->node_id = hv_strdup(options->node_id);
        d->found = hv_map_new(finding_free);
        TAILQ_INIT(&d->works);
        return &d->base;
}
