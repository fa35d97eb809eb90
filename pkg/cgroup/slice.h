/* cgroup/slice.h - names of slices: folders of the kernel's tree of cgroups that say where they stand.
 *
 *      hivelet-tasks.slice  stands at  /hivelet.slice/hivelet-tasks.slice
 *
 * Rules    a dash is a step down; a dash inside of a part is written "\x2d". The same names are used where systemd does not
 *          rule: the tree looks the same with both drivers of an engine.
 * Owner    of what is returned: the caller, who frees it.
 * Source   systemd.slice(5), systemd.unit(5) "String escaping for inclusion in unit names".
 */
#pragma once

#include "base/macros.h"

#define HV_SLICE_SUFFIX ".slice"
#define HV_SLICE_NAME_MAX 255 /* UNIT_NAME_MAX without its end; NAME_MAX */

/* Letters, digits, ':', '_' and '.' stay (the last not in front), of the rest each byte becomes "\xNN". */
char *hv_slice_escape(const char *text);

/* The slice `part` of `parent`: "hivelet.slice", "tasks" give "hivelet-tasks.slice". Of a part that makes the name longer than
 * HV_SLICE_NAME_MAX the first 16 bytes of its SHA-256 are taken, in hex. */
char *hv_slice_child(const char *parent, const char *part);

/* Where it stands, from the root of a hierarchy on: "/hivelet.slice/hivelet-tasks.slice". */
char *hv_slice_path(const char *slice);
