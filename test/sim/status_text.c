/* status_text.c - see status_text.h. */
#include "sim/status_text.h"

#include "base/buf.h"
#include "sim/agent.h"
#include "sim/sim.h"

/* What is not in sync may say how often something was tried: in this life. */
#define TRIES "..."

static const char *or_none(const char *text) {
        return text ? text : "-";
}

static void add_units(struct hv_buf *b, const struct hv_status *st) {
        for (size_t i = 0; i < st->n_unit_status; i++) {
                const struct hv_unit_status *u = &st->units[i];

                hv_buf_printf(
                        b,
                        "%s %s %s %s ready %d reason %s next %s id %.20s image %s digest %.8s wanted %.8s: %s\n",
                        u->key, u->container, hv_phase_name(u->phase), u->in_sync ? "in sync" : "not in sync",
                        u->ready, hv_reason_name(u->reason), or_none(u->next_action), or_none(u->id),
                        or_none(u->image), or_none(u->digest), or_none(u->wanted_digest),
                        u->in_sync ? or_none(u->message) : TRIES);
        }
}

static void add_objects(struct hv_buf *b, const struct hv_status *st) {
        for (size_t i = 0; i < st->n_objects; i++) {
                const struct hv_object_status *o = &st->objects[i];

                hv_buf_printf(b, "%s %s %s exists %d foreign %d wanted %d id %.20s reason %s: %s\n",
                              hv_kind_label(o->kind), o->name, o->in_sync ? "in sync" : "not in sync",
                              o->exists, o->foreign, o->wanted, or_none(o->id), hv_reason_name(o->reason),
                              o->in_sync ? or_none(o->message) : TRIES);
        }
}

char *sim_status_text(struct sim *s) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_buf b = {};
        struct hv_status st;

        if (!s->agent->core)
                return hv_strdup("the agent is down\n");
        hv_core_status(s->agent->core, s->now_us, arena, &st);
        hv_buf_printf(&b, "%s\n", hv_status_line(&st, arena));
        hv_buf_printf(
                &b,
                "engine %s, observed %d, synced %d, active %.8s, parked %.8s, %u units, %u in sync, %u orphans\n",
                hv_engine_state_name(st.engine), st.observed, st.synced, st.active_revision,
                or_none(st.parked_revision), st.n_units, st.n_units_in_sync, st.n_orphans);
        add_units(&b, &st);
        add_objects(&b, &st);
        return hv_buf_steal(&b);
}

void sim_trace_status(struct sim *s) {
        _hv_cleanup_(hv_freep) char *text = sim_status_text(s);
        char *rest = text;

        for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
                if (*line)
                        sim_trace(s, "  status: %s", line);
}

const char *sim_text_difference(struct sim *s, const char *before, const char *after) {
        _hv_cleanup_(hv_freep) char *a = hv_strdup(before), *b = hv_strdup(after);
        char *rest_a = a, *rest_b = b, *x, *y;

        do {
                x = strsep(&rest_a, "\n");
                y = strsep(&rest_b, "\n");
        } while (x && y && strcmp(x, y) == 0);
        return sim_text(s, "\"%s\" became \"%s\"", x ? x : "", y ? y : "");
}
