/* gpu/nvml.c - see nvml.h. */
#include "gpu/nvml.h"

#include <dlfcn.h>
#include <stdio.h>

#include "base/alloc.h"

#define LIBRARY "libnvidia-ml.so.1"

/* nvml.h of the driver: nvmlReturn_t. */
enum {
        NVML_SUCCESS = 0,
        NVML_ERROR_NOT_SUPPORTED = 3,
        NVML_ERROR_NOT_FOUND = 6,
        NVML_ERROR_INSUFFICIENT_SIZE = 7,
        NVML_ERROR_DRIVER_NOT_LOADED = 9,
        NVML_ERROR_GPU_IS_LOST = 15,
        NVML_ERROR_RESET_REQUIRED = 16,
};

#define NVML_TEMPERATURE_THRESHOLD_SLOWDOWN 1u /* nvmlTemperatureThresholds_t */

typedef struct nvml_device *nvml_device; /* opaque there, too */

struct nvml_memory { /* nvmlMemory_t */
        unsigned long long total, free, used;
};

struct nvml_utilization { /* nvmlUtilization_t */
        unsigned gpu, memory;
};

struct nvml_process { /* nvmlProcessInfo_t of GetComputeRunningProcesses_v3 */
        unsigned pid;
        unsigned long long memory; /* all ones: not known */
        unsigned gpu_instance, compute_instance;
};

struct nvml_process_use { /* nvmlProcessUtilizationSample_t */
        unsigned pid;
        unsigned long long at_us;
        unsigned sm, memory, encoder, decoder; /* percent */
};

struct calls {
        int (*init)(void);
        int (*shutdown)(void);
        const char *(*error_string)(int);
        int (*driver_version)(char *, unsigned);
        int (*count)(unsigned *);
        int (*handle)(unsigned, nvml_device *);
        int (*uuid)(nvml_device, char *, unsigned);
        int (*name)(nvml_device, char *, unsigned);
        int (*memory)(nvml_device, struct nvml_memory *);
        int (*minor)(nvml_device, unsigned *);
        /* what not every driver has */
        int (*utilization)(nvml_device, struct nvml_utilization *);
        int (*temperature)(nvml_device, unsigned sensor, unsigned *);
        int (*threshold)(nvml_device, unsigned which, unsigned *);
        int (*processes)(nvml_device, unsigned *, struct nvml_process *);
        int (*process_use)(nvml_device, struct nvml_process_use *, unsigned *, unsigned long long after_us);
        int (*mig_mode)(nvml_device, unsigned *current, unsigned *pending);
        int (*n_mig)(nvml_device, unsigned *);
        int (*mig_device)(nvml_device, unsigned index, nvml_device *);
};

struct hv_nvml {
        void *library;
        struct calls calls;
        bool is_greeted;
        /* As it was last seen at each index: one that is lost does not tell its own UUID any more. */
        struct hv_gpu last[HV_GPUS_MAX];
        struct hv_gpus before; /* all that was told the last time: what each was cut into */
        unsigned long long
                use_told_us[HV_GPUS_MAX]; /* how much of it its processes used was told until then */
};

