/* reconcile/caps.h - what all workloads of this node together may take: caps on its slice, and on that of its tasks.
 *
 *      of the node    CPU, memory   (resources.limits, or what the machine has) - resources.reserved
 *                     soft memory   95 % of that: from there on the kernel reclaims and slows down, before it must kill
 *                     processes     seven eighths of what the kernel can have: whoever logs in still gets one
 *      of tasks       CPU           resources.quietHours, while one of them is
 *
 * Model    Pure. A share that is all that the machine has is no cap. overcommit does not count: it says how often something is
 *          promised, not how much there is. A node that declares neither limits nor reserved of CPU and memory has no caps.
 * Foreign  A cap that the node does not ask for is lifted only where hivelet set it (execute/caps_record.h): what an operator's unit
 *          file or another agent set is left. One that the node asks for is hivelet's from then on, whoever set it.
 * Limits   where more is reserved than there is, the least that a kernel can work with is left: 10m of CPU, 64 MiB.
 */
#pragma once

#include "reconcile/observed.h"

struct hv_zone; /* base/zone.h */

struct hv_caps_machine {
        uint64_t nano_cpus, memory_bytes, threads; /* 0: not known */
};

/* Is it on at this instant of the wall clock? zone NULL: UTC. */
bool hv_quiet_hours_are_on(const struct hv_quiet_hours *q, const struct hv_zone *zone, uint64_t wall_us);

struct hv_caps hv_caps_of_node(const struct hv_settings *s, const struct hv_caps_machine *machine);

/* Bits of enum hv_cap: which there are. */
unsigned hv_caps_asked(const struct hv_caps *c);

/* Where there is no soft cap of memory, none is missed. */
bool hv_caps_equal(const struct hv_caps *a, const struct hv_caps *b, bool has_memory_high);

/* "CPU none -> 1500m, memory 4Gi -> 2Gi", into buf; what is the same is left out. */
#define HV_CAPS_TEXT_SIZE 256
const char *hv_caps_describe(const struct hv_caps *from, const struct hv_caps *to, bool has_memory_high,
                             char buf[HV_CAPS_TEXT_SIZE]);
