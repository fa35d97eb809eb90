/* pool/hivemind_document.h - an ExecuteTask as a Task document.
 *
 *      {task_id, scores, zip} --> type: hivemind, inputs: [{path: ., inbox: <sha256>, unpack: true}], outputs: {paths: [.]}
 *
 * Model    A translation, as document.h. How such a task is started stands in config/task-types.d/hivemind.yaml.
 * Units    a score of 100 is one core; memory is whole GiB. Floors (half a GiB, a tenth of a core) are the deployed workers'.
 * Pure     no clock, no file, no wire.
 */
#pragma once

#include <nodepool_hivemind.pb-c.h>

#include "base/arena.h"
#include "base/err.h"
#include "pool/pool.h"

/* What can be said before its zip is there. -EINVAL: refused for good, with a sentence about the field. */
int hivemind_document_check(const Hivemind__ExecuteTaskRequest *m, size_t zip_len, struct hv_err *err);

/* Of what was checked. *ret borrows from the message and the arena. */
void hivemind_document(const Hivemind__ExecuteTaskRequest *m, const char *zip_sha256, struct hv_arena *arena,
                       struct hv_pool_assignment *ret);
