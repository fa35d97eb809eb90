/* hivectl top: what the machine and its containers use, live on a terminal. */
#include "cli/cli_internal.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "cli/output.h"

#define REFRESH_MS 1000              /* a new sample is shown within a second */
#define CLEAR "\x1b[H\x1b[2J\x1b[3J" /* home, and nothing on the screen */
#define SIZE_TEXT 24

enum part {
        PART_NODE = 1 << 0,
        PART_SERVICES = 1 << 1,
        PART_TASKS = 1 << 2,
        PART_GPUS = 1 << 3,
        PART_ALL = PART_NODE | PART_SERVICES | PART_TASKS,
};

static const struct {
        const char *word;
        unsigned parts;
} words[] = {
        { "node", PART_NODE },    { "services", PART_SERVICES }, { "service", PART_SERVICES },
        { "svc", PART_SERVICES }, { "tasks", PART_TASKS },       { "task", PART_TASKS },
        { "gpus", PART_GPUS },    { "gpu", PART_GPUS },          { "all", PART_ALL },
};

static int read_parts(struct hv_cli *cli, unsigned *ret) {
        const char *word = cli->options.n_args > 0 ? cli->options.args[0] : NULL;

        *ret = PART_ALL;
        if (!word)
                return HV_EXIT_OK;
        for (size_t i = 0; i < HV_ARRAY_SIZE(words); i++) {
                if (hv_streq(words[i].word, word)) {
                        *ret = words[i].parts;
                        return HV_EXIT_OK;
                }
        }
        return hv_cli_usage(cli, "top of what? node, services, tasks or gpus; found \"%s\"", word);
}

/* ---- figures ---- */

static bool is_number(const struct hv_json *j) {
        return hv_json_type(j) == HV_JSON_INT || hv_json_type(j) == HV_JSON_REAL;
}

static const char *bytes_text(double v, char ret[SIZE_TEXT]) {
        static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
        size_t i = 0;

        while (v >= 1024 && i + 1 < HV_ARRAY_SIZE(units)) {
                v /= 1024;
                i++;
        }
        (void) snprintf(ret, SIZE_TEXT, i == 0 || v >= 100 ? "%.0f %s" : "%.1f %s", v, units[i]);
        return ret;
}

static const char *size_text(const struct hv_json *j, char ret[SIZE_TEXT]) {
        return is_number(j) ? bytes_text(hv_json_as_real(j, 0), ret) : "-";
}

static const char *percent_text(const struct hv_json *j, char ret[SIZE_TEXT]) {
        if (!is_number(j))
                return "-";
        (void) snprintf(ret, SIZE_TEXT, "%.1f %%", hv_json_as_real(j, 0));
        return ret;
}

static const struct hv_json *at(const struct hv_json *j, const char *outer, const char *inner) {
        return hv_json_get(hv_json_get(j, outer), inner);
}

/* ---- the machine ---- */

static void put_pressure(struct hv_buf *buf, const struct hv_json *host) {
        static const char *const resources[] = { "cpu", "memory", "io" };
        char text[SIZE_TEXT];

        hv_buf_puts(buf, "Waiting    ");
        for (size_t i = 0; i < HV_ARRAY_SIZE(resources); i++)
                hv_buf_printf(buf, "%s%s %s", i ? ", " : "", resources[i],
                              percent_text(hv_json_get(at(host, "pressure", resources[i]), "some"), text));
        hv_buf_putc(buf, '\n');
}

static void put_disks(struct hv_buf *buf, const struct hv_json *disks) {
        char available[SIZE_TEXT], total[SIZE_TEXT], percent[SIZE_TEXT];

        for (size_t i = 0; i < hv_json_size(disks); i++) {
                const struct hv_json *d = hv_json_at(disks, i);
                const char *use = hv_json_str(d, "use"), *path = hv_json_str(d, "path");

                hv_buf_printf(buf, "Disk       %s used, %s of %s free (%s: %s)\n",
                              percent_text(hv_json_get(d, "percent"), percent),
                              size_text(hv_json_get(d, "available"), available),
                              size_text(hv_json_get(d, "total"), total), use ? use : "?", path ? path : "?");
        }
}

