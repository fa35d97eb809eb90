/* cgroup/place.h - where the containers of this node stand.
 *
 *      <slice>                               of the desired state: hivelet.slice. The node's caps hold here
 *        hivelet-services.slice
 *          docker-<container>.scope          of a service
 *        hivelet-tasks.slice                 what all tasks together may take
 *          docker-<container>.scope          that installs a task's packages
 *          hivelet-tasks-<node>.slice        of this node: nobody else makes anything in it
 *            hivelet-tasks-<node>-<id>.<attempt>.slice
 *              docker-<container>.scope      made by the engine, gone when the container has ended
 *
 * Why      the kernel counts for a cgroup and all below it, and forgets the figures of one with its folder. The engine removes a
 *          container's own as soon as that has ended; the attempt's stays until hivelet has read it.
 * Owner    of what is returned: the caller, who frees it.
 */
#pragma once

#include "base/macros.h"

/* Of all services: the slice's name. */
char *hv_cgroup_services_slice(const char *slice);

/* Of all tasks, and of what is made for them. */
char *hv_cgroup_all_tasks_slice(const char *slice);

/* Of all tasks of this node. */
char *hv_cgroup_tasks_slice(const char *slice, const char *node_id);

/* Of one attempt (1..) at a task. */
char *hv_cgroup_attempt_slice(const char *slice, const char *node_id, const char *task_id, unsigned attempt);

/* A parent as an engine was told it ("/a/b" of cgroupfs, "a-b.slice" of systemd), from the root of a hierarchy on. NULL: it is
 * neither, or leads elsewhere ("..", a part that is empty). */
char *hv_cgroup_path_of_parent(const char *parent);

/* Does the path end in this slice? Podman on cgroupfs is told a name without ".slice". */
bool hv_cgroup_is_slice(const char *path, const char *slice);
