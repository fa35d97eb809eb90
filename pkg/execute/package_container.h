/* execute/package_container.h - the container that installs Python packages: pip, of the task's own image.
 *
 * Model    Nothing of a task's text gets onto a command line: what is wanted stands in a file, written in normal form
 *          (spec/value_package.h), and pip reads no other configuration than its arguments. Only wheels are installed, so that
 *          nothing of a package runs here. It has the task's limits, never root, no capability, a read-only root, one directory
 *          to write to, and a network only where an index is to be reached.
 * Source   pip install, "--target", "--only-binary"; pip configuration, PIP_CONFIG_FILE=/dev/null.
 */
#pragma once

#include "execute/create.h"
#include "spec/task.h"
#include "task/beneath.h"

struct hv_package_container {
        const struct hv_task *task;
        unsigned attempt;
        const char *image_id, *key;
        const char *path; /* of the build directory on the host */
};

/* *ret borrows from `arena` and the task. -errno: the folder of wheels cannot be mounted (execute/host_path.h). */
int hv_package_container(const struct hv_package_container *c, const struct hv_create_for *who,
                         struct hv_arena *arena, struct hv_docker_create *ret, struct hv_err *err);

/* Who installs, and so writes to the build directory: the task's user, unless that is root. */
struct hv_owner hv_package_owner(const struct hv_task *task);
