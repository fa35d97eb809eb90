/* agent/gpu_users.c - see gpu_users.h. */
#include "agent/gpu_users.h"

#include "base/alloc.h"
#include "base/text.h"
#include "base/vec.h"
#include "reconcile/status.h"

static void forget(struct hv_gpu_user *k) {
        free(k->container);
        free(k->gpus);
}

void hv_gpu_users_done(struct hv_gpu_users *u) {
        for (size_t i = 0; i < u->n; i++)
                forget(&u->v[i]);
        hv_vec_done(u);
}

static void follow_one(struct hv_gpu_users *u, const char *container, const char *gpus,
                       uint64_t started_wall_us) {
        struct hv_gpu_user *k = NULL;

        for (size_t i = 0; i < u->n && !k; i++)
                if (hv_streq(u->v[i].container, container))
                        k = &u->v[i];
        if (!k) {
                k = hv_vec_add(u);
                k->container = hv_strdup(container);
        }
        if (k->started_wall_us != started_wall_us || !hv_streq(k->gpus, gpus))
                k->checked_us = 0;
        k->started_wall_us = started_wall_us;
        free(k->gpus);
        k->gpus = hv_strdup(gpus);
        k->is_seen = true;
}

void hv_gpu_users_follow(struct hv_gpu_users *u, const struct hv_status *status,
                         const struct hv_task_status *live, size_t n_live) {
        size_t kept = 0;

        for (size_t i = 0; i < u->n; i++)
                u->v[i].is_seen = false;
        for (size_t i = 0; i < status->n_unit_status; i++)
                if (status->units[i].gpus && status->units[i].container &&
                    status->units[i].phase == HV_PHASE_RUNNING && status->units[i].kind == HV_KIND_SERVICE)
                        follow_one(u, status->units[i].container, status->units[i].gpus,
                                   status->units[i].started_wall_us);
        for (size_t i = 0; i < n_live; i++)
                if (live[i].gpus && live[i].container && live[i].state == HV_TASK_RUNNING)
                        follow_one(u, live[i].container, live[i].gpus, live[i].started_wall_us);
        for (size_t i = 0; i < u->n; i++)
                if (u->v[i].is_seen)
                        u->v[kept++] = u->v[i];
                else
                        forget(&u->v[i]);
        u->n = kept;
}

const struct hv_gpu_user *hv_gpu_users_next_due(struct hv_gpu_users *u, uint64_t interval_us,
                                                uint64_t now_us) {
        for (size_t i = 0; i < u->n; i++) {
                struct hv_gpu_user *k = &u->v[i];

                if (k->checked_us && now_us - k->checked_us < interval_us)
                        continue;
                k->checked_us = HV_MAX(now_us, 1u);
                return k;
        }
        return NULL;
}
