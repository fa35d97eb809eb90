/* task/spool.h - bytes that come on the loop and are used on the worker's thread, in order, with flat memory.
 *
 * Model    Pieces gather in a buffer on the loop while the one before is used on the thread. When a megabyte waits,
 *          hv_spool_add() says so, and whoever makes the pieces should pause until `drained`. Pieces keep their tag.
 * Owner    hv_spool_end() or hv_spool_cancel() ends it; afterwards only `ended` comes, once, and frees it.
 */
#pragma once

#include "base/err.h"

struct hv_job;
struct hv_worker;
struct hv_spool;

struct hv_spool_options {
        struct hv_worker *worker;
        /* On the thread: uses one piece; -errno ends the use of further ones. */
        int (*use)(void *userdata, unsigned tag, const char *data, size_t len);
        /* On the thread, after the last piece, also when there was none; not when it was cancelled or use() failed. */
        int (*last)(void *userdata);
        /* On the thread (when the worker ended: on the loop): the end of what use() and last() made, however it went. */
        void (*clean_up)(void *userdata);
        void (*drained)(void *userdata); /* on the loop: there is room again; may be NULL */
        /* On the loop: nothing is called any more. `error`: of use() or last(), -ECANCELED, or 0. `dropped`: the
         * worker ended; free, and tell nobody. */
        void (*ended)(void *userdata, int error, bool dropped);
        void *userdata;
};

struct hv_spool *hv_spool_new(const struct hv_spool_options *options);
/* Always takes the piece; false: no more, please, until `drained`. */
bool hv_spool_add(struct hv_spool *s, unsigned tag, const void *data, size_t len);
int hv_spool_error(const struct hv_spool *s); /* of use(), as far as the loop knows; 0: none */
const struct hv_job *hv_spool_job(
        const struct hv_spool *s); /* for use() and last(): has it been cancelled? */
void hv_spool_end(struct hv_spool *s);
void hv_spool_cancel(struct hv_spool *s); /* what waits is thrown away */
