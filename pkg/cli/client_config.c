#include "cli/client_config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/text.h"
#include "source/read.h"
#include "spec/yaml.h"

#define FILE_NAME "config.yaml"

struct hv_client_config *hv_client_config_free(struct hv_client_config *c) {
        if (!c)
                return NULL;
        free(c->path);
        free(c->host);
        free(c->socket);
        free(c->ca_file);
        free(c->token_file);
        free(c->output);
        free(c);
        return NULL;
}

char *hv_client_config_folder(void) {
        const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

        if (!hv_str_empty(config) && config[0] == '/')
                return hv_asprintf("%s/hivelet", config);
        return hv_str_empty(home) ? NULL : hv_asprintf("%s/.config/hivelet", home);
}

/* ---- fields ---- */

struct reader {
        struct hv_client_config *config;
        const char *folder;
        struct hv_err *err;
};

static int refuse(const struct reader *r, const struct hv_node *at, const char *what, const char *found) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        return hv_err_set(r->err, -EINVAL, "%s:%u: %s %s", r->config->path, at->at.line, what,
                          hv_text_quote(found, quoted));
}

static char *path_of(const struct reader *r, const char *text) {
        const char *home = getenv("HOME");

        if (hv_has_prefix(text, "~/") && !hv_str_empty(home))
                return hv_asprintf("%s/%s", home, text + 2);
        return text[0] == '/' ? hv_strdup(text) : hv_asprintf("%s/%s", r->folder, text);
}

static int read_output(const struct reader *r, const struct hv_node *value) {
        static const char *const words[] = { "table", "wide", "json", "jsonl", "yaml", "name" };

        for (size_t i = 0; i < HV_ARRAY_SIZE(words); i++) {
                if (hv_streq(value->text, words[i])) {
                        r->config->output = hv_strdup(value->text);
                        return 0;
                }
        }
        return refuse(r, value, "output: expected table, wide, json, jsonl, yaml or name, found",
                      value->text);
}

static int read_field(const struct reader *r, const struct hv_node *key, const struct hv_node *value) {
        static const char *const names[] = { "host", "socket", "caFile", "tokenFile", "output" };
        struct hv_client_config *c = r->config;
        const char *near;

        if (value->type != HV_NODE_SCALAR || hv_str_empty(value->text))
                return refuse(r, key, "expected text behind", key->text);
        if (hv_streq(key->text, "host"))
                c->host = hv_strdup(value->text);
        else if (hv_streq(key->text, "socket"))
                c->socket = path_of(r, value->text);
        else if (hv_streq(key->text, "caFile"))
                c->ca_file = path_of(r, value->text);
        else if (hv_streq(key->text, "tokenFile"))
                c->token_file = path_of(r, value->text);
        else if (hv_streq(key->text, "output"))
                return read_output(r, value);
        else {
                near = hv_text_suggest(key->text, names, HV_ARRAY_SIZE(names));
                if (near)
                        return hv_err_set(r->err, -EINVAL, "%s:%u: unknown field %s; did you mean %s?",
                                          c->path, key->at.line, key->text, near);
                return refuse(r, key, "expected host, socket, caFile, tokenFile or output, found", key->text);
        }
        return 0;
}

static int read_fields(const struct reader *r, const struct hv_node *root) {
        const struct hv_client_config *c = r->config;

        if (root->type == HV_NODE_NULL)
                return 0;
        if (root->type != HV_NODE_MAPPING)
                return hv_err_set(r->err, -EINVAL,
                                  "%s: expected fields such as host: https://NAME:PORT, found %s", c->path,
                                  hv_node_describe(root));
        for (size_t i = 0; i < root->n; i++) {
                int e = read_field(r, root->pairs[i].key, root->pairs[i].value);

                if (e < 0)
                        return e;
        }
        if (c->host && c->socket)
                return hv_err_set(r->err, -EINVAL, "%s: host or socket, not both", c->path);
        if ((c->ca_file || c->token_file) && !c->host)
                return hv_err_set(r->err, -EINVAL, "%s: %s is of a host, and none is named", c->path,
                                  c->token_file ? "tokenFile" : "caFile");
        return 0;
}

/* ---- the file ---- */

static int read_text(const struct reader *r, const struct hv_buf *text) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        unsigned file = hv_diags_add_file(diags, r->config->path, NULL, 0);
        struct hv_node *documents = hv_node_new(a, HV_NODE_SEQUENCE, (struct hv_pos){ .file = file });
        const struct hv_diag *found;
        size_t n;

        hv_yaml_read(a, diags, file, text->data ? text->data : "", text->len, documents);
        found = hv_diags_all(diags, &n);
        for (size_t i = 0; i < n; i++)
                if (found[i].severity == HV_SEVERITY_ERROR)
                        return hv_err_set(r->err, -EINVAL, "%s:%u: %s", r->config->path, found[i].line,
                                          found[i].message);
        if (documents->n > 1)
                return hv_err_set(r->err, -EINVAL, "%s: expected one document, found %zu", r->config->path,
                                  documents->n);
        return documents->n == 1 ? read_fields(r, documents->items[0]) : 0;
}

/* A link is followed: files like this one are often kept elsewhere. What it leads to is what is judged. */
int hv_client_config_read(struct hv_client_config **ret, struct hv_err *err) {
        _hv_cleanup_(hv_client_config_freep) struct hv_client_config *c = HV_NEW(struct hv_client_config);
        _hv_cleanup_free_ char *folder = hv_client_config_folder();
        _hv_cleanup_free_ char *path = folder ? hv_asprintf("%s/" FILE_NAME, folder) : NULL;
        _hv_cleanup_free_ char *real = path ? realpath(path, NULL) : NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct reader r = { .config = c, .folder = folder, .err = err };
        struct hv_fault fault;
        int e;

        /* Who became another user without another HOME has no file there. */
        if (!real && path && errno != ENOENT && errno != ENOTDIR && errno != EACCES)
                return hv_err_errno(err, -errno, "cannot read %s", path);
        if (real) {
                c->path = HV_STEAL(path);
                e = hv_read_config(AT_FDCWD, real, &text, &fault);
                if (e < 0)
                        return hv_err_set(err, e, "%s: %s", c->path, fault.message);
                e = read_text(&r, &text);
                if (e < 0)
                        return e;
        }
        *ret = HV_STEAL(c);
        return 0;
}

int hv_client_config_token(const struct hv_client_config *c, struct hv_secret **ret, struct hv_err *err) {
        _hv_cleanup_(hv_secret_freep) struct hv_secret *whole = NULL;
        struct hv_fault fault;
        const char *text;
        size_t len;
        int r = hv_read_secret(AT_FDCWD, c->token_file, &whole, &fault);

        if (r < 0)
                return hv_err_set(err, r, "tokenFile %s (%s): %s", c->token_file, c->path, fault.message);
        text = hv_secret_bytes(whole);
        len = strcspn(text, "\r\n");
        if (len == 0 || strspn(text + len, "\r\n") != hv_secret_len(whole) - len)
                return hv_err_set(err, -EINVAL, "tokenFile %s (%s): expected a token on one line",
                                  c->token_file, c->path);
        *ret = hv_secret_new(text, len);
        return 0;
}
