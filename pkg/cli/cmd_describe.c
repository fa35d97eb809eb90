/* hivectl describe: all there is to know about one object, for people. */
#include "cli/cli_internal.h"

#include "cli/output.h"
#include "json/yaml.h"

#define EVENTS_SHOWN "10"

static int get_part(struct hv_cli *cli, const struct hv_cli_object *o, const char *part,
                    struct hv_json **ret) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};

        hv_buf_printf(&path, "/api/v1/%s/", hv_cli_folder(o->kind));
        hv_cli_escape_path(&path, o->name);
        hv_buf_puts(&path, part);
        return hv_cli_get(cli, hv_buf_str(&path), ret);
}

/* Indented YAML under a heading; nothing for an empty mapping. */
static void put_section(struct hv_buf *buf, const char *heading, const struct hv_json *j) {
        _hv_cleanup_(hv_buf_done) struct hv_buf yaml = {};

        if (hv_json_size(j) == 0)
                return;
        hv_json_write_yaml(j, &yaml);
        hv_buf_printf(buf, "\n%s\n", heading);
        for (const char *line = hv_buf_str(&yaml), *end; *line; line = end + 1) {
                end = strchr(line, '\n');
                hv_buf_printf(buf, "  %.*s\n", (int) (end - line), line);
        }
}

static void print_units(struct hv_cli *cli, const struct hv_json *units) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();

        hv_table_column(t, "CONTAINER", 0);
        hv_table_column(t, "PHASE", 0);
        hv_table_column(t, "SINCE", HV_TABLE_RIGHT);
        hv_table_column(t, "RESTARTS", HV_TABLE_RIGHT);
        hv_table_column(t, "EXIT", HV_TABLE_RIGHT);
        hv_table_column(t, "ID", 0);
        hv_table_column(t, "MESSAGE", HV_TABLE_CUT);
        for (size_t i = 0; i < hv_json_size(units); i++) {
                const struct hv_json *u = hv_json_at(units, i);
                const char *id = hv_json_str(u, "id");
                int64_t exit_code = hv_json_int(u, "exitCode", -1);
                char age[HV_AGE_SIZE];

                hv_table_row(t);
                hv_table_cell(t, hv_json_str(u, "container"));
                hv_table_cell(t, hv_json_str(u, "phase"));
                hv_table_cell(t, hv_output_age(hv_json_str(u, "since"), age));
                hv_table_cellf(t, "%d", (int) hv_json_int(u, "restarts", 0));
                if (exit_code >= 0)
                        hv_table_cellf(t, "%d", (int) exit_code);
                else
                        hv_table_cell(t, NULL);
                hv_table_cellf(t, "%.12s", id ? id : "");
                hv_table_cell(t, hv_json_str(u, "message"));
        }
        (void) putchar('\n');
        hv_output_table(cli, t);
}

/* What the attempt used; an empty cell where it is not known. */
static void put_usage(struct hv_table *t, const struct hv_json *usage) {
        int64_t cpu_us = hv_json_int(usage, "cpuMicroseconds", -1),
                bytes = hv_json_int(usage, "memoryPeakBytes", -1);

        if (cpu_us >= 0)
                hv_table_cellf(t, "%.2fs", (double) cpu_us / 1e6);
        else
                hv_table_cell(t, NULL);
        if (bytes >= 0)
                hv_table_cellf(t, "%.1fMi", (double) bytes / (1 << 20));
        else
                hv_table_cell(t, NULL);
}

static void put_gpu_use(struct hv_table *t, const struct hv_json *gpu) {
        int64_t mean = hv_json_int(gpu, "useMeanPercent", -1), peak = hv_json_int(gpu, "usePeakPercent", -1),
                bytes = hv_json_int(gpu, "memoryPeakBytes", -1);

        if (mean >= 0)
                hv_table_cellf(t, "%d%% (%d%%)", (int) mean, (int) peak);
        else
                hv_table_cell(t, NULL);
        if (bytes >= 0)
                hv_table_cellf(t, "%.1fMi", (double) bytes / (1 << 20));
        else
                hv_table_cell(t, NULL);
}

static bool has_gpu_use(const struct hv_json *attempts) {
        for (size_t i = 0; i < hv_json_size(attempts); i++)
                if (hv_json_type(hv_json_get(hv_json_get(hv_json_at(attempts, i), "usage"), "gpu")) ==
                    HV_JSON_OBJECT)
                        return true;
        return false;
}

