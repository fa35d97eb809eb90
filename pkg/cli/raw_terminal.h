/* cli/raw_terminal.h - the terminal of this process, handed to a program elsewhere.
 *
 * Raw means that every key is a byte: Ctrl-C, too. Whatever ends this program by hv_raw_terminal_end() or by exit() gives the
 * terminal back as it was; signals that would end it are for the caller to wait for.
 */
#pragma once

#include "base/macros.h"

void hv_raw_terminal_begin(int fd); /* nothing where it is no terminal */
void hv_raw_terminal_end(void);     /* nothing where it is not raw */

/* False: it is no terminal, or does not say. */
bool hv_terminal_size(int fd, unsigned *ret_rows, unsigned *ret_columns);
