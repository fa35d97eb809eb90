/* agent/preload.c - see preload.h. */
#include "agent/preload.h"

#include <time.h>

#include "agent/gc.h"
#include "agent/images.h"
#include "base/arena.h"
#include "base/map.h"
#include "base/zone.h"
#include "docker/image.h"
#include "log/log.h"
#include "retry/backoff.h"
#include "spec/types.h"
#include "spec/value_image.h"
#include "spec/window_next.h"

/* Registries that are away come back within minutes; nobody waits for these images. */
static const struct hv_backoff_spec again = {
        .initial_us = 10 * HV_USEC_PER_SEC,
        .factor_milli = 2000,
        .max_us = 10 * HV_USEC_PER_MIN,
};

enum state {
        UNKNOWN, /* not looked for yet */
        LOOKING,
        MISSING,
        PULLING,
        THERE,
};

struct entry {
        struct hv_agent *agent;
        char *name, *ref; /* of the object; normal form */
        enum state state;
        bool is_wanted;
        struct hv_docker_call *call;
        struct hv_image_fetch *fetch;
        struct hv_backoff backoff;
        enum hv_outcome outcome; /* of the last failure */
        char *message;           /* NULL: none */
};

struct hv_agent_preload {
        struct hv_map *entries; /* by name of the object */
        sd_event_source *timer;
        struct hv_zone *zone;
        struct hv_window window;
        struct hv_arena *arena;      /* of the window */
        bool has_window, is_waiting; /* is_waiting: for the window */
};

static void free_entry(void *entry) {
        struct entry *e = entry;

        hv_docker_call_cancel(e->call);
        (void) hv_image_fetch_free(e->fetch);
        free(e->name);
        free(e->ref);
        free(e->message);
        free(e);
}

/* ---- one image ---- */

static void on_fetched(void *userdata, const struct hv_image_fetched *result) {
        struct entry *e = userdata;
        struct hv_agent *a = e->agent;
        const struct hv_log_fields fields = { .kind = hv_kind_name(HV_KIND_IMAGE), .name = e->name };

        e->fetch = NULL;
        free(e->message);
        e->message = NULL;
        if (result->outcome == HV_DOCKER_OK) {
                e->state = THERE;
                hv_backoff_reset(&e->backoff);
                hv_log_event(HV_EVENT_IMAGE_PULLED, &fields, "image \"%s\": pulled beforehand", e->ref);
        } else {
                e->state = MISSING;
                e->message = hv_strdup(result->message);
                hv_backoff_failed(&e->backoff, &again, hv_agent_now_us());
                if (e->backoff.n == 1)
                        hv_log_event(HV_EVENT_IMAGE_PULL_FAILED, &fields,
                                     "image \"%s\" cannot be pulled beforehand: %s; it is tried again",
                                     e->ref, result->message);
                if (result->no_room)
                        hv_agent_gc_wanted(a);
        }
        hv_agent_poke(a);
}

static void on_looked(void *userdata, struct hv_docker_result *result) {
        struct entry *e = userdata;

        e->call = NULL;
        e->state = result->outcome == HV_DOCKER_OK          ? THERE
                   : result->outcome == HV_DOCKER_NOT_FOUND ? MISSING
                                                            : UNKNOWN;
        if (e->state != UNKNOWN)
                hv_agent_poke(e->agent);
}

static void fetch(struct hv_agent *a, struct entry *e) {
        const struct hv_image_fetch_options options = {
                .source = hv_agent_images_source(a),
                .image = e->ref,
                .desired = (struct hv_desired *) hv_core_active(a->core),
                .done = on_fetched,
                .userdata = e,
        };

        e->state = PULLING;
        hv_api_changed(a->api);
        e->fetch = hv_image_fetch_new(&options);
}

/* ---- all of them ---- */

static bool is_open(struct hv_agent_preload *p, uint64_t *ret_next_us) {
        uint64_t wall_us = hv_agent_wall_us();

        if (!p->has_window || hv_window_is_open(&p->window, p->zone, wall_us))
                return true;
        *ret_next_us = hv_time_add(hv_agent_now_us(), hv_window_next(&p->window, p->zone, wall_us) - wall_us);
        return false;
}

