/* spec/check_endpoint.c - who is spoken to in the clear (E0502, E0504), with half a certificate (E0503), under an address that
 * leads to the pool itself (E0507), a pool that has no users to ask about (E0508), and sources that would read themselves (E0506). */
#include <fnmatch.h>

#include "spec/check_internal.h"
#include "spec/http.h"
#include "spec/value_net.h"
#include "spec/value_path.h"
#include "spec/value_url.h"

static void check_pair(const struct hv_check *c, const struct hv_node *tls, const char *cert,
                       const char *key) {
        if (!tls || !cert == !key)
                return;
        hv_diag_error(c->diags, hv_check_field(tls, cert ? "certFile" : "keyFile"), "E0503", "%s without %s",
                      cert ? "certFile" : "keyFile", cert ? "keyFile" : "certFile");
}

/* What the link does without `tls` is judged in agent/pool.c by the same words: TLS with the system's certificates, except to
 * this very machine. */
static void check_plain_text(const struct hv_check *c, const struct hv_spec_master *m) {
        if (!m->address || m->insecure)
                return;
        if (m->protocol == HV_DIALECT_HIVEMIND)
                hv_diag_error(
                        c->diags, hv_check_field(m->node, "protocol"), "E0502",
                        "the dialect hivemind knows plain text only; set insecure: true to accept it, and keep it inside "
                        "a tunnel");
        else if (m->credentials.node && !m->tls.node)
                hv_diag_error(c->diags, hv_node_key(m->node, "credentials"), "E0502",
                              "set tls, or insecure: true to accept plain text");
}

static void check_advertised(const struct hv_check *c, const struct hv_spec_master *m) {
        struct hv_address a;

        if (m->advertise && hv_value_address(m->advertise, &a, NULL) == 0 &&
            (hv_address_is_any(&a) ||
             (m->protocol == HV_DIALECT_HIVEMIND && hv_address_is_loopback(&a) && a.bytes[3] == 1)))
                hv_diag_error(c->diags, hv_check_field(m->node, "advertise"), "E0507",
                              "the pool cannot reach this node at %s", m->advertise);
}

static void check_master(const struct hv_check *c) {
        const struct hv_spec_master *m = &c->state->master;
        const struct hv_node *at = hv_node_get(m->reconnect.node, "max");

        check_pair(c, m->tls.node, m->tls.cert_file, m->tls.key_file);
        check_plain_text(c, m);
        check_advertised(c, m);
        if (m->reconnect.max_us < m->reconnect.initial_us)
                hv_diag_error(c->diags, at ? at : hv_check_field(m->reconnect.node, "initial"), "E0425",
                              "max %s is below initial %s", hv_check_duration(c, m->reconnect.max_us, at),
                              hv_check_duration(c, m->reconnect.initial_us,
                                                hv_node_get(m->reconnect.node, "initial")));
}

/* Where nobody can be asked, nobody would get in, and nobody would know why. */
static void check_pool_role(const struct hv_check *c) {
        const struct hv_spec_master *m = &c->state->master;
        const struct hv_spec_http *h = &c->state->http;

        if (h->auth.pool_role == HV_HTTP_NOBODY || (m->protocol == HV_DIALECT_HIVEMIND && m->address))
                return;
        hv_diag_error(
                c->diags, hv_check_field(h->auth.node, "poolRole"), "E0508",
                m->address
                        ? "the pool speaks v1, which has no users; only one of the dialect hivemind has"
                        : "there is no pool to be asked: set master.address and master.protocol: hivemind");
}

static void check_http(const struct hv_check *c) {
        const struct hv_spec_http *h = &c->state->http;
        const struct hv_node *at = hv_check_field(h->node, "listen");
        struct hv_endpoint e;
        const struct hv_node *required = hv_check_field(h->auth.node, "required");
        bool has_auth = hv_spec_needs_login(h), has_tls = h->tls.cert_file && h->tls.key_file;

        check_pool_role(c);
        if (!h->listen || hv_value_endpoint(h->listen, "E0501", c->arena, &e, NULL) < 0)
                return;
        if (e.is_address ? hv_address_is_loopback(&e.address) : hv_streq(e.host, "localhost"))
                return;
        if (!has_auth && hv_node_get(h->auth.node, "required"))
                hv_diag_error(c->diags, required, "E0504",
                              "%s is not on the loopback, where nothing is shown without a login", h->listen);
        else if (!has_auth || !has_tls)
                hv_diag_error(c->diags, at, "E0504",
                              "%s without %s; set http.auth and http.tls, or bind to loopback", h->listen,
                              has_auth  ? "tls"
                              : has_tls ? "auth"
                                        : "auth and tls");
}

/* The primary file's absolute path, or NULL: what it is called may be no path at all. */
static const char *primary_path(const struct hv_check *c) {
        const char *name, *path;

        if (!c->tree->primary || !c->tree->primary->root)
                return NULL;
        name = hv_diags_file(c->diags, c->tree->primary->file);
        return name && hv_value_absolute_path(name, c->arena, &path, NULL) == 0 ? path : NULL;
}

static bool reads_itself(const struct hv_check *c, const struct hv_spec_source *s, const char *file) {
        struct hv_url url;
        const char *path;

        if (s->url && hv_value_url(s->url, HV_URL_FILE, c->arena, &url, NULL) == 0)
                return hv_value_absolute_path(url.path, c->arena, &path, NULL) == 0 && hv_streq(path, file);
        if (!s->dir || !s->pattern || hv_value_absolute_path(s->dir, c->arena, &path, NULL) < 0)
                return false;
        return hv_path_is_below(file, path) && file[strlen(path)] == '/' &&
               !strchr(file + strlen(path) + 1, '/') &&
               fnmatch(s->pattern, file + strlen(path) + 1, FNM_PERIOD) == 0;
}

static void check_sources(const struct hv_check *c) {
        const char *file = primary_path(c);

        for (size_t i = 0; i < c->state->sources.n; i++) {
                const struct hv_spec_source *s = &c->state->sources.v[i];

                if (file && reads_itself(c, s, file))
                        hv_diag_error(c->diags, hv_check_field(s->node, s->url ? "url" : "dir"), "E0506",
                                      "this source would read %s, in which it stands", file);
                check_pair(c, s->etcd.tls.node, s->etcd.tls.cert_file, s->etcd.tls.key_file);
        }
}

void hv_check_endpoints(const struct hv_check *c) {
        check_master(c);
        check_http(c);
        check_sources(c);
}