static void put_host(struct hv_buf *buf, const struct hv_json *host) {
        const struct hv_json *cpu = hv_json_get(host, "cpu"), *load = hv_json_get(host, "load");
        char a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT];
        const char *model = hv_json_str(cpu, "model");

        hv_buf_printf(buf, "CPU        %s of %" PRId64 "%s%s%s; load %.2f %.2f %.2f\n",
                      percent_text(hv_json_get(cpu, "percent"), a), hv_json_int(cpu, "count", 0),
                      model ? " (" : "", model ? model : "", model ? ")" : "", hv_json_real(load, "1m", 0),
                      hv_json_real(load, "5m", 0), hv_json_real(load, "15m", 0));
        hv_buf_printf(
                buf, "Memory     %s used, %s of %s free\n", percent_text(at(host, "memory", "percent"), a),
                size_text(at(host, "memory", "available"), b), size_text(at(host, "memory", "total"), c));
        put_disks(buf, hv_json_get(host, "disks"));
        hv_buf_printf(buf, "Network    %s/s in, %s/s out\n",
                      size_text(at(host, "network", "receivedPerSecond"), a),
                      size_text(at(host, "network", "sentPerSecond"), b));
        put_pressure(buf, host);
        hv_buf_printf(buf, "Processes  %" PRId64 ", threads %" PRId64 "\n", hv_json_int(host, "processes", 0),
                      hv_json_int(host, "threads", 0));
        if (is_number(hv_json_get(host, "temperatureCelsius")))
                hv_buf_printf(buf, "Hottest    %.1f C\n", hv_json_real(host, "temperatureCelsius", 0));
}

static void put_history(struct hv_cli *cli, const struct hv_json *points) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();
        static const char *const headings[] = { "CPU", "MEMORY", "DISK", "IN/s", "OUT/s" };
        char text[SIZE_TEXT];

        hv_table_column(t, "TIME", 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(headings); i++)
                hv_table_column(t, headings[i], HV_TABLE_RIGHT);
        for (size_t i = 0; i < hv_json_size(points); i++) {
                const struct hv_json *p = hv_json_at(points, i);

                hv_table_row(t);
                hv_table_cell(t, hv_json_str(p, "at"));
                hv_table_cell(t, percent_text(hv_json_get(p, "cpuPercent"), text));
                hv_table_cell(t, size_text(hv_json_get(p, "memory"), text));
                hv_table_cell(t, percent_text(hv_json_get(p, "diskPercent"), text));
                hv_table_cell(t, size_text(hv_json_get(p, "receivedPerSecond"), text));
                hv_table_cell(t, size_text(hv_json_get(p, "sentPerSecond"), text));
        }
        hv_output_table(cli, t);
}

/* ---- containers ---- */

struct row {
        const struct hv_json *container;
        double cpu_percent;
        const char *name;
};

static int busiest_first(const void *a, const void *b) {
        const struct row *x = a, *y = b;

        if (x->cpu_percent != y->cpu_percent)
                return x->cpu_percent < y->cpu_percent ? 1 : -1;
        return strcmp(x->name, y->name);
}

static bool is_wanted(const struct hv_json *container, unsigned parts) {
        return parts & (hv_streq(hv_json_str(container, "kind"), "Task") ? PART_TASKS : PART_SERVICES);
}

/* Of all its GPUs: what is not known of one is not known of all. */
static void put_container_gpus(struct hv_table *t, const struct hv_json *gpus) {
        double use = 0, memory = 0;
        bool has_use = hv_json_size(gpus) > 0, has_memory = has_use;
        char text[SIZE_TEXT];

        for (size_t i = 0; i < hv_json_size(gpus); i++) {
                const struct hv_json *u = hv_json_get(hv_json_at(gpus, i), "use");
                const struct hv_json *m = at(hv_json_at(gpus, i), "memory", "used");

                has_use = has_use && is_number(u);
                has_memory = has_memory && is_number(m);
                use += hv_json_as_real(u, 0);
                memory += hv_json_as_real(m, 0);
        }
        if (has_use)
                hv_table_cellf(t, "%.1f %%", use);
        else
                hv_table_cell(t, "-");
        hv_table_cell(t, has_memory ? bytes_text(memory, text) : "-");
}

