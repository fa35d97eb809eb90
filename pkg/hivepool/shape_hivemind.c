/* hivepool/shape_hivemind.c - tasks and nodes of the dialect hivemind, as the schedule sees them.
 *
 * Units    a score of 100 is one core; memory is whole GB. A GPU's score is shared out like the rest: this pool counts what is
 *          taken, and knows no better what it means.
 */
#include <errno.h>
#include <nodepool_hivemind.pb-c.h>

#include "hivepool/shape_private.h"

static int room_of(int cpu_score, int memory_gb, int gpu_score, int gpu_memory_gb, bool up,
                   struct hv_room *ret, struct hv_err *err) {
        const struct hv_shape_amounts a = { .cpus = cpu_score / 100.0,
                                            .memory_gb = memory_gb,
                                            .gpus = gpu_score / 100.0,
                                            .gpu_memory_gb = gpu_memory_gb };

        return hv_shape_room(&a, up, ret, err);
}

static int gpu_word(const char *name, struct hv_arena *arena, const char **ret, struct hv_err *err) {
        if (!*name || hv_streq(name, "Any")) {
                *ret = NULL;
                return 0;
        }
        if (!hv_shape_is_word(name))
                return hv_err_set(err, -EINVAL, "gpu_name: expected at most 64 visible characters");
        *ret = hv_arena_printf(arena, "gpu:%s", name);
        return 0;
}

static int shape_task(const Hivemind__UploadTaskRequest *m, struct hv_arena *arena,
                      struct hv_hivepool_wish *ret, struct hv_err *err) {
        const char **needs = HV_ARENA_NEW_N(arena, const char *, 2);
        int r;

        r = room_of(m->cpu_score, m->memory_gb, m->gpu_score, m->gpu_memory_gb, true, &ret->asked, err);
        if (r >= 0)
                r = gpu_word(m->gpu_name, arena, &needs[1], err);
        if (r < 0)
                return r;
        ret->id = hv_arena_strdup(arena, m->task_id);
        needs[0] = "dialect:hivemind";
        ret->needs = needs;
        ret->n_needs = needs[1] ? 2 : 1;
        return 0;
}

int hv_shape_task_hivemind(const void *spec, size_t len, struct hv_arena *arena, struct hv_hivepool_wish *ret,
                           struct hv_err *err) {
        Hivemind__UploadTaskRequest *m = hivemind__upload_task_request__unpack(NULL, len, spec);
        int r;

        if (!m)
                return hv_err_set(err, -EBADMSG, "%zu bytes that are no task of the dialect hivemind", len);
        r = shape_task(m, arena, ret, err);
        hivemind__upload_task_request__free_unpacked(m, NULL);
        return r;
}

static int shape_node(const Hivemind__RegisterWorkerNodeRequest *m, struct hv_arena *arena,
                      struct hv_hivepool_node *ret, struct hv_err *err) {
        const char **has = HV_ARENA_NEW_N(arena, const char *, 2);
        int r;

        r = room_of(m->cpu_score, m->memory_gb, m->gpu_score, m->gpu_memory_gb, false, &ret->total, err);
        if (r >= 0)
                r = gpu_word(m->gpu_name, arena, &has[1], err);
        if (r < 0)
                return r;
        ret->id = hv_arena_strdup(arena, m->node_id);
        /* The deployed pool goes by the account's credit, 100 at first: "high". */
        ret->trust = hv_streq(m->docker_status, "disabled") ? HV_TRUST_LOW : HV_TRUST_HIGH;
        has[0] = "dialect:hivemind";
        ret->has = has;
        ret->n_has = has[1] ? 2 : 1;
        return 0;
}

int hv_shape_node_hivemind(const void *said, size_t len, struct hv_arena *arena, struct hv_hivepool_node *ret,
                           struct hv_err *err) {
        Hivemind__RegisterWorkerNodeRequest *m =
                hivemind__register_worker_node_request__unpack(NULL, len, said);
        int r;

        if (!m)
                return hv_err_set(err, -EBADMSG, "%zu bytes that are no registration of the dialect hivemind",
                                  len);
        r = shape_node(m, arena, ret, err);
        hivemind__register_worker_node_request__free_unpacked(m, NULL);
        return r;
}
