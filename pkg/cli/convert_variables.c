#include "cli/convert_variables.h"

#include <ctype.h>
#include <errno.h>

#include "spec/interpolate.h"
#include "spec/node.h"

#define NESTING_MAX 8               /* defaults within defaults */
#define TEXT_MAX ((size_t) 1 << 20) /* of one value: a small file must not become a big one */

void hv_variables_done(struct hv_variables *v) {
        hv_vec_done(&v->set);
        hv_vec_done(&v->from_environment.v);
        hv_vec_done(&v->unset.v);
}

static void remember(struct hv_variables *v, struct hv_convert_words *list, const char *name) {
        for (size_t i = 0; i < list->v.n; i++)
                if (hv_streq(list->v.v[i], name))
                        return;
        hv_vec_push(&list->v, hv_arena_strdup(v->c->arena, name));
}

const char *hv_variables_get(struct hv_variables *v, const char *name) {
        const char *value = v->world->env(v->world->userdata, name);

        if (value) {
                remember(v, &v->from_environment, name);
                return value;
        }
        for (size_t i = v->set.n; i > 0; i--)
                if (hv_streq(v->set.v[i - 1].name, name))
                        return v->set.v[i - 1].value;
        return NULL;
}

/* ---- ${...} ---- */

struct expansion {
        struct hv_variables *variables;
        unsigned line;
        struct hv_err *err;
};

static int expand(struct expansion *x, const char *s, size_t len, unsigned depth, struct hv_buf *ret);

/* Nothing is quoted: in a file of variables it may be part of a password. */
static int malformed(const struct expansion *x) {
        return hv_err_set(
                x->err, -EINVAL,
                "line %u: a $ begins no variable; expected ${NAME} and the like, or $$ for a dollar sign",
                x->line);
}

/* What stands between the braces: NAME, then perhaps one of the operators and what it takes. */
static int expand_form(struct expansion *x, const char *s, size_t len, unsigned depth, struct hv_buf *ret) {
        size_t n = hv_spec_variable_name(s, len);
        const char *name = hv_arena_strndup(x->variables->c->arena, s, n), *rest = s + n, *value;
        size_t n_rest = len - n;
        bool colon = n_rest > 0 && *rest == ':', is_there;

        rest += colon;
        n_rest -= colon;
        if (n == 0 || (n_rest > 0 ? !strchr("-?+", *rest) : colon))
                return malformed(x);
        value = hv_variables_get(x->variables, name);
        is_there = value && (!colon || *value);
        if (n_rest > 0 && *rest == '+')
                return is_there ? expand(x, rest + 1, n_rest - 1, depth + 1, ret) : 0;
        if (is_there) {
                hv_buf_puts(ret, value);
                return 0;
        }
        if (n_rest > 0 && *rest == '-')
                return expand(x, rest + 1, n_rest - 1, depth + 1, ret);
        if (n_rest > 0)
                return hv_err_set(x->err, -EINVAL, "line %u: variable %s is not set: %.*s", x->line, name,
                                  (int) n_rest - 1, rest + 1);
        remember(x->variables, &x->variables->unset, name);
        return 0;
}

static int expand(struct expansion *x, const char *s, size_t len, unsigned depth, struct hv_buf *ret) {
        for (size_t i = 0; i < len; i++) {
                size_t n;
                int r;

                if (ret->len > TEXT_MAX || depth > NESTING_MAX)
                        return hv_err_set(x->err, -EINVAL, "line %u: its variables make too much of it",
                                          x->line);
                if (s[i] != '$') {
                        hv_buf_putc(ret, s[i]);
                        continue;
                }
                if (i + 1 < len && s[i + 1] == '$') {
                        hv_buf_putc(ret, s[++i]);
                        continue;
                }
                if (i + 1 < len && s[i + 1] == '{') {
                        n = hv_spec_variable_brace(s + i + 2, len - i - 2);
                        if (i + 2 + n == len)
                                return malformed(x);
                        r = expand_form(x, s + i + 2, n, depth, ret);
                        n += 2;
                } else {
                        n = hv_spec_variable_name(s + i + 1, len - i - 1);
                        r = expand_form(x, s + i + 1, n, depth, ret);
                }
                if (r < 0)
                        return r;
                i += n;
        }
        return 0;
}

int hv_variables_expand(struct hv_variables *v, unsigned line, const char *text, const char **ret,
                        struct hv_err *err) {
        struct expansion x = { .variables = v, .line = line, .err = err };
        struct hv_buf out = {};
        int r = expand(&x, text, strlen(text), 0, &out);

        if (r >= 0)
                *ret = hv_arena_strdup(v->c->arena, hv_buf_str(&out));
        hv_buf_wipe(&out);
        return r;
}

int hv_variables_replace(struct hv_variables *v, struct hv_node *n, struct hv_err *err) {
        int r = 0;

        if (n->type == HV_NODE_SCALAR)
                return strchr(n->text, '$') ? hv_variables_expand(v, n->at.line, n->text, &n->text, err) : 0;
        for (size_t i = 0; r >= 0 && i < n->n; i++)
                r = hv_variables_replace(v, n->type == HV_NODE_SEQUENCE ? n->items[i] : n->pairs[i].value,
                                         err);
        return r;
}

/* ---- files of them ---- */

struct lines {
        const char *at, *end, *file;
        unsigned line;
};

