/* hivectl logs: what the containers of a service write, or a task. All replicas at once are told apart by a prefix. */
#include "cli/cli_internal.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "cli/client.h"
#include "cli/log_lines.h"

#define REPLICAS_MAX 64

struct reader {
        struct tailer *all;
        unsigned replica;
        struct hv_log_lines lines;
};

struct tailer {
        struct hv_cli *cli;
        const char *name;
        struct reader readers[REPLICAS_MAX];
        unsigned n_readers, n_open;
        int result;
};

static void on_data(void *userdata, const char *data, size_t len) {
        struct reader *r = userdata;

        hv_log_lines_add(&r->lines, data, len);
}

static void on_end(void *userdata, const struct hv_client_answer *answer, const struct hv_err *err) {
        struct reader *r = userdata;
        struct tailer *all = r->all;

        hv_log_lines_end(&r->lines);
        if (answer)
                all->result = hv_cli_problem(all->cli, answer->status, answer->json);
        else if (err)
                all->result = hv_cli_fail(all->cli, HV_EXIT_UNREACHABLE, "%s", err->msg);
        if (--all->n_open == 0)
                hv_client_stop(all->cli->client);
}

/* replica 0: of a task. */
static void make_path(const struct hv_cli_options *o, const char *name, unsigned replica,
                      struct hv_buf *path) {
        hv_buf_printf(path, "/api/v1/%s/", hv_cli_folder(replica ? HV_KIND_SERVICE : HV_KIND_TASK));
        hv_cli_escape_path(path, name);
        hv_buf_puts(path, "/logs?");
        if (replica)
                hv_buf_printf(path, "replica=%u", replica);
        if (hv_option_is_given(o, HV_OPT_FOLLOW))
                hv_buf_puts(path, "&follow=1");
        if (hv_option_is_given(o, HV_OPT_PREVIOUS))
                hv_buf_puts(path, "&previous=1");
        if (hv_option_is_given(o, HV_OPT_TIMESTAMPS))
                hv_buf_puts(path, "&timestamps=1");
        if (hv_option_is_given(o, HV_OPT_TAIL))
                hv_buf_printf(path, "&tail=%llu", (unsigned long long) o->tail);
        if (o->stream)
                hv_buf_printf(path, "&stream=%s", o->stream);
        if (o->since) {
                hv_buf_puts(path, "&since=");
                hv_cli_escape_path(path, o->since);
        }
}

/* "web", "web/2", "service/web", "service/web/2". */
static int read_word(struct hv_cli *cli, char *word, const char **ret_name, unsigned *ret_replica) {
        char *slash = strchr(word, '/');
        uint64_t n;

        if (slash) {
                *slash = '\0';
                if (hv_kind_parse(word) == HV_KIND_SERVICE) {
                        word = slash + 1;
                        slash = strchr(word, '/');
                        if (slash)
                                *slash = '\0';
                }
        }
        *ret_name = word;
        if (slash) {
                if (!hv_parse_uint(slash + 1, 1, 1000, &n))
                        return hv_cli_usage(
                                cli, "only services and tasks have logs: NAME, NAME/REPLICA, service/NAME or "
                                     "task/ID");
                *ret_replica = (unsigned) n;
        }
        return *word ? HV_EXIT_OK : hv_cli_usage(cli, "the name is missing");
}

static int count_replicas(struct hv_cli *cli, const char *name, unsigned *ret) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        int64_t n;
        int r;

        hv_buf_puts(&path, "/api/v1/services/");
        hv_cli_escape_path(&path, name);
        hv_buf_puts(&path, "/status");
        r = hv_cli_get(cli, hv_buf_str(&path), &j);
        if (r == HV_EXIT_NOT_FOUND)
                hv_cli_note(cli, "the log of a task is asked for with its type: hivectl logs task/%s", name);
        if (r != HV_EXIT_OK)
                return r;
        n = hv_json_int(j, "replicas", 1);
        if (n > REPLICAS_MAX)
                hv_cli_note(cli, "%lld replicas: showing the first %d", (long long) n, REPLICAS_MAX);
        *ret = n < 1 ? 1 : n > REPLICAS_MAX ? REPLICAS_MAX : (unsigned) n;
        return HV_EXIT_OK;
}

