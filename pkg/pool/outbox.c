/* pool/outbox.c - see outbox.h. */
#include "pool/outbox.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/map.h"
#include "base/rng.h"
#include "base/time.h"
#include "log/log.h"
#include "retry/backoff.h"

#define REWINDS_MAX 3            /* of one try: how often a pool may say that it wants earlier bytes */
#define LOG_TRIES_MAX 10         /* of a result in trouble: then it goes without its log */
#define LOG_NOTE_BYTES (4 << 20) /* how much of a log goes out before the ledger hears of it */

enum stage {
        STAGE_IDLE,
        STAGE_LOG,     /* a piece of the log is on its way */
        STAGE_PACKAGE, /* the archive is being made */
        STAGE_RESULT,  /* a piece of the result is on its way */
};

struct trouble { /* a debt that failed */
        unsigned n_failures;
        uint64_t not_before_us;
};

struct hv_outbox {
        struct hv_outbox_options o;
        char *node_id;
        struct hv_rng rng;
        sd_event_source *timer; /* the next debt's turn, or: look, in the next turn of the loop */
        bool online;
        struct hv_map *troubles; /* seq as text: struct trouble */
        uint64_t n_delivered;

        /* the debt that is being settled */
        enum stage stage;
        struct hv_arena *arena;
        struct hv_pool_owed owed;
        char *key;
        unsigned n_rewinds;
        int log_fd;
        uint64_t log_offset, log_noted;
        char *piece;      /* room for a piece of the log */
        size_t piece_len; /* of the one on its way */
        void *package;
        struct hv_pool_parcel parcel;
        int archive_fd;
        uint64_t offset;
};

static void look(struct hv_outbox *o);
static void send_result(struct hv_outbox *o);

static uint64_t now_us(const struct hv_outbox *o) {
        uint64_t now = 0;

        (void) sd_event_now(o->o.event, CLOCK_BOOTTIME, &now);
        return now;
}

static void arm(struct hv_outbox *o, uint64_t at_us) {
        (void) sd_event_source_set_time(o->timer, at_us);
        (void) sd_event_source_set_enabled(o->timer, SD_EVENT_ONESHOT);
}

static const char *name_of(uint64_t seq, char ret[24]) {
        (void) snprintf(ret, 24, "%" PRIu64, seq);
        return ret;
}

/* --- the debt at hand --- */

static void let_go(struct hv_outbox *o) {
        if (o->package)
                o->o.backend->cancel_package(o->o.backend_data, o->package);
        o->package = NULL;
        hv_fd_closep(&o->log_fd);
        hv_fd_closep(&o->archive_fd);
        o->log_fd = o->archive_fd = -1;
        free(HV_STEAL(o->key));
        free(HV_STEAL(o->piece));
        o->arena = hv_arena_free(o->arena);
        o->owed = (struct hv_pool_owed){};
        o->parcel = (struct hv_pool_parcel){};
        o->stage = STAGE_IDLE;
}

static void failed(struct hv_outbox *o, const char *why) {
        char name[24];
        struct trouble *t = hv_map_get(o->troubles, name_of(o->owed.seq, name));

        if (!t) {
                t = HV_NEW(struct trouble);
                hv_map_put(o->troubles, name, t);
        }
        if (t->n_failures < UINT32_MAX)
                t->n_failures++;
        t->not_before_us = hv_time_add(
                now_us(o), hv_rng_below(&o->rng, hv_backoff_delay(&o->o.retry, t->n_failures) + 1));
        hv_log_full(t->n_failures == 1 ? LOG_NOTICE : LOG_DEBUG, 0, HV_LOG_FIELDS(.task = o->owed.id),
                    "result of task %s is not delivered yet: %s", o->owed.id, why);
        let_go(o);
        look(o);
}

static void settled(struct hv_outbox *o, enum hv_pool_delivery how, const char *message) {
        struct hv_err err = {};
        char name[24];

        if (o->o.backend->delivered(o->o.backend_data, &o->owed, how, message, &err) < 0) {
                failed(o, err.msg); /* the pool will say again that it has it */
                return;
        }
        (void) hv_map_remove(o->troubles, name_of(o->owed.seq, name));
        o->n_delivered++;
        let_go(o);
        look(o);
}

/* --- the result --- */

/* The offset from which to go on; false: the pool wants what cannot be. */
static bool go_on_at(struct hv_outbox *o, uint64_t *offset, uint64_t wanted, uint64_t end) {
        if (wanted > end || (wanted <= *offset && ++o->n_rewinds > REWINDS_MAX))
                return false;
        *offset = wanted;
        return true;
}

