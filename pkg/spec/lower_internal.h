/* spec/lower_internal.h - between lowering as a whole and lowering of one service. */
#pragma once

#include "spec/diag.h"
#include "spec/types.h"

/* The network of the documented worker: joined by whoever names none, made on demand, borrowed when it is
 * there. */
#define HV_DEFAULT_NETWORK "hivemind"

struct hv_lowering {
        const struct hv_spec_tree *tree;
        const struct hv_spec_state *state;
        struct hv_arena *arena;
        struct hv_diags *diags;
        const char *tunnel_address; /* of the first declared WireGuard interface; NULL: there is none */
};

/* Fills one unit (replica from 1), digest included. */
void hv_lower_unit(const struct hv_lowering *l, const struct hv_spec_service *s, unsigned replica,
                   struct hv_unit *ret);

/* lower_shared.c: networks (those that units join included), volumes, registries, objects. After the units.
 */
void hv_lower_shared(const struct hv_lowering *l, struct hv_desired *d);

struct hv_origin hv_lower_origin(const struct hv_lowering *l, const struct hv_spec_object *o);
