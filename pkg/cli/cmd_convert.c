/* hivectl convert: files of others as documents: of wg-quick here, the rest by cli/convert.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/duration.h"
#include "base/fd.h"
#include "base/vec.h"
#include "cli/cli_internal.h"
#include "cli/convert_judge.h"
#include "cli/files.h"
#include "cli/output.h"
#include "spec/yaml.h"
#include "wireguard/quick.h"
#include "json/write.h"
#include "json/yaml.h"

/* "/etc/wireguard/wg0.conf" is of wg0. NULL: no name of an interface; caller frees. */
static char *interface_of(const char *file) {
        const char *base = strrchr(file, '/');
        size_t len;

        base = base ? base + 1 : file;
        len = strlen(base);
        if (len > strlen(".conf") && hv_streq(base + len - strlen(".conf"), ".conf"))
                len -= strlen(".conf");
        return len > 0 && len < 16 ? hv_strndup(base, len) : NULL;
}

/* ---- keys: into files of their own, or named as secrets ---- */

struct keys {
        char *folder; /* NULL: they become names of secrets */
        HV_VEC(char *) written;
};

/* `undo`: what was written goes, for the document that names it does not come. */
static void keys_done(struct keys *k, bool undo) {
        for (size_t i = 0; i < k->written.n; i++) {
                if (undo)
                        (void) unlink(k->written.v[i]);
                free(k->written.v[i]);
        }
        hv_vec_done(&k->written);
        free(k->folder);
}

static int write_key(struct keys *k, const char *name, const struct hv_secret *key, struct hv_err *err) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s", k->folder, name);
        _hv_cleanup_(hv_fd_closep) int fd =
                open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

        if (fd < 0)
                return hv_err_errno(err, -errno, "cannot write %s", path);
        hv_vec_push(&k->written, hv_strdup(path));
        if (write(fd, hv_secret_bytes(key), hv_secret_len(key)) != (ssize_t) hv_secret_len(key) ||
            write(fd, "\n", 1) != 1 || fsync(fd) < 0)
                return hv_err_errno(err, errno ? -errno : -EIO, "cannot write %s", path);
        return 0;
}

static int put_key(struct hv_json_writer *w, const char *field, struct keys *k, const char *name,
                   const struct hv_secret *key, struct hv_err *err) {
        int r = k->folder ? write_key(k, name, key, err) : 0;

        if (r < 0)
                return r;
        hv_json_begin_object(w, field);
        hv_json_put_str(w, k->folder ? "file" : "secret", k->folder ? k->written.v[k->written.n - 1] : name);
        hv_json_end(w);
        return 0;
}

/* ---- the document ---- */

static void put_texts(struct hv_json_writer *w, const char *field, const struct hv_strv *v) {
        if (!v->n)
                return;
        hv_json_begin_array(w, field);
        for (size_t i = 0; i < v->n; i++)
                hv_json_put_str(w, NULL, v->v[i]);
        hv_json_end(w);
}

static int put_peer(struct hv_json_writer *w, const struct hv_wg_quick *q, size_t i, const char *interface,
                    struct keys *keys, struct hv_err *err) {
        const struct hv_spec_peer *p = &q->spec.peers.v[i];
        char keepalive[HV_DURATION_SIZE];
        int r = 0;

        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "name", p->name);
        hv_json_put_str(w, "publicKey", p->public_key);
        if (q->preshared.v[i]) {
                _hv_cleanup_free_ char *name = hv_asprintf("%s-%s-psk", interface, p->name);

                r = put_key(w, "presharedKey", keys, name, q->preshared.v[i], err);
        }
        if (p->endpoint)
                hv_json_put_str(w, "endpoint", p->endpoint);
        put_texts(w, "allowedIPs", &p->allowed_ips);
        if (p->persistent_keepalive_us) {
                hv_duration_format(p->persistent_keepalive_us, keepalive);
                hv_json_put_str(w, "persistentKeepalive", keepalive);
        }
        hv_json_end(w);
        return r;
}

static int put_spec(struct hv_json_writer *w, const struct hv_wg_quick *q, const char *interface,
                    struct keys *keys, struct hv_err *err) {
        _hv_cleanup_free_ char *name = hv_asprintf("%s-key", interface);
        const struct hv_spec_wireguard *s = &q->spec;
        int r = put_key(w, "privateKey", keys, name, q->private_key, err);

        put_texts(w, "addresses", &s->addresses);
        if (s->listen_port)
                hv_json_put_int(w, "listenPort", s->listen_port);
        if (s->mtu)
                hv_json_put_int(w, "mtu", s->mtu);
        if (s->firewall_mark)
                hv_json_put_int(w, "firewallMark", s->firewall_mark);
        if (s->routes.n == 1 && hv_streq(s->routes.v[0], "none"))
                hv_json_put_str(w, "routes", "none");
        if (s->peers.n)
                hv_json_begin_array(w, "peers");
        for (size_t i = 0; r >= 0 && i < s->peers.n; i++)
                r = put_peer(w, q, i, interface, keys, err);
        if (s->peers.n)
                hv_json_end(w);
        return r;
}

