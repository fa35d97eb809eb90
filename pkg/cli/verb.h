/* cli/verb.h - the commands: a table that dispatch, help, completion and the man page's check read.
 *
 * Adding   a verb = one row in a part of it (verb_*.c), one function in a cmd_*.c.
 */
#pragma once

#include "cli/option.h"

struct hv_cli;

/* What follows the verb, for completion. */
enum hv_verb_args {
        HV_ARGS_NONE,
        HV_ARGS_OBJECT,   /* TYPE/NAME, or TYPE NAME */
        HV_ARGS_SERVICE,  /* NAME of a service, or service/NAME */
        HV_ARGS_TASK,     /* id of a task */
        HV_ARGS_CRON,     /* name of a cron task */
        HV_ARGS_TYPES,    /* TYPE, or TYPE/NAME */
        HV_ARGS_REVISION, /* id of a revision */
        HV_ARGS_FIELD,    /* path of a field */
        HV_ARGS_SHELL,    /* bash, zsh, fish */
        HV_ARGS_VERB,
};

struct hv_verb {
        const char *name, *alias; /* alias may be NULL; a name of two words belongs to a family: "task ls" */
        const char *
                expands; /* NULL, or what it is short for: "get tasks"; its options, forms and function are that verb's */
        const char *group;     /* heading in the overview */
        const char *usage;     /* what follows the name */
        const char *summary;   /* one line */
        const char *details;   /* more, for --help; may be NULL */
        const char *examples;  /* lines without the leading "hivectl " */
        hv_option_set options; /* HV_OPT_BIT() of its own; the global ones are added */
        unsigned formats;      /* bits 1u << HV_OUTPUT_*; 0: no --output */
        enum hv_verb_args args;
        unsigned args_max;
        int (*run)(struct hv_cli *cli);
};

/* The verb that a line begins with, by name or alias; NULL: none. */
const struct hv_verb *hv_verb_find(const char *line);
/* The one that it is short for, or itself. */
const struct hv_verb *hv_verb_target(const struct hv_verb *v);
hv_option_set hv_verb_options(const struct hv_verb *v); /* all that it takes */
size_t hv_verb_words(const struct hv_verb *v);          /* of its name: 1 or 2 */
/* "task" of "task ls"; a verb of one word is in none. */
bool hv_verb_is_in(const struct hv_verb *v, const char *family);
const struct hv_verb *hv_verb_at(size_t i);    /* NULL: past the last */
const char *hv_verb_suggest(const char *name); /* NULL: none is near */