static void arm(struct hv_agent_preload *p, uint64_t at_us) {
        (void) sd_event_source_set_enabled(p->timer,
                                           at_us == HV_TIME_NEVER ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
        if (at_us != HV_TIME_NEVER)
                (void) sd_event_source_set_time(p->timer, at_us);
}

size_t hv_agent_preload_places(const struct hv_agent *a) {
        const struct hv_desired *d = hv_core_active(a->core);
        size_t n = hv_core_pulls(a->core) + hv_agent_asked_pulls(a);
        struct entry *e;
        size_t it = 0;

        while (a->preload && hv_map_next(a->preload->entries, &it, NULL, (void **) &e))
                n += e->state == PULLING;
        return d->settings.parallel_pulls > n ? d->settings.parallel_pulls - n : 0;
}

static void go_on(struct hv_agent *a) {
        struct hv_agent_preload *p = a->preload;
        uint64_t next_us = HV_TIME_NEVER, open_us = HV_TIME_NEVER, now_us = hv_agent_now_us();
        size_t n_places, it = 0;
        struct entry *e;
        bool open, was_waiting;

        if (!p || !a->docker || !hv_core_is_engine_ready(a->core))
                return;
        open = is_open(p, &open_us);
        n_places = hv_agent_preload_places(a);
        was_waiting = p->is_waiting;
        p->is_waiting = false;
        while (hv_map_next(p->entries, &it, NULL, (void **) &e)) {
                if (e->state == UNKNOWN) {
                        e->state = LOOKING;
                        e->call = hv_docker_image_inspect(
                                a->docker, e->ref, (struct hv_docker_then){ .fn = on_looked, .userdata = e });
                }
                if (e->state != MISSING || !hv_backoff_is_over(&e->backoff, now_us, &next_us))
                        continue;
                if (!open) {
                        p->is_waiting = true;
                        next_us = HV_MIN(next_us, open_us);
                } else if (n_places > 0) {
                        n_places--;
                        fetch(a, e);
                }
        }
        if (p->is_waiting != was_waiting)
                hv_api_changed(a->api);
        arm(p, next_us);
}

static int on_timer(sd_event_source *s, uint64_t at_us, void *userdata) {
        (void) s;
        (void) at_us;
        go_on(userdata);
        return 0;
}

void hv_agent_preload_passed(struct hv_agent *a) {
        hv_agent_asked_passed(a); /* somebody waits for these */
        go_on(a);
        hv_agent_archives_passed(a);
}

void hv_agent_preload_came(struct hv_agent *a) {
        struct entry *e;
        size_t it = 0;

        while (a->preload && hv_map_next(a->preload->entries, &it, NULL, (void **) &e))
                if (e->state == MISSING)
                        e->state = UNKNOWN;
        hv_agent_poke(a);
}

void hv_agent_preload_look(struct hv_agent *a) {
        struct entry *e;
        size_t it = 0;

        if (!a->preload)
                return;
        while (hv_map_next(a->preload->entries, &it, NULL, (void **) &e)) {
                hv_backoff_reset(&e->backoff);
                if (e->state == THERE)
                        e->state = UNKNOWN;
        }
        hv_agent_archives_look(a);
}

/* ---- what is wanted ---- */

static void want(struct hv_agent *a, const struct hv_spec_image *image) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct entry *e = hv_map_get(a->preload->entries, image->o.name);
        struct hv_image_ref ref;

        if (hv_value_image(image->ref, arena, &ref, NULL) < 0)
                return;
        if (!e || !hv_streq(e->ref, ref.full)) {
                e = HV_NEW(struct entry);
                e->agent = a;
                e->name = hv_strdup(image->o.name);
                e->ref = hv_strdup(ref.full);
                hv_map_put(a->preload->entries, e->name, e);
        }
        e->is_wanted = true;
        hv_backoff_reset(&e->backoff);
        if (e->state == THERE)
                e->state = UNKNOWN;
}

