/* hivectl task results: the files that a task left, as a list or brought into a directory.
 *
 * Safe     What a task calls its files is a stranger's word: each name is checked and opened below the directory by openat2,
 *          without a link on the way (task/beneath.h); nothing that is there is overwritten; what came must have the SHA-256
 *          that the list says. */
#include "cli/cli_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/quantity.h"
#include "base/sha256.h"
#include "cli/client.h"
#include "cli/output.h"
#include "task/beneath.h"

#define MODE_MAX 0777

static void print_list(struct hv_cli *cli, const struct hv_json *j) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();
        const struct hv_json *files = hv_json_get(j, "files"), *out = hv_json_get(j, "leftOut");

        hv_table_column(t, "PATH", HV_TABLE_CUT_START);
        hv_table_column(t, "SIZE", HV_TABLE_RIGHT);
        hv_table_column(t, "SHA256", HV_TABLE_CUT);
        for (size_t i = 0; i < hv_json_size(files); i++) {
                const struct hv_json *f = hv_json_at(files, i);

                hv_table_row(t);
                hv_table_cell(t, hv_json_str(f, "path"));
                hv_table_cellf(t, "%lld", (long long) hv_json_int(f, "size", 0));
                hv_table_cell(t, hv_json_str(f, "sha256"));
        }
        if (hv_json_size(files) > 0)
                hv_output_table(cli, t);
        else
                hv_cli_note(cli, "it left no files");
        for (size_t i = 0; i < hv_json_size(out); i++)
                hv_cli_note(cli, "left out: %s: %s", hv_json_str(hv_json_at(out, i), "path"),
                            hv_json_str(hv_json_at(out, i), "reason"));
        if (hv_json_bool(j, "truncated", false))
                hv_cli_note(cli, "there was more than the task's limits allow");
}

/* ---- bringing ---- */

struct file {
        struct hv_cli *cli;
        int fd, error;
        struct hv_sha256 sha256;
        int result;
};

static void on_data(void *userdata, const char *data, size_t len) {
        struct file *f = userdata;

        if (f->error == 0)
                f->error = hv_fd_write(f->fd, data, len);
        hv_sha256_add(&f->sha256, data, len);
}

static void on_end(void *userdata, const struct hv_client_answer *answer, const struct hv_err *err) {
        struct file *f = userdata;

        if (answer)
                f->result = hv_cli_problem(f->cli, answer->status, answer->json);
        else if (err)
                f->result = hv_cli_fail(f->cli, HV_EXIT_UNREACHABLE, "%s", err->msg);
        hv_client_stop(f->cli->client);
}

/* Segment by segment: a slash stays one. */
static void escape_whole_path(struct hv_buf *buf, const char *path) {
        for (const char *p = path; *p;) {
                char segment[HV_BENEATH_NAME_MAX + 1];
                size_t n = strcspn(p, "/");

                (void) snprintf(segment, sizeof segment, "%.*s", (int) n, p);
                hv_cli_escape_path(buf, segment);
                p += n;
                if (*p == '/') {
                        hv_buf_putc(buf, '/');
                        p++;
                }
        }
}

static int fetch(struct file *f, const char *id, int64_t attempt, const char *path) {
        _hv_cleanup_(hv_buf_done) struct hv_buf url = {};
        struct hv_client_stream stream = { .on_data = on_data, .on_end = on_end, .userdata = f };
        struct hv_err err = {};

        hv_buf_puts(&url, "/api/v1/tasks/");
        hv_cli_escape_path(&url, id);
        hv_buf_puts(&url, "/results/");
        escape_whole_path(&url, path);
        hv_buf_printf(&url, "?attempt=%lld", (long long) attempt);
        stream.path = hv_buf_str(&url);
        hv_sha256_init(&f->sha256);
        if (hv_client_stream_start(f->cli->client, &stream, &err) < 0)
                return hv_cli_fail(f->cli, HV_EXIT_ERROR, "%s", err.msg);
        (void) hv_client_run(f->cli->client, 0);
        return f->result;
}

static int bring(struct hv_cli *cli, int dir_fd, const char *id, int64_t attempt,
                 const struct hv_json *entry) {
        const struct hv_owner me = { geteuid(), getegid() };
        const char *path = hv_json_str(entry, "path"), *wanted = hv_json_str(entry, "sha256"),
                   *mode = hv_json_str(entry, "mode"), *fault;
        char hex[HV_SHA256_HEX_SIZE];
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        struct file f = { .cli = cli };
        int r;

        fault = path ? hv_beneath_fault(path, strlen(path)) : "is missing";
        if (fault || hv_json_get(entry, "pathBase64"))
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s: the name %s; take it with ?format=tar",
                                   path ? path : "", fault ? fault : "is no valid UTF-8");
        r = hv_beneath_make_file(dir_fd, path, &me, &fd);
        if (r < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s/%s cannot be made: %s", cli->options.directory,
                                   path, strerror(-r));
        f.fd = fd;
        r = fetch(&f, id, attempt, path);
        if (r != HV_EXIT_OK)
                return r;
        if (f.error < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s/%s cannot be written: %s", cli->options.directory,
                                   path, strerror(-f.error));
        hv_sha256_finish_hex(&f.sha256, hex);
        if (!hv_streq(hex, wanted))
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s: what came has the SHA-256 %s, expected %s", path,
                                   hex, wanted ? wanted : "none");
        (void) fchmod(fd, mode ? (mode_t) strtoul(mode, NULL, 8) & MODE_MAX : 0644);
        return HV_EXIT_OK;
}

static int bring_all(struct hv_cli *cli, const char *id, const struct hv_json *j) {
        const char *dir = cli->options.directory;
        const struct hv_json *files = hv_json_get(j, "files");
        int64_t attempt = hv_json_int(j, "attempt", 1);
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        int r = HV_EXIT_OK;

        if (mkdir(dir, 0777) < 0 && errno != EEXIST)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s cannot be made: %s", dir, strerror(errno));
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s cannot be opened: %s", dir, strerror(errno));
        for (size_t i = 0; i < hv_json_size(files) && r == HV_EXIT_OK; i++)
                r = bring(cli, fd, id, attempt, hv_json_at(files, i));
        if (r == HV_EXIT_OK)
                hv_cli_note(cli, "%zu %s in %s", hv_json_size(files),
                            hv_json_size(files) == 1 ? "file" : "files", dir);
        return r;
}

int hv_cmd_task_results(struct hv_cli *cli) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        const char *id;
        int r;

        if (cli->options.n_args == 0)
                return hv_cli_usage(cli, "of which task? hivectl task ls lists them");
        id = cli->options.args[0];
        hv_buf_puts(&path, "/api/v1/tasks/");
        hv_cli_escape_path(&path, id);
        hv_buf_puts(&path, "/results");
        r = hv_cli_get(cli, hv_buf_str(&path), &j);
        if (r != HV_EXIT_OK)
                return r;
        if (hv_option_is_given(&cli->options, HV_OPT_DIRECTORY))
                return bring_all(cli, id, j);
        print_list(cli, j);
        return HV_EXIT_OK;
}
