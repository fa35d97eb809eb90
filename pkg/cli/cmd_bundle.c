/* hivectl bundle: one file for a bug report: what the agent says, what the doctor finds, what journal and log file hold. Without secrets. */
#include "cli/cli_internal.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/version.h"
#include "cli/client.h"
#include "cli/doctor.h"
#include "cli/document.h"
#include "cli/output.h"
#include "cli/scrub.h"
#include "logfile/form.h"
#include "logfile/tail.h"

#define JOURNAL_LINES 2000
#define LOG_FILE_LINES 2000
#define LOG_FILE_BYTES ((size_t) 1024 * 1024)
#define UNIT "hivelet.service"

/* What the agent is asked. A plan is judged and changes nothing. */
static const struct {
        const char *path, *file;
        bool is_text, is_post;
} parts[] = {
        { "/api/v1/version", "version.json", false, false },
        { "/api/v1/status", "status.json", false, false },
        { "/api/v1/plan", "plan.json", false, true },
        { "/api/v1/why", "why.json", false, false },
        { "/api/v1/node", "node.json", false, false },
        { "/api/v1/usage", "usage.json", false, false },
        { "/api/v1/sources", "sources.json", false, false },
        { "/api/v1/revisions", "revisions.json", false, false },
        { "/api/settings", "settings.json", false, false },
        { "/api/v1/services", "services.json", false, false },
        { "/api/v1/tasks", "tasks.json", false, false },
        { "/api/v1/crontasks", "crontasks.json", false, false },
        { "/api/v1/networks", "networks.json", false, false },
        { "/api/v1/volumes", "volumes.json", false, false },
        { "/api/v1/images", "images.json", false, false },
        { "/api/v1/registries", "registries.json", false, false },
        { "/api/v1/wireguard", "wireguard.json", false, false },
        { "/api/v1/gc", "gc.json", false, false },
        { "/api/v1/trust", "trust.json", false, false },
        { "/api/v1/events", "events.json", false, false },
        { "/metrics", "metrics.txt", true, false },
};

struct bundle {
        struct hv_cli *cli;
        struct archive *archive;
        struct hv_table *table; /* what is in it */
        struct hv_buf text;     /* of a part that is no JSON */
        time_t now;
        char top[40]; /* the folder inside */
        int result;
};

/* ---- the file ---- */

static int add(struct bundle *b, const char *name, const char *text) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s", b->top, name);
        _hv_cleanup_(hv_buf_done) struct hv_buf clean = {};
        struct archive_entry *e = archive_entry_new();
        bool written;

        hv_scrub(text, &clean);
        archive_entry_set_pathname(e, path);
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, 0600);
        archive_entry_set_mtime(e, b->now, 0);
        archive_entry_set_size(e, (la_int64_t) clean.len);
        written = archive_write_header(b->archive, e) == ARCHIVE_OK &&
                  archive_write_data(b->archive, hv_buf_str(&clean), clean.len) == (la_ssize_t) clean.len;
        archive_entry_free(e);
        if (!written)
                return hv_cli_fail(b->cli, HV_EXIT_ERROR, "cannot write the bundle: %s",
                                   archive_error_string(b->archive));
        hv_table_row(b->table);
        hv_table_cell(b->table, name);
        hv_table_cellf(b->table, "%zu", clean.len);
        return HV_EXIT_OK;
}

/* ---- what the agent says ---- */

static void on_data(void *userdata, const char *data, size_t len) {
        struct bundle *b = userdata;

        hv_buf_add(&b->text, data, len);
}

static void on_end(void *userdata, const struct hv_client_answer *answer, const struct hv_err *err) {
        struct bundle *b = userdata;

        if (answer)
                hv_buf_printf(&b->text, "the agent answered with status %u\n", answer->status);
        else if (err)
                hv_buf_printf(&b->text, "%s\n", err->msg);
        hv_client_stop(b->cli->client);
}

static void ask_text(struct bundle *b, const char *path, struct hv_buf *ret) {
        const struct hv_client_stream stream = {
                .path = path, .on_data = on_data, .on_end = on_end, .userdata = b
        };
        struct hv_err err = {};

        hv_buf_clear(&b->text);
        if (hv_client_stream_start(b->cli->client, &stream, &err) < 0)
                hv_buf_printf(ret, "%s\n", err.msg);
        else if (hv_client_run(b->cli->client, b->cli->options.timeout_us) < 0)
                hv_buf_puts(ret, "it did not come in time\n");
        else
                hv_buf_add(ret, b->text.data, b->text.len);
}

static void ask_json(struct bundle *b, const char *path, bool is_post, struct hv_buf *ret) {
        _hv_cleanup_(hv_client_answer_done) struct hv_client_answer answer = {};
        struct hv_err err = {};
        int r = hv_client_call(b->cli->client, is_post ? HV_METHOD_POST : HV_METHOD_GET, path, NULL, 0, NULL,
                               &answer, &err);

        if (r < 0)
                hv_buf_printf(ret, "%s\n", err.msg);
        else if (answer.json)
                hv_document_json(answer.json, ret);
        else
                hv_buf_printf(ret, "the agent answered with status %u\n", answer.status);
}

static int add_answers(struct bundle *b) {
        int r = HV_EXIT_OK;

        for (size_t i = 0; r == HV_EXIT_OK && i < HV_ARRAY_SIZE(parts); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

                if (parts[i].is_text)
                        ask_text(b, parts[i].path, &text);
                else
                        ask_json(b, parts[i].path, parts[i].is_post, &text);
                r = add(b, parts[i].file, hv_buf_str(&text));
        }
        return r;
}

