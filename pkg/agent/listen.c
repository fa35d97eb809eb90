/* agent/listen.c - where the API is served: the unix socket from the beginning to the end, the address of http.listen as the
 * revision in force says. An address that cannot be had is told and tried again, and costs nothing else. */
#include <errno.h>
#include <sys/stat.h>

#include "agent/private.h"
#include "base/alloc.h"
#include "http/access.h"
#include "log/log.h"

#define SOCKET_GROUP "hivelet"

static int serve(struct hv_agent *a, const struct hv_http_options *options, struct hv_http_server **ret,
                 struct hv_err *err) {
        _hv_cleanup_(hv_http_server_freep) struct hv_http_server *s = NULL;
        struct hv_http_options guarded = *options;
        int r;

        hv_http_access_guard(a->access, &guarded);
        r = hv_http_server_new(a->event, &guarded, &s, err);
        if (r >= 0)
                r = hv_api_attach(a->api, s, err);
        if (r >= 0)
                r = hv_http_access_attach(a->access, s, err);
        if (r >= 0)
                r = hv_http_server_start(s, err);
        if (r < 0)
                return r;
        *ret = HV_STEAL(s);
        return 0;
}

/* The socket's group has to get to the socket, whatever the umask. */
int hv_agent_make_run_dir(const char *dir, struct hv_err *err) {
        if (mkdir(dir, 0755) < 0)
                return errno == EEXIST
                               ? 0
                               : hv_err_errno(err, -errno, "cannot make the directory %s (--run-dir)", dir);
        if (chmod(dir, 0755) < 0)
                return hv_err_errno(err, -errno, "cannot set the mode of %s (--run-dir)", dir);
        return 0;
}

int hv_agent_listen_init(struct hv_agent *a, struct hv_err *err) {
        const char *dir = a->options->run_dir ? a->options->run_dir : HV_AGENT_RUN_DIR;
        _hv_cleanup_free_ char *path = hv_asprintf("%s/hivelet.sock", dir);
        const struct hv_http_options options = { .socket_path = path, .socket_group = SOCKET_GROUP };

        int r = hv_agent_make_run_dir(dir, err);

        if (r < 0)
                return r;
        return serve(a, &options, &a->socket_server, err);
}

/* ---- the address of http.listen ---- */

/* Whoever has the port may leave it within seconds or never; one try a minute costs nothing. */
static const struct hv_backoff_spec listen_backoff = {
        .initial_us = HV_USEC_PER_SEC,
        .factor_milli = 2000,
        .max_us = HV_USEC_PER_MIN,
        .reset_after_us = HV_USEC_PER_MIN,
};

static void listen_tcp(struct hv_agent *a);

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata) {
        struct hv_agent *a = userdata;

        (void) s;
        (void) usec;
        if (!a->stopping)
                listen_tcp(a);
        return 0;
}

static void listen_later(struct hv_agent *a) {
        int r;

        hv_backoff_failed(&a->tcp_backoff, &listen_backoff, hv_agent_now_us());
        a->tcp_retry = sd_event_source_disable_unref(a->tcp_retry);
        r = sd_event_add_time(a->event, &a->tcp_retry, CLOCK_BOOTTIME, a->tcp_backoff.not_before_us, 0,
                              on_retry, a);
        if (r < 0)
                (void) hv_log_error(r, "http.listen: cannot be tried again later: %s", strerror(-r));
}

/* Told when it fails first and when it is well again, not each time in between. */
static void listen_tcp(struct hv_agent *a) {
        const struct hv_http_options options = { .listen = a->tcp_listen,
                                                 .cert_file = a->tcp_cert,
                                                 .key_file = a->tcp_key,
                                                 .limits = a->tcp_limits };
        struct hv_err err = {};

        if (serve(a, &options, &a->tcp_server, &err) >= 0) {
                hv_api_limit_streams(a->api, a->tcp_limits.streams_max);
                if (a->tcp_backoff.n > 0)
                        (void) hv_log_info("http.listen: %s is served after %u tries that failed",
                                           a->tcp_listen, a->tcp_backoff.n);
                hv_agent_listen_end(a);
                hv_api_changed(a->api);
                return;
        }
        free(a->tcp_error);
        a->tcp_error = hv_strdup(err.msg);
        hv_api_changed(a->api);
        if (a->tcp_backoff.n == 0)
                (void) hv_log_error(
                        err.code, "http.listen: %s; the unix socket still serves; tried again until it works",
                        err.msg);
        listen_later(a);
}

void hv_agent_listen_end(struct hv_agent *a) {
        a->tcp_retry = sd_event_source_disable_unref(a->tcp_retry);
        hv_backoff_reset(&a->tcp_backoff);
        free(a->tcp_error);
        a->tcp_error = NULL;
}

static bool is_same_file(const char *a, const char *b) {
        return a && b ? hv_streq(a, b) : a == b;
}

static void limit(struct hv_agent *a, const struct hv_http_settings *http) {
        a->tcp_limits =
                (struct hv_http_limits){ .connections_max = http->connections_max,
                                         .connections_per_address_max = http->connections_per_address_max,
                                         .streams_max = http->streams_max };
        if (a->tcp_server) {
                hv_http_server_limit(a->tcp_server, &a->tcp_limits);
                hv_api_limit_streams(a->api, a->tcp_limits.streams_max);
        }
}

void hv_agent_listen_follow(struct hv_agent *a, const struct hv_desired *d) {
        const char *listen = d->settings.http_listen;
        const struct hv_http_settings *http = &d->settings.http;

        hv_agent_access_follow(a, d);
        limit(a, http);
        hv_api_show_pages(a->api, !http->pages_are_off, http->page_theme);
        if (hv_streq(a->tcp_listen, listen) && is_same_file(a->tcp_cert, http->cert_file) &&
            is_same_file(a->tcp_key, http->key_file))
                return;
        hv_agent_listen_end(a);
        a->tcp_server = hv_http_server_free(a->tcp_server);
        free(a->tcp_listen);
        free(a->tcp_cert);
        free(a->tcp_key);
        a->tcp_listen = hv_strdup(listen);
        a->tcp_cert = hv_strdup(http->cert_file);
        a->tcp_key = hv_strdup(http->key_file);
        if (!hv_str_empty(listen))
                listen_tcp(a);
}
