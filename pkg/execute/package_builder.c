/* execute/package_builder.c - see package_builder.h: wants, and the directory of packages. */
#include <errno.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "docker/image.h"
#include "execute/observe.h"
#include "execute/package_internal.h"
#include "log/log.h"
#include "task/python_packages.h"

#define SWEEP_EVERY_US HV_USEC_PER_HOUR
#define SWEEP_ACCURACY_US HV_USEC_PER_MIN

/* --- the disk --- */

static void on_thread(struct hv_job *job) {
        struct disk_work *d = (struct disk_work *) job;

        d->result = d->run(d);
}

static void on_loop(struct hv_job *job) {
        struct disk_work *d = (struct disk_work *) job;

        if (!job->dropped && d->owner)
                d->then(d);
        hv_task_unref(d->task);
        free(d->path);
        (void) hv_arena_free(d->arena);
        free(d);
}

struct disk_work *hv_disk_work_new(struct hv_package_builder *b, void *owner, const struct hv_package_want *w,
                                   int (*run)(struct disk_work *), void (*then)(struct disk_work *)) {
        struct disk_work *d = HV_NEW(struct disk_work);

        d->job.run = on_thread;
        d->job.done = on_loop;
        d->run = run;
        d->then = then;
        d->owner = owner;
        d->arena = hv_arena_new();
        d->root = hv_arena_strdup(d->arena, b->root);
        d->work_root = hv_arena_strdup(d->arena, b->work_root);
        d->keep_us = b->keep_us;
        if (w) {
                d->task = hv_task_ref(w->task);
                d->attempt = (struct hv_attempt){ .id = d->task->id, .attempt = w->attempt };
                d->image_id = hv_arena_strdup(d->arena, w->image_id);
        }
        return d;
}

struct disk_work *hv_disk_work_leave(struct disk_work *d) {
        if (d) {
                d->owner = NULL;
                hv_job_cancel(&d->job);
        }
        return NULL;
}

/* --- sweeping --- */

static int sweep_on_thread(struct disk_work *d) {
        return hv_packages_sweep(d->root, d->work_root, &d->under_way, d->keep_us, &d->job, &d->err);
}

static void swept(struct disk_work *d) {
        if (d->result < 0 && d->result != -ECANCELED)
                (void) hv_log_error(d->result, "what is left of Python packages cannot be removed: %s",
                                    d->err.msg);
}

static void sweep(struct hv_package_builder *b) {
        struct disk_work *d = hv_disk_work_new(b, b, NULL, sweep_on_thread, swept);
        const struct build *g;
        const char **v;
        size_t n = 0;

        TAILQ_FOREACH (g, &b->builds, link)
                n++;
        v = HV_ARENA_NEW_N(d->arena, const char *, n + 1);
        n = 0;
        TAILQ_FOREACH (g, &b->builds, link) {
                const struct hv_attempt a = { .id = g->leader->task->id, .attempt = g->leader->attempt };
                _hv_cleanup_free_ char *name = hv_packages_build_name(&a);

                v[n++] = hv_arena_strdup(d->arena, name);
        }
        d->under_way = (struct hv_strv){ v, n };
        hv_worker_add(b->o.worker, &d->job);
}

