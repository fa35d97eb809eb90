#include "cli/table.h"

#include <libsmartcols.h>

#include "base/buf.h"
#include "base/vec.h"
#include "cli/terminal.h"

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

static int column_flags(unsigned flags) {
        return (flags & HV_TABLE_RIGHT ? SCOLS_FL_RIGHT : 0) | (flags & HV_TABLE_CUT ? SCOLS_FL_TRUNC : 0);
}

static void fill_lines(const struct hv_table *t, struct libscols_table *table) {
        for (size_t r = 0; r < t->n_rows; r++) {
                struct libscols_line *line = scols_table_new_line(table, NULL);

                for (size_t c = 0; line && c < t->columns.n; c++) {
                        _hv_cleanup_(hv_buf_done) struct hv_buf safe = {};
                        const char *text = cell(t, r, c);

                        hv_terminal_escape(&safe, text, strlen(text));
                        (void) scols_line_set_data(line, c, hv_buf_str(&safe));
                }
        }
}

static char *aligned_text(const struct hv_table *t, const struct hv_table_style *style) {
        struct libscols_table *table = scols_new_table();
        char *text = NULL;

        if (!table)
                hv_out_of_memory(0);
        (void) scols_table_enable_noheadings(table, !style->headings);
        (void) scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
        (void) scols_table_set_termwidth(table, style->width);
        (void) scols_table_set_column_separator(table, "   ");
        for (size_t c = 0; c < t->columns.n; c++)
                (void) scols_table_new_column(table, t->columns.v[c].heading, 0,
                                              column_flags(t->columns.v[c].flags));
        fill_lines(t, table);
        if (scols_print_table_to_string(table, &text) < 0 || !text)
                text = hv_strdup("");
        scols_unref_table(table);
        return text;
}

char *hv_table_text(const struct hv_table *t, const struct hv_table_style *style) {
        if (style->is_tty)
                return aligned_text(t, style);
        return plain_text(t, style->headings);
}
