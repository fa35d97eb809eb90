/* agent/gpus.c - see gpus.h.
 *
 * Quiet    A machine without GPUs has no helper and no timer here; on another one a sample that says the same starts no pass. */
#include "agent/gpus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "agent/gpu_users.h"
#include "agent/monitor.h"
#include "agent/private.h"
#include "base/arena.h"
#include "base/fd.h"
#include "cgroup/counters.h"
#include "cgroup/tree.h"
#include "docker/container.h"
#include "execute/create.h"
#include "gpu/access.h"
#include "gpu/history.h"
#include "gpu/watch.h"
#include "log/log.h"
#include "reconcile/gpu.h"

#define ANSWER_TIMEOUT_US \
        (10 * HV_USEC_PER_SEC) /* nvidia-smi takes 2 s on a machine with eight GPUs that sleep */
#define INTERVAL_MIN_US (1 * HV_USEC_PER_SEC)
#define INTERVAL_DEFAULT_US (5 * HV_USEC_PER_SEC)
#define NOT_ASKED "their driver was not asked yet"

struct hv_agent_gpus {
        struct hv_agent *agent;
        struct hv_gpu_watch *watch;
        struct hv_gpus *last;
        struct hv_gpu_history *history;
        struct hv_buf told; /* what the core was told last */
        sd_event_source *timer;
        struct hv_gpu_users users;

        /* the look under way */
        struct hv_docker_call *call;
        char *container, *gpus, *id, *dir;
        size_t at; /* offset of the next UUID in `gpus` */
};

/* ---- what there is ---- */

static const struct hv_gpu_rules *rules(const struct hv_agent *a) {
        const struct hv_desired *d = hv_core_active(a->core);

        return d ? &d->settings.gpus : NULL;
}

static const char *withheld(const struct hv_agent *a) {
        return a->docker ? hv_create_gpus_withheld(hv_docker_engine(a->docker)) : NULL;
}

static void tell_core(struct hv_agent_gpus *g) {
        struct hv_seen_gpu v[HV_GPUS_MAX];
        struct hv_seen_gpus seen = { .is_known = g->last->is_known,
                                     .message = *g->last->problem ? g->last->problem : NOT_ASKED,
                                     .withheld = withheld(g->agent),
                                     .v = v };
        const struct hv_input in = { .type = HV_INPUT_GPUS, .gpus = &seen };
        struct hv_buf now = {};

        hv_buf_printf(&now, "%d %s %s\n", seen.is_known, g->last->problem,
                      seen.withheld ? seen.withheld : "");
        for (; seen.n < g->last->n; seen.n++) {
                const struct hv_gpu *k = &g->last->v[seen.n];

                v[seen.n] = (struct hv_seen_gpu){ .uuid = k->uuid,
                                                  .name = k->name,
                                                  .memory_bytes = k->memory_bytes,
                                                  .is_whole = k->state != HV_GPU_MIG,
                                                  .works = k->state != HV_GPU_LOST };
                hv_buf_printf(&now, "%s %s %d %llu\n", k->uuid, k->name, k->state,
                              (unsigned long long) k->memory_bytes);
        }
        if (hv_streq(hv_buf_str(&now), hv_buf_str(&g->told))) {
                hv_buf_done(&now);
                return;
        }
        hv_buf_done(&g->told);
        g->told = now;
        (void) hv_agent_input(g->agent, &in, NULL);
}

void hv_agent_gpus_engine(struct hv_agent *a) {
        if (!a->gpus)
                return;
        hv_source_set_gpus_withheld(a->sources, withheld(a));
        tell_core(a->gpus);
}

static void log_change(const struct hv_gpus *before, const struct hv_gpus *now) {
        if (now->is_known && now->n > 0 && (!before->is_known || before->n != now->n))
                hv_log_info("%u GPU%s, NVIDIA driver %s", now->n, now->n == 1 ? "" : "s", now->driver);
        if (!now->is_known && !hv_streq(before->problem, now->problem))
                (void) hv_log_warn(-EIO, "GPUs: %s", now->problem);
        for (unsigned i = 0; i < now->n; i++) {
                const struct hv_gpu *was = hv_gpus_find(before, now->v[i].uuid);

                if (now->v[i].state == HV_GPU_LOST && (!was || was->state != HV_GPU_LOST))
                        (void) hv_log_warn(-EIO, "GPU %u (%s) is lost: its driver does not reach it any more",
                                           i, *now->v[i].uuid ? now->v[i].uuid : "never seen");
        }
}

