/* spec/gpu_select.c - see gpu_select.h. All GPUs that hivelet knows of are NVIDIA's. */
#include "spec/gpu_select.h"

#include <string.h>

static bool begins(const char *text, const char *with) {
        return strncmp(text, with, strlen(with)) == 0;
}

bool hv_gpu_is_like(const struct hv_gpu_selector *s, const char *uuid, const char *name,
                    uint64_t memory_bytes) {
        return (!s->vendor || strncasecmp(s->vendor, "nvidia", strlen("nvidia")) == 0) &&
               (!s->model || strcasestr(name, s->model)) && (!s->uuid || begins(uuid, s->uuid)) &&
               memory_bytes >= s->min_memory_bytes;
}
