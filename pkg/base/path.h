/* base/path.h - paths as text: nothing is looked at on disk. */
#pragma once

#include "base/macros.h"

/* `path` is `directory` or something below it, both absolute and without "..": "/srv/data" is below "/srv" and "/srv/",
 * "/srv2" is not. */
bool hv_path_is_below(const char *path, const char *directory);
