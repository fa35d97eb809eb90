/* reconcile/caps.c - see caps.h: what is wanted, and how it becomes so.
 *
 *      (the shell reads the kernel) --> HV_INPUT_CAPS --> differs? --> CAPS_SET --> (the shell writes, and reads again)
 */
#include "reconcile/caps.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/quantity.h"
#include "base/zone.h"
#include "reconcile/pass.h"
#include "reconcile/task_state.h"

#define CPU_LEAST (HV_NANO_CPUS_PER_CPU / 100)
#define CPU_STEP UINT64_C(10000) /* a microsecond of each 100 ms */
#define MEMORY_LEAST (UINT64_C(64) << 20)
#define MEMORY_STEP \
        (UINT64_C(64) << 10) /* the largest page of any machine: a kernel rounds down to its own */

/* ---- what is wanted ---- */

static uint64_t share(uint64_t has, uint64_t limit, uint64_t reserved, uint64_t least, uint64_t step) {
        uint64_t n = limit && (!has || limit < has) ? limit : has;

        if (!limit && !reserved)
                return 0;
        n = n > reserved ? n - reserved : 0;
        n = HV_MAX(n, least) / step * step;
        return has && n >= has ? 0 : n;
}

struct hv_caps hv_caps_of_node(const struct hv_settings *s, const struct hv_caps_machine *machine) {
        const struct hv_amounts *limits = &s->limits, *reserved = &s->reserved;
        struct hv_caps caps = {
                .limits = { .nano_cpus = share(machine->nano_cpus, limits->nano_cpus, reserved->nano_cpus,
                                               CPU_LEAST, CPU_STEP),
                            .memory_bytes = share(machine->memory_bytes, limits->memory_bytes,
                                                  reserved->memory_bytes, MEMORY_LEAST, MEMORY_STEP) },
        };

        if (limits->nano_cpus || limits->memory_bytes || reserved->nano_cpus || reserved->memory_bytes)
                caps.limits.pids = machine->threads - machine->threads / 8;
        caps.memory_high_bytes = caps.limits.memory_bytes / 100 * 95 / MEMORY_STEP * MEMORY_STEP;
        return caps;
}

bool hv_quiet_hours_are_on(const struct hv_quiet_hours *q, const struct hv_zone *zone, uint64_t wall_us) {
        struct hv_civil local;
        unsigned minute;

        hv_zone_to_local(zone, wall_us, &local);
        minute = local.hour * 60 + local.minute;
        if (q->from_minute <= q->to_minute)
                return minute >= q->from_minute && minute < q->to_minute;
        return minute >= q->from_minute || minute < q->to_minute;
}

unsigned hv_caps_asked(const struct hv_caps *c) {
        return (c->limits.nano_cpus ? HV_CAP_CPU : 0u) | (c->limits.memory_bytes ? HV_CAP_MEMORY : 0u) |
               (c->memory_high_bytes ? HV_CAP_MEMORY_HIGH : 0u) | (c->limits.pids ? HV_CAP_PIDS : 0u);
}

bool hv_caps_equal(const struct hv_caps *a, const struct hv_caps *b, bool has_memory_high) {
        return a->limits.nano_cpus == b->limits.nano_cpus &&
               a->limits.memory_bytes == b->limits.memory_bytes && a->limits.pids == b->limits.pids &&
               (!has_memory_high || a->memory_high_bytes == b->memory_high_bytes);
}

/* ---- in words ---- */

static void format_count(uint64_t n, char ret[HV_QUANTITY_SIZE]) {
        (void) snprintf(ret, HV_QUANTITY_SIZE, "%" PRIu64, n);
}

static void add(char *buf, const char *what, uint64_t from, uint64_t to,
                void (*format)(uint64_t n, char ret[HV_QUANTITY_SIZE])) {
        char before[HV_QUANTITY_SIZE] = "none", after[HV_QUANTITY_SIZE] = "none";
        size_t len = strlen(buf);

        if (from == to)
                return;
        if (from)
                format(from, before);
        if (to)
                format(to, after);
        (void) snprintf(buf + len, HV_CAPS_TEXT_SIZE - len, "%s%s %s -> %s", len ? ", " : "", what, before,
                        after);
}

