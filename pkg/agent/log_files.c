/* agent/log_files.c - see log_files.h. */
#include "agent/log_files.h"

#include <errno.h>
#include <libgen.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/text.h"
#include "log/line.h"
#include "log/log.h"
#include "logfile/folder.h"
#include "logfile/form.h"
#include "logfile/logfile.h"
#include "logfile/rotated.h"
#include "logfile/tail.h"

#define EARLY_BYTES ((size_t) 256 * 1024) /* of each file */
#define PAST_BYTES ((size_t) 1024 * 1024)
#define PAST_LINES 1000
#define AGAIN_US (2 * HV_USEC_PER_SEC)
#define EVENT_PARTS 8 /* so much of the space for events, and of their time, is one file */

struct hv_agent_log_files {
        struct hv_agent *agent;
        char *folder; /* NULL: none */
        struct hv_logfile *log, *events;
        struct hv_buf early[2]; /* lines of each */
        bool is_early;          /* no revision was in force yet */
        bool has_past;          /* what earlier runs wrote was read */

        sd_event_source *tell; /* outside of the logging itself */
        bool is_failed, failed_is_told;
        uint64_t again_us, n_missing;
        struct hv_err why;
};

/* ---- writing ---- */

static void keep_early(struct hv_buf *early, const struct hv_buf *text) {
        if (early->len + text->len <= EARLY_BYTES)
                hv_buf_add(early, text->data, text->len);
}

static void tell_soon(struct hv_agent_log_files *f) {
        (void) sd_event_source_set_enabled(f->tell, SD_EVENT_ONESHOT);
}

/* Whether what was to be written was. n_records: how many are missing if not. */
static bool wrote(struct hv_agent_log_files *f, int r, const struct hv_err *err, uint64_t n_records) {
        if (r < 0) {
                f->n_missing += n_records;
                f->again_us = hv_time_add(hv_agent_now_us(), AGAIN_US);
                f->why = *err;
        }
        if ((r < 0) != f->is_failed)
                tell_soon(f);
        f->is_failed = r < 0;
        return r >= 0;
}

static int write_both(struct hv_agent_log_files *f, uint64_t now_us, const struct hv_buf text[2],
                      struct hv_err *err) {
        struct hv_logfile *files[] = { f->log, f->events };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < HV_ARRAY_SIZE(files); i++)
                if (text[i].len > 0)
                        r = hv_logfile_write(files[i], now_us, text[i].data, text[i].len, err);
        return r;
}

static bool on_record(const struct hv_log_record *record, void *userdata) {
        struct hv_agent_log_files *f = userdata;
        bool is_line = record->level <= hv_log_level(), is_event = record->event != HV_EVENT_NONE;
        struct hv_buf text[2] = {};
        struct hv_err err = {};
        bool taken = false;

        if ((!f->is_early && !f->folder) || (!is_line && !is_event))
                return false;
        if (f->is_failed && hv_agent_now_us() < f->again_us) {
                f->n_missing++;
                return false;
        }
        if (is_line)
                hv_log_line(record, &text[0]);
        if (is_event)
                hv_logfile_event(record, &text[1]);
        if (f->is_early)
                for (size_t i = 0; i < HV_ARRAY_SIZE(text); i++)
                        keep_early(&f->early[i], &text[i]);
        else
                taken = wrote(f, write_both(f, record->realtime_us, text, &err), &err, 1);
        for (size_t i = 0; i < HV_ARRAY_SIZE(text); i++)
                hv_buf_done(&text[i]);
        return taken;
}

/* ---- telling ---- */

static int on_tell(sd_event_source *s, void *userdata) {
        struct hv_agent_log_files *f = userdata;

        (void) s;
        if (f->is_failed && !f->failed_is_told) {
                f->failed_is_told = true;
                hv_log_event(HV_EVENT_LOG_FILES_FAILED, NULL,
                             "the log is not kept in files for now: %s; it is tried again", f->why.msg);
        } else if (!f->is_failed && f->failed_is_told) {
                uint64_t n = f->n_missing;

                f->failed_is_told = false;
                f->n_missing = 0;
                hv_log_event(
                        HV_EVENT_LOG_FILES_BACK, NULL,
                        "the log is kept in files again; %llu records before this one are in none of them",
                        (unsigned long long) n);
        }
        return 0;
}

