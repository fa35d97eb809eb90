/* pool/hivemind_text.h - what a task printed, as a pool of dialect hivemind takes it.
 *
 * Rules    That pool puts a newline behind each piece, so a piece is whole lines wherever it can be. A byte that is not part
 *          of well-formed UTF-8 ends the call with the very words of a token that is not taken (SEEN), so none is sent. Of a
 *          log it shows the last 10,240 characters and forgets the rest.
 * Pure     no clock, no wire.
 */
#pragma once

#include "base/arena.h"

#define HIVEMIND_SHOWN_BYTES 40960 /* 10,240 characters of four bytes */

/* How many of the bytes go into the next piece: up to the last newline, or where there is none up to the last whole
 * character. At least one of any. `is_last`: nothing follows, all of them. */
size_t hivemind_text_take(const char *data, size_t len, bool is_last);

/* Without the newline at the end; U+FFFD in place of each NUL and of each byte that is no UTF-8. */
const char *hivemind_text_valid(const char *data, size_t len, struct hv_arena *arena);
