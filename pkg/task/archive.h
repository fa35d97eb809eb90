/* task/archive.h - a stranger's archive, unpacked below a directory of the workspace.
 *
 *      zip                     zip_check.c judges its directory, libarchive gives the contents
 *      tar, tar.gz, tgz        libarchive, from a stream that we count and whose end we check
 *      gz                      one file, named as the archive without ".gz"
 *
 * Model    Regular files and directories, nothing else, each made by beneath.h: libarchive never opens a name, so its own
 *          ways of writing (and their ARCHIVE_EXTRACT_SECURE flags) are not used at all. Of the permissions only "may be
 *          run" is kept: 0644 or 0755, never setuid. Archives in an archive are files.
 * Refused  with a sentence that names the entry: links, devices, fifos, sockets; names that hv_beneath_fault() refuses; a
 *          name twice, a name below a file, names that differ only in case (ASCII); encryption; compression other than
 *          deflate; too many entries, too many bytes, a ratio that no honest data has; damage, truncation, and anything
 *          behind the end. An archive that is refused half way leaves what was unpacked: the caller drops the workspace.
 * Errors   -EBADMSG: refused; -ECANCELED; everything else: the machine is in the way.
 * Thread   blocks: for the worker. In the agent this is the only file that knows libarchive's reader (hivectl: cli/untar.h).
 */
#pragma once

#include "task/prepare.h"

struct hv_job;

struct hv_unpack {
        int archive_fd;           /* of a regular file */
        const char *archive_name; /* its last component: what is compressed with gzip is told apart by it */
        int workspace_fd;
        const char *path; /* where: below the workspace, "." is the workspace itself */
        struct hv_owner owner;
        const struct hv_task_input_limits *limits;
        size_t *n_entries; /* of all inputs: counted on */
        uint64_t *n_bytes; /* as well */
        const struct hv_job *job;
};

int hv_archive_unpack(const struct hv_unpack *u, struct hv_err *err);
