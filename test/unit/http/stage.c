#include "stage.h"

#include "testing.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "ledger/attempt.h"
#include "ledger/promise.h"
#include "log/log.h"
#include "spec/load.h"
#include "spec/yaml.h"

static const char STATE[] =
        "apiVersion: hivelet/v1\n"
        "kind: NodeState\n"
        "metadata: {name: worker-1}\n"
        "spec:\n"
        "  networks:\n"
        "    - {name: backend, subnet: 172.30.0.0/24}\n"
        "  volumes:\n"
        "    - {name: data}\n"
        "  registries:\n"
        "    - {name: private, host: registry.example.org}\n"
        "  secrets:\n"
        "    - {name: db-password, fromCredential: db-password}\n"
        "  configs:\n"
        "    - name: web-conf\n"
        "      data: {nginx.conf: \"events {}\\n\"}\n"
        "  images:\n"
        "    preload: [{name: redis, ref: \"docker.io/library/redis:7.4\"}]\n"
        "  tasks:\n"
        "    - {name: sieve, image: \"docker.io/library/python:3.12\", command: [python, main.py]}\n"
        "  cronTasks:\n"
        "    - {name: nightly, schedule: \"15 3 * * *\", task: {image: \"docker.io/library/alpine:3.20\", command: [date]}}\n"
        "  services:\n"
        "    - {name: cache, image: \"docker.io/library/redis:7.4-alpine\", networks: [{name: backend}]}\n"
        "    - name: db\n"
        "      image: docker.io/library/postgres:16\n"
        "      env: [{name: POSTGRES_PASSWORD, value: hunter2-never-shown}]\n"
        "      networks: [{name: backend}]\n"
        "      mounts: [{volume: data, target: /data}]\n"
        "    - {name: proxy, image: \"docker.io/library/haproxy:3.0\"}\n"
        "    - name: web\n"
        "      image: docker.io/library/nginx:1.27-alpine\n"
        "      replicas: 2\n"
        "      labels: {tier: front}\n"
        "      networks: [{name: backend}]\n"
        "      ports: [{name: http, container: 80, host: 8080-8081}]\n"
        "      dependsOn: [{service: db, condition: started}]\n";

static uint64_t wall_now_us(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t) now.tv_sec * HV_USEC_PER_SEC + (uint64_t) now.tv_nsec / 1000;
}

static struct hv_desired *load(const char *text, struct hv_diags *diags) {
        const struct hv_spec_file file = { .name = "/etc/hivelet/node.yaml",
                                           .text = text,
                                           .len = strlen(text),
                                           .source = "file",
                                           .primary = true };
        const struct hv_spec_input in = {
                .files = &file, .n_files = 1, .read = hv_yaml_read, .hostname = "worker-1"
        };
        struct hv_desired *d = NULL;

        (void) hv_spec_load(&in, &d, diags);
        hv_diags_sort(diags);
        return d;
}

/* ---- the backend ---- */

#define BEFORE "aa00000000000000000000000000000000000000000000000000000000000000"

static struct hv_desired *kept(void *userdata, const char *revision) {
        const struct stage *s = userdata;
        struct hv_diags *diags = hv_diags_new();
        struct hv_desired *d = NULL;

        if (hv_streq(revision, s->desired->revision))
                d = hv_desired_ref(s->desired);
        else if (hv_streq(revision, BEFORE))
                d = load(
                        "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: worker-1}\nspec:\n  services:\n"
                        "    - {name: old, image: \"busybox:1.36\"}\n    - {name: web, image: \"nginx:1.26\"}\n",
                        diags);
        hv_diags_free(diags);
        return d;
}

static void snapshot(void *userdata, struct hv_arena *arena, struct hv_api_snapshot *ret) {
        static const struct hv_api_image redis = {
                .name = "redis", .is_ready = true, .phase = "Ready", .message = ""
        };
        struct stage *s = userdata;

        (void) arena;
        s->n_snapshots++;
        *ret = (struct hv_api_snapshot){
                .now_us = STAGE_NOW_US,
                .now_wall_us = s->wall_us,
                .started_wall_us = s->wall_us - 7290 * HV_USEC_PER_SEC,
                .node_id = "worker-1",
                .node_name = "worker-1",
                .state_dir = s->dir,
                .work_dir = s->work_dir ? s->work_dir : s->dir,
                .log_dir = s->log_dir,
                .listen = "127.0.0.1:5000",
                .listen_error = s->listen_error,
                .trial = s->trial,
                .orders = s->orders,
                .pool = s->pool,
                .tunnels = s->tunnel,
                .n_tunnels = s->tunnel ? 1 : 0,
                .engine = { s->engine_endpoint ? s->engine_endpoint : "unix:///var/run/docker.sock", "Docker",
                            "20.10.24", "1.41", "1.41", "1.51" },
                .status = &s->status,
                .desired = s->desired,
                .gpus_told = s->gpus,
                .images = s->images ? s->images : &redis,
                .n_images = s->images    ? s->n_images
                            : s->desired ? 1
                                         : 0,
                .crons = &s->cron,
                .n_crons = s->desired && s->cron.name ? 1 : 0,
                .refused = s->refused,
                .diags = s->diags,
                .loaded_wall_us = s->wall_us - 7290 * HV_USEC_PER_SEC,
                .sources = s->sources,
                .n_sources = 2,
                .revisions = s->revisions,
                .n_revisions = s->status.parked_revision ? 3 : 2,
        };
}

static void finish_change(struct stage *s, struct hv_api_call *call) {
        const struct hv_api_changed result = {
                .outcome = s->outcome,
                .before = s->outcome == HV_API_ACTIVATED ? NULL : s->desired,
                .after = s->outcome == HV_API_REFUSED || s->outcome == HV_API_FAILED ? NULL : s->desired,
                .diags = s->outcome == HV_API_REFUSED ? s->diags : NULL,
                .err = s->outcome == HV_API_FAILED ? &s->err : NULL,
        };

        hv_api_change_done(call, &result);
}

static void finish_plan(struct stage *s, struct hv_api_call *call) {
        const struct hv_api_plan plan = {
                .err = s->err.code ? &s->err : NULL,
                .refused = s->outcome == HV_API_REFUSED,
                .parked = s->outcome == HV_API_PARKED,
                .n_removals = s->outcome == HV_API_PARKED ? 3 : 0,
                .n_existing = 5,
                .diags = s->outcome == HV_API_REFUSED ? s->diags : NULL,
                .before = s->desired,
                .after = s->desired,
                .steps = s->steps,
                .n_steps = s->n_steps,
        };

        hv_api_plan_done(call, &plan);
}

static int on_later(sd_event_source *source, void *userdata) {
        struct stage *s = userdata;

        (void) source;
        if (!s->waiting)
                return 0;
        if (s->waiting_is_plan)
                finish_plan(s, HV_STEAL(s->waiting));
        else
                finish_change(s, HV_STEAL(s->waiting));
        return 0;
}

