/* source/task_types.h - the files that say what kinds of work there are (spec/task_type.h).
 *
 *      /usr/share/hivelet/task-types.d/NAME.yaml    shipped
 *      task-types.d/NAME.yaml beside the primary file, so /etc/hivelet/task-types.d: the operator's, which win by name
 *
 * Model    Read with each load of the sources; a directory that is not there is an empty one. They are not watched: a change
 *          comes with the next load (`hivectl reload`).
 */
#pragma once

#include "spec/load.h"

struct hv_arena;

struct hv_task_type_files {
        struct hv_arena *arena; /* of names and texts */
        HV_VEC(struct hv_spec_file) v;
};

/* `config`: path of the primary file; NULL: the one that the agent reads when it is told nothing. What cannot be read is a
 * finding in `diags`. */
void hv_task_type_files_read(const char *config, struct hv_task_type_files *ret, struct hv_diags *diags);
void hv_task_type_files_done(struct hv_task_type_files *f);
