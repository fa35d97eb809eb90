/* monitor/history.c - see history.h. */
#include "monitor/history.h"

#include "base/alloc.h"

struct hv_history {
        size_t max, n, next;
        struct hv_history_point v[];
};

struct hv_history *hv_history_new(size_t n_points) {
        struct hv_history *h = hv_calloc(1, sizeof *h + n_points * sizeof h->v[0]);

        h->max = n_points;
        return h;
}

struct hv_history *hv_history_free(struct hv_history *h) {
        free(h);
        return NULL;
}

void hv_history_add(struct hv_history *h, const struct hv_history_point *point) {
        h->v[h->next] = *point;
        h->next = (h->next + 1) % h->max;
        h->n = HV_MIN(h->n + 1, h->max);
}

size_t hv_history_size(const struct hv_history *h) {
        return h->n;
}

const struct hv_history_point *hv_history_at(const struct hv_history *h, size_t i) {
        return &h->v[(h->next + h->max - h->n + i) % h->max];
}