static void in_a_later_turn(struct stage *s, struct hv_api_call *call, bool is_plan) {
        s->waiting = call;
        s->waiting_is_plan = is_plan;
        if (!s->deferred)
                assert_true(sd_event_add_defer(s->event, &s->deferred, on_later, s) >= 0);
        assert_true(sd_event_source_set_enabled(s->deferred, SD_EVENT_ONESHOT) >= 0);
}

static void change(void *userdata, const struct hv_api_change *c, struct hv_api_call *call) {
        struct stage *s = userdata;
        int n;

        s->n_changes++;
        n = snprintf(s->last_change, sizeof s->last_change, "forget=%s/%s accept=%s dry=%d",
                     hv_kind_label(c->forget_kind), c->forget_name ? c->forget_name : "",
                     c->accept_prune ? c->accept_prune : "", c->dry_run);
        if (c->confirm_us > 0 || c->verdict != HV_API_VERDICT_NONE)
                n += snprintf(s->last_change + n, sizeof s->last_change - (size_t) n,
                              " confirm=%llus verdict=%d by=%s",
                              (unsigned long long) (c->confirm_us / HV_USEC_PER_SEC), c->verdict,
                              c->by && hv_has_prefix(c->by, "unix:uid=") ? "unix" : "");
        if (c->activate)
                n += snprintf(s->last_change + n, sizeof s->last_change - (size_t) n, " activate=%.8s by=%s",
                              c->activate, c->by && hv_has_prefix(c->by, "unix:uid=") ? "unix" : "");
        if (c->service)
                n += snprintf(s->last_change + n, sizeof s->last_change - (size_t) n,
                              " service=%s undo=%d image=%s", c->service->name, c->service->undo,
                              c->service->image ? c->service->image : "");
        for (size_t i = 0; c->service && i < c->service->env.n; i++)
                n += snprintf(s->last_change + n, sizeof s->last_change - (size_t) n, " %s=%s",
                              c->service->env.v[i].name, c->service->env.v[i].value);
        for (size_t i = 0; i < c->n_files; i++)
                n += snprintf(s->last_change + n, sizeof s->last_change - (size_t) n,
                              " file=%s path=%d text=%s", c->files[i].name, c->files[i].path != NULL,
                              c->files[i].text);
        if (s->later)
                in_a_later_turn(s, call, false);
        else {
                finish_change(s, call);
                assert_true(c->n_files == 0 || c->files[0].len == strlen(c->files[0].text)); /* still there */
        }
}

static void plan(void *userdata, const struct hv_api_file *files, size_t n_files, struct hv_api_call *call) {
        struct stage *s = userdata;

        s->n_plans++;
        (void) snprintf(s->last_change, sizeof s->last_change, "plan %zu %s", n_files,
                        n_files ? files[0].text : "");
        if (s->later)
                in_a_later_turn(s, call, true);
        else
                finish_plan(s, call);
}

struct hv_api_log {
        struct stage *stage;
        struct hv_api_call *call;
        struct hv_api_log_options options;
        sd_event_source *defer;
        bool held;
};

static void log_free(struct hv_api_log *log) {
        if (log->stage->open_log == log)
                log->stage->open_log = NULL;
        sd_event_source_disable_unref(log->defer);
        free(log);
}

static int on_log_turn(sd_event_source *source, void *userdata) {
        struct hv_api_log *log = userdata;
        struct stage *s = log->stage;
        size_t n = s->log_room ? s->log_room : 1;

        (void) source;
        if (s->err.code) {
                hv_api_logs_done(log->call, &s->err);
                log_free(log);
                return 0;
        }
        if (s->log_is_silent)
                return 0;
        while (n > 0 && !log->held) {
                n--;
                log->held = !hv_api_logs_write(log->call, s->log_text, strlen(s->log_text));
        }
        s->log_room = s->log_room ? n : 0;
        if (log->held || (s->log_stays_open && log->options.follow))
                return 0;
        hv_api_logs_done(log->call, NULL);
        log_free(log);
        return 0;
}

static struct hv_api_log *logs_open(void *userdata, const struct hv_api_log_options *options,
                                    struct hv_api_call *call, struct hv_err *err) {
        struct stage *s = userdata;
        struct hv_api_log *log;

        s->n_logs_opened++;
        s->last_log = *options;
        s->last_log.name = NULL;
        if (!s->log_text) {
                hv_err_set(err, -ENOENT, "service %s has no container yet", options->name);
                return NULL;
        }
        log = HV_NEW(struct hv_api_log);
        *log = (struct hv_api_log){ .stage = s, .call = call, .options = *options };
        assert_true(sd_event_add_defer(s->event, &log->defer, on_log_turn, log) >= 0);
        s->open_log = log;
        return log;
}

static void logs_resume(struct hv_api_log *log) {
        log->stage->n_logs_resumed++;
        log->held = false;
        (void) sd_event_source_set_enabled(log->defer, SD_EVENT_ONESHOT);
}

static void logs_close(struct hv_api_log *log) {
        log->stage->n_logs_closed++;
        log_free(log);
}

/* ---- copies ---- */

struct hv_api_copy {
        struct stage *stage;
        struct hv_api_call *call;
        sd_event_source *defer; /* of a look */
};

static void copy_free(struct hv_api_copy *copy) {
        sd_event_source_disable_unref(copy->defer);
        if (copy->stage->open_copy == copy)
                copy->stage->open_copy = NULL;
        free(copy);
}

static int on_copy_turn(sd_event_source *source, void *userdata) {
        struct hv_api_copy *copy = userdata;

        (void) source;
        hv_api_copy_looked(copy->call, &(struct hv_api_path){ .name = "hosts",
                                                              .size_bytes = 174,
                                                              .changed_us = 1700000000 * HV_USEC_PER_SEC,
                                                              .mode = S_IFLNK | 0640,
                                                              .link = "../run/hosts" });
        copy_free(copy);
        return 0;
}

static struct hv_api_copy *copy_open(void *userdata, const struct hv_api_copy_wish *wish,
                                     struct hv_api_call *call, struct hv_err *err) {
        static const char *const NAMES[] = { "look", "out", "in" };
        struct stage *s = userdata;
        struct hv_api_copy *copy;

        s->n_copies++;
        (void) snprintf(s->last_copy, sizeof s->last_copy, "%s %s/%s.%u %s", NAMES[wish->what],
                        hv_kind_label(wish->kind), wish->name, wish->replica, wish->path);
        if (s->err.code < 0) {
                *err = s->err;
                return NULL;
        }
        copy = HV_NEW(struct hv_api_copy);
        *copy = (struct hv_api_copy){ .stage = s, .call = call };
        if (wish->what == HV_API_COPY_LOOK)
                assert_true(sd_event_add_defer(s->event, &copy->defer, on_copy_turn, copy) >= 0);
        s->open_copy = copy;
        return copy;
}

static void copy_resume(struct hv_api_copy *copy) {
        copy->stage->n_copies_resumed++;
}

static size_t copy_input(struct hv_api_copy *copy, const void *data, size_t len) {
        struct stage *s = copy->stage;
        size_t n = HV_MIN(len, s->copy_room);

        s->copy_room -= n;
        hv_buf_add(&s->copied, data, n);
        return n;
}

static void copy_end_input(struct hv_api_copy *copy) {
        hv_buf_puts(&copy->stage->copied, "<end>");
}

