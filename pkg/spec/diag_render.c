/* spec/diag_render.c - findings as compilers print them: one line that editors parse, the source line, a
 * caret. */
#include "spec/diag_internal.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"

#define LINE_MAX_CHARS 160 /* of a source line; a longer one is shown around the marked place */

#define RED "\033[1;31m"
#define MAGENTA "\033[1;35m"
#define CYAN "\033[36m"
#define BOLD "\033[1m"
#define RESET "\033[0m"

/* Bytes of the line break at p, 0 if there is none. YAML 1.1 (and so the reader's line count) also breaks at
 * NEL, LS and PS. */
static size_t break_at(const char *p, const char *end) {
        if (*p == '\n')
                return 1;
        if (*p == '\r')
                return p + 1 < end && p[1] == '\n' ? 2 : 1;
        if (end - p >= 2 && memcmp(p, "\xc2\x85", 2) == 0)
                return 2;
        if (end - p >= 3 && (memcmp(p, "\xe2\x80\xa8", 3) == 0 || memcmp(p, "\xe2\x80\xa9", 3) == 0))
                return 3;
        return 0;
}

static const char *line_of(const struct hv_diag_file *f, unsigned line, size_t *ret_len) {
        const char *p = f->text, *end = f->text + f->len, *start;
        size_t n;

        if (end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
                p += 3;
        for (; line > 1 && p < end; line--) {
                while (p < end && !(n = break_at(p, end)))
                        p++;
                if (p < end)
                        p += n;
        }
        if (line > 1)
                return NULL;
        for (start = p; p < end && !break_at(p, end);)
                p++;
        *ret_len = (size_t) (p - start);
        return start;
}

static bool is_hidden(const struct hv_diags *d, unsigned file, unsigned line, unsigned column) {
        for (size_t i = 0; i < d->hidden.n; i++) {
                const struct hv_span *s = &d->hidden.v[i];

                if (s->file != file || line < s->line || line > s->end_line)
                        continue;
                if ((line > s->line || column >= s->column) && (line < s->end_line || column < s->end_column))
                        return true;
        }
        return false;
}

static size_t char_len(const char *p, const char *end) {
        size_t n = 1;

        while ((unsigned char) *p >= 0xc0 && p + n < end && ((unsigned char) p[n] & 0xc0) == 0x80)
                n++;
        return n;
}

/* One character as a terminal may be shown it: tabs are one column wide here, control characters and what is
 * not UTF-8 become '?'. */
static void put_char(struct hv_buf *b, const char *p, size_t n) {
        unsigned char c = (unsigned char) *p;

        if (c == '\t')
                hv_buf_putc(b, ' ');
        else if (c < 0x20 || c == 0x7f || !hv_utf8_is_valid(p, n, NULL) ||
                 (c == 0xc2 && (unsigned char) p[1] < 0xa0))
                hv_buf_putc(b, '?');
        else
                hv_buf_add(b, p, n);
}

/* The visible part [from, ...) of the line into `b`. */
static void put_line(const struct hv_diags *d, const struct hv_diag *diag, unsigned from, struct hv_buf *b) {
        size_t len;
        const char *p = line_of(&d->files.v[diag->file_index], diag->line, &len), *end = p + len;
        unsigned column = 1;

        for (size_t n; p < end && column < from + LINE_MAX_CHARS; p += n, column++) {
                n = char_len(p, end);
                if (column < from)
                        continue;
                if (is_hidden(d, diag->file_index, diag->line, column))
                        hv_buf_putc(b, '*');
                else
                        put_char(b, p, n);
        }
}

static bool has_line(const struct hv_diags *d, const struct hv_diag *diag) {
        size_t len;

        return diag->line && *diag->file && diag->file_index < d->files.n &&
               line_of(&d->files.v[diag->file_index], diag->line, &len);
}

static unsigned first_column(const struct hv_diag *diag) {
        return diag->column > LINE_MAX_CHARS - 40 ? diag->column - 40 : 1;
}

const char *hv_diags_source_line(struct hv_diags *d, const struct hv_diag *diag) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};

        if (!has_line(d, diag))
                return NULL;
        put_line(d, diag, 1, &b);
        return hv_arena_strdup(d->arena, hv_buf_str(&b));
}

static void render_source(struct hv_diags *d, const struct hv_diag *diag, bool color, struct hv_buf *ret) {
        unsigned from = first_column(diag), marked = diag->end_column - diag->column;
        size_t start;

        hv_buf_printf(ret, "%5u | ", diag->line);
        start = ret->len;
        put_line(d, diag, from, ret);
        marked = HV_MIN(marked, LINE_MAX_CHARS - (diag->column - from));
        marked = HV_MIN(marked, HV_MAX((unsigned) hv_utf8_count(ret->data + start, ret->len - start),
                                       diag->column - from + 1) -
                                        (diag->column - from));
        hv_buf_printf(ret, "\n      | %*s%s", (int) (diag->column - from), "", color ? RED : "");
        for (unsigned i = 0; i < HV_MAX(marked, 1u); i++)
                hv_buf_putc(ret, '^');
        hv_buf_printf(ret, "%s\n", color ? RESET : "");
}

void hv_diag_render_one(struct hv_diags *d, const struct hv_diag *diag, bool color, struct hv_buf *ret) {
        bool error = diag->severity == HV_SEVERITY_ERROR;

        hv_buf_puts(ret, color ? BOLD : "");
        if (*diag->file && diag->line)
                hv_buf_printf(ret, "%s:%u:%u: ", diag->file, diag->line, diag->column);
        else if (*diag->file)
                hv_buf_printf(ret, "%s: ", diag->file);
        hv_buf_printf(ret, "%s%s[%s]:%s ",
                      !color  ? ""
                      : error ? RED
                              : MAGENTA,
                      error ? "error" : "warning", diag->code, color ? RESET : "");
        if (*diag->path)
                hv_buf_printf(ret, "%s: ", diag->path);
        hv_buf_printf(ret, "%s\n", diag->message);
        if (has_line(d, diag))
                render_source(d, diag, color, ret);
        if (diag->hint)
                hv_buf_printf(ret, "  %shint:%s %s\n", color ? CYAN : "", color ? RESET : "", diag->hint);
}

void hv_diags_render(struct hv_diags *d, bool color, struct hv_buf *ret) {
        size_t n = HV_MIN(d->found.n, (size_t) HV_DIAGS_SHOWN), more = d->found.n - n + d->n_dropped;

        for (size_t i = 0; i < n; i++)
                hv_diag_render_one(d, &d->found.v[i], color, ret);
        if (more)
                hv_buf_printf(ret, "... and %zu more\n", more);
}
