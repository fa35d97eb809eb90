#include "cli/jsonpath.h"

#include <ctype.h>
#include <errno.h>

#include "base/text.h"
#include "base/vec.h"
#include "json/json.h"

#define NESTING_MAX 16

struct values {
        const struct hv_json **v;
        size_t n, cap;
};

struct eval {
        const char *template;
        const char *at;
        struct hv_buf *out;
        struct hv_err *err;
        unsigned depth;
};

static int fail(const struct eval *e, const char *what) {
        return hv_err_set(e->err, -EINVAL, "jsonpath: %s at character %td of %s", what,
                          e->at - e->template + 1, e->template);
}

/* ---- paths ---- */

static void add(struct values *v, const struct hv_json *j) {
        if (j)
                hv_vec_push(v, j);
}

static void step_field(const struct values *from, const char *name, struct values *to) {
        for (size_t i = 0; i < from->n; i++)
                if (hv_json_type(from->v[i]) == HV_JSON_OBJECT)
                        add(to, hv_json_get(from->v[i], name));
}

static void step_all(const struct values *from, struct values *to) {
        for (size_t i = 0; i < from->n; i++) {
                const struct hv_json *value;
                const char *key;
                void *it = NULL;

                if (hv_json_type(from->v[i]) == HV_JSON_ARRAY)
                        for (size_t k = 0; k < hv_json_size(from->v[i]); k++)
                                add(to, hv_json_at(from->v[i], k));
                else if (hv_json_type(from->v[i]) == HV_JSON_OBJECT)
                        while (hv_json_next(from->v[i], &it, &key, &value))
                                add(to, value);
        }
}

static void step_index(const struct values *from, long index, struct values *to) {
        for (size_t i = 0; i < from->n; i++) {
                size_t n = hv_json_size(from->v[i]), k = (size_t) (index < 0 ? (long) n + index : index);

                if (hv_json_type(from->v[i]) == HV_JSON_ARRAY && k < n)
                        add(to, hv_json_at(from->v[i], k));
        }
}

static int bracket(struct eval *e, const struct values *from, struct values *to) {
        char *end;
        long index;

        e->at++;
        if (*e->at == '\'' || *e->at == '"') {
                char quote = *e->at++;
                const char *stop = strchr(e->at, quote);
                _hv_cleanup_free_ char *name = NULL;

                if (!stop || stop[1] != ']')
                        return fail(e, "expected a name in quotes and ]");
                name = hv_strndup(e->at, (size_t) (stop - e->at));
                step_field(from, name, to);
                e->at = stop + 2;
                return 0;
        }
        if (hv_has_prefix(e->at, "*]")) {
                step_all(from, to);
                e->at += 2;
                return 0;
        }
        errno = 0;
        index = strtol(e->at, &end, 10);
        if (end == e->at || *end != ']' || errno || isspace((unsigned char) *e->at))
                return fail(e, "expected [NUMBER], [*] or ['NAME']");
        e->at = end + 1;
        step_index(from, index, to);
        return 0;
}

static int dot(struct eval *e, const struct values *from, struct values *to) {
        _hv_cleanup_free_ char *name = NULL;
        size_t n;

        e->at++;
        if (*e->at == '*') {
                e->at++;
                step_all(from, to);
                return 0;
        }
        n = strcspn(e->at, ".[]{}() \t\n\"'");
        if (n == 0)
                return fail(e, "expected the name of a field");
        name = hv_strndup(e->at, n);
        e->at += n;
        step_field(from, name, to);
        return 0;
}

/* Up to what is no step any more. */
static int walk(struct eval *e, const struct hv_json *root, struct values *ret) {
        struct values now = {};
        int r = 0;

        add(&now, root);
        if (*e->at == '$' || *e->at == '@')
                e->at++;
        if (hv_has_prefix(e->at, ".}") || hv_streq(e->at, "."))
                e->at++;
        while (r >= 0 && (*e->at == '.' || *e->at == '[')) {
                struct values next = {};

                r = *e->at == '.' ? dot(e, &now, &next) : bracket(e, &now, &next);
                hv_vec_done(&now);
                now = next;
        }
        *ret = now;
        return r;
}

