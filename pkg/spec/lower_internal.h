/* spec/lower_internal.h - between lowering as a whole and lowering of its parts. */
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

/* lower_tunnel.c */
void hv_lower_tunnels(const struct hv_lowering *l, struct hv_desired *d);
const char *hv_lower_tunnel_of(const struct hv_lowering *l,
                               const char *address); /* whose address this is; NULL: no tunnel's */

/* "hive-web", "hive-web-2". */
const char *hv_lower_container(const char *service, unsigned replica, struct hv_arena *a);

/* Parts of a unit that services and tasks have in common (lower_unit.c). baseline: the capabilities that the policy leaves of
 * the engine's own, beside those that are asked for. `more` are mounts that nobody wrote. */
struct hv_security hv_lower_security(const struct hv_lowering *l, const struct hv_spec_security *s,
                                     bool baseline);
void hv_lower_mounts(const struct hv_lowering *l, const struct hv_spec_mount *mounts, size_t n,
                     const struct hv_mount *more, size_t n_more, struct hv_unit *u);
void hv_lower_dependencies(const struct hv_lowering *l, const struct hv_spec_depends_on *all, size_t n_all,
                           struct hv_unit *u);
uint64_t hv_lower_cpu_limit(
        uint64_t nano_cpus); /* 0: none. The least that the kernel can hold anybody to, at least. */
int hv_lower_compare_pairs(const void *a, const void *b); /* of struct hv_pair, by name */

struct hv_origin hv_lower_origin(const struct hv_lowering *l, const struct hv_spec_object *o);
