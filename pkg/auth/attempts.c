#include "auth/attempts.h"

#include "base/alloc.h"
#include "base/map.h"

struct failures {
        unsigned n, n_pending;
        uint64_t first_us, next_us;
};

struct hv_attempts {
        struct hv_map *keys; /* in the order in which they came */
};

struct hv_attempts *hv_attempts_new(void) {
        struct hv_attempts *a = HV_NEW(struct hv_attempts);

        a->keys = hv_map_new(free);
        return a;
}

struct hv_attempts *hv_attempts_free(struct hv_attempts *a) {
        if (!a)
                return NULL;
        (void) hv_map_free(a->keys);
        free(a);
        return NULL;
}

static bool is_over(const struct failures *f, uint64_t now_us) {
        return now_us >= hv_time_add(f->first_us, HV_ATTEMPTS_WINDOW_US);
}

uint64_t hv_attempts_wait_us(const struct hv_attempts *a, const char *key, uint64_t now_us) {
        const struct failures *f = hv_map_get(a->keys, key);

        if (!f || is_over(f, now_us))
                return f && f->n_pending >= HV_ATTEMPTS_MAX ? HV_ATTEMPTS_WAIT_US : 0;
        if (now_us < f->next_us)
                return f->next_us - now_us;
        return f->n + f->n_pending >= HV_ATTEMPTS_MAX ? HV_ATTEMPTS_WAIT_US : 0;
}

static void make_room(struct hv_attempts *a, uint64_t now_us) {
        const char *key;
        struct failures *f;
        size_t it = 0;

        while (hv_map_next(a->keys, &it, &key, (void **) &f))
                if (is_over(f, now_us) || hv_map_size(a->keys) >= HV_ATTEMPTS_KEYS_MAX)
                        (void) hv_map_remove(a->keys, key);
}

void hv_attempts_begin(struct hv_attempts *a, const char *key, uint64_t now_us) {
        struct failures *f = hv_map_get(a->keys, key);

        if (!f) {
                if (hv_map_size(a->keys) >= HV_ATTEMPTS_KEYS_MAX)
                        make_room(a, now_us);
                f = HV_NEW(struct failures);
                hv_map_put(a->keys, key, f);
        }
        if (f->n == 0 || is_over(f, now_us)) {
                f->n = 0;
                f->first_us = f->next_us = now_us;
        }
        f->n_pending++;
}

void hv_attempts_failed(struct hv_attempts *a, const char *key, uint64_t now_us) {
        struct failures *f = hv_map_get(a->keys, key);

        if (!f) /* it had to make room */
                return;
        f->n_pending -= f->n_pending > 0;
        f->n++;
        f->next_us = f->n >= HV_ATTEMPTS_MAX ? hv_time_add(f->first_us, HV_ATTEMPTS_WINDOW_US)
                                             : hv_time_add(now_us, HV_ATTEMPTS_WAIT_US << (f->n - 1));
}

void hv_attempts_over(struct hv_attempts *a, const char *key, bool forget) {
        struct failures *f = hv_map_get(a->keys, key);

        if (!f)
                return;
        f->n_pending -= f->n_pending > 0;
        if (forget)
                f->n = 0;
        if (f->n == 0 && f->n_pending == 0)
                (void) hv_map_remove(a->keys, key);
}