/* ---- what earlier runs wrote ---- */

static void read_past(struct hv_agent_log_files *f) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        char *end;

        f->has_past = true;
        if (hv_logfile_tail(f->folder, HV_LOGFILE_LOG, PAST_LINES, PAST_BYTES, &text, NULL) < 0 ||
            text.len == 0)
                return;
        /* From the newest on, as long as there is room: each line loses its end. */
        end = text.data + text.len;
        while (end > text.data) {
                uint64_t wall_us;
                const char *message;
                char *begin = end - 1;
                int level;

                if (*begin == '\n')
                        *begin = '\0';
                while (begin > text.data && begin[-1] != '\n')
                        begin--;
                end = begin;
                if (hv_log_line_parse(begin, &wall_us, &level, &message) &&
                    !hv_api_log_past(f->agent->api, wall_us, level, message))
                        return;
        }
}

/* ---- following the desired state ---- */

static struct hv_logfile_limits limits_of_log(const struct hv_log_settings *s) {
        return (struct hv_logfile_limits){ .file_bytes = s->file_max_bytes, .files = s->max_files };
}

static struct hv_logfile_limits limits_of_events(const struct hv_log_settings *s) {
        return (struct hv_logfile_limits){ .file_bytes = s->events_max_bytes / EVENT_PARTS,
                                           .total_bytes = s->events_max_bytes,
                                           .age_us = s->events_keep_us / EVENT_PARTS };
}

static void close_files(struct hv_agent_log_files *f) {
        f->log = hv_logfile_free(f->log);
        f->events = hv_logfile_free(f->events);
        free(f->folder);
        f->folder = NULL;
        f->is_failed = false;
        f->failed_is_told = false;
        f->n_missing = 0;
}

static void open_files(struct hv_agent_log_files *f, const struct hv_log_settings *s) {
        const struct hv_logfile_limits log = limits_of_log(s), events = limits_of_events(s);
        struct hv_err err = {};
        int r;

        f->folder = hv_strdup(s->dir);
        f->log = hv_logfile_new(s->dir, HV_LOGFILE_LOG, &log);
        f->events = hv_logfile_new(s->dir, HV_LOGFILE_EVENTS, &events);
        if (!f->has_past)
                read_past(f);
        r = hv_logfile_open(f->log, &err);
        if (r >= 0)
                r = hv_logfile_open(f->events, &err);
        if (r >= 0)
                r = write_both(f, hv_agent_wall_us(), f->early, &err);
        (void) wrote(f, r, &err, 0);
}

void hv_agent_log_files_follow(struct hv_agent *a, const struct hv_log_settings *s) {
        struct hv_agent_log_files *f = a->log_files;
        int level = hv_log_level_from_name(s->level);

        if (level >= 0)
                hv_log_set_level(level);
        hv_log_open(s->to_stderr ? HV_LOG_STDERR : HV_LOG_AUTO);
        hv_log_set_files(on_record, s->only_files, f);
        if (f->folder && hv_streq(f->folder, s->dir)) {
                const struct hv_logfile_limits log = limits_of_log(s), events = limits_of_events(s);

                hv_logfile_set_limits(f->log, &log);
                hv_logfile_set_limits(f->events, &events);
                return;
        }
        close_files(f);
        f->is_early = false;
        if (s->dir)
                open_files(f, s);
        hv_buf_done(&f->early[0]);
        hv_buf_done(&f->early[1]);
}

