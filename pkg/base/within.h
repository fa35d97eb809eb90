/* base/within.h - a call that may never come back, waited for only so long.
 *
 *      hv_within() --> thread: fn(name, result) --> back in time: *result is copied, 0
 *                                               '-> not back: -ETIMEDOUT, and the thread goes on alone with its own copy
 *
 * Model    For calls that the kernel may hold for ever: a path on a network file system whose server is away. As long as the
 *          call for a name has not come back there is no second one for that name, and asking again fails at once: so a dead
 *          server costs one thread and one wait for each name, and the loop stands still no longer than that.
 * Rules    fn looks at nothing but its arguments, and leaves nothing behind that only its caller could free. Signals are
 *          blocked in the thread. One thread calls hv_within(): the loop's.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* 0 and *result, of `size` bytes; it goes in as it is, too. -ETIMEDOUT: not within wait_us, or one of before still waits;
 * *result is as it was. -EAGAIN: no thread can be made. */
int hv_within(uint64_t wait_us, const char *name, void (*fn)(const char *name, void *result), void *result,
              size_t size);

size_t hv_within_n_waiting(void); /* calls that have not come back yet */
