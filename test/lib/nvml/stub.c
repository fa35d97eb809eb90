/* lib/nvml/stub.c - a libnvidia-ml.so.1 for tests. What it tells stands in the file `gpus` beside it, read anew at each call:
 *
 *      driver 550.54.14
 *      gpu UUID MINOR TOTAL_MIB USED_MIB USE TEMPERATURE NAME...     in the order of their indexes
 *      slowdown UUID TEMPERATURE    from which on it slows down; else that is not told
 *      process UUID PID MIB         MIB 4294967295: how much is not told
 *      use UUID PID PERCENT         what it computed, told anew at each call
 *      mig UUID                     it is in MIG mode
 *      instance PARENT UUID TOTAL_MIB NAME...     what it was cut into; every other place is empty
 *      open PATH                    the driver needs this device, as it does /dev/nvidiactl
 *      stale UUID                   what its processes computed was told before
 *      lost UUID                    every call on it gives NVML_ERROR_GPU_IS_LOST
 *      hang FUNCTION                it never returns
 *      fail FUNCTION CODE
 *
 * A test puts a link to the library into a directory of its own and names that in LD_LIBRARY_PATH. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX 64

struct device {
        char uuid[96], name[96], parent[96];
        unsigned minor, total_mib, used_mib, use, temperature, slowdown;
        bool is_lost, is_mig, is_stale;
};

struct process { /* nvmlProcessInfo_t */
        unsigned pid;
        unsigned long long memory;
        unsigned gpu_instance, compute_instance;
};

static struct device devices[MAX], instances[MAX];
struct process_use { /* nvmlProcessUtilizationSample_t */
        unsigned pid;
        unsigned long long at_us;
        unsigned sm, memory, encoder, decoder;
};

static struct {
        char uuid[96];
        unsigned pid, n; /* MiB; percent */
} processes[MAX], uses[MAX];
static unsigned n_devices, n_instances, n_processes, n_uses;
static char driver[80], needed[128];

static struct device *find(const char *uuid) {
        for (unsigned i = 0; i < n_devices; i++)
                if (strcmp(devices[i].uuid, uuid) == 0)
                        return &devices[i];
        return NULL;
}

static void take(const char *line) {
        struct device d = {};
        char uuid[96];

        if (sscanf(line, "gpu %95s %u %u %u %u %u %95[^\n]", d.uuid, &d.minor, &d.total_mib, &d.used_mib,
                   &d.use, &d.temperature, d.name) == 7)
                devices[n_devices++] = d;
        else if (sscanf(line, "instance %95s %95s %u %95[^\n]", d.parent, d.uuid, &d.total_mib, d.name) == 4)
                instances[n_instances++] = d;
        else if (sscanf(line, "process %95s %u %u", processes[n_processes].uuid, &processes[n_processes].pid,
                        &processes[n_processes].n) == 3)
                n_processes++;
        else if (sscanf(line, "use %95s %u %u", uses[n_uses].uuid, &uses[n_uses].pid, &uses[n_uses].n) == 3)
                n_uses++;
        else if (sscanf(line, "slowdown %95s %u", uuid, &d.slowdown) == 2 && find(uuid))
                find(uuid)->slowdown = d.slowdown;
        else if (sscanf(line, "lost %95s", uuid) == 1 && find(uuid))
                find(uuid)->is_lost = true;
        else if (sscanf(line, "stale %95s", uuid) == 1 && find(uuid))
                find(uuid)->is_stale = true;
        else if (sscanf(line, "mig %95s", uuid) == 1 && find(uuid))
                find(uuid)->is_mig = true;
        else if (sscanf(line, "open %127s", needed) != 1)
                (void) sscanf(line, "driver %79s", driver);
}