static void copy_close(struct hv_api_copy *copy) {
        copy->stage->n_copies_closed++;
        copy_free(copy);
}

bool stage_copy_out(struct stage *s, const char *data, size_t len) {
        return hv_api_copy_data(s->open_copy->call, data, len);
}

void stage_make_room_for_copy(struct stage *s, size_t room) {
        s->copy_room = room;
        hv_api_copy_drained(s->open_copy->call);
}

void stage_end_copy(struct stage *s, const struct hv_err *err) {
        struct hv_api_copy *copy = s->open_copy;

        hv_api_copy_done(copy->call, err);
        copy_free(copy);
}

/* ---- sessions ---- */

struct hv_api_session {
        struct stage *stage;
        struct hv_api_call *call;
        sd_event_source *defer;
};

static void session_free(struct hv_api_session *session) {
        sd_event_source_disable_unref(session->defer);
        if (session->stage->open_session == session)
                session->stage->open_session = NULL;
        free(session);
}

static int on_session_turn(sd_event_source *source, void *userdata) {
        struct hv_api_session *session = userdata;

        (void) source;
        hv_api_session_opened(session->call);
        return 0;
}

static struct hv_api_session *session_open(void *userdata, const struct hv_api_exec *asked,
                                           struct hv_api_call *call, struct hv_err *err) {
        struct stage *s = userdata;
        struct hv_api_session *session;

        s->n_sessions++;
        (void) snprintf(s->last_exec, sizeof s->last_exec, "%s/%s.%u %s (%zu words, %zu variables)%s%s %ux%u",
                        hv_kind_label(asked->kind), asked->name, asked->replica, asked->command.v[0],
                        asked->command.n, asked->env.n, asked->tty ? " tty" : "",
                        asked->input ? " stdin" : "", asked->rows, asked->columns);
        if (s->err.code < 0) {
                *err = s->err;
                return NULL;
        }
        session = HV_NEW(struct hv_api_session);
        *session = (struct hv_api_session){ .stage = s, .call = call };
        assert_true(sd_event_add_defer(s->event, &session->defer, on_session_turn, session) >= 0);
        s->open_session = session;
        return session;
}

static size_t session_room(const struct hv_api_session *session) {
        return session->stage->session_room;
}

static void session_input(struct hv_api_session *session, const void *data, size_t len) {
        struct stage *s = session->stage;

        assert_true(len <= s->session_room);
        s->session_room -= len;
        hv_buf_add(&s->session_said, data, len);
}

static void session_end_input(struct hv_api_session *session) {
        hv_buf_puts(&session->stage->session_said, "<end>");
}

static void session_resize(struct hv_api_session *session, unsigned rows, unsigned columns) {
        hv_buf_printf(&session->stage->session_said, "<%ux%u>", rows, columns);
}

static void session_resume(struct hv_api_session *session) {
        session->stage->n_sessions_resumed++;
}

static void session_close(struct hv_api_session *session) {
        session->stage->n_sessions_closed++;
        session_free(session);
}

bool stage_say(struct stage *s, bool is_error_output, const char *text, size_t len) {
        return hv_api_session_output(s->open_session->call, is_error_output, text, len);
}

void stage_make_room(struct stage *s, size_t room) {
        s->session_room = room;
        hv_api_session_drained(s->open_session->call);
}

void stage_end_session(struct stage *s, const struct hv_api_session_end *end) {
        struct hv_api_session *session = s->open_session;

        hv_api_session_ended(session->call, end);
        session_free(session);
}

/* ---- tasks ---- */

static void tasks(void *userdata, struct hv_arena *arena, struct hv_api_tasks *ret) {
        struct stage *s = userdata;

        (void) arena;
        *ret = (struct hv_api_tasks){
                .ledger = s->ledger,
                .trouble = "it is damaged",
                .live = s->live,
                .n_live = s->n_live,
                .room_known = true,
                .allocatable = { 4000000000, UINT64_C(8) << 30, UINT64_C(100) << 30, 0, 0, 3 },
                .for_tasks = { 3500000000, UINT64_C(7) << 30, UINT64_C(100) << 30, 0, 0, 3 },
                .free = { 2500000000, UINT64_C(6) << 30, UINT64_C(99) << 30, 0, 0, 2 },
                .trust_score = 7,
                .trust_group = "low",
                .results_root = s->results,
                .work_root = "/var/lib/hivelet/tasks",
        };
}

static void finish_task(struct stage *s, const char *id, struct hv_api_call *call) {
        const struct hv_api_task_changed result = {
                .outcome = s->task_outcome,
                .id = s->task_id ? s->task_id : id,
                .diags = s->task_outcome == HV_API_TASK_REFUSED ? s->diags : NULL,
                .err = s->task_outcome == HV_API_TASK_FAILED ? &s->err : NULL,
        };

        hv_api_task_done(call, &result);
}

static void task_change(void *userdata, const struct hv_api_task_change *c, struct hv_api_call *call) {
        static const char *const words[] = { "submit",  "stop",    "retry", "forget",
                                             "trigger", "suspend", "resume" };
        struct stage *s = userdata;

        s->n_changes++;
        (void) snprintf(s->last_change, sizeof s->last_change, "%s id=%s by=%s reason=%s file=%s text=%s",
                        words[c->type], c->id ? c->id : "", c->by ? c->by : "", c->reason ? c->reason : "",
                        c->file ? c->file->name : "", c->file ? c->file->text : "");
        finish_task(s, c->id, call);
        assert_true(!c->file || c->file->len == strlen(c->file->text)); /* still there */
}

static void rotate(void *userdata, const char *interface, enum hv_api_rotation how,
                   struct hv_api_call *call) {
        static const char *const words[] = { "rotate", "prepare", "undo" };
        struct stage *s = userdata;

        s->n_changes++;
        (void) snprintf(s->last_change, sizeof s->last_change, "%s %s", words[how], interface);
        hv_api_rotate_done(call,
                           &(struct hv_api_rotated){ .err = s->err.code ? &s->err : NULL,
                                                     .public_key = "new=",
                                                     .before = how == HV_API_ROTATE_UNDO ? "new=" : "old=" });
}

static void ping(void *userdata, const char *interface, const char *peer, struct hv_api_call *call) {
        struct stage *s = userdata;

        (void) snprintf(s->last_change, sizeof s->last_change, "ping %s %s", interface, peer ? peer : "-");
        hv_api_ping_done(call, &(struct hv_api_ping){ .err = s->err.code ? &s->err : NULL,
                                                      .peers = s->pinged,
                                                      .n_peers = s->n_pinged });
}

static void fit(void *userdata, const struct hv_api_file *file, struct hv_arena *arena,
                struct hv_api_fit *ret) {
        struct stage *s = userdata;

        (void) arena;
        s->n_plans++;
        (void) snprintf(s->last_change, sizeof s->last_change, "fit %s %s", file->name, file->text);
        *ret = s->fit;
        ret->diags = HV_STEAL(s->fit.diags);
}

static void usage(void *userdata, struct hv_monitor_view *ret) {
        const struct stage *s = userdata;

        *ret = s->usage;
}

