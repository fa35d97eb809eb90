/* agent/order_store.c - see order_store.h. */
#include "agent/order_store.h"

#include <errno.h>

#include "agent/agent.h"
#include "base/time.h"
#include "source/sealed.h"
#include "json/json.h"
#include "json/write.h"

#define FILE_NAME "orders"
#define FILE_BYTES ((size_t) 4 << 20) /* 4,096 services with reasons of a kilobyte */
#define VERSION 1

/* ---- writing ---- */

static void put_order(struct hv_json_writer *w, const char *key, const struct hv_order *o) {
        if (!o->by)
                return;
        hv_json_begin_object(w, key);
        hv_json_put_str(w, "by", o->by);
        if (o->reason)
                hv_json_put_str(w, "reason", o->reason);
        hv_json_put_uint(w, "sinceUs", o->since_wall_us);
        hv_json_end(w);
}

static void put_orders(struct hv_json_writer *w, const struct hv_orders *o,
                       const struct hv_api_drain *drain) {
        hv_json_begin_object(w, NULL);
        hv_json_put_int(w, "version", VERSION);
        put_order(w, "cordon", &o->cordon);
        put_order(w, "hold", &o->hold);
        put_order(w, "drain", &drain->order);
        if (drain->order.by && drain->deadline_wall_us != HV_TIME_NEVER)
                hv_json_put_uint(w, "drainUntilUs", drain->deadline_wall_us);
        hv_json_begin_array(w, "services");
        for (size_t i = 0; i < o->n_services; i++) {
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "name", o->services[i].name);
                put_order(w, "stop", &o->services[i].stop);
                put_order(w, "hold", &o->services[i].hold);
                put_order(w, "pause", &o->services[i].pause);
                hv_json_end(w);
        }
        hv_json_end(w);
        hv_json_begin_array(w, "restarts");
        for (size_t i = 0; i < o->n_restarts; i++) {
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "container", o->restarts[i].container_id);
                hv_json_put_uint(w, "startedUs", o->restarts[i].started_wall_us);
                hv_json_put_bool(w, "now", o->restarts[i].now);
                hv_json_end(w);
        }
        hv_json_end(w);
        hv_json_end(w);
}

int hv_order_store_write(const char *state_dir, const struct hv_orders *orders,
                         const struct hv_api_drain *drain, struct hv_err *err) {
        _hv_cleanup_(hv_disk_close) struct hv_disk d = HV_DISK_NONE;
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_json_writer w = { .buf = &text };
        int r = hv_disk_open(state_dir ? state_dir : HV_AGENT_STATE_DIR, &d, err);

        if (r < 0)
                return r;
        put_orders(&w, orders, drain);
        hv_buf_putc(&text, '\n');
        return hv_sealed_write(&d, FILE_NAME, &text, err);
}

/* ---- reading ---- */

static struct hv_order order_of(const struct hv_json *parent, const char *key, struct hv_arena *a) {
        const struct hv_json *j = hv_json_get(parent, key);

        return (struct hv_order){ hv_arena_strdup(a, hv_json_str(j, "by")),
                                  hv_arena_strdup(a, hv_json_str(j, "reason")),
                                  (uint64_t) hv_json_int(j, "sinceUs", 0) };
}

static int read_services(const struct hv_json *list, struct hv_arena *a, struct hv_orders *ret,
                         struct hv_err *err) {
        struct hv_service_orders *v = HV_ARENA_NEW_N(a, struct hv_service_orders, hv_json_size(list));

        for (size_t i = 0; i < hv_json_size(list); i++) {
                const struct hv_json *j = hv_json_at(list, i);

                v[i] = (struct hv_service_orders){ hv_arena_strdup(a, hv_json_str(j, "name")),
                                                   order_of(j, "stop", a), order_of(j, "hold", a),
                                                   order_of(j, "pause", a) };
                if (!v[i].name)
                        return hv_err_set(err, -EBADMSG, "service %zu has no name", i + 1);
        }
        ret->services = v;
        ret->n_services = hv_json_size(list);
        return 0;
}

static int read_restarts(const struct hv_json *list, struct hv_arena *a, struct hv_orders *ret,
                         struct hv_err *err) {
        struct hv_restart_order *v = HV_ARENA_NEW_N(a, struct hv_restart_order, hv_json_size(list));

        for (size_t i = 0; i < hv_json_size(list); i++) {
                const struct hv_json *j = hv_json_at(list, i);

                v[i] = (struct hv_restart_order){ hv_arena_strdup(a, hv_json_str(j, "container")),
                                                  (uint64_t) hv_json_int(j, "startedUs", 0),
                                                  hv_json_bool(j, "now", false) };
                if (!v[i].container_id)
                        return hv_err_set(err, -EBADMSG, "restart %zu names no container", i + 1);
        }
        ret->restarts = v;
        ret->n_restarts = hv_json_size(list);
        return 0;
}

static int parse(const struct hv_buf *text, struct hv_arena *a, struct hv_orders *ret,
                 struct hv_api_drain *ret_drain, struct hv_err *err) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        struct hv_orders o = {};
        int r = hv_json_parse(text->data, text->len, FILE_BYTES, &j, err);

        if (r < 0)
                return r;
        if (hv_json_int(j, "version", 0) != VERSION)
                return hv_err_set(err, -EBADMSG, "its version is %lld, expected %d",
                                  (long long) hv_json_int(j, "version", 0), VERSION);
        o.cordon = order_of(j, "cordon", a);
        o.hold = order_of(j, "hold", a);
        r = read_services(hv_json_get(j, "services"), a, &o, err);
        if (r >= 0)
                r = read_restarts(hv_json_get(j, "restarts"), a, &o, err);
        if (r < 0)
                return r;
        *ret = o;
        ret_drain->order = order_of(j, "drain", a);
        ret_drain->deadline_wall_us = (uint64_t) hv_json_int(j, "drainUntilUs", 0);
        if (!ret_drain->deadline_wall_us)
                ret_drain->deadline_wall_us = HV_TIME_NEVER;
        return 0;
}

int hv_order_store_read(const char *state_dir, struct hv_arena *a, struct hv_orders *ret,
                        struct hv_api_drain *ret_drain, struct hv_err *err) {
        _hv_cleanup_(hv_disk_close) struct hv_disk d = HV_DISK_NONE;
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        int r = hv_disk_open_existing(state_dir ? state_dir : HV_AGENT_STATE_DIR, &d, err);

        if (r >= 0)
                r = hv_sealed_read(&d, FILE_NAME, FILE_BYTES, &text, err);
        if (r < 0)
                return r;
        if (parse(&text, a, ret, ret_drain, err) < 0)
                return hv_err_prefix(err, -EBADMSG, "%s/%s", d.path, FILE_NAME);
        return 0;
}
