/* cli/terminal.h - where text ends up: width, colour, and no control bytes.
 *
 * Model    Names, messages and log lines come from outside. On a terminal, whatever could move the cursor,
 *          hide text or change its direction is shown as an escape ("\x1b", "\u{202e}"); into a pipe bytes
 *          go as they are.
 */
#pragma once

#include "base/buf.h"
#include "cli/option.h"

/* Columns: $COLUMNS, else the terminal's, else 80. */
unsigned hv_terminal_width(int fd);

/* NO_COLOR, CLICOLOR_FORCE, TERM=dumb (no-color.org, bixense.com/clicolors), then whether it is a terminal. */
bool hv_terminal_has_color(enum hv_color_mode mode, bool is_tty);

/* Appends text with everything unsafe escaped; line ends and tabs stay. */
void hv_terminal_escape(struct hv_buf *buf, const char *text, size_t len);

/* Text for standard output: escaped when `is_tty`. */
void hv_terminal_puts(struct hv_buf *buf, bool is_tty, const char *text);
