/* scratch.h - a directory of its own for each test, and files in it. Everything fails the test when it does not work. */
#pragma once

#include <sys/types.h>

#include "testing.h"

#include "base/macros.h"

struct scratch {
        char path[64]; /* "/tmp/hv-source-XXXXXX" */
};

int scratch_set_up(void **state); /* *state: struct scratch; the umask is 0 from here on */
int scratch_tear_down(void **state);

/* Path below the directory, in a ring of buffers: good for the next 8 calls. */
const char *scratch_path(const struct scratch *s, const char *name);
void scratch_write(const struct scratch *s, const char *name, const char *text); /* mode 0600 */
void scratch_write_mode(const struct scratch *s, const char *name, const char *text, mode_t mode);
void scratch_mkdir(const struct scratch *s, const char *name);
char *scratch_read(const struct scratch *s, const char *name); /* caller frees; NULL: not there */
void scratch_remove(const char *path);                         /* with all that is in it */
