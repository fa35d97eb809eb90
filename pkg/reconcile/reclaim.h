/* reconcile/reclaim.h - what was last said about a volume's data. Private to pkg/reconcile.
 *
 * Model    The last declaration of a volume decides whether it is deleted when no revision wants it any more. Its
 *          label cannot: an engine never changes one, so it says what the first declaration said. What was said is
 *          learnt from each revision that becomes active, and after a restart from the shell, which keeps the last
 *          revisions (HV_INPUT_REMEMBER). A volume of which nothing is known is kept.
 */
#pragma once

#include "reconcile/state.h"

enum reclaim {
        RECLAIM_UNKNOWN,
        RECLAIM_RETAIN,
        RECLAIM_DELETE,
};

void hv_reclaim_declare(struct hv_core *c, const struct hv_desired *d); /* d becomes active */
void hv_reclaim_remember(struct hv_core *c, const struct hv_volume_word *words, size_t n);
enum reclaim hv_reclaim_of(const struct hv_core *c, const char *volume);

/* The volume goes when nobody wants it. */
bool hv_reclaim_is_delete(const struct hv_core *c, const struct item *volume);
