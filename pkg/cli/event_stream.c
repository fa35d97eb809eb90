#include "cli/event_stream.h"

#include <stdio.h>

static void end_event(struct hv_event_stream *s) {
        if (s->data.len > 0) {
                s->data.data[--s->data.len] = '\0'; /* the line end behind the last line */
                s->on_event(s->userdata, s->id, s->event, hv_buf_str(&s->data));
        }
        hv_buf_clear(&s->data);
        s->event[0] = '\0';
}

static void end_line(struct hv_event_stream *s) {
        const char *line = hv_buf_str(&s->line), *value = strchr(line, ':');
        size_t name = value ? (size_t) (value - line) : s->line.len;

        if (s->line.len == 0) {
                end_event(s);
                return;
        }
        value = value ? value + 1 : "";
        value += *value == ' ';
        if (name == 4 && strncmp(line, "data", 4) == 0) {
                hv_buf_puts(&s->data, value);
                hv_buf_putc(&s->data, '\n');
        } else if (name == 5 && strncmp(line, "event", 5) == 0)
                (void) snprintf(s->event, sizeof s->event, "%s", value);
        else if (name == 2 && strncmp(line, "id", 2) == 0)
                (void) snprintf(s->id, sizeof s->id, "%s", value);
        /* Comments (heartbeats) and fields that nobody knows are left out. */
        hv_buf_clear(&s->line);
}

void hv_event_stream_add(struct hv_event_stream *s, const char *text, size_t len) {
        for (size_t i = 0; i < len; i++) {
                if (text[i] == '\n')
                        end_line(s);
                else if (text[i] != '\r')
                        hv_buf_putc(&s->line, text[i]);
        }
}

void hv_event_stream_done(struct hv_event_stream *s) {
        hv_buf_done(&s->line);
        hv_buf_done(&s->data);
}
