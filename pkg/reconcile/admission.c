/* reconcile/admission.c - see admission.h. */
#include "reconcile/admission.h"

#include <stdio.h>

#include "base/quantity.h"

const char *hv_resource_name(enum hv_resource resource) {
        switch (resource) {
        case HV_RESOURCE_CPU:
                return "CPU";
        case HV_RESOURCE_MEMORY:
                return "memory";
        case HV_RESOURCE_DISK:
                return "disk";
        case HV_RESOURCE_GPU:
                return "GPUs";
        case HV_RESOURCE_GPU_MEMORY:
                return "GPU memory";
        case HV_RESOURCE_SLOTS:
                return "running tasks";
        case HV_RESOURCE_PRESSURE:
                return "pressure";
        case HV_RESOURCE_CPU_USE:
                return "use of the CPUs";
        case HV_RESOURCE_CONSENT:
                return "consent";
        case HV_RESOURCE_NONE:
                break;
        }
        return "";
}

bool hv_resource_is_of_machine(enum hv_resource resource) {
        return resource == HV_RESOURCE_PRESSURE || resource == HV_RESOURCE_CPU_USE ||
               resource == HV_RESOURCE_CONSENT;
}

/* A limit above the machine is no more machine. */
static uint64_t bounded(uint64_t has, uint64_t limit) {
        return limit ? HV_MIN(has, limit) : has;
}

static uint64_t without(uint64_t n, uint64_t reserved) {
        return n > reserved ? n - reserved : 0;
}

/* n is a size or a number of 10^-9 CPUs: far below what 1000 times it could overflow. */
static uint64_t times(uint64_t n, unsigned milli) {
        return milli ? n / 1000 * milli + n % 1000 * milli / 1000 : n;
}

struct hv_room hv_room_allocatable(const struct hv_room *machine, const struct hv_room_settings *s) {
        return (struct hv_room){
                .nano_cpus = times(
                        without(bounded(machine->nano_cpus, s->limits.nano_cpus), s->reserved.nano_cpus),
                        s->overcommit_cpu_milli),
                .memory_bytes = times(without(bounded(machine->memory_bytes, s->limits.memory_bytes),
                                              s->reserved.memory_bytes),
                                      s->overcommit_memory_milli),
                .disk_bytes =
                        without(bounded(machine->disk_bytes, s->limits.disk_bytes), s->reserved.disk_bytes),
                .gpu_memory_bytes = machine->gpu_memory_bytes,
                .n_gpus = machine->n_gpus,
                .n_slots = s->limits.n_slots ? s->limits.n_slots : UINT32_MAX,
        };
}

struct hv_room hv_room_of(const struct hv_booking *b) {
        return (struct hv_room){
                .nano_cpus = b->nano_cpus,
                .memory_bytes = b->memory_bytes,
                .disk_bytes = b->disk_bytes,
                .gpu_memory_bytes = b->gpu_memory_bytes,
                .n_gpus = b->n_gpus,
                .n_slots = 1,
        };
}

void hv_room_add(struct hv_room *to, const struct hv_room *what) {
        to->nano_cpus += what->nano_cpus;
        to->memory_bytes += what->memory_bytes;
        to->disk_bytes += what->disk_bytes;
        to->gpu_memory_bytes += what->gpu_memory_bytes;
        to->n_gpus += what->n_gpus;
        to->n_slots += what->n_slots;
}

void hv_room_take(struct hv_room *from, const struct hv_room *what) {
        from->nano_cpus = without(from->nano_cpus, what->nano_cpus);
        from->memory_bytes = without(from->memory_bytes, what->memory_bytes);
        from->disk_bytes = without(from->disk_bytes, what->disk_bytes);
        from->gpu_memory_bytes = without(from->gpu_memory_bytes, what->gpu_memory_bytes);
        from->n_gpus = (unsigned) without(from->n_gpus, what->n_gpus);
        from->n_slots = (unsigned) without(from->n_slots, what->n_slots);
}

enum hv_resource hv_room_lacks(const struct hv_room *room, const struct hv_room *what) {
        if (what->nano_cpus > room->nano_cpus)
                return HV_RESOURCE_CPU;
        if (what->memory_bytes > room->memory_bytes)
                return HV_RESOURCE_MEMORY;
        if (what->disk_bytes > room->disk_bytes)
                return HV_RESOURCE_DISK;
        if (what->n_gpus > room->n_gpus)
                return HV_RESOURCE_GPU;
        if (what->gpu_memory_bytes > room->gpu_memory_bytes)
                return HV_RESOURCE_GPU_MEMORY;
        if (what->n_slots > room->n_slots)
                return HV_RESOURCE_SLOTS;
        return HV_RESOURCE_NONE;
}

static const char *amount(const struct hv_room *r, enum hv_resource which, char buf[HV_QUANTITY_SIZE]) {
        switch (which) {
        case HV_RESOURCE_CPU:
                hv_quantity_format_cpu(r->nano_cpus, buf);
                break;
        case HV_RESOURCE_MEMORY:
                hv_quantity_format_bytes(r->memory_bytes, buf);
                break;
        case HV_RESOURCE_DISK:
                hv_quantity_format_bytes(r->disk_bytes, buf);
                break;
        case HV_RESOURCE_GPU_MEMORY:
                hv_quantity_format_bytes(r->gpu_memory_bytes, buf);
                break;
        default:
                (void) snprintf(buf, HV_QUANTITY_SIZE, "%u",
                                which == HV_RESOURCE_GPU ? r->n_gpus : r->n_slots);
        }
        return buf;
}

const char *hv_room_describe(enum hv_resource lacking, const struct hv_room *what, const struct hv_room *room,
                             const char *of, char buf[HV_ROOM_TEXT_SIZE]) {
        char asked[HV_QUANTITY_SIZE], there[HV_QUANTITY_SIZE];

        if (lacking == HV_RESOURCE_SLOTS)
                (void) snprintf(buf, HV_ROOM_TEXT_SIZE, "no more tasks may run at the same time");
        else
                (void) snprintf(buf, HV_ROOM_TEXT_SIZE, "asks for %s %s, %s %s", amount(what, lacking, asked),
                                hv_resource_name(lacking), amount(room, lacking, there), of);
        return buf;
}
