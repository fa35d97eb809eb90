/* hivectl status: one screen that answers "is it as I wished, and if not, why". */
#include "cli/cli_internal.h"

#include "base/alloc.h"
#include "cli/finding.h"
#include "cli/orders.h"
#include "cli/output.h"
#include "cli/terminal.h"

#define REVISION_SHOWN 12

static void put_line(struct hv_cli *cli, struct hv_buf *buf, const char *label, const char *text) {
        hv_buf_printf(buf, "%-10s ", label);
        hv_terminal_puts(buf, cli->out_is_tty, text);
        hv_buf_putc(buf, '\n');
}

static void put_linef(struct hv_cli *cli, struct hv_buf *buf, const char *label, const char *fmt, ...)
        _hv_printf_(4, 5);
static void put_linef(struct hv_cli *cli, struct hv_buf *buf, const char *label, const char *fmt, ...) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        va_list ap;

        va_start(ap, fmt);
        hv_buf_vprintf(&text, fmt, ap);
        va_end(ap);
        put_line(cli, buf, label, hv_buf_str(&text));
}

static const char *either(const char *text, const char *otherwise) {
        return text ? text : otherwise;
}

static void put_engine(struct hv_cli *cli, struct hv_buf *buf, const struct hv_json *engine) {
        const char *name = hv_json_str(engine, "name"), *message = hv_json_str(engine, "message");

        put_linef(cli, buf, "Engine", "%s%s%s, %s%s%s", either(name, "engine"), name ? " " : "",
                  name ? either(hv_json_str(engine, "version"), "") : "",
                  either(hv_json_str(engine, "state"), "?"), message ? ": " : "", either(message, ""));
}

/* The guard's own words; how to consent, unless they say it. */
static void put_parked(struct hv_cli *cli, struct hv_buf *buf, const struct hv_json *parked) {
        const char *revision = hv_json_str(parked, "revision"),
                   *message = either(hv_json_str(parked, "message"), "");

        if (strstr(message, "--accept-prune"))
                put_linef(cli, buf, "Parked", "%.*s: %s", REVISION_SHOWN, revision, message);
        else
                put_linef(cli, buf, "Parked", "%.*s: %s; to accept: hivectl apply --accept-prune %.*s",
                          REVISION_SHOWN, revision, message, REVISION_SHOWN, revision);
}

/* What waits for a yes, or was taken back without one. */
static void put_confirm(struct hv_cli *cli, struct hv_buf *buf, const struct hv_json *confirm) {
        const char *revision = either(hv_json_str(confirm, "revision"), ""),
                   *base = either(hv_json_str(confirm, "goesBackTo"), "");
        char when[HV_AGE_SIZE];

        if (hv_streq(hv_json_str(confirm, "state"), "Pending"))
                put_linef(cli, buf, "On trial", "%.*s until %s; without hivectl confirm, %.*s comes back",
                          REVISION_SHOWN, revision, hv_output_instant(hv_json_str(confirm, "deadline"), when),
                          REVISION_SHOWN, base);
        else if (hv_streq(hv_json_str(confirm, "state"), "RolledBack"))
                put_linef(cli, buf, "Went back", "from %.*s to %.*s at %s by %s%s", REVISION_SHOWN, revision,
                          REVISION_SHOWN, base, hv_output_instant(hv_json_str(confirm, "revertedAt"), when),
                          either(hv_json_str(confirm, "by"), "somebody"),
                          hv_json_bool(confirm, "filesHeldOff", false) ? "; the files are held off" : "");
        else
                put_linef(cli, buf, "Taken back", "%.*s at %s: %s%s", REVISION_SHOWN, revision,
                          hv_output_instant(hv_json_str(confirm, "revertedAt"), when),
                          either(hv_json_str(confirm, "why"), ""),
                          hv_json_bool(confirm, "filesHeldOff", false) ? "; the files are held off" : "");
}

static void put_orders(struct hv_cli *cli, struct hv_buf *buf, const struct hv_json *orders) {
        _hv_cleanup_(hv_buf_done) struct hv_buf lines = {};
        const char *end;

        hv_orders_lines(orders, &lines);
        for (const char *p = hv_buf_str(&lines); (end = strchr(p, '\n')); p = end + 1)
                put_linef(cli, buf, "By hand", "%.*s", (int) (end - p), p);
}

static void put_pool(struct hv_cli *cli, struct hv_buf *buf, const struct hv_json *pool) {
        const struct hv_json *outbox = hv_json_get(pool, "outbox");
        const char *message = hv_json_str(pool, "message");
        int64_t n = hv_json_int(outbox, "results", 0);
        _hv_cleanup_free_ char *balance = NULL;

        if (hv_json_type(hv_json_get(pool, "balance")) == HV_JSON_INT)
                balance = hv_asprintf(", balance %lld", (long long) hv_json_int(pool, "balance", 0));
        put_linef(cli, buf, "Pool", "%s, %s%s%s%s%s", either(hv_json_str(pool, "address"), "?"),
                  either(hv_json_str(pool, "state"), "?"),
                  hv_json_bool(pool, "insecure", false) ? ", plain text" : "", either(balance, ""),
                  message ? ": " : "", either(message, ""));
        if (n > 0)
                put_linef(cli, buf, "Outbox", "%lld result%s wait%s for the pool", (long long) n,
                          n == 1 ? "" : "s", n == 1 ? "s" : "");
}

