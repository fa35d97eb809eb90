/* spec/task_type.h - kinds of work as data: what a task that says `type: python` is made of.
 *
 *      config/task-types.d/python.yaml --> struct hv_task_types
 *                                                |
 *      task {type, parameters, ...} ------ hv_task_expand() --> task {image, command, inputs, ...}: what is run and kept
 *
 * Model    A type is a task that is not complete, and parameters that complete it. Each parameter reaches the program one
 *          way: as a file of the workspace, as an environment variable, as a list of packages, or (nothing said) in
 *          task.json. Nothing becomes part of a command line. A parameter with choices may bring more of the task with
 *          each. The task's own fields win, except those that the type fixes; inputs and env are joined.
 * Pure     expansion reads its arguments only; what comes out is a task like any other: nothing looks at the type again.
 * Errors   E0461 no such type; E0462 a parameter; E0463 a fixed field; E0465 a type's own file. Findings about what a type
 *          brings are at the task's `type`, those about parameters at the parameter.
 */
#pragma once

#include "spec/schema_internal.h"

enum hv_parameter_type {
        HV_PARAMETER_TEXT,
        HV_PARAMETER_INT,
        HV_PARAMETER_NUMBER,
        HV_PARAMETER_BOOL,
        HV_PARAMETER_LIST, /* of texts */
        HV_PARAMETER_ANY,
        HV_PARAMETER_FILE,     /* a text, or an input without its path: {url: ...}, {archive: ...} */
        HV_PARAMETER_PACKAGES, /* a list that becomes the task's `requirements` */
};

struct hv_spec_type_choice {
        const struct hv_node *node;
        const char *value;
        const struct hv_node *task; /* more of the task; NULL: nothing */
};

struct hv_spec_type_parameter {
        const struct hv_node *node;
        const char *name, *doc;
        int type; /* enum hv_parameter_type */
        bool required;
        const struct hv_node *otherwise; /* its default; NULL: none */
        HV_SPEC_LIST(struct hv_spec_type_choice) choices;
        const char *file, *env; /* how it reaches the program; both NULL: in task.json */
};

struct hv_spec_type_body {
        const struct hv_node *node;
        const char *doc;
        const struct hv_node *task; /* fields of a task; NULL: none */
        struct hv_strv fixed;       /* fields that a task may not set itself */
        HV_SPEC_LIST(struct hv_spec_type_parameter) parameters;
};

struct hv_spec_type_metadata {
        const struct hv_node *node;
        const char *name;
};

struct hv_spec_task_type {
        const struct hv_node *node;
        const char *api_version, *kind;
        struct hv_spec_type_metadata metadata;
        struct hv_spec_type_body spec;
};

struct hv_task_types { /* sorted by name */
        const struct hv_spec_task_type *v;
        size_t n;
};

extern const struct hv_schema hv_schema_task_type; /* a whole document */

/* Where the name of its type is kept when a task was expanded: an annotation. */
#define HV_TASK_TYPE_ANNOTATION "hivelet/type"

const struct hv_spec_task_type *hv_task_types_find(const struct hv_task_types *types, const char *name);

/* A mapping with the fields of a task, its type put in its place; the mapping itself where it has none. NULL: findings say
 * why not. The result shares nodes with both and lives in `a`, which must not outlive `types`' texts. */
const struct hv_node *hv_task_expand(const struct hv_task_types *types, const struct hv_node *task,
                                     struct hv_arena *a, struct hv_diags *d);

/* The same for the task in a field of `outer`, such as that of a cron task. */
const struct hv_node *hv_task_expand_within(const struct hv_task_types *types, const struct hv_node *outer,
                                            const char *field, struct hv_arena *a, struct hv_diags *d);
