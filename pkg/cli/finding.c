#include "cli/finding.h"

#include "base/vec.h"
#include "base/version.h"
#include "spec/diag.h"
#include "json/json.h"
#include "json/write.h"

#define DOCUMENTATION "docs/errors.md"

void hv_findings_done(struct hv_findings *f) {
        for (size_t i = 0; i < f->n; i++) {
                free(f->v[i].code);
                free(f->v[i].file);
                free(f->v[i].path);
                free(f->v[i].message);
                free(f->v[i].hint);
                free(f->v[i].source);
                free(f->v[i].text);
        }
        free(f->v);
        *f = (struct hv_findings){};
}

static struct hv_finding *add(struct hv_findings *f, bool is_error) {
        f->v = hv_realloc(f->v, (f->n + 1) * sizeof *f->v);
        f->n_errors += is_error;
        f->v[f->n] = (struct hv_finding){ .is_error = is_error };
        return &f->v[f->n++];
}

void hv_findings_from_diags(struct hv_findings *f, struct hv_diags *diags, bool color) {
        size_t n;
        const struct hv_diag *all = hv_diags_all(diags, &n);

        for (size_t i = 0; i < n; i++) {
                struct hv_finding *x = add(f, all[i].severity == HV_SEVERITY_ERROR);
                struct hv_buf rendered = {};

                hv_diag_render_one(diags, &all[i], color, &rendered);
                x->text = hv_buf_steal(&rendered);
                x->code = hv_strdup(all[i].code);
                x->file = hv_str_empty(all[i].file) ? NULL : hv_strdup(all[i].file);
                x->line = all[i].line;
                x->column = all[i].column;
                x->end_column = all[i].end_column;
                x->path = hv_strdup(all[i].path ? all[i].path : "");
                x->message = hv_strdup(all[i].message);
                x->hint = hv_strdup(all[i].hint);
                x->source = hv_strdup(hv_diags_source_line(diags, &all[i]));
        }
}

static unsigned number(const struct hv_json *j, const char *key) {
        int64_t n = hv_json_int(j, key, 0);

        return n > 0 && n < UINT32_MAX ? (unsigned) n : 0;
}

static char *text(const struct hv_json *j, const char *key, const char *otherwise) {
        const char *value = hv_json_str(j, key);

        return hv_strdup(value ? value : otherwise);
}

static void add_list(struct hv_findings *f, const struct hv_json *list, bool is_error) {
        for (size_t i = 0; i < hv_json_size(list); i++) {
                const struct hv_json *j = hv_json_at(list, i);
                struct hv_finding *x = add(f, is_error);

                x->code = text(j, "code", "");
                x->file = text(j, "file", NULL);
                x->line = number(j, "line");
                x->column = number(j, "column");
                x->end_column = number(j, "endColumn");
                x->path = text(j, "path", "");
                x->message = text(j, "message", "");
                x->hint = text(j, "hint", NULL);
                x->source = text(j, "source", NULL);
                x->text = text(j, "text", "");
        }
}

void hv_findings_from_json(struct hv_findings *f, const struct hv_json *answer) {
        add_list(f, hv_json_get(answer, "errors"), true);
        add_list(f, hv_json_get(answer, "warnings"), false);
}

/* ---- text ---- */

void hv_findings_text(const struct hv_findings *f, struct hv_buf *ret) {
        for (size_t i = 0; i < f->n && i < HV_DIAGS_SHOWN; i++)
                hv_buf_puts(ret, f->v[i].text);
        if (f->n > HV_DIAGS_SHOWN)
                hv_buf_printf(ret, "... and %zu more\n", f->n - HV_DIAGS_SHOWN);
}

/* ---- JSON ---- */

static void put_json(struct hv_json_writer *w, const struct hv_finding *x) {
        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "severity", x->is_error ? "error" : "warning");
        hv_json_put_str(w, "code", x->code);
        hv_json_put_str(w, "file", x->file);
        hv_json_put_uint(w, "line", x->line);
        hv_json_put_uint(w, "column", x->column);
        hv_json_put_uint(w, "endColumn", x->end_column);
        hv_json_put_str(w, "path", x->path);
        hv_json_put_str(w, "message", x->message);
        hv_json_put_str(w, "hint", x->hint);
        hv_json_put_str(w, "source", x->source);
        hv_json_end(w);
}

void hv_findings_json(const struct hv_findings *f, struct hv_buf *ret) {
        struct hv_json_writer w = { .buf = ret };

        hv_json_begin_object(&w, NULL);
        hv_json_put_bool(&w, "valid", f->n_errors == 0);
        for (int errors = 1; errors >= 0; errors--) {
                hv_json_begin_array(&w, errors ? "errors" : "warnings");
                for (size_t i = 0; i < f->n; i++) {
                        if (f->v[i].is_error == (errors == 1))
                                put_json(&w, &f->v[i]);
                }
                hv_json_end(&w);
        }
        hv_json_end(&w);
}

