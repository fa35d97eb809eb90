/* reconcile/core.c - see core.h: its beginning, its end, and the door for inputs. */
#include "reconcile/core.h"

#include <errno.h>

#include "base/zone.h"
#include "reconcile/cron_state.h"
#include "reconcile/logins.h"
#include "reconcile/reclaim.h"
#include "reconcile/task_state.h"

static void free_zone(void *zone) {
        (void) hv_zone_free(zone);
}

struct hv_core *hv_core_new(uint64_t seed) {
        struct hv_core *c = HV_NEW(struct hv_core);

        c->rng.state = seed;
        c->engine.state = HV_ENGINE_CONNECTING;
        c->slots = hv_map_new(hv_slot_free);
        c->ids = hv_map_new(NULL);
        c->networks = hv_map_new(hv_item_free);
        c->volumes = hv_map_new(hv_item_free);
        c->images = hv_map_new(hv_image_free);
        c->tasks = hv_map_new(hv_task_free);
        c->crons = hv_map_new(hv_cron_free);
        c->zones = hv_map_new(free_zone);
        c->reclaims = hv_map_new(NULL);
        c->tunnels = hv_map_new(hv_tunnel_free);
        return c;
}

struct hv_core *hv_core_free(struct hv_core *c) {
        struct hv_effects e;

        if (!c)
                return NULL;
        for (size_t i = 0; i < c->flights.n; i++)
                hv_flight_free(c->flights.v[i]);
        hv_vec_done(&c->flights);
        e = (struct hv_effects){ .notes = c->notes.v, .n_notes = c->notes.n };
        hv_effects_done(&e);
        hv_map_free(c->slots);
        hv_map_free(c->ids);
        hv_map_free(c->networks);
        hv_map_free(c->volumes);
        hv_map_free(c->images);
        hv_vec_done(&c->live_tasks);
        hv_map_free(c->tasks);
        hv_map_free(c->crons);
        hv_map_free(c->zones);
        hv_map_free(c->reclaims);
        hv_map_free(c->tunnels);
        for (size_t i = 0; i < c->parked_removals.n; i++)
                free(c->parked_removals.v[i]);
        hv_vec_done(&c->parked_removals);
        hv_caps_end(c);
        hv_gpus_end(c);
        hv_orders_end(c);
        free(c->pressure.text);
        free(c->pressure.busy_text);
        free(c->parked_message);
        free(c->engine.message);
        hv_desired_unref(c->active);
        hv_desired_unref(c->pending);
        hv_desired_unref(c->parked);
        free(c);
        return NULL;
}

/* Hints and readings that come without anything having happened: whether they change what is shown is known where they are
 * taken in. Of all else it is taken for granted. */
static bool is_judged_where_taken(enum hv_input_type type) {
        return type == HV_INPUT_DONE || type == HV_INPUT_EVENT || type == HV_INPUT_CLOCK ||
               type == HV_INPUT_CAPS || type == HV_INPUT_PRESSURE;
}

int hv_core_input(struct hv_core *c, uint64_t now_us, const struct hv_input *in, struct hv_err *err) {
        _hv_cleanup_(hv_flight_freep) struct flight *f = NULL;

        c->changed |= !is_judged_where_taken(in->type);
        switch (in->type) {
        case HV_INPUT_DESIRED:
                hv_guard_offer(c, in->desired);
                return 0;
        case HV_INPUT_RESUME:
                hv_guard_resume(c, in->desired);
                return 0;
        case HV_INPUT_REVERT:
                hv_guard_revert(c, in->desired);
                return 0;
        case HV_INPUT_REMEMBER:
                hv_reclaim_remember(c, in->volumes, in->n_volumes);
                return 0;
        case HV_INPUT_ACCEPT:
                return hv_guard_accept(c, in->text, err);
        case HV_INPUT_DONE:
                f = hv_flight_take(c, in->action_id);
                if (!f)
                        return hv_err_set(err, -ENOENT, "action %llu is not in flight",
                                          (unsigned long long) in->action_id);
                c->changed |= !f->is_routine;
                hv_done(c, now_us, f, in);
                return 0;
        case HV_INPUT_EVENT:
                hv_observe_event(c, &in->event);
                return 0;
        case HV_INPUT_ENGINE_LOST:
                if (c->engine.state >= HV_ENGINE_LOOKING)
                        hv_engine_down(c, now_us, HV_ENGINE_DOWN, in->message);
                return 0;
        case HV_INPUT_TUNNEL:
                hv_tunnel_input(c, in->tunnel);
                return 0;
        case HV_INPUT_CAPS:
                hv_caps_input(c, in->caps);
                return 0;
        case HV_INPUT_PRESSURE:
                hv_pressure_input(c, in->pressure);
                return 0;
        case HV_INPUT_GPUS:
                hv_gpus_input(c, in->gpus);
                return 0;
        case HV_INPUT_ORDERS:
                hv_orders_input(c, in->orders);
                return 0;
        case HV_INPUT_GPU_LOST:
                hv_gpu_access_lost(c, now_us, in->text, in->message);
                return 0;
        case HV_INPUT_LOOK:
                hv_logins_try_again(c);
                if (c->engine.state >= HV_ENGINE_LOOKING) {
                        c->engine.look_parts |= HV_LOOK_CONTAINERS;
                        c->engine.look_doubt = ++c->seq;
                }
                return 0;
        default:
                return hv_task_input(c, now_us, in, err);
        }
}

const struct hv_desired *hv_core_active(const struct hv_core *c) {
        return c->active;
}

const struct hv_desired *hv_core_parked(const struct hv_core *c) {
        return c->parked;
}

int hv_core_ask_guard(struct hv_core *c, const struct hv_desired *desired, struct hv_err *err) {
        return hv_guard_ask(c, desired, err);
}

bool hv_core_is_deciding(const struct hv_core *c) {
        return c->pending != NULL;
}

bool hv_core_is_engine_ready(const struct hv_core *c) {
        return c->engine.state == HV_ENGINE_READY;
}
