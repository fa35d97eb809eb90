/* docker/network.c - see network.h. */
#include "docker/network.h"

#include <errno.h>

#include "docker/body.h"
#include "docker/check.h"
#include "docker/container_parse.h"
#include "docker/parse.h"
#include "docker/private.h"
#include "json/write.h"

static void parse_one(struct hv_arena *arena, const struct hv_json *j, struct hv_docker_network *n) {
        const struct hv_json *pools = hv_json_get(hv_json_get(j, "IPAM"), "Config");

        n->id = hv_parse_text(arena, j, "Id");
        n->name = hv_parse_text(arena, j, "Name");
        n->driver = hv_parse_text(arena, j, "Driver");
        n->scope = hv_parse_text(arena, j, "Scope");
        n->internal = hv_json_bool(j, "Internal", false);
        n->created_us = hv_parse_time_of(j, "Created");
        n->labels = hv_parse_pairs(arena, hv_json_get(j, "Labels"));
        n->options = hv_parse_pairs(arena, hv_json_get(j, "Options"));
        n->containers = hv_parse_keys(arena, hv_json_get(j, "Containers"));
        n->subnet = n->gateway = "";
        for (size_t i = 0; i < hv_json_size(pools); i++) {
                const char *subnet = hv_json_str(hv_json_at(pools, i), "Subnet");

                if (!subnet || strchr(subnet, ':'))
                        continue;
                n->subnet = hv_arena_strdup(arena, subnet);
                n->gateway = hv_parse_text(arena, hv_json_at(pools, i), "Gateway");
                return;
        }
}

static int by_name(const void *a, const void *b) {
        const struct hv_docker_network *x = a, *y = b;
        int r = strcmp(x->name, y->name);

        return r ? r : strcmp(x->id, y->id);
}

static int parse_list(const struct hv_json *j, struct hv_docker_result *result) {
        struct hv_docker_networks *list;
        struct hv_docker_network *v;
        size_t n = hv_json_size(j);

        if (hv_json_type(j) != HV_JSON_ARRAY)
                return -EBADMSG;
        v = HV_ARENA_NEW_N(result->arena, struct hv_docker_network, n);
        for (size_t i = 0; i < n; i++) {
                parse_one(result->arena, hv_json_at(j, i), &v[i]);
                if (!*v[i].name)
                        return -EBADMSG;
        }
        qsort(v, n, sizeof *v, by_name);
        list = HV_ARENA_NEW(result->arena, struct hv_docker_networks);
        *list = (struct hv_docker_networks){ v, n };
        result->networks = list;
        return 0;
}

static int parse_inspected(const struct hv_json *j, struct hv_docker_result *result) {
        struct hv_docker_network *n;

        if (hv_str_empty(hv_json_str(j, "Name")))
                return -EBADMSG;
        n = HV_ARENA_NEW(result->arena, struct hv_docker_network);
        parse_one(result->arena, j, n);
        result->network = n;
        return 0;
}

struct hv_docker_call *hv_docker_network_list(struct hv_docker *d, bool managed_only,
                                              struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_NETWORK_LIST, then, "/networks");

        if (managed_only)
                hv_call_add_managed_filter(c);
        c->parse = parse_list;
        return hv_call_send(c);
}

static struct hv_docker_call *on_network(struct hv_docker *d, enum hv_docker_op op, const char *id,
                                         const char *action, struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, op, then, "/networks/");

        hv_call_add_name(c, "network", id);
        hv_call_add_path(c, action);
        return c;
}

struct hv_docker_call *hv_docker_network_inspect(struct hv_docker *d, const char *id,
                                                 struct hv_docker_then then) {
        struct hv_docker_call *c = on_network(d, HV_DOCKER_OP_NETWORK_INSPECT, id, "", then);

        c->parse = parse_inspected;
        return hv_call_send(c);
}

static int check(const struct hv_docker_network_create *n, struct hv_err *err) {
        int r = hv_check_name("network", n->name, err);

        if (r == 0 && n->driver)
                r = hv_check_name("network driver", n->driver, err);
        if (r == 0 && n->subnet)
                r = hv_check_text("subnet", n->subnet, err);
        if (r == 0 && n->gateway)
                r = hv_check_text("gateway", n->gateway, err);
        if (r == 0)
                r = hv_check_pairs("label", &n->labels, err);
        return r < 0 ? r : hv_check_pairs("network option", &n->options, err);
}

static void put_body(struct hv_json_writer *w, const struct hv_docker_network_create *n) {
        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "Name", n->name);
        /* Before 25 names need not be unique unless this is said; newer engines always check. */
        hv_json_put_bool(w, "CheckDuplicate", true);
        hv_json_put_str(w, "Driver", n->driver ? n->driver : "bridge");
        hv_json_put_bool(w, "Internal", n->internal);
        if (n->subnet) {
                hv_json_begin_object(w, "IPAM");
                hv_json_begin_array(w, "Config");
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "Subnet", n->subnet);
                if (n->gateway)
                        hv_json_put_str(w, "Gateway", n->gateway);
                hv_json_end(w);
                hv_json_end(w);
                hv_json_end(w);
        }
        hv_put_pairs(w, "Options", &n->options);
        hv_put_pairs(w, "Labels", &n->labels);
        hv_json_end(w);
}

struct hv_docker_call *hv_docker_network_create(struct hv_docker *d,
                                                const struct hv_docker_network_create *create,
                                                struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_NETWORK_CREATE, then, "/networks/create");
        struct hv_json_writer w = { .buf = &c->body };
        struct hv_err err = {};

        if (check(create, &err) < 0)
                hv_call_refuse(c, &err);
        else
                put_body(&w, create);
        c->parse = hv_docker_parse_created;
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_network_remove(struct hv_docker *d, const char *id,
                                                struct hv_docker_then then) {
        return hv_call_send(on_network(d, HV_DOCKER_OP_NETWORK_REMOVE, id, "", then));
}

struct hv_docker_call *hv_docker_network_connect(struct hv_docker *d, const char *id, const char *container,
                                                 const struct hv_strv *aliases, struct hv_docker_then then) {
        struct hv_docker_call *c = on_network(d, HV_DOCKER_OP_NETWORK_CONNECT, id, "/connect", then);
        struct hv_json_writer w = { .buf = &c->body };
        struct hv_err err = {};
        int r = hv_check_name("container", container, &err);

        for (size_t i = 0; r == 0 && aliases && i < aliases->n; i++)
                r = hv_check_name("network alias", aliases->v[i], &err);
        if (r < 0)
                hv_call_refuse(c, &err);
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "Container", container);
        hv_json_begin_object(&w, "EndpointConfig");
        if (aliases && aliases->n) {
                hv_json_begin_array(&w, "Aliases");
                for (size_t i = 0; i < aliases->n; i++)
                        hv_json_put_str(&w, NULL, aliases->v[i]);
                hv_json_end(&w);
        }
        hv_json_end(&w);
        hv_json_end(&w);
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_network_disconnect(struct hv_docker *d, const char *id,
                                                    const char *container, bool force,
                                                    struct hv_docker_then then) {
        struct hv_docker_call *c = on_network(d, HV_DOCKER_OP_NETWORK_DISCONNECT, id, "/disconnect", then);
        struct hv_json_writer w = { .buf = &c->body };
        struct hv_err err = {};

        if (hv_check_name("container", container, &err) < 0)
                hv_call_refuse(c, &err);
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "Container", container);
        hv_json_put_bool(&w, "Force", force);
        hv_json_end(&w);
        return hv_call_send(c);
}
