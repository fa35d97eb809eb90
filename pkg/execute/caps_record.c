/* execute/caps_record.c - see caps_record.h. */
#include "execute/caps_record.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/boot.h"
#include "base/map.h"
#include "log/log.h"
#include "reconcile/observed.h"
#include "source/disk.h"
#include "json/json.h"
#include "json/write.h"

#define FILE_NAME "caps.json"
#define MAX_BYTES ((size_t) 1 << 20) /* a slice takes some 100 bytes */

static const char *const names[] = { "cpu", "memory", "softMemory",
                                     "processes" }; /* bit by bit of enum hv_cap */

struct hv_caps_record {
        struct hv_disk dir; /* none: in memory only */
        char boot[HV_BOOT_ID_SIZE];
        struct hv_map *slices; /* bits, as a pointer */
};

static void save(struct hv_caps_record *r) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_err err = {};
        const char *slice;
        size_t it = 0;
        void *ours;

        if (r->dir.fd < 0)
                return;
        hv_json_begin_object(&w, NULL);
        hv_json_put_int(&w, "version", 1);
        hv_json_put_str(&w, "boot", r->boot);
        hv_json_begin_object(&w, "slices");
        while (hv_map_next(r->slices, &it, &slice, &ours)) {
                hv_json_begin_array(&w, slice);
                for (size_t i = 0; i < HV_ARRAY_SIZE(names); i++)
                        if ((uintptr_t) ours & (1u << i))
                                hv_json_put_str(&w, NULL, names[i]);
                hv_json_end(&w);
        }
        hv_json_end(&w);
        hv_json_end(&w);
        hv_buf_putc(&buf, '\n');
        if (hv_disk_replace(&r->dir, FILE_NAME, buf.data, buf.len, &err) < 0)
                (void) hv_log_error(err.code, "which caps are hivelet's cannot be recorded: %s", err.msg);
}

static unsigned bits_of(const struct hv_json *list) {
        unsigned bits = 0;

        for (size_t n = 0; n < hv_json_size(list); n++)
                for (size_t i = 0; i < HV_ARRAY_SIZE(names); i++)
                        if (hv_streq(hv_json_as_str(hv_json_at(list, n)), names[i]))
                                bits |= 1u << i;
        return bits;
}

static int load(struct hv_caps_record *r, struct hv_err *err) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        const struct hv_json *list;
        struct hv_err why = {};
        const char *slice;
        void *it = NULL;
        int n = hv_disk_read(&r->dir, FILE_NAME, MAX_BYTES, &buf, err);

        if (n < 0)
                return n == -ENOENT ? 0 : n;
        if (hv_json_parse(buf.data, buf.len, MAX_BYTES, &j, &why) < 0 || hv_json_int(j, "version", 0) != 1)
                return hv_err_set(
                        err, -EBADMSG,
                        "%s/" FILE_NAME
                        " is damaged%s%s: caps that stand now are lifted only after they were asked for again",
                        r->dir.path, *why.msg ? ": " : "", why.msg);
        if (!hv_streq(hv_json_str(j, "boot"), r->boot))
                return 0;
        while (hv_json_next(hv_json_get(j, "slices"), &it, &slice, &list))
                hv_map_put(r->slices, slice, (void *) (uintptr_t) bits_of(list));
        return 0;
}

int hv_caps_record_open(const char *state_dir, struct hv_caps_record **ret, struct hv_err *err) {
        struct hv_caps_record *r = HV_NEW(struct hv_caps_record);
        int n = 0;

        r->dir = (struct hv_disk) HV_DISK_NONE;
        r->slices = hv_map_new(NULL);
        *ret = r;
        if (state_dir)
                n = hv_boot_id(r->boot, err);
        if (state_dir && n >= 0)
                n = hv_disk_open(state_dir, &r->dir, err);
        return r->dir.fd < 0 ? n : load(r, err);
}

struct hv_caps_record *hv_caps_record_free(struct hv_caps_record *r) {
        if (!r)
                return NULL;
        hv_map_free(r->slices);
        hv_disk_close(&r->dir);
        free(r);
        return NULL;
}

unsigned hv_caps_record_get(const struct hv_caps_record *r, const char *slice) {
        return (unsigned) (uintptr_t) hv_map_get(r->slices, slice);
}

void hv_caps_record_put(struct hv_caps_record *r, const char *slice, unsigned ours) {
        if (hv_caps_record_get(r, slice) == ours)
                return;
        if (ours)
                hv_map_put(r->slices, slice, (void *) (uintptr_t) ours);
        else
                hv_map_remove(r->slices, slice);
        save(r);
}