const char *hv_caps_describe(const struct hv_caps *from, const struct hv_caps *to, bool has_memory_high,
                             char buf[HV_CAPS_TEXT_SIZE]) {
        *buf = '\0';
        add(buf, "CPU", from->limits.nano_cpus, to->limits.nano_cpus, hv_quantity_format_cpu);
        add(buf, "memory", from->limits.memory_bytes, to->limits.memory_bytes, hv_quantity_format_bytes);
        if (has_memory_high)
                add(buf, "soft memory", from->memory_high_bytes, to->memory_high_bytes,
                    hv_quantity_format_bytes);
        add(buf, "processes", from->limits.pids, to->limits.pids, format_count);
        return buf;
}

/* ---- what the core knows of it ---- */

static const struct hv_caps none;

static bool can_be_capped(const struct caps *k) {
        return k->slice && k->seen.state != HV_CAPS_UNKNOWN;
}

static struct hv_caps wanted(const struct hv_core *c, enum hv_caps_place place) {
        const struct caps *k = &c->caps[place];

        if (place == HV_CAPS_NODE)
                return hv_caps_of_node(&c->active->settings, &k->machine);
        return (struct hv_caps){ .limits = { .nano_cpus = k->quiet_nano_cpus } };
}

/* What the slice is to have: what is wanted, and what somebody else set and nobody here asks for. */
static struct hv_caps aim(const struct hv_core *c, enum hv_caps_place place) {
        const struct hv_seen_caps *seen = &c->caps[place].seen;
        struct hv_caps want = wanted(c, place);
        unsigned left = seen->foreign & ~hv_caps_asked(&want);

        if (left & HV_CAP_CPU)
                want.limits.nano_cpus = seen->caps.limits.nano_cpus;
        if (left & HV_CAP_MEMORY)
                want.limits.memory_bytes = seen->caps.limits.memory_bytes;
        if (left & HV_CAP_MEMORY_HIGH)
                want.memory_high_bytes = seen->caps.memory_high_bytes;
        if (left & HV_CAP_PIDS)
                want.limits.pids = seen->caps.limits.pids;
        return want;
}

static bool is_utc(const char *zone) {
        return hv_str_empty(zone) || hv_streq(zone, "UTC");
}

/* What the calendar says now, and when to ask it again: clocks and zones change at whole minutes. */
static void look_at_clock(struct pass *p) {
        const struct hv_settings *s = &p->c->active->settings;
        uint64_t wall_us = hv_wall_us(p->c, p->now_us), least = 0, n;
        struct caps *k = &p->c->caps[HV_CAPS_TASKS];
        unsigned gpus = HV_QUIET_GPUS_ALL;
        bool has_gpus;

        if (!wall_us) /* nobody told the time: a plan is of the moment that was seen */
                return;
        for (size_t i = 0; i < s->n_quiet_hours; i++) {
                const struct hv_quiet_hours *q = &s->quiet_hours[i];
                const struct hv_zone *zone = is_utc(q->zone) ? NULL : hv_map_get(p->c->zones, q->zone);

                if ((!zone && !is_utc(q->zone)) || !hv_quiet_hours_are_on(q, zone, wall_us))
                        continue;
                gpus = HV_MIN(gpus, q->n_gpus);
                if (!q->nano_cpus)
                        continue;
                n = share(k->machine.nano_cpus, q->nano_cpus, 0, CPU_LEAST, CPU_STEP);
                least = least && (!n || least < n) ? least : n;
        }
        has_gpus = gpus < HV_QUIET_GPUS_ALL;
        p->c->changed |= k->quiet_nano_cpus != least || k->has_quiet_gpus != has_gpus ||
                         (has_gpus && k->n_quiet_gpus != gpus);
        k->quiet_nano_cpus = least;
        k->has_quiet_gpus = has_gpus;
        k->n_quiet_gpus = gpus;
        if (s->n_quiet_hours)
                hv_pass_not_later_than(p, p->now_us + HV_USEC_PER_MIN - wall_us % HV_USEC_PER_MIN);
}

