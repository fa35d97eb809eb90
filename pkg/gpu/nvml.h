/* gpu/nvml.h - NVIDIA's management library, loaded at run time. For the helper process alone: a call of it may never return.
 *
 * Model    The library comes with the driver, its header is in no free package: the few functions are declared in nvml.c, by the
 *          versioned names under which the library keeps their form for ever.
 * Errors   hv_nvml_read() fills `problem` and leaves `is_known` false where the driver does not answer as a whole; what it does not
 *          tell of one GPU is not known, and one that it calls lost is lost.
 */
#pragma once

#include "gpu/gpu.h"

struct hv_nvml;

struct hv_nvml *hv_nvml_new(void);
struct hv_nvml *hv_nvml_free(struct hv_nvml *n); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_nvml, hv_nvml_free);

/* Loads the library when it is not loaded, and greets the driver when it was not greeted or failed. */
void hv_nvml_read(struct hv_nvml *n, struct hv_gpus *ret);