static void gc(void *userdata, bool dry_run, struct hv_api_call *call) {
        static const struct hv_api_gc_step step = { "image", "docker.io/library/old:1", "nothing uses it",
                                                    4096 };
        const struct hv_api_gc result = { .dry_run = dry_run,
                                          .steps = &step,
                                          .n_steps = 1,
                                          .bytes = 4096,
                                          .total_bytes = 1000,
                                          .free_bytes = 300,
                                          .high_percent = 85,
                                          .low_percent = 75 };
        struct stage *s = userdata;

        if (!dry_run) { /* which changes nothing, and anybody may ask */
                s->n_plans++;
                (void) snprintf(s->last_change, sizeof s->last_change, "gc");
        }
        hv_api_gc_done(call, &result);
}

static void engine_images(void *userdata, struct hv_api_call *call) {
        static const char *const users[] = { "hive-web-1", "hive-web-2" };
        static const uint64_t mib = UINT64_C(1) << 20;
        struct stage *s = userdata;
        const struct hv_api_engine_image images[] = {
                { "sha256:1111111111111111111111111111111111111111111111111111111111111111",
                  "docker.io/library/nginx:1.27-alpine", 48 * mib, s->wall_us - 30 * HV_USEC_PER_DAY, users,
                  2, false, true, false, "a container is made of it" },
                { "sha256:2222222222222222222222222222222222222222222222222222222222222222",
                  "registry.example.org/team/a-long-name-of-an-image:2026.11.22", 1900 * mib,
                  s->wall_us - 3 * HV_USEC_PER_HOUR, NULL, 0, true, true, false, "pinned (images.preload)" },
                { "sha256:3333333333333333333333333333333333333333333333333333333333333333", NULL, 7 * mib,
                  s->wall_us - 90 * HV_USEC_PER_DAY, NULL, 0, false, false, true,
                  "the disk is above gc.disk.high, and nothing uses it" },
        };
        struct hv_api_engine_images result = { .images = images, .n_images = HV_ARRAY_SIZE(images) };

        if (s->err.code)
                result.err = &s->err;
        hv_api_engine_images_done(call, &result);
}

static int preload(void *userdata, const struct hv_api_preload_wish *wish, struct hv_arena *arena,
                   const char **ret, struct hv_err *err) {
        struct stage *s = userdata;

        s->n_changes++;
        (void) snprintf(s->last_change, sizeof s->last_change, "preload");
        for (size_t i = 0; i < wish->n_images; i++) {
                size_t len = strlen(s->last_change);

                (void) snprintf(s->last_change + len, sizeof s->last_change - len, " %s", wish->images[i]);
                ret[i] = hv_arena_printf(arena, "docker.io/library/%s", wish->images[i]);
        }
        if (s->err.code) {
                *err = s->err;
                return s->err.code;
        }
        return 0;
}

static void preloads(void *userdata, struct hv_arena *arena, struct hv_api_preloads *ret) {
        const struct stage *s = userdata;

        (void) arena;
        *ret = s->preloads;
}

static int order(void *userdata, const struct hv_api_order *o, struct hv_err *err) {
        static const char *const words[] = { "cordon", "uncordon", "hold",  "release", "stop",
                                             "start",  "restart",  "pause", "resume",  "drain" };
        struct stage *s = userdata;

        s->n_changes++;
        (void) snprintf(s->last_change, sizeof s->last_change, "%s %s%s by=%s reason=%s", words[o->type],
                        o->service ? o->service : "node", o->now ? " now" : "", o->by,
                        o->reason ? o->reason : "");
        if (s->err.code) {
                *err = s->err;
                return s->err.code;
        }
        return 1;
}

static int shut_down(void *userdata, const struct hv_api_shutdown_wish *wish, struct hv_err *err) {
        struct stage *s = userdata;

        s->n_changes++;
        (void) snprintf(
                s->last_change, sizeof s->last_change, "shutdown%s deadline=%lld by=%s reason=%s",
                wish->stop_workloads ? " workloads" : "",
                wish->deadline_us == HV_TIME_NEVER ? -1LL : (long long) (wish->deadline_us / HV_USEC_PER_SEC),
                wish->by, wish->reason ? wish->reason : "");
        if (s->err.code) {
                *err = s->err;
                return s->err.code;
        }
        return 0;
}

static int secrets(void *userdata, struct hv_arena *arena, struct hv_api_secrets *ret, struct hv_err *err) {
        static const char *const hub[] = { "registry/hub", NULL }, *const nobody[] = { NULL };
        static const struct hv_api_secret v[] = {
                { "hub-login", "fromFile", "/var/lib/hivelet/secrets/hub-login", true, true, 120, hub },
                { "lost", "fromCredential", "lost", true, false, 0, nobody },
                { "old", "none", "/var/lib/hivelet/secrets/old", false, true, 7, nobody },
        };

        (void) userdata;
        (void) arena;
        (void) err;
        *ret = (struct hv_api_secrets){ v, HV_ARRAY_SIZE(v) };
        return 0;
}

static int secret_put(void *userdata, const struct hv_api_secret_wish *wish, struct hv_arena *arena,
                      struct hv_api_secret_put *ret, struct hv_err *err) {
        struct stage *s = userdata;

        s->n_changes++;
        (void) snprintf(s->last_change, sizeof s->last_change, "secret %s=%.*s by=%s", wish->name,
                        (int) wish->len, (const char *) wish->data, wish->by);
        if (s->err.code) {
                *err = s->err;
                return s->err.code;
        }
        *ret = (struct hv_api_secret_put){ hv_arena_printf(arena, "/var/lib/hivelet/secrets/%s", wish->name),
                                           hv_streq(wish->name, "hub-login") };
        return 0;
}

static int secret_remove(void *userdata, const char *name, const char *by, struct hv_err *err) {
        struct stage *s = userdata;

        s->n_changes++;
        (void) snprintf(s->last_change, sizeof s->last_change, "no secret %s by=%s", name, by);
        if (s->err.code)
                *err = s->err;
        return s->err.code;
}

static void send_signal(void *userdata, const struct hv_api_kill *k, struct hv_api_call *call) {
        struct stage *s = userdata;

        s->n_changes++;
        (void) snprintf(s->last_change, sizeof s->last_change, "kill %s/%u %s", k->service, k->replica,
                        k->signal);
        hv_api_kill_done(call,
                         &(struct hv_api_killed){ .n_signalled = 2, .err = s->err.code ? &s->err : NULL });
}

static const struct hv_api_backend backend = {
        .snapshot = snapshot,
        .kept = kept,
        .change = change,
        .plan = plan,
        .logs_open = logs_open,
        .logs_resume = logs_resume,
        .logs_close = logs_close,
        .tasks = tasks,
        .task_change = task_change,
        .rotate = rotate,
        .ping = ping,
        .fit = fit,
        .usage = usage,
        .gc = gc,
        .engine_images = engine_images,
        .preload = preload,
        .preloads = preloads,
        .order = order,
        .shutdown = shut_down,
        .secrets = secrets,
        .secret_put = secret_put,
        .secret_remove = secret_remove,
        .kill = send_signal,
        .copy_open = copy_open,
        .copy_resume = copy_resume,
        .copy_input = copy_input,
        .copy_end_input = copy_end_input,
        .copy_close = copy_close,
        .session_open = session_open,
        .session_room = session_room,
        .session_input = session_input,
        .session_end_input = session_end_input,
        .session_resize = session_resize,
        .session_resume = session_resume,
        .session_close = session_close,
};

