/* spec/yaml_error.c - what is wrong with the text of a YAML file, in words that name the place and the cure.
 *
 * libyaml describes its own grammar ("did not find expected <block end>"); the table turns what people really
 * run into into their words. What is not in the table keeps libyaml's text. */
#include "base/alloc.h"
#include "base/text.h"
#include "spec/yaml.h"
#include "spec/yaml_internal.h"

/* Line and column (characters) of a byte. */
static struct hv_pos pos_of(unsigned file, const char *text, size_t offset) {
        struct hv_pos at = { file, 1, 1 };
        size_t line_start = 0;

        for (size_t i = 0; i < offset; i++)
                if (text[i] == '\n') {
                        at.line++;
                        line_start = i + 1;
                }
        at.column = (unsigned) hv_utf8_count(text + line_start, offset - line_start) + 1;
        return at;
}

/* Characters that YAML 1.1 does not allow anywhere, though they are UTF-8. */
static bool is_control(unsigned char c) {
        return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

bool hv_yaml_text_is_clean(struct hv_diags *d, unsigned file, const char *text, size_t len) {
        struct hv_pos start = { file, 1, 1 };
        size_t at;

        if (len > HV_YAML_SIZE_MAX) {
                size_t tenths = (len * 10 + HV_YAML_SIZE_MAX - 1) / HV_YAML_SIZE_MAX;

                hv_diag_error_pos(d, start, 0, "E0003", "too large: %zu.%zu MiB, limit 1 MiB", tenths / 10,
                                  tenths % 10);
                return false;
        }
        if (!hv_utf8_is_valid(text, len, &at)) {
                bool utf16 =
                        len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
                struct hv_diag *diag = hv_diag_error_pos(d, pos_of(file, text, at), 0, "E0002",
                                                         "invalid UTF-8 at byte %zu", at);

                if (utf16)
                        hv_diag_hint(d, diag, "this looks like UTF-16; save the file as UTF-8");
                return false;
        }
        for (at = 0; at < len; at++) {
                if (is_control((unsigned char) text[at])) {
                        hv_diag_error_pos(
                                d, pos_of(file, text, at), 0, "E0002", "%s at byte %zu",
                                text[at] ? hv_diag_text(d, "control character 0x%02x", (unsigned) text[at])
                                         : "NUL",
                                at);
                        return false;
                }
                if (at > 0 && len - at >= 3 && memcmp(text + at, "\xef\xbb\xbf", 3) == 0) {
                        hv_diag_hint(d,
                                     hv_diag_error_pos(
                                             d, pos_of(file, text, at), 0, "E0002",
                                             "byte order mark in the middle of the file, at byte %zu", at),
                                     "remove it; it often comes from joining two files");
                        return false;
                }
        }
        return true;
}

struct wording {
        const char *context, *problem; /* NULL: any */
        const char *text;              /* ending in "at": the place where the context began follows */
        const char *hint;
};

static const struct wording wordings[] = {
        { "while parsing a flow sequence", NULL, "expected ',' or ']' in the list that starts at", NULL },
        { "while parsing a flow mapping", NULL, "expected ',' or '}' in the mapping that starts at", NULL },
        { "while parsing a block mapping", NULL, "expected a key of the mapping that starts at",
          "check the indentation of this line" },
        { "while parsing a block collection", NULL, "expected '-' of the list that starts at",
          "check the indentation of this line" },
        { "while scanning a quoted scalar", "found unexpected end of stream",
          "the quoted text that starts here is not closed", NULL },
        { "while scanning a quoted scalar", "found unexpected document indicator",
          "the quoted text that starts here is not closed", NULL },
        { "while parsing a quoted scalar", "found unknown escape character",
          "unknown escape in double quotes", "write \\\\ for a backslash, or use single quotes" },
        { "while scanning a simple key", NULL, "expected ':' after the key that starts at", NULL },
        { "while scanning an alias", NULL, "a name must follow '*'",
          "quote the value if the '*' is part of it" },
        { "while scanning an anchor", NULL, "a name must follow '&'",
          "quote the value if the '&' is part of it" },
        { "while scanning for the next token", NULL, "this character cannot start a value",
          "put the value in quotes" },
        { "while scanning a block scalar", NULL, "expected text after '|' or '>' on the next line, indented",
          NULL },
        { NULL, "mapping values are not allowed in this context", "a ':' is not allowed here",
          "quote the value if the ':' is part of it, or check the indentation" },
        { NULL, "block sequence entries are not allowed in this context", "a list item is not allowed here",
          "start the list on a line of its own, or check the indentation" },
        { NULL, "did not find expected <document start>", "expected '---' or the end of the file",
          "check the indentation of this line" },
        { NULL, "did not find expected <stream-start>", "expected a document", NULL },
};

/* The tab among the white space that a line begins with, from `line_start` up to the place of the error. */
static bool find_tab(const char *text, size_t len, unsigned line, unsigned *ret_column) {
        size_t i = 0;

        for (; line > 1 && i < len; i++)
                if (text[i] == '\n')
                        line--;
        for (size_t start = i; i < len && (text[i] == ' ' || text[i] == '\t' || text[i] == '-'); i++)
                if (text[i] == '\t') {
                        *ret_column = (unsigned) (i - start) + 1;
                        return true;
                }
        return false;
}

static const struct wording *wording_of(const yaml_parser_t *p) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(wordings); i++) {
                const struct wording *w = &wordings[i];

                if ((!w->context || (p->context && hv_streq(p->context, w->context))) &&
                    (!w->problem || (p->problem && hv_streq(p->problem, w->problem))))
                        return w;
        }
        return NULL;
}

void hv_yaml_report(const yaml_parser_t *p, struct hv_diags *d, unsigned file, const char *text, size_t len) {
        const struct wording *w = wording_of(p);
        struct hv_pos at = hv_yaml_pos(file, &p->problem_mark);
        const char *problem = p->problem ? p->problem : "cannot be read";
        struct hv_diag *diag;
        unsigned column;

        if (p->error == YAML_MEMORY_ERROR)
                hv_out_of_memory(0);
        if (p->error == YAML_READER_ERROR) {
                at = pos_of(file, text, HV_MIN(p->problem_offset, len));
                hv_diag_error_pos(d, at, 0, "E0002", "%s at byte %zu", problem, p->problem_offset);
                return;
        }
        if (find_tab(text, len, at.line, &column)) {
                at.column = column;
                hv_diag_error_pos(d, at, 0, "E0004", "tab character in indentation; use spaces");
                return;
        }
        if (strstr(problem, "undefined tag handle") || (p->context && strstr(p->context, "a tag"))) {
                hv_diag_error_pos(d, at, 0, "E0008", "tags are not supported");
                return;
        }
        if (w && strstr(w->text, "starts here"))
                at = hv_yaml_pos(file, &p->context_mark);
        if (w) {
                size_t n = strlen(w->text);

                if (n > 3 && hv_streq(w->text + n - 3, " at"))
                        diag = hv_diag_error_pos(d, at, 0, "E0005", "%s %zu:%zu", w->text,
                                                 p->context_mark.line + 1, p->context_mark.column + 1);
                else
                        diag = hv_diag_error_pos(d, at, 0, "E0005", "%s", w->text);
                if (w->hint)
                        hv_diag_hint(d, diag, "%s", w->hint);
                return;
        }
        hv_diag_error_pos(d, at, 0, "E0005", "%s%s%s", problem, p->context ? " " : "",
                          p->context ? p->context : "");
}
