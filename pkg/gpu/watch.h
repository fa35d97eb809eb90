/* gpu/watch.h - keeps the helper (gpu/helper.h), and asks it for one sample after the other.
 *
 *      no helper --start--> asked --line--> told, waits for the interval --> asked ...
 *          ^                  | no answer in time: killed              |
 *          '---- back-off ----'<------------- it ended ----------------'
 *
 * Model    Nothing here waits: the helper is read and reaped by the loop. One that was killed and does not die (it hangs in the driver)
 *          is left to the kernel and no second one is started beside it, so that they cannot pile up.
 * Told     after each answer, and when there is none: then is_known is false and `problem` says why. A machine without the library is
 *          asked again every HV_GPU_ABSENT_US.
 */
#pragma once

#include "gpu/gpu.h"

struct sd_event;
struct hv_gpu_watch;

#define HV_GPU_ABSENT_US (300 * UINT64_C(1000000))
#define HV_GPU_FIRST_FACTOR 6u /* a driver without persistence mode takes seconds to wake its GPUs */

struct hv_gpu_watch_options {
        uint64_t interval_us; /* from one answer to the next question */
        uint64_t timeout_us; /* for an answer; HV_GPU_FIRST_FACTOR times that for the first one of a helper */
        const char *library_path; /* LD_LIBRARY_PATH of the helper; NULL: the process's own */
        void (*told)(void *userdata, const struct hv_gpus *gpus); /* gpus: until the next one */
        void *userdata;
};

int hv_gpu_watch_new(struct sd_event *event, const struct hv_gpu_watch_options *options,
                     struct hv_gpu_watch **ret, struct hv_err *err);
struct hv_gpu_watch *hv_gpu_watch_free(struct hv_gpu_watch *w); /* takes NULL, gives NULL; kills the helper */
HV_DEFINE_CLEANUP(struct hv_gpu_watch, hv_gpu_watch_free);

void hv_gpu_watch_set_interval(struct hv_gpu_watch *w, uint64_t interval_us); /* from the next question on */

/* Asks whether what stands in a cgroup of version 2 may use a device (gpu/access.h). `done` comes once, unless the watch is freed:
 * 0, -EPERM, or another -errno when nobody can say. One at a time: -EBUSY, and -ENOTCONN without a helper. */
int hv_gpu_watch_access(struct hv_gpu_watch *w, const char *cgroup, const char *device,
                        void (*done)(void *userdata, int r), void *userdata);

int hv_gpu_watch_pid(const struct hv_gpu_watch *w); /* of the helper; 0: there is none */