/* ---- what is seen ---- */

static void see_units(struct stage *s) {
        static const char *const ids[] = { "c0ffee000001", "c0ffee000002", "c0ffee000003", "c0ffee000004",
                                           "c0ffee000005" };

        for (size_t i = 0; i < s->desired->n_units; i++) {
                const struct hv_unit *u = &s->desired->units[i];

                s->units[i] = (struct hv_unit_status){
                        .kind = u->kind,
                        .object = u->object,
                        .key = u->key,
                        .container = u->container,
                        .replica = u->replica,
                        .phase = HV_PHASE_RUNNING,
                        .in_sync = true,
                        .ready = true,
                        .reason = HV_REASON_SYNCED,
                        .message = "",
                        .since_us = STAGE_NOW_US - 210 * HV_USEC_PER_SEC,
                        .id = ids[i],
                        .image = u->image,
                        .digest = u->digest,
                        .wanted_digest = u->digest,
                        .exit_code = -1,
                        .started_wall_us = s->wall_us - 210 * HV_USEC_PER_SEC,
                };
        }
        s->status = (struct hv_status){
                .active_revision = s->desired->revision,
                .engine = HV_ENGINE_READY,
                .engine_message = "",
                .observed = true,
                .synced = true,
                .n_units = (unsigned) s->desired->n_units,
                .n_units_in_sync = (unsigned) s->desired->n_units,
                .n_generations = 1,
                .units = s->units,
                .n_unit_status = s->desired->n_units,
                .objects = s->objects,
        };
}

static void see_objects(struct stage *s) {
        size_t n = 0;

        for (size_t i = 0; i < s->desired->n_networks; i++)
                s->objects[n++] = (struct hv_object_status){ HV_KIND_NETWORK, s->desired->networks[i].name,
                                                             "6e7400000001",  .in_sync = true,
                                                             .exists = true,  .wanted = true,
                                                             .message = "" };
        for (size_t i = 0; i < s->desired->n_volumes; i++)
                s->objects[n++] = (struct hv_object_status){ HV_KIND_VOLUME, s->desired->volumes[i].name,
                                                             NULL,           .in_sync = true,
                                                             .exists = true, .wanted = true,
                                                             .message = "" };
        s->status.n_objects = n;
}

/* A machine that is half busy; of a service the first replica with a GPU, and a task with the host's network and two that was seen once. */
static void see_usage(struct stage *s) {
        static const struct hv_gpus gpus = {
                .is_known = true,
                .driver = "550.54.14",
                .v = { { .uuid = "GPU-aaaa",
                         .name = "NVIDIA A100",
                         .memory_bytes = UINT64_C(24) << 30,
                         .memory_used_bytes = INT64_C(3) << 30,
                         .use_percent = 60,
                         .temperature_c = -1,
                         .n_processes = 1,
                         .processes_are_listed = true,
                         .processes = { { 4711, INT64_C(2) << 30, 45 } } } },
                .n = 1,
        };
        static const struct hv_container_gpu used[] = {
                { "GPU-aaaa", true, UINT64_C(24) << 30, INT64_C(2) << 30, 45, 1 },
                { "GPU-gone", true, 0, -1, -1, 0 },
        };

        s->host = (struct hv_host_sample){
                .at_us = STAGE_NOW_US,
                .wall_us = s->wall_us,
                .cpu_is_known = true,
                .rates_are_known = true,
                .cpu_percent = 50,
                .ticks = { 100, 200 },
                .n_cpus = 2,
                .cpu_mhz = 2596,
                .cpu_model = "AMD EPYC",
                .memory = { .total_bytes = UINT64_C(8) << 30, .available_bytes = UINT64_C(6) << 30 },
                .load = { 1.5, 1, 0.5, 2, 99 },
                .n_processes = 40,
                .cpu_pressure = { true, 1.5, 0, 3000000, 0 },
                .file_systems = { { "work", "/var/lib/hivelet/tasks", 1000, 500, 10, 9 } },
                .n_file_systems = 1,
                .interfaces = { { .counters = { .name = "eth0", .rx_bytes = 10 }, .is_counted = true } },
                .n_interfaces = 1,
                .rx_bytes = 10,
        };
        s->history = hv_history_new(4);
        hv_history_add(s->history, &(struct hv_history_point){ .wall_us = s->wall_us,
                                                               .cpu_percent = 50,
                                                               .read_bytes_per_s = 7,
                                                               .written_bytes_per_s = 8,
                                                               .gpu_percent = 45,
                                                               .gpu_memory_mib = 2048 });
        hv_history_add(s->history, &(struct hv_history_point){ .wall_us = s->wall_us,
                                                               .cpu_percent = 50,
                                                               .read_bytes_per_s = -1,
                                                               .written_bytes_per_s = -1,
                                                               .gpu_percent = -1,
                                                               .gpu_memory_mib = -1 });
        s->containers[0] = (struct hv_monitor_container){
                .name = "hive-web-1",
                .kind = HV_KIND_SERVICE,
                .object = "web",
                .number = 1,
                .history = s->history,
                .gpus = used,
                .n_gpus = 1,
                .sample = { .at_us = STAGE_NOW_US,
                            .wall_us = s->wall_us,
                            .rates_are_known = true,
                            .network_is_known = true,
                            .cpu_percent = 150,
                            .rx_bytes = 3000,
                            .rx_bytes_per_s = 10,
                            .written_bytes_per_s = 9,
                            .figures = { .known = HV_CGROUP_CPU | HV_CGROUP_MEMORY | HV_CGROUP_MEMORY_LIMIT |
                                                  HV_CGROUP_OOM | HV_CGROUP_IO,
                                         .cpu_us = 1500000,
                                         .memory_bytes = 4096,
                                         .inactive_file_bytes = 1024,
                                         .memory_limit_bytes = 8192,
                                         .n_oom_kills = 2 } },
        };
        s->containers[1] = (struct hv_monitor_container){
                .name = "task-train-1",
                .kind = HV_KIND_TASK,
                .object = "train-1",
                .number = 1,
                .history = s->history,
                .gpus = used,
                .n_gpus = HV_ARRAY_SIZE(used),
                .sample = { .at_us = STAGE_NOW_US,
                            .wall_us = s->wall_us,
                            .figures = { .known = HV_CGROUP_MEMORY, .memory_bytes = 2048 } },
        };
        s->usage = (struct hv_monitor_view){ .generation = 9,
                                             .host = &s->host,
                                             .history = s->history,
                                             .gpus = &gpus,
                                             .containers = s->containers,
                                             .n_containers = HV_ARRAY_SIZE(s->containers) };
}

