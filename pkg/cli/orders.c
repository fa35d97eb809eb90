#include "cli/orders.h"

#include "cli/output.h"

/* " (3h ago)"; nothing where nobody knows. */
static void put_age(struct hv_buf *buf, const struct hv_json *order) {
        const char *since = hv_json_str(order, "since");
        char age[HV_AGE_SIZE];

        if (since)
                hv_buf_printf(buf, " (%s ago)", hv_output_age(since, age));
}

static void put(struct hv_buf *buf, const char *what, const char *name, const char *word,
                const struct hv_json *order, const char *until) {
        const char *by = hv_json_str(order, "by"), *reason = hv_json_str(order, "reason");

        if (!by)
                return;
        hv_buf_printf(buf, "%s%s is %s by %s", what, name, word, by);
        put_age(buf, order);
        hv_buf_printf(buf, "%s%s; until hivectl %s\n", reason ? ": " : "", reason ? reason : "", until);
}

void hv_orders_lines(const struct hv_json *orders, struct hv_buf *ret) {
        const struct hv_json *services = hv_json_get(orders, "services"),
                             *crons = hv_json_get(orders, "cronTasks");
        const struct hv_json *shutdown = hv_json_get(orders, "shutdown");
        const char *by = hv_json_str(shutdown, "by"), *reason = hv_json_str(shutdown, "reason");

        if (by) {
                hv_buf_printf(ret, "the agent is being shut down by %s", by);
                put_age(ret, shutdown);
                hv_buf_printf(ret, "%s%s\n", reason ? ": " : "", reason ? reason : "");
        }
        put(ret, "the node", "", "drained", hv_json_get(orders, "drain"), "uncordon");
        if (!hv_json_str(hv_json_get(orders, "drain"), "by"))
                put(ret, "the node", "", "cordoned", hv_json_get(orders, "cordon"), "uncordon");
        put(ret, "the node", "", "held", hv_json_get(orders, "hold"), "release");
        for (size_t i = 0; i < hv_json_size(services); i++) {
                const struct hv_json *s = hv_json_at(services, i);
                const char *name = hv_json_str(s, "name");

                put(ret, "service ", name ? name : "", "stopped", hv_json_get(s, "stop"), "start");
                put(ret, "service ", name ? name : "", "held", hv_json_get(s, "hold"), "release");
                put(ret, "the roll-out of service ", name ? name : "", "paused", hv_json_get(s, "pause"),
                    "rollout resume");
        }
        for (size_t i = 0; i < hv_json_size(crons); i++) {
                const struct hv_json *k = hv_json_at(crons, i);
                const char *name = hv_json_str(k, "name");

                put(ret, "cron task ", name ? name : "", "suspended", hv_json_get(k, "suspend"),
                    "cron resume");
        }
}
