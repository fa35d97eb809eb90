/* spec/check_service.c - probes (E0402, E0403, W023), updates (E0421 to E0423), back-off (E0425), replicas (E0430). */
#include "base/text.h"
#include "spec/check_internal.h"
#include "spec/value_net.h"

static void check_probe_port(const struct hv_check *c, const struct hv_spec_service *s,
                             const struct hv_node *handler, const char *port) {
        struct hv_suggestion near = { .text = port };

        if (!port || (*port >= '0' && *port <= '9'))
                return;
        for (size_t i = 0; i < s->ports.n; i++) {
                if (hv_streq(s->ports.v[i].name, port))
                        return;
                if (s->ports.v[i].name)
                        hv_suggestion_add(&near, s->ports.v[i].name);
        }
        hv_diag_error(c->diags, hv_check_field(handler, "port"), "E0403",
                      "port name %s is not declared in ports%s%s%s", hv_diag_quote(c->diags, port),
                      near.best ? "; did you mean \"" : "", near.best ? near.best : "",
                      near.best ? "\"?" : "");
}

static void check_probe(const struct hv_check *c, const struct hv_spec_service *s,
                        const struct hv_spec_probe *p) {
        const struct hv_node *timeout = hv_node_get(p->node, "timeout");

        if (!p->node)
                return;
        if (timeout && p->timeout_us > p->period_us)
                hv_diag_error(c->diags, timeout, "E0402", "timeout %s must not be longer than period %s",
                              hv_check_duration(c, p->timeout_us, timeout),
                              hv_check_duration(c, p->period_us, hv_node_get(p->node, "period")));
        check_probe_port(c, s, p->http.node, p->http.port);
        check_probe_port(c, s, p->tcp.node, p->tcp.port);
        check_probe_port(c, s, p->grpc.node, p->grpc.port);
}

static void check_probes(const struct hv_check *c, const struct hv_spec_service *s,
                         const struct hv_map *awaited) {
        check_probe(c, s, &s->startup);
        check_probe(c, s, &s->readiness);
        check_probe(c, s, &s->liveness);
        if (s->readiness.node && s->update.strategy == HV_UPDATE_RECREATE &&
            s->update.on_failure != HV_FAILURE_ROLLBACK && !hv_map_get(awaited, s->o.name))
                hv_diag_warn(
                        c->diags, hv_node_key(s->o.node, "readiness"), "W023",
                        "has no effect here: nothing waits for the service to be ready, and its update does not look");
}

static const struct hv_spec_volume *exclusive_volume(const struct hv_check *c, const char *name) {
        for (size_t i = 0; i < c->state->volumes.n; i++)
                if (hv_streq(c->state->volumes.v[i].o.name, name) &&
                    c->state->volumes.v[i].access == HV_ACCESS_EXCLUSIVE)
                        return &c->state->volumes.v[i];
        return NULL;
}

static void check_start_first(const struct hv_check *c, const struct hv_spec_service *s) {
        const struct hv_node *at = hv_check_field(s->update.node, "strategy");

        for (size_t i = 0; i < s->ports.n; i++) {
                struct hv_port_range range;

                if (!s->ports.v[i].host || hv_value_port_range(s->ports.v[i].host, &range, NULL) < 0 ||
                    range.last - range.first + 1 != s->replicas)
                        continue;
                hv_diag_error(
                        c->diags, at, "E0421",
                        "startFirst needs a free port: host port %s is fixed; use a range of %lld or strategy rolling",
                        s->ports.v[i].host, (long long) s->replicas + 1);
        }
        for (size_t i = 0; i < s->mounts.n; i++)
                if (s->mounts.v[i].volume && exclusive_volume(c, s->mounts.v[i].volume))
                        hv_diag_error(c->diags, at, "E0421",
                                      "startFirst needs two containers at once: volume %s is exclusive; "
                                      "use strategy rolling or recreate",
                                      s->mounts.v[i].volume);
}

static void check_update(const struct hv_check *c, const struct hv_spec_service *s) {
        const struct hv_spec_update *u = &s->update;
        const struct hv_node *strategy = hv_check_field(u->node, "strategy");
        const struct hv_node *unavailable = hv_node_get(u->node, "maxUnavailable");

        if (u->strategy == HV_UPDATE_START_FIRST)
                check_start_first(c, s);
        if (u->strategy == HV_UPDATE_ROLLING && u->max_unavailable >= s->replicas)
                hv_diag_error(c->diags, unavailable ? unavailable : strategy, "E0423",
                              "%lld of %lld unavailable is an outage; use strategy recreate",
                              (long long) u->max_unavailable, (long long) s->replicas);
        if (u->on_failure == HV_FAILURE_ROLLBACK && !s->readiness.node && !s->startup.node &&
            !s->liveness.node)
                hv_diag_error(c->diags, hv_check_field(u->node, "onFailure"), "E0422",
                              "onFailure: rollback needs readiness, startup or liveness");
}

static void check_backoff(const struct hv_check *c, const struct hv_spec_backoff *b) {
        const struct hv_node *at = hv_node_get(b->node, "max");

        if (b->max_us < b->initial_us)
                hv_diag_error(c->diags, at ? at : hv_check_field(b->node, "initial"), "E0425",
                              "max %s is below initial %s", hv_check_duration(c, b->max_us, at),
                              hv_check_duration(c, b->initial_us, hv_node_get(b->node, "initial")));
}

static void check_replicas(const struct hv_check *c, const struct hv_spec_service *s) {
        if (s->replicas < 2)
                return;
        for (size_t i = 0; i < s->mounts.n; i++)
                if (s->mounts.v[i].volume && exclusive_volume(c, s->mounts.v[i].volume))
                        hv_diag_error(c->diags, hv_check_field(s->mounts.v[i].node, "volume"), "E0430",
                                      "volume %s is not shareable: %lld replicas would use it at once",
                                      s->mounts.v[i].volume, (long long) s->replicas);
}

/* Names of services that somebody waits for until they are ready. */
static struct hv_map *awaited_services(const struct hv_check *c) {
        struct hv_map *names = hv_map_new(NULL);

        for (size_t i = 0; i < c->n_units; i++)
                for (size_t j = 0; j < c->units[i].n_depends_on; j++) {
                        const struct hv_spec_depends_on *d = &c->units[i].depends_on[j];

                        if (d->service && d->condition == HV_WANT_READY)
                                hv_map_put(names, d->service, (void *) d);
                }
        return names;
}

void hv_check_services(const struct hv_check *c) {
        _hv_cleanup_(hv_map_freep) struct hv_map *awaited = awaited_services(c);

        for (size_t i = 0; i < c->state->services.n; i++) {
                const struct hv_spec_service *s = &c->state->services.v[i];

                check_probes(c, s, awaited);
                check_update(c, s);
                check_backoff(c, &s->restart.backoff);
                check_replicas(c, s);
        }
}