int hv_agent_log_files_check(const struct hv_log_settings *s, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = s->dir ? hv_log_folder_open(s->dir, false, err) : -1;
        _hv_cleanup_free_ char *above = NULL;

        if (fd == -ENOENT) { /* it will be made */
                above = hv_strdup(s->dir);
                if (access(dirname(above), W_OK | X_OK) == 0)
                        return 0;
                (void) hv_err_errno(err, -errno, "the folder %s cannot be made", s->dir);
        }
        return s->dir && fd < 0 ? hv_err_prefix(err, -EINVAL, "logging.dir") : 0;
}

/* ---- garbage collection ---- */

static void look_at(const struct hv_agent_log_files *f, int folder, const char *log, bool is_events,
                    struct hv_arena *arena, struct hv_gc_log *logs, size_t *n) {
        struct hv_rotated_files files;

        hv_rotated_list(folder, log, &files);
        for (size_t i = 0; i < files.n; i++) {
                char name[HV_ROTATED_NAME_SIZE];

                hv_rotated_name(log, files.v[i].number, name);
                logs[(*n)++] = (struct hv_gc_log){
                        .path = hv_arena_printf(arena, "%s/%s", f->folder, name),
                        .name = hv_arena_strdup(arena, name),
                        .is_events = is_events,
                        .number = files.v[i].number,
                        .bytes = files.v[i].bytes,
                        .written_us = files.v[i].written_us,
                };
        }
        hv_rotated_files_done(&files);
}

void hv_agent_log_files_look(const struct hv_agent *a, struct hv_arena *arena, struct hv_gc_facts *ret) {
        const struct hv_agent_log_files *f = a->log_files;
        _hv_cleanup_(hv_fd_closep) int folder = f->folder ? hv_log_folder_open(f->folder, false, NULL) : -1;
        struct hv_gc_log *logs;

        if (folder < 0)
                return;
        logs = HV_ARENA_NEW_N(arena, struct hv_gc_log, (size_t) 2 * HV_ROTATED_MAX);
        look_at(f, folder, HV_LOGFILE_LOG, false, arena, logs, &ret->n_logs);
        look_at(f, folder, HV_LOGFILE_EVENTS, true, arena, logs, &ret->n_logs);
        ret->logs = logs;
}

bool hv_agent_log_files_remove(struct hv_agent *a, const char *name) {
        const struct hv_agent_log_files *f = a->log_files;
        const char *log = hv_has_prefix(name, HV_LOGFILE_LOG ".") ? HV_LOGFILE_LOG : HV_LOGFILE_EVENTS;
        _hv_cleanup_(hv_fd_closep) int folder = -1;
        struct hv_err err = {};
        uint64_t number;
        int r = -ENOENT;

        folder = f->folder ? hv_log_folder_open(f->folder, false, &err) : -1;
        if (folder >= 0 && hv_parse_uint(name + strlen(log) + 1, 1, HV_ROTATED_MAX, &number))
                r = hv_rotated_remove(folder, log, (unsigned) number, &err);
        if (r < 0)
                hv_log_info("log %s stays: %s", name, err.msg);
        return r >= 0;
}

/* ---- life ---- */

int hv_agent_log_files_begin(struct hv_agent *a, struct hv_err *err) {
        struct hv_agent_log_files *f = HV_NEW(struct hv_agent_log_files);
        int r;

        *f = (struct hv_agent_log_files){ .agent = a, .is_early = true };
        a->log_files = f;
        r = sd_event_add_defer(a->event, &f->tell, on_tell, f);
        if (r >= 0)
                r = sd_event_source_set_enabled(f->tell, SD_EVENT_OFF);
        if (r < 0)
                return hv_err_errno(err, r, "cannot set up the event loop");
        hv_log_set_files(on_record, false, f);
        return 0;
}

void hv_agent_log_files_end(struct hv_agent *a) {
        struct hv_agent_log_files *f = a->log_files;

        hv_log_set_files(NULL, false, NULL);
        if (!f)
                return;
        close_files(f);
        hv_buf_done(&f->early[0]);
        hv_buf_done(&f->early[1]);
        sd_event_source_disable_unref(f->tell);
        free(f);
        a->log_files = NULL;
}