void hv_gpus_as_facts(const struct hv_gpus *gpus, struct hv_source_set *sources) {
        struct hv_spec_gpu_fact v[HV_GPUS_MAX];
        size_t n = 0;

        for (unsigned i = 0; i < gpus->n; i++)
                if (gpus->v[i].state == HV_GPU_WORKS)
                        v[n++] = (struct hv_spec_gpu_fact){ gpus->v[i].uuid, gpus->v[i].name,
                                                            gpus->v[i].memory_bytes };
        if (gpus->is_known)
                hv_source_set_gpus(sources, v, n);
}

struct one_look {
        struct hv_source_set *sources;
        bool is_over;
};

static void on_one_look(void *userdata, const struct hv_gpus *gpus) {
        struct one_look *look = userdata;

        hv_gpus_as_facts(gpus, look->sources);
        look->is_over = true;
}

/* The watch ends a helper that does not answer, and tells. */
void hv_gpus_ask_once(struct hv_source_set *sources) {
        struct one_look look = { .sources = sources };
        const struct hv_gpu_watch_options options = { .interval_us = INTERVAL_DEFAULT_US,
                                                      .timeout_us = HV_GPUS_CHECK_US / HV_GPU_FIRST_FACTOR,
                                                      .told = on_one_look,
                                                      .userdata = &look };
        _hv_cleanup_(hv_gpu_watch_freep) struct hv_gpu_watch *watch = NULL;
        _hv_cleanup_(sd_event_unrefp) sd_event *event = NULL;

        if (sd_event_new(&event) < 0 || hv_gpu_watch_new(event, &options, &watch, NULL) < 0)
                return;
        while (!look.is_over && sd_event_run(event, UINT64_MAX) >= 0)
                ;
}

static uint64_t sample_interval_us(const struct hv_agent *a) {
        const struct hv_desired *d = hv_core_active(a->core);

        return HV_MAX(d && d->settings.monitor_us ? d->settings.monitor_us : INTERVAL_DEFAULT_US,
                      INTERVAL_MIN_US);
}

static void on_sample(void *userdata, const struct hv_gpus *gpus) {
        struct hv_agent_gpus *g = userdata;

        log_change(g->last, gpus);
        hv_gpus_as_facts(gpus, g->agent->sources);
        *g->last = *gpus;
        hv_agent_monitor_gpus_told(g->agent, gpus);
        hv_gpu_history_add(g->history, gpus, hv_agent_wall_us());
        hv_gpu_watch_set_interval(g->watch, sample_interval_us(g->agent));
        (void) sd_event_source_set_enabled(g->timer, gpus->n > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
        tell_core(g);
}

/* ---- who uses one ---- */

static void follow(struct hv_agent_gpus *g, uint64_t now_us) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_task_status *live;
        struct hv_status status;
        size_t n_live;

        hv_core_status(g->agent->core, now_us, arena, &status);
        live = hv_core_live_tasks(g->agent->core, now_us, arena, &n_live);
        hv_gpu_users_follow(&g->users, &status, live, n_live);
}

/* ---- may it still use it? ---- */

static void look_at_next(struct hv_agent_gpus *g);

static void end_look(struct hv_agent_gpus *g) {
        free(HV_STEAL(g->container));
        free(HV_STEAL(g->gpus));
        free(HV_STEAL(g->id));
        free(HV_STEAL(g->dir));
        g->at = 0;
}

static void tell_lost(struct hv_agent_gpus *g, const char *uuid) {
        char text[160];
        const struct hv_input in = { .type = HV_INPUT_GPU_LOST, .text = g->id, .message = text };

        (void) snprintf(text, sizeof text, "its cgroup does not let it use %s any more", uuid);
        (void) hv_agent_input(g->agent, &in, NULL);
        end_look(g);
        look_at_next(g);
}

