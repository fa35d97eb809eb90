/* cli/table.h - tables: aligned by display width on a terminal, separated by tabs into a pipe.
 *
 * Source   libsmartcols pads by display width; this is the only file that knows it.
 */
#pragma once

#include "base/macros.h"

struct hv_table;

enum hv_table_flags {
        HV_TABLE_RIGHT = 1 << 0,     /* numbers */
        HV_TABLE_CUT = 1 << 1,       /* may lose its end where the terminal is narrow */
        HV_TABLE_CUT_START = 1 << 2, /* may lose its beginning: paths and names, whose end tells them apart */
};

struct hv_table *hv_table_new(void);
struct hv_table *hv_table_free(struct hv_table *t); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_table, hv_table_free);

void hv_table_column(struct hv_table *t, const char *heading, unsigned flags);
/* Begins a row; cells follow in the order of the columns. */
void hv_table_row(struct hv_table *t);
void hv_table_cell(struct hv_table *t, const char *text); /* copied; NULL or "": "-" */
void hv_table_cellf(struct hv_table *t, const char *fmt, ...) _hv_printf_(2, 3);

struct hv_table_style {
        bool is_tty;    /* aligned, cut, escaped; else tabs and nothing else */
        unsigned width; /* of the terminal */
        bool headings;
};

/* The text of the table; caller frees. */
char *hv_table_text(const struct hv_table *t, const struct hv_table_style *style);
