#include "cli/table.h"

#include <libsmartcols.h>
#include <wchar.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/vec.h"
#include "cli/terminal.h"

#define GAP "  " /* between two columns */
#define DOTS "..."
#define CUT_MIN 6          /* a column is not cut below this */
#define CUT_LAST_RESORT 12 /* nor any other column of text */
#define WIDE_ENOUGH 10000  /* columns: libsmartcols only pads, what is too wide was cut before */

struct column {
        const char *heading;
        unsigned flags;
};

struct hv_table {
        HV_VEC(struct column) columns;
        HV_VEC(char *) cells; /* row by row */
        size_t n_rows;
};

struct hv_table *hv_table_new(void) {
        return HV_NEW(struct hv_table);
}

struct hv_table *hv_table_free(struct hv_table *t) {
        if (!t)
                return NULL;
        for (size_t i = 0; i < t->cells.n; i++)
                free(t->cells.v[i]);
        hv_vec_done(&t->cells);
        hv_vec_done(&t->columns);
        free(t);
        return NULL;
}

void hv_table_column(struct hv_table *t, const char *heading, unsigned flags) {
        hv_vec_push(&t->columns, ((struct column){ heading, flags }));
}

/* Fills up the row before, so a row may end early. */
static void fill_up(struct hv_table *t) {
        while (t->cells.n < t->n_rows * t->columns.n)
                hv_vec_push(&t->cells, hv_strdup("-"));
}

void hv_table_row(struct hv_table *t) {
        fill_up(t);
        t->n_rows++;
}

void hv_table_cell(struct hv_table *t, const char *text) {
        hv_vec_push(&t->cells, hv_strdup(hv_str_empty(text) ? "-" : text));
}

void hv_table_cellf(struct hv_table *t, const char *fmt, ...) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        va_list ap;

        va_start(ap, fmt);
        hv_buf_vprintf(&buf, fmt, ap);
        va_end(ap);
        hv_table_cell(t, hv_buf_str(&buf));
}

static const char *cell(const struct hv_table *t, size_t row, size_t column) {
        size_t i = row * t->columns.n + column;

        return i < t->cells.n ? t->cells.v[i] : "-";
}

/* One line a row, one tab between two cells: tabs and line ends inside a cell would shift what follows. */
static char *plain_text(const struct hv_table *t, bool headings) {
        struct hv_buf buf = {};

        for (size_t c = 0; headings && c < t->columns.n; c++)
                hv_buf_printf(&buf, "%s%c", t->columns.v[c].heading, c + 1 < t->columns.n ? '\t' : '\n');
        for (size_t r = 0; r < t->n_rows; r++) {
                for (size_t c = 0; c < t->columns.n; c++) {
                        for (const char *p = cell(t, r, c); *p; p++)
                                hv_buf_putc(&buf, strchr("\t\n\r", *p) ? ' ' : *p);
                        hv_buf_putc(&buf, c + 1 < t->columns.n ? '\t' : '\n');
                }
        }
        return hv_buf_steal(&buf);
}

/* ---- widths: decided here, so that a narrow terminal costs the longest cells, and those evenly ---- */

static unsigned width_of(const char *text) {
        unsigned width = 0;

        for (size_t i = 0, len = strlen(text); i < len;) {
                struct hv_character c = hv_text_character(text + i, len - i);
                int n = wcwidth((wchar_t) c.code);

                width += n > 0 ? (unsigned) n : 0;
                i += c.len;
        }
        return width;
}

static unsigned natural_width(const struct hv_table *t, size_t column, bool headings) {
        unsigned width = headings ? width_of(t->columns.v[column].heading) : 0;

        for (size_t r = 0; r < t->n_rows; r++)
                width = HV_MAX(width, width_of(cell(t, r, column)));
        return width;
}

/* Takes columns away from the widest of those that may be cut to `least`, until nothing is too much; the rest. */
static unsigned shrink(const struct hv_table *t, unsigned *widths, unsigned too_much, unsigned flags,
                       unsigned least) {
        for (; too_much > 0; too_much--) {
                size_t widest = t->columns.n;

                for (size_t c = 0; c < t->columns.n; c++) {
                        bool may = flags ? t->columns.v[c].flags & flags
                                         : !(t->columns.v[c].flags & HV_TABLE_RIGHT);

                        if (may && widths[c] > least &&
                            (widest == t->columns.n || widths[c] > widths[widest]))
                                widest = c;
                }
                if (widest == t->columns.n)
                        break;
                widths[widest]--;
        }
        return too_much;
}

