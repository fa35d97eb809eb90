/* http/exposition.h - metrics as text: Prometheus 0.0.4 and OpenMetrics 1.0.0. Private to the module.
 *
 * OpenMetrics differs in the names of counters and infos (TYPE names the family without its suffix) and in the closing line.
 */
#pragma once

#include "base/buf.h"

struct hv_exposition {
        struct hv_buf *buf;
        bool is_open; /* OpenMetrics */
};

/* Up to four labels, ended by NULL names. */
struct hv_exposition_labels {
        const char *name[4], *value[4];
};

/* type: "gauge", "counter", "histogram", "info". The older format knows no info and uses the sample's name throughout. `name` is that
 * of the family: without _total, without _info. */
void hv_exposition_family(struct hv_exposition *e, const char *name, const char *type, const char *help);

/* One sample: its name has the suffix. labels NULL: none. */
void hv_exposition_uint(struct hv_exposition *e, const char *name, const struct hv_exposition_labels *l,
                        uint64_t value);
void hv_exposition_int(struct hv_exposition *e, const char *name, const struct hv_exposition_labels *l,
                       int64_t value);
void hv_exposition_us(struct hv_exposition *e, const char *name, const struct hv_exposition_labels *l,
                      uint64_t us); /* as seconds, exactly */
void hv_exposition_real(struct hv_exposition *e, const char *name, const struct hv_exposition_labels *l,
                        double value);
