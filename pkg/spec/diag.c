/* spec/diag.c - see diag.h. Rendering is diag_render.c. */
#include "spec/diag_internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"

/* More than anybody reads; what comes after is only counted. Bounds the memory that a hostile document costs.
 */
#define FINDINGS_MAX 4096
#define QUOTED_MAX 60

struct hv_diags *hv_diags_new(void) {
        struct hv_diags *d = HV_NEW(struct hv_diags);

        d->arena = hv_arena_new();
        return d;
}

struct hv_diags *hv_diags_free(struct hv_diags *d) {
        if (!d)
                return NULL;
        hv_vec_done(&d->found);
        hv_vec_done(&d->files);
        hv_vec_done(&d->hidden);
        (void) hv_arena_free(d->arena);
        free(d);
        return NULL;
}

unsigned hv_diags_add_file(struct hv_diags *d, const char *name, const char *text, size_t len) {
        struct hv_diag_file *f = hv_vec_add(&d->files);

        f->name = hv_arena_strdup(d->arena, name);
        f->len = text ? len : 0;
        f->text = hv_arena_memdup(d->arena, text, f->len);
        return (unsigned) d->files.n - 1;
}

unsigned hv_diags_add_aside(struct hv_diags *d, const char *name, const char *text, size_t len) {
        d->n_aside++;
        return hv_diags_add_file(d, name, text, len);
}

const char *hv_diags_file(const struct hv_diags *d, unsigned index) {
        return index < d->files.n ? d->files.v[index].name : "";
}

const char *hv_diag_text(struct hv_diags *d, const char *fmt, ...) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        va_list ap;

        va_start(ap, fmt);
        hv_buf_vprintf(&b, fmt, ap);
        va_end(ap);
        return hv_arena_strdup(d->arena, hv_buf_str(&b));
}

const char *hv_diag_quote(struct hv_diags *d, const char *text) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        size_t shown = 0, len = strlen(text);

        hv_buf_putc(&b, '"');
        for (size_t i = 0, step; i < len; i += step) {
                unsigned char c = (unsigned char) text[i];

                step = 1;
                while (c >= 0xc0 && i + step < len && ((unsigned char) text[i + step] & 0xc0) == 0x80)
                        step++;
                if (shown++ == QUOTED_MAX) {
                        hv_buf_puts(&b, "...");
                        break;
                }
                if (c == '\n')
                        hv_buf_puts(&b, "\\n");
                else if (c == '\t')
                        hv_buf_puts(&b, "\\t");
                else if (c == '"' || c == '\\')
                        hv_buf_printf(&b, "\\%c", c);
                else if (c < 0x20 || c == 0x7f || !hv_utf8_is_valid(text + i, step, NULL))
                        hv_buf_printf(&b, "\\x%02x", c);
                else
                        hv_buf_add(&b, text + i, step);
        }
        hv_buf_putc(&b, '"');
        return hv_arena_strdup(d->arena, hv_buf_str(&b));
}

const char *hv_diag_where(struct hv_diags *d, const struct hv_node *what, const struct hv_node *seen_from) {
        if (!what)
                return "the default";
        if (what->at.line == 0)
                return what->from ? what->from : "the default";
        if (seen_from && seen_from->at.line && seen_from->at.file == what->at.file)
                return hv_diag_text(d, "%u:%u", what->at.line, what->at.column);
        return hv_diag_text(d, "%s:%u:%u", hv_diags_file(d, what->at.file), what->at.line, what->at.column);
}

/* A finding that there is no room for is still counted, and written into a spare one so that callers need not
 * care. */
static struct hv_diag *add(struct hv_diags *d, enum hv_severity severity, const char *code) {
        struct hv_diag *diag;

        if (severity == HV_SEVERITY_ERROR)
                d->n_errors++;
        else
                d->n_warnings++;
        if (d->found.n >= FINDINGS_MAX) {
                d->n_dropped++;
                diag = &d->spare;
        } else
                diag = hv_vec_add(&d->found);
        *diag = (struct hv_diag){ .severity = severity, .code = code, .file = "", .path = "", .message = "" };
        diag->order = d->n_errors + d->n_warnings;
        return diag;
}

_hv_printf_(6, 0) static struct hv_diag *add_pos(struct hv_diags *d, enum hv_severity severity,
                                                 struct hv_pos at, unsigned end_column, const char *code,
                                                 const char *fmt, va_list ap) {
        struct hv_diag *diag = add(d, severity, code);
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};

        diag->file_index = at.file;
        diag->file = hv_diags_file(d, at.file);
        diag->line = at.line;
        diag->column = at.column;
        diag->end_column = HV_MAX(end_column, at.column + 1);
        if (diag == &d->spare)
                return diag;
        hv_buf_vprintf(&b, fmt, ap);
        diag->message = hv_arena_strdup(d->arena, hv_buf_str(&b));
        return diag;
}

