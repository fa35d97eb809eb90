/* hivepool serve - the loop, signals and the service manager around hivepool/server.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/quantity.h"
#include "base/time.h"
#include "command.h"
#include "hivepool/server.h"
#include "log/log.h"
#include "notify/notify.h"

#define LISTEN_DEFAULT "127.0.0.1:50051"
#define TOKEN_MAX 4096

struct serving {
        struct hv_hivepool_server *server;
        struct hv_notify *notify;
};

/* --- what the options say --- */

static int read_token(const char *path, struct hv_secret **ret) {
        _hv_cleanup_(hv_fd_closep) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        char text[TOKEN_MAX + 1];
        struct stat st;
        ssize_t n;

        if (fd < 0 || fstat(fd, &st) < 0)
                return fail(HV_EXIT_ERROR, "--token-file: %s: %s", path, strerror(errno));
        if (st.st_mode & 077)
                return fail(HV_EXIT_ERROR,
                            "--token-file: %s has the mode %04o; others may read it, expected 0600", path,
                            (unsigned) (st.st_mode & 07777));
        n = read(fd, text, sizeof text);
        while (n > 0 && strchr("\r\n", text[n - 1]))
                n--;
        if (n <= 0 || n > TOKEN_MAX)
                return fail(HV_EXIT_ERROR, "--token-file: %s: expected 1 to %d bytes", path, TOKEN_MAX);
        *ret = hv_secret_new(text, (size_t) n);
        explicit_bzero(text, sizeof text);
        return HV_EXIT_OK;
}

static int read_doors(struct cli *cli, struct hv_hivepool_server_options *o) {
        const char *environment = getenv("HIVEPOOL_DATA_DIR");

        o->data_dir = cli->values[OPT_DATA_DIR];
        if (!o->data_dir)
                o->data_dir = hv_str_empty(environment) ? DATA_DIR_DEFAULT : environment;
        o->listen = option_is_given(cli, OPT_LISTEN) ? cli->values[OPT_LISTEN] : LISTEN_DEFAULT;
        if (hv_streq(o->listen, "none"))
                o->listen = NULL;
        o->insecure = option_is_given(cli, OPT_INSECURE);
        o->cert_file = cli->values[OPT_TLS_CERT];
        o->key_file = cli->values[OPT_TLS_KEY];
        o->client_ca_file = cli->values[OPT_CLIENT_CA];
        o->shared_certificate = option_is_given(cli, OPT_SHARED_CERTIFICATE);
        if (o->insecure && (o->cert_file || o->key_file || o->client_ca_file))
                return usage_error(cli, "--insecure and certificates exclude each other");
        if (o->listen && !o->insecure && (!o->cert_file || !o->key_file || !o->client_ca_file))
                return usage_error(cli, "expected --tls-cert, --tls-key and --client-ca, or --insecure");
        return HV_EXIT_OK;
}

static int read_limits(struct cli *cli, struct hv_hivepool_server_options *o) {
        const char *size = cli->values[OPT_MAX_RESULT];
        uint64_t n = 0;
        int code;

        code = option_duration(cli, OPT_LEASE, 2 * HV_USEC_PER_MIN, &o->lease_us);
        if (code == HV_EXIT_OK && o->lease_us < HV_USEC_PER_SEC)
                code = usage_error(cli, "--lease: expected at least 1s");
        if (code == HV_EXIT_OK)
                code = option_number(cli, OPT_MAX_TASKS, 1, 4096, 64, &n);
        if (code == HV_EXIT_OK)
                code = option_duration(cli, OPT_KEEP, HV_TIME_NEVER, &o->keep_us);
        o->max_tasks = (unsigned) n;
        o->max_blob_bytes = UINT64_C(4) << 30;
        o->max_log_bytes = UINT64_C(256) << 20;
        if (code == HV_EXIT_OK && size && hv_quantity_parse_bytes(size, &o->max_blob_bytes) != HV_PARSE_OK)
                code = usage_error(cli, "--max-result: expected a size such as 4Gi, found %s", size);
        return code;
}

