/* task/task_json.c - see task_json.h. */
#include "task/task_json.h"

#include "json/json.h"
#include "json/write.h"

#define NANO_PER_CPU 1e9

static void put_type(struct hv_json_writer *w, const struct hv_task *task) {
        _hv_cleanup_(hv_json_freep) struct hv_json *parameters = NULL;

        hv_json_put_str(w, "type", task->type);
        if (task->parameters)
                (void) hv_json_parse(task->parameters, strlen(task->parameters), HV_JSON_MAX_BYTES,
                                     &parameters, NULL);
        if (parameters)
                hv_json_put_json(w, "parameters", parameters);
        else
                hv_json_put_null(w, "parameters");
}

static void put_resources(struct hv_json_writer *w, const struct hv_booking *b) {
        hv_json_begin_object(w, "resources");
        hv_json_put_real(w, "cpu", (double) b->nano_cpus / NANO_PER_CPU);
        hv_json_put_uint(w, "memoryBytes", b->memory_bytes);
        hv_json_put_uint(w, "diskBytes", b->disk_bytes);
        hv_json_put_uint(w, "gpus", b->n_gpus);
        hv_json_put_uint(w, "gpuMemoryBytes", b->gpu_memory_bytes);
        hv_json_end(w);
}

void hv_task_json(const struct hv_task *task, unsigned attempt, struct hv_buf *ret) {
        struct hv_json_writer w = { .buf = ret };

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "id", task->id);
        hv_json_put_str(&w, "name", task->name);
        hv_json_put_uint(&w, "attempt", attempt);
        put_type(&w, task);
        hv_json_begin_array(&w, "inputs");
        for (size_t i = 0; i < task->n_inputs; i++)
                hv_json_put_str(&w, NULL, task->inputs[i].path);
        hv_json_end(&w);
        put_resources(&w, &task->booking);
        hv_json_end(&w);
        hv_buf_putc(ret, '\n');
}