/* 0, or what the file wants of this function. */
static int enter(const char *function) {
        char path[4096], line[512], name[128];
        int code, result = 0;
        Dl_info self;
        FILE *f;

        n_devices = n_instances = n_processes = n_uses = 0;
        *needed = '\0';
        if (!dladdr((void *) enter, &self))
                abort();
        (void) snprintf(path, sizeof path, "%s", self.dli_fname);
        (void) strcpy(strrchr(path, '/') + 1, "gpus");
        f = fopen(path, "re");
        if (!f)
                return 9; /* the driver is not loaded */
        while (fgets(line, sizeof line, f)) {
                if (sscanf(line, "hang %127s", name) == 1 && strcmp(name, function) == 0)
                        for (;;)
                                (void) pause();
                else if (sscanf(line, "fail %127s %d", name, &code) == 2) {
                        if (strcmp(name, function) == 0)
                                result = code;
                } else
                        take(line);
        }
        (void) fclose(f);
        return result;
}

/* A handle is the index, so that it stays valid while the file changes; those of instances come behind. */
static int device_of(const char *function, void *handle, struct device **ret) {
        size_t index = (size_t) handle - 1;
        int code = enter(function);

        if (code)
                return code;
        if (index >= MAX && index - MAX < n_instances) {
                *ret = &instances[index - MAX];
                return find((*ret)->parent)->is_lost ? 15 : 0;
        }
        if (index >= n_devices)
                return 2; /* NVML_ERROR_INVALID_ARGUMENT */
        *ret = &devices[index];
        return (*ret)->is_lost ? 15 : 0;
}

#define ENTER_DEVICE(d)                               \
        struct device *d;                             \
        int code = device_of(__func__, handle, &(d)); \
        if (code)                                     \
        return code

int nvmlInit_v2(void);
int nvmlShutdown(void);
const char *nvmlErrorString(int code);
int nvmlSystemGetDriverVersion(char *ret, unsigned size);
int nvmlDeviceGetCount_v2(unsigned *ret);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **ret);
int nvmlDeviceGetUUID(void *handle, char *ret, unsigned size);
int nvmlDeviceGetName(void *handle, char *ret, unsigned size);
int nvmlDeviceGetMemoryInfo(void *handle, unsigned long long ret[3]);
int nvmlDeviceGetMinorNumber(void *handle, unsigned *ret);
int nvmlDeviceGetUtilizationRates(void *handle, unsigned ret[2]);
int nvmlDeviceGetTemperature(void *handle, unsigned sensor, unsigned *ret);
int nvmlDeviceGetTemperatureThreshold(void *handle, unsigned which, unsigned *ret);
int nvmlDeviceGetMigMode(void *handle, unsigned *current, unsigned *pending);
int nvmlDeviceGetMaxMigDeviceCount(void *handle, unsigned *ret);
int nvmlDeviceGetMigDeviceHandleByIndex(void *handle, unsigned place, void **ret);
int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, struct process *ret);
int nvmlDeviceGetProcessUtilization(void *handle, struct process_use *ret, unsigned *count,
                                    unsigned long long after_us);

int nvmlInit_v2(void) {
        return enter(__func__);
}

int nvmlShutdown(void) {
        return enter(__func__);
}

const char *nvmlErrorString(int code) {
        switch (code) {
        case 4:
                return "Insufficient Permissions";
        case 18:
                return "Driver/library version mismatch";
        case 9:
                return "Driver Not Loaded";
        case 15:
                return "GPU is lost";
        default:
                return "Unknown Error";
        }
}

int nvmlSystemGetDriverVersion(char *ret, unsigned size) {
        int code = enter(__func__);

        (void) snprintf(ret, size, "%s", driver);
        return code;
}

int nvmlDeviceGetCount_v2(unsigned *ret) {
        int code = enter(__func__);

        *ret = n_devices;
        return code;
}

/* Behind a device node of these tests is no driver: that it has no device (ENXIO) is told to who may use it. */
static bool may_open(const char *path) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        bool may = fd >= 0 || errno == ENXIO;

        if (fd >= 0)
                (void) close(fd);
        return may;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **ret) {
        void *handle = (void *) ((size_t) index + 1);
        ENTER_DEVICE(d);

        (void) d;
        *ret = handle;
        return *needed && !may_open(needed) ? 4 : 0;
}

