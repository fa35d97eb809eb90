#include "http/log_ring.h"

#include "base/alloc.h"
#include "base/rfc3339.h"
#include "log/log.h"
#include "json/write.h"

#define MESSAGE_MAX_BYTES 2048

struct entry {
        uint64_t wall_us;
        int level;
        char *message;
};

struct hv_log_ring {
        struct entry v[HV_LOG_RING_MAX];
        size_t n;
};

struct hv_log_ring *hv_log_ring_new(void) {
        return HV_NEW(struct hv_log_ring);
}

struct hv_log_ring *hv_log_ring_free(struct hv_log_ring *r) {
        for (size_t i = 0; r && i < r->n; i++)
                free(r->v[i].message);
        free(r);
        return NULL;
}

static void trim(struct hv_log_ring *r, size_t keep) {
        size_t gone = r->n - keep;

        for (size_t i = 0; i < gone; i++)
                free(r->v[i].message);
        memmove(r->v, r->v + gone, keep * sizeof *r->v);
        r->n = keep;
}

void hv_log_ring_add(struct hv_log_ring *r, const struct hv_log_record *record) {
        size_t len = strnlen(record->message, MESSAGE_MAX_BYTES);

        if (r->n == HV_LOG_RING_MAX)
                trim(r, HV_LOG_RING_KEPT - 1); /* with the new one */
        r->v[r->n++] = (struct entry){ record->realtime_us, record->level, hv_strndup(record->message, len) };
}

bool hv_log_ring_add_past(struct hv_log_ring *r, uint64_t wall_us, int level, const char *message) {
        if (r->n == HV_LOG_RING_MAX)
                return false;
        memmove(r->v + 1, r->v, r->n++ * sizeof *r->v);
        r->v[0] = (struct entry){ wall_us, level, hv_strndup(message, strnlen(message, MESSAGE_MAX_BYTES)) };
        return true;
}

size_t hv_log_ring_size(const struct hv_log_ring *r) {
        return r->n;
}

void hv_log_ring_render(const struct hv_log_ring *r, struct hv_json_writer *w, const char *key) {
        char time[HV_RFC3339_SIZE];

        hv_json_begin_array(w, key);
        for (size_t i = 0; i < r->n; i++) {
                hv_rfc3339_format(r->v[i].wall_us, time);
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "timestamp", time);
                hv_json_put_str(w, "level", hv_log_level_name(r->v[i].level));
                hv_json_put_str(w, "message", r->v[i].message);
                hv_json_end(w);
        }
        hv_json_end(w);
}