_hv_printf_(5, 0) static struct hv_diag *add_node(struct hv_diags *d, enum hv_severity severity,
                                                  const struct hv_node *at, const char *code, const char *fmt,
                                                  va_list ap) {
        static const struct hv_node nowhere = {};
        const struct hv_node *n = at ? at : &nowhere;
        struct hv_diag *diag;

        diag = add_pos(d, severity, n->at, n->end_line == n->at.line ? n->end_column : 0, code, fmt, ap);
        if (diag == &d->spare)
                return diag;
        if (!at || at->at.line == 0)
                diag->file = d->files.n - d->n_aside == 1 && !(at && at->from) ? d->files.v[0].name : "";
        diag->path = hv_node_path(at, d->arena);
        if (n->from)
                diag->message = hv_diag_text(d, "%s (from %s)", diag->message, n->from);
        if (n->anchor.line)
                diag->message = hv_diag_text(d, "%s (anchor defined at %u:%u)", diag->message, n->anchor.line,
                                             n->anchor.column);
        return diag;
}

#define FORWARD(call)               \
        do {                        \
                struct hv_diag *_r; \
                va_list ap;         \
                va_start(ap, fmt);  \
                _r = call;          \
                va_end(ap);         \
                return _r;          \
        } while (0)

struct hv_diag *hv_diag_error(struct hv_diags *d, const struct hv_node *at, const char *code, const char *fmt,
                              ...) {
        FORWARD(add_node(d, HV_SEVERITY_ERROR, at, code, fmt, ap));
}

struct hv_diag *hv_diag_warn(struct hv_diags *d, const struct hv_node *at, const char *code, const char *fmt,
                             ...) {
        FORWARD(add_node(d, HV_SEVERITY_WARNING, at, code, fmt, ap));
}

struct hv_diag *hv_diag_error_pos(struct hv_diags *d, struct hv_pos at, unsigned end_column, const char *code,
                                  const char *fmt, ...) {
        FORWARD(add_pos(d, HV_SEVERITY_ERROR, at, end_column, code, fmt, ap));
}

struct hv_diag *hv_diag_warn_pos(struct hv_diags *d, struct hv_pos at, unsigned end_column, const char *code,
                                 const char *fmt, ...) {
        FORWARD(add_pos(d, HV_SEVERITY_WARNING, at, end_column, code, fmt, ap));
}

void hv_diag_hint(struct hv_diags *d, struct hv_diag *diag, const char *fmt, ...) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        va_list ap;

        if (diag == &d->spare)
                return;
        va_start(ap, fmt);
        hv_buf_vprintf(&b, fmt, ap);
        va_end(ap);
        diag->hint = hv_arena_strdup(d->arena, hv_buf_str(&b));
}

void hv_diags_hide(struct hv_diags *d, const struct hv_node *secret) {
        if (!secret)
                return;
        if (secret->type == HV_NODE_SCALAR && secret->at.line)
                hv_vec_push(&d->hidden,
                            ((struct hv_span){ secret->at.file, secret->at.line, secret->at.column,
                                               secret->end_line, secret->end_column }));
        if (secret->type == HV_NODE_SCALAR && secret->anchor.line)
                hv_vec_push(&d->hidden,
                            ((struct hv_span){ secret->anchor.file, secret->anchor.line,
                                               secret->anchor.column, secret->anchor.line, UINT32_MAX }));
        for (size_t i = 0; i < secret->n; i++)
                hv_diags_hide(d,
                              secret->type == HV_NODE_SEQUENCE ? secret->items[i] : secret->pairs[i].value);
}

size_t hv_diags_errors(const struct hv_diags *d) {
        return d->n_errors;
}

size_t hv_diags_warnings(const struct hv_diags *d) {
        return d->n_warnings;
}

size_t hv_diags_dropped(const struct hv_diags *d) {
        return d->n_dropped;
}

static int compare(const void *pa, const void *pb) {
        const struct hv_diag *a = pa, *b = pb;

        if (a->file_index != b->file_index)
                return a->file_index < b->file_index ? -1 : 1;
        if (a->line != b->line)
                return a->line < b->line ? -1 : 1;
        if (a->column != b->column)
                return a->column < b->column ? -1 : 1;
        return a->order < b->order ? -1 : a->order > b->order;
}

static bool same(const struct hv_diag *a, const struct hv_diag *b) {
        return a->file_index == b->file_index && a->line == b->line && a->column == b->column &&
               hv_streq(a->code, b->code) && hv_streq(a->path, b->path) && hv_streq(a->message, b->message);
}

void hv_diags_sort(struct hv_diags *d) {
        size_t n = 0;

        if (d->found.n == 0)
                return;
        qsort(d->found.v, d->found.n, sizeof *d->found.v, compare);
        for (size_t i = 0; i < d->found.n; i++) {
                bool twice = false;

                for (size_t j = n; j > 0 && !twice && d->found.v[j - 1].line == d->found.v[i].line; j--)
                        twice = same(&d->found.v[j - 1], &d->found.v[i]);
                if (!twice)
                        d->found.v[n++] = d->found.v[i];
                else if (d->found.v[i].severity == HV_SEVERITY_ERROR)
                        d->n_errors--;
                else
                        d->n_warnings--;
        }
        d->found.n = n;
}

const struct hv_diag *hv_diags_all(const struct hv_diags *d, size_t *ret_n) {
        *ret_n = d->found.n;
        return d->found.v;
}
