/* cli/progress.h - one line on the terminal that is drawn over and over: how far something is.
 *
 * Model    On standard error, and only where it is a terminal and nobody asked for --quiet. Cleared before anything else is written.
 */
#pragma once

#include "cli/cli_internal.h"

struct hv_progress {
        const struct hv_cli *cli;
        bool is_drawn;
};

void hv_progress_show(struct hv_progress *p, const char *text, size_t len);
void hv_progress_clear(struct hv_progress *p);