/* Up to the closing quote, which may stand some lines below. NULL: there is none. */
static const char *closing_quote(struct lines *l, char quote) {
        for (const char *p = l->at; p < l->end; p++) {
                if (*p == quote)
                        return p;
                if (*p == '\n')
                        l->line++;
                else if (*p == '\\' && quote == '"' && p + 1 < l->end)
                        p++;
        }
        return NULL;
}

/* What a backslash means within double quotes. "\\$" is left for a dollar, as "$$" is. */
static const char *unescape(struct hv_variables *v, const char *text) {
        static const char letters[] = "nrt\"\\", meant[] = "\n\r\t\"\\";
        char *out = hv_arena_strdup(v->c->arena, text), *to = out;

        for (const char *p = text; *p; p++) {
                const char *known = *p == '\\' && p[1] ? strchr(letters, p[1]) : NULL;

                if (known)
                        *to++ = meant[known - letters];
                else
                        *to++ = *p == '\\' && p[1] == '$' ? '$' : *p;
                if (known)
                        p++;
        }
        *to = '\0';
        return out;
}

/* The value that begins at l->at, up to the end of its line. */
static int read_value(struct hv_variables *v, struct lines *l, bool is_raw, const char **ret,
                      struct hv_err *err) {
        const char *stop = memchr(l->at, '\n', (size_t) (l->end - l->at)), *close;
        unsigned line = l->line;
        char quote = l->at < l->end ? *l->at : '\0', *text;

        stop = stop ? stop : l->end;
        if (!is_raw && (quote == '"' || quote == '\'')) {
                l->at++;
                close = closing_quote(l, quote);
                if (!close)
                        return hv_err_set(err, -EINVAL, "%s:%u: the quote that opens the value is not closed",
                                          l->file, line);
                text = hv_arena_strndup(v->c->arena, l->at, (size_t) (close - l->at));
                l->at = memchr(close, '\n', (size_t) (l->end - close));
                l->at = l->at ? l->at : l->end;
                *ret = text;
                if (quote == '"' && hv_variables_expand(v, line, unescape(v, text), ret, err) < 0)
                        return hv_err_prefix(err, -EINVAL, "%s", l->file);
                return 0;
        }
        text = hv_arena_strndup(v->c->arena, l->at, (size_t) (stop - l->at));
        l->at = stop;
        for (char *p = text; !is_raw && *p; p++) {
                if (*p == '#' && (p == text || isspace((unsigned char) p[-1]))) {
                        *p = '\0';
                        break;
                }
        }
        for (size_t n = strlen(text); n > 0 && isspace((unsigned char) text[n - 1]); n--)
                text[n - 1] = '\0';
        *ret = text;
        if (!is_raw && hv_variables_expand(v, line, text, ret, err) < 0)
                return hv_err_prefix(err, -EINVAL, "%s", l->file);
        return 0;
}

/* One NAME=VALUE, NAME: VALUE, or NAME alone. */
static int read_entry(struct hv_variables *v, struct lines *l, bool is_raw, struct hv_err *err) {
        static const char export[] = "export ";
        struct hv_variable one = {};
        const char *start;
        int r = 0;

        if ((size_t) (l->end - l->at) > strlen(export) && strncmp(l->at, export, strlen(export)) == 0)
                l->at += strlen(export);
        for (start = l->at; l->at < l->end && !strchr("=:\n \t\r", *l->at);)
                l->at++;
        one.name = hv_arena_strndup(v->c->arena, start, (size_t) (l->at - start));
        while (l->at < l->end && strchr(" \t\r", *l->at))
                l->at++;
        if (l->at < l->end && (*l->at == '=' || *l->at == ':') && *one.name) {
                l->at++;
                while (!is_raw && l->at < l->end && strchr(" \t", *l->at))
                        l->at++;
                r = read_value(v, l, is_raw, &one.value, err);
        } else if (*one.name && (l->at == l->end || *l->at == '\n'))
                one.value = hv_variables_get(v, one.name);
        else
                return hv_err_set(err, -EINVAL, "%s:%u: expected NAME=VALUE", l->file, l->line);
        if (r >= 0 && one.value)
                hv_vec_push(&v->set, one);
        return r;
}

int hv_variables_read(struct hv_variables *v, const char *file, const char *text, size_t len, bool is_raw,
                      struct hv_err *err) {
        struct lines l = { .at = text, .end = text + len, .file = file, .line = 1 };
        int r = 0;

        while (r >= 0 && l.at < l.end) {
                if (*l.at == '\n')
                        l.line++;
                if (isspace((unsigned char) *l.at))
                        l.at++;
                else if (*l.at == '#') {
                        l.at = memchr(l.at, '\n', (size_t) (l.end - l.at));
                        l.at = l.at ? l.at : l.end;
                } else
                        r = read_entry(v, &l, is_raw, err);
        }
        return r;
}

/* ---- what is told ---- */

static void tell(struct hv_variables *v, const struct hv_convert_words *list, const char *one,
                 const char *several) {
        _hv_cleanup_(hv_buf_done) struct hv_buf names = {};

        for (size_t i = 0; i < list->v.n; i++)
                hv_buf_printf(&names, "%s%s", i > 0 ? ", " : "", list->v.v[i]);
        if (list->v.n > 0)
                hv_convert_note(v->c, 0, "%s %s %s", list->v.n == 1 ? "variable" : "variables",
                                hv_buf_str(&names), list->v.n == 1 ? one : several);
}

void hv_variables_tell(struct hv_variables *v) {
        tell(v, &v->from_environment, "comes from the environment of this command",
             "come from the environment of this command");
        tell(v, &v->unset, "is not set: an empty text stands in its place",
             "are not set: an empty text stands in their place");
}
