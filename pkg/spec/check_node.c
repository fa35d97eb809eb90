/* spec/check_node.c - the node as a whole: watermarks (E0227), trust (E0505), what is given away (E0601, E0602), what is
 * installed (W030), quiet hours (E0231), where the log goes (E0204). */
#include "base/buf.h"
#include "base/quantity.h"
#include "spec/check_internal.h"
#include "spec/service_room.h"
#include "spec/value_time.h"

#define SHOWN_CONSUMERS 3

struct amount { /* one of the two resources that admission adds up */
        const char *field, *word;
        const char *(*format)(const struct hv_check *c, uint64_t value);
        bool is_memory;
};

static const struct amount amounts[] = {
        { "cpu", "CPU", hv_check_cpus, false },
        { "memory", "memory", hv_check_bytes, true },
};

static uint64_t of_node(const struct amount *a, const struct hv_spec_amounts *from) {
        return a->is_memory ? from->memory_bytes : from->nano_cpus;
}

static uint64_t of_service(const struct amount *a, const struct hv_spec_service *s) {
        struct hv_amounts room = hv_service_room(s);

        return a->is_memory ? room.memory_bytes : room.nano_cpus;
}

static uint64_t of_services(const struct amount *a, const struct hv_spec_state *s) {
        struct hv_amounts room = hv_services_room(s);

        return a->is_memory ? room.memory_bytes : room.nano_cpus;
}

/* The biggest consumers, for a message: "web 4, api 2". */
static void name_consumers(const struct hv_check *c, const struct amount *a, struct hv_buf *ret) {
        uint64_t below = UINT64_MAX;
        size_t shown = 0;

        while (shown < SHOWN_CONSUMERS) {
                uint64_t best = 0;

                for (size_t i = 0; i < c->state->services.n; i++) {
                        uint64_t v = of_service(a, &c->state->services.v[i]);

                        best = v < below && v > best ? v : best;
                }
                if (best == 0)
                        return;
                for (size_t i = 0; i < c->state->services.n; i++) {
                        if (of_service(a, &c->state->services.v[i]) != best)
                                continue;
                        if (shown++ == SHOWN_CONSUMERS)
                                break;
                        hv_buf_printf(ret, "%s%s %s", ret->len ? ", " : "",
                                      c->state->services.v[i].o.name ? c->state->services.v[i].o.name : "?",
                                      a->format(c, best));
                }
                below = best;
        }
        if (c->state->services.n > SHOWN_CONSUMERS)
                hv_buf_puts(ret, ", ...");
}

static void check_admission(const struct hv_check *c, const struct amount *a) {
        const struct hv_spec_resources *r = &c->state->resources;
        uint64_t limit = of_node(a, &r->limits), reserved = of_node(a, &r->reserved), asked, available;
        uint64_t installed = !c->facts ? 0 : a->is_memory ? c->facts->memory_bytes : c->facts->nano_cpus;
        const struct hv_node *at = hv_check_field(r->limits.node, a->field);
        int64_t factor = a->is_memory ? r->overcommit.memory_milli : r->overcommit.cpu_milli;
        _hv_cleanup_(hv_buf_done) struct hv_buf who = {};

        if (limit && reserved >= limit) {
                const struct hv_node *reserve = hv_check_field(r->reserved.node, a->field);

                hv_diag_error(c->diags, reserve, "E0602", "reserved %s %s is not below the limit %s (%s)",
                              a->field, a->format(c, reserved), a->format(c, limit),
                              hv_diag_where(c->diags, at, reserve));
                return;
        }
        if (installed && limit > installed)
                hv_diag_warn(c->diags, at, "W030", "limit %s is above the installed %s; using %s",
                             a->format(c, limit), a->format(c, installed), a->format(c, installed));
        if (installed && (!limit || limit > installed))
                limit = installed;
        if (!limit || reserved >= limit)
                return;
        available = (uint64_t) ((unsigned __int128) (limit - reserved) * (uint64_t) factor / 1000);
        asked = of_services(a, c->state);
        if (asked <= available)
                return;
        name_consumers(c, a, &who);
        hv_diag_error(c->diags, at ? at : c->state->node, "E0601",
                      "services ask for %s %s, %s available (by: %s)", a->format(c, asked), a->word,
                      a->format(c, available), hv_buf_str(&who));
}

static void check_watermarks(const struct hv_check *c) {
        const struct hv_spec_gc_disk *d = &c->state->gc.disk;
        const struct hv_node *low = hv_node_get(d->node, "low");

        if (d->low_percent >= d->high_percent)
                hv_diag_error(c->diags, low ? low : hv_check_field(d->node, "high"), "E0227",
                              "low %lld%% must be below high %lld%%", (long long) d->low_percent,
                              (long long) d->high_percent);
}

static void check_trust(const struct hv_check *c) {
        const struct hv_spec_trust_groups *g = &c->state->trust.groups;
        const struct hv_node *medium = hv_node_get(g->node, "medium");

        if (g->medium >= g->high)
                hv_diag_error(c->diags, medium ? medium : hv_check_field(g->node, "high"), "E0505",
                              "medium %lld must be below high %lld", (long long) g->medium,
                              (long long) g->high);
}

static void check_quiet_hours(const struct hv_check *c) {
        for (size_t i = 0; i < c->state->resources.quiet_hours.n; i++) {
                const struct hv_spec_quiet_hours *q = &c->state->resources.quiet_hours.v[i];
                unsigned from, to;

                if (q->from && q->to && hv_value_clock(q->from, &from, NULL) == 0 &&
                    hv_value_clock(q->to, &to, NULL) == 0 && from == to)
                        hv_diag_error(c->diags, hv_check_field(q->node, "to"), "E0231",
                                      "window end equals its start");
        }
}

/* A slice is named, not placed: a path would lead out of systemd's tree. A dash is a step down, and no step is empty.
 * systemd.slice(5). */
static void check_slice(const struct hv_check *c) {
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.-";
        const struct hv_spec_cgroup *g = &c->state->resources.cgroup;
        size_t n = g->slice ? strlen(g->slice) : 0, suffix = strlen(".slice");

        if (!g->slice || (n > suffix && n < 256 && strcmp(g->slice + n - suffix, ".slice") == 0 &&
                          *g->slice != '.' && *g->slice != '-' && g->slice[n - suffix - 1] != '-' &&
                          !strstr(g->slice, "--") && strspn(g->slice, letters) == n))
                return;
        hv_diag_error(c->diags, hv_check_field(g->node, "slice"), "E0105",
                      "%s is not the name of a slice such as hivelet.slice",
                      hv_diag_quote(c->diags, g->slice));
}

static void check_logging(const struct hv_check *c) {
        const struct hv_spec_logging *g = &c->state->logging;

        if (g->target == HV_LOG_TARGET_FILE && !g->dir)
                hv_diag_error(c->diags, hv_check_field(g->node, "target"), "E0204",
                              "the target file needs logging.dir (or $LOG_DIR): the folder for the files");
}

void hv_check_node(const struct hv_check *c) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(amounts); i++)
                check_admission(c, &amounts[i]);
        check_watermarks(c);
        check_trust(c);
        check_quiet_hours(c);
        check_slice(c);
        check_logging(c);
}
