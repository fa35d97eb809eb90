#include "json/yaml.h"

#include <strings.h>

#include "base/text.h"
#include "json/json.h"
#include "json/write.h"

static void indent(struct hv_buf *buf, unsigned depth) {
        for (unsigned i = 0; i < depth; i++)
                hv_buf_puts(buf, "  ");
}

static bool is_container(const struct hv_json *j) {
        return hv_json_type(j) == HV_JSON_OBJECT || hv_json_type(j) == HV_JSON_ARRAY;
}

static void put_scalar(struct hv_buf *buf, const struct hv_json *j) {
        struct hv_json_writer w = { .buf = buf };

        hv_json_put_json(&w, NULL, j);
}

/* Words that some reader takes for something other than text. */
static bool is_special_word(const char *text) {
        static const char *const words[] = { "true", "false", "yes", "no",  "on",   "off",  "y",
                                             "n",    "null",  "~",   "nan", ".nan", ".inf", "=" };

        for (size_t i = 0; i < HV_ARRAY_SIZE(words); i++) {
                if (strcasecmp(text, words[i]) == 0)
                        return true;
        }
        return false;
}

/* Plain means: begins with a letter or a slash, holds letters, digits and a few signs that mean nothing in any
 * place of a plain scalar, and is no special word. When in doubt, quotes. */
static bool is_plain(const char *text) {
        if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || *text == '/' ||
              *text == '_'))
                return false;
        for (const char *p = text; *p; p++) {
                bool safe = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                            (*p >= '0' && *p <= '9') || strchr("/_-.@+", *p) ||
                            ((*p == ' ' || *p == ':') && p[1] && p[1] != ' ' && p[1] != '#');

                if (!safe)
                        return false;
        }
        return !is_special_word(text);
}

/* A block keeps its lines as they are: no control characters, no lines that begin or end with blanks, and exactly
 * one line end at the end. */
static bool is_block(const char *text) {
        size_t len = strlen(text);

        if (len < 2 || text[len - 1] != '\n' || text[len - 2] == '\n' || *text == ' ' || *text == '\n' ||
            !strchr(text, '\n'))
                return false;
        for (size_t i = 0; i < len;) {
                struct hv_character c = hv_text_character(text + i, len - i);

                if (!c.is_shown && c.code != '\n')
                        return false;
                if (c.code == ' ' && text[i + 1] == '\n')
                        return false;
                i += c.len;
        }
        return true;
}

/* JSON's escapes are YAML's too, but some readers of YAML end a line at NEL, LS or PS: what cannot be seen is
 * escaped here. */
static void put_quoted(struct hv_buf *buf, const char *text) {
        hv_buf_putc(buf, '"');
        for (size_t i = 0, len = strlen(text); i < len;) {
                struct hv_character c = hv_text_character(text + i, len - i);

                if (c.code == '\n')
                        hv_buf_puts(buf, "\\n");
                else if (c.code == '"' || c.code == '\\')
                        hv_buf_printf(buf, "\\%c", (char) c.code);
                else if (c.is_shown)
                        hv_buf_add(buf, text + i, c.len);
                else
                        hv_buf_printf(buf, c.code <= 0xffff ? "\\u%04x" : "\\U%08x", (unsigned) c.code);
                i += c.len;
        }
        hv_buf_putc(buf, '"');
}

static void put_text(struct hv_buf *buf, const char *text, unsigned depth) {
        if (is_plain(text))
                hv_buf_puts(buf, text);
        else if (is_block(text)) {
                hv_buf_putc(buf, '|');
                for (const char *line = text, *end; *line; line = end + 1) {
                        end = strchr(line, '\n');
                        hv_buf_putc(buf, '\n');
                        if (end > line)
                                indent(buf, depth);
                        hv_buf_add(buf, line, (size_t) (end - line));
                }
        } else
                put_quoted(buf, text);
}

static void put(struct hv_buf *buf, const struct hv_json *j, unsigned depth, bool after_dash);

/* What follows "key:" or "-". */
static void put_value(struct hv_buf *buf, const struct hv_json *j, unsigned depth, bool after_dash) {
        if (is_container(j) && hv_json_size(j) > 0) {
                hv_buf_putc(buf, after_dash ? ' ' : '\n');
                put(buf, j, depth, after_dash);
                return;
        }
        hv_buf_putc(buf, ' ');
        if (hv_json_type(j) == HV_JSON_STR)
                put_text(buf, hv_json_as_str(j), depth);
        else
                put_scalar(buf, j);
        hv_buf_putc(buf, '\n');
}

/* A collection that is not empty; after_dash: its first line is begun already. */
static void put(struct hv_buf *buf, const struct hv_json *j, unsigned depth, bool after_dash) {
        const struct hv_json *value;
        const char *key;
        void *it = NULL;

        if (hv_json_type(j) == HV_JSON_ARRAY) {
                for (size_t i = 0; i < hv_json_size(j); i++) {
                        if (i > 0 || !after_dash)
                                indent(buf, depth);
                        hv_buf_putc(buf, '-');
                        put_value(buf, hv_json_at(j, i), depth + 1, true);
                }
                return;
        }
        for (size_t i = 0; hv_json_next(j, &it, &key, &value); i++) {
                if (i > 0 || !after_dash)
                        indent(buf, depth);
                if (is_plain(key))
                        hv_buf_puts(buf, key);
                else
                        put_quoted(buf, key);
                hv_buf_putc(buf, ':');
                put_value(buf, value, depth + 1, false);
        }
}

void hv_json_write_yaml(const struct hv_json *j, struct hv_buf *ret) {
        if (is_container(j) && hv_json_size(j) > 0) {
                put(ret, j, 0, false);
                return;
        }
        if (hv_json_type(j) == HV_JSON_STR)
                put_text(ret, hv_json_as_str(j), 1);
        else
                put_scalar(ret, j);
        hv_buf_putc(ret, '\n');
}
