/* cli/log_lines.h - a log on standard output: whole lines only, so that lines of several logs do not mix and no character is
 * cut in two; on a terminal control characters are shown as escapes. */
#pragma once

#include "cli/cli_internal.h"

struct hv_log_lines {
        struct hv_cli *cli;
        const char *name; /* NULL: nothing stands before a line */
        unsigned replica;
        struct hv_buf line; /* what came of a line that has not ended yet */
};

void hv_log_lines_add(struct hv_log_lines *l, const char *data, size_t len);
void hv_log_lines_end(struct hv_log_lines *l); /* what is left of a line */
void hv_log_lines_done(struct hv_log_lines *l);
