/* pool/live.c - see live.h. */
#include "pool/live.h"

#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/time.h"

struct follower {
        TAILQ_ENTRY(follower) entry;
        struct hv_live *live;
        char *id;
        unsigned attempt, number;
        uint64_t lease_epoch;
        struct hv_pool_log *log; /* NULL: it is over, or not opened yet */
        sd_event_source *timer;  /* the next flush */
        struct hv_buf waiting;   /* bytes [offset, offset + waiting.len) of the log */
        uint64_t offset;
        uint64_t skip;   /* bytes to come that the pool has already */
        bool in_flight;  /* somebody answers */
        bool paused;     /* the log is */
        bool unwanted;   /* nothing more is told */
        bool gone;       /* ended while in flight: in `leaving` */
        bool is_running; /* in the list at hand */
};

struct hv_live {
        struct hv_live_options o;
        TAILQ_HEAD(followers, follower) followers, leaving;
        struct hv_map *by_id; /* of `followers` */
        size_t n;
        bool cannot; /* the pool takes no logs */
};

static void free_follower(struct follower *f) {
        sd_event_source_disable_unref(f->timer);
        hv_buf_done(&f->waiting);
        free(f->id);
        free(f);
}

static void let_go(struct follower *f) {
        struct hv_live *l = f->live;

        if (f->log)
                l->o.backend->log_close(HV_STEAL(f->log));
        TAILQ_REMOVE(&l->followers, f, entry);
        (void) hv_map_remove(l->by_id, f->id);
        l->n--;
        if (!f->in_flight) {
                free_follower(f);
                return;
        }
        f->gone = true; /* the answer ends it */
        TAILQ_INSERT_TAIL(&l->leaving, f, entry);
}

static void drop_waiting(struct follower *f, size_t n) {
        memmove(f->waiting.data, f->waiting.data + n, f->waiting.len - n);
        f->waiting.len -= n;
        f->offset += n;
}

static void flush_later(struct follower *f, uint64_t wait_us) {
        int enabled = SD_EVENT_OFF;

        (void) sd_event_source_get_enabled(f->timer, &enabled);
        if (enabled != SD_EVENT_OFF || f->in_flight || f->waiting.len == 0)
                return;
        (void) sd_event_source_set_time_relative(f->timer, wait_us);
        (void) sd_event_source_set_enabled(f->timer, SD_EVENT_ONESHOT);
}

static uint64_t pause_of(const struct follower *f) {
        return f->waiting.len >= f->live->o.dialect->log_bytes ? 0 : HV_LIVE_FLUSH_US;
}

/* The pool wants `next` next: false when that is what nobody here has any more, or what it was just sent. */
static bool go_on_at(struct follower *f, uint64_t next) {
        uint64_t end = f->offset + f->waiting.len;

        if (next <= f->offset)
                return false;
        f->skip = next > end ? next - end : 0;
        drop_waiting(f, (size_t) (HV_MIN(next, end) - f->offset));
        f->offset = next;
        return true;
}

static void on_answer(void *userdata, const struct hv_answer *a) {
        struct follower *f = userdata;
        struct hv_live *l = f->live;

        f->in_flight = false;
        l->o.heard(l->o.userdata, a->outcome, a->answered, a->message);
        if (f->gone) {
                TAILQ_REMOVE(&l->leaving, f, entry);
                free_follower(f);
                return;
        }
        if (a->outcome == HV_POOL_OUTCOME_UNSUPPORTED)
                l->cannot = true;
        if (a->outcome == HV_POOL_OUTCOME_UNSUPPORTED || a->outcome == HV_POOL_OUTCOME_REFUSED ||
            (a->outcome == HV_POOL_OUTCOME_OK && !go_on_at(f, a->next_offset))) {
                f->unwanted = true;
                if (f->log)
                        l->o.backend->log_close(HV_STEAL(f->log));
                hv_buf_done(&f->waiting);
                return;
        }
        if (f->paused && f->log && f->waiting.len < HV_LIVE_ROOM) {
                f->paused = false;
                l->o.backend->log_resume(f->log);
        }
        flush_later(f, a->outcome == HV_POOL_OUTCOME_OK ? pause_of(f) : HV_LIVE_FLUSH_US);
}

