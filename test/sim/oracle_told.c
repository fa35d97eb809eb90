/* oracle_told.c - what the present core was told, so that the oracle demands no second sight.
 *
 * A look counts only when it was asked for after the last word on the object (a completion, an event, another look):
 * the core must not let an older observation overwrite what it was told since. It does not count either while an effect
 * on the object is in flight. The core keeps what it knows by name: a word about the container that bore it before, or
 * that nobody does, is the last one on whoever is made by that name later, too.
 */
#include "sim/agent.h"
#include "sim/oracle.h"
#include "sim/sim.h"

bool sim_effect_in_flight(const struct sim *s, const char *name) {
        for (size_t i = 0; i < s->driver->calls.n; i++) {
                const struct sim_call *c = s->driver->calls.v[i];

                if (!c->done && c->core == s->agent->core_number && !hv_action_is_look(c->action.type) &&
                    (!name || hv_streq(c->action.name, name)))
                        return true;
        }
        return false;
}

/* ---- the last word ---- */

static struct sim_word_on *word_on(struct sim *s, const char *name) {
        struct sim_oracle *o = s->oracle;
        struct sim_word_on *w;

        for (size_t i = 0; i < o->words.n; i++)
                if (hv_streq(o->words.v[i].name, name))
                        return &o->words.v[i];
        w = hv_vec_add(&o->words);
        w->name = hv_arena_strdup(s->arena, name);
        return w;
}

static void tell_of(struct sim *s, const char *name) {
        if (name)
                word_on(s, name)->n = s->oracle->n_words + 1;
}

/* ---- what is told ---- */

void sim_oracle_told_event(struct sim *s, const struct hv_engine_event *e) {
        const char *id = e->container ? e->container : e->id;

        if (e->type == HV_EVENT_CONTAINER)
                tell_of(s, e->name);
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                struct sim_container *k = s->truth->containers.v[i];

                if (hv_streq(k->id, id) || (e->type == HV_EVENT_CONTAINER && hv_streq(k->name, e->name)))
                        k->last_word = s->oracle->n_words + 1;
        }
}

void sim_oracle_told_effect(struct sim *s, const struct sim_call *c, enum hv_outcome outcome) {
        tell_of(s, c->action.name);
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                struct sim_container *k = s->truth->containers.v[i];

                if (hv_streq(k->name, c->action.name) || hv_streq(k->id, c->action.target))
                        k->last_word = s->oracle->n_words + 1;
                if (c->action.type == HV_ACTION_START && hv_streq(k->id, c->action.target))
                        k->start_was_told = outcome == HV_OUTCOME_OK;
        }
}

static bool counts(struct sim *s, const struct sim_call *c, const struct sim_container *k) {
        return c->issued_word >= k->last_word && c->issued_word >= word_on(s, k->name)->n &&
               !sim_effect_in_flight(s, k->name);
}

static bool is_stale(const struct sim_call *c, const struct sim_container *k) {
        for (size_t i = 0; i < c->view.stale.n; i++)
                if (c->view.stale.v[i] == k)
                        return true;
        return false;
}

static void told_listing(struct sim *s, const struct sim_call *c) {
        const struct sim_view *v = &c->view;

        for (size_t i = 0; v->tick[0] && i < s->truth->containers.n; i++) {
                struct sim_container *k = s->truth->containers.v[i];

                if (!counts(s, c, k))
                        continue;
                k->known_joined_tick = HV_MAX(k->known_joined_tick, v->tick[0]);
                if (!is_stale(c, k))
                        k->known_tick = HV_MAX(k->known_tick, v->tick[0]);
        }
        for (size_t i = 0; v->tick[1] && i < s->truth->networks.n; i++) {
                struct sim_network *n = s->truth->networks.v[i];

                if (!sim_effect_in_flight(s, n->name))
                        n->known_tick = HV_MAX(n->known_tick, v->tick[1]);
        }
        for (size_t i = 0; v->tick[2] && i < s->truth->volumes.n; i++) {
                struct sim_volume *w = s->truth->volumes.v[i];

                if (!sim_effect_in_flight(s, w->name))
                        w->known_tick = HV_MAX(w->known_tick, v->tick[2]);
        }
}

static void told_inspect(struct sim *s, const struct sim_call *c) {
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                struct sim_container *k = s->truth->containers.v[i];

                if (!hv_streq(k->name, c->action.target) && !hv_streq(k->id, c->action.target))
                        continue;
                if (counts(s, c, k)) {
                        k->known_tick = HV_MAX(k->known_tick, c->view.tick[0]);
                        k->known_detail_tick = HV_MAX(k->known_detail_tick, c->view.tick[0]);
                        k->known_joined_tick = HV_MAX(k->known_joined_tick, c->view.tick[0]);
                }
                k->last_word = s->oracle->n_words + 1;
        }
        tell_of(s, c->action.target);
}

void sim_oracle_told_look(struct sim *s, const struct sim_call *c, const struct hv_input *in) {
        if (c->action.type == HV_ACTION_LIST && in->outcome == HV_OUTCOME_OK)
                told_listing(s, c);
        if (c->action.type == HV_ACTION_INSPECT &&
            (in->outcome == HV_OUTCOME_OK || in->outcome == HV_OUTCOME_NOT_FOUND) && c->view.tick[0])
                told_inspect(s, c);
}

void sim_oracle_forget_told(struct sim *s) {
        hv_vec_clear(&s->oracle->words);
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                struct sim_container *k = s->truth->containers.v[i];

                k->known_tick = k->known_detail_tick = k->known_joined_tick = k->last_word = 0;
        }
        for (size_t i = 0; i < s->truth->networks.n; i++)
                s->truth->networks.v[i]->known_tick = 0;
        for (size_t i = 0; i < s->truth->volumes.n; i++)
                s->truth->volumes.v[i]->known_tick = 0;
}
