/* stream.c - see stream.h. */
#include "sim/stream.h"

#include "sim/agent.h"
#include "sim/oracle.h"
#include "sim/sim.h"

struct event {
        struct hv_engine_event event; /* texts live in the run's arena */
        uint64_t opened;
        uint64_t emitted_us;
        uint64_t tick;                   /* of the change that it tells */
        struct sim_container *container; /* whom it is about; one of them, or none for an image */
        struct sim_network *network;
        struct sim_volume *volume;
};

struct sim_stream *sim_stream_new(struct sim *s) {
        return HV_ARENA_NEW(s->arena, struct sim_stream);
}

/* The oracle now knows that the core was told. An event of a network says nothing else about the container, and that
 * something was made does not say that it is ours: these events carry no labels. */
static void mark_told(const struct event *e) {
        struct sim_container *k = e->container;
        bool made = hv_streq(e->event.action, "create");

        if (k && e->event.type == HV_EVENT_NETWORK) {
                if (k->tick == e->tick && k->known_tick >= k->tick_before)
                        k->known_tick = e->tick;
                /* What has ended leaves its networks anyway: there it is no news. */
                if (k->state != HV_CONTAINER_EXITED && e->tick == k->joined_tick &&
                    k->known_joined_tick >= k->joined_tick_before)
                        k->known_joined_tick = e->tick;
                return;
        }
        /* The end of something never heard of may be the end of what held the name before. */
        if (k && k->known_tick == 0 &&
            (hv_streq(e->event.action, "die") || hv_streq(e->event.action, "oom") ||
             hv_streq(e->event.action, "stop") || hv_streq(e->event.action, "destroy")))
                return;
        if (k)
                k->known_tick = HV_MAX(k->known_tick, e->tick);
        if (k && hv_streq(e->event.action, "update"))
                k->known_detail_tick = HV_MAX(k->known_detail_tick, e->tick);
        if (e->network && !made)
                e->network->known_tick = HV_MAX(e->network->known_tick, e->tick);
        if (e->volume && !made)
                e->volume->known_tick = HV_MAX(e->volume->known_tick, e->tick);
}

/* The core gets texts that end with the call, as a driver's parser would hand them over. */
static void deliver(struct sim *s, const struct event *e) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *lent = hv_arena_new();
        struct hv_input in = { .type = HV_INPUT_EVENT, .event = e->event };

        in.event.action = hv_arena_strdup(lent, e->event.action);
        in.event.id = hv_arena_strdup(lent, e->event.id);
        in.event.name = hv_arena_strdup(lent, e->event.name);
        in.event.container = hv_arena_strdup(lent, e->event.container);
        sim_trace(s, "event %s %s%s%s", in.event.action, in.event.name ? in.event.name : in.event.id,
                  in.event.container ? " of " : "", in.event.container ? e->container->name : "");
        s->stream->n_delivered++;
        mark_told(e);
        sim_oracle_told_event(s, &in.event);
        sim_agent_input(s, &in);
}

static void arrive(struct sim *s, void *arg) {
        struct event *e = arg;

        if (e->opened != s->stream->opened || !s->stream->open)
                return;
        /* A delay is a fault: what it still holds back when faults end is lost. */
        if (s->calm && e->emitted_us < s->calm_us && s->now_us > s->calm_us + HV_USEC_PER_SEC)
                return;
        if (s->stream->heard)
                deliver(s, e);
        else /* the answer to the connect is still on its way, and the shell reads it first */
                sim_after(s, HV_USEC_PER_MSEC, arrive, e);
}

