/* spec/interpolate.c - see interpolate.h. */
#include "spec/interpolate.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"

#define NESTING_MAX 8 /* defaults within defaults */
#define GROWTH_MAX \
        ((size_t) 4 * 1024 * 1024) /* of all values of a document: a small file must not become a big one */

struct expansion {
        struct hv_arena *arena;
        struct hv_diags *diags;
        hv_spec_env_fn env;
        void *userdata;
        size_t grown;
        const struct hv_node *node; /* being expanded */
        const char *from;           /* first variable that gave something */
};

static bool expand(struct expansion *x, const char *s, size_t len, unsigned depth, struct hv_buf *out);

static bool fail(const struct expansion *x, struct hv_diag *diag, const char *hint) {
        if (hint)
                hv_diag_hint(x->diags, diag, "%s", hint);
        return false;
}

size_t hv_spec_variable_name(const char *s, size_t len) {
        size_t n = 0;

        while (n < len && (s[n] == '_' || (s[n] >= 'A' && s[n] <= 'Z') || (s[n] >= 'a' && s[n] <= 'z') ||
                           (n > 0 && s[n] >= '0' && s[n] <= '9')))
                n++;
        return n;
}

size_t hv_spec_variable_brace(const char *s, size_t len) {
        unsigned depth = 1;

        for (size_t i = 0; i < len; i++) {
                if (s[i] == '$' && i + 1 < len && s[i + 1] == '{') {
                        depth++;
                        i++;
                } else if (s[i] == '}' && --depth == 0)
                        return i;
        }
        return len;
}

static const char *lookup(struct expansion *x, const char *name) {
        const char *value = x->env ? x->env(x->userdata, name) : NULL;

        return hv_str_empty(value) ? NULL : value;
}

static bool unset(struct expansion *x, const char *name, const char *message, size_t len) {
        if (message)
                return fail(x,
                            hv_diag_error(x->diags, x->node, "E0370", "variable %s is not set: %s", name,
                                          hv_arena_strndup(x->arena, message, len)),
                            NULL);
        return fail(
                x,
                hv_diag_error(x->diags, x->node, "E0370", "variable %s is not set and has no default", name),
                hv_diag_text(x->diags, "set it, or write ${%s:-value}", name));
}

/* The inside of one ${...}. */
static bool expand_form(struct expansion *x, const char *s, size_t len, unsigned depth, struct hv_buf *out) {
        size_t n = hv_spec_variable_name(s, len);
        const char *name = hv_arena_strndup(x->arena, s, n), *rest = s + n, *value;
        size_t n_rest = len - n;

        if (n == 0)
                return fail(x,
                            hv_diag_error(
                                    x->diags, x->node, "E0371", "%s names no variable",
                                    hv_diag_quote(x->diags, hv_diag_text(x->diags, "${%.*s}", (int) len, s))),
                            "write $$ for a dollar sign");
        if (n_rest && !(n_rest >= 2 && rest[0] == ':' && (rest[1] == '-' || rest[1] == '?')))
                return fail(
                        x,
                        hv_diag_error(
                                x->diags, x->node, "E0371",
                                "expected \"}\", \":-default\" or \":?message\" after ${%s, found %s", name,
                                hv_diag_quote(x->diags, hv_diag_text(x->diags, "%.*s", (int) n_rest, rest))),
                        "write $$ for a dollar sign");
        value = lookup(x, name);
        if (value && !hv_utf8_is_valid(value, strlen(value), NULL))
                return fail(x,
                            hv_diag_error(x->diags, x->node, "E0002", "the value of variable %s is not UTF-8",
                                          name),
                            NULL);
        if (value) {
                if (!x->from)
                        x->from = hv_arena_printf(x->arena, "$%s", name);
                hv_buf_puts(out, value);
                return true;
        }
        if (n_rest && rest[1] == '-')
                return expand(x, rest + 2, n_rest - 2, depth + 1, out);
        return unset(x, name, n_rest ? rest + 2 : NULL, n_rest ? n_rest - 2 : 0);
}

static bool expand(struct expansion *x, const char *s, size_t len, unsigned depth, struct hv_buf *out) {
        for (size_t i = 0; i < len; i++) {
                size_t inside, close;

                if (out->len > GROWTH_MAX) /* the caller says so */
                        return true;
                if (s[i] != '$' || i + 1 == len || (s[i + 1] != '$' && s[i + 1] != '{')) {
                        hv_buf_putc(out, s[i]);
                        continue;
                }
                if (s[i + 1] == '$') {
                        hv_buf_putc(out, '$');
                        i++;
                        continue;
                }
                inside = i + 2;
                close = inside + hv_spec_variable_brace(s + inside, len - inside);
                if (close == len || depth >= NESTING_MAX)
                        return fail(
                                x,
                                hv_diag_error(x->diags, x->node, "E0371",
                                              close == len ? "%s is not closed" : "%s is nested too deeply",
                                              hv_diag_quote(x->diags, hv_diag_text(x->diags, "%.*s",
                                                                                   (int) (len - i), s + i))),
                                "write $$ for a dollar sign");
                if (!expand_form(x, s + inside, close - inside, depth, out))
                        return false;
                i = close;
        }
        return true;
}

static void expand_node(struct expansion *x, struct hv_node *n) {
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};

        if (!strchr(n->text, '$'))
                return;
        x->node = n;
        x->from = NULL;
        if (!expand(x, n->text, strlen(n->text), 0, &out)) {
                n->unreadable = true;
                return;
        }
        x->grown += out.len;
        if (x->grown > GROWTH_MAX) {
                hv_diag_error(x->diags, n, "E0003", "too large: variables expand to more than 4 MiB");
                return;
        }
        n->text = hv_arena_strdup(x->arena, hv_buf_str(&out));
        n->from = x->from;
}

static void walk(struct expansion *x, struct hv_node *n) {
        if (x->grown > GROWTH_MAX)
                return;
        if (n->type == HV_NODE_SCALAR)
                expand_node(x, n);
        for (size_t i = 0; i < n->n; i++)
                walk(x, n->type == HV_NODE_SEQUENCE ? n->items[i] : n->pairs[i].value);
}

void hv_spec_interpolate(struct hv_arena *a, struct hv_diags *d, struct hv_node *root, hv_spec_env_fn env,
                         void *env_userdata) {
        struct expansion x = { .arena = a, .diags = d, .env = env, .userdata = env_userdata };

        walk(&x, root);
}

void hv_spec_escape(const char *text, struct hv_buf *ret) {
        for (const char *p = text; *p; p++) {
                if (*p == '$' && (p[1] == '$' || p[1] == '{'))
                        hv_buf_putc(ret, '$');
                hv_buf_putc(ret, *p);
        }
}