static void on_result(void *userdata, const struct hv_answer *a) {
        struct hv_outbox *o = userdata;

        o->o.heard(o->o.userdata, a->outcome, a->answered, a->message);
        if (a->outcome == HV_POOL_OUTCOME_OK && a->committed)
                settled(o, HV_POOL_COMMITTED, "");
        else if (a->outcome == HV_POOL_OUTCOME_REFUSED && a->committed)
                settled(o, HV_POOL_UNWANTED, a->message);
        else if (a->outcome != HV_POOL_OUTCOME_OK)
                failed(o, *a->message ? a->message : hv_pool_outcome_name(a->outcome));
        else if (!go_on_at(o, &o->offset, a->next_offset, o->parcel.size_bytes) ||
                 a->next_offset == o->parcel.size_bytes)
                failed(o, "the pool has all of it and does not commit to it");
        else if (!o->online)
                failed(o, "the link was lost");
        else
                send_result(o);
}

static void send_result(struct hv_outbox *o) {
        o->stage = STAGE_RESULT;
        o->o.dialect->put_result(o->o.peer, &o->parcel, o->offset, on_result, o);
}

static void on_package(void *userdata, const struct hv_pool_package *p) {
        struct hv_outbox *o = userdata;

        o->package = NULL;
        if (p->fd < 0) {
                failed(o, p->err ? p->err->msg : "its archive cannot be made");
                return;
        }
        o->archive_fd = o->parcel.fd = p->fd;
        o->parcel.size_bytes = p->size_bytes;
        o->parcel.sha256 = hv_arena_strdup(o->arena, p->sha256);
        if (!o->online) {
                failed(o, "the link was lost");
                return;
        }
        send_result(o);
}

/* Of the end of the log as much as goes with the result. */
static void take_tail(struct hv_outbox *o) {
        size_t len = (size_t) HV_MIN(o->owed.log_bytes, (uint64_t) HV_OUTBOX_LOG_TAIL);
        char *tail;
        ssize_t n;

        if (o->log_fd < 0 || len == 0)
                return;
        tail = hv_arena_alloc(o->arena, len);
        n = pread(o->log_fd, tail, len, (off_t) (o->owed.log_bytes - len));
        if (n <= 0)
                return;
        o->parcel.log = tail;
        o->parcel.log_len = (size_t) n;
}

static void make_parcel(struct hv_outbox *o) {
        o->n_rewinds = 0;
        o->offset = 0;
        o->key = hv_asprintf("%s/%s/%u/%u", o->node_id, o->owed.id, o->owed.attempt, o->owed.number);
        o->parcel = (struct hv_pool_parcel){ .owed = &o->owed, .key = o->key, .fd = -1, .sha256 = "" };
        take_tail(o);
        hv_fd_closep(&o->log_fd);
        o->log_fd = -1;
        if (o->owed.number == 0) { /* it never ran: there is nothing to pack */
                send_result(o);
                return;
        }
        o->stage = STAGE_PACKAGE;
        o->package = o->o.backend->package(o->o.backend_data, &o->owed, o->o.dialect->shape, on_package, o);
}

/* --- the log --- */

static void send_log(struct hv_outbox *o);

static bool note_log(struct hv_outbox *o, bool last) {
        struct hv_err err = {};

        if (o->log_offset == o->log_noted ||
            (!last && o->log_offset > o->log_noted && o->log_offset - o->log_noted < LOG_NOTE_BYTES))
                return true;
        if (o->o.backend->log_sent(o->o.backend_data, o->owed.seq, o->log_offset, &err) < 0) {
                failed(o, err.msg);
                return false;
        }
        o->log_noted = o->log_offset;
        return true;
}

/* It says no, or has said so often that it is busy that the result has waited long enough. */
static bool is_unwanted_log(struct hv_outbox *o, const struct hv_answer *a) {
        const struct trouble *t;
        char name[24];

        if (a->outcome == HV_POOL_OUTCOME_UNSUPPORTED || a->outcome == HV_POOL_OUTCOME_REFUSED)
                return true;
        t = hv_map_get(o->troubles, name_of(o->owed.seq, name));
        return a->outcome == HV_POOL_OUTCOME_AGAIN && a->answered && o->online && t &&
               t->n_failures >= LOG_TRIES_MAX;
}

static void on_log(void *userdata, const struct hv_answer *a) {
        struct hv_outbox *o = userdata;

        o->o.heard(o->o.userdata, a->outcome, a->answered, a->message);
        if (is_unwanted_log(o, a)) {
                make_parcel(o);
                return;
        }
        if (a->outcome != HV_POOL_OUTCOME_OK || !o->online) {
                failed(o, *a->message ? a->message : "the link was lost");
                return;
        }
        /* Of a pool that heard the log live more may be there than the ledger knows of. What it wants again is sent again; a pool
         * that wants the same for ever goes without. */
        if (a->next_offset > o->owed.log_bytes)
                o->log_offset = o->owed.log_bytes;
        else if (!go_on_at(o, &o->log_offset, a->next_offset, o->owed.log_bytes)) {
                make_parcel(o);
                return;
        }
        if (o->log_offset >= o->owed.log_bytes) {
                if (note_log(o, true))
                        make_parcel(o);
        } else if (note_log(o, false)) {
                send_log(o);
        }
}

