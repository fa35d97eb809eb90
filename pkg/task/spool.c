/* task/spool.c - see spool.h. */
#include "task/spool.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "task/worker.h"

#define HAND_OVER_BYTES ((size_t) 64 << 10)
#define FULL_BYTES ((size_t) 1 << 20)

struct piece {
        uint32_t tag, len;
};

struct hv_spool {
        struct hv_job job;
        struct hv_spool_options o;
        struct hv_buf gathering; /* of the loop: pieces, each behind its struct piece */
        struct hv_buf in_use;    /* of the thread while busy */
        int error;               /* written on the thread while busy */
        bool busy, ending, last_given, was_full;
        bool cleaned_up; /* written on the thread while busy */
};

static int use_all(struct hv_spool *s) {
        const char *p = s->in_use.data, *end = p + s->in_use.len;
        int r = 0;

        while (p < end && r >= 0 && !hv_job_is_cancelled(&s->job)) {
                struct piece piece;

                memcpy(&piece, p, sizeof piece);
                r = s->o.use(s->o.userdata, piece.tag, p + sizeof piece, piece.len);
                p += sizeof piece + piece.len;
        }
        return r;
}

static void clean_up(struct hv_spool *s) {
        s->cleaned_up = true;
        s->o.clean_up(s->o.userdata);
}

static void run(struct hv_job *job) {
        struct hv_spool *s = (struct hv_spool *) job;

        if (s->in_use.len > 0 && s->error == 0)
                s->error = use_all(s);
        if (!s->last_given)
                return;
        if (s->error == 0 && !hv_job_is_cancelled(job))
                s->error = s->o.last(s->o.userdata);
        clean_up(s);
}

static void hand_over(struct hv_spool *s) {
        struct hv_buf empty = s->in_use;

        s->in_use = s->gathering;
        s->gathering = empty;
        hv_buf_clear(&s->gathering);
        s->last_given = s->ending;
        s->busy = true;
        hv_worker_add(s->o.worker, &s->job);
}

static void finish(struct hv_spool *s, bool dropped) {
        int error = s->error == 0 && hv_job_is_cancelled(&s->job) ? -ECANCELED : s->error;

        if (!s->cleaned_up)
                clean_up(s);
        hv_buf_done(&s->gathering);
        hv_buf_done(&s->in_use);
        s->o.ended(s->o.userdata, error, dropped);
        free(s);
}

static void done(struct hv_job *job) {
        struct hv_spool *s = (struct hv_spool *) job;

        s->busy = false;
        if (job->dropped || s->last_given) {
                finish(s, job->dropped);
                return;
        }
        if (s->ending || s->gathering.len >= HAND_OVER_BYTES || (s->was_full && s->gathering.len > 0))
                hand_over(s);
        if (s->was_full && s->gathering.len < FULL_BYTES) {
                s->was_full = false;
                if (s->o.drained)
                        s->o.drained(s->o.userdata);
        }
}

struct hv_spool *hv_spool_new(const struct hv_spool_options *options) {
        struct hv_spool *s = HV_NEW(struct hv_spool);

        s->o = *options;
        s->job.run = run;
        s->job.done = done;
        return s;
}

bool hv_spool_add(struct hv_spool *s, unsigned tag, const void *data, size_t len) {
        struct piece piece = { .tag = tag, .len = (uint32_t) len };

        if (len > 0) {
                hv_buf_add(&s->gathering, &piece, sizeof piece);
                hv_buf_add(&s->gathering, data, len);
        }
        if (!s->busy && s->gathering.len >= HAND_OVER_BYTES)
                hand_over(s);
        s->was_full = s->was_full || s->gathering.len >= FULL_BYTES;
        return !s->was_full;
}

const struct hv_job *hv_spool_job(const struct hv_spool *s) {
        return &s->job;
}

int hv_spool_error(const struct hv_spool *s) {
        return s->busy ? 0 : s->error;
}

void hv_spool_end(struct hv_spool *s) {
        s->ending = true;
        if (!s->busy)
                hand_over(s);
}

void hv_spool_cancel(struct hv_spool *s) {
        hv_job_cancel(&s->job);
        hv_spool_end(s);
}
