/* faults.h - a disk that fails, or a machine that stops, at the n-th thing a store does to it.
 *
 * Model    Linked with --wrap for the calls that change a disk; each call counts while armed. A *fault* makes the n-th call
 *          fail (a write takes half of its bytes first: torn); a *crash* ends the process there.
 */
#pragma once

#include "base/macros.h"

enum fault {
        FAULT_NONE,
        FAULT_ENOSPC, /* also: half of a write was taken */
        FAULT_EIO,
        FAULT_CRASH,
};

void fault_arm(enum fault fault, unsigned nth); /* nth: 1.. */
bool fault_disarm(void);                        /* true: it struck */

/* From now on fsync() counts and costs nothing: a process that ends loses no page, and hundreds of them wait for a disk. */
void fault_without_flush(void);

/* What was done while armed, one letter a call: o open for writing, w write, s fsync, r rename, u unlink, m mkdir. */
const char *fault_trace(void);

/* Runs `change` again and again, each time on a fresh copy of what `prepare` makes, with a fault at the first, second, ...
 * call until none strikes any more; after each, `check` is called to look at what is left. `crashed`: in a process that
 * ended there; otherwise `code` is what `change` gave. */
struct fault_run {
        void (*prepare)(void *userdata);
        int (*change)(void *userdata);
        void (*check)(void *userdata, bool crashed, int code);
        void *userdata;
};
unsigned fault_everywhere(const struct fault_run *run, enum fault fault); /* places at which it struck */
