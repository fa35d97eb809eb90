/* power.h - a disk under SQLite whose power can be cut, and that can fail or be full, at the n-th thing done to it.
 *
 * Model    An sqlite3_vfs around the system's own. It hands everything on, and remembers of each file what is durable
 *          (flushed) and what was done to it since. Opening for creation, write, truncate, sync, delete and growth of the
 *          shared index count as operations. A *cut* ends all of them at the n-th: from then on nothing works, and
 *          power_survivors() writes what a disk may hold afterwards into another directory. A *fault* makes the n-th
 *          operation, or all from it on, fail with an errno. Nothing is really flushed: the kernel keeps what this needs.
 * Source   The model of sqlite.org/atomiccommit.html section 2. Names become durable when a new file is flushed for the first
 *          time: SQLite's own VFS flushes the directory then.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum power_loss {
        POWER_LOSES_ALL,  /* whatever was not flushed is gone */
        POWER_LOSES_SOME, /* of what was not flushed each piece is there or not, in no order */
        POWER_TEARS,      /* as it, and writes are there in part: whole sectors of 512 bytes */
};

/* From here on SQLite works on `dir` through this disk; files that are there are durable. */
void power_on(const char *dir);
/* SQLite works on the system's own disk again. */
void power_off(void);

void power_cut_at(unsigned nth);                              /* 1..; 0: never */
void power_fail_at(unsigned nth, int error, bool persistent); /* errno; nth 0: never (again) */
unsigned power_operations(void);                              /* since power_on() */
bool power_struck(void);                                      /* the cut or the fault */

void power_survivors(const char *dir, enum power_loss loss, uint64_t seed);