int nvmlDeviceGetUUID(void *handle, char *ret, unsigned size) {
        ENTER_DEVICE(d);

        (void) snprintf(ret, size, "%s", d->uuid);
        return 0;
}

int nvmlDeviceGetName(void *handle, char *ret, unsigned size) {
        ENTER_DEVICE(d);

        (void) snprintf(ret, size, "%s", d->name);
        return 0;
}

int nvmlDeviceGetMemoryInfo(void *handle, unsigned long long ret[3]) {
        ENTER_DEVICE(d);

        ret[0] = (unsigned long long) d->total_mib << 20;
        ret[2] = (unsigned long long) d->used_mib << 20;
        ret[1] = ret[0] - ret[2];
        return 0;
}

int nvmlDeviceGetMinorNumber(void *handle, unsigned *ret) {
        ENTER_DEVICE(d);

        *ret = d->minor;
        return *d->parent ? 3 : 0;
}

int nvmlDeviceGetUtilizationRates(void *handle, unsigned ret[2]) {
        ENTER_DEVICE(d);

        ret[0] = d->use;
        ret[1] = 0;
        return *d->parent ? 3 : 0;
}

int nvmlDeviceGetTemperature(void *handle, unsigned sensor, unsigned *ret) {
        ENTER_DEVICE(d);

        (void) sensor;
        *ret = d->temperature;
        return 0;
}

int nvmlDeviceGetTemperatureThreshold(void *handle, unsigned which, unsigned *ret) {
        ENTER_DEVICE(d);

        *ret = d->slowdown;
        return d->slowdown && which == 1 ? 0 : 3;
}

int nvmlDeviceGetMigMode(void *handle, unsigned *current, unsigned *pending) {
        ENTER_DEVICE(d);

        *current = *pending = d->is_mig;
        return d->is_mig ? 0 : 3;
}

int nvmlDeviceGetMaxMigDeviceCount(void *handle, unsigned *ret) {
        ENTER_DEVICE(d);

        *ret = d->is_mig ? 7 : 0;
        return 0;
}

/* Every second place is empty, as after an instance was removed. */
int nvmlDeviceGetMigDeviceHandleByIndex(void *handle, unsigned place, void **ret) {
        unsigned at = 0;
        ENTER_DEVICE(d);

        for (size_t i = 0; i < n_instances; i++)
                if (strcmp(instances[i].parent, d->uuid) == 0 && 2 * at++ + 1 == place) {
                        *ret = (void *) (MAX + i + 1);
                        return 0;
                }
        return 6; /* NVML_ERROR_NOT_FOUND */
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, struct process *ret) {
        unsigned n = 0;
        ENTER_DEVICE(d);

        for (unsigned i = 0; i < n_processes && n < *count; i++)
                if (strcmp(processes[i].uuid, d->uuid) == 0)
                        ret[n++] = (struct process){ processes[i].pid,
                                                     processes[i].n == ~0u
                                                             ? ~0ull
                                                             : (unsigned long long) processes[i].n << 20,
                                                     0, 0 };
        *count = n;
        return 0;
}

int nvmlDeviceGetProcessUtilization(void *handle, struct process_use *ret, unsigned *count,
                                    unsigned long long after_us) {
        unsigned n = 0;
        ENTER_DEVICE(d);

        for (unsigned i = 0; i < n_uses && n < *count; i++)
                if (strcmp(uses[i].uuid, d->uuid) == 0)
                        ret[n++] = (struct process_use){ uses[i].pid, after_us + !d->is_stale,
                                                         uses[i].n,   0,
                                                         0,           0 };
        *count = n;
        return n ? 0 : 6; /* NVML_ERROR_NOT_FOUND */
}
