/* hivepool/task_file.h - a task written down: YAML or JSON with the fields of nodepool.Task (api/nodepool/v1.proto).
 *
 *      docker_image: busybox
 *      command: sh -c 'wc -c data.txt > out/size'
 *      required_resources: {cpu: 0.5, memory_gb: 0.25}
 *      input_files: {data.txt: ./data.txt}          name: path, from the folder of the file
 *
 * Model    The message's own description is the schema: a field of the proto is a field of the file, and nothing else is.
 */
#pragma once

#include <nodepool_v1.pb-c.h>

#include "base/arena.h"
#include "base/err.h"

struct task_input {
        const char *name, *path;
};

struct task_file {
        V1__Task *task; /* without input_files */
        const struct task_input *inputs;
        size_t n_inputs;
};

/* path "-": standard input. Errors name file, line and field. */
int task_file_read(const char *path, struct hv_arena *arena, struct task_file *ret, struct hv_err *err);