static int read_hivemind(struct cli *cli, struct hv_hivepool_server_options *o) {
        int code;

        o->hivemind_listen = cli->values[OPT_HIVEMIND_LISTEN];
        o->accounts_file = cli->values[OPT_ACCOUNTS];
        o->node_networks = cli->networks.v;
        o->n_node_networks = cli->networks.n;
        o->hivemind_like_deployed = option_is_given(cli, OPT_LIKE_DEPLOYED);
        if (o->hivemind_listen && !o->insecure)
                return usage_error(
                        cli,
                        "--hivemind-listen: the dialect knows only plain text; say --insecure, and keep the "
                        "port inside a VPN");
        if (o->hivemind_listen && !o->accounts_file)
                return usage_error(cli, "--hivemind-listen goes with --accounts");
        code = option_duration(cli, OPT_HIVEMIND_ROUND, 10 * HV_USEC_PER_SEC, &o->hivemind_round_us);
        return code == HV_EXIT_OK ? option_duration(cli, OPT_TOKEN_LIFE, HV_USEC_PER_HOUR, &o->token_life_us)
                                  : code;
}

/* --- signals --- */

static int on_hup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        struct serving *s = userdata;
        struct hv_err err = {};

        (void) source, (void) info;
        hv_notify_reloading(s->notify);
        if (hv_hivepool_server_reload(s->server, &err) < 0)
                (void) hv_log_error(err.code, "certificates were not read again: %s", err.msg);
        else
                hv_log_notice("certificates were read again");
        hv_notify_ready(s->notify);
        return 0;
}

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        struct serving *s = userdata;

        (void) info;
        hv_notify_stopping(s->notify);
        return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int on_turn(sd_event_source *source, void *userdata) {
        struct serving *s = userdata;

        (void) source;
        hv_notify_loop_turned(s->notify);
        return 0;
}

static int add_signals(sd_event *event, struct serving *s) {
        sigset_t set;
        int r;

        /* Before gRPC makes threads: they inherit the mask. */
        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGTERM);
        (void) sigaddset(&set, SIGINT);
        (void) sigaddset(&set, SIGHUP);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        (void) signal(SIGPIPE, SIG_IGN);
        r = sd_event_add_signal(event, NULL, SIGTERM, on_end, s);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGINT, on_end, s);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGHUP, on_hup, s);
        if (r >= 0)
                r = sd_event_add_post(event, NULL, on_turn, s);
        return r;
}

static int serve(sd_event *event, const struct hv_hivepool_server_options *options) {
        struct serving s = {};
        struct hv_err err = {};
        int r;

        r = add_signals(event, &s);
        if (r < 0)
                return fail(HV_EXIT_ERROR, "cannot set up the loop: %s", strerror(-r));
        if (hv_notify_new(event, &s.notify, &err) < 0 ||
            hv_hivepool_server_new(options, &s.server, &err) < 0) {
                s.notify = hv_notify_free(s.notify);
                return fail(HV_EXIT_ERROR, "%s", err.msg);
        }
        if (hv_hivepool_server_address(s.server))
                hv_log_notice("nodes of dialect v1 are taken on %s%s", hv_hivepool_server_address(s.server),
                              options->insecure ? ", in plain text" : "");
        if (hv_hivepool_server_hivemind_address(s.server))
                hv_log_notice("nodes and users of dialect hivemind are taken on %s%s",
                              hv_hivepool_server_hivemind_address(s.server),
                              options->hivemind_like_deployed ? ", like the deployed pool" : "");
        hv_notify_ready(s.notify);
        r = sd_event_loop(event);
        s.server = hv_hivepool_server_free(s.server);
        s.notify = hv_notify_free(s.notify);
        return r < 0 ? HV_EXIT_ERROR : HV_EXIT_OK;
}

int run_serve(struct cli *cli) {
        struct hv_hivepool_server_options options = {};
        _hv_cleanup_(hv_secret_freep) struct hv_secret *token = NULL;
        sd_event *event = NULL;
        int code;

        (void) umask(0077);
        code = read_doors(cli, &options);
        if (code == HV_EXIT_OK)
                code = read_limits(cli, &options);
        if (code == HV_EXIT_OK)
                code = read_hivemind(cli, &options);
        if (code == HV_EXIT_OK && cli->values[OPT_TOKEN_FILE])
                code = read_token(cli->values[OPT_TOKEN_FILE], &token);
        if (code != HV_EXIT_OK)
                return code;
        hv_log_open(HV_LOG_AUTO);
        if (sd_event_default(&event) < 0)
                return fail(HV_EXIT_ERROR, "cannot make a loop");
        options.event = event;
        options.token = token;
        code = serve(event, &options);
        (void) sd_event_unref(event);
        return code;
}
