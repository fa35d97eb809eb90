/* pool/pace.c - see pace.h. */
#include "pool/pace.h"

#include "base/time.h"

void hv_pace_init(struct hv_pace *p, const struct hv_pace_options *o, uint64_t now_us) {
        *p = (struct hv_pace){
                .o = *o,
                .rng = { .state = o->seed },
                .phase = HV_POOL_OFFLINE,
                .not_before_us = now_us,
                .heard_us = now_us,
        };
}

static uint64_t jittered_beat(struct hv_pace *p) {
        uint64_t tenth = p->o.heartbeat_us / 10;

        return p->o.heartbeat_us - tenth + hv_rng_below(&p->rng, 2 * tenth + 1);
}

static uint64_t due(uint64_t now_us, uint64_t every_us) {
        return every_us ? hv_time_add(now_us, every_us) : HV_TIME_NEVER;
}

static uint64_t next_beat_us(const struct hv_pace *p) {
        uint64_t floor_us = p->beaten_us ? p->beaten_us + HV_PACE_BEAT_FLOOR_US : 0;

        return p->changed ? HV_MIN(p->beat_us, floor_us) : p->beat_us;
}

static enum hv_pace_step first_step(const struct hv_pace *p) {
        return p->o.has_login ? HV_PACE_LOGIN : HV_PACE_REGISTER;
}

static enum hv_pace_step due_step(const struct hv_pace *p, uint64_t now_us, uint64_t *ret_deadline_us) {
        uint64_t beat_us = next_beat_us(p);

        if (p->asked != HV_PACE_WAIT)
                return p->asked;
        if (p->phase == HV_POOL_OFFLINE) {
                *ret_deadline_us = p->not_before_us;
                return now_us >= p->not_before_us ? first_step(p) : HV_PACE_WAIT;
        }
        if (now_us >= p->login_us)
                return HV_PACE_LOGIN;
        if (now_us >= p->register_us)
                return HV_PACE_REGISTER;
        if (now_us >= beat_us)
                return HV_PACE_BEAT;
        *ret_deadline_us = HV_MIN(beat_us, HV_MIN(p->login_us, p->register_us));
        return HV_PACE_WAIT;
}

enum hv_pace_step hv_pace_next(struct hv_pace *p, uint64_t now_us, uint64_t *ret_deadline_us) {
        *ret_deadline_us = HV_TIME_NEVER;
        if (p->in_flight != HV_PACE_WAIT)
                return HV_PACE_WAIT;
        p->in_flight = due_step(p, now_us, ret_deadline_us);
        if (p->in_flight == HV_PACE_WAIT)
                return HV_PACE_WAIT;
        *ret_deadline_us = HV_TIME_NEVER;
        p->asked = HV_PACE_WAIT;
        /* Online a login or a registration is renewed in passing: the link is not lost by it. */
        if (p->phase != HV_POOL_ONLINE)
                p->phase = p->in_flight == HV_PACE_LOGIN ? HV_POOL_LOGIN : HV_POOL_REGISTERING;
        if (p->in_flight == HV_PACE_BEAT) {
                p->beaten_us = now_us;
                p->changed = false;
        }
        return p->in_flight;
}

/* (factor - 1) x age, from `initial` to `max`. */
static uint64_t longest_wait(const struct hv_backoff_spec *retry, uint64_t age_us) {
        uint64_t grow_milli = retry->factor_milli > 1000 ? retry->factor_milli - 1000 : 0, wait_us;

        if (__builtin_mul_overflow(age_us, grow_milli, &wait_us))
                return retry->max_us;
        return HV_MIN(HV_MAX(wait_us / 1000, retry->initial_us), retry->max_us);
}

static void failed(struct hv_pace *p, uint64_t now_us) {
        uint64_t range = longest_wait(&p->o.retry, now_us - p->heard_us);

        p->phase = HV_POOL_OFFLINE;
        p->asked = HV_PACE_WAIT;
        p->obeyed = p->relogin = false;
        p->not_before_us = hv_time_add(now_us, range / 4 + hv_rng_below(&p->rng, range - range / 4 + 1));
}