static void emit(struct sim *s, const struct event *event) {
        struct sim_stream *st = s->stream;
        uint64_t delay_us = sim_span(s, SIM_CHANCE_EVENTS, 200, 5000);
        struct event *e;

        if (!st->open)
                return;
        e = hv_arena_memdup(s->arena, event, sizeof *event);
        e->opened = st->opened;
        e->emitted_us = s->now_us;
        e->tick = s->truth->tick;
        if (sim_fault_hits(s, SIM_FAULT_STREAM_CUT)) {
                sim_stream_cut(s, "the stream ended early");
                return;
        }
        if (sim_fault_hits(s, SIM_FAULT_EVENT_LOST))
                return;
        if (sim_fault_hits(s, SIM_FAULT_EVENT_TWICE))
                sim_after(s, delay_us + sim_span(s, SIM_CHANCE_EVENTS, 1000, 10 * HV_USEC_PER_SEC), arrive,
                          e);
        if (sim_fault_hits(s, SIM_FAULT_EVENT_DELAYED)) {
                sim_after(s, sim_span(s, SIM_CHANCE_EVENTS, 100000, 5 * HV_USEC_PER_MIN), arrive, e);
                return;
        }
        if (sim_fault_hits(s, SIM_FAULT_EVENT_REORDERED)) {
                sim_after(s, sim_span(s, SIM_CHANCE_EVENTS, 1000, 500000), arrive, e);
                return;
        }
        st->last_arrival_us = HV_MAX(st->last_arrival_us, s->now_us + delay_us);
        sim_at(s, st->last_arrival_us, arrive, e);
}

void sim_stream_open(struct sim *s) {
        s->stream->opened++;
        s->stream->open = true;
        s->stream->heard = false;
        s->stream->last_arrival_us = s->now_us;
}

void sim_stream_hear(struct sim *s) {
        s->stream->heard = s->stream->open;
}

void sim_stream_close(struct sim *s) {
        s->stream->open = s->stream->heard = false;
}

struct end {
        uint64_t opened;
        const char *why;
};

static void end_is_noticed(struct sim *s, void *arg) {
        const struct end *e = arg;
        struct hv_input in = { .type = HV_INPUT_ENGINE_LOST, .message = e->why };

        if (e->opened != s->stream->opened || s->stream->open)
                return;
        sim_trace(s, "engine lost: %s", e->why);
        sim_agent_input(s, &in);
}

void sim_stream_cut(struct sim *s, const char *why) {
        struct end end = { s->stream->opened, why };
        const bool heard = s->stream->heard;

        sim_stream_close(s);
        if (heard)
                sim_after(s, sim_span(s, SIM_CHANCE_EVENTS, 50, 2000), end_is_noticed,
                          hv_arena_memdup(s->arena, &end, sizeof end));
}

void sim_stream_emit_container(struct sim *s, struct sim_container *k, const char *action) {
        emit(s, &(struct event){
                        .event = { .type = HV_EVENT_CONTAINER,
                                   .action = action,
                                   .id = k->id,
                                   .name = k->name,
                                   .ours = k->owner == SIM_OWNER_NODE },
                        .container = k,
                });
}

void sim_stream_emit_endpoint(struct sim *s, struct sim_container *k, const char *network,
                              const char *action) {
        const struct sim_network *n = sim_network_find(s, network);

        emit(s, &(struct event){
                        .event = { .type = HV_EVENT_NETWORK,
                                   .action = action,
                                   .id = n ? n->id : "",
                                   .name = network,
                                   .container = k->id },
                        .container = k,
                });
}

void sim_stream_emit_network(struct sim *s, struct sim_network *n, const char *action) {
        emit(s, &(struct event){
                        .event = { .type = HV_EVENT_NETWORK, .action = action, .id = n->id, .name = n->name },
                        .network = n,
                });
}

void sim_stream_emit_volume(struct sim *s, struct sim_volume *v, const char *action) {
        emit(s,
             &(struct event){
                     .event = { .type = HV_EVENT_VOLUME, .action = action, .id = v->name, .name = v->name },
                     .volume = v,
             });
}

void sim_stream_emit_image(struct sim *s, struct sim_image *i, const char *action) {
        emit(s, &(struct event){
                        .event = { .type = HV_EVENT_IMAGE, .action = action, .id = i->ref, .name = i->ref },
                });
}
