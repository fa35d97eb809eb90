/* spec/check_subnet.c - addresses that must not meet: subnets of networks and tunnels, routes of the host (E0309); and
 * who may have the host's own network (E0310). */
#include "base/vec.h"
#include "spec/check_internal.h"
#include "spec/value_net.h"

struct subnet {
        const char *owner; /* "network "backend"" */
        const struct hv_node *node;
        const char *text; /* as written */
        struct hv_cidr cidr;
        const struct hv_spec_wireguard *tunnel; /* NULL: a network's */
};

typedef HV_VEC(struct subnet) subnet_vec;

static void add(const struct hv_check *c, subnet_vec *subnets, struct subnet s) {
        char text[HV_ADDRESS_SIZE];

        for (size_t i = 0; i < subnets->n; i++) {
                const struct subnet *other = &subnets->v[i];

                if (!hv_cidr_overlaps(&s.cidr, &other->cidr) || (s.tunnel && s.tunnel == other->tunnel))
                        continue;
                hv_diag_error(c->diags, s.node, "E0309", "%s overlaps %s %s (%s)", s.text, other->owner,
                              hv_cidr_format(&other->cidr, text),
                              hv_diag_where(c->diags, other->node, s.node));
                break;
        }
        for (size_t i = 0; c->facts && i < c->facts->routes.n; i++) {
                struct hv_cidr route;

                if (hv_value_address_cidr(c->facts->routes.v[i], &route, NULL) < 0 || route.bits == 0 ||
                    !hv_cidr_overlaps(&s.cidr, &route))
                        continue;
                hv_diag_error(c->diags, s.node, "E0309", "%s overlaps the route %s that this host has",
                              s.text, c->facts->routes.v[i]);
                break;
        }
        hv_vec_push(subnets, s);
}

static void check_gateway(const struct hv_check *c, const struct hv_spec_network *n,
                          const struct hv_cidr *subnet) {
        struct hv_address gateway;

        if (n->gateway && hv_address_parse(n->gateway, &gateway) && !hv_cidr_contains(subnet, &gateway))
                hv_diag_error(c->diags, hv_node_get(n->o.node, "gateway"), "E0308",
                              "gateway %s is outside the subnet %s", n->gateway, n->subnet);
}

/* Names that mean something else to the engine. */
static void check_name(const struct hv_check *c, const struct hv_spec_network *n) {
        static const char *const own[] = { "host", "none", "bridge", "default" };

        for (size_t i = 0; i < HV_ARRAY_SIZE(own); i++)
                if (hv_streq(n->o.name, own[i]))
                        hv_diag_error(c->diags, n->o.name_node, "E0105",
                                      "\"%s\" is a network of the engine's own; use "
                                      "another name",
                                      own[i]);
}

/* Drivers whose networks are no networks of their own: their containers stand beside the host on its wire. */
static void check_driver(const struct hv_check *c, const struct hv_spec_network *n) {
        static const char *const drivers[] = { "host", "macvlan", "ipvlan" };
        const struct hv_node *at = hv_check_field(n->o.node, "driver");

        for (size_t i = 0; i < HV_ARRAY_SIZE(drivers) && c->policy->host_network != HV_ALLOW; i++)
                if (hv_streq(n->driver, drivers[i]))
                        hv_diag_error(
                                c->diags, at, "E0310",
                                "driver \"%s\" gives containers the host's own network; hostNetwork is denied by "
                                "node.policy (%s)",
                                drivers[i],
                                hv_diag_where(c->diags, hv_node_get(c->policy->node, "hostNetwork"), at));
}

static void check_host_network(const struct hv_check *c, const struct hv_check_unit *u) {
        const struct hv_node *at = hv_check_field(u->node, "network");

        if (!u->network || hv_streq(u->network, "none"))
                return;
        if (hv_streq(u->network, "host") && c->policy->host_network != HV_ALLOW)
                hv_diag_error(c->diags, at, "E0310", "hostNetwork is denied by node.policy (%s)",
                              hv_diag_where(c->diags, hv_node_get(c->policy->node, "hostNetwork"), at));
        else if (u->service && !hv_streq(u->network, "host"))
                hv_diag_error(c->diags, at, "E0207",
                              "%s is not one of: none, host; write networks: [{name: %s}] to join a "
                              "network",
                              hv_diag_quote(c->diags, u->network), u->network);
}

static void check_addresses(const struct hv_check *c) {
        subnet_vec subnets = {};
        struct hv_cidr cidr;

        /* Tunnels first: in a clash the network is the one that can be moved. */
        for (size_t i = 0; i < c->state->wireguard.n; i++) {
                const struct hv_spec_wireguard *w = &c->state->wireguard.v[i];

                for (size_t j = 0; j < w->addresses.n; j++)
                        if (hv_value_address_cidr(w->addresses.v[j], &cidr, NULL) == 0)
                                add(c, &subnets,
                                    (struct subnet){ hv_diag_text(c->diags, "WireGuard %s",
                                                                  w->o.name ? w->o.name : ""),
                                                     hv_check_item(w->o.node, "addresses", w->addresses.v[j]),
                                                     w->addresses.v[j], cidr, w });
        }
        for (size_t i = 0; i < c->state->networks.n; i++) {
                const struct hv_spec_network *n = &c->state->networks.v[i];

                check_name(c, n);
                check_driver(c, n);
                if (!n->subnet || hv_value_cidr(n->subnet, &cidr, NULL) < 0)
                        continue;
                check_gateway(c, n, &cidr);
                add(c, &subnets,
                    (struct subnet){ hv_diag_text(c->diags, "network \"%s\"", n->o.name ? n->o.name : ""),
                                     hv_check_field(n->o.node, "subnet"), n->subnet, cidr, NULL });
        }
        hv_vec_done(&subnets);
}

void hv_check_subnets(const struct hv_check *c) {
        if (!c->one)
                check_addresses(c);
        for (size_t i = 0; i < c->n_units; i++)
                check_host_network(c, &c->units[i]);
        if (c->one)
                return;
        if (hv_streq(c->state->task_defaults.network, "host") && c->policy->host_network != HV_ALLOW) {
                const struct hv_node *at = hv_check_field(c->state->task_defaults.node, "network");

                hv_diag_error(c->diags, at, "E0310", "hostNetwork is denied by node.policy (%s)",
                              hv_diag_where(c->diags, hv_node_get(c->policy->node, "hostNetwork"), at));
        }
}
