#include "logfile/form.h"

#include <ctype.h>

#include "base/rfc3339.h"
#include "base/text.h"
#include "log/log.h"
#include "json/write.h"

/* "error", as the API has it. */
static void put_level(struct hv_json_writer *w, int level) {
        char name[16] = "";
        const char *upper = hv_log_level_name(level);

        for (size_t i = 0; i < sizeof name - 1 && upper[i]; i++)
                name[i] = (char) tolower((unsigned char) upper[i]);
        hv_json_put_str(w, "level", name);
}

void hv_logfile_event(const struct hv_log_record *record, struct hv_buf *ret) {
        const struct hv_log_fields *f = &record->fields;
        const struct {
                const char *key, *value;
        } details[] = {
                { "kind", f->kind },
                { "name", f->name },
                { "reason", f->reason },
                { "code", f->code },
                { "revision", f->revision },
                { "container", f->container },
                { "message", record->message },
        };
        struct hv_json_writer w = { .buf = ret };
        char time[HV_RFC3339_SIZE];

        hv_rfc3339_format(record->realtime_us, time);
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "timestamp", time);
        hv_json_put_str(&w, "event_type", hv_event_name(record->event));
        hv_json_put_str(&w, "task_id", f->task ?: hv_streq(f->kind, "Task") ? f->name : NULL);
        hv_json_put_str(&w, "node_id", record->node_id);
        hv_json_begin_object(&w, "details");
        put_level(&w, record->level);
        for (size_t i = 0; i < HV_ARRAY_SIZE(details); i++)
                if (!hv_str_empty(details[i].value))
                        hv_json_put_str(&w, details[i].key, details[i].value);
        hv_json_end(&w);
        hv_json_end(&w);
        hv_buf_putc(ret, '\n');
}
