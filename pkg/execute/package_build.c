/* execute/package_build.c - one build: its container, from the directory to the verdict.
 *
 *      directory --> create --> start --> wait --> look --> log --> judged, or kept
 *                                          ^
 *                       timeout, too large: killed, and waited for */
#include <errno.h>
#include <stdio.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "docker/container.h"
#include "execute/fail_point.h"
#include "execute/observe.h"
#include "execute/package_container.h"
#include "execute/package_internal.h"
#include "execute/package_judge.h"
#include "log/redact.h"
#include "task/python_packages.h"

#define TIMEOUT_US (30 * HV_USEC_PER_MIN)
#define LOOK_EVERY_US (5 * HV_USEC_PER_SEC)
#define ACCURACY_US HV_USEC_PER_SEC
#define LOG_KEPT ((size_t) 256 << 10)

static struct hv_docker_then then(struct build *g, hv_docker_done_fn *fn) {
        return (struct hv_docker_then){ .fn = fn, .userdata = g };
}

/* An engine or pip may quote what it was given. */
static void over(struct build *g, enum hv_outcome outcome, const char *message) {
        _hv_cleanup_free_ char *redacted = hv_log_redact(message);

        hv_package_build_over(g, outcome, redacted ? redacted : message);
}

static void over_by_engine(struct build *g, const struct hv_docker_result *result) {
        enum hv_outcome outcome = hv_observe_docker_outcome(result->outcome, HV_ACTION_TASK_PACKAGES);

        over(g, outcome == HV_OUTCOME_REFUSED ? outcome : HV_OUTCOME_FAILED, result->message);
}

/* --- the end --- */

static int commit_on_thread(struct disk_work *d) {
        return hv_packages_commit(d->root, &d->attempt, d->key, &d->job, &d->err);
}

static void committed(struct disk_work *d) {
        struct build *g = d->owner;

        g->work = NULL;
        if (d->result < 0) {
                over(g, d->result == -EBADMSG ? HV_OUTCOME_REFUSED : HV_OUTCOME_FAILED, d->err.msg);
                return;
        }
        hv_fail_place("packages_kept");
        over(g, HV_OUTCOME_OK, NULL);
}

static void commit(struct build *g) {
        g->work = hv_disk_work_new(g->b, g, g->leader, commit_on_thread, committed);
        (void) snprintf(g->work->key, sizeof g->work->key, "%s", g->key);
        hv_worker_add(g->b->o.worker, &g->work->job);
}

static void judge(struct build *g) {
        const struct hv_package_end end = {
                .exit_code = g->exit_code,
                .oom_killed = g->oom_killed,
                .memory_bytes = g->leader->task->unit.limits.memory_bytes,
                .image = g->leader->task->unit.image,
                .log = g->log ? g->log : "",
        };
        _hv_cleanup_(hv_buf_done) struct hv_buf message = {};
        enum hv_outcome outcome;

        if (g->why) {
                over(g, g->why_outcome, g->why);
                return;
        }
        if (g->exit_code == 0 && !g->oom_killed) {
                commit(g);
                return;
        }
        outcome = hv_package_judge(&end, &message);
        over(g, outcome, hv_buf_str(&message));
}

/* Only the end of it is of use, and a NUL would be the end of the text. */
static void on_log(void *userdata, const struct hv_docker_log *piece) {
        struct build *g = userdata;

        if (!g->log)
                g->log = hv_malloc(2 * LOG_KEPT + 1);
        for (size_t i = 0; i < piece->len; i++) {
                if (g->log_len == 2 * LOG_KEPT) {
                        memmove(g->log, g->log + LOG_KEPT, LOG_KEPT);
                        g->log_len = LOG_KEPT;
                }
                g->log[g->log_len++] = piece->data[i] ? piece->data[i] : '?';
        }
        g->log[g->log_len] = '\0';
}

static void on_log_end(void *userdata, struct hv_docker_result *result) {
        struct build *g = userdata;

        g->call = NULL;
        if (result->outcome != HV_DOCKER_OK && (g->exit_code != 0 || g->why))
                over_by_engine(g, result);
        else
                judge(g);
}

static void on_look_end(void *userdata, struct hv_docker_result *result) {
        const struct hv_docker_logs log = { .tail = -1, .fn = on_log, .userdata = userdata };
        struct build *g = userdata;

        g->call = NULL;
        if (result->outcome != HV_DOCKER_OK) {
                over_by_engine(g, result);
                return;
        }
        g->exit_code = result->container->exit_code;
        g->oom_killed = result->container->oom_killed;
        g->call = hv_docker_container_logs(g->b->o.docker, g->id, &log, then(g, on_log_end));
}