static void obey(struct hv_pace *p, enum hv_pace_step step, uint64_t now_us) {
        if (p->obeyed || (step == HV_PACE_LOGIN && !p->o.has_login)) {
                failed(p, now_us);
                return;
        }
        p->obeyed = true;
        p->relogin = false;
        p->phase = step == HV_PACE_LOGIN ? HV_POOL_LOGIN : HV_POOL_REGISTERING;
        p->asked = step;
}

static void succeeded(struct hv_pace *p, enum hv_pace_step step, uint64_t now_us) {
        bool online = p->phase == HV_POOL_ONLINE;

        switch (step) {
        case HV_PACE_LOGIN:
                p->login_us = due(now_us, p->o.login_every_us);
                if (!online)
                        p->asked = HV_PACE_REGISTER;
                break;
        case HV_PACE_REGISTER:
                p->register_us = due(now_us, p->o.register_every_us);
                if (!online)
                        p->asked = HV_PACE_BEAT;
                break;
        case HV_PACE_BEAT:
                p->phase = HV_POOL_ONLINE;
                p->heard_us = now_us;
                p->obeyed = false;
                p->beat_us = hv_time_add(now_us, jittered_beat(p));
                if (p->relogin)
                        obey(p, HV_PACE_LOGIN, now_us);
                break;
        case HV_PACE_WAIT:
                break;
        }
        if (!p->o.has_login)
                p->login_us = HV_TIME_NEVER;
}

void hv_pace_done(struct hv_pace *p, enum hv_pool_outcome outcome, uint64_t now_us) {
        enum hv_pace_step step = p->in_flight;

        p->in_flight = HV_PACE_WAIT;
        switch (outcome) {
        case HV_POOL_OUTCOME_OK:
                succeeded(p, step, now_us);
                break;
        case HV_POOL_OUTCOME_RELOGIN:
                obey(p, HV_PACE_LOGIN, now_us);
                break;
        case HV_POOL_OUTCOME_REREGISTER:
                obey(p, HV_PACE_REGISTER, now_us);
                break;
        case HV_POOL_OUTCOME_REFUSED:
        case HV_POOL_OUTCOME_AGAIN:
        case HV_POOL_OUTCOME_UNSUPPORTED:
                failed(p, now_us);
                break;
        }
}

void hv_pace_login_by(struct hv_pace *p, uint64_t at_us) {
        p->login_us = HV_MIN(p->login_us, at_us);
}

void hv_pace_changed(struct hv_pace *p) {
        p->changed = true;
}

void hv_pace_hint(struct hv_pace *p, enum hv_pool_outcome outcome, uint64_t now_us) {
        if (p->in_flight == HV_PACE_BEAT && outcome == HV_POOL_OUTCOME_RELOGIN)
                p->relogin =
                        true; /* that the beat is answered says nothing against it: not every call is asked for the token */
        if (p->phase != HV_POOL_ONLINE || p->in_flight != HV_PACE_WAIT || p->asked != HV_PACE_WAIT)
                return;
        if (outcome == HV_POOL_OUTCOME_RELOGIN || outcome == HV_POOL_OUTCOME_REREGISTER)
                obey(p, outcome == HV_POOL_OUTCOME_RELOGIN ? HV_PACE_LOGIN : HV_PACE_REGISTER, now_us);
        else if (outcome == HV_POOL_OUTCOME_AGAIN) {
                /* A pool that went down cuts all its nodes in one moment; they do not all beat in the next. */
                p->heard_us = now_us;
                p->beat_us = HV_MIN(p->beat_us,
                                    hv_time_add(now_us, hv_rng_below(&p->rng, p->o.retry.initial_us + 1)));
        }
}
