/* agent/pool_drain.c - a node that is drained gives back to its pool what has not begun. See pool.h.
 *
 * Only where the pool says that it takes such tasks back (v1, `takes_back`): any other would call them failed. They wait then, as those
 * of everybody else do. What is handed back ends here first, durably; that debt is told to the pool as any other (pool_pay.c), and
 * nothing but a new lease makes it run here. Looked at in every pass: an agent that died has to ask again. */
#include "agent/pool.h"
#include "base/arena.h"

bool hv_agent_pool_gives_back(const struct hv_agent_pool *p) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = NULL;
        struct hv_pool_state state;

        if (!p->agent->drain.order.by || !p->link)
                return false;
        arena = hv_arena_new();
        hv_pool_state(p->link, arena, &state);
        return state.takes_back;
}

void hv_agent_pool_drain_passed(struct hv_agent_pool *p) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = NULL;
        const struct hv_order *order = &p->agent->drain.order;
        struct hv_input in = { .type = HV_INPUT_TASK_HAND_BACK,
                               .message = order->by,
                               .reason = order->reason };
        const struct hv_task_status *live;
        size_t n;

        if (!hv_agent_pool_gives_back(p))
                return;
        arena = hv_arena_new();
        live = hv_core_live_tasks(p->agent->core, hv_agent_now_us(), arena, &n);
        if (!in.reason)
                in.reason = "the node is drained";
        for (size_t i = 0; i < n; i++) {
                if (!live[i].can_be_handed_back)
                        continue;
                in.text = live[i].id;
                (void) hv_agent_input(p->agent, &in, NULL);
        }
}
