/* agent/listen.c - where the API is served: the unix socket from the beginning to the end, the loopback address as the
 * revision in force says. An address that cannot be had is told and costs nothing else. */
#include <errno.h>
#include <sys/stat.h>

#include "agent/private.h"
#include "base/alloc.h"
#include "log/log.h"

#define SOCKET_GROUP "hivelet"

static int serve(struct hv_agent *a, const struct hv_http_options *options, struct hv_http_server **ret,
                 struct hv_err *err) {
        _hv_cleanup_(hv_http_server_freep) struct hv_http_server *s = NULL;
        int r = hv_http_server_new(a->event, options, &s, err);

        if (r >= 0)
                r = hv_api_attach(a->api, s, err);
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

void hv_agent_listen_follow(struct hv_agent *a, const struct hv_desired *d) {
        const struct hv_http_options options = { .listen = d->settings.http_listen };
        struct hv_err err = {};

        if (hv_streq(a->tcp_listen, options.listen))
                return;
        a->tcp_server = hv_http_server_free(a->tcp_server);
        free(a->tcp_listen);
        a->tcp_listen = hv_strdup(options.listen);
        if (hv_str_empty(options.listen))
                return;
        if (serve(a, &options, &a->tcp_server, &err) < 0)
                (void) hv_log_error(err.code, "http.listen: %s; the unix socket still serves", err.msg);
}