static int print_document(struct hv_cli *cli, const struct hv_wg_quick *q, const char *interface,
                          struct keys *keys, struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        struct hv_json_writer w = { .buf = &text };
        int r;

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "apiVersion", "hivelet/v1");
        hv_json_put_str(&w, "kind", "WireGuard");
        hv_json_begin_object(&w, "metadata");
        hv_json_put_str(&w, "name", interface);
        hv_json_end(&w);
        hv_json_begin_object(&w, "spec");
        r = put_spec(&w, q, interface, keys, err);
        if (r < 0)
                return r;
        hv_json_end(&w);
        hv_json_end(&w);
        r = hv_json_parse(hv_buf_str(&text), text.len, text.len + 1, &j, err);
        if (r >= 0)
                hv_output_document(cli, j, hv_cli_output(cli, HV_OUTPUT_YAML));
        return r;
}

static int convert(struct hv_cli *cli, const struct hv_cli_file *f, const char *interface) {
        struct hv_wg_quick q = {};
        struct keys keys = {};
        struct hv_err err = {};
        int r = hv_wg_quick_read(f->text, f->len, interface, &q, &err);

        if (r < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s: %s", f->name, err.msg);
        for (size_t i = 0; i < q.notes.n; i++)
                hv_cli_note(cli, "%s:%u: %s", f->name, q.notes.v[i].line, q.notes.v[i].text);
        if (cli->options.into && !(keys.folder = realpath(cli->options.into, NULL)))
                r = hv_err_errno(&err, -errno, "cannot write into %s", cli->options.into);
        else
                r = print_document(cli, &q, interface, &keys, &err);
        keys_done(&keys, r < 0);
        if (r >= 0 && !cli->options.into)
                hv_cli_note(
                        cli,
                        "no key was written: declare secrets of the names above, or let --into FOLDER write them");
        hv_wg_quick_done(&q);
        return r < 0 ? hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg) : HV_EXIT_OK;
}

/* ---- what others run ---- */

static bool ends_in(const char *file, const char *suffix) {
        size_t len = strlen(file), n = strlen(suffix);

        return len > n && hv_streq(file + len - n, suffix);
}

/* ---- what lies beside a compose file ---- */

static int read_beside(void *userdata, const char *path, struct hv_arena *a, const char **ret,
                       size_t *ret_len, struct hv_err *err) {
        struct hv_cli_files files = {};
        int r = hv_cli_files_read(&path, 1, &files, err);

        (void) userdata;
        if (r >= 0 && files.n != 1)
                r = hv_err_set(err, -EISDIR, "%s is a folder, expected a file", path);
        if (r >= 0) {
                *ret = hv_arena_strndup(a, files.v[0].text, files.v[0].len);
                *ret_len = files.v[0].len;
        }
        hv_cli_files_done(&files);
        return r;
}

static const char *environment(void *userdata, const char *name) {
        (void) userdata;
        return getenv(name);
}

/* `docker compose` reads it by itself. */
static void tell_override(struct hv_convert *c, const struct hv_cli_file *f, const char *folder) {
        static const char *const names[] = { "compose.override.yaml", "compose.override.yml",
                                             "docker-compose.override.yaml", "docker-compose.override.yml" };

        for (size_t i = 0; i < HV_ARRAY_SIZE(names); i++) {
                const char *path = hv_arena_printf(c->arena, "%s/%s", folder, names[i]);

                if (!hv_streq(path, f->path) && access(path, F_OK) == 0)
                        hv_convert_note(c, 0, "%s is not read: merge both with `docker compose config` first",
                                        path);
        }
}

static int read_compose(struct hv_cli *cli, struct hv_convert *c, const struct hv_cli_file *f,
                        struct hv_node *documents, struct hv_err *err) {
        const char *slash = f->path ? strrchr(f->path, '/') : NULL;
        struct hv_convert_world world = {
                .file = f->name,
                .folder = slash ? hv_arena_strndup(c->arena, f->path, (size_t) (slash - f->path)) : "",
                .read = read_beside,
                .env = environment,
                .variable_files = cli->options.env_files,
                .n_variable_files = cli->options.n_env_files,
                .profiles = cli->options.profiles,
                .n_profiles = cli->options.n_profiles,
        };

        tell_override(c, f, world.folder);
        return hv_convert_compose(c, &world, documents, err);
}

