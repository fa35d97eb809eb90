/* gpu/gpu.h - the GPUs of this machine as their driver tells of them, and the line in which that goes from helper to agent.
 *
 * Units    bytes, percent, degrees Celsius. -1: not known (a driver tells of some models only).
 * Source   NVML API reference: nvmlDeviceGetUUID, ...GetMemoryInfo, ...GetUtilizationRates, ...GetTemperature, ...GetTemperatureThreshold,
 *          ...GetComputeRunningProcesses, ...GetProcessUtilization, ...GetMinorNumber, ...GetMigMode, ...GetMaxMigDeviceCount,
 *          ...GetMigDeviceHandleByIndex.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

struct hv_buf;

#define HV_GPUS_MAX 64u
#define HV_GPU_PROCESSES_MAX 64u /* of one GPU; more are counted, not listed */
#define HV_GPU_TEXT_SIZE 96      /* NVML_DEVICE_UUID_V2_BUFFER_SIZE, NVML_DEVICE_NAME_V2_BUFFER_SIZE */
#define HV_GPU_MESSAGE_SIZE 200

struct hv_gpu_process {
        int pid;
        int64_t memory_bytes;
        int use_percent; /* of the time since the look before, in which the GPU computed for it */
};

enum hv_gpu_state {
        HV_GPU_WORKS,
        HV_GPU_LOST, /* it fell off its bus, or must be reset: nothing that uses it goes on */
        HV_GPU_MIG,  /* it is cut into instances (MIG): a whole one is not to be had, they are */
};

struct hv_gpu {
        char uuid
                [HV_GPU_TEXT_SIZE]; /* "GPU-5d5ba0d6-...", "MIG-c7f1e4a2-..."; "": not known, and it never was */
        char name[HV_GPU_TEXT_SIZE]; /* "NVIDIA H100 80GB HBM3", "NVIDIA H100 80GB HBM3 MIG 1g.10gb" */
        char parent
                [HV_GPU_TEXT_SIZE]; /* of an instance: the GPU that was cut, which stands before it; else "" */
        enum hv_gpu_state state;
        int minor; /* of /dev/nvidia<minor>; an instance has its parent's */
        uint64_t memory_bytes;
        int64_t memory_used_bytes;
        int use_percent, temperature_c;
        int slowdown_c; /* from this temperature on it slows itself down */
        unsigned n_processes;
        bool processes_are_listed; /* all of them: the driver tells, and there is room */
        struct hv_gpu_process processes[HV_GPU_PROCESSES_MAX];
};

struct hv_gpus {
        bool is_known; /* the driver answered, or there certainly is none; else `problem` says why not */
        char driver[HV_GPU_TEXT_SIZE]; /* its version; "": there is none */
        char problem[HV_GPU_MESSAGE_SIZE];
        struct hv_gpu v[HV_GPUS_MAX];
        unsigned n;
};

/* One line without its end: {"driver":"550.54","gpus":[...]} or {"absent":true} or {"error":"..."}. */
void hv_gpus_write(const struct hv_gpus *gpus, struct hv_buf *buf);
/* -EBADMSG. *ret is large: not for the stack. */
int hv_gpus_parse(const char *line, size_t len, struct hv_gpus *ret, struct hv_err *err);

const struct hv_gpu *hv_gpus_find(const struct hv_gpus *gpus, const char *uuid); /* NULL: there is none */
