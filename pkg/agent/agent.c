/* agent/agent.c - the agent's life: begin, signals, end. */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/gc.h"
#include "agent/gpus.h"
#include "agent/images.h"
#include "agent/join_store.h"
#include "agent/joins.h"
#include "agent/log_files.h"
#include "agent/monitor.h"
#include "agent/preload.h"
#include "agent/private.h"
#include "agent/shutdown.h"
#include "agent/tunnels.h"
#include "base/version.h"
#include "execute/attempt_cgroup.h"
#include "log/log.h"

#define FILES_WANTED 16384u /* LimitNOFILE of the unit */

/* ---- signals ---- */

static int on_hangup(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        struct hv_agent *a = userdata;

        (void) s;
        (void) si;
        if (a->stopping) /* a manager that was told STOPPING waits for the end, and for nothing else */
                return 0;
        hv_log_event(HV_EVENT_RELOAD_STARTED, NULL, "reading the desired state again (SIGHUP)");
        hv_notify_reloading(a->notify);
        a->reloading = true;
        hv_source_set_forget(a->sources);
        (void) hv_agent_reload(a);
        hv_agent_look(a);
        return 0;
}

static int on_terminate(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        _hv_cleanup_free_ char *why =
                hv_asprintf("%s; containers keep running", strsignal((int) si->ssi_signo));

        (void) s;
        hv_agent_stop(userdata, why);
        return 0;
}

static int signals_init(struct hv_agent *a, struct hv_err *err) {
        int r = sd_event_add_signal(a->event, &a->hangup, SIGHUP, on_hangup, a);

        if (r >= 0)
                r = sd_event_add_signal(a->event, &a->terminate, SIGTERM, on_terminate, a);
        if (r >= 0)
                r = sd_event_add_signal(a->event, &a->interrupt, SIGINT, on_terminate, a);
        return r < 0 ? hv_err_errno(err, r, "cannot take signals") : 0;
}

/* ---- one turn of the loop ---- */

/* After everything that was due was handled: only then the watchdog hears of it. */
static int on_turn(sd_event_source *s, void *userdata) {
        struct hv_agent *a = userdata;

        (void) s;
        hv_notify_loop_turned(a->notify);
        return 0;
}

static void on_record(const struct hv_log_record *record, void *userdata) {
        struct hv_agent *a = userdata;

        hv_api_event(a->api, record);
}

/* ---- life ---- */

static void block_signals(void) {
        sigset_t set;

        /* signalfd takes only what is blocked. SIGPIPE is nobody's business: writes tell. */
        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGHUP);
        (void) sigaddset(&set, SIGTERM);
        (void) sigaddset(&set, SIGINT);
        (void) sigaddset(&set, SIGPIPE);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
}

static int begin(struct hv_agent *a, struct hv_err *err) {
        int r;

        r = sd_event_default(&a->event);
        if (r < 0)
                return hv_err_errno(err, r, "cannot make an event loop");
        r = signals_init(a, err);
        if (r >= 0)
                r = hv_notify_new(a->event, &a->notify, err);
        if (r >= 0)
                r = hv_api_new(a->event, &hv_agent_backend, a, &a->api, err);
        if (r < 0)
                return r;
        hv_log_set_observer(on_record, a);
        r = hv_agent_log_files_begin(a, err);
        if (r < 0)
                return r;
        hv_log_event(HV_EVENT_AGENT_STARTED, NULL, "hivelet %s", hv_version());
        r = hv_agent_pass_init(a, err);
        if (r >= 0)
                r = hv_agent_publish_init(a, err);
        if (r >= 0)
                r = hv_agent_gpus_init(a, err);
        if (r >= 0)
                r = hv_agent_engine_init(a, err);
        if (r >= 0)
                hv_agent_orders_init(a);
        if (r >= 0)
                hv_agent_access_init(a);
        if (r >= 0)
                r = hv_agent_listen_init(a, err);
        if (r >= 0)
                r = hv_agent_monitor_init(a, err);
        if (r >= 0)
                r = hv_agent_sources_init(a, err);
        if (r >= 0)
                r = hv_agent_once_init(a, err);
        if (r < 0)
                return r;
        r = sd_event_add_post(a->event, &a->turn, on_turn, a);
        return r < 0 ? hv_err_errno(err, r, "cannot set up the event loop") : 0;
}

