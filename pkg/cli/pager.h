/* cli/pager.h - long output through $PAGER, on a terminal.
 *
 * Model    Standard output becomes a pipe to the program that $HIVELET_PAGER or $PAGER names (words, no shell), which ends by itself where
 *          all fits on one screen (LESS=FRX, unless it is set). Nothing is done where neither is set, or "cat" is.
 */
#pragma once

#include <sys/types.h>

#include "base/macros.h"

/* > 0: it runs, and hv_pager_end() is due; 0: there is none. */
pid_t hv_pager_begin(void);
void hv_pager_end(pid_t pager); /* sends what is left, waits until it was read */
