#include "cli/output.h"

#include <inttypes.h>
#include <time.h>

#include "base/rfc3339.h"
#include "cli/columns.h"
#include "cli/document.h"
#include "cli/jsonpath.h"
#include "cli/terminal.h"
#include "json/yaml.h"

/* Control bytes of our own (colour) are added behind the escaping, so verbs that tint print by themselves. */
void hv_output_text(struct hv_cli *cli, const struct hv_buf *text) {
        _hv_cleanup_(hv_buf_done) struct hv_buf safe = {};

        hv_terminal_puts(&safe, cli->out_is_tty, hv_buf_str(text));
        (void) fwrite(hv_buf_str(&safe), 1, safe.len, stdout);
}

/* Who asks for the wide form wants all of it, wrapped or not. */
static void put_table(struct hv_cli *cli, const struct hv_table *table, bool headings) {
        bool wide = hv_cli_output(cli, HV_OUTPUT_TABLE) == HV_OUTPUT_WIDE;
        _hv_cleanup_free_ char *text = hv_table_text(
                table, &(struct hv_table_style){
                               .is_tty = cli->out_is_tty,
                               .width = wide ? UINT32_MAX : cli->width,
                               .headings = headings && !hv_option_is_given(&cli->options, HV_OPT_NO_HEADERS),
                       });

        (void) fputs(text, stdout);
}

void hv_output_table(struct hv_cli *cli, const struct hv_table *table) {
        put_table(cli, table, true);
}

/* What is followed comes in several documents: the headings stand above the first. */
static void put_columns(struct hv_cli *cli, const struct hv_json *j) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_columns_table(cli->columns, j);

        put_table(cli, t, !cli->has_headings);
        cli->has_headings = true;
}

bool hv_output_is_document(enum hv_output_format format) {
        return format == HV_OUTPUT_JSON || format == HV_OUTPUT_YAML || format == HV_OUTPUT_JSONL ||
               format == HV_OUTPUT_JSONPATH || format == HV_OUTPUT_COLUMNS;
}

/* Of a list each item, of anything else the whole. */
static void put_lines(const struct hv_json *j, struct hv_buf *buf) {
        const struct hv_json *items = hv_json_get(j, "items");

        for (size_t i = 0; i < hv_json_size(items); i++) {
                hv_json_dump(hv_json_at(items, i), buf);
                hv_buf_putc(buf, '\n');
        }
        if (hv_json_type(items) != HV_JSON_ARRAY) {
                hv_json_dump(j, buf);
                hv_buf_putc(buf, '\n');
        }
}

void hv_output_document(struct hv_cli *cli, const struct hv_json *j, enum hv_output_format format) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};

        if (format == HV_OUTPUT_COLUMNS) {
                put_columns(cli, j);
                return;
        }
        if (format == HV_OUTPUT_YAML)
                hv_json_write_yaml(j, &buf);
        else if (format == HV_OUTPUT_JSONL)
                put_lines(j, &buf);
        else if (format == HV_OUTPUT_JSONPATH)
                (void) hv_jsonpath(cli->options.jsonpath, j, &buf, NULL); /* it was judged beforehand */
        else
                hv_document_json(j, &buf);
        hv_output_text(cli, &buf);
}

static uint64_t now_us(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t) now.tv_sec * HV_USEC_PER_SEC + (uint64_t) now.tv_nsec / 1000;
}

static const char *format_span(uint64_t us, char ret[HV_AGE_SIZE]) {
        static const struct {
                uint64_t us;
                char letter;
        } units[] = {
                { HV_USEC_PER_DAY, 'd' },
                { HV_USEC_PER_HOUR, 'h' },
                { HV_USEC_PER_MIN, 'm' },
                { HV_USEC_PER_SEC, 's' },
        };
        size_t i = 0;

        /* The next smaller unit as long as it says more: 90 minutes are "90m", not "1h". */
        while (i + 1 < HV_ARRAY_SIZE(units) && us < 2 * units[i].us)
                i++;
        (void) snprintf(ret, HV_AGE_SIZE, "%" PRIu64 "%c", us / units[i].us, units[i].letter);
        return ret;
}

const char *hv_output_age(const char *rfc3339, char ret[HV_AGE_SIZE]) {
        uint64_t then_us, at_us = now_us();

        if (!rfc3339 || !hv_rfc3339_parse(rfc3339, &then_us))
                return "-";
        return format_span(at_us > then_us ? at_us - then_us : 0, ret);
}

const char *hv_output_instant(const char *rfc3339, char ret[HV_AGE_SIZE]) {
        char text[HV_RFC3339_SIZE];
        uint64_t at_us;

        if (!rfc3339 || !hv_rfc3339_parse(rfc3339, &at_us))
                return "-";
        hv_rfc3339_format(at_us / HV_USEC_PER_SEC * HV_USEC_PER_SEC, text);
        (void) snprintf(ret, HV_AGE_SIZE, "%.*s", HV_AGE_SIZE - 1, text); /* whole seconds take 20 */
        return ret;
}

const char *hv_output_until(const char *rfc3339, char ret[HV_AGE_SIZE]) {
        uint64_t then_us, at_us = now_us();

        if (!rfc3339 || !hv_rfc3339_parse(rfc3339, &then_us))
                return "-";
        return format_span(then_us > at_us ? then_us - at_us : 0, ret);
}

const char *hv_output_image(const char *image) {
        static const char *const implied[] = { "docker.io/library/", "docker.io/" };

        for (size_t i = 0; image && i < HV_ARRAY_SIZE(implied); i++)
                if (hv_has_prefix(image, implied[i]))
                        return image + strlen(implied[i]);
        return image;
}

void hv_output_tint(struct hv_buf *buf, bool color, enum hv_tint tint, const char *text) {
        static const char *const codes[] = {
                [HV_TINT_NONE] = "0",  [HV_TINT_GOOD] = "32",   [HV_TINT_BAD] = "31",
                [HV_TINT_BUSY] = "33", [HV_TINT_HEADING] = "1",
        };

        if (color && tint != HV_TINT_NONE)
                hv_buf_printf(buf, "\033[%sm%s\033[0m", codes[tint], text);
        else
                hv_buf_puts(buf, text);
}
