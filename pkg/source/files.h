/* source/files.h - the primary file and the drop-ins beside it.
 *
 *      /etc/hivelet/node.yaml      the primary file: the one that may hold a NodeState
 *      /etc/hivelet/conf.d/NAME.yaml drop-ins, in the order of their names
 *
 * Model    What each file held when it was last closed or moved into place is kept; a pass reads only those
 *          that were touched since, and never one that is being written. Without a watch every pass reads
 *          everything.
 * Rules    each file as source/read.h says. Other names, hidden files and what editors leave behind
 *          (".x.swp", "x~", ".#x", "#x#") are no drop-ins. A drop-in directory that is not there is an empty
 *          one, unless it had files before: then somebody moved it away, and its objects are unknown, not
 *          gone.
 */
#pragma once

#include "base/err.h"
#include "source/read.h"
#include "spec/diag.h"
#include "spec/load.h"

struct sd_event;
struct hv_files;

struct hv_files_options {
        const char *config;     /* absolute */
        const char *config_dir; /* absolute; NULL: no drop-ins */
};

struct hv_files *hv_files_new(const struct hv_files_options *options);
struct hv_files *hv_files_free(struct hv_files *f); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_files, hv_files_free);

/* From now on `changed` is called, from the loop, when something is worth reading. */
int hv_files_watch(struct hv_files *f, struct sd_event *event, void (*changed)(void *userdata),
                   void *userdata, struct hv_err *err);

/* The next pass reads everything (SIGHUP, `apply` without files). */
void hv_files_forget(struct hv_files *f);

/* One pass. What cannot be read is a finding in `diags`; *ret_missing tells whether the primary file is not
 * there, which is no finding: the caller knows whether it must be. */
void hv_files_read(struct hv_files *f, bool *ret_missing, struct hv_diags *diags);

/* What was read, the primary file first: those that could be read. Texts are good until the next pass. */
size_t hv_files_count(const struct hv_files *f);
struct hv_spec_file hv_files_get(const struct hv_files *f, size_t i);

/* Says that the directory had files in an earlier life of this process. */
void hv_files_expect_dir(struct hv_files *f);
