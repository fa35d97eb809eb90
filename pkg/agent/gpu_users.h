/* agent/gpu_users.h - whose GPUs are looked after, and when: containers that run with some. Private to pkg/agent.
 *
 * Model    Pure: the time is an argument. Who was started anew, or was given others, is due at once; everybody else when the
 *          interval is over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hv_status;
struct hv_task_status;

struct hv_gpu_user {
        char *container, *gpus;   /* gpus: UUIDs, commas between them */
        uint64_t started_wall_us; /* another start, another look */
        uint64_t checked_us;      /* 0: not yet */
        bool is_seen;
};

struct hv_gpu_users { /* base/vec.h */
        struct hv_gpu_user *v;
        size_t n, cap;
};

void hv_gpu_users_done(struct hv_gpu_users *u);

/* What the core says; who does not run any more is forgotten. */
void hv_gpu_users_follow(struct hv_gpu_users *u, const struct hv_status *status,
                         const struct hv_task_status *live, size_t n_live);

/* One that is due, and from here on is not for an interval; NULL: nobody is. Good until the next follow(). */
const struct hv_gpu_user *hv_gpu_users_next_due(struct hv_gpu_users *u, uint64_t interval_us,
                                                uint64_t now_us);