/* ---- SARIF ---- */

static bool is_first_of_its_code(const struct hv_findings *f, size_t i) {
        for (size_t j = 0; j < i; j++) {
                if (hv_streq(f->v[j].code, f->v[i].code))
                        return false;
        }
        return true;
}

static void put_location(struct hv_json_writer *w, const struct hv_finding *x) {
        hv_json_begin_array(w, "locations");
        if (x->file) {
                hv_json_begin_object(w, NULL);
                hv_json_begin_object(w, "physicalLocation");
                hv_json_begin_object(w, "artifactLocation");
                hv_json_put_str(w, "uri", x->file);
                hv_json_end(w);
                if (x->line) {
                        hv_json_begin_object(w, "region");
                        hv_json_put_uint(w, "startLine", x->line);
                        hv_json_put_uint(w, "startColumn", x->column);
                        hv_json_put_uint(w, "endColumn",
                                         x->end_column > x->column ? x->end_column : x->column + 1);
                        hv_json_end(w);
                }
                hv_json_end(w);
                hv_json_end(w);
        }
        hv_json_end(w);
}

static void put_result(struct hv_json_writer *w, const struct hv_finding *x) {
        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "ruleId", x->code);
        hv_json_put_str(w, "level", x->is_error ? "error" : "warning");
        hv_json_begin_object(w, "message");
        hv_json_put_printf(w, "text", "%s%s%s%s%s", x->path, *x->path ? ": " : "", x->message,
                           x->hint ? "; hint: " : "", x->hint ? x->hint : "");
        hv_json_end(w);
        put_location(w, x);
        hv_json_end(w);
}

void hv_findings_sarif(const struct hv_findings *f, struct hv_buf *ret) {
        struct hv_json_writer w = { .buf = ret };

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
        hv_json_put_str(&w, "version", "2.1.0");
        hv_json_begin_array(&w, "runs");
        hv_json_begin_object(&w, NULL);
        hv_json_begin_object(&w, "tool");
        hv_json_begin_object(&w, "driver");
        hv_json_put_str(&w, "name", "hivectl validate");
        hv_json_put_str(&w, "version", hv_version());
        hv_json_begin_array(&w, "rules");
        for (size_t i = 0; i < f->n; i++) {
                if (!is_first_of_its_code(f, i))
                        continue;
                hv_json_begin_object(&w, NULL);
                hv_json_put_str(&w, "id", f->v[i].code);
                hv_json_begin_object(&w, "help");
                hv_json_put_printf(&w, "text", "%s explains %s", DOCUMENTATION, f->v[i].code);
                hv_json_end(&w);
                hv_json_end(&w);
        }
        hv_json_end(&w);
        hv_json_end(&w);
        hv_json_end(&w);
        hv_json_put_str(&w, "columnKind", "unicodeCodePoints");
        hv_json_begin_array(&w, "results");
        for (size_t i = 0; i < f->n; i++)
                put_result(&w, &f->v[i]);
        hv_json_end(&w);
        hv_json_end(&w);
        hv_json_end(&w);
        hv_json_end(&w);
}

/* ---- GitHub ---- */

/* Escapes of workflow commands: in values of properties also ':' and ','. */
static void put_escaped(struct hv_buf *ret, const char *words, bool property) {
        for (const char *p = words; *p; p++) {
                if (strchr("%\r\n", *p) || (property && strchr(":,", *p)))
                        hv_buf_printf(ret, "%%%02X", (unsigned char) *p);
                else
                        hv_buf_putc(ret, *p);
        }
}

void hv_findings_github(const struct hv_findings *f, struct hv_buf *ret) {
        for (size_t i = 0; i < f->n; i++) {
                const struct hv_finding *x = &f->v[i];

                hv_buf_printf(ret, "::%s title=%s", x->is_error ? "error" : "warning", x->code);
                if (x->file) {
                        hv_buf_puts(ret, ",file=");
                        put_escaped(ret, x->file, true);
                }
                if (x->line)
                        hv_buf_printf(ret, ",line=%u,col=%u", x->line, x->column);
                hv_buf_puts(ret, "::");
                if (*x->path) {
                        put_escaped(ret, x->path, false);
                        hv_buf_puts(ret, ": ");
                }
                put_escaped(ret, x->message, false);
                if (x->hint) {
                        hv_buf_puts(ret, "; hint: ");
                        put_escaped(ret, x->hint, false);
                }
                hv_buf_putc(ret, '\n');
        }
}
