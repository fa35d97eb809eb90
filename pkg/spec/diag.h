/* spec/diag.h - what is wrong with a set of documents: all of it, each with its place.
 *
 * Model    A collector. Reading, decoding and checks add to it in any order and go on; whoever asked sorts,
 *          then shows or serialises the array. Errors have codes E...., warnings W.... (docs/errors.md
 *          explains each).
 * Texts    Name what was found, what was expected and where; a value is quoted through hv_diag_quote(), never
 *          raw, and never where the field is sensitive. Marked spans (hv_diags_hide()) show as asterisks in
 *          source lines.
 * Owner    The collector owns all texts it hands out and a copy of the files' text: good until
 *          hv_diags_free().
 */
#pragma once

#include "spec/node.h"

struct hv_buf;

enum hv_severity {
        HV_SEVERITY_ERROR,
        HV_SEVERITY_WARNING,
};

struct hv_diag {
        enum hv_severity severity;
        const char *code;      /* "E0304" */
        unsigned file_index;   /* order of the files in the set */
        const char *file;      /* display name: path, or name of the source; "" when there is none */
        unsigned line, column; /* 0 when there is no place in a file */
        unsigned end_column;   /* one after the last marked character; >= column + 1 */
        const char *path;      /* "spec.services[1].ports[0].host", "" when it concerns the whole file */
        const char *message;   /* one line, no full stop */
        const char *hint;      /* NULL, or one line */
        size_t order;          /* of arrival: last key when sorting */
};

struct hv_diags;

struct hv_diags *hv_diags_new(void);
struct hv_diags *hv_diags_free(struct hv_diags *d); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_diags, hv_diags_free);

/* Makes a file known, in the order of the set; returns its index. The text (NULL: none) is copied. */
unsigned hv_diags_add_file(struct hv_diags *d, const char *name, const char *text, size_t len);
/* The same for one beside the set: a finding without a place is not about it. */
unsigned hv_diags_add_aside(struct hv_diags *d, const char *name, const char *text, size_t len);
const char *hv_diags_file(const struct hv_diags *d, unsigned index);

/* Adds a finding about a node (NULL: about nothing in particular). Path, "(from $NAME)" and "(anchor defined
 * at L:C)" come from the node. The result may be given to hv_diag_hint(); it is good until the next finding
 * is added. */
struct hv_diag *hv_diag_error(struct hv_diags *d, const struct hv_node *at, const char *code, const char *fmt,
                              ...) _hv_printf_(4, 5);
struct hv_diag *hv_diag_warn(struct hv_diags *d, const struct hv_node *at, const char *code, const char *fmt,
                             ...) _hv_printf_(4, 5);

/* The same for a place that is not a node (syntax errors, files). end_column 0: one character. */
struct hv_diag *hv_diag_error_pos(struct hv_diags *d, struct hv_pos at, unsigned end_column, const char *code,
                                  const char *fmt, ...) _hv_printf_(5, 6);
struct hv_diag *hv_diag_warn_pos(struct hv_diags *d, struct hv_pos at, unsigned end_column, const char *code,
                                 const char *fmt, ...) _hv_printf_(5, 6);

void hv_diag_hint(struct hv_diags *d, struct hv_diag *diag, const char *fmt, ...) _hv_printf_(3, 4);

/* "9:13" seen from a node of the same file, "conf.d/20-api.yaml:9:13" from elsewhere; a value without a place
 * gives its origin ("$NODE_ID"), a NULL node "the default". */
const char *hv_diag_where(struct hv_diags *d, const struct hv_node *what, const struct hv_node *seen_from);

/* A value for a message: in double quotes, control characters escaped, cut after 60 characters. */
const char *hv_diag_quote(struct hv_diags *d, const char *text);

/* Text in the collector's memory, for parts of messages. */
const char *hv_diag_text(struct hv_diags *d, const char *fmt, ...) _hv_printf_(2, 3);

/* The characters of a scalar never appear in a source line. */
void hv_diags_hide(struct hv_diags *d, const struct hv_node *secret);

size_t hv_diags_errors(const struct hv_diags *d);
size_t hv_diags_warnings(const struct hv_diags *d);
size_t hv_diags_dropped(const struct hv_diags *d); /* counted, but not in the array: beyond any reader */

/* By file, line, column, then arrival. Same code, place and message twice is one finding. */
void hv_diags_sort(struct hv_diags *d);
const struct hv_diag *hv_diags_all(const struct hv_diags *d, size_t *ret_n);

/* The source line that a finding points at, hidden spans masked; NULL when there is none. */
const char *hv_diags_source_line(struct hv_diags *d, const struct hv_diag *diag);

#define HV_DIAGS_SHOWN 100 /* what people are shown of one set */

/* As compilers print it: `file:line:col: severity[code]: path: message`, source line, caret, hint; at most
 * HV_DIAGS_SHOWN, then "... and N more". Sort first. */
void hv_diags_render(struct hv_diags *d, bool color, struct hv_buf *ret);
void hv_diag_render_one(struct hv_diags *d, const struct hv_diag *diag, bool color, struct hv_buf *ret);