static void set_window(struct hv_agent_preload *p, const char *text) {
        struct hv_err err = {};

        p->zone = hv_zone_free(p->zone);
        p->arena = hv_arena_free(p->arena);
        p->arena = hv_arena_new();
        p->has_window = text && hv_value_window(text, p->arena, &p->window, NULL) == 0;
        if (!p->has_window || hv_streq(p->window.zone, "UTC"))
                return;
        p->zone = hv_agent_zone_read(p->window.zone, &err);
        if (!p->zone)
                (void) hv_log_error(err.code, "images.pull.window is taken by UTC: %s", err.msg);
}

void hv_agent_preload_follow(struct hv_agent *a) {
        const struct hv_desired *d = hv_core_active(a->core);
        struct entry *e;
        size_t it = 0;
        int r;

        if (!d->tree || !a->docker)
                return;
        if (!a->preload) {
                a->preload = HV_NEW(struct hv_agent_preload);
                a->preload->entries = hv_map_new(free_entry);
                r = sd_event_add_time(a->event, &a->preload->timer, CLOCK_BOOTTIME, 0, 0, on_timer, a);
                if (r >= 0)
                        r = sd_event_source_set_enabled(a->preload->timer, SD_EVENT_OFF);
                if (r < 0)
                        (void) hv_log_error(r, "images cannot be pulled beforehand");
        }
        set_window(a->preload, d->tree->state.images.pull.window);
        while (hv_map_next(a->preload->entries, &it, NULL, (void **) &e))
                e->is_wanted = false;
        for (size_t i = 0; i < d->tree->state.images.preload.n; i++)
                want(a, &d->tree->state.images.preload.v[i]);
        it = 0;
        while (hv_map_next(a->preload->entries, &it, NULL, (void **) &e))
                if (!e->is_wanted)
                        (void) hv_map_remove(a->preload->entries, e->name);
        hv_agent_archives_look(a);
}

/* ---- showing ---- */

static enum hv_reason reason_of(const struct hv_agent_preload *p, const struct entry *e) {
        if (e->state == THERE)
                return HV_REASON_SYNCED;
        if (e->message)
                return HV_REASON_PULL_FAILED;
        return e->state == MISSING && p->is_waiting ? HV_REASON_WAITING_WINDOW : HV_REASON_PENDING;
}

static const char *phase_of(const struct hv_agent_preload *p, const struct entry *e) {
        if (e->state == THERE)
                return "Ready";
        if (e->state == PULLING)
                return "Pulling";
        if (e->message)
                return "BackOff";
        return e->state == MISSING && p->is_waiting ? "Waiting" : "Pending";
}

void hv_agent_preload_show(const struct hv_agent *a, struct hv_arena *arena, struct hv_api_snapshot *ret) {
        struct hv_api_image *images;
        struct entry *e;
        size_t it = 0, n = 0;

        if (!a->preload)
                return;
        images = HV_ARENA_NEW_N(arena, struct hv_api_image, hv_map_size(a->preload->entries) + 1);
        while (hv_map_next(a->preload->entries, &it, NULL, (void **) &e))
                images[n++] = (struct hv_api_image){
                        .name = hv_arena_strdup(arena, e->name),
                        .is_ready = e->state == THERE,
                        .reason = reason_of(a->preload, e),
                        .phase = phase_of(a->preload, e),
                        .message = hv_arena_strdup(arena, e->message ? e->message : ""),
                };
        ret->images = images;
        ret->n_images = n;
}

void hv_agent_preload_end(struct hv_agent *a) {
        hv_agent_archives_end(a);
        hv_agent_asked_end(a);
        if (!a->preload)
                return;
        hv_map_free(a->preload->entries);
        sd_event_source_disable_unref(a->preload->timer);
        hv_zone_free(a->preload->zone);
        hv_arena_free(a->preload->arena);
        free(a->preload);
        a->preload = NULL;
}