static const struct {
        const char *name;
        size_t offset;
        bool is_needed;
} symbols[] = {
        { "nvmlInit_v2", offsetof(struct calls, init), true },
        { "nvmlShutdown", offsetof(struct calls, shutdown), true },
        { "nvmlErrorString", offsetof(struct calls, error_string), true },
        { "nvmlSystemGetDriverVersion", offsetof(struct calls, driver_version), true },
        { "nvmlDeviceGetCount_v2", offsetof(struct calls, count), true },
        { "nvmlDeviceGetHandleByIndex_v2", offsetof(struct calls, handle), true },
        { "nvmlDeviceGetUUID", offsetof(struct calls, uuid), true },
        { "nvmlDeviceGetName", offsetof(struct calls, name), true },
        { "nvmlDeviceGetMemoryInfo", offsetof(struct calls, memory), true },
        { "nvmlDeviceGetMinorNumber", offsetof(struct calls, minor), true },
        { "nvmlDeviceGetUtilizationRates", offsetof(struct calls, utilization), false },
        { "nvmlDeviceGetTemperature", offsetof(struct calls, temperature), false },
        { "nvmlDeviceGetTemperatureThreshold", offsetof(struct calls, threshold), false },
        { "nvmlDeviceGetComputeRunningProcesses_v3", offsetof(struct calls, processes), false },
        { "nvmlDeviceGetProcessUtilization", offsetof(struct calls, process_use), false },
        { "nvmlDeviceGetMigMode", offsetof(struct calls, mig_mode), false },
        { "nvmlDeviceGetMaxMigDeviceCount", offsetof(struct calls, n_mig), false },
        { "nvmlDeviceGetMigDeviceHandleByIndex", offsetof(struct calls, mig_device), false },
};

struct hv_nvml *hv_nvml_new(void) {
        return HV_NEW(struct hv_nvml);
}

static void part(struct hv_nvml *n) {
        if (n->is_greeted)
                (void) n->calls.shutdown();
        n->is_greeted = false;
}

struct hv_nvml *hv_nvml_free(struct hv_nvml *n) {
        if (!n)
                return NULL;
        part(n);
        if (n->library)
                (void) dlclose(n->library);
        free(n);
        return NULL;
}

static bool load(struct hv_nvml *n, struct hv_gpus *ret) {
        void *library = n->library ? n->library : dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

        if (n->library)
                return true;
        if (!library) {
                ret->is_known = true; /* no driver, no GPU that could be given to anybody */
                return false;
        }
        for (size_t i = 0; i < HV_ARRAY_SIZE(symbols); i++) {
                void *f = dlsym(library, symbols[i].name);

                if (!f && symbols[i].is_needed) {
                        (void) snprintf(ret->problem, sizeof ret->problem,
                                        "%s has no %s: the driver is too old", LIBRARY, symbols[i].name);
                        (void) dlclose(library);
                        return false;
                }
                memcpy((char *) &n->calls + symbols[i].offset, &f, sizeof f);
        }
        n->library = library;
        return true;
}

/* Something does not answer: the driver is greeted anew before the next look, which finds what was added or reset. */
static void fail(struct hv_nvml *n, struct hv_gpus *ret, const char *what, int code) {
        (void) snprintf(ret->problem, sizeof ret->problem, "%s: %s", what, n->calls.error_string(code));
        part(n);
}

static bool greet(struct hv_nvml *n, struct hv_gpus *ret) {
        int code = n->is_greeted ? NVML_SUCCESS : n->calls.init();

        if (code != NVML_SUCCESS) {
                fail(n, ret, "the NVIDIA driver does not answer", code);
                return false;
        }
        n->is_greeted = true;
        code = n->calls.driver_version(ret->driver, sizeof ret->driver);
        if (code != NVML_SUCCESS || !*ret->driver)
                (void) snprintf(ret->driver, sizeof ret->driver, "unknown");
        return true;
}

static bool is_lost(int code) {
        return code == NVML_ERROR_GPU_IS_LOST || code == NVML_ERROR_RESET_REQUIRED;
}

static void read_processes(struct hv_nvml *n, nvml_device device, struct hv_gpu *g) {
        struct nvml_process v[HV_GPU_PROCESSES_MAX];
        unsigned count = HV_GPU_PROCESSES_MAX;
        int code = n->calls.processes ? n->calls.processes(device, &count, v) : NVML_ERROR_NOT_SUPPORTED;

        if (code == NVML_SUCCESS || code == NVML_ERROR_INSUFFICIENT_SIZE)
                g->n_processes = count;
        g->processes_are_listed = code == NVML_SUCCESS && count <= HV_GPU_PROCESSES_MAX;
        for (unsigned i = 0; g->processes_are_listed && i < count; i++)
                g->processes[i] = (struct hv_gpu_process){
                        .pid = (int) v[i].pid,
                        .memory_bytes = v[i].memory > INT64_MAX ? -1 : (int64_t) v[i].memory,
                        .use_percent = -1,
                };
}