static void put_head(struct hv_cli *cli, struct hv_buf *buf, const struct hv_json *j) {
        const struct hv_json *parked = hv_json_get(j, "parked");
        bool converged = hv_json_bool(j, "converged", false);
        const char *revision = hv_json_str(j, "revision");
        char age[HV_AGE_SIZE];

        put_line(cli, buf, "Node", either(hv_json_str(j, "nodeId"), "-"));
        hv_buf_printf(buf, "%-10s ", "Status");
        hv_output_tint(buf, cli->color, converged ? HV_TINT_GOOD : HV_TINT_BAD,
                       converged ? "converged" : "not converged");
        hv_buf_puts(buf, ": ");
        hv_terminal_puts(buf, cli->out_is_tty, either(hv_json_str(j, "summary"), ""));
        hv_buf_putc(buf, '\n');
        put_engine(cli, buf, hv_json_get(j, "engine"));
        if (hv_json_str(hv_json_get(j, "pool"), "address"))
                put_pool(cli, buf, hv_json_get(j, "pool"));
        if (revision)
                put_linef(cli, buf, "Revision", "%.*s", REVISION_SHOWN, revision);
        else
                put_line(cli, buf, "Revision", "none is in force");
        if (hv_json_str(parked, "revision"))
                put_parked(cli, buf, parked);
        if (hv_json_str(hv_json_get(j, "confirm"), "state"))
                put_confirm(cli, buf, hv_json_get(j, "confirm"));
        put_orders(cli, buf, hv_json_get(j, "orders"));
        put_linef(cli, buf, "Running", "for %s", hv_output_age(hv_json_str(j, "startedAt"), age));
}

static void print_conditions(struct hv_cli *cli, const struct hv_json *conditions) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();

        hv_table_column(t, "CONDITION", 0);
        hv_table_column(t, "STATUS", 0);
        hv_table_column(t, "REASON", 0);
        hv_table_column(t, "SINCE", HV_TABLE_RIGHT);
        hv_table_column(t, "MESSAGE", HV_TABLE_CUT);
        for (size_t i = 0; i < hv_json_size(conditions); i++) {
                const struct hv_json *c = hv_json_at(conditions, i);
                char age[HV_AGE_SIZE];

                hv_table_row(t);
                hv_table_cell(t, hv_json_str(c, "type"));
                hv_table_cell(t, hv_json_str(c, "status"));
                hv_table_cell(t, hv_json_str(c, "reason"));
                hv_table_cell(t, hv_output_age(hv_json_str(c, "lastTransitionTime"), age));
                hv_table_cell(t, hv_json_str(c, "message"));
        }
        (void) putchar('\n');
        hv_output_table(cli, t);
}

static void add_blocked_units(struct hv_table *t, const struct hv_json *item) {
        const struct hv_json *units = hv_json_get(item, "units");

        for (size_t i = 0; i < hv_json_size(units); i++) {
                const struct hv_json *u = hv_json_at(units, i);

                if (hv_json_bool(u, "inSync", true))
                        continue;
                hv_table_row(t);
                hv_table_cellf(t, "%s/%s", "service", either(hv_json_str(item, "name"), ""));
                hv_table_cell(t, hv_json_str(u, "container"));
                hv_table_cell(t, hv_json_str(u, "next"));
                hv_table_cell(t, hv_json_str(u, "blocking"));
        }
}

/* What is not as wished, with the reason and the next step; nothing when all is well. */
static int print_blocked(struct hv_cli *cli) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();
        const struct hv_json *items;
        int r = hv_cli_get(cli, "/api/v1/why", &j);

        if (r != HV_EXIT_OK)
                return r;
        items = hv_json_get(j, "items");
        if (hv_json_size(items) == 0)
                return HV_EXIT_OK;
        hv_table_column(t, "NOT IN SYNC", 0);
        hv_table_column(t, "CONTAINER", 0);
        hv_table_column(t, "NEXT", HV_TABLE_CUT);
        hv_table_column(t, "IN THE WAY", HV_TABLE_CUT);
        for (size_t i = 0; i < hv_json_size(items); i++) {
                const struct hv_json *item = hv_json_at(items, i);
                const char *kind = hv_json_str(item, "kind");

                if (hv_json_get(item, "units")) {
                        add_blocked_units(t, item);
                        continue;
                }
                hv_table_row(t);
                hv_table_cellf(t, "%s/%s", hv_kind_label(hv_kind_parse(kind)),
                               either(hv_json_str(item, "name"), ""));
                hv_table_cell(t, NULL);
                hv_table_cell(t, hv_json_str(item, "next"));
                hv_table_cell(t, hv_json_str(item, "blocking"));
        }
        (void) putchar('\n');
        hv_output_table(cli, t);
        return HV_EXIT_OK;
}

static void print_findings(struct hv_cli *cli, const struct hv_json *j) {
        _hv_cleanup_(hv_findings_done) struct hv_findings findings = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};

        if (!hv_json_bool(j, "refused", false))
                return;
        hv_findings_from_json(&findings, j);
        hv_buf_puts(&buf, "\nThe sources were refused:\n");
        hv_findings_text(&findings, &buf);
        hv_output_text(cli, &buf);
}

int hv_cmd_status(struct hv_cli *cli) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf head = {};
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        int r = hv_cli_get(cli, "/api/v1/status", &j);

        if (r != HV_EXIT_OK)
                return r;
        if (hv_output_is_document(format))
                hv_output_document(cli, j, format);
        else {
                put_head(cli, &head, j);
                (void) fwrite(hv_buf_str(&head), 1, head.len, stdout);
                print_conditions(cli, hv_json_get(j, "conditions"));
                r = print_blocked(cli);
                if (r != HV_EXIT_OK)
                        return r;
                print_findings(cli, j);
        }
        if (!hv_option_is_given(&cli->options, HV_OPT_CHECK) || hv_json_bool(j, "converged", false))
                return HV_EXIT_OK;
        return hv_json_bool(j, "refused", false) ? HV_EXIT_ERROR : HV_EXIT_PENDING;
}
