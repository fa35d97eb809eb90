/* spec/check_port.c - ports of the host: how many replicas share them (E0301, E0305), who may open them (E0303), and who
 * has them already (E0304, E0306). */
#include "base/arena.h"
#include "base/vec.h"
#include "spec/check_internal.h"
#include "spec/value_net.h"

struct claim {                      /* of a range of ports on some addresses of the host */
        const char *who;            /* NULL: hivelet itself */
        const struct hv_node *node; /* NULL: the default */
        const char *path;           /* of hivelet's own */
        struct hv_port_range range;
        int protocol;
        enum hv_bind bind;
        struct hv_address address; /* HV_BIND_ADDRESS, or an address of the loopback */
        bool has_address;
};

typedef HV_VEC(struct claim) claim_vec;

/* Is the address one that a tunnel of this node will have? */
static bool is_tunnel_address(const struct hv_check *c, const struct hv_address *address) {
        for (size_t i = 0; i < c->state->wireguard.n; i++)
                for (size_t j = 0; j < c->state->wireguard.v[i].addresses.n; j++) {
                        struct hv_cidr own;

                        if (hv_value_address_cidr(c->state->wireguard.v[i].addresses.v[j], &own, NULL) == 0 &&
                            hv_address_equal(&own.address, address))
                                return true;
                }
        return false;
}

static void check_policy(const struct hv_check *c, const struct hv_node *at, const char *text,
                         enum hv_bind bind, const struct hv_address *address) {
        static const char *const names[] = { "loopback", "wireguard", "public" }; /* enum hv_publish */
        int class = bind == HV_BIND_LOOPBACK    ? HV_PUBLISH_LOOPBACK
                    : bind == HV_BIND_WIREGUARD ? HV_PUBLISH_WIREGUARD
                                                : HV_PUBLISH_PUBLIC;
        const char *where;

        if (bind == HV_BIND_ADDRESS && is_tunnel_address(c, address))
                class = HV_PUBLISH_WIREGUARD;
        for (size_t i = 0; i < c->policy->publish.n; i++)
                if (c->policy->publish.v[i] == class)
                        return;
        where = hv_diag_where(c->diags, hv_node_get(c->policy->node, "publish"), at);
        if (hv_streq(text, names[class]))
                hv_diag_error(c->diags, at, "E0303", "bind \"%s\" is not in node.policy.publish (%s)", text,
                              where);
        else
                hv_diag_error(c->diags, at, "E0303",
                              "bind %s counts as \"%s\", which is not in node.policy.publish (%s)",
                              hv_diag_quote(c->diags, text), names[class], where);
}

static void check_replicas(const struct hv_check *c, const struct hv_spec_service *s,
                           const struct hv_node *at, const struct hv_port_range *range) {
        unsigned n = (unsigned) range->last - range->first + 1u;
        int64_t replicas = s->replicas, spare = s->update.strategy == HV_UPDATE_START_FIRST ? 1 : 0;

        if (n == 1 && replicas > 1)
                hv_diag_error(c->diags, at, "E0305", "one host port cannot serve %lld replicas; use a range",
                              (long long) replicas);
        else if (n != replicas && n != replicas + spare)
                hv_diag_error(c->diags, at, "E0301", "%u host ports for %lld replica%s", n,
                              (long long) replicas, replicas == 1 ? "" : "s");
}

static bool same_addresses(const struct hv_check *c, const struct claim *a, const struct claim *b) {
        if (a->bind == HV_BIND_PUBLIC || b->bind == HV_BIND_PUBLIC)
                return true;
        if (a->has_address && b->has_address)
                return hv_address_equal(&a->address, &b->address);
        if (a->bind == HV_BIND_WIREGUARD || b->bind == HV_BIND_WIREGUARD) {
                const struct claim *other = a->bind == HV_BIND_WIREGUARD ? b : a;

                return other->bind == HV_BIND_WIREGUARD ||
                       (other->has_address && is_tunnel_address(c, &other->address));
        }
        return a->bind == b->bind;
}

static bool clash(const struct hv_check *c, const struct claim *a, const struct claim *b) {
        return a->protocol == b->protocol && a->range.first <= b->range.last &&
               b->range.first <= a->range.last && same_addresses(c, a, b);
}