static void print_attempts(struct hv_cli *cli, const struct hv_json *attempts) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();
        bool with_gpus = has_gpu_use(attempts);

        hv_table_column(t, "ATTEMPT", HV_TABLE_RIGHT);
        hv_table_column(t, "CONTAINER", HV_TABLE_CUT);
        hv_table_column(t, "STARTED", HV_TABLE_RIGHT);
        hv_table_column(t, "CAUSE", 0);
        hv_table_column(t, "REASON", 0);
        hv_table_column(t, "EXIT", HV_TABLE_RIGHT);
        hv_table_column(t, "FILES", HV_TABLE_RIGHT);
        hv_table_column(t, "CPU", HV_TABLE_RIGHT);
        hv_table_column(t, "MEMORY", HV_TABLE_RIGHT);
        if (with_gpus) {
                hv_table_column(t, "GPU (PEAK)", HV_TABLE_RIGHT);
                hv_table_column(t, "GPU MEMORY", HV_TABLE_RIGHT);
        }
        hv_table_column(t, "MESSAGE", HV_TABLE_CUT);
        for (size_t i = 0; i < hv_json_size(attempts); i++) {
                const struct hv_json *a = hv_json_at(attempts, i);
                int64_t exit_code = hv_json_int(a, "exitCode", -1);
                char age[HV_AGE_SIZE];

                hv_table_row(t);
                hv_table_cellf(t, "%d", (int) hv_json_int(a, "attempt", 0));
                hv_table_cell(t, hv_json_str(a, "container"));
                hv_table_cell(t, hv_output_age(hv_json_str(a, "startedAt"), age));
                hv_table_cell(t, hv_json_str(a, "cause"));
                hv_table_cell(t, hv_json_str(a, "reason"));
                if (exit_code >= 0)
                        hv_table_cellf(t, "%d", (int) exit_code);
                else
                        hv_table_cell(t, NULL);
                hv_table_cellf(t, "%lld", (long long) hv_json_int(hv_json_get(a, "outputs"), "files", 0));
                put_usage(t, hv_json_get(a, "usage"));
                if (with_gpus)
                        put_gpu_use(t, hv_json_get(hv_json_get(a, "usage"), "gpu"));
                hv_table_cell(t, hv_json_str(a, "message"));
        }
        (void) putchar('\n');
        hv_output_table(cli, t);
}

/* Where the files of a task are on this machine. */
static void put_paths(struct hv_buf *buf, const struct hv_json *paths) {
        static const char *const names[] = { "workspace", "results" };

        for (size_t i = 0; i < HV_ARRAY_SIZE(names); i++)
                if (hv_json_str(paths, names[i]))
                        hv_buf_printf(buf, "  %-9s %s\n", names[i], hv_json_str(paths, names[i]));
}

static void print_events(struct hv_cli *cli, const struct hv_json *items) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();

        hv_table_column(t, "AGE", HV_TABLE_RIGHT);
        hv_table_column(t, "EVENT", 0);
        hv_table_column(t, "MESSAGE", HV_TABLE_CUT);
        for (size_t i = 0; i < hv_json_size(items); i++) {
                const struct hv_json *e = hv_json_at(items, i);
                char age[HV_AGE_SIZE];

                hv_table_row(t);
                hv_table_cell(t, hv_output_age(hv_json_str(e, "time"), age));
                hv_table_cell(t, hv_json_str(e, "event"));
                hv_table_cell(t, hv_json_str(e, "message"));
        }
        (void) putchar('\n');
        hv_output_table(cli, t);
}

int hv_cmd_describe(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        _hv_cleanup_(hv_json_freep) struct hv_json *object = NULL, *why = NULL, *events = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_cli_object wanted;
        const struct hv_json *units, *items;
        int r;

        if (o->n_args == 0)
                return hv_cli_usage(cli,
                                    "what is to be described? For example: hivectl describe service/web");
        r = hv_cli_object(cli, o->args[0], o->n_args > 1 ? o->args[1] : NULL, &wanted);
        if (r != HV_EXIT_OK)
                return r;
        if (!wanted.name)
                return hv_cli_usage(cli, "which %s? For example: hivectl describe %s/NAME",
                                    hv_kind_label(wanted.kind), hv_kind_label(wanted.kind));
        r = get_part(cli, &wanted, "", &object);
        if (r == HV_EXIT_OK)
                r = get_part(cli, &wanted, "/why", &why);
        if (r == HV_EXIT_OK)
                r = get_part(cli, &wanted, "/events?tail=" EVENTS_SHOWN, &events);
        if (r != HV_EXIT_OK)
                return r;

        hv_why_text(why, &text);
        put_paths(&text, hv_json_get(object, "paths"));
        put_section(&text, "Labels", hv_json_get(hv_json_get(object, "metadata"), "labels"));
        put_section(&text, "Spec", hv_json_get(object, "spec"));
        hv_output_text(cli, &text);
        units = hv_json_get(hv_json_get(object, "status"), "units");
        if (hv_json_size(units) > 0)
                print_units(cli, units);
        if (hv_json_size(hv_json_get(object, "attempts")) > 0)
                print_attempts(cli, hv_json_get(object, "attempts"));
        items = hv_json_get(events, "items");
        if (hv_json_size(items) > 0)
                print_events(cli, items);
        return HV_EXIT_OK;
}
