/* What the node's containers open to the outside: every published port of the revision in force, by address; and who shares
 * the network of the node, where no list says what is open. */
#include "http/api_internal.h"

#include "spec/value_net.h"

#define HOST_NETWORK "host"

/* NULL: nobody knows yet. */
static const char *reach_of(const char *address) {
        struct hv_address a;

        if (!address)
                return NULL;
        return hv_address_parse(address, &a) && hv_address_is_loopback(&a) ? "loopback" : "reachable";
}

static void put_port(struct hv_json_writer *w, const struct hv_unit *u, const struct hv_port *p) {
        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "kind", hv_kind_name(u->kind));
        hv_json_put_str(w, "name", u->object);
        hv_json_put_uint(w, "replica", u->replica);
        hv_json_put_str(w, "container", u->container);
        hv_json_put_str(w, "port", p->name);
        hv_json_put_str(w, "bind", p->bind);
        hv_json_put_str(w, "address", p->address);
        if (p->host)
                hv_json_put_uint(w, "hostPort", p->host);
        else
                hv_json_put_null(w, "hostPort");
        hv_json_put_uint(w, "containerPort", p->container);
        hv_json_put_str(w, "protocol", p->protocol);
        hv_json_put_str(w, "mode", "published");
        hv_json_put_str(w, "reach", reach_of(p->address));
        hv_json_end(w);
}

static void put_host_network(struct hv_json_writer *w, const struct hv_unit *u) {
        static const char *const unknown[] = { "port",     "bind",          "address",
                                               "hostPort", "containerPort", "protocol" };

        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "kind", hv_kind_name(u->kind));
        hv_json_put_str(w, "name", u->object);
        hv_json_put_uint(w, "replica", u->replica);
        hv_json_put_str(w, "container", u->container);
        for (size_t i = 0; i < HV_ARRAY_SIZE(unknown); i++)
                hv_json_put_null(w, unknown[i]);
        hv_json_put_str(w, "mode", "hostNetwork");
        hv_json_put_str(w, "reach", "reachable");
        hv_json_end(w);
}

struct exposed {
        const struct hv_unit *unit;
        const struct hv_port *port; /* NULL: the network of the node */
};

/* All of them, and how a page finds each again. */
static const struct exposed *find_ports(struct hv_arena *a, const struct hv_desired *d,
                                        struct hv_http_list *list) {
        struct exposed *ports;
        const char **keys;
        size_t n = 0;

        for (size_t i = 0; d && i < d->n_units; i++)
                n += d->units[i].n_ports + 1;
        ports = HV_ARENA_NEW_N(a, struct exposed, n);
        keys = HV_ARENA_NEW_N(a, const char *, n);
        for (size_t i = 0; d && i < d->n_units; i++) {
                const struct hv_unit *u = &d->units[i];

                for (size_t k = 0; k < u->n_ports; k++) {
                        ports[list->n] = (struct exposed){ u, &u->ports[k] };
                        keys[list->n++] = hv_arena_printf(a, "%s %zu", u->key, k);
                }
                if (hv_streq(u->network_mode, HOST_NETWORK)) {
                        ports[list->n] = (struct exposed){ u, NULL };
                        keys[list->n++] = hv_arena_printf(a, "%s host", u->key);
                }
        }
        list->keys = keys;
        return ports;
}

void hv_api_get_exposure(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        struct hv_http_list list = { .name = "PortList" };
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        const struct exposed *ports;
        struct hv_http_page page;

        if (hv_api_not_modified(api, req))
                return;
        hv_api_look(api, &v);
        ports = find_ports(v.arena, v.snapshot.desired, &list);
        if (!hv_api_begin_list(req, &list, &w, &page))
                return;
        hv_json_put_str(&w, "listen", v.snapshot.listen);
        hv_json_begin_array(&w, "items");
        for (size_t i = page.first; i < page.end; i++)
                if (ports[i].port)
                        put_port(&w, ports[i].unit, ports[i].port);
                else
                        put_host_network(&w, ports[i].unit);
        hv_json_end(&w);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}
