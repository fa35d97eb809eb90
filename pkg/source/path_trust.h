/* source/path_trust.h - who could put something else under a name.
 *
 * Model    An entry of a directory can be exchanged by the directory's owner and by whoever may write to it;
 *          in a directory with the sticky bit only by the owner of the entry or of the directory (inode(7),
 *          S_ISVTX). Root and this user are trusted: they need no trick.
 */
#pragma once

#include <sys/stat.h>

#include "base/macros.h"

#define HV_PATH_TRUST_SIZE 48

/* True when somebody else could exchange `entry` of `dir`; then `ret_who` says who: "uid 1000", "group 100",
 * "everyone". */
bool hv_path_is_exchangeable(const struct stat *dir, const struct stat *entry,
                             char ret_who[HV_PATH_TRUST_SIZE]);
