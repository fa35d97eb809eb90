#include "cli/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/parse.h"
#include "base/text.h"

#define WIDTH_DEFAULT 80

unsigned hv_terminal_width(int fd) {
        const char *columns = getenv("COLUMNS");
        struct winsize size;
        uint64_t n;

        if (columns && hv_parse_uint(columns, 20, 10000, &n))
                return (unsigned) n;
        if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                return size.ws_col;
        return WIDTH_DEFAULT;
}

bool hv_terminal_has_color(enum hv_color_mode mode, bool is_tty) {
        const char *force = getenv("CLICOLOR_FORCE");

        if (mode != HV_COLOR_AUTO)
                return mode == HV_COLOR_ALWAYS;
        if (!hv_str_empty(getenv("NO_COLOR")))
                return false;
        if (!hv_str_empty(force) && !hv_streq(force, "0"))
                return true;
        return is_tty && !hv_streq(getenv("TERM"), "dumb");
}

void hv_terminal_escape(struct hv_buf *buf, const char *text, size_t len) {
        for (size_t i = 0; i < len;) {
                struct hv_character c = hv_text_character(text + i, len - i);

                if (c.is_shown || c.code == '\n' || c.code == '\t')
                        hv_buf_add(buf, text + i, c.len);
                else if (!c.is_valid || c.code < 0x80)
                        hv_buf_printf(buf, "\\x%02x", (unsigned) c.code);
                else
                        hv_buf_printf(buf, "\\u{%x}", (unsigned) c.code);
                i += c.len;
        }
}

void hv_terminal_puts(struct hv_buf *buf, bool is_tty, const char *text) {
        if (is_tty)
                hv_terminal_escape(buf, text, strlen(text));
        else
                hv_buf_puts(buf, text);
}
