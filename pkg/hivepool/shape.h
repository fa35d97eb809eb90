/* hivepool/shape.h - what a task asks for and what a node has, read out of the messages in which they were sent.
 *
 * Model    Pure. The message itself is what the store keeps (spec of a task, registration of a node); the schedule's view of it
 *          is made anew from it, so that nothing is kept twice. Everything a peer writes is checked here: numbers are finite,
 *          not negative and bounded, texts are UTF-8 without control characters.
 *          What is asked for is rounded up, what there is is rounded down.
 * Errors   -EBADMSG no such message, -EINVAL a value that cannot be; err names the field.
 */
#pragma once

#include "base/arena.h"
#include "hivepool/pool.h"

int hv_shape_task(enum hv_store_dialect dialect, const void *spec, size_t len, struct hv_arena *arena,
                  struct hv_hivepool_wish *ret, struct hv_err *err);
int hv_shape_node(enum hv_store_dialect dialect, const void *said, size_t len, struct hv_arena *arena,
                  struct hv_hivepool_node *ret, struct hv_err *err);

/* "low", "medium", "high"; "" and NULL are low. */
bool hv_shape_trust(const char *word, enum hv_trust_group *ret);
const char *hv_shape_trust_name(enum hv_trust_group group);

/* Amounts as messages carry them. `what` names the field in err. */
struct hv_shape_amounts {
        double cpus, memory_gb, disk_gb, gpus, gpu_memory_gb;
};
int hv_shape_room(const struct hv_shape_amounts *a, bool up, struct hv_room *ret, struct hv_err *err);
