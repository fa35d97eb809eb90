/* spec/node_json.c - a tree as JSON that YAML reads alike; see node.h.
 *
 * The two differ where a text holds characters that YAML does not print (C1 controls) or takes for the end of a line
 * (U+0085, U+2028, U+2029): those are escaped, as JSON allows. YAML 1.1, sections 5.1 and 5.4; RFC 8259. */
#include "base/buf.h"
#include "spec/node.h"

#define DIGITS_MAX 15 /* what a double holds exactly */

/* [-] digits [. digits], without a leading zero and short enough for any reader. */
static bool is_json_number(const char *s) {
        const char *p = s + (*s == '-');
        size_t digits = strspn(p, "0123456789"), fraction = 0;

        if (digits == 0 || (*p == '0' && digits > 1))
                return false;
        p += digits;
        if (*p == '.') {
                fraction = strspn(++p, "0123456789");
                if (fraction == 0)
                        return false;
        }
        return !p[fraction] && digits + fraction <= DIGITS_MAX;
}

/* One character of UTF-8; what is none counts as one byte, U+FFFD. */
static unsigned decode(const unsigned char *p, size_t *ret_len) {
        static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        size_t len = *p < 0x80 ? 1 : *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
        unsigned c = len == 1 ? *p : *p & (0x7fu >> len);

        *ret_len = 1;
        if (len == 1)
                return c;
        for (size_t i = 1; i < len; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0xfffd;
                c = c << 6 | (p[i] & 0x3fu);
        }
        if (*p < 0xc2 || *p > 0xf4 || c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0xfffd;
        *ret_len = len;
        return c;
}

static bool is_printable(unsigned c) {
        if (c < 0x20 || (c >= 0x7f && c < 0xa0))
                return false;
        return c != 0x2028 && c != 0x2029 && c != 0xfeff && c != 0xfffe && c != 0xffff;
}

static void put_text(const char *text, struct hv_buf *b) {
        const unsigned char *p = (const unsigned char *) text;
        size_t len;

        hv_buf_putc(b, '"');
        for (; *p; p += len) {
                unsigned c = decode(p, &len);

                if (c == '"' || c == '\\')
                        hv_buf_printf(b, "\\%c", (char) c);
                else if (c == '\n')
                        hv_buf_puts(b, "\\n");
                else if (c == '\t')
                        hv_buf_puts(b, "\\t");
                else if (!is_printable(c) || (c == 0xfffd && len == 1))
                        hv_buf_printf(b, "\\u%04x", c);
                else
                        hv_buf_add(b, p, len);
        }
        hv_buf_putc(b, '"');
}

static void put_scalar(const struct hv_node *n, struct hv_buf *b) {
        bool bare = !n->quoted &&
                    (is_json_number(n->text) || hv_streq(n->text, "true") || hv_streq(n->text, "false"));

        if (bare)
                hv_buf_puts(b, n->text);
        else
                put_text(n->text, b);
}

void hv_node_write_json(const struct hv_node *n, struct hv_buf *b) {
        switch (n->type) {
        case HV_NODE_NULL:
                hv_buf_puts(b, "null");
                break;
        case HV_NODE_SCALAR:
                put_scalar(n, b);
                break;
        case HV_NODE_SEQUENCE:
                hv_buf_putc(b, '[');
                for (size_t i = 0; i < n->n; i++) {
                        hv_buf_puts(b, i ? ", " : "");
                        hv_node_write_json(n->items[i], b);
                }
                hv_buf_putc(b, ']');
                break;
        case HV_NODE_MAPPING:
                hv_buf_putc(b, '{');
                for (size_t i = 0; i < n->n; i++) {
                        hv_buf_puts(b, i ? ", " : "");
                        put_text(n->pairs[i].key->text, b);
                        hv_buf_puts(b, ": ");
                        hv_node_write_json(n->pairs[i].value, b);
                }
                hv_buf_putc(b, '}');
                break;
        }
}