/* One log for each of the readers, each with its own replica; of a task there is one. */
static int tail(struct tailer *all, unsigned replica) {
        struct hv_cli *cli = all->cli;
        const struct hv_cli_options *o = &cli->options;
        struct hv_err err = {};
        int r = hv_cli_connect(cli);

        if (r != HV_EXIT_OK)
                return r;
        for (unsigned i = 0; i < all->n_readers; i++) {
                struct reader *reader = &all->readers[i];
                _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
                struct hv_client_stream stream = { .on_data = on_data, .on_end = on_end, .userdata = reader };

                *reader = (struct reader){ .all = all, .replica = all->n_readers > 1 ? i + 1 : replica };
                reader->lines = (struct hv_log_lines){ .cli = cli,
                                                       .name = all->n_readers > 1 ? all->name : NULL,
                                                       .replica = reader->replica };
                make_path(o, all->name, reader->replica, &path);
                stream.path = hv_buf_str(&path);
                if (hv_client_stream_start(cli->client, &stream, &err) < 0)
                        return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
                all->n_open++;
        }
        r = hv_client_run(cli->client, hv_option_is_given(o, HV_OPT_TIMEOUT) ? o->timeout_us : 0);
        for (unsigned i = 0; i < all->n_readers; i++)
                hv_log_lines_done(&all->readers[i].lines);
        return r == -ETIMEDOUT ? HV_EXIT_TIMED_OUT : all->result;
}

static int check_options(struct hv_cli *cli) {
        if (hv_option_is_given(&cli->options, HV_OPT_PREVIOUS) &&
            hv_option_is_given(&cli->options, HV_OPT_FOLLOW))
                return hv_cli_usage(cli, "--previous is over, and --follow waits for more: one of them");
        return HV_EXIT_OK;
}

int hv_cmd_task_logs(struct hv_cli *cli) {
        struct tailer all = { .cli = cli, .n_readers = 1 };

        if (cli->options.n_args == 0)
                return hv_cli_usage(cli, "of which task? hivectl task ls lists them");
        if (check_options(cli) != HV_EXIT_OK)
                return HV_EXIT_USAGE;
        all.name = cli->options.args[0];
        return tail(&all, 0);
}

int hv_cmd_logs(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        _hv_cleanup_free_ char *word = NULL;
        struct tailer all = { .cli = cli, .n_readers = 1 };
        struct hv_cli_object object = {};
        unsigned replica = 0;
        int r;

        if (o->n_args == 0)
                return hv_cli_usage(cli, "whose logs? For example: hivectl logs web");
        if (check_options(cli) != HV_EXIT_OK)
                return HV_EXIT_USAGE;
        if (hv_has_prefix(o->args[0], "task/") ||
            (o->n_args == 2 && hv_kind_parse(o->args[0]) == HV_KIND_TASK)) {
                r = hv_cli_object(cli, o->args[0], o->n_args > 1 ? o->args[1] : NULL, &object);
                if (r != HV_EXIT_OK)
                        return r;
                all.name = object.name;
                return tail(&all, 0);
        }
        if (o->n_args == 2 && hv_kind_parse(o->args[0]) != HV_KIND_SERVICE)
                return hv_cli_usage(cli, "one service at a time");
        word = hv_strdup(o->args[o->n_args - 1]);
        r = read_word(cli, word, &all.name, &replica);
        if (r != HV_EXIT_OK)
                return r;
        if (replica == 0) {
                r = count_replicas(cli, all.name, &all.n_readers);
                if (r != HV_EXIT_OK)
                        return r;
                replica = 1;
        }
        return tail(&all, replica);
}