static struct hv_gpu_process *find_process(struct hv_gpu *g, unsigned pid) {
        for (unsigned i = 0; g->processes_are_listed && i < g->n_processes; i++)
                if (g->processes[i].pid == (int) pid)
                        return &g->processes[i];
        return NULL;
}

/* The driver names those alone that computed, by their newest sample after the one that was told last. */
static void read_process_use(struct hv_nvml *n, unsigned index, nvml_device device, struct hv_gpu *g) {
        struct nvml_process_use v[2 * HV_GPU_PROCESSES_MAX];
        unsigned long long told_us = n->use_told_us[index];
        unsigned count = HV_ARRAY_SIZE(v);
        int code = n->calls.process_use ? n->calls.process_use(device, v, &count, told_us)
                                        : NVML_ERROR_NOT_SUPPORTED;

        if (code == NVML_ERROR_NOT_FOUND) /* nobody computed */
                count = 0;
        else if (code != NVML_SUCCESS)
                return;
        for (unsigned i = 0; i < g->n_processes && g->processes_are_listed; i++)
                g->processes[i].use_percent = 0;
        for (unsigned i = 0; i < HV_MIN(count, HV_ARRAY_SIZE(v)); i++) {
                struct hv_gpu_process *p = find_process(g, v[i].pid);

                if (v[i].at_us <= told_us) /* of a time that was told */
                        continue;
                if (p)
                        p->use_percent = (int) HV_MIN(v[i].sm, 100u);
                n->use_told_us[index] = HV_MAX(n->use_told_us[index], v[i].at_us);
        }
}

static void read_use(struct hv_nvml *n, unsigned index, nvml_device device, struct hv_gpu *g) {
        struct nvml_utilization use;
        unsigned degrees;

        if (n->calls.utilization && n->calls.utilization(device, &use) == NVML_SUCCESS)
                g->use_percent = (int) use.gpu;
        if (n->calls.temperature && n->calls.temperature(device, 0, &degrees) == NVML_SUCCESS)
                g->temperature_c = (int) degrees;
        if (n->calls.threshold &&
            n->calls.threshold(device, NVML_TEMPERATURE_THRESHOLD_SLOWDOWN, &degrees) == NVML_SUCCESS)
                g->slowdown_c = (int) degrees;
        read_processes(n, device, g);
        read_process_use(n, index, device, g);
}

/* The first call that says that it is lost ends it: what follows would only say so again, or hang. */
static int read_what_it_is(struct hv_nvml *n, nvml_device device, struct hv_gpu *g) {
        struct nvml_memory memory = {};
        int code = n->calls.uuid(device, g->uuid, sizeof g->uuid);

        if (code == NVML_SUCCESS)
                code = n->calls.name(device, g->name, sizeof g->name);
        if (code == NVML_SUCCESS)
                code = n->calls.memory(device, &memory);
        if (code != NVML_SUCCESS)
                return code;
        g->memory_bytes = memory.total;
        g->memory_used_bytes = (int64_t) memory.used;
        return code;
}

static int read_device(struct hv_nvml *n, unsigned index, nvml_device *ret, struct hv_gpu *g) {
        unsigned minor = 0, mig = 0, pending = 0;
        int code = n->calls.handle(index, ret);

        if (code == NVML_SUCCESS)
                code = read_what_it_is(n, *ret, g);
        if (code != NVML_SUCCESS)
                return code;
        if (n->calls.minor(*ret, &minor) == NVML_SUCCESS)
                g->minor = (int) minor;
        if (n->calls.mig_mode && n->calls.mig_mode(*ret, &mig, &pending) == NVML_SUCCESS && mig)
                g->state = HV_GPU_MIG;
        read_use(n, index, *ret, g);
        return NVML_SUCCESS;
}

