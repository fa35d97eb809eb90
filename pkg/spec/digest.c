/* spec/digest.c - of lowered objects; see digest.h. That of the whole state is revision.c. */
#include "spec/digest.h"

static void put_number(struct hv_sha256 *h, uint64_t n) {
        unsigned char bytes[8];

        for (unsigned i = 0; i < 8; i++)
                bytes[i] = (unsigned char) (n >> (8 * i));
        hv_sha256_add(h, bytes, sizeof bytes);
}

/* NULL and "" are different things: "the image's own" and "nothing". */
static void put_text(struct hv_sha256 *h, const char *s) {
        put_number(h, s ? strlen(s) + 1 : 0);
        if (s)
                hv_sha256_add(h, s, strlen(s));
}

static void put_texts(struct hv_sha256 *h, const struct hv_strv *l) {
        put_number(h, l->n);
        for (size_t i = 0; i < l->n; i++)
                put_text(h, l->v[i]);
}

static void put_pairs(struct hv_sha256 *h, const struct hv_pairs *p) {
        put_number(h, p->n);
        for (size_t i = 0; i < p->n; i++) {
                put_text(h, p->v[i].name);
                put_text(h, p->v[i].value);
        }
}

static void field_text(struct hv_sha256 *h, const char *name, const char *s) {
        if (!s)
                return;
        put_text(h, name);
        put_text(h, s);
}

static void field_number(struct hv_sha256 *h, const char *name, uint64_t n) {
        if (!n)
                return;
        put_text(h, name);
        put_number(h, n);
}

static void field_texts(struct hv_sha256 *h, const char *name, bool there, const struct hv_strv *l) {
        if (!there)
                return;
        put_text(h, name);
        put_texts(h, l);
}

static void field_pairs(struct hv_sha256 *h, const char *name, const struct hv_pairs *p) {
        if (!p->n)
                return;
        put_text(h, name);
        put_pairs(h, p);
}

static void put_security(struct hv_sha256 *h, const struct hv_security *s) {
        field_number(h, "readOnlyRoot", s->read_only_root);
        field_number(h, "noNewPrivileges", s->no_new_privileges);
        field_number(h, "privileged", s->privileged);
        field_number(h, "init", s->init);
        field_text(h, "user", s->user);
        field_number(h, "dropAll", s->drop_all);
        field_texts(h, "drop", s->drop_capabilities.n > 0, &s->drop_capabilities);
        field_texts(h, "add", s->add_capabilities.n > 0, &s->add_capabilities);
}

void hv_unit_digest(const struct hv_unit *u, char ret_hex[HV_SHA256_HEX_SIZE]) {
        struct hv_sha256 h;

        hv_sha256_init(&h);
        put_text(&h, "unit 1");
        field_text(&h, "image", u->image);
        field_texts(&h, "command", u->has_command, &u->command);
        field_texts(&h, "args", u->has_args, &u->args);
        field_text(&h, "workdir", u->workdir);
        field_text(&h, "hostname", u->hostname);
        field_pairs(&h, "env", &u->env);
        field_pairs(&h, "labels", &u->labels);
        field_text(&h, "network", u->network_mode);
        for (size_t i = 0; i < u->n_networks; i++) {
                field_text(&h, "networks", u->networks[i].name);
                put_texts(&h, &u->networks[i].aliases);
        }
        for (size_t i = 0; i < u->n_mounts; i++) {
                field_text(&h, "mounts", u->mounts[i].target);
                put_number(&h, u->mounts[i].type);
                put_text(&h, u->mounts[i].source);
                put_number(&h, u->mounts[i].read_only);
                put_number(&h, u->mounts[i].size_bytes);
        }
        for (size_t i = 0; i < u->n_ports; i++) {
                field_text(&h, "ports", u->ports[i].protocol);
                put_number(&h, u->ports[i].container);
                put_number(&h, u->ports[i].host);
                put_text(&h, u->ports[i].address);
        }
        put_security(&h, &u->security);
        field_text(&h, "stopSignal", u->stop_signal);
        field_text(&h, "logDriver", u->log_driver);
        field_pairs(&h, "logOptions", &u->log_options);
        field_text(&h, "slice", u->cgroup_parent);
        field_number(&h, "gpus", u->n_gpus);
        field_number(&h, "gpuMemory", u->n_gpus ? u->gpu_memory_bytes : 0);
        hv_sha256_finish_hex(&h, ret_hex);
}

void hv_network_digest(const struct hv_network *n, char ret_hex[HV_SHA256_HEX_SIZE]) {
        struct hv_sha256 h;

        hv_sha256_init(&h);
        put_text(&h, "network 1");
        field_text(&h, "driver", n->driver);
        field_number(&h, "internal", n->internal);
        field_text(&h, "subnet", n->subnet);
        field_text(&h, "gateway", n->gateway);
        field_pairs(&h, "options", &n->options);
        field_pairs(&h, "labels", &n->labels);
        hv_sha256_finish_hex(&h, ret_hex);
}

void hv_volume_digest(const struct hv_volume *v, char ret_hex[HV_SHA256_HEX_SIZE]) {
        struct hv_sha256 h;

        hv_sha256_init(&h);
        put_text(&h, "volume 1");
        field_text(&h, "driver", v->driver);
        field_pairs(&h, "options", &v->options);
        field_pairs(&h, "labels", &v->labels);
        hv_sha256_finish_hex(&h, ret_hex);
}

static void put_key(struct hv_sha256 *h, const char *name, const struct hv_spec_key *k) {
        put_text(h, name);
        put_text(h, k->secret);
        put_text(h, k->file);
}

void hv_tunnel_digest(const struct hv_spec_wireguard *w, char ret_hex[HV_SHA256_HEX_SIZE]) {
        struct hv_sha256 h;

        hv_sha256_init(&h);
        put_text(&h, "tunnel 1");
        put_key(&h, "privateKey", &w->private_key);
        field_texts(&h, "addresses", w->addresses.n > 0, &w->addresses);
        field_number(&h, "listenPort", (uint64_t) w->listen_port);
        field_number(&h, "mtu", (uint64_t) w->mtu);
        field_number(&h, "firewallMark", (uint64_t) w->firewall_mark);
        field_texts(&h, "routes", w->routes.n > 0, &w->routes);
        for (size_t i = 0; i < w->peers.n; i++) {
                const struct hv_spec_peer *p = &w->peers.v[i];

                field_text(&h, "peer", p->name);
                put_text(&h, p->public_key);
                put_key(&h, "presharedKey", &p->preshared_key);
                put_text(&h, p->endpoint);
                put_number(&h, p->resolve.interval_us);
                put_number(&h, p->resolve.on_stale_handshake_us);
                put_texts(&h, &p->allowed_ips);
                put_number(&h, p->persistent_keepalive_us);
        }
        field_texts(&h, "healthyPeers", w->healthy.peers.n > 0, &w->healthy.peers);
        field_number(&h, "maxHandshakeAge", w->healthy.max_handshake_age_us);
        field_text(&h, "joinUrl", w->join.url);
        field_text(&h, "joinName", w->join.client_name);
        hv_sha256_finish_hex(&h, ret_hex);
}