static void see_sources(struct stage *s) {
        s->sources[0] = (struct hv_api_source){ .name = "file",
                                                .type = "file",
                                                .location = "/etc/hivelet/node.yaml",
                                                .revision = s->desired->revision,
                                                .n_objects = (unsigned) s->desired->n_objects,
                                                .read_wall_us = s->wall_us - 7290 * HV_USEC_PER_SEC };
        s->sources[1] = (struct hv_api_source){ .name = "api",
                                                .type = "api",
                                                .state = HV_API_SOURCE_EMPTY,
                                                .read_wall_us = s->wall_us - 7290 * HV_USEC_PER_SEC };
        s->revisions[0] = (struct hv_api_revision){ s->desired->revision,
                                                    HV_API_REVISION_ACTIVE,
                                                    s->wall_us - 7290 * HV_USEC_PER_SEC,
                                                    (unsigned) s->desired->n_objects,
                                                    BEFORE,
                                                    "unix:uid=0" };
        s->revisions[1] = (struct hv_api_revision){ BEFORE, HV_API_REVISION_PREVIOUS, 0, 3, NULL, NULL };
}

struct hv_unit_status *stage_unit(struct stage *s, const char *container) {
        for (size_t i = 0; i < s->status.n_unit_status; i++) {
                if (hv_streq(s->units[i].container, container))
                        return &s->units[i];
        }
        fail_msg("no container %s on the stage", container);
        return NULL;
}

static void out_of_sync(struct stage *s) {
        s->status.synced = false;
        s->status.out_of_sync_since_us = STAGE_NOW_US - 90 * HV_USEC_PER_SEC;
}

void stage_break_web(struct stage *s) {
        struct hv_unit_status *u = stage_unit(s, "hive-web-2");

        u->phase = HV_PHASE_BACK_OFF;
        u->in_sync = u->ready = false;
        u->reason = HV_REASON_PULL_FAILED;
        u->message = "docker.io/library/nginx:1.27-alpine: cannot pull (try 3): manifest unknown";
        u->next_action = "pull";
        u->next_us = STAGE_NOW_US + 12 * HV_USEC_PER_SEC - 100;
        u->id = NULL;
        u->digest = NULL;
        u->started_wall_us = 0;
        u = stage_unit(s, "hive-proxy");
        u->phase = HV_PHASE_BACK_OFF;
        u->in_sync = u->ready = false;
        u->reason = HV_REASON_OOM_KILLED;
        u->message = "ran out of memory and was killed";
        u->next_action = "start";
        u->next_us = STAGE_NOW_US + 30 * HV_USEC_PER_SEC;
        u->n_restarts = 4;
        u->exit_code = 137;
        u->oom_killed = true;
        s->status.n_units_in_sync -= 2;
        s->status.n_back_off = 2;
        out_of_sync(s);
}

void stage_try_out(struct stage *s) {
        s->trial = (struct hv_api_trial){
                .state = HV_API_TRIAL_PENDING,
                .revision = s->desired->revision,
                .base = "aaaaaaaa11111111",
                .by = "unix:uid=0",
                .why = "it is on trial",
                .deadline_us = STAGE_NOW_US + 10 * HV_USEC_PER_MIN,
                .began_wall_us = s->wall_us,
        };
}

void stage_take_back(struct stage *s) {
        stage_try_out(s);
        s->trial.state = HV_API_TRIAL_REVERTED;
        s->trial.why = "nobody confirmed it in time";
        s->trial.deadline_us = 0;
        s->trial.ended_wall_us = s->wall_us;
        s->trial.holds_files = true;
}

void stage_roll_back(struct stage *s) {
        stage_take_back(s);
        s->trial.state = HV_API_TRIAL_ROLLED_BACK;
        s->trial.why = "somebody rolled it back";
        s->sources[0].state = HV_API_SOURCE_HELD_OFF;
        s->revisions[1].state = HV_API_REVISION_ROLLED_BACK;
}

void stage_lose_port(struct stage *s) {
        s->listen_error = "127.0.0.1:5000: Address already in use";
}

void stage_run_short(struct stage *s) {
        s->status.pressure = "1Gi of the disk are free, less than 5 % (gc.pressure.diskFree)";
}

void stage_cap(struct stage *s) {
        s->status.caps[HV_CAPS_NODE] = (struct hv_caps_status){
                .slice = "hivelet.slice",
                .wanted.limits.nano_cpus = UINT64_C(1500000000),
                .seen.limits.nano_cpus = UINT64_C(1500000000),
                .is_capped = true,
                .is_known = true,
                .is_there = true,
                .in_sync = true,
                .message = "",
        };
}

void stage_be_busy(struct stage *s) {
        s->status.pressure = "91.0 % of the CPUs are used, more than 90 % (gc.pressure.cpuUsed)";
        s->status.is_busy = true;
}

void stage_fill_disk(struct stage *s) {
        s->status.disk_pressure = "4.0 % of the disk are free, less than 5 % (gc.pressure.diskFree)";
}

void stage_miss_image(struct stage *s) {
        static const struct hv_api_image images[] = {
                { .name = "here", .is_ready = true, .phase = "Ready", .message = "" },
                { .name = "waits", .reason = HV_REASON_PENDING, .phase = "Pending", .message = "" },
                { .name = "gone",
                  .reason = HV_REASON_PULL_FAILED,
                  .phase = "BackOff",
                  .message = "no such manifest" },
        };

        s->images = images;
        s->n_images = HV_ARRAY_SIZE(images);
}

void stage_lose_caps(struct stage *s) {
        s->status.caps[HV_CAPS_NODE] = (struct hv_caps_status){
                .slice = "hivelet.slice",
                .is_capped = true,
                .is_known = true,
                .message = "cannot make cgroup /sys/fs/cgroup/cpu/hivelet.slice: Permission denied",
        };
}

void stage_lose_engine(struct stage *s) {
        s->status.engine = HV_ENGINE_DOWN;
        s->status.engine_message = "connect to /var/run/docker.sock: Connection refused";
        for (size_t i = 0; i < s->status.n_unit_status; i++) {
                s->units[i].in_sync = s->units[i].ready = false;
                s->units[i].reason = HV_REASON_DOCKER_DOWN;
                s->units[i].message = "the engine must answer first; what runs goes on running";
        }
        s->status.n_units_in_sync = 0;
        out_of_sync(s);
}

void stage_park(struct stage *s) {
        static const char *const removals[] = { "service/cache", "service/db", "service/proxy", NULL };

        s->status.parked_revision = "bb11223344556677889900aabbccddeeff00112233445566778899aabbccddeeff";
        s->status.parked_message = "it would remove 3 of 5 objects; safety.maxPrune is 50%";
        s->status.parked_removals = removals;
        s->status.n_parked_removals = 3;
        s->status.n_parked_existing = 5;
        s->revisions[2] = s->revisions[1];
        s->revisions[1] = s->revisions[0];
        s->revisions[0] = (struct hv_api_revision){
                s->status.parked_revision, HV_API_REVISION_PARKED, s->wall_us, 2, NULL, NULL
        };
}

