/* task/task_json.h - what a task may know of itself: the documented task.json in its working directory.
 *
 *      {"id":"prime-1","name":"prime","attempt":1,"type":"python","parameters":{"n":100},
 *       "inputs":["main.py"],"resources":{"cpu":1,"memoryBytes":1073741824,"diskBytes":0,"gpus":0,"gpuMemoryBytes":0}}
 *
 * `type` is the task type that it was made from, `parameters` what is handed on of its parameters (spec/task_type.h); null
 * where it has none. Nothing secret is in it: inputs are
 * named by their paths only.
 */
#pragma once

#include "base/buf.h"
#include "spec/task.h"

#define HV_TASK_JSON_FILE "task.json"

void hv_task_json(const struct hv_task *task, unsigned attempt, struct hv_buf *ret);
