#include "cli/log_lines.h"

#include "cli/terminal.h"

#define LINE_MAX_BYTES ((size_t) 64 << 10) /* a longer line is printed in parts */

static void print_line(struct hv_log_lines *l, bool ended) {
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};

        if (l->name)
                hv_buf_printf(&out, "%s/%u | ", l->name, l->replica);
        if (l->cli->out_is_tty) {
                size_t len = l->line.len;

                if (len > 0 && l->line.data[len - 1] == '\r')
                        len--;
                hv_terminal_escape(&out, hv_buf_str(&l->line), len);
        } else
                hv_buf_add(&out, hv_buf_str(&l->line), l->line.len);
        if (ended)
                hv_buf_putc(&out, '\n');
        (void) fwrite(hv_buf_str(&out), 1, out.len, stdout);
        hv_buf_clear(&l->line);
}

void hv_log_lines_add(struct hv_log_lines *l, const char *data, size_t len) {
        while (len > 0) {
                const char *end = memchr(data, '\n', len);
                size_t n = end ? (size_t) (end - data) : len;

                hv_buf_add(&l->line, data, n);
                if (end || l->line.len > LINE_MAX_BYTES)
                        print_line(l, true);
                data += n + (end != NULL);
                len -= n + (end != NULL);
        }
        (void) fflush(stdout);
}

void hv_log_lines_end(struct hv_log_lines *l) {
        if (l->line.len > 0)
                print_line(l, l->name != NULL);
        (void) fflush(stdout);
}

void hv_log_lines_done(struct hv_log_lines *l) {
        hv_buf_done(&l->line);
}
