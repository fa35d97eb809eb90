/* reconcile/pressure.h - what happens while the machine itself runs short: gc.pressure.
 *
 *      calm ---- short ----> closed: no task is admitted ---- still short after 30 s ----> the least important task is stopped,
 *        ^                     |                                                           then the next one, 30 s after its end
 *        '--- calm for 10 s ---'
 *
 * Model    Pure. Short is: something waited for memory in as much of the last 10 s as memoryPsiSome10; less of the disk is free
 *          than diskFree; garbage collection has nothing left and the engine's disk is above gc.disk.high; a zone is as hot as
 *          maxTemperature. Calm is a quarter less waiting, a fifth more free disk, an engine's disk at gc.disk.low, 5 degrees less:
 *          in between nothing changes, so that what is on the edge does not open and close with each sample.
 * Busy     CPUs of which more is used than cpuUsed keep new tasks away and end none: to be busy is what they are for. They count
 *          as busy until a tenth less is used, and while nobody knows yet.
 * Rules    Services are never stopped for it. Of tasks the one with the lowest priority goes first, of those the youngest. It is
 *          the node's fault: the attempt ends with nodeError, and `retries` says whether another follows.
 * Source   Linux Documentation/accounting/psi.rst: "some", avg10. cpuUsed: is_resource_available() of HiveMind's worker, 90 %.
 */
#pragma once

#include "spec/desired.h"

struct hv_seen_pressure {
        bool has_memory;              /* this kernel tells */
        unsigned memory_some10_centi; /* hundredths of a percent */
        uint64_t disk_bytes,
                disk_free_bytes; /* of the file system of the workspaces; disk_bytes 0: not known */
        bool is_gc_stuck; /* the engine's disk is above gc.disk.low, though all was collected that may be */
        unsigned engine_disk_percent; /* used; 0: not known */
        bool has_cpu;                 /* two samples were taken */
        unsigned cpu_permille;        /* used, of all */
        bool has_temperature;         /* this machine tells */
        unsigned decicelsius;         /* the hottest zone, tenths of a degree */
};

enum hv_pressure_level {
        HV_PRESSURE_CALM,
        HV_PRESSURE_BETWEEN,
        HV_PRESSURE_SHORT,
};

#define HV_PRESSURE_TEXT_SIZE 160

/* What it is short of in words into `buf`, "" when it is not. */
enum hv_pressure_level hv_pressure_judge(const struct hv_pressure_rules *rules,
                                         const struct hv_seen_pressure *seen,
                                         char buf[HV_PRESSURE_TEXT_SIZE]);

/* What it is short of is a disk: in words into `buf`. false: no disk is short. */
bool hv_pressure_is_disk_short(const struct hv_pressure_rules *rules, const struct hv_seen_pressure *seen,
                               char buf[HV_PRESSURE_TEXT_SIZE]);

/* Whether the CPUs keep new tasks away; `was_busy`: what was said last. Why into `buf`, "" when they do not. */
bool hv_pressure_is_busy(const struct hv_pressure_rules *rules, const struct hv_seen_pressure *seen,
                         bool was_busy, char buf[HV_PRESSURE_TEXT_SIZE]);