/* In the reverse order of dependence; every container goes on running. */
static void end(struct hv_agent *a) {
        hv_log_set_observer(NULL, NULL);
        hv_agent_log_files_end(a);
        hv_agent_plans_abandon(a);
        hv_agent_task_calls_abandon(a);
        hv_agent_tunnel_calls_abandon(a);
        hv_agent_kills_abandon(a);
        hv_agent_change_abandon(a);
        hv_http_server_free(a->tcp_server);
        hv_http_server_free(a->socket_server);
        hv_agent_access_end(a);
        hv_api_free(a->api);
        hv_agent_monitor_end(a);
        hv_agent_gpus_end(a);
        hv_agent_pool_end(a);
        hv_agent_joins_end(a);
        hv_agent_tunnels_end(a);
        hv_agent_gc_end(a);
        hv_agent_preload_end(a);
        hv_executor_free(a->executor);
        hv_agent_images_end(a);
        hv_agent_tasks_end(a);
        hv_attempt_cgroups_free(a->cgroups);
        hv_docker_free(a->docker);
        hv_core_free(a->core);
        if (a->active != a->offered && a->active != a->latest)
                hv_source_load_free(a->active);
        if (a->offered != a->latest)
                hv_source_load_free(a->offered);
        hv_source_load_free(a->latest);
        hv_source_set_free(a->sources);
        hv_join_store_free(a->join_store);
        sd_event_source_disable_unref(a->pass);
        sd_event_source_disable_unref(a->deadline);
        sd_event_source_disable_unref(a->caps_timer);
        sd_event_source_disable_unref(a->publish);
        sd_event_source_disable_unref(a->turn);
        sd_event_source_disable_unref(a->once_timeout);
        sd_event_source_disable_unref(a->hangup);
        sd_event_source_disable_unref(a->terminate);
        sd_event_source_disable_unref(a->interrupt);
        hv_agent_listen_end(a);
        hv_agent_trial_end(a);
        hv_agent_orders_end(a);
        hv_agent_shutdown_end(a);
        hv_runs_done(&a->runs);
        hv_notify_free(a->notify);
        sd_event_unref(a->event);
        free(a->tcp_listen);
        free(a->tcp_cert);
        free(a->tcp_key);
}

/* As many descriptors as the unit gives it, also where somebody starts it by hand: each container that is sampled takes a dozen. */
static void raise_file_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= FILES_WANTED)
                return;
        limit.rlim_cur = HV_MIN(limit.rlim_max, (rlim_t) FILES_WANTED);
        (void) setrlimit(RLIMIT_NOFILE, &limit);
}

int hv_agent_run(const struct hv_agent_options *options) {
        struct hv_agent a = {
                .options = options,
                .docker_url = options->docker_url ? options->docker_url : getenv("DOCKER_HOST"),
                .started_wall_us = hv_agent_wall_us(),
        };
        struct hv_err err = {};
        int r;

        hv_log_open(HV_LOG_AUTO);
        /* Its memory holds secrets: no other process of the same user may read it, and a crash leaves no core behind. */
        (void) prctl(PR_SET_DUMPABLE, 0);
        block_signals();
        raise_file_limit();
        /* What the agent writes is for itself and root; what is for others gets its mode by hand. */
        (void) umask(077);
        if (hv_str_empty(a.docker_url))
                a.docker_url = NULL;
        /* Any two nodes of a fleet should not resync in step: the seed need not be secret, only different. */
        a.core = hv_core_new(a.started_wall_us ^ (uint64_t) getpid() << 32);
        r = begin(&a, &err);
        if (r >= 0) {
                r = sd_event_loop(a.event);
                if (r < 0) { /* with 0 nobody would start it again */
                        (void) hv_log_error(r, "the event loop failed: %s", strerror(-r));
                        a.exit_code = HV_AGENT_EXIT_REFUSED;
                }
        } else {
                (void) hv_log_error(r, "cannot start: %s", err.msg);
                if (a.notify)
                        hv_notify_errno(a.notify, r);
                a.exit_code = HV_AGENT_EXIT_REFUSED;
        }
        end(&a);
        return a.exit_code;
}