struct columns {
        bool is_wide, has_gpus;
};

static void put_row(struct hv_table *t, const struct hv_json *c, const struct columns *columns) {
        bool is_wide = columns->is_wide;
        char text[SIZE_TEXT];

        hv_table_row(t);
        hv_table_cell(t, hv_json_str(c, "kind"));
        hv_table_cell(t, hv_json_str(c, is_wide ? "container" : "name"));
        hv_table_cellf(t, "%" PRId64, hv_json_int(c, "replica", hv_json_int(c, "attempt", 0)));
        hv_table_cell(t, percent_text(at(c, "cpu", "percent"), text));
        hv_table_cell(t, size_text(at(c, "memory", "workingSet"), text));
        hv_table_cell(t, size_text(at(c, "memory", "limit"), text));
        hv_table_cellf(t, "%" PRId64, hv_json_int(c, "threads", 0));
        hv_table_cell(t, size_text(at(c, "network", "receivedPerSecond"), text));
        hv_table_cell(t, size_text(at(c, "network", "sentPerSecond"), text));
        if (columns->has_gpus)
                put_container_gpus(t, hv_json_get(c, "gpus"));
        if (!is_wide)
                return;
        hv_table_cell(t, size_text(at(c, "memory", "peak"), text));
        hv_table_cell(t, size_text(at(c, "io", "read"), text));
        hv_table_cell(t, size_text(at(c, "io", "written"), text));
        hv_table_cellf(t, "%" PRId64, hv_json_int(hv_json_get(c, "memory"), "oomKills", 0));
}

static void put_headings(struct hv_table *t, const struct columns *columns) {
        static const char *const headings[] = { "CPU", "MEMORY", "LIMIT", "THREADS", "IN/s", "OUT/s" };
        static const char *const gpus[] = { "GPU", "GPU MEMORY" };
        static const char *const more[] = { "PEAK", "READ", "WRITTEN", "OOM" };

        hv_table_column(t, "KIND", 0);
        hv_table_column(t, columns->is_wide ? "CONTAINER" : "NAME", HV_TABLE_CUT_START);
        hv_table_column(t, "#", HV_TABLE_RIGHT);
        for (size_t i = 0; i < HV_ARRAY_SIZE(headings); i++)
                hv_table_column(t, headings[i], HV_TABLE_RIGHT);
        for (size_t i = 0; columns->has_gpus && i < HV_ARRAY_SIZE(gpus); i++)
                hv_table_column(t, gpus[i], HV_TABLE_RIGHT);
        for (size_t i = 0; columns->is_wide && i < HV_ARRAY_SIZE(more); i++)
                hv_table_column(t, more[i], HV_TABLE_RIGHT);
}

/* Where none of them has a GPU there are no columns for that. */
static void put_containers(struct hv_cli *cli, const struct hv_json *containers, unsigned parts) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();
        struct columns columns = { .is_wide = hv_cli_output(cli, HV_OUTPUT_TABLE) == HV_OUTPUT_WIDE };
        size_t n = hv_json_size(containers), n_rows = 0;
        struct row *rows = hv_calloc(n + 1, sizeof *rows);

        for (size_t i = 0; i < n; i++) {
                const struct hv_json *c = hv_json_at(containers, i);
                const char *name = hv_json_str(c, "container");

                if (!is_wanted(c, parts))
                        continue;
                columns.has_gpus = columns.has_gpus || hv_json_size(hv_json_get(c, "gpus")) > 0;
                rows[n_rows++] =
                        (struct row){ c, hv_json_as_real(at(c, "cpu", "percent"), -1), name ? name : "" };
        }
        put_headings(t, &columns);
        qsort(rows, n_rows, sizeof *rows, busiest_first);
        for (size_t i = 0; i < n_rows; i++)
                put_row(t, rows[i].container, &columns);
        free(rows);
        hv_output_table(cli, t);
}

/* ---- GPUs ---- */

