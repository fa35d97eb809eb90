/* spec/schema_task_type.c - rows of a task type's document. */
#include "spec/task_type.h"

static const struct hv_field choice_rows[] = {
        { HV_ROW(type_choice, "value", TEXT, value), .required = true, .doc = "What is written.",
          .example = "pytorch" },
        { HV_ROW(type_choice, "task", ANY, task), .doc = "Fields of a task that come with it.",
          .example = "{requirements: [torch]}" },
};
static const struct hv_schema choice = { .name = "Choice",
                                         .doc = "A value that a parameter may have.",
                                         HV_FIELDS(choice_rows),
                                         HV_SIZED(type_choice),
                                         .key = "value",
                                         .item_word = "choice" };

static const struct hv_field parameter_rows[] = {
        { HV_ROW(type_parameter, "name", TEXT, name), .required = true, .doc = "Its name.",
          .example = "code" },
        { HV_ROW(type_parameter, "description", TEXT, doc), .doc = "What it is for." },
        { HV_ROW(type_parameter, "type", ENUM, type),
          HV_WORDS("text", "int", "number", "bool", "list", "any", "file", "packages"), .value = "text",
          .doc = "What may be written." },
        { HV_ROW(type_parameter, "required", BOOL, required), .value = "false",
          .doc = "Whether a task must give it." },
        { HV_ROW(type_parameter, "default", ANY, otherwise), .doc = "What it is when a task does not say." },
        { HV_STRUCTS(type_parameter, "choices", choices, choice), .doc = "The values that it may have." },
        { HV_ROW(type_parameter, "file", TEXT, file), .doc = "File of the workspace that it becomes.",
          .example = "task.py" },
        { HV_ROW(type_parameter, "env", TEXT, env), .format = HV_FORMAT_ENV_NAME,
          .doc = "Environment variable that it becomes.", .example = "EPOCHS" },
};
static const struct hv_group parameter_groups[] = { { HV_NAMES("file", "env"), .exclusive = true } };
static const struct hv_schema parameter = { .name = "Parameter",
                                            .doc = "A value that a task of the type gives.",
                                            HV_FIELDS(parameter_rows),
                                            HV_GROUPS(parameter_groups),
                                            HV_SIZED(type_parameter),
                                            .key = "name",
                                            .item_word = "parameter" };

static const struct hv_field body_rows[] = {
        { HV_ROW(type_body, "description", TEXT, doc), .doc = "What it is for." },
        { HV_ROW(type_body, "task", ANY, task), .doc = "Fields of a task.",
          .example = "{command: [python, task.py]}" },
        { HV_LIST(type_body, "fixed", TEXT, fixed), .doc = "Fields that a task may not set itself.",
          .example = "[command, args]" },
        { HV_STRUCTS(type_body, "parameters", parameters, parameter),
          .doc = "What a task of this type gives." },
};
static const struct hv_schema body = { .name = "TaskTypeSpec",
                                       .doc = "What a kind of work is made of.",
                                       HV_FIELDS(body_rows),
                                       HV_SIZED(type_body) };

static const struct hv_field metadata_rows[] = {
        { HV_ROW(type_metadata, "name", TEXT, name), .required = true, .doc = "Name of the type.",
          .example = "python" },
};
static const struct hv_schema metadata = {
        .name = "TaskTypeMetadata", .doc = "Its name.", HV_FIELDS(metadata_rows), HV_SIZED(type_metadata)
};

static const struct hv_field task_type_rows[] = {
        { HV_ROW(task_type, "apiVersion", TEXT, api_version), .required = true, .doc = "hivelet/v1." },
        { HV_ROW(task_type, "kind", TEXT, kind), .required = true, .doc = "TaskType." },
        { HV_NESTED(task_type, "metadata", metadata, metadata), .required = true, .doc = "Its name." },
        { HV_NESTED(task_type, "spec", spec, body), .required = true, .doc = "What it is made of." },
};
const struct hv_schema hv_schema_task_type = {
        .name = "TaskType", .doc = "A kind of work.", HV_FIELDS(task_type_rows), HV_SIZED(task_type)
};
