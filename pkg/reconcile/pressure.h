/* reconcile/pressure.h - what happens while the machine itself runs short: gc.pressure.
 *
 *      calm ---- short ----> closed: no task is admitted ---- still short after 30 s ----> the least important task is stopped,
 *        ^                     |                                                           then the next one, 30 s after its end
 *        '--- calm for 10 s ---'
 *
 * Model    Pure. Short is: something waited for memory in as much of the last 10 s as memoryPsiSome10, or less of the disk is
 *          free than diskFree. Calm is a quarter less waiting, and a fifth more free disk: in between nothing changes, so that
 *          what is on the edge does not open and close with each sample.
 * Rules    Services are never stopped for it. Of tasks the one with the lowest priority goes first, of those the youngest. It is
 *          the node's fault: the attempt ends with nodeError, and `retries` says whether another follows.
 * Source   Linux Documentation/accounting/psi.rst: "some", avg10.
 */
#pragma once

#include "spec/desired.h"

struct hv_seen_pressure {
        bool has_memory;              /* this kernel tells */
        unsigned memory_some10_centi; /* hundredths of a percent */
        uint64_t disk_bytes,
                disk_free_bytes; /* of the file system of the workspaces; disk_bytes 0: not known */
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
