/* base/path.c - see path.h. */
#include "base/path.h"

bool hv_path_is_below(const char *path, const char *directory) {
        size_t n = strlen(directory);

        while (n > 1 && directory[n - 1] == '/')
                n--;
        if (n == 1 && *directory == '/')
                return *path == '/';
        return strncmp(path, directory, n) == 0 && (path[n] == '\0' || path[n] == '/');
}