static void check_next_gpu(struct hv_agent_gpus *g, bool is_v2);

static void on_access(void *userdata, int r) {
        struct hv_agent_gpus *g = userdata;
        size_t len = strcspn(g->gpus + g->at, ",");
        char uuid[HV_GPU_TEXT_SIZE];

        (void) snprintf(uuid, sizeof uuid, "%.*s", (int) len, g->gpus + g->at);
        if (r == -EPERM) {
                tell_lost(g, uuid);
                return;
        }
        g->at += len + (g->gpus[g->at + len] == ',');
        check_next_gpu(g, true);
}

static void check_next_gpu(struct hv_agent_gpus *g, bool is_v2) {
        while (g->gpus[g->at]) {
                size_t len = strcspn(g->gpus + g->at, ",");
                char uuid[HV_GPU_TEXT_SIZE], node[64];
                const struct hv_gpu *k;
                struct stat st;
                unsigned major_number = HV_GPU_MAJOR;

                (void) snprintf(uuid, sizeof uuid, "%.*s", (int) len, g->gpus + g->at);
                k = hv_gpus_find(g->last, uuid);
                if (k && k->minor >= 0) {
                        (void) snprintf(node, sizeof node, "/dev/nvidia%d", k->minor);
                        if (stat(node, &st) == 0 && S_ISCHR(st.st_mode))
                                major_number = major(st.st_rdev);
                        if (is_v2 && hv_gpu_watch_access(g->watch, g->dir, node, on_access, g) == 0)
                                return;
                        if (!is_v2 &&
                            hv_gpu_access_v1(g->dir, major_number, (unsigned) k->minor, NULL) == -EPERM) {
                                tell_lost(g, uuid);
                                return;
                        }
                }
                g->at += len + (g->gpus[g->at + len] == ',');
        }
        end_look(g);
        look_at_next(g);
}

/* Where the rules for its devices stand: of version 2 the cgroup of its first process, for one that has others below it takes no
 * process. NULL: it cannot be seen from here. */
