/* alarm.c - see alarm.h. */
#include "sim/alarm.h"

#include "sim/sim.h"

static bool is_earlier(const struct sim_alarm *a, const struct sim_alarm *b) {
        return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void swap(struct sim_alarm *a, struct sim_alarm *b) {
        struct sim_alarm kept = *a;

        *a = *b;
        *b = kept;
}

void sim_at(struct sim *s, uint64_t at_us, sim_ring_fn *ring, void *arg) {
        struct sim_alarms *a = &s->alarms;
        size_t i = a->heap.n;

        hv_vec_push(&a->heap, ((struct sim_alarm){ HV_MAX(at_us, s->now_us), a->n_set++, ring, arg }));
        for (; i > 0 && is_earlier(&a->heap.v[i], &a->heap.v[(i - 1) / 2]); i = (i - 1) / 2)
                swap(&a->heap.v[i], &a->heap.v[(i - 1) / 2]);
}

void sim_after(struct sim *s, uint64_t span_us, sim_ring_fn *ring, void *arg) {
        sim_at(s, hv_time_add(s->now_us, span_us), ring, arg);
}

static struct sim_alarm take_first(struct sim_alarms *a) {
        struct sim_alarm first = a->heap.v[0];
        size_t i = 0;

        a->heap.v[0] = a->heap.v[--a->heap.n];
        for (;;) {
                size_t least = i, left = 2 * i + 1, right = left + 1;

                if (left < a->heap.n && is_earlier(&a->heap.v[left], &a->heap.v[least]))
                        least = left;
                if (right < a->heap.n && is_earlier(&a->heap.v[right], &a->heap.v[least]))
                        least = right;
                if (least == i)
                        return first;
                swap(&a->heap.v[i], &a->heap.v[least]);
                i = least;
        }
}

bool sim_step(struct sim *s, uint64_t until_us) {
        struct sim_alarm next;

        if (s->alarms.heap.n == 0 || s->alarms.heap.v[0].at_us > until_us) {
                s->now_us = until_us;
                return false;
        }
        next = take_first(&s->alarms);
        s->now_us = next.at_us;
        next.ring(s, next.arg);
        return true;
}

void sim_alarms_shift(struct sim_alarms *a, uint64_t span_us) {
        for (size_t i = 0; i < a->heap.n; i++)
                a->heap.v[i].at_us = hv_time_add(a->heap.v[i].at_us, span_us);
}

void sim_alarms_done(struct sim_alarms *a) {
        hv_vec_done(&a->heap);
}