static bool does_not_answer(struct hv_nvml *n, unsigned index, int code, struct hv_gpus *ret) {
        char what[64];

        (void) snprintf(what, sizeof what, "GPU %u does not answer", index);
        fail(n, ret, what, code);
        return false;
}

static const struct hv_gpu nothing_known = {
        .minor = -1, .memory_used_bytes = -1, .use_percent = -1, .temperature_c = -1, .slowdown_c = -1
};

static struct hv_gpu lost(const struct hv_gpu *last) {
        struct hv_gpu g = nothing_known;

        g.state = HV_GPU_LOST;
        g.memory_bytes = last->memory_bytes;
        memcpy(g.uuid, last->uuid, sizeof g.uuid);
        memcpy(g.name, last->name, sizeof g.name);
        memcpy(g.parent, last->parent, sizeof g.parent);
        return g;
}

/* One that it was cut into. Places of instances that nobody made are empty. The driver tells no use of an instance. */
static int read_instance(struct hv_nvml *n, nvml_device parent, unsigned place, struct hv_gpu *g) {
        nvml_device device = NULL;
        int code = n->calls.mig_device(parent, place, &device);

        if (code == NVML_SUCCESS)
                code = read_what_it_is(n, device, g);
        if (code == NVML_SUCCESS)
                read_processes(n, device, g);
        return code;
}

static bool read_instances(struct hv_nvml *n, unsigned index, nvml_device parent, struct hv_gpus *ret) {
        const size_t of = ret->n - 1;
        unsigned n_places = 0;
        int code = NVML_SUCCESS;

        if (!n->calls.n_mig || !n->calls.mig_device || n->calls.n_mig(parent, &n_places) != NVML_SUCCESS)
                return true;
        for (unsigned i = 0; i < n_places && ret->n < HV_GPUS_MAX; i++) {
                struct hv_gpu *g = &ret->v[ret->n];

                *g = nothing_known;
                code = read_instance(n, parent, i, g);
                if (code == NVML_ERROR_NOT_FOUND)
                        continue;
                if (code != NVML_SUCCESS)
                        return does_not_answer(n, index, code, ret);
                g->minor = ret->v[of].minor;
                memcpy(g->parent, ret->v[of].uuid, sizeof g->parent);
                ret->n++;
        }
        return true;
}

/* With it all that it was cut into. */
static void tell_lost(struct hv_nvml *n, unsigned index, struct hv_gpus *ret) {
        const struct hv_gpu *was = &n->last[index];

        ret->v[ret->n++] = lost(was);
        for (unsigned i = 0; *was->uuid && i < n->before.n && ret->n < HV_GPUS_MAX; i++)
                if (hv_streq(n->before.v[i].parent, was->uuid))
                        ret->v[ret->n++] = lost(&n->before.v[i]);
}

static bool read_gpu(struct hv_nvml *n, unsigned index, struct hv_gpus *ret) {
        struct hv_gpu *g = &ret->v[ret->n];
        nvml_device device = NULL;
        int code;

        *g = nothing_known;
        code = read_device(n, index, &device, g);
        if (is_lost(code)) {
                tell_lost(n, index, ret);
                return true;
        }
        if (code != NVML_SUCCESS)
                return does_not_answer(n, index, code, ret);
        n->last[index] = *g;
        ret->n++;
        return g->state != HV_GPU_MIG || read_instances(n, index, device, ret);
}

void hv_nvml_read(struct hv_nvml *n, struct hv_gpus *ret) {
        unsigned count = 0;
        int code;

        memset(ret, 0, sizeof *ret);
        if (!load(n, ret) || !greet(n, ret))
                return;
        code = n->calls.count(&count);
        if (code != NVML_SUCCESS) {
                fail(n, ret, "the NVIDIA driver does not count its GPUs", code);
                return;
        }
        for (unsigned i = 0; i < HV_MIN(count, HV_GPUS_MAX) && ret->n < HV_GPUS_MAX; i++)
                if (!read_gpu(n, i, ret))
                        return;
        ret->is_known = true;
        n->before = *ret;
}