static char *find_rules(int pid, const char *id, bool *ret_is_v2) {
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *tree = NULL;
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        _hv_cleanup_free_ char *own = NULL;
        _hv_cleanup_free_ char *below = NULL;
        struct hv_cgroup_place place;
        char name[64], text[8192], *found;
        ssize_t n;

        (void) snprintf(name, sizeof name, "/proc/%d/cgroup", pid);
        fd = open(name, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (n < 0 || hv_cgroup_tree_new(NULL, &tree, NULL) < 0 ||
            hv_cgroup_find(tree, "devices", "", &place, NULL) < 0)
                return NULL;
        text[n] = '\0';
        *ret_is_v2 = place.is_v2;
        own = hv_cgroup_path_of_process(text, place.is_v2 ? "" : "devices", id);
        below = hv_cgroup_path_of_process(text, place.is_v2 ? "" : "devices", NULL);
        found = own ? hv_asprintf("%s%s", place.dir, place.is_v2 ? below : own) : NULL;
        free(place.dir);
        return found;
}

static void on_inspected(void *userdata, struct hv_docker_result *result) {
        struct hv_agent_gpus *g = userdata;
        const struct hv_docker_container *c = result->outcome == HV_DOCKER_OK ? result->container : NULL;
        bool is_v2 = false;

        g->call = NULL;
        if (c && c->pid > 0)
                g->dir = find_rules(c->pid, c->id, &is_v2);
        if (!g->dir) {
                end_look(g);
                look_at_next(g);
                return;
        }
        g->id = hv_strdup(c->id);
        check_next_gpu(g, is_v2);
}

static void look_at_next(struct hv_agent_gpus *g) {
        struct hv_agent *a = g->agent;
        const struct hv_gpu_rules *r = rules(a);
        const struct hv_gpu_user *u;

        if (g->container || !a->docker || !r || !hv_core_is_engine_ready(a->core))
                return;
        u = hv_gpu_users_next_due(&g->users, r->health_interval_us, hv_agent_now_us());
        if (!u)
                return;
        g->container = hv_strdup(u->container);
        g->gpus = hv_strdup(u->gpus);
        g->call = hv_docker_container_inspect(a->docker, u->container,
                                              (struct hv_docker_then){ .fn = on_inspected, .userdata = g });
}

static int on_timer(sd_event_source *s, uint64_t at_us, void *userdata) {
        struct hv_agent_gpus *g = userdata;

        (void) at_us;
        (void) sd_event_source_set_time_relative(s, sample_interval_us(g->agent));
        (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        follow(g, hv_agent_now_us());
        look_at_next(g);
        return 0;
}

/* ---- for others ---- */

const struct hv_gpus *hv_agent_gpus_told(const struct hv_agent *a) {
        return a->gpus && (a->gpus->last->is_known || *a->gpus->last->problem) ? a->gpus->last : NULL;
}

const struct hv_gpus *hv_agent_gpus_last(const struct hv_agent *a) {
        return a->gpus && a->gpus->last->n > 0 ? a->gpus->last : NULL;
}

const struct hv_gpu_history *hv_agent_gpus_history(const struct hv_agent *a) {
        return a->gpus ? a->gpus->history : NULL;
}

double hv_gpus_use_percent(const struct hv_gpus *gpus) {
        unsigned n = 0;
        double sum = 0;

        for (unsigned i = 0; gpus && i < gpus->n; i++)
                if (gpus->v[i].use_percent >= 0) {
                        sum += gpus->v[i].use_percent;
                        n++;
                }
        return n ? sum / n : -1;
}

double hv_gpus_memory_percent(const struct hv_gpus *gpus) {
        uint64_t used = 0, all = 0;

        for (unsigned i = 0; gpus && i < gpus->n; i++)
                if (gpus->v[i].memory_used_bytes >= 0 &&
                    !*gpus->v[i].parent) { /* an instance's is its parent's */
                        used += (uint64_t) gpus->v[i].memory_used_bytes;
                        all += gpus->v[i].memory_bytes;
                }
        return all ? 100.0 * (double) used / (double) all : -1;
}

/* ---- life ---- */

int hv_agent_gpus_init(struct hv_agent *a, struct hv_err *err) {
        static const struct hv_seen_gpus nobody_has_told = { .message = NOT_ASKED };
        const struct hv_input in = { .type = HV_INPUT_GPUS, .gpus = &nobody_has_told };
        struct hv_agent_gpus *g = HV_NEW(struct hv_agent_gpus);
        const struct hv_gpu_watch_options options = { .interval_us = INTERVAL_DEFAULT_US,
                                                      .timeout_us = ANSWER_TIMEOUT_US,
                                                      .told = on_sample,
                                                      .userdata = g };
        int r;

        g->agent = a;
        g->last = HV_NEW(struct hv_gpus);
        g->history = hv_gpu_history_new();
        a->gpus = g;
        (void) hv_agent_input(a, &in, NULL);
        r = sd_event_add_time_relative(a->event, &g->timer, CLOCK_BOOTTIME, INTERVAL_MIN_US, 0, on_timer, g);
        if (r >= 0)
                r = sd_event_source_set_enabled(g->timer, SD_EVENT_OFF);
        if (r < 0)
                return hv_err_errno(err, r, "cannot set up the event loop");
        return hv_gpu_watch_new(a->event, &options, &g->watch, err);
}

void hv_agent_gpus_end(struct hv_agent *a) {
        struct hv_agent_gpus *g = a->gpus;

        if (!g)
                return;
        hv_docker_call_cancel(g->call);
        (void) hv_gpu_watch_free(g->watch);
        sd_event_source_disable_unref(g->timer);
        end_look(g);
        hv_gpu_users_done(&g->users);
        hv_buf_done(&g->told);
        (void) hv_gpu_history_free(g->history);
        free(g->last);
        free(g);
        a->gpus = NULL;
}