static bool differs(const struct hv_core *c, enum hv_caps_place place) {
        const struct caps *k = &c->caps[place];
        struct hv_caps want = wanted(c, place), to = aim(c, place);

        return !hv_caps_equal(&k->seen.caps, &to, k->seen.has_memory_high) ||
               (k->seen.foreign & hv_caps_asked(&want));
}

/* Slices are read again with each look at the engine. */
static bool is_as_seen(const struct caps *k, const struct hv_seen_caps *seen) {
        return hv_streq(k->slice, seen->slice) && hv_streq(k->message, seen->message) &&
               k->seen.state == seen->state && k->seen.foreign == seen->foreign &&
               k->seen.has_memory_high == seen->has_memory_high && k->seen.cpu_is_v1 == seen->cpu_is_v1 &&
               hv_caps_equal(&k->seen.caps, &seen->caps, true) &&
               k->machine.nano_cpus == seen->machine_nano_cpus &&
               k->machine.memory_bytes == seen->machine_memory_bytes &&
               k->machine.threads == seen->machine_threads;
}

void hv_caps_input(struct hv_core *c, const struct hv_seen_caps *seen) {
        struct caps *k = &c->caps[seen->place];

        c->changed |= !is_as_seen(k, seen);
        hv_set_text(&k->slice, seen->slice);
        hv_set_text(&k->message, seen->message);
        k->machine = (struct hv_caps_machine){ seen->machine_nano_cpus, seen->machine_memory_bytes,
                                               seen->machine_threads };
        k->seen = *seen;
        k->seen.slice = k->seen.message = NULL; /* borrowed: the copies count */
        if (c->active && can_be_capped(k) && !differs(c, seen->place)) {
                c->changed |= k->failure.reason != HV_REASON_SYNCED || k->is_refused;
                hv_failure_reset(&k->failure);
                k->is_refused = false;
                hv_set_text(&k->told, NULL);
        }
}

void hv_caps_like(struct hv_core *c, const struct hv_core *other) {
        for (int place = 0; place < HV_N_CAPS; place++) {
                const struct caps *from = &other->caps[place];

                c->caps[place].seen = from->seen;
                c->caps[place].machine = from->machine;
                c->caps[place].quiet_nano_cpus = from->quiet_nano_cpus;
                c->caps[place].has_quiet_gpus = from->has_quiet_gpus;
                c->caps[place].n_quiet_gpus = from->n_quiet_gpus;
                hv_set_text(&c->caps[place].slice, from->slice);
                hv_set_text(&c->caps[place].message, from->message);
        }
}

void hv_caps_end(struct hv_core *c) {
        for (int place = 0; place < HV_N_CAPS; place++) {
                struct caps *k = &c->caps[place];

                hv_failure_reset(&k->failure);
                free(k->slice);
                free(k->message);
                free(k->told);
        }
}

/* ---- acting ---- */

bool hv_caps_are_known(const struct hv_core *c) {
        const char *slice = c->caps[HV_CAPS_NODE].slice;

        return !slice || hv_streq(slice, c->active->settings.slice);
}

static void plan_place(struct pass *p, enum hv_caps_place place) {
        struct hv_core *c = p->c;
        struct caps *k = &c->caps[place];
        char text[HV_CAPS_TEXT_SIZE];
        struct hv_caps want, to;
        struct flight *f;

        if (!can_be_capped(k) || k->effect || !differs(c, place))
                return;
        if (!hv_backoff_is_over(&k->failure.backoff, p->now_us, &p->out->deadline_us) ||
            c->n_effects >= p->max_effects)
                return;
        want = wanted(c, place);
        to = aim(c, place);
        if (!*hv_caps_describe(&k->seen.caps, &to, k->seen.has_memory_high, text))
                (void) snprintf(text, sizeof text, "what somebody else set is wanted, and kept from now on");
        f = hv_flight_new(c, HV_ACTION_CAPS_SET, place == HV_CAPS_NODE ? "node/caps" : "node/caps of tasks",
                          k->slice, text);
        f->action.caps = to;
        f->action.caps_asked = hv_caps_asked(&want);
        f->action.place = place;
        k->effect = f;
        hv_pass_hand_out(p, f);
}

void hv_pass_caps(struct pass *p) {
        look_at_clock(p);
        for (int place = 0; place < HV_N_CAPS; place++)
                plan_place(p, (enum hv_caps_place) place);
}

