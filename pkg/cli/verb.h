/* cli/verb.h - the commands: a table that dispatch, help, completion and the man page's check read.
 *
 * Adding   a verb = one row in verb.c, one function in a cmd_*.c.
 */
#pragma once

#include "cli/option.h"

struct hv_cli;

/* What follows the verb, for completion. */
enum hv_verb_args {
        HV_ARGS_NONE,
        HV_ARGS_OBJECT,  /* TYPE/NAME, or TYPE NAME */
        HV_ARGS_SERVICE, /* NAME of a service, or service/NAME */
        HV_ARGS_TYPES,   /* TYPE, or TYPE/NAME */
        HV_ARGS_FIELD,   /* path of a field */
        HV_ARGS_SHELL,   /* bash, zsh, fish */
        HV_ARGS_VERB,
};

struct hv_verb {
        const char *name, *alias; /* alias may be NULL */
        const char *group;        /* heading in the overview */
        const char *usage;        /* what follows the name */
        const char *summary;      /* one line */
        const char *details;      /* more, for --help; may be NULL */
        const char *examples;     /* lines without the leading "hivectl " */
        unsigned options;         /* HV_OPT_BIT() of its own; the global ones are added */
        unsigned formats;         /* bits 1u << HV_OUTPUT_*; 0: no --output */
        enum hv_verb_args args;
        unsigned args_max;
        int (*run)(struct hv_cli *cli);
};

const struct hv_verb *hv_verb_find(const char *name); /* alias too; NULL: none */
const struct hv_verb *hv_verb_at(size_t i);           /* NULL: past the last */
const char *hv_verb_suggest(const char *name);        /* NULL: none is near */
