/* spec/check_container.c - how many containers there are (E0003), and whether two want one name (E0107): "web" with two replicas
 * and "web-2" do. */
#include "base/arena.h"
#include "spec/check_internal.h"
#include "spec/lower_internal.h"

/* More than any node runs; a small file must not become a huge state (20,000 services of 100 replicas fit in
 * 1 MiB). */
#define UNITS_MAX 20000u

struct replica {
        const struct hv_spec_service *service;
        unsigned number;
};

static void check_name(const struct hv_check *c, struct hv_map *seen, const struct hv_spec_service *s,
                       unsigned number) {
        const char *name = hv_lower_container(s->o.name, number, c->arena);
        const struct replica *other = hv_map_get(seen, name);
        struct replica *own;

        if (other) {
                hv_diag_error(c->diags, s->o.name_node, "E0107",
                              "container \"%s\" is already that of replica %u of service \"%s\" (%s)", name,
                              other->number, other->service->o.name,
                              hv_diag_where(c->diags, other->service->o.name_node, s->o.name_node));
                return;
        }
        own = HV_ARENA_NEW(c->arena, struct replica);
        *own = (struct replica){ s, number };
        hv_map_put(seen, name, own);
}

void hv_check_containers(const struct hv_check *c) {
        _hv_cleanup_(hv_map_freep) struct hv_map *seen = hv_map_new(NULL);
        uint64_t n = 0;

        for (size_t i = 0; i < c->state->services.n; i++) {
                n += (uint64_t) c->state->services.v[i].replicas;
                if (n > UNITS_MAX) {
                        hv_diag_error(c->diags, c->state->services.v[i].o.name_node, "E0003",
                                      "too large: the services make more than %u containers", UNITS_MAX);
                        return;
                }
        }
        for (size_t i = 0; i < c->state->services.n; i++)
                for (unsigned r = 1; r <= (unsigned) c->state->services.v[i].replicas; r++)
                        check_name(c, seen, &c->state->services.v[i], r);
}
