/* hivectl help: made of the tables of verbs and options. Examples come first: they are what people look for. */
#include "cli/cli_internal.h"

#define COLUMN 26

static void put_option(struct hv_buf *buf, const struct hv_option *o, unsigned formats) {
        _hv_cleanup_(hv_buf_done) struct hv_buf head = {};
        bool first = true;

        hv_buf_printf(&head, o->letter ? "-%c, " : "    ", o->letter);
        hv_buf_printf(&head, "--%s", o->name);
        if (o->argument)
                hv_buf_printf(&head, " %s", o->argument);
        hv_buf_printf(buf, "  %-*s %s", COLUMN, hv_buf_str(&head), o->help);
        for (size_t i = 0; o->id == HV_OPT_OUTPUT && o->words[i]; i++) {
                if (!(formats & (1u << i)))
                        continue;
                hv_buf_printf(buf, "%s%s", first ? ": " : ", ", o->words[i]);
                first = false;
        }
        hv_buf_putc(buf, '\n');
}

static void put_verb(struct hv_buf *buf, const struct hv_verb *v) {
        hv_option_set own = hv_verb_options(v) & ~HV_OPTS_GLOBAL;

        hv_buf_printf(buf, "hivectl %s - %s\n\nExamples\n", v->name, v->summary);
        for (const char *line = v->examples, *end; *line; line = end + 1) {
                end = strchr(line, '\n');
                hv_buf_printf(buf, "  hivectl %.*s\n", (int) (end - line), line);
        }
        hv_buf_printf(buf, "\nUsage\n  hivectl %s%s%s\n", v->name, *v->usage ? " " : "", v->usage);
        if (v->alias)
                hv_buf_printf(buf, "  hivectl %s is the same\n", v->alias);
        if (v->expands)
                hv_buf_printf(buf, "\nThe same as hivectl %s; hivectl help %s tells more.\n", v->expands,
                              hv_verb_target(v)->name);
        if (v->details)
                hv_buf_printf(buf, "\n%s\n", v->details);
        for (int global = 0; global < 2; global++) {
                hv_option_set set = global ? HV_OPTS_GLOBAL : own;

                if (set)
                        hv_buf_puts(buf, global ? "\nOptions of every command\n" : "\nOptions\n");
                for (size_t i = 0; i < HV_N_OPTIONS; i++) {
                        if (set & HV_OPT_BIT(i))
                                put_option(buf, &hv_options[i], hv_verb_target(v)->formats);
                }
        }
}

static void put_overview(struct hv_buf *buf) {
        const char *group = NULL;
        const struct hv_verb *v;

        hv_buf_puts(buf, "hivectl - see and change what this machine runs\n\n"
                         "Examples\n"
                         "  hivectl status                   is everything as wished?\n"
                         "  hivectl why service/web          why is it not?\n"
                         "  hivectl plan                     what would be done\n"
                         "  hivectl apply -f web.yaml --wait do it\n"
                         "  hivectl logs web -f              follow a log\n"
                         "  hivectl run -f task.yaml --wait  run something once\n\n"
                         "Usage\n  hivectl COMMAND [TYPE/NAME] [OPTIONS]\n");
        for (size_t i = 0; (v = hv_verb_at(i)); i++) {
                if (!v->group)
                        continue;
                if (!hv_streq(group, v->group))
                        hv_buf_printf(buf, "\n%s\n", v->group);
                group = v->group;
                hv_buf_printf(buf, "  %-15s %s\n", v->name, v->summary);
        }
        hv_buf_puts(buf, "\nOptions of every command\n");
        for (size_t i = 0; i < HV_N_OPTIONS; i++) {
                if ((HV_OPTS_GLOBAL | HV_OPT_BIT(HV_OPT_VERSION)) & HV_OPT_BIT(i))
                        put_option(buf, &hv_options[i], 0);
        }
        hv_buf_puts(buf, "\nhivectl COMMAND --help tells more; hivectl explain tells what a field means.\n");
}

static void put_family(struct hv_buf *buf, const char *family) {
        const struct hv_verb *v;

        hv_buf_printf(buf, "hivectl %s COMMAND\n\n", family);
        for (size_t i = 0; (v = hv_verb_at(i)); i++)
                if (hv_verb_is_in(v, family))
                        hv_buf_printf(buf, "  %-15s %s\n", v->name, v->summary);
        hv_buf_printf(buf, "\nhivectl %s COMMAND --help tells more.\n", family);
}

int hv_cmd_help(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        const struct hv_verb *about = cli->verb;
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};

        if (about && about->run == hv_cmd_help && !hv_option_is_given(o, HV_OPT_HELP)) {
                about = hv_cli_verb(cli);
                if (o->n_args > 0 && !about && !(o->n_args == 1 && hv_cli_is_family(o->args[0])))
                        return hv_cli_no_such_verb(cli);
        }
        if (about && about->group)
                put_verb(&buf, about);
        else if (!about && o->n_args > 0 && hv_cli_is_family(o->args[0]))
                put_family(&buf, o->args[0]);
        else
                put_overview(&buf);
        /* Asked for: data. Shown because something was missing: a remark. */
        (void) fputs(hv_buf_str(&buf), cli->verb || hv_option_is_given(o, HV_OPT_HELP) ? stdout : stderr);
        return HV_EXIT_OK;
}