void stage_refuse(struct stage *s) {
        static const char text[] = "apiVersion: hivelet/v1\n"
                                   "kind: NodeState\n"
                                   "metadata: {name: worker-1}\n"
                                   "spec:\n"
                                   "  services:\n"
                                   "    - {name: web, image: nginx, pullPolcy: always}\n"
                                   "    - {name: api}\n";

        s->diags = hv_diags_free(s->diags);
        s->diags = hv_diags_new();
        assert_null(load(text, s->diags));
        s->refused = true;
}

void stage_event(struct stage *s, const char *kind, const char *name, const char *message) {
        const struct hv_log_record record = {
                .event = kind ? HV_EVENT_CONTAINER_STARTED : HV_EVENT_SYNCED,
                .level = LOG_NOTICE,
                .realtime_us = s->wall_us - 150 * HV_USEC_PER_SEC,
                .message = message,
                .fields = { .kind = kind, .name = name, .container = name },
        };

        hv_api_event(s->api, &record);
}

void stage_end_log(struct stage *s, int error) {
        struct hv_api_log *log = s->open_log;
        struct hv_err err = {};

        assert_non_null(log);
        if (error)
                hv_err_set(&err, error, "the engine went away");
        hv_api_logs_done(log->call, error ? &err : NULL);
        log_free(log);
}

/* ---- tasks ---- */

#define DIGEST "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"
#define DOCUMENT                                                                                                    \
        "{\"apiVersion\":\"hivelet/v1\",\"kind\":\"Task\",\"metadata\":{\"name\":\"sieve\"},\"spec\":{\"command\":" \
        "[\"python\",\"main.py\"],\"env\":[{\"name\":\"TOKEN\",\"value\":\"hunter2-never-shown\"}],\"image\":"      \
        "\"docker.io/library/python:3.12\",\"inputs\":[{\"inline\":\"hunter2-never-shown\",\"path\":\"main.py\"}]"  \
        "}}"

static void must(int r, const struct hv_err *err) {
        if (r < 0)
                fail_msg("%s", err->msg);
}

static void accept_task(struct stage *s, const char *id, const char *name, const char *source,
                        const char *cron, unsigned minutes_ago) {
        const struct hv_ledger_promise p = {
                .id = id,
                .name = name,
                .source = source,
                .cron = cron,
                .document = DOCUMENT,
                .digest = DIGEST,
                .priority = 50,
                .accepted_us = s->wall_us - minutes_ago * HV_USEC_PER_MIN,
        };
        struct hv_err err = {};

        must(hv_ledger_accept(s->ledger, &p, NULL, &err), &err);
}

static void run_task(struct stage *s, const char *id, unsigned attempt, const char *state,
                     struct hv_ledger_result result, unsigned minutes_ago) {
        const struct hv_ledger_trust_change trust = { 2, 7, "low", "success", 2 };
        uint64_t at_us = s->wall_us - minutes_ago * HV_USEC_PER_MIN;
        const struct hv_ledger_instant begun = { .wall_us = at_us - 95 * HV_USEC_PER_SEC };
        char container[80];
        struct hv_err err = {};
        struct hv_ledger_end end = { .id = id, .number = attempt, .now_wall_us = at_us, .state = state };

        (void) snprintf(container, sizeof container, attempt > 1 ? "task-%s.%u" : "task-%s", id, attempt);
        must(hv_ledger_begin(s->ledger, id, attempt, container, &begun, &err), &err);
        if (!result.cause)
                return;
        result.started_us = at_us - 90 * HV_USEC_PER_SEC;
        result.finished_us = at_us;
        end.result = result;
        if (hv_streq(state, "Completed"))
                end.trust = &trust;
        must(hv_ledger_end(s->ledger, &end, &err), &err);
}

