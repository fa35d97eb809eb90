/* reconcile/labels.h - the mark that makes an object hivelet's own.
 *
 * An object without HV_LABEL_MANAGED=true, or with another node's id, is a stranger: it is never changed.
 */
#pragma once

#define HV_LABEL_MANAGED "io.hivelet.managed"
#define HV_LABEL_NODE "io.hivelet.node"
#define HV_LABEL_KIND "io.hivelet.kind" /* hv_kind_label() */
/* A kind that no document has: a container that installs packages, for the task `name` and its attempt `replica`. It belongs to
 * the action TASK_PACKAGES under way, and to nobody without one. */
#define HV_LABEL_KIND_BUILDER "packages"
#define HV_LABEL_NAME "io.hivelet.name"
#define HV_LABEL_REPLICA "io.hivelet.replica"
#define HV_LABEL_REVISION "io.hivelet.revision" /* who made it; never compared */
#define HV_LABEL_DIGEST "io.hivelet.digest"     /* another digest means: replace */
#define HV_LABEL_ATTEMPT "io.hivelet.attempt"   /* tasks: beside the replica, which is the same number */
#define HV_LABEL_GPUS "io.hivelet.gpus"         /* UUIDs of the GPUs that it was given, commas between them */
#define HV_LABEL_GPU_MEMORY "io.hivelet.gpu-memory" /* ... and how much of each, in bytes; 0: all of it */
#define HV_LABEL_RECLAIM "io.hivelet.reclaim"       /* volumes: "delete" or "retain" */