static void on_exit_of_it(void *userdata, struct hv_docker_result *result) {
        struct build *g = userdata;

        g->call = NULL;
        g->has_ended = true;
        (void) sd_event_source_set_enabled(g->timeout, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(g->look, SD_EVENT_OFF);
        if (result->outcome != HV_DOCKER_OK) {
                over_by_engine(g, result);
                return;
        }
        hv_fail_place("packages_installed");
        g->call = hv_docker_container_inspect(g->b->o.docker, g->id, then(g, on_look_end));
}

/* --- while it runs --- */

static void on_killed(void *userdata, struct hv_docker_result *result) {
        struct build *g = userdata;

        g->kill = NULL;
        /* Otherwise it is waited for, or has ended by itself. What runs on all the same is cleared away by the core. */
        if (result->outcome != HV_DOCKER_OK && !g->has_ended)
                over(g, g->why_outcome, g->why);
}

static void end_for(struct build *g, enum hv_outcome outcome, const char *why) {
        if (g->why || g->has_ended)
                return;
        g->why = why;
        g->why_outcome = outcome;
        g->kill = hv_docker_container_kill(g->b->o.docker, g->id, NULL, then(g, on_killed));
}

static int on_timeout(sd_event_source *s, uint64_t at_us, void *userdata) {
        struct build *g = userdata;

        (void) s;
        (void) at_us;
        end_for(g, HV_OUTCOME_FAILED, "packages were not installed within 30 minutes");
        return 0;
}

static int check_size_on_thread(struct disk_work *d) {
        return hv_packages_check_size(d->root, &d->attempt, &d->job, &d->err);
}

static void measured(struct disk_work *d) {
        struct build *g = d->owner;

        g->measure = NULL;
        if (d->result == -EBADMSG)
                end_for(g, HV_OUTCOME_REFUSED,
                        "the packages need more than 10 GiB, or have more than 200,000 files");
        if (g->why || g->has_ended)
                return;
        (void) sd_event_source_set_time_relative(g->look, LOOK_EVERY_US);
        (void) sd_event_source_set_enabled(g->look, SD_EVENT_ONESHOT);
}

static int on_look(sd_event_source *s, uint64_t at_us, void *userdata) {
        struct build *g = userdata;

        (void) s;
        (void) at_us;
        g->measure = hv_disk_work_new(g->b, g, g->leader, check_size_on_thread, measured);
        hv_worker_add(g->b->o.worker, &g->measure->job);
        return 0;
}

static void on_started(void *userdata, struct hv_docker_result *result) {
        struct build *g = userdata;
        _hv_cleanup_(hv_buf_done) struct hv_buf message = {};
        enum hv_outcome outcome;

        g->call = NULL;
        if (result->outcome != HV_DOCKER_OK && result->outcome != HV_DOCKER_NOT_MODIFIED) {
                if (result->outcome != HV_DOCKER_REFUSED && result->outcome != HV_DOCKER_ENGINE_ERROR &&
                    result->outcome != HV_DOCKER_NOT_FOUND) {
                        over_by_engine(g, result);
                        return;
                }
                outcome = hv_package_judge_start(g->leader->task->unit.image, result->message, &message);
                over(g, outcome, hv_buf_str(&message));
                return;
        }
        hv_fail_place("packages_started");
        (void) sd_event_add_time_relative(g->b->o.event, &g->timeout, CLOCK_MONOTONIC, TIMEOUT_US,
                                          ACCURACY_US, on_timeout, g);
        (void) sd_event_add_time_relative(g->b->o.event, &g->look, CLOCK_MONOTONIC, LOOK_EVERY_US,
                                          ACCURACY_US, on_look, g);
        g->call = hv_docker_container_wait(g->b->o.docker, g->id, HV_DOCKER_WAIT_NOT_RUNNING,
                                           then(g, on_exit_of_it));
}

/* --- its beginning --- */

static void on_created(void *userdata, struct hv_docker_result *result) {
        struct build *g = userdata;

        g->call = NULL;
        if (result->outcome != HV_DOCKER_OK) {
                over_by_engine(g, result);
                return;
        }
        g->id = hv_strdup(result->created->id);
        hv_fail_place("packages_made");
        g->call = hv_docker_container_start(g->b->o.docker, g->id, then(g, on_started));
}

static void create(struct build *g, const char *path) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_package_container c = {
                .task = g->leader->task,
                .attempt = g->leader->attempt,
                .image_id = g->leader->image_id,
                .key = g->key,
                .path = path,
        };
        const struct hv_create_for who = {
                .node_id = g->b->node_id,
                .revision = g->leader->revision,
                .engine = hv_docker_engine(g->b->o.docker),
                .work_root = g->b->work_root,
        };
        struct hv_docker_create body;
        struct hv_err err = {};

        if (hv_package_container(&c, &who, arena, &body, &err) < 0)
                over(g, HV_OUTCOME_FAILED, err.msg);
        else
                g->call = hv_docker_container_create(g->b->o.docker, &body, then(g, on_created));
}

static int begin_on_thread(struct disk_work *d) {
        struct hv_owner owner = hv_package_owner(d->task);

        return hv_packages_begin(d->root, &d->attempt, &owner, d->task->packages.requirements, &d->job,
                                 &d->path, &d->err);
}

static void begun(struct disk_work *d) {
        struct build *g = d->owner;

        g->work = NULL;
        if (d->result < 0)
                over(g, HV_OUTCOME_FAILED, d->err.msg);
        else
                create(g, d->path);
}

struct build *hv_package_build_new(struct hv_package_want *leader, const char *key) {
        struct build *g = HV_NEW(struct build);

        g->b = leader->b;
        g->leader = leader;
        (void) snprintf(g->key, sizeof g->key, "%s", key);
        TAILQ_INSERT_TAIL(&g->b->builds, g, link);
        g->work = hv_disk_work_new(g->b, g, leader, begin_on_thread, begun);
        hv_worker_add(g->b->o.worker, &g->work->job);
        return g;
}

struct build *hv_package_build_free(struct build *g) {
        hv_docker_call_cancel(g->call);
        hv_docker_call_cancel(g->kill);
        g->work = hv_disk_work_leave(g->work);
        g->measure = hv_disk_work_leave(g->measure);
        (void) sd_event_source_disable_unref(g->timeout);
        (void) sd_event_source_disable_unref(g->look);
        free(g->log);
        free(g->id);
        free(g);
        return NULL;
}