/* Bytes that go now. The beginning of a line waits for its end, where the dialect wants that and there is room. */
static size_t ready(const struct follower *f) {
        size_t len = HV_MIN(f->waiting.len, f->live->o.dialect->log_bytes);
        const char *newline;

        if (!f->live->o.dialect->log_lines || !f->log || len == 0)
                return len;
        newline = memrchr(f->waiting.data, '\n', len);
        if (newline)
                return (size_t) (newline - f->waiting.data) + 1;
        return len == f->live->o.dialect->log_bytes ? len : 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        struct follower *f = userdata;
        size_t len = ready(f);
        struct hv_pool_owed owed = {
                .id = f->id, .attempt = f->attempt, .number = f->number, .lease_epoch = f->lease_epoch
        };

        (void) s;
        (void) usec;
        if (f->in_flight || len == 0)
                return 0;
        f->in_flight = true;
        f->live->o.dialect->put_log(f->live->o.peer, &owed, f->offset, f->waiting.data, len, on_answer, f);
        return 0;
}

static bool on_log(void *userdata, const char *data, size_t len) {
        struct follower *f = userdata;
        size_t skipped = (size_t) HV_MIN(f->skip, (uint64_t) len);

        if (len == 0) { /* over: what waits still goes, the rest is the result's */
                f->live->o.backend->log_close(HV_STEAL(f->log));
                flush_later(f, pause_of(f));
                return true;
        }
        f->skip -= skipped;
        hv_buf_add(&f->waiting, data + skipped, len - skipped);
        if (f->waiting.len >= f->live->o.dialect->log_bytes)
                (void) sd_event_source_set_enabled(f->timer, SD_EVENT_OFF); /* no need to wait any longer */
        flush_later(f, pause_of(f));
        f->paused = f->waiting.len >= HV_LIVE_ROOM;
        return !f->paused;
}

static void begin(struct hv_live *l, const struct hv_pool_task *t) {
        struct follower *f = HV_NEW(struct follower);

        f->live = l;
        f->id = hv_strdup(t->id);
        f->attempt = t->attempt;
        f->number = t->number;
        f->lease_epoch = t->lease_epoch;
        f->is_running = true;
        TAILQ_INSERT_TAIL(&l->followers, f, entry);
        hv_map_put(l->by_id, f->id, f);
        l->n++;
        if (sd_event_add_time(l->o.event, &f->timer, CLOCK_MONOTONIC, 0, HV_USEC_PER_MSEC, on_timer, f) < 0) {
                let_go(f);
                return;
        }
        (void) sd_event_source_set_enabled(f->timer, SD_EVENT_OFF);
        f->log = l->o.backend->log_open(l->o.backend_data, f->id, on_log, f);
}

void hv_live_follow(struct hv_live *l, const struct hv_pool_task *tasks, size_t n) {
        struct follower *f, *next;

        if (n == 0)
                l->cannot = false; /* another pool may answer the next time */
        if (!l->o.dialect->put_log || !l->o.backend->log_open || l->cannot)
                n = 0;
        TAILQ_FOREACH (f, &l->followers, entry)
                f->is_running = false;
        for (size_t i = 0; i < n; i++) {
                if (!hv_streq(tasks[i].state, "Running"))
                        continue;
                f = hv_map_get(l->by_id, tasks[i].id);
                if (f && (f->attempt != tasks[i].attempt || f->number != tasks[i].number)) {
                        let_go(f);
                        f = NULL;
                }
                if (f)
                        f->is_running = true;
                else if (l->n < HV_LIVE_MAX)
                        begin(l, &tasks[i]);
        }
        for (f = TAILQ_FIRST(&l->followers); f; f = next) {
                next = TAILQ_NEXT(f, entry);
                if (!f->is_running)
                        let_go(f);
        }
}

struct hv_live *hv_live_new(const struct hv_live_options *options) {
        struct hv_live *l = HV_NEW(struct hv_live);

        l->o = *options;
        l->by_id = hv_map_new(NULL);
        TAILQ_INIT(&l->followers);
        TAILQ_INIT(&l->leaving);
        return l;
}

struct hv_live *hv_live_free(struct hv_live *l) {
        struct follower *f;

        if (!l)
                return NULL;
        while ((f = TAILQ_FIRST(&l->followers))) {
                if (f->log)
                        l->o.backend->log_close(HV_STEAL(f->log));
                TAILQ_REMOVE(&l->followers, f, entry);
                free_follower(f);
        }
        while ((f = TAILQ_FIRST(&l->leaving))) {
                TAILQ_REMOVE(&l->leaving, f, entry);
                free_follower(f);
        }
        hv_map_free(l->by_id);
        free(l);
        return NULL;
}
