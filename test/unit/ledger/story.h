/* story.h - one history with every kind of change in it, step by step; and a ledger told as text through its own API.
 *
 * The golden ledgers of test/state/ hold this history, and the fault tests cut it short at every place. Every step changes
 * something. A story that is released is only ever added to at its end.
 */
#pragma once

#include "ledger/ledger.h"

extern const unsigned n_story_steps;

/* Does one step: >= 0 when it is done. */
int story_step(struct hv_ledger *l, unsigned step, struct hv_err *err);

/* Everything that the API gives back. Caller frees. */
char *story_tell(struct hv_ledger *l);