static void put(struct hv_buf *out, const struct values *v) {
        for (size_t i = 0; i < v->n; i++) {
                const char *text = hv_json_as_str(v->v[i]);

                if (i > 0)
                        hv_buf_putc(out, ' ');
                if (text)
                        hv_buf_puts(out, text);
                else if (hv_json_type(v->v[i]) != HV_JSON_NULL)
                        hv_json_dump(v->v[i], out);
        }
}

/* ---- the template ---- */

static void skip_blanks(struct eval *e) {
        e->at += strspn(e->at, " \t");
}

static int close_brace(struct eval *e) {
        skip_blanks(e);
        if (*e->at != '}')
                return fail(e, "expected }");
        e->at++;
        return 0;
}

static int literal(struct eval *e, bool is_shown) {
        char quote = *e->at++;

        for (; *e->at && *e->at != quote; e->at++) {
                char c = *e->at;

                if (c == '\\' && e->at[1]) {
                        e->at++;
                        c = *e->at == 'n' ? '\n' : *e->at == 't' ? '\t' : *e->at;
                }
                if (is_shown)
                        hv_buf_putc(e->out, c);
        }
        if (!*e->at)
                return fail(e, "the text has no end");
        e->at++;
        return close_brace(e);
}

static int block(struct eval *e, const struct hv_json *root, bool is_shown, bool in_range);

/* The body once for each value; of none it is passed over. */
static int range(struct eval *e, const struct hv_json *root, bool is_shown) {
        struct values v = {};
        const char *body;
        int r;

        if (++e->depth > NESTING_MAX)
                return fail(e, "too many ranges in each other");
        skip_blanks(e);
        r = walk(e, root, &v);
        if (r >= 0)
                r = close_brace(e);
        body = e->at;
        if (r >= 0 && v.n == 0)
                r = block(e, NULL, false, true);
        for (size_t i = 0; r >= 0 && i < v.n; i++) {
                e->at = body;
                r = block(e, v.v[i], is_shown, true);
        }
        e->depth--;
        hv_vec_done(&v);
        return r;
}

static int path(struct eval *e, const struct hv_json *root, bool is_shown) {
        struct values v = {};
        int r = walk(e, root, &v);

        if (r >= 0)
                r = close_brace(e);
        if (r >= 0 && is_shown)
                put(e->out, &v);
        hv_vec_done(&v);
        return r;
}

/* Up to the end of the template, or of the range. */
static int block(struct eval *e, const struct hv_json *root, bool is_shown, bool in_range) {
        int r = 0;

        while (r >= 0 && *e->at) {
                if (*e->at != '{') {
                        if (is_shown)
                                hv_buf_putc(e->out, *e->at);
                        e->at++;
                        continue;
                }
                e->at++;
                skip_blanks(e);
                if (hv_has_prefix(e->at, "range ")) {
                        e->at += strlen("range ");
                        r = range(e, root, is_shown);
                } else if (hv_has_prefix(e->at, "end") && strchr("} ", e->at[3])) {
                        if (!in_range)
                                return fail(e, "there is no range that could end");
                        e->at += strlen("end");
                        return close_brace(e);
                } else if (*e->at == '"' || *e->at == '\'')
                        r = literal(e, is_shown);
                else if (*e->at && strchr(".[$@", *e->at))
                        r = path(e, root, is_shown);
                else
                        return fail(e, "expected a path, a text, range or end");
        }
        return r >= 0 && in_range ? fail(e, "{end} of the range is missing") : r;
}

int hv_jsonpath(const char *template, const struct hv_json *j, struct hv_buf *ret, struct hv_err *err) {
        struct eval e = { .out = ret, .err = err };
        _hv_cleanup_free_ char *whole = NULL;

        if (hv_str_empty(template))
                return hv_err_set(err, -EINVAL,
                                  "jsonpath: expected a template such as {.items[*].metadata.name}");
        whole = strchr(template, '{') ? hv_strdup(template)
                                      : hv_asprintf("{%s%s}", strchr(".[$@", *template) ? "" : ".", template);
        e.template = e.at = whole;
        return block(&e, j, j != NULL, false);
}
