/* What the node's containers open to the outside: every published port of the revision in force, by address. */
#include "http/api_internal.h"

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
        for (size_t i = 0; d && i < d->n_units; i++)
                for (size_t k = 0; k < d->units[i].n_ports; k++)
                        put_port(&w, &d->units[i], &d->units[i].ports[k]);
        hv_json_end(&w);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}
