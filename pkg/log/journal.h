/* log/journal.h - records as journald takes them, and the question whether it is there. Inside pkg/log only.
 *
 * Source   systemd.journal-fields(7); JOURNAL_STREAM: systemd.exec(5).
 */
#pragma once

#include "log/log.h"

#define HV_JOURNAL_FIELDS_MAX 20

/* "FIELD=value" texts of one record. */
struct hv_journal_entry {
        char *field[HV_JOURNAL_FIELDS_MAX];
        size_t n;
};

void hv_journal_entry_make(const struct hv_log_record *record, struct hv_journal_entry *ret);
void hv_journal_entry_done(struct hv_journal_entry *entry);

/* Never waits (log/journal_socket.h). -errno: there is no journald. */
int hv_journal_send(const struct hv_log_record *record);

/* True when fd is the very stream that JOURNAL_STREAM ("DEVICE:INODE") names; `journal_stream` may be NULL.
 */
bool hv_journal_is_stream(int fd, const char *journal_stream);
