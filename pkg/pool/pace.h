/* pool/pace.h - when the pool is spoken to: log in, register, beat, and how long to wait after a failure.
 *
 *                    .------------------- failure: waits with jitter, for ever, and again -----------.
 *                    v                                                                              |
 *      offline --> login --> register --> beat --> online -- beats, again and again --> failure ----'
 *                    ^          ^                     |
 *                    |          '----- REREGISTER ----+
 *                    '---------------- RELOGIN -------'
 *
 * Model    Pure: the caller brings the time, gets the step to take now or the instant to ask again, and says how it went. One
 *          step is in flight at a time. After a failure the wait is drawn from the upper three quarters of a range: (factor - 1) x the
 *          time since the pool was last heard, `initial` at least and `max` at most. Heard is a beat that was answered (a pool
 *          that registers and then fails is not back), and a stream up to the moment in which it was cut.
 * Herds    Waits follow the age of the outage and not the number of tries. So, with factor 2, every node is back when the pool has
 *          been there again for as long as it was away, and the nodes come spread over all of that time. A range of initial x
 *          factor^n leaves a tail instead: nodes that drew short waits early, had many tries for that, and wait minutes
 *          after an outage of seconds, while most come in its first second. Waits near nothing are left out because the
 *          first second gets the sum of them: with them it has up to 3.1 times the mean, without them 2.6, and the
 *          mean wait of a node that is alone is 5 % longer (test_pace.c).
 *          RELOGIN and REREGISTER are followed at once, but only once: the second time before a beat was answered counts as a
 *          failure, so a pool that says so always is not called in a loop.
 *          Beats come every `heartbeat`, give or take a tenth, and sooner when something changed, with a floor between
 *          two.
 * Units    microseconds of any one monotonic clock.
 * Source   Brooker, "Exponential Backoff And Jitter" (2015), for jitter at all.
 */
#pragma once

#include "base/macros.h"
#include "base/rng.h"
#include "pool/dialect.h"
#include "pool/pool.h"

#define HV_PACE_BEAT_FLOOR_US UINT64_C(1000000) /* between two beats, however much changes */

enum hv_pace_step {
        HV_PACE_WAIT, /* nothing now */
        HV_PACE_LOGIN,
        HV_PACE_REGISTER,
        HV_PACE_BEAT,
};

struct hv_pace_options {
        uint64_t heartbeat_us;
        struct hv_backoff_spec retry;
        bool has_login;             /* register only after a login */
        uint64_t login_every_us;    /* while online; 0: only when the pool asks for it */
        uint64_t register_every_us; /* the same */
        uint64_t seed;
};

struct hv_pace {
        struct hv_pace_options o;
        struct hv_rng rng;
        enum hv_pool_phase phase;
        enum hv_pace_step in_flight; /* WAIT: none */
        enum hv_pace_step asked;     /* what the pool wants at once; WAIT: nothing */
        bool obeyed;                 /* a RELOGIN or REREGISTER was followed since the last answered beat */
        bool changed;                /* since the last beat was sent */
        bool relogin;                /* a hint to log in came while a beat was under way */
        uint64_t heard_us;           /* the pool was certainly there, or this began */
        uint64_t not_before_us;      /* OFFLINE: the next try */
        uint64_t beat_us, login_us, register_us; /* ONLINE: when each is due */
        uint64_t beaten_us;                      /* the last beat was sent; 0: never */
};

/* How often a dialect beats where `heartbeat_us` is wished for. */
static inline uint64_t hv_pace_heartbeat(const struct hv_pool_dialect *d, uint64_t heartbeat_us) {
        return d->beat_every_us ? HV_MIN(d->beat_every_us, heartbeat_us) : heartbeat_us;
}

/* The first try is due at once. */
void hv_pace_init(struct hv_pace *p, const struct hv_pace_options *o, uint64_t now_us);

/* The step to take now; it is in flight until hv_pace_done(). WAIT: nothing before *ret_deadline_us, which is
 * HV_TIME_NEVER while a step is in flight. */
enum hv_pace_step hv_pace_next(struct hv_pace *p, uint64_t now_us, uint64_t *ret_deadline_us);

/* How the step in flight went. */
void hv_pace_done(struct hv_pace *p, enum hv_pool_outcome outcome, uint64_t now_us);

/* The login that just went well is renewed at this instant at the latest. */
void hv_pace_login_by(struct hv_pace *p, uint64_t at_us);

/* Something that a beat tells is different. */
void hv_pace_changed(struct hv_pace *p);

/* A call that is not a step (a fetch, a result, a stream) ended like this. What speaks against the link brings the next
 * step forward; it is the step that decides. */
void hv_pace_hint(struct hv_pace *p, enum hv_pool_outcome outcome, uint64_t now_us);
