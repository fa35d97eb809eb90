/* spec/value_package.c - see value_package.h. */
#include "spec/value_package.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"
#include "spec/desired.h"

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define LENGTH_MAX 256u
#define EXTRAS_MAX 16u

static int refuse(const char *text, const char *why, struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        return hv_fault_set(fault, "E0464",
                            "%s is not a package with versions (such as \"requests>=2.28,<3\"): %s",
                            hv_text_quote(text, quoted), why);
}

static const char *skip(const char *p) {
        return p + strspn(p, " \t");
}

/* [A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?, to lower case with '-' for each run of separators. False: no name here. */
static bool take_name(const char **p, struct hv_buf *b) {
        size_t len = strspn(*p, ALNUM "._-");
        bool separated = false;

        while (len && !strchr(ALNUM, (*p)[len - 1]))
                len--;
        if (!len || !strchr(ALNUM, **p))
                return false;
        for (size_t i = 0; i < len; i++) {
                char c = (*p)[i];

                if (!strchr(ALNUM, c)) {
                        separated = true;
                        continue;
                }
                if (separated)
                        hv_buf_putc(b, '-');
                separated = false;
                hv_buf_putc(b, c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c);
        }
        *p += len;
        return true;
}

static int compare_texts(const void *a, const void *b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Behind the '['; "[]" is nothing. */
static const char *take_extras(const char **p, struct hv_arena *a, struct hv_buf *b) {
        const char *v[EXTRAS_MAX];
        size_t n = 0;

        for (;;) {
                _hv_cleanup_(hv_buf_done) struct hv_buf one = {};

                *p = skip(*p);
                if (**p == ']' && n == 0)
                        break;
                if (n == EXTRAS_MAX || !take_name(p, &one))
                        return "an extra is a name";
                v[n++] = hv_arena_strdup(a, hv_buf_str(&one));
                *p = skip(*p);
                if (**p != ',')
                        break;
                (*p)++;
        }
        if (**p != ']')
                return "\"[\" is not closed";
        (*p)++;
        if (n == 0)
                return NULL;
        qsort(v, n, sizeof *v, compare_texts);
        for (size_t i = 0; i < n; i++)
                if (i == 0 || !hv_streq(v[i], v[i - 1]))
                        hv_buf_printf(b, "%s%s", i ? "," : "[", v[i]);
        hv_buf_putc(b, ']');
        return NULL;
}

static const char *take_versions(const char **p, struct hv_buf *b) {
        static const char *const operators[] = { "===", "~=", "==", "!=", "<=", ">=", "<", ">" };

        for (;;) {
                size_t which = 0, len;

                *p = skip(*p);
                while (which < HV_ARRAY_SIZE(operators) && !hv_has_prefix(*p, operators[which]))
                        which++;
                if (which == HV_ARRAY_SIZE(operators))
                        return "expected ==, >=, <=, ~=, !=, < or > and a version; URLs, markers and options are not taken";
                *p = skip(*p + strlen(operators[which]));
                len = strspn(*p, ALNUM "._+!*-");
                if (len == 0 || !strchr(ALNUM, **p))
                        return "a version is missing";
                hv_buf_printf(b, "%s%.*s", operators[which], (int) len, *p);
                *p = skip(*p + len);
                if (!**p)
                        return NULL;
                if (**p != ',')
                        return "expected a comma between versions; URLs, markers and options are not taken";
                (*p)++;
                hv_buf_putc(b, ',');
        }
}

int hv_value_requirement(const char *text, struct hv_arena *a, const char **ret, struct hv_fault *fault) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        const char *p = skip(text), *why = NULL;

        if (strlen(text) > LENGTH_MAX)
                return refuse(text, "it is longer than 256 characters", fault);
        if (!take_name(&p, &b))
                return refuse(text, "a name begins and ends with a letter or a digit", fault);
        p = skip(p);
        if (*p == '[') {
                p++;
                why = take_extras(&p, a, &b);
        }
        p = skip(p);
        if (!why && *p)
                why = take_versions(&p, &b);
        if (why)
                return refuse(text, why, fault);
        *ret = hv_arena_strdup(a, hv_buf_str(&b));
        return 0;
}

const char *hv_value_requirements(const struct hv_strv *list, struct hv_arena *a) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        const char **v = HV_ARENA_NEW_N(a, const char *, list->n + 1);
        size_t n = 0;

        for (size_t i = 0; i < list->n; i++)
                if (hv_value_requirement(list->v[i], a, &v[n], NULL) == 0)
                        n++;
        if (n)
                qsort(v, n, sizeof *v, compare_texts);
        for (size_t i = 0; i < n; i++)
                if (i == 0 || !hv_streq(v[i], v[i - 1]))
                        hv_buf_printf(&b, "%s\n", v[i]);
        return hv_arena_strdup(a, b.len ? hv_buf_str(&b) : "");
}