static int on_hour(sd_event_source *s, uint64_t at_us, void *userdata) {
        (void) at_us;
        sweep(userdata);
        (void) sd_event_source_set_time_relative(s, SWEEP_EVERY_US);
        (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

/* --- wants --- */

static void finish(struct hv_package_want *w, enum hv_outcome outcome, const char *message) {
        void (*done)(void *, enum hv_outcome, const char *) = w->done;
        _hv_cleanup_free_ char *copy = hv_strdup(message);
        void *userdata = w->userdata;

        (void) hv_package_want_free(w);
        done(userdata, outcome, copy);
}

static struct build *find_build(const struct hv_package_builder *b, const char *key) {
        struct build *g;

        TAILQ_FOREACH (g, &b->builds, link)
                if (hv_streq(g->key, key))
                        return g;
        return NULL;
}

static int find_on_thread(struct disk_work *d) {
        int r = hv_packages_key(d->image_id, &d->task->packages, d->key, &d->err);

        return r < 0 ? r : hv_packages_use(d->root, d->key, d->work_root, &d->attempt, &d->err);
}

static void found(struct disk_work *d) {
        struct hv_package_want *w = d->owner;

        w->work = NULL;
        if (d->result < 0) {
                finish(w, d->result == -EBADMSG ? HV_OUTCOME_REFUSED : HV_OUTCOME_FAILED, d->err.msg);
                return;
        }
        if (d->result > 0) {
                finish(w, HV_OUTCOME_OK, NULL);
                return;
        }
        w->build = find_build(w->b, d->key);
        if (!w->build)
                w->build = hv_package_build_new(w, d->key);
}

static void find(struct hv_package_want *w) {
        w->work = hv_disk_work_new(w->b, w, w, find_on_thread, found);
        hv_worker_add(w->b->o.worker, &w->work->job);
}

static void on_image(void *userdata, struct hv_docker_result *result) {
        struct hv_package_want *w = userdata;

        w->call = NULL;
        if (result->outcome != HV_DOCKER_OK) {
                finish(w, hv_observe_docker_outcome(result->outcome, HV_ACTION_TASK_PACKAGES),
                       result->message);
                return;
        }
        if (hv_str_empty(result->image->id)) {
                finish(w, HV_OUTCOME_FAILED, "the engine does not say which image that is");
                return;
        }
        w->image_id = hv_strdup(result->image->id);
        find(w);
}

struct hv_package_want *hv_package_want_new(struct hv_package_builder *b,
                                            const struct hv_package_want_options *options) {
        struct hv_package_want *w = HV_NEW(struct hv_package_want);

        w->b = b;
        w->task = hv_task_ref((struct hv_task *) options->task);
        w->attempt = options->attempt;
        w->revision = hv_strdup(options->revision ? options->revision : "");
        w->done = options->done;
        w->userdata = options->userdata;
        TAILQ_INSERT_TAIL(&b->wants, w, link);
        w->call = hv_docker_image_inspect(b->o.docker, w->task->unit.image,
                                          (struct hv_docker_then){ .fn = on_image, .userdata = w });
        return w;
}

/* Those who waited look again: one of them begins anew. */
static void look_again(struct build *g) {
        struct hv_package_want *w;

        TAILQ_FOREACH (w, &g->b->wants, link) {
                if (w->build != g)
                        continue;
                w->build = NULL;
                find(w);
        }
}

static void end_build(struct build *g) {
        struct hv_package_builder *b = g->b;

        TAILQ_REMOVE(&b->builds, g, link);
        (void) hv_package_build_free(g);
        sweep(b);
}

struct hv_package_want *hv_package_want_free(struct hv_package_want *w) {
        struct build *g = w ? w->build : NULL;

        if (!w)
                return NULL;
        TAILQ_REMOVE(&w->b->wants, w, link);
        w->build = NULL;
        if (g && g->leader == w) {
                look_again(g);
                end_build(g);
        }
        hv_docker_call_cancel(w->call);
        w->work = hv_disk_work_leave(w->work);
        hv_task_unref(w->task);
        free(w->image_id);
        free(w->revision);
        free(w);
        return NULL;
}

void hv_package_build_over(struct build *g, enum hv_outcome outcome, const char *message) {
        _hv_cleanup_free_ char *copy = hv_strdup(message);
        struct hv_package_builder *b = g->b;
        struct hv_package_want *w;

        if (outcome == HV_OUTCOME_OK)
                look_again(g);
        TAILQ_FOREACH (w, &b->wants, link)
                if (w->build == g) {
                        w->build = NULL;
                        w->is_over = true;
                }
        end_build(g);
        /* Whoever is told may want something new, or leave: each time from the first one again. */
        do {
                TAILQ_FOREACH (w, &b->wants, link)
                        if (w->is_over)
                                break;
                if (w)
                        finish(w, outcome, copy);
        } while (w);
}

/* --- the builder --- */

void hv_package_builder_keep(struct hv_package_builder *b, uint64_t keep_us) {
        b->keep_us = keep_us;
}

struct hv_package_builder *hv_package_builder_new(const struct hv_package_builder_options *options) {
        struct hv_package_builder *b = HV_NEW(struct hv_package_builder);

        b->o = *options;
        b->root = hv_strdup(options->root);
        b->work_root = hv_strdup(options->work_root);
        b->node_id = hv_strdup(options->node_id);
        TAILQ_INIT(&b->wants);
        TAILQ_INIT(&b->builds);
        /* What a crash left, first: nothing is under way yet. */
        (void) sd_event_add_time_relative(options->event, &b->hourly, CLOCK_MONOTONIC, 0, SWEEP_ACCURACY_US,
                                          on_hour, b);
        return b;
}

struct hv_package_builder *hv_package_builder_free(struct hv_package_builder *b) {
        struct hv_package_want *w;
        struct build *g;

        if (!b)
                return NULL;
        while ((w = TAILQ_FIRST(&b->wants)))
                w->build = NULL, (void) hv_package_want_free(w);
        while ((g = TAILQ_FIRST(&b->builds))) {
                TAILQ_REMOVE(&b->builds, g, link);
                (void) hv_package_build_free(g);
        }
        (void) sd_event_source_disable_unref(b->hourly);
        free(b->node_id);
        free(b->work_root);
        free(b->root);
        free(b);
        return NULL;
}
