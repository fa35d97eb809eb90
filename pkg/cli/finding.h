/* cli/finding.h - what is wrong with documents, in the forms that people, editors and CI read.
 *
 *      text     file:line:col: severity[code]: path: message, source line, caret, hint
 *      json     {"errors": [...], "warnings": [...]}, each as the API gives it
 *      sarif    SARIF 2.1.0 (OASIS), one run
 *      github   workflow commands of GitHub Actions
 *
 * Model    A list that is filled from a collector of pkg/spec (validate, which needs no agent) or from an
 *          answer of the API (apply, plan), and printed the same way.
 */
#pragma once

#include "base/buf.h"

struct hv_diags;
struct hv_json;

struct hv_finding {
        bool is_error;
        char *code, *file, *path, *message, *hint, *source; /* file, hint, source may be NULL */
        char *text;                                         /* lines for people, as rendered by pkg/spec */
        unsigned line, column, end_column;                  /* 0: no place in a file */
};

struct hv_findings {
        struct hv_finding *v;
        size_t n, n_errors;
};

void hv_findings_done(struct hv_findings *f);
/* In the order of the collector: sort it first. */
void hv_findings_from_diags(struct hv_findings *f, struct hv_diags *diags, bool color);
void hv_findings_from_json(struct hv_findings *f, const struct hv_json *answer); /* "errors" and "warnings" */

void hv_findings_text(const struct hv_findings *f, struct hv_buf *ret);
void hv_findings_json(const struct hv_findings *f, struct hv_buf *ret);
void hv_findings_sarif(const struct hv_findings *f, struct hv_buf *ret);
void hv_findings_github(const struct hv_findings *f, struct hv_buf *ret);
