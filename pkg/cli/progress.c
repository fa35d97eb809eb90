/* cli/progress.c - see progress.h. */
#include "cli/progress.h"

#include "cli/terminal.h"

void hv_progress_clear(struct hv_progress *p) {
        if (p->is_drawn)
                (void) fputs("\r\033[K", stderr);
        p->is_drawn = false;
}

void hv_progress_show(struct hv_progress *p, const char *text, size_t len) {
        _hv_cleanup_(hv_buf_done) struct hv_buf safe = {};

        if (!p->cli->err_is_tty || hv_option_is_given(&p->cli->options, HV_OPT_QUIET))
                return;
        hv_progress_clear(p);
        hv_terminal_escape(&safe, text, len);
        /* A line that wraps could not be cleared again. */
        (void) fprintf(stderr, "%.*s", (int) p->cli->width - 1, hv_buf_str(&safe));
        (void) fflush(stderr);
        p->is_drawn = true;
}
