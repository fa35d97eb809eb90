/* http/exposition.c - see exposition.h. */
#include "http/exposition.h"

#include <inttypes.h>

#include "base/time.h"

void hv_exposition_family(struct hv_exposition *e, const char *name, const char *type, const char *help) {
        bool info = hv_streq(type, "info");
        const char *suffix = info ? "_info" : hv_streq(type, "counter") ? "_total" : "";

        if (e->is_open)
                suffix = "";
        hv_buf_printf(e->buf, "# HELP %s%s %s\n", name, suffix, help);
        hv_buf_printf(e->buf, "# TYPE %s%s %s\n", name, suffix, info && !e->is_open ? "gauge" : type);
}

static void put_label(struct hv_exposition *e, bool first, const char *label, const char *value) {
        hv_buf_printf(e->buf, "%s%s=\"", first ? "{" : ",", label);
        for (const char *p = value ? value : ""; *p; p++) {
                if (*p == '\\' || *p == '"')
                        hv_buf_putc(e->buf, '\\');
                if (*p == '\n')
                        hv_buf_puts(e->buf, "\\n");
                else
                        hv_buf_putc(e->buf, *p);
        }
        hv_buf_putc(e->buf, '"');
}

static void head(struct hv_exposition *e, const char *name, const struct hv_exposition_labels *l) {
        hv_buf_puts(e->buf, name);
        for (size_t i = 0; l && i < HV_ARRAY_SIZE(l->name) && l->name[i]; i++)
                put_label(e, i == 0, l->name[i], l->value[i]);
        hv_buf_puts(e->buf, l && l->name[0] ? "} " : " ");
}

void hv_exposition_uint(struct hv_exposition *e, const char *name, const struct hv_exposition_labels *l,
                        uint64_t value) {
        head(e, name, l);
        hv_buf_printf(e->buf, "%" PRIu64 "\n", value);
}

void hv_exposition_int(struct hv_exposition *e, const char *name, const struct hv_exposition_labels *l,
                       int64_t value) {
        head(e, name, l);
        hv_buf_printf(e->buf, "%" PRId64 "\n", value);
}

void hv_exposition_us(struct hv_exposition *e, const char *name, const struct hv_exposition_labels *l,
                      uint64_t us) {
        head(e, name, l);
        hv_buf_printf(e->buf, "%" PRIu64 ".%06u\n", us / HV_USEC_PER_SEC, (unsigned) (us % HV_USEC_PER_SEC));
}

void hv_exposition_real(struct hv_exposition *e, const char *name, const struct hv_exposition_labels *l,
                        double value) {
        head(e, name, l);
        hv_buf_printf(e->buf, "%.6g\n", value);
}