/* ---- what is here ---- */

static void put_field(struct hv_buf *buf, sd_journal *j, const char *field) {
        const void *data;
        size_t len, skip = strlen(field) + 1;

        if (sd_journal_get_data(j, field, &data, &len) >= 0 && len > skip)
                hv_buf_add(buf, (const char *) data + skip, len - skip);
}

/* The last lines of the unit, oldest first; of what may not be read nothing comes, which is no error. */
static void read_journal(struct hv_buf *buf) {
        sd_journal *j = NULL;

        if (sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM) < 0)
                return;
        if (sd_journal_add_match(j, "_SYSTEMD_UNIT=" UNIT, 0) >= 0 && sd_journal_seek_tail(j) >= 0 &&
            sd_journal_previous_skip(j, JOURNAL_LINES) > 0)
                do {
                        uint64_t at_us = 0;

                        (void) sd_journal_get_realtime_usec(j, &at_us);
                        hv_buf_printf(buf, "%llu.%06llu ", (unsigned long long) (at_us / 1000000),
                                      (unsigned long long) (at_us % 1000000));
                        put_field(buf, j, "MESSAGE");
                        hv_buf_putc(buf, '\n');
                } while (sd_journal_next(j) > 0);
        sd_journal_close(j);
}

/* Its last lines; why there are none is worth a line, since there is a folder for them. */
static void read_log_file(const char *folder, struct hv_buf *buf) {
        struct hv_err err = {};

        if (hv_logfile_tail(folder, HV_LOGFILE_LOG, LOG_FILE_LINES, LOG_FILE_BYTES, buf, &err) < 0)
                hv_buf_printf(buf, "%s\n", err.msg);
}

static int add_own(struct bundle *b, const struct hv_doctor *d) {
        _hv_cleanup_(hv_buf_done) struct hv_buf checkup = {}, journal = {}, log = {}, about = {};
        const char *log_dir = hv_doctor_log_dir(d);
        int r;

        hv_buf_printf(&about, "hivectl %s (commit %s)\n", hv_version(), hv_build()->commit);
        r = add(b, "hivectl.txt", hv_buf_str(&about));
        hv_doctor_text(d, false, false, &checkup);
        if (r == HV_EXIT_OK)
                r = add(b, "doctor.txt", hv_buf_str(&checkup));
        if (d->is_local)
                read_journal(&journal);
        if (r == HV_EXIT_OK && journal.len > 0)
                r = add(b, "journal.txt", hv_buf_str(&journal));
        if (d->is_local && log_dir)
                read_log_file(log_dir, &log);
        if (r == HV_EXIT_OK && log.len > 0)
                r = add(b, HV_LOGFILE_LOG, hv_buf_str(&log));
        return r;
}

/* ---- the verb ---- */

static int fill(struct bundle *b, int fd) {
        _hv_cleanup_(hv_doctor_done) struct hv_doctor d = {};
        int r = hv_doctor_examine(b->cli, &d);

        if (r != HV_EXIT_OK)
                return r;
        b->archive = archive_write_new();
        if (!b->archive)
                hv_out_of_memory(0);
        (void) archive_write_add_filter_gzip(b->archive);
        (void) archive_write_set_format_ustar(b->archive);
        if (archive_write_open_fd(b->archive, fd) != ARCHIVE_OK)
                r = hv_cli_fail(b->cli, HV_EXIT_ERROR, "cannot write the bundle: %s",
                                archive_error_string(b->archive));
        if (r == HV_EXIT_OK)
                r = add_own(b, &d);
        if (r == HV_EXIT_OK && d.version)
                r = add_answers(b);
        if (r == HV_EXIT_OK && archive_write_close(b->archive) != ARCHIVE_OK)
                r = hv_cli_fail(b->cli, HV_EXIT_ERROR, "cannot write the bundle: %s",
                                archive_error_string(b->archive));
        (void) archive_write_free(b->archive);
        if (r == HV_EXIT_OK && !d.version)
                hv_cli_note(b->cli, "without the agent, which does not answer: %s", d.why_silent.msg);
        return r;
}

int hv_cmd_bundle(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        struct bundle b = { .cli = cli, .now = time(NULL), .table = hv_table_new() };
        _hv_cleanup_free_ char *name = NULL;
        struct tm at;
        int fd, r;

        (void) gmtime_r(&b.now, &at);
        (void) strftime(b.top, sizeof b.top, "hivelet-%Y%m%d-%H%M%S", &at);
        name = o->n_args > 0 ? hv_strdup(o->args[0]) : hv_asprintf("%s.tar.gz", b.top);
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                r = hv_cli_fail(cli, HV_EXIT_ERROR, "%s cannot be made: %s", name, strerror(errno));
        else {
                hv_table_column(b.table, "FILE", 0);
                hv_table_column(b.table, "BYTES", HV_TABLE_RIGHT);
                r = fill(&b, fd);
                (void) close(fd);
                if (r != HV_EXIT_OK)
                        (void) unlink(name);
        }
        if (r == HV_EXIT_OK) {
                hv_output_table(cli, b.table);
                hv_cli_note(cli, "%s: look through it before you send it", name);
        }
        hv_table_free(b.table);
        hv_buf_done(&b.text);
        return r;
}
