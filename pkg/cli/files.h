/* cli/files.h - what --filename names: files, folders, standard input.
 *
 * A folder gives its *.yaml and *.yml, sorted by name, without those below it. Nothing is ever read from a
 * terminal.
 */
#pragma once

#include "base/err.h"

#define HV_CLI_FILE_MAX_BYTES ((size_t) 4 << 20) /* the reader refuses files above 1 MiB (E0003), by name */

struct hv_cli_file {
        char *name; /* as messages show it; "-" for standard input */
        char *path; /* absolute, links resolved; NULL for standard input */
        char *text;
        size_t len;
};

struct hv_cli_files {
        struct hv_cli_file *v;
        size_t n;
};

void hv_cli_files_done(struct hv_cli_files *f);

/* All of them. -ENOENT a file is missing, -EACCES unreadable, -EINVAL a folder without documents, others. */
int hv_cli_files_read(const char *const *names, size_t n_names, struct hv_cli_files *ret, struct hv_err *err);
