/* log/log.h - what hivelet tells its operator: records with fields, to the journal or to stderr.
 *
 * Model    A record is a level, one line of text and fields; an *event* is a record whose kind is known
 *          by name (log/events.h), so that programs can ask for it: `journalctl
 *          HIVELET_EVENT=ContainerStarted`. Every record takes one way: redaction (log/redact.h), then
 *          the files, where there are some, then the sink (journal, stderr, or a test's own), then the
 *          observer.
 * Journal  used when the target says so, or when stderr is the journal's own stream (JOURNAL_STREAM
 *          names its device and inode: systemd.exec(5)). Else stderr gets the lines of log/line.h.
 * Threads  all of it belongs to the loop's thread; a library's thread hands its text over first.
 */
#pragma once

#include <syslog.h>

#include "base/macros.h"
#include "log/events.h"

enum hv_log_target {
        HV_LOG_AUTO, /* the journal when stderr is its stream, else stderr */
        HV_LOG_JOURNAL,
        HV_LOG_STDERR,
};

/* What a record is about. All texts are borrowed for the call; NULL leaves the field out. */
struct hv_log_fields {
        const char *kind;      /* HIVELET_KIND: Service, Task, Network, ... */
        const char *name;      /* HIVELET_NAME: the object's name */
        const char *revision;  /* HIVELET_REVISION */
        const char *container; /* HIVELET_CONTAINER: the container's name */
        const char *task;      /* HIVELET_TASK: the task's id */
        const char *reason;    /* HIVELET_REASON: a reason code of docs/reference/reasons */
        const char *code;      /* HIVELET_CODE: an error code such as E0504 */
        bool is_private;       /* for the log alone, where root reads it: the observer does not see it */
};

struct hv_log_record {
        enum hv_event event;  /* HV_EVENT_NONE for an ordinary line */
        int level;            /* LOG_ERR .. LOG_DEBUG of syslog(3) */
        int error;            /* errno, positive; 0: none */
        uint64_t realtime_us; /* CLOCK_REALTIME, microseconds */
        const char *message;
        const char *node_id; /* HIVELET_NODE_ID; NULL before hv_log_set_node_id() */
        struct hv_log_fields fields;
        const char *file, *function; /* where it was logged */
        int line;
};

/* Takes a record that is redacted already; the record and its texts end with the call. */
typedef void (*hv_log_fn)(const struct hv_log_record *record, void *userdata);

void hv_log_open(enum hv_log_target target); /* before it, records go to stderr */
void hv_log_set_level(int level);            /* what is less urgent is dropped; LOG_INFO at first */
int hv_log_level(void);
const char *hv_log_level_name(int level); /* "WARNING" */
/* "error", "warning", "notice", "info", "debug", in any case; -EINVAL for another word. */
int hv_log_level_from_name(const char *name);
void hv_log_set_node_id(const char *node_id); /* copied */

/* Replaces the journal and stderr; NULL gives them back. For tests and for `--check`. */
void hv_log_set_sink(hv_log_fn fn, void *userdata);
/* Takes what is to be kept in files, and whether it could: with `only` the sink hears of no record that was taken. It gets what the
 * observer gets, and must not log either. NULL: there are none. */
typedef bool (*hv_log_files_fn)(const struct hv_log_record *record, void *userdata);
void hv_log_set_files(hv_log_files_fn fn, bool only, void *userdata);
/* Sees each record after the sink, whatever the sink is: the agent's ring of events. NULL takes it away. It
 * must not log. */
void hv_log_set_observer(hv_log_fn fn, void *userdata);

/* Logs a line. `error` is 0, an errno or a -errno and becomes the ERRNO field; the text says it only where
 * fmt does. Both return -abs(error), for `return hv_log_error(r, ...)`. fields may be NULL. Prefer the macros
 * below. */
int hv_log_write(int level, int error, const struct hv_log_fields *fields, const char *file, int line,
                 const char *function, const char *fmt, ...) _hv_printf_(7, 8);
int hv_log_write_event(enum hv_event event, int error, const struct hv_log_fields *fields, const char *file,
                       int line, const char *function, const char *fmt, ...) _hv_printf_(7, 8);

#define hv_log_full(level, error, fields, ...) \
        hv_log_write(level, error, fields, __FILE__, __LINE__, __func__, __VA_ARGS__)
#define hv_log_error(error, ...) hv_log_full(LOG_ERR, error, NULL, __VA_ARGS__)
#define hv_log_warn(error, ...) hv_log_full(LOG_WARNING, error, NULL, __VA_ARGS__)
#define hv_log_notice(...) ((void) hv_log_full(LOG_NOTICE, 0, NULL, __VA_ARGS__))
#define hv_log_info(...) ((void) hv_log_full(LOG_INFO, 0, NULL, __VA_ARGS__))
/* Holds what opens a door: the observer, and so the API, does not see it. */
#define hv_log_unobserved(level, ...) \
        ((void) hv_log_full(level, 0, (&(const struct hv_log_fields){ .is_private = true }), __VA_ARGS__))
#define hv_log_debug(...) ((void) hv_log_full(LOG_DEBUG, 0, NULL, __VA_ARGS__))

/* Fields of a record, written in place (a bare compound literal would fall apart at its commas). */
#define HV_LOG_FIELDS(...) (&(const struct hv_log_fields){ __VA_ARGS__ })

/* An event: level and MESSAGE_ID come from the table. The observer sees it whatever the level set.
 *     hv_log_event(HV_EVENT_SYNCED, HV_LOG_FIELDS(.revision = rev), "%zu units run", n); */
#define hv_log_event(event, fields, ...) \
        ((void) hv_log_write_event(event, 0, fields, __FILE__, __LINE__, __func__, __VA_ARGS__))
#define hv_log_event_error(event, error, fields, ...) \
        hv_log_write_event(event, error, fields, __FILE__, __LINE__, __func__, __VA_ARGS__)
