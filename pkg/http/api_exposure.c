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

void hv_api_get_exposure(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        const struct hv_desired *d;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        if (hv_api_not_modified(api, req))
                return;
        hv_api_look(api, &v);
        d = v.snapshot.desired;
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "apiVersion", "hivelet/v1");
        hv_json_put_str(&w, "kind", "PortList");
        hv_json_put_str(&w, "listen", v.snapshot.listen);
        hv_json_begin_array(&w, "items");
        for (size_t i = 0; d && i < d->n_units; i++) {
                for (size_t k = 0; k < d->units[i].n_ports; k++)
                        put_port(&w, &d->units[i], &d->units[i].ports[k]);
                if (hv_streq(d->units[i].network_mode, HOST_NETWORK))
                        put_host_network(&w, &d->units[i]);
        }
        hv_json_end(&w);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}