static void put_gpus(struct hv_cli *cli, const struct hv_json *gpus) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();
        static const char *const headings[] = { "USE", "MEMORY", "OF", "TEMPERATURE", "PROCESSES" };
        char text[SIZE_TEXT];

        hv_table_column(t, "GPU", 0);
        hv_table_column(t, "NAME", HV_TABLE_CUT_START);
        hv_table_column(t, "STATE", 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(headings); i++)
                hv_table_column(t, headings[i], HV_TABLE_RIGHT);
        for (size_t i = 0; i < hv_json_size(gpus); i++) {
                const struct hv_json *g = hv_json_at(gpus, i);

                hv_table_row(t);
                hv_table_cell(t, hv_json_str(g, "uuid"));
                hv_table_cell(t, hv_json_str(g, "name"));
                hv_table_cell(t, hv_json_str(g, "state"));
                hv_table_cell(t, percent_text(hv_json_get(g, "use"), text));
                hv_table_cell(t, size_text(at(g, "memory", "used"), text));
                hv_table_cell(t, size_text(at(g, "memory", "total"), text));
                if (is_number(hv_json_get(g, "temperatureCelsius")))
                        hv_table_cellf(t, "%" PRId64 " C", hv_json_int(g, "temperatureCelsius", 0));
                else
                        hv_table_cell(t, "-");
                hv_table_cellf(t, "%zu", hv_json_size(hv_json_get(g, "processes")));
        }
        hv_output_table(cli, t);
}

/* ---- once, or until interrupted ---- */

static void put_all(struct hv_cli *cli, const struct hv_json *usage, unsigned parts) {
        const struct hv_json *host = hv_json_get(usage, "host");
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};

        if ((parts & PART_NODE) && hv_json_type(host) == HV_JSON_OBJECT) {
                put_host(&buf, host);
                if (parts != PART_NODE)
                        hv_buf_putc(&buf, '\n');
                hv_output_text(cli, &buf);
        }
        if ((parts & PART_GPUS) || (parts == PART_ALL && hv_json_size(hv_json_get(usage, "gpus")) > 0)) {
                put_gpus(cli, hv_json_get(usage, "gpus"));
                if (parts == PART_ALL)
                        (void) fputc('\n', stdout);
        }
        if (parts & (PART_SERVICES | PART_TASKS))
                put_containers(cli, hv_json_get(usage, "containers"), parts);
}

static int show(struct hv_cli *cli, unsigned parts, bool is_live, int64_t *shown) {
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        bool with_past = hv_option_is_given(&cli->options, HV_OPT_HISTORY);
        _hv_cleanup_(hv_json_freep) struct hv_json *usage = NULL;
        int r = hv_cli_get(cli, with_past ? "/api/v1/usage?history=1" : "/api/v1/usage", &usage);
        int64_t generation;

        if (r != HV_EXIT_OK)
                return r;
        generation = hv_json_int(usage, "generation", 0);
        if (hv_output_is_document(format)) {
                hv_output_document(cli, usage, format);
                return r;
        }
        if (with_past) {
                put_history(cli, hv_json_get(hv_json_get(usage, "host"), "history"));
                return r;
        }
        if (is_live && generation == *shown)
                return r;
        *shown = generation;
        if (is_live)
                (void) fputs(CLEAR, stdout);
        put_all(cli, usage, parts);
        (void) fflush(stdout);
        return r;
}

int hv_cmd_top(struct hv_cli *cli) {
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        bool is_live = cli->out_is_tty && !hv_option_is_given(&cli->options, HV_OPT_ONCE) &&
                       !hv_option_is_given(&cli->options, HV_OPT_HISTORY) &&
                       (format == HV_OUTPUT_TABLE || format == HV_OUTPUT_WIDE);
        int64_t shown = -1;
        unsigned parts;
        int r = read_parts(cli, &parts);

        if (r != HV_EXIT_OK)
                return r;
        if (hv_option_is_given(&cli->options, HV_OPT_HISTORY) && !(parts & PART_NODE) &&
            !hv_output_is_document(format))
                return hv_cli_usage(cli, "--history of %s comes with -o json; a table is there of the node's",
                                    cli->options.args[0]);
        do
                r = show(cli, parts, is_live, &shown);
        while (r == HV_EXIT_OK && is_live && poll(NULL, 0, REFRESH_MS) == 0);
        return r;
}
