/* gpu/gpu.c - see gpu.h. */
#include "gpu/gpu.h"

#include <errno.h>
#include <stdio.h>

#include "json/json.h"
#include "json/write.h"

#define LINE_MAX_BYTES ((size_t) 1 << 20) /* 64 GPUs with 64 processes each take a quarter of it */

static const char *const states[] = {
        [HV_GPU_WORKS] = "works", [HV_GPU_LOST] = "lost", [HV_GPU_MIG] = "mig"
};

static void put_gpu(struct hv_json_writer *w, const struct hv_gpu *g) {
        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "uuid", g->uuid);
        hv_json_put_str(w, "name", g->name);
        if (*g->parent)
                hv_json_put_str(w, "parent", g->parent);
        hv_json_put_str(w, "state", states[g->state]);
        hv_json_put_int(w, "minor", g->minor);
        hv_json_put_uint(w, "memory", g->memory_bytes);
        hv_json_put_int(w, "memoryUsed", g->memory_used_bytes);
        hv_json_put_int(w, "use", g->use_percent);
        hv_json_put_int(w, "temperature", g->temperature_c);
        hv_json_put_int(w, "slowdown", g->slowdown_c);
        hv_json_put_uint(w, "nProcesses", g->n_processes);
        if (g->processes_are_listed) {
                hv_json_begin_array(w, "processes");
                for (size_t i = 0; i < g->n_processes; i++) {
                        hv_json_put_int(w, NULL, g->processes[i].pid);
                        hv_json_put_int(w, NULL, g->processes[i].memory_bytes);
                        hv_json_put_int(w, NULL, g->processes[i].use_percent);
                }
                hv_json_end(w);
        }
        hv_json_end(w);
}

void hv_gpus_write(const struct hv_gpus *gpus, struct hv_buf *buf) {
        struct hv_json_writer w = { .buf = buf };

        hv_json_begin_object(&w, NULL);
        if (!gpus->is_known)
                hv_json_put_str(&w, "error", gpus->problem);
        else if (!*gpus->driver)
                hv_json_put_bool(&w, "absent", true);
        else {
                hv_json_put_str(&w, "driver", gpus->driver);
                hv_json_begin_array(&w, "gpus");
                for (size_t i = 0; i < gpus->n; i++)
                        put_gpu(&w, &gpus->v[i]);
                hv_json_end(&w);
        }
        hv_json_end(&w);
}

static void copy(char *to, size_t size, const char *text) {
        (void) snprintf(to, size, "%s", text ? text : "");
}

/* Three numbers for each. More than there is room for are none. */
static void parse_processes(const struct hv_json *list, struct hv_gpu *g) {
        g->processes_are_listed = hv_json_type(list) == HV_JSON_ARRAY &&
                                  g->n_processes <= HV_GPU_PROCESSES_MAX &&
                                  hv_json_size(list) == (size_t) 3 * g->n_processes;
        for (size_t i = 0; g->processes_are_listed && i < g->n_processes; i++)
                g->processes[i] = (struct hv_gpu_process){
                        .pid = (int) hv_json_as_int(hv_json_at(list, 3 * i), 0),
                        .memory_bytes = hv_json_as_int(hv_json_at(list, 3 * i + 1), -1),
                        .use_percent = (int) hv_json_as_int(hv_json_at(list, 3 * i + 2), -1),
                };
}

static int parse_gpu(const struct hv_json *j, struct hv_gpu *g, struct hv_err *err) {
        const char *state = hv_json_str(j, "state");
        size_t k;

        for (k = 0; k < HV_ARRAY_SIZE(states) && !hv_streq(state, states[k]);)
                k++;
        if (k == HV_ARRAY_SIZE(states))
                return hv_err_set(err, -EBADMSG,
                                  "a GPU is in the state \"%s\", which is none of works, lost and mig",
                                  state ? state : "");
        *g = (struct hv_gpu){ .state = (enum hv_gpu_state) k };
        copy(g->uuid, sizeof g->uuid, hv_json_str(j, "uuid"));
        copy(g->name, sizeof g->name, hv_json_str(j, "name"));
        copy(g->parent, sizeof g->parent, hv_json_str(j, "parent"));
        g->minor = (int) hv_json_int(j, "minor", -1);
        g->memory_bytes = (uint64_t) HV_MAX(hv_json_int(j, "memory", 0), 0);
        g->memory_used_bytes = hv_json_int(j, "memoryUsed", -1);
        g->use_percent = (int) hv_json_int(j, "use", -1);
        g->temperature_c = (int) hv_json_int(j, "temperature", -1);
        g->slowdown_c = (int) hv_json_int(j, "slowdown", -1);
        g->n_processes = (unsigned) HV_MAX(hv_json_int(j, "nProcesses", 0), 0);
        parse_processes(hv_json_get(j, "processes"), g);
        return 0;
}

int hv_gpus_parse(const char *line, size_t len, struct hv_gpus *ret, struct hv_err *err) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        const struct hv_json *list;
        const char *problem;
        int r = hv_json_parse(line, len, LINE_MAX_BYTES, &j, err);

        if (r < 0)
                return hv_err_set(err, -EBADMSG, "the GPU helper's answer is not JSON");
        memset(ret, 0, sizeof *ret);
        problem = hv_json_str(j, "error");
        list = hv_json_get(j, "gpus");
        if (problem) {
                copy(ret->problem, sizeof ret->problem, problem);
                return 0;
        }
        if (hv_json_type(list) != HV_JSON_ARRAY && !hv_json_bool(j, "absent", false))
                return hv_err_set(err, -EBADMSG,
                                  "the GPU helper's answer has neither gpus, absent nor error");
        copy(ret->driver, sizeof ret->driver, hv_json_str(j, "driver"));
        for (; ret->n < HV_GPUS_MAX && ret->n < hv_json_size(list); ret->n++) {
                r = parse_gpu(hv_json_at(list, ret->n), &ret->v[ret->n], err);
                if (r < 0)
                        return r;
        }
        ret->is_known = true;
        return 0;
}

const struct hv_gpu *hv_gpus_find(const struct hv_gpus *gpus, const char *uuid) {
        for (size_t i = 0; gpus && uuid && i < gpus->n; i++)
                if (hv_streq(gpus->v[i].uuid, uuid))
                        return &gpus->v[i];
        return NULL;
}
