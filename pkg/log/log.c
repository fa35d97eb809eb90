/* log/log.c - see log.h. The way of a record: level -> redaction -> files -> sink (journal, stderr or given)
 * -> observer. */
#include "log/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/time.h"
#include "log/journal.h"
#include "log/line.h"
#include "log/redact.h"

static struct {
        bool to_journal;
        int level;
        char *node_id;
        hv_log_fn sink, observer;
        hv_log_files_fn files;
        bool only_files;
        void *sink_userdata, *observer_userdata, *files_userdata;
} the_log = { .level = LOG_INFO };

static const struct {
        const char *name, *alias;
        int level;
} LEVELS[] = {
        { "ERROR", "err", LOG_ERR }, { "WARNING", "warn", LOG_WARNING }, { "NOTICE", NULL, LOG_NOTICE },
        { "INFO", NULL, LOG_INFO },  { "DEBUG", NULL, LOG_DEBUG },       { "CRITICAL", "crit", LOG_CRIT },
};

const char *hv_log_level_name(int level) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(LEVELS); i++)
                if (LEVELS[i].level == level)
                        return LEVELS[i].name;
        return level < LOG_CRIT ? "CRITICAL" : "DEBUG";
}

int hv_log_level_from_name(const char *name) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(LEVELS); i++)
                if (strcasecmp(LEVELS[i].name, name) == 0 ||
                    (LEVELS[i].alias && strcasecmp(LEVELS[i].alias, name) == 0))
                        return LEVELS[i].level;
        return -EINVAL;
}

void hv_log_open(enum hv_log_target target) {
        the_log.to_journal =
                target == HV_LOG_JOURNAL ||
                (target == HV_LOG_AUTO && hv_journal_is_stream(STDERR_FILENO, getenv("JOURNAL_STREAM")));
}

void hv_log_set_level(int level) {
        the_log.level = level;
}

int hv_log_level(void) {
        return the_log.level;
}

void hv_log_set_node_id(const char *node_id) {
        free(the_log.node_id);
        the_log.node_id = hv_strdup(node_id);
}

void hv_log_set_sink(hv_log_fn fn, void *userdata) {
        the_log.sink = fn;
        the_log.sink_userdata = userdata;
}

void hv_log_set_files(hv_log_files_fn fn, bool only, void *userdata) {
        the_log.files = fn;
        the_log.only_files = only;
        the_log.files_userdata = userdata;
}

void hv_log_set_observer(hv_log_fn fn, void *userdata) {
        the_log.observer = fn;
        the_log.observer_userdata = userdata;
}

static void to_stderr(const struct hv_log_record *r) {
        struct hv_buf line = {};

        hv_log_line(r, &line);
        /* One write, so that lines of several processes do not mix; where stderr is gone there is nobody to
         * tell. */
        while (write(STDERR_FILENO, line.data, line.len) < 0 && errno == EINTR)
                ;
        hv_buf_done(&line);
}

/* Replaces a text of the record by its redacted form; *keep owns that until the record is out. */
static void redact(const char **text, char **keep) {
        *keep = hv_log_redact(*text);
        if (*keep)
                *text = *keep;
}

static void emit(struct hv_log_record *r) {
        const char **texts[] = { &r->message,         &r->fields.kind,      &r->fields.name,
                                 &r->fields.revision, &r->fields.container, &r->fields.task,
                                 &r->fields.reason,   &r->fields.code };
        char *keep[HV_ARRAY_SIZE(texts)];
        bool kept = false;

        for (size_t i = 0; i < HV_ARRAY_SIZE(texts); i++)
                redact(texts[i], &keep[i]);
        if (the_log.files && !r->fields.is_private)
                kept = the_log.files(r, the_log.files_userdata);
        if (r->level > the_log.level || (kept && the_log.only_files))
                ; /* an event that only the observer wants, or it is where it belongs */
        else if (the_log.sink)
                the_log.sink(r, the_log.sink_userdata);
        else if (!the_log.to_journal || hv_journal_send(r) < 0)
                to_stderr(r);
        if (the_log.observer && !r->fields.is_private)
                the_log.observer(r, the_log.observer_userdata);
        for (size_t i = 0; i < HV_ARRAY_SIZE(texts); i++)
                free(keep[i]);
}

static uint64_t realtime_us(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        return (uint64_t) ts.tv_sec * HV_USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

static _hv_printf_(8, 0) void write_va(enum hv_event event, int level, int error,
                                       const struct hv_log_fields *fields, const char *file, int line,
                                       const char *function, const char *fmt, va_list ap) {
        int saved_errno = errno;
        struct hv_buf message = {};
        struct hv_log_record r = {
                .event = event,
                .level = level,
                .error = abs(error),
                .realtime_us = realtime_us(),
                .node_id = the_log.node_id,
                .fields = fields ? *fields : (struct hv_log_fields){},
                .file = file,
                .function = function,
                .line = line,
        };

        hv_buf_vprintf(&message, fmt, ap);
        r.message = hv_buf_str(&message);
        emit(&r);
        hv_buf_done(&message);
        errno = saved_errno;
}

int hv_log_write(int level, int error, const struct hv_log_fields *fields, const char *file, int line,
                 const char *function, const char *fmt, ...) {
        va_list ap;

        if (level > the_log.level)
                return -abs(error);
        va_start(ap, fmt);
        write_va(HV_EVENT_NONE, level, error, fields, file, line, function, fmt, ap);
        va_end(ap);
        return -abs(error);
}

int hv_log_write_event(enum hv_event event, int error, const struct hv_log_fields *fields, const char *file,
                       int line, const char *function, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        write_va(event, hv_event_level(event), error, fields, file, line, function, fmt, ap);
        va_end(ap);
        return -abs(error);
}
