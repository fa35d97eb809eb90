/* task/input_notes.h - what the inputs of an attempt were, kept beside its workspace until its receipt is written.
 *
 *      <work>/<id>/<attempt>/inputs.json: [{"path":"main.py","sha256":"...","size":9}]
 */
#pragma once

#include "task/prepare.h"

struct hv_arena;
struct hv_receipt_input;

/* Blocks: for the worker. */
int hv_input_notes_write(int attempt_fd, const struct hv_task *task, const struct hv_prepared_input *inputs,
                         struct hv_err *err);

/* A small file, good for the loop. False: it is not known. Texts in `a`. */
bool hv_input_notes_read(const char *work_root, const struct hv_attempt *attempt, struct hv_arena *a,
                         const struct hv_receipt_input **ret, size_t *ret_n);
