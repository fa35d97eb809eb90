/* spec/check_file.c - files that documents name, judged by facts: are they there (E0362), can only their owner read them
 * (E0323), can somebody else swap what a host path leads to (E0365)? */
#include "spec/check_internal.h"

#define MODE_BITS 07777u
#define MODE_OTHERS 0077u

/* strerror() without a locale. */
static const char *error_text(int error) {
        const char *text = strerrordesc_np(-error);

        return text ? text : "unknown error";
}

static void check_secret_file(const struct hv_check *c, const struct hv_node *at, const char *path) {
        const struct hv_spec_file_fact *f = path ? c->facts->file(c->facts->userdata, path) : NULL;

        if (!f)
                return;
        if (f->error)
                hv_diag_error(c->diags, at, "E0362", "%s: %s", path, error_text(f->error));
        else if (f->mode & MODE_OTHERS)
                hv_diag_error(c->diags, at, "E0323", "%s has mode %04o, must be 0600 or stricter", path,
                              f->mode & MODE_BITS);
}

static void check_plain_file(const struct hv_check *c, const struct hv_node *at, const char *path) {
        const struct hv_spec_file_fact *f = path ? c->facts->file(c->facts->userdata, path) : NULL;

        if (f && f->error)
                hv_diag_error(c->diags, at, "E0362", "%s: %s", path, error_text(f->error));
}

static void check_tls(const struct hv_check *c, const struct hv_node *tls, const char *ca, const char *cert,
                      const char *key) {
        check_plain_file(c, hv_check_field(tls, "caFile"), ca);
        check_plain_file(c, hv_check_field(tls, "certFile"), cert);
        check_secret_file(c, hv_check_field(tls, "keyFile"), key);
}

static void check_host_paths(const struct hv_check *c) {
        const struct hv_strv *paths = &c->policy->host_paths;

        for (size_t i = 0; i < paths->n; i++) {
                const struct hv_spec_file_fact *f = c->facts->file(c->facts->userdata, paths->v[i]);

                if (f && f->writable_by)
                        hv_diag_error(
                                c->diags, hv_check_item(c->policy->node, "hostPaths", paths->v[i]), "E0365",
                                "%s can be replaced by %s; a path for mounts may be writable by root alone",
                                paths->v[i], f->writable_by);
        }
}

void hv_check_files(const struct hv_check *c) {
        const struct hv_spec_state *s = c->state;

        if (!c->facts || !c->facts->file)
                return;
        for (size_t i = 0; i < s->secrets.n; i++)
                check_secret_file(c, hv_check_field(s->secrets.v[i].o.node, "fromFile"),
                                  s->secrets.v[i].from_file);
        for (size_t i = 0; i < s->wireguard.n; i++) {
                const struct hv_spec_wireguard *w = &s->wireguard.v[i];

                check_plain_file(c, hv_check_field(w->join.node, "caFile"), w->join.ca_file);
                check_secret_file(c, hv_check_field(w->private_key.node, "file"), w->private_key.file);
                for (size_t j = 0; j < w->peers.n; j++)
                        check_secret_file(c, hv_check_field(w->peers.v[j].preshared_key.node, "file"),
                                          w->peers.v[j].preshared_key.file);
        }
        for (size_t i = 0; i < s->sources.n; i++) {
                check_plain_file(c, hv_check_field(s->sources.v[i].node, "verifyKey"),
                                 s->sources.v[i].verify_key);
                check_tls(c, s->sources.v[i].etcd.tls.node, s->sources.v[i].etcd.tls.ca_file,
                          s->sources.v[i].etcd.tls.cert_file, s->sources.v[i].etcd.tls.key_file);
        }
        check_tls(c, s->master.tls.node, s->master.tls.ca_file, s->master.tls.cert_file,
                  s->master.tls.key_file);
        check_tls(c, s->master.listen_tls.node, NULL, s->master.listen_tls.cert_file,
                  s->master.listen_tls.key_file);
        check_plain_file(c, hv_check_field(s->master.listen_tls.node, "clientCaFile"),
                         s->master.listen_tls.client_ca_file);
        check_tls(c, s->http.tls.node, NULL, s->http.tls.cert_file, s->http.tls.key_file);
        check_secret_file(c, hv_check_field(s->http.auth.node, "tokenFile"), s->http.auth.token_file);
        check_secret_file(c, hv_check_field(s->http.auth.node, "usersFile"), s->http.auth.users_file);
        check_host_paths(c);
}