static void report_clash(const struct hv_check *c, const struct claim *mine, const struct claim *other) {
        const char *where = hv_diag_where(c->diags, other->node, mine->node);
        unsigned shared = HV_MAX(mine->range.first, other->range.first);

        if (!other->who)
                hv_diag_error(c->diags, mine->node, "E0306", "%u is used by %s (%s)", shared, other->path,
                              where);
        else if (mine->range.first == mine->range.last)
                hv_diag_error(c->diags, mine->node, "E0304", "port %u overlaps service \"%s\" (%s)", shared,
                              other->who, where);
        else
                hv_diag_error(c->diags, mine->node, "E0304", "port range %u-%u overlaps service \"%s\" (%s)",
                              mine->range.first, mine->range.last, other->who, where);
}

static void add_own(const struct hv_check *c, claim_vec *claims, const struct hv_node *owner,
                    const char *text, const char *path) {
        struct claim claim = { .node = hv_node_get(owner, "listen"),
                               .path = path,
                               .protocol = HV_PROTOCOL_TCP };
        struct hv_endpoint e;

        if (text && *text == ':') /* the tunnel's address, which may not be known yet: any */
                text = hv_arena_printf(c->arena, "0.0.0.0%s", text);
        if (!text || hv_value_endpoint(text, "E0501", c->arena, &e, NULL) < 0)
                return;
        claim.range = (struct hv_port_range){ e.port, e.port };
        claim.has_address = e.is_address;
        claim.address = e.address;
        claim.bind = hv_streq(e.host, "localhost") || (e.is_address && hv_address_is_loopback(&e.address))
                             ? HV_BIND_LOOPBACK
                     : e.is_address && !hv_address_is_any(&e.address) ? HV_BIND_ADDRESS
                                                                      : HV_BIND_PUBLIC;
        hv_vec_push(claims, claim);
}

static void add_tunnels(const struct hv_check *c, claim_vec *claims) {
        for (size_t i = 0; i < c->state->wireguard.n; i++) {
                const struct hv_spec_wireguard *w = &c->state->wireguard.v[i];
                struct claim claim = { .node = hv_node_get(w->o.node, "listenPort"),
                                       .protocol = HV_PROTOCOL_UDP,
                                       .bind = HV_BIND_PUBLIC };

                if (w->listen_port < 1 || w->listen_port > UINT16_MAX)
                        continue;
                claim.range = (struct hv_port_range){ (uint16_t) w->listen_port, (uint16_t) w->listen_port };
                claim.path = hv_diag_text(c->diags, "WireGuard %s", w->o.name ? w->o.name : "");
                for (size_t j = 0; j < claims->n; j++)
                        if (clash(c, &claim, &claims->v[j]))
                                report_clash(c, &claim, &claims->v[j]);
                hv_vec_push(claims, claim);
        }
}

static void check_port(const struct hv_check *c, const struct hv_spec_service *s,
                       const struct hv_spec_port *p, claim_vec *claims) {
        struct claim claim = { .who = s->o.name,
                               .node = hv_node_get(p->node, "host"),
                               .protocol = p->protocol };

        if (!p->bind || hv_value_bind(p->bind, &claim.bind, &claim.address, NULL) < 0)
                return;
        check_policy(c, hv_check_field(p->node, "bind"), p->bind, claim.bind, &claim.address);
        if (!p->host || !s->o.name || hv_value_port_range(p->host, &claim.range, NULL) < 0)
                return;
        claim.has_address =
                claim.bind == HV_BIND_ADDRESS || (claim.bind == HV_BIND_LOOPBACK && *p->bind != 'l');
        if (claim.bind == HV_BIND_LOOPBACK && !claim.has_address)
                claim.has_address = hv_address_parse("127.0.0.1", &claim.address);
        check_replicas(c, s, claim.node, &claim.range);
        for (size_t i = 0; i < claims->n; i++)
                if (clash(c, &claim, &claims->v[i])) {
                        report_clash(c, &claim, &claims->v[i]);
                        break;
                }
        hv_vec_push(claims, claim);
}

void hv_check_ports(const struct hv_check *c) {
        claim_vec claims = {};

        add_own(c, &claims, c->state->http.node, c->state->http.listen, "spec.http.listen");
        if (c->state->master.address)
                add_own(c, &claims, c->state->master.node, c->state->master.listen, "spec.master.listen");
        add_tunnels(c, &claims);
        for (size_t i = 0; i < c->state->services.n; i++)
                for (size_t j = 0; j < c->state->services.v[i].ports.n; j++)
                        check_port(c, &c->state->services.v[i], &c->state->services.v[i].ports.v[j], &claims);
        hv_vec_done(&claims);
}