/* That it was set does not say that it stays so: until it was seen so, another try waits. */
void hv_caps_done(struct hv_core *c, uint64_t now_us, const struct flight *f, const struct hv_input *in) {
        struct caps *k = &c->caps[f->action.place];
        bool ok = in->outcome == HV_OUTCOME_OK;
        const char *message = ok            ? "it was set, and is another one again"
                              : in->message ? in->message
                                            : "no reason given";

        k->effect = NULL;
        k->is_refused = in->outcome == HV_OUTCOME_REFUSED;
        hv_failure_set(&k->failure, &hv_default_backoff, now_us, HV_ACTION_CAPS_SET, HV_REASON_CAPS_FAILED,
                       message);
        if (ok) {
                k->seen.caps = f->action.caps;
                k->seen.foreign &= ~f->action.caps_asked;
                k->seen.state = HV_CAPS_THERE;
                hv_set_text(&k->told, NULL);
                hv_note(c, HV_NOTE_CAPPED, HV_REASON_SYNCED, HV_KIND_NODESTATE, f->action.name, NULL,
                        "what %s may take was set: %s", f->action.name, f->action.why);
        } else if (!hv_streq(k->told, message)) {
                hv_set_text(&k->told, message);
                hv_note(c, HV_NOTE_FAILED, HV_REASON_CAPS_FAILED, HV_KIND_NODESTATE, f->action.name, NULL,
                        "cannot set what %s may take: %s", f->action.name, message);
        }
}

bool hv_caps_are_in_sync(const struct hv_core *c) {
        if (!hv_caps_are_known(c))
                return false;
        for (int place = 0; place < HV_N_CAPS; place++)
                if (can_be_capped(&c->caps[place]) && !c->caps[place].is_refused &&
                    differs(c, (enum hv_caps_place) place))
                        return false;
        return true;
}

/* ---- a container's own limit ---- */

static void lower_to(uint64_t *nano_cpus, uint64_t cap) {
        if (cap && *nano_cpus > cap)
                *nano_cpus = cap;
}

/* Version 1 refuses a limit of CPU that is above one of a cgroup that it stands in. On its way from one cap to another the
 * lower one counts: first the containers' go down, then the slice's; first the slice's goes up, then theirs. */
struct hv_limits hv_caps_limits(const struct hv_core *c, const struct hv_unit *u) {
        struct hv_limits l = u->limits;

        for (int place = 0; c->active && place < HV_N_CAPS; place++) {
                const struct caps *k = &c->caps[place];

                if (!can_be_capped(k) || !k->seen.cpu_is_v1 ||
                    (place == HV_CAPS_TASKS && u->kind != HV_KIND_TASK))
                        continue;
                lower_to(&l.nano_cpus, wanted(c, (enum hv_caps_place) place).limits.nano_cpus);
                lower_to(&l.nano_cpus, k->seen.caps.limits.nano_cpus);
        }
        return l;
}

/* ---- status ---- */

void hv_caps_status(const struct hv_core *c, struct hv_arena *a, struct hv_caps_status ret[HV_N_CAPS]) {
        for (int place = 0; place < HV_N_CAPS; place++) {
                const struct caps *k = &c->caps[place];
                struct hv_caps want = c->active ? wanted(c, (enum hv_caps_place) place) : none;

                ret[place] = (struct hv_caps_status){
                        .slice = hv_arena_strdup(a, k->slice),
                        .wanted = want,
                        .seen = k->seen.caps,
                        .is_known = can_be_capped(k),
                        .is_there = k->seen.state == HV_CAPS_THERE,
                        .in_sync =
                                can_be_capped(k) && (!c->active || !differs(c, (enum hv_caps_place) place)),
                        .is_capped = !hv_caps_equal(&want, &none, true),
                };
                if (!can_be_capped(k))
                        ret[place].message =
                                hv_arena_strdup(a, k->message ? k->message : "not looked at yet");
                else if (!ret[place].in_sync)
                        ret[place].message =
                                hv_arena_strdup(a, k->failure.reason != HV_REASON_SYNCED ? k->failure.message
                                                                                         : "is being set");
                else
                        ret[place].message = "";
        }
}