static void put_file(const char *dir, const char *name, const char *text) {
        char path[128];
        FILE *f;

        (void) snprintf(path, sizeof path, "%s/%s", dir, name);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

/* What collecting leaves: a log of which the third line went to stderr, and two files. */
static void leave_results(const char *root) {
        static const char *const below[] = { "",
                                             "/sieve-0a1b2c3d",
                                             "/sieve-0a1b2c3d/1",
                                             "/sieve-0a1b2c3d/1/files",
                                             "/sieve-0a1b2c3d/1/files/results",
                                             "/sieve-0a1b2c3d/1/files/results/deep" };
        char path[128];

        for (size_t i = 0; i < HV_ARRAY_SIZE(below); i++) {
                (void) snprintf(path, sizeof path, "%s%s", root, below[i]);
                assert_int_equal(mkdir(path, 0700), 0);
        }
        (void) snprintf(path, sizeof path, "%s/sieve-0a1b2c3d/1", root);
        put_file(path, "log", "one\ntwo\nwarning\nthree\n");
        put_file(path, "log.idx", "\x10\x11\x0c"); /* 8 bytes out, 8 err, 6 out: LEB128 of twice the length */
        put_file(path, "files/results/out.txt", "2 3 5 7");
        put_file(path, "files/results/deep/more.bin", "0123456789");
        put_file(
                path, "manifest.json",
                "{\"version\":1,\"task\":\"sieve-0a1b2c3d\",\"attempt\":1,\"files\":["
                "{\"path\":\"results/deep/more.bin\",\"size\":10,\"mode\":\"0644\",\"sha256\":"
                "\"84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882\"},"
                "{\"path\":\"results/out.txt\",\"size\":7,\"mode\":\"0644\",\"sha256\":"
                "\"2185e44cb5deabc963e473a7819c170799a957b8d21b55013378b6af6d6f96d4\"}],"
                "\"leftOut\":[{\"path\":\"results/link\",\"reason\":\"a symbolic link\"}],\"leftOutTotal\":1,"
                "\"filesTotal\":2,\"bytesTotal\":17,\"truncated\":false,"
                "\"log\":{\"size\":22,\"sha256\":\"00\",\"truncated\":false,\"seen\":22}}");
}

void stage_settings(struct stage *s) {
        static const char TEXT[] =
                "apiVersion: hivelet/v1\nkind: NodeState\nspec:\n"
                "  gc: {interval: 7m}\n"
                "  services: [{name: web, image: nginx, env: [{name: A, value: hunter2}]}]\n";
        static const struct hv_spec_file file = { "/etc/hivelet/node.yaml", TEXT, sizeof TEXT - 1, "file",
                                                  true };
        static const struct hv_spec_override overrides[] = {
                { "node.id", "worker-1", "--node-id" }, { "master.heartbeat", "10s", "$HEARTBEAT_INTERVAL" }
        };
        const struct hv_spec_input in = { .files = &file,
                                          .n_files = 1,
                                          .read = hv_yaml_read,
                                          .overrides = overrides,
                                          .n_overrides = HV_ARRAY_SIZE(overrides) };
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();

        s->former = s->desired;
        assert_int_equal(hv_spec_load(&in, &s->desired, diags), 0);
}

void stage_tasks(struct stage *s) {
        static const struct hv_booking gib = { .nano_cpus = 1500000000, .memory_bytes = UINT64_C(1) << 30 };
        struct hv_err err = {};

        must(hv_ledger_open(s->dir, "worker-1", s->wall_us, &s->ledger, &err), &err);
        accept_task(s, "nightly-202611210315", "nightly", "cron", "nightly", 600);
        run_task(s, "nightly-202611210315", 1, "TimedOut",
                 (struct hv_ledger_result){ .cause = "timeout",
                                            .message = "ran for longer than 20m",
                                            .exit_code = 143,
                                            .by_task = true },
                 560);
        accept_task(s, "sieve-0a1b2c3d", "sieve", "file", NULL, 90);
        run_task(s, "sieve-0a1b2c3d", 1, "Completed",
                 (struct hv_ledger_result){ .cause = "success",
                                            .log_bytes = 22,
                                            .n_outputs = 2,
                                            .outputs_bytes = 17,
                                            .log_sha256 = DIGEST },
                 80);
        accept_task(s, "resize-7", "resize", "api", NULL, 60);
        run_task(s, "resize-7", 1, NULL,
                 (struct hv_ledger_result){ .cause = "nodeError",
                                            .reason = "GpuLost",
                                            .message = "GpuLost: its GPU is gone",
                                            .exit_code = -1 },
                 50);
        run_task(s, "resize-7", 2, "Failed",
                 (struct hv_ledger_result){ .cause = "exitCode",
                                            .message = "ended with exit code 3",
                                            .exit_code = 3,
                                            .cpu_us = 1034567,
                                            .memory_peak_bytes = 54550528,
                                            .gpu_memory_is_known = true,
                                            .gpu_use_is_known = true,
                                            .gpu_memory_peak_bytes = 314572800,
                                            .gpu_use_mean_percent = 25,
                                            .gpu_use_peak_percent = 90,
                                            .by_task = true },
                 40);
        accept_task(s, "train-1", "train", "api", NULL, 30);
        run_task(s, "train-1", 1, NULL, (struct hv_ledger_result){}, 25);
        accept_task(s, "big-1", "big", "api", NULL, 20);
        s->live[0] = (struct hv_task_status){
                .id = "train-1",
                .name = "train",
                .container = "task-train-1",
                .source = HV_TASK_FROM_API,
                .image = "docker.io/library/python:3.12",
                .state = HV_TASK_RUNNING,
                .accepted = true,
                .in_sync = true,
                .attempt = 1,
                .priority = 50,
                .booking = gib,
                .is_booked = true,
                .reason = "Synced",
                .message = "",
                .accepted_wall_us = s->wall_us - 30 * HV_USEC_PER_MIN,
                .started_wall_us = s->wall_us - 25 * HV_USEC_PER_MIN,
                .next_us = STAGE_NOW_US + 35 * HV_USEC_PER_MIN,
                .exit_code = -1,
        };
        s->live[1] = (struct hv_task_status){
                .id = "big-1",
                .name = "big",
                .source = HV_TASK_FROM_API,
                .state = HV_TASK_QUEUED,
                .image = "docker.io/library/python:3.12",
                .accepted = true,
                .priority = 50,
                .booking = gib,
                .reason = "WaitingMemory",
                .message = "waits for room: asks for 7Gi memory, 6Gi are left",
                .accepted_wall_us = s->wall_us - 20 * HV_USEC_PER_MIN,
                .exit_code = -1,
        };
        s->n_live = 2;
        s->status.n_tasks_running = 1;
        s->status.n_tasks_queued = 1;
        (void) snprintf(s->results, sizeof s->results, "%s/results", s->dir);
        leave_results(s->results);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where) {
        (void) st;
        (void) type;
        (void) where;
        return remove(path);
}

void stage_changed(struct stage *s) {
        hv_api_changed(s->api);
}

/* ---- life ---- */

static void stay_silent(const struct hv_log_record *record, void *userdata) {
        (void) record;
        (void) userdata;
}

static uint64_t clock_ahead_us;

static uint64_t auth_now_us(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_BOOTTIME, &now);
        return (uint64_t) now.tv_sec * HV_USEC_PER_SEC + (uint64_t) now.tv_nsec / 1000 + clock_ahead_us;
}

static uint64_t auth_wall_us(void) {
        return wall_now_us() + clock_ahead_us;
}

void stage_go_on(uint64_t us) {
        clock_ahead_us += us;
}

struct stage *stage_new(void) {
        struct stage *s = HV_NEW(struct stage);
        struct hv_diags *diags = hv_diags_new();
        struct hv_http_options options = { .listen = "127.0.0.1:0" };
        struct hv_auth_options auth_options = { .now_us = auth_now_us, .wall_us = auth_wall_us };
        struct hv_err err = {};

        hv_log_set_sink(stay_silent, NULL);
        s->wall_us = wall_now_us() - STAGE_BEHIND_US;
        s->desired = load(STATE, diags);
        if (!s->desired)
                fail_msg("%s", hv_diags_all(diags, &(size_t){ 0 })->message);
        hv_diags_free(diags);
        see_units(s);
        see_objects(s);
        see_sources(s);
        see_usage(s);
        s->cron = (struct hv_cron_status){
                .name = "nightly",
                .schedule = "15 3 * * *",
                .zone = "Europe/Berlin",
                .can_run = true,
                .until_wall_us = s->wall_us - 20 * HV_USEC_PER_HOUR,
                .next_wall_us = s->wall_us + 4 * HV_USEC_PER_HOUR,
                .message = "",
                .is_recorded = true,
        };

        strcpy(s->dir, "/tmp/hivelet-stage-XXXXXX");
        assert_non_null(mkdtemp(s->dir));
        (void) snprintf(s->socket, sizeof s->socket, "%s/hivelet.sock", s->dir);
        options.socket_path = s->socket;
        assert_true(sd_event_new(&s->event) >= 0);
        auth_options.event = s->event;
        auth_options.state_dir = s->dir;
        if (hv_auth_new(&auth_options, &s->auth, &err) < 0)
                fail_msg("%s", err.msg);
        s->access = hv_http_access_new(s->auth);
        hv_http_access_guard(s->access, &options);
        if (hv_api_new(s->event, &backend, s, &s->api, &err) < 0 ||
            hv_http_server_new(s->event, &options, &s->server, &err) < 0 ||
            hv_api_attach(s->api, s->server, &err) < 0 ||
            hv_http_access_attach(s->access, s->server, &err) < 0 ||
            hv_http_server_start(s->server, &err) < 0)
                fail_msg("%s", err.msg);
        return s;
}

struct stage *stage_free(struct stage *s) {
        if (!s)
                return NULL;
        s->server = hv_http_server_free(s->server);
        s->access = hv_http_access_free(s->access);
        s->auth = hv_auth_free(s->auth);
        s->api = hv_api_free(s->api);
        s->history = hv_history_free(s->history);
        assert_null(s->open_log);
        assert_null(s->open_session);
        hv_buf_done(&s->session_said);
        assert_null(s->open_copy);
        hv_buf_done(&s->copied);
        if (s->waiting)
                (void) on_later(NULL, s); /* answers nobody; must be harmless */
        sd_event_source_disable_unref(s->deferred);
        (void) sd_event_unref(s->event);
        hv_desired_unref(s->desired);
        hv_desired_unref(s->former);
        hv_diags_free(s->diags);
        hv_ledger_free(s->ledger);
        assert_int_equal(nftw(s->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
        hv_log_set_sink(NULL, NULL);
        free(s);
        return NULL;
}
