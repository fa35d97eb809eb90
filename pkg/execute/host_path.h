/* execute/host_path.h - a path of the host, looked at in the moment it is given to the engine.
 *
 * Model    The engine opens the path again, by name. So a name is handed over only when nobody but root (or
 *          this user) could put something else in its place: no component is a link, and every directory on
 *          the way belongs to root or this user and is not writable by others. The last component may belong
 *          to anybody.
 * Rules    the prefixes of node.policy are judged when the desired state is loaded; what is never mounted
 *          (the engine's socket, /proc, the agent's own directories) is refused once more by docker/create.h,
 *          which sees the path that this gives.
 * Blocking a file system that does not answer is waited for 2 seconds, once as long as it stays so (base/within.h).
 * Source   openat2(2) RESOLVE_NO_SYMLINKS, RESOLVE_NO_MAGICLINKS; CVE-2021-25741 for what goes wrong without.
 */
#pragma once

#include "base/err.h"

/* `path` is absolute. *ret: the same place, without "//", "/./" and ".." (caller frees). -ENOENT it is not
 * there, -ELOOP a component is a symbolic link, -EPERM somebody else could exchange a component, -ETIMEDOUT its
 * file system does not answer. */
int hv_host_path_resolve(const char *path, char **ret, struct hv_err *err);