static void send_log(struct hv_outbox *o) {
        size_t room = o->o.dialect->log_bytes;
        size_t len = (size_t) HV_MIN((uint64_t) room, o->owed.log_bytes - o->log_offset);
        ssize_t n = pread(o->log_fd, o->piece, len, (off_t) o->log_offset);

        if (n <= 0) { /* the file has less than was promised: what is there went out */
                make_parcel(o);
                return;
        }
        o->stage = STAGE_LOG;
        o->piece_len = (size_t) n;
        o->o.dialect->put_log(o->o.peer, &o->owed, o->log_offset, o->piece, o->piece_len, on_log, o);
}

/* --- which one --- */

/* The oldest debt whose turn it is, or the instant of the next turn. */
static bool choose(struct hv_outbox *o, uint64_t *ret_next_us) {
        uint64_t now = now_us(o), after = 0, next = HV_TIME_NEVER;
        struct hv_pool_owed owed;
        char name[24];

        for (;;) {
                struct hv_arena *arena = hv_arena_new();
                const struct trouble *t;

                if (!o->o.backend->owed(o->o.backend_data, after, arena, &owed)) {
                        hv_arena_free(arena);
                        *ret_next_us = next;
                        return false;
                }
                t = hv_map_get(o->troubles, name_of(owed.seq, name));
                if (!t || t->not_before_us <= now) {
                        o->arena = arena;
                        o->owed = owed;
                        return true;
                }
                next = HV_MIN(next, t->not_before_us);
                after = owed.seq;
                hv_arena_free(arena);
        }
}

static void settle(struct hv_outbox *o) {
        struct hv_err err = {};

        o->n_rewinds = 0;
        o->log_offset = o->log_noted = o->owed.log_sent;
        if (o->owed.log_bytes > 0) {
                o->log_fd = o->o.backend->open_log(o->o.backend_data, &o->owed, &err);
                if (o->log_fd < 0)
                        hv_log_full(LOG_WARNING, 0, HV_LOG_FIELDS(.task = o->owed.id),
                                    "task %s: its log cannot be sent: %s", o->owed.id, err.msg);
        }
        if (o->log_fd < 0 || !o->o.dialect->put_log || o->owed.log_sent >= o->owed.log_bytes) {
                make_parcel(o);
                return;
        }
        o->piece = hv_malloc(o->o.dialect->log_bytes);
        send_log(o);
}

/* Not at once: whoever pokes or answers is in the middle of something. */
static void look(struct hv_outbox *o) {
        if (o->online && o->stage == STAGE_IDLE)
                arm(o, 0);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        struct hv_outbox *o = userdata;
        uint64_t next_us;

        (void) s;
        (void) usec;
        if (!o->online || o->stage != STAGE_IDLE)
                return 0;
        if (choose(o, &next_us))
                settle(o);
        else if (next_us != HV_TIME_NEVER)
                arm(o, next_us);
        return 0;
}

void hv_outbox_set_online(struct hv_outbox *o, bool online) {
        o->online = online;
        look(o);
}

void hv_outbox_poke(struct hv_outbox *o) {
        look(o);
}

uint64_t hv_outbox_n_delivered(const struct hv_outbox *o) {
        return o->n_delivered;
}

int hv_outbox_new(const struct hv_outbox_options *options, struct hv_outbox **ret, struct hv_err *err) {
        _hv_cleanup_(hv_outbox_freep) struct hv_outbox *o = HV_NEW(struct hv_outbox);
        int r;

        o->o = *options;
        o->node_id = hv_strdup(options->node_id);
        o->rng.state = options->seed;
        o->troubles = hv_map_new(free);
        o->log_fd = o->archive_fd = -1;
        r = sd_event_add_time(options->event, &o->timer, CLOCK_BOOTTIME, 0, HV_USEC_PER_MSEC, on_timer, o);
        if (r < 0)
                return hv_err_errno(err, r, "a timer of the outbox");
        (void) sd_event_source_set_enabled(o->timer, SD_EVENT_OFF);
        *ret = HV_STEAL(o);
        return 0;
}

struct hv_outbox *hv_outbox_free(struct hv_outbox *o) {
        if (!o)
                return NULL;
        let_go(o);
        sd_event_source_disable_unref(o->timer);
        hv_map_free(o->troubles);
        free(o->node_id);
        free(o);
        return NULL;
}
