#include "log/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "log/journal_socket.h"

static void add(struct hv_journal_entry *e, const char *field, const char *value) {
        if (value && *value && e->n < HV_JOURNAL_FIELDS_MAX)
                e->field[e->n++] = hv_asprintf("%s=%s", field, value);
}

static void add_number(struct hv_journal_entry *e, const char *field, int value) {
        char digits[16];

        (void) snprintf(digits, sizeof digits, "%d", value);
        add(e, field, digits);
}

void hv_journal_entry_make(const struct hv_log_record *r, struct hv_journal_entry *ret) {
        struct hv_journal_entry e = {};

        add(&e, "MESSAGE", hv_str_empty(r->message) ? "(no text)" : r->message);
        add_number(&e, "PRIORITY", r->level);
        add(&e, "SYSLOG_IDENTIFIER", program_invocation_short_name);
        add(&e, "MESSAGE_ID", hv_event_message_id(r->event));
        add(&e, "HIVELET_EVENT", hv_event_name(r->event));
        add(&e, "HIVELET_NODE_ID", r->node_id);
        add(&e, "HIVELET_KIND", r->fields.kind);
        add(&e, "HIVELET_NAME", r->fields.name);
        add(&e, "HIVELET_REVISION", r->fields.revision);
        add(&e, "HIVELET_CONTAINER", r->fields.container);
        add(&e, "CONTAINER_NAME",
            r->fields.container); /* as Docker's journald driver says it beside what it printed */
        add(&e, "HIVELET_TASK", r->fields.task);
        add(&e, "HIVELET_REASON", r->fields.reason);
        add(&e, "HIVELET_CODE", r->fields.code);
        if (r->error)
                add_number(&e, "ERRNO", r->error);
        add(&e, "CODE_FILE", r->file);
        if (r->line)
                add_number(&e, "CODE_LINE", r->line);
        add(&e, "CODE_FUNC", r->function);
        *ret = e;
}

void hv_journal_entry_done(struct hv_journal_entry *e) {
        for (size_t i = 0; i < e->n; i++)
                free(e->field[i]);
        *e = (struct hv_journal_entry){};
}

static void put(const struct hv_log_record *record, struct hv_buf *out) {
        struct hv_journal_entry e;

        hv_journal_entry_make(record, &e);
        for (size_t i = 0; i < e.n; i++)
                hv_journal_put(out, e.field[i]);
        hv_journal_entry_done(&e);
}

static void put_lost(uint64_t n_lost, struct hv_buf *out) {
        char text[96];
        const struct hv_log_record record = { .level = LOG_WARNING, .message = text };

        (void) snprintf(text, sizeof text,
                        "%" PRIu64 " records before this one are lost: the journal took none", n_lost);
        put(&record, out);
}

int hv_journal_send(const struct hv_log_record *record) {
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};

        put(record, &out);
        return hv_journal_socket_send(&out, put_lost);
}

bool hv_journal_is_stream(int fd, const char *journal_stream) {
        uintmax_t device, inode;
        struct stat st;
        int end = 0;

        if (!journal_stream ||
            sscanf(journal_stream, "%" SCNuMAX ":%" SCNuMAX "%n", &device, &inode, &end) != 2)
                return false;
        return journal_stream[end] == '\0' && fstat(fd, &st) == 0 && (uintmax_t) st.st_dev == device &&
               (uintmax_t) st.st_ino == inode;
}
