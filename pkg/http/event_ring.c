#include "http/event_ring.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/duration.h"
#include "base/parse.h"
#include "base/rfc3339.h"
#include "log/log.h"
#include "json/write.h"

struct hv_event_ring {
        struct hv_ring_event *v;
        size_t max, n, first; /* first: index of the oldest */
        uint64_t run, next_number;
};

struct hv_event_ring *hv_event_ring_new(size_t max, uint64_t run) {
        struct hv_event_ring *r = HV_NEW(struct hv_event_ring);

        r->v = HV_NEW_N(struct hv_ring_event, max);
        r->max = max;
        r->run = run;
        r->next_number = 1;
        return r;
}

static void event_done(struct hv_ring_event *e) {
        free(e->kind);
        free(e->name);
        free(e->type);
        free(e->json);
        memset(e, 0, sizeof *e);
}

struct hv_event_ring *hv_event_ring_free(struct hv_event_ring *r) {
        if (!r)
                return NULL;
        for (size_t i = 0; i < r->max; i++)
                event_done(&r->v[i]);
        free(r->v);
        free(r);
        return NULL;
}

static const char *level_name(int level) {
        static const char *const names[] = { "emergency", "alert",  "critical", "error",
                                             "warning",   "notice", "info",     "debug" };

        return level >= 0 && (size_t) level < HV_ARRAY_SIZE(names) ? names[level] : "info";
}

static char *to_json(const struct hv_event_ring *r, const struct hv_ring_event *e,
                     const struct hv_log_record *record) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        char id[HV_EVENT_ID_SIZE], time[HV_RFC3339_SIZE];
        const struct {
                const char *key, *value;
        } fields[] = {
                { "reason", record->fields.reason },     { "code", record->fields.code },
                { "revision", record->fields.revision }, { "container", record->fields.container },
                { "task", record->fields.task },
        };

        hv_event_ring_id(r, e, id);
        hv_rfc3339_format(e->wall_us, time);
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "id", id);
        hv_json_put_str(&w, "time", time);
        hv_json_put_str(&w, "event", e->type);
        hv_json_put_str(&w, "level", level_name(record->level));
        hv_json_put_str(&w, "kind", e->kind);
        hv_json_put_str(&w, "name", e->name);
        for (size_t i = 0; i < HV_ARRAY_SIZE(fields); i++) {
                if (!hv_str_empty(fields[i].value))
                        hv_json_put_str(&w, fields[i].key, fields[i].value);
        }
        hv_json_put_str(&w, "message", record->message);
        hv_json_end(&w);
        return hv_buf_steal(&buf);
}

const struct hv_ring_event *hv_event_ring_add(struct hv_event_ring *r, const struct hv_log_record *record) {
        struct hv_ring_event *e;

        if (record->event == HV_EVENT_NONE)
                return NULL;
        if (r->n == r->max) {
                e = &r->v[r->first];
                r->first = (r->first + 1) % r->max;
                event_done(e);
        } else
                e = &r->v[(r->first + r->n++) % r->max];
        e->number = r->next_number++;
        e->wall_us = record->realtime_us;
        e->kind = hv_strdup(record->fields.kind);
        e->name = hv_strdup(record->fields.name);
        e->type = hv_strdup(hv_event_name(record->event));
        e->json = to_json(r, e, record);
        return e;
}

size_t hv_event_ring_size(const struct hv_event_ring *r) {
        return r->n;
}

const struct hv_ring_event *hv_event_ring_at(const struct hv_event_ring *r, size_t i) {
        return i < r->n ? &r->v[(r->first + i) % r->max] : NULL;
}

void hv_event_ring_id(const struct hv_event_ring *r, const struct hv_ring_event *e,
                      char ret[HV_EVENT_ID_SIZE]) {
        (void) snprintf(ret, HV_EVENT_ID_SIZE, "%" PRIx64 "-%" PRIu64, r->run, e->number);
}

/* "<run>-<number>"; false when it is not of this form. */
static bool parse_id(const char *text, uint64_t *ret_run, uint64_t *ret_number) {
        const char *dash = strchr(text, '-');
        char *end;

        if (!dash || dash == text || !strchr("0123456789abcdef", *text))
                return false;
        errno = 0;
        *ret_run = strtoull(text, &end, 16);
        return errno == 0 && end == dash && hv_parse_uint(dash + 1, 0, UINT64_MAX, ret_number);
}

static size_t first_after_instant(const struct hv_event_ring *r, uint64_t wall_us) {
        size_t i = 0;

        while (i < r->n && hv_event_ring_at(r, i)->wall_us < wall_us)
                i++;
        return i;
}

int hv_event_ring_since(const struct hv_event_ring *r, const char *since, uint64_t now_wall_us, size_t *ret,
                        struct hv_err *err) {
        uint64_t run, number, us;

        if (!since) {
                *ret = 0;
                return 0;
        }
        if (parse_id(since, &run, &number)) {
                size_t i = 0;

                while (run == r->run && i < r->n && hv_event_ring_at(r, i)->number <= number)
                        i++;
                *ret = i;
                return 0;
        }
        if (hv_rfc3339_parse(since, &us)) {
                *ret = first_after_instant(r, us);
                return 0;
        }
        if (hv_duration_parse(since, &us) == HV_PARSE_OK) {
                *ret = first_after_instant(r, us < now_wall_us ? now_wall_us - us : 0);
                return 0;
        }
        return hv_err_set(err, -EINVAL,
                          "since: expected an event's id, an instant such as 2026-01-31T08:00:00Z, "
                          "or a span such as 10m");
}