static int read_yaml(struct hv_cli *cli, struct hv_convert *c, const struct hv_cli_file *f,
                     struct hv_err *err) {
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        unsigned file = hv_diags_add_file(diags, f->name, NULL, 0);
        struct hv_node *documents = hv_node_new(c->arena, HV_NODE_SEQUENCE, (struct hv_pos){ .file = file });
        const struct hv_diag *found;
        size_t n;

        hv_yaml_read(c->arena, diags, file, f->text, f->len, documents);
        found = hv_diags_all(diags, &n);
        for (size_t i = 0; i < n; i++)
                if (found[i].severity == HV_SEVERITY_ERROR)
                        return hv_err_set(err, -EINVAL, "line %u: %s", found[i].line, found[i].message);
        c->is_whole = hv_convert_is_compose(documents);
        return c->is_whole ? read_compose(cli, c, f, documents, err) : hv_convert_kube(c, documents, err);
}

/* The unit "web" of "/etc/containers/systemd/web.container". */
static int read_quadlet(struct hv_convert *c, const struct hv_cli_file *f, struct hv_err *err) {
        const char *base = strrchr(f->name, '/');
        _hv_cleanup_free_ char *unit = NULL;

        base = base ? base + 1 : f->name;
        unit = hv_strndup(base, strlen(base) - strlen(".container"));
        return hv_convert_quadlet(c, unit, f->text, f->len, err);
}

static void print(struct hv_cli *cli, const struct hv_json *all, enum hv_output_format format) {
        for (size_t i = 0; i < hv_json_size(all); i++) {
                if (i > 0 && format == HV_OUTPUT_YAML)
                        (void) puts("---");
                hv_output_document(cli, hv_json_at(all, i),
                                   format == HV_OUTPUT_JSON ? HV_OUTPUT_JSONL : format);
        }
}

/* What hivelet would say of it is told now, so that nobody finds out later. A file that is whole by itself is not carried over in
 * part; what else it may need is in other files. */
static int finish(struct hv_cli *cli, struct hv_convert *c, struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf yaml = {}, policy = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *all = NULL;
        int r;

        hv_json_end(&c->w);
        r = hv_json_parse(hv_buf_str(&c->text), c->text.len, c->text.len + 1, &all, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < hv_json_size(all); i++) {
                if (i > 0)
                        hv_buf_puts(&yaml, "---\n");
                hv_json_write_yaml(hv_json_at(all, i), &yaml);
        }
        hv_convert_policy(all, &policy);
        if (policy.len > 0)
                hv_convert_note(c, 0, "the node has to allow it: node.policy: %s", hv_buf_str(&policy));
        if (hv_convert_judge(c, &policy, &yaml) > 0 && c->is_whole)
                return hv_err_set(err, -EINVAL, "hivelet would refuse the result: nothing is printed");
        print(cli, all, hv_cli_output(cli, HV_OUTPUT_YAML));
        return 0;
}

static int convert_foreign(struct hv_cli *cli, const struct hv_cli_file *f) {
        struct hv_convert c = {};
        struct hv_err err = {};
        int r;

        hv_convert_begin(&c);
        r = ends_in(f->name, ".container") ? read_quadlet(&c, f, &err) : read_yaml(cli, &c, f, &err);
        if (r >= 0)
                r = finish(cli, &c, &err);
        hv_convert_sort_notes(&c);
        for (size_t i = 0; i < c.notes.n; i++) {
                const struct hv_convert_note *n = &c.notes.v[i];

                if (n->line > 0)
                        hv_cli_note(cli, "%s:%u: %s", f->name, n->line, n->text);
                else
                        hv_cli_note(cli, "%s: %s", f->name, n->text);
        }
        hv_convert_done(&c);
        return r < 0 ? hv_cli_fail(cli, HV_EXIT_ERROR, "%s: %s", f->name, err.msg) : HV_EXIT_OK;
}

int hv_cmd_convert(struct hv_cli *cli) {
        const char *file = cli->options.n_args > 0 ? cli->options.args[0] : NULL;
        _hv_cleanup_free_ char *interface = NULL;
        struct hv_cli_files files = {};
        struct hv_err err = {};
        bool is_foreign;
        int r;

        if (!file)
                return hv_cli_usage(cli, "which file? hivectl convert /etc/wireguard/wg0.conf");
        is_foreign = ends_in(file, ".container") || ends_in(file, ".yaml") || ends_in(file, ".yml");
        if (is_foreign && cli->options.into)
                return hv_cli_usage(cli, "--into is for the keys of a file of wg-quick");
        interface = is_foreign ? NULL : interface_of(file);
        if (!interface && !is_foreign)
                return hv_cli_usage(
                        cli,
                        "%s names no interface: it should be called NAME.conf, NAME of at most 15 characters",
                        file);
        if (hv_cli_files_read(&file, 1, &files, &err) < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
        if (is_foreign && files.n > 0 && !files.v[0].len)
                r = hv_cli_fail(cli, HV_EXIT_ERROR, "%s is empty", file);
        else
                r = is_foreign ? convert_foreign(cli, &files.v[0]) : convert(cli, &files.v[0], interface);
        explicit_bzero(files.v[0].text, files.v[0].len); /* it held the keys */
        hv_cli_files_done(&files);
        return r;
}
