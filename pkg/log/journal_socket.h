/* log/journal_socket.h - records to journald over a socket of our own, which never waits. Inside pkg/log only.
 *
 * Model    journald that hangs leaves its socket full, and whoever sent with sd_journal_send(3) would hang with it. Here what does
 *          not fit is lost, and counted; the next record that is taken is preceded by one that says how many were lost.
 *          A record that is too long for a datagram goes as a sealed file in memory (memfd).
 * Source   systemd.io/JOURNAL_NATIVE_PROTOCOL
 */
#pragma once

#include "base/buf.h"
#include "base/macros.h"

#define HV_JOURNAL_SOCKET "/run/systemd/journal/socket"

/* "FIELD=value" in the form of the protocol, added to `out`. */
void hv_journal_put(struct hv_buf *out, const char *field);

/* 0: it was taken, or lost because journald does not take any now. -errno: there is no journald. `told` makes the record about
 * those that were lost, into `out`. */
int hv_journal_socket_send(const struct hv_buf *record, void (*told)(uint64_t n_lost, struct hv_buf *out));

uint64_t hv_journal_n_lost(void); /* and not told yet */

/* Another socket, for tests. NULL: the usual one. Forgets what was lost. Borrowed. */
void hv_journal_socket_set(const char *path);