static void fit(const struct hv_table *t, unsigned *widths, unsigned terminal) {
        unsigned total = (unsigned) (t->columns.n - 1) * (unsigned) strlen(GAP), too_much;

        for (size_t c = 0; c < t->columns.n; c++)
                total += widths[c];
        too_much = total > terminal ? total - terminal : 0;
        too_much = shrink(t, widths, too_much, HV_TABLE_CUT | HV_TABLE_CUT_START, CUT_MIN);
        (void) shrink(t, widths, too_much, 0, CUT_LAST_RESORT);
}

/* The text, or its beginning and "..." where it is wider. */
static void put_cut(struct hv_buf *ret, const char *text, unsigned width) {
        unsigned used = 0;

        if (width_of(text) <= width) {
                hv_buf_puts(ret, text);
                return;
        }
        for (size_t i = 0, len = strlen(text); i < len;) {
                struct hv_character c = hv_text_character(text + i, len - i);
                int n = wcwidth((wchar_t) c.code);

                used += n > 0 ? (unsigned) n : 0;
                if (used + strlen(DOTS) > width)
                        break;
                hv_buf_add(ret, text + i, c.len);
                i += c.len;
        }
        hv_buf_puts(ret, DOTS);
}

/* A copy whose cells are safe to print on a terminal. */
static struct hv_table *escaped(const struct hv_table *t) {
        struct hv_table *copy = hv_table_new();

        for (size_t c = 0; c < t->columns.n; c++)
                hv_table_column(copy, t->columns.v[c].heading, t->columns.v[c].flags);
        for (size_t r = 0; r < t->n_rows; r++) {
                hv_table_row(copy);
                for (size_t c = 0; c < t->columns.n; c++) {
                        _hv_cleanup_(hv_buf_done) struct hv_buf safe = {};
                        const char *text = cell(t, r, c);

                        hv_terminal_escape(&safe, text, strlen(text));
                        for (size_t i = 0; i < safe.len; i++)
                                safe.data[i] = strchr("\n\t", safe.data[i]) ? ' ' : safe.data[i];
                        hv_table_cell(copy, hv_buf_str(&safe));
                }
        }
        return copy;
}

/* "..." and the end of the text where it is wider. */
static void put_end(struct hv_buf *ret, const char *text, unsigned width) {
        unsigned left = width_of(text);

        if (left <= width) {
                hv_buf_puts(ret, text);
                return;
        }
        while (*text && left + strlen(DOTS) > width) {
                struct hv_character c = hv_text_character(text, strlen(text));
                int n = wcwidth((wchar_t) c.code);

                left -= n > 0 ? (unsigned) n : 0;
                text += c.len;
        }
        hv_buf_printf(ret, "%s%s", DOTS, text);
}

static char *aligned_text(const struct hv_table *raw, const struct hv_table_style *style) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = escaped(raw);
        _hv_cleanup_free_ unsigned *widths = HV_NEW_N(unsigned, t->columns.n);
        _hv_cleanup_free_ char *text = NULL;
        struct libscols_table *table = scols_new_table();

        if (!table)
                hv_out_of_memory(0);
        for (size_t c = 0; c < t->columns.n; c++)
                widths[c] = natural_width(t, c, style->headings);
        fit(t, widths, style->width);

        (void) scols_table_enable_noheadings(table, !style->headings);
        (void) scols_table_enable_noencoding(table,
                                             1); /* that was done above, in the form of every other output */
        (void) scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
        (void) scols_table_set_termwidth(table, WIDE_ENOUGH);
        (void) scols_table_set_column_separator(table, GAP);
        for (size_t c = 0; c < t->columns.n; c++)
                (void) scols_table_new_column(table, t->columns.v[c].heading, 0,
                                              t->columns.v[c].flags & HV_TABLE_RIGHT ? SCOLS_FL_RIGHT : 0);
        for (size_t r = 0; r < t->n_rows; r++) {
                struct libscols_line *line = scols_table_new_line(table, NULL);

                for (size_t c = 0; line && c < t->columns.n; c++) {
                        _hv_cleanup_(hv_buf_done) struct hv_buf cut = {};

                        if (t->columns.v[c].flags & HV_TABLE_CUT_START)
                                put_end(&cut, cell(t, r, c), widths[c]);
                        else
                                put_cut(&cut, cell(t, r, c), widths[c]);
                        (void) scols_line_set_data(line, c, hv_buf_str(&cut));
                }
        }
        if (scols_print_table_to_string(table, &text) < 0)
                text = NULL;
        scols_unref_table(table);
        return hv_asprintf("%s\n", text ? text : ""); /* the last line comes without its end */
}

char *hv_table_text(const struct hv_table *t, const struct hv_table_style *style) {
        if (style->is_tty)
                return aligned_text(t, style);
        return plain_text(t, style->headings);
}
