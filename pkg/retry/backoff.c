/* retry/backoff.c - see backoff.h. */
#include "retry/backoff.h"

uint64_t hv_backoff_delay(const struct hv_backoff_spec *spec, unsigned n) {
        uint64_t delay = spec->initial_us;

        if (n == 0)
                return 0;
        for (unsigned i = 1; i < n && delay < spec->max_us; i++) {
                /* A factor of 1 (or less, which validation refuses) never grows: leave at once, whatever n
                 * is. */
                if (spec->factor_milli <= 1000 || delay == 0)
                        break;
                delay = delay > UINT64_MAX / spec->factor_milli ? spec->max_us
                                                                : delay * spec->factor_milli / 1000;
        }
        return HV_MIN(delay, spec->max_us);
}

void hv_backoff_exited(struct hv_backoff *b, const struct hv_backoff_spec *spec, uint64_t now_us,
                       uint64_t ran_us, bool clean) {
        uint64_t delay;

        if (ran_us >= spec->reset_after_us)
                b->n = 0;
        delay = hv_backoff_delay(spec, b->n);
        if (clean)
                delay = HV_MIN(delay, spec->initial_us);
        b->n++;
        b->not_before_us = hv_time_add(now_us, delay);
}

void hv_backoff_failed(struct hv_backoff *b, const struct hv_backoff_spec *spec, uint64_t now_us) {
        b->n++;
        b->not_before_us = hv_time_add(now_us, hv_backoff_delay(spec, b->n));
}

void hv_backoff_reset(struct hv_backoff *b) {
        *b = (struct hv_backoff){};
}

bool hv_backoff_is_over(const struct hv_backoff *b, uint64_t now_us, uint64_t *deadline_us) {
        if (b->not_before_us <= now_us)
                return true;
        *deadline_us = HV_MIN(*deadline_us, b->not_before_us);
        return false;
}
