/* execute/image_fetch.c - see image_fetch.h. */
#include "execute/image_fetch.h"

#include <errno.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "execute/image_record.h"
#include "execute/image_room.h"
#include "execute/registry_auth.h"
#include "spec/desired.h"
#include "spec/value_image.h"

/* How often the disk is looked at during a pull; a layer whose size becomes known is looked at at once. */
#define LOOK_EVERY_US (200 * HV_USEC_PER_MSEC)

struct hv_image_fetch {
        struct hv_image_fetch_options o;
        struct hv_desired *desired;
        struct hv_arena *arena;
        struct hv_image_ref ref;
        struct hv_docker_call *call;
        const char *const *from; /* names to ask for, mirrors first; the last is the image's own */
        size_t n_from, at;
        char *before, *mirror_before; /* id under the wanted name, and under the mirror's; "" */
        struct hv_buf refusals;       /* of the mirrors */
        sd_event_source *watch;       /* while a pull is under way: does the disk fill? */
        uint64_t left_bytes;          /* of the layers whose size is known */
        uint64_t total_bytes, came_bytes, looked_us;
};

static uint64_t now_us(clockid_t clock) {
        struct timespec t;

        (void) clock_gettime(clock, &t);
        return (uint64_t) t.tv_sec * HV_USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

static struct hv_docker_then then(struct hv_image_fetch *f, hv_docker_done_fn *fn) {
        return (struct hv_docker_then){
                .fn = fn,
                .userdata = f,
                .timeout_us = f->desired ? f->desired->settings.call_timeout_us : 0,
        };
}

/* ---- the end ---- */

static void end(struct hv_image_fetch *f, enum hv_docker_outcome outcome, bool no_room, const char *message) {
        void (*done)(void *userdata, const struct hv_image_fetched *result) = f->o.done;
        _hv_cleanup_free_ char *text =
                f->refusals.len > 0 && !hv_str_empty(message)
                        ? hv_asprintf("%s (mirrors: %s)", message, hv_buf_str(&f->refusals))
                        : hv_strdup(message ? message : "");
        const struct hv_image_fetched result = { outcome, no_room, text };
        void *userdata = f->o.userdata;

        hv_image_record_end(f->o.source->record, f->ref.full, NULL, now_us(CLOCK_REALTIME));
        (void) hv_image_fetch_free(f);
        done(userdata, &result);
}

/* What has the name now is looked at again: another id than before came by us. */
static void on_after(void *userdata, struct hv_docker_result *result) {
        struct hv_image_fetch *f = userdata;

        f->call = NULL;
        if (result->outcome == HV_DOCKER_OK)
                hv_image_record_end(f->o.source->record, f->ref.full, result->image->id,
                                    now_us(CLOCK_REALTIME));
        end(f, HV_DOCKER_OK, false, NULL);
}

static void look_after(struct hv_image_fetch *f) {
        f->call = hv_docker_image_inspect(f->o.source->docker, f->ref.full, then(f, on_after));
}

/* ---- one place after the other ---- */

static void ask_next(struct hv_image_fetch *f);

static bool is_mirror(const struct hv_image_fetch *f) {
        return f->at + 1 < f->n_from;
}

/* Of a mirror: what it said is kept for the end, and the next one is asked. */
static void refused(struct hv_image_fetch *f, enum hv_docker_outcome outcome, const char *message) {
        _hv_cleanup_free_ char *text = hv_strdup(message);

        if (!is_mirror(f)) {
                end(f, outcome, false, text);
                return;
        }
        hv_image_record_end(f->o.source->record, f->from[f->at], NULL, now_us(CLOCK_REALTIME));
        hv_buf_printf(&f->refusals, "%s%s: %s", f->refusals.len ? "; " : "", f->from[f->at], text);
        f->at++;
        ask_next(f);
}

static bool is_same_engine_trouble(enum hv_docker_outcome outcome) {
        return outcome == HV_DOCKER_UNREACHABLE || outcome == HV_DOCKER_UNKNOWN;
}

static void on_untagged(void *userdata, struct hv_docker_result *result) {
        struct hv_image_fetch *f = userdata;

        (void) result; /* a name too many is no failure */
        f->call = NULL;
        hv_image_record_end(f->o.source->record, f->from[f->at], NULL, now_us(CLOCK_REALTIME));
        look_after(f);
}

static void on_tagged(void *userdata, struct hv_docker_result *result) {
        struct hv_image_fetch *f = userdata;

        f->call = NULL;
        if (result->outcome != HV_DOCKER_OK) {
                refused(f, result->outcome, result->message);
                return;
        }
        if (*f->mirror_before) { /* somebody's own name for it */
                look_after(f);
                return;
        }
        f->call = hv_docker_image_remove(f->o.source->docker, f->from[f->at], false, then(f, on_untagged));
}

static void on_pulled(void *userdata, struct hv_docker_result *result) {
        struct hv_image_fetch *f = userdata;

        f->call = NULL;
        f->watch = sd_event_source_disable_unref(f->watch);
        if (is_same_engine_trouble(result->outcome))
                end(f, result->outcome, false, result->message);
        else if (result->outcome != HV_DOCKER_OK)
                refused(f, result->outcome, result->message);
        else if (is_mirror(f))
                f->call = hv_docker_image_tag(f->o.source->docker, f->from[f->at], f->ref.name, f->ref.tag,
                                              then(f, on_tagged));
        else
                look_after(f);
}

/* Of a pull under way; where there is no room it is over, and the fetch is gone. A layer that is extracted takes at least what it took to
 * download; how much more shows only as the disk fills. */
static bool check_room(struct hv_image_fetch *f) {
        struct hv_image_room room = hv_image_room_of(f->o.source->docker, f->o.source->is_local, f->desired);
        struct hv_err err = {};

        f->looked_us = now_us(CLOCK_MONOTONIC);
        if (hv_image_room_check(&room, f->left_bytes, &err) == 0)
                return true;
        hv_docker_call_cancel(HV_STEAL(f->call));
        end(f, HV_DOCKER_ENGINE_ERROR, true, err.msg);
        return false;
}

static void on_progress(void *userdata, const struct hv_docker_progress *progress) {
        struct hv_image_fetch *f = userdata;
        bool is_more = progress->total_bytes > f->total_bytes;

        if (f->o.source->came && progress->current_bytes > f->came_bytes)
                f->o.source->came(f->o.source->userdata, progress->current_bytes - f->came_bytes);
        f->came_bytes = HV_MAX(f->came_bytes, progress->current_bytes);
        f->total_bytes = HV_MAX(f->total_bytes, progress->total_bytes);
        f->left_bytes = progress->total_bytes - progress->current_bytes;
        if (is_more || now_us(CLOCK_MONOTONIC) - f->looked_us >= LOOK_EVERY_US)
                (void) check_room(f);
}

/* Podman tells nothing while a pull is under way. */
static int on_watch(sd_event_source *s, uint64_t at_us, void *userdata) {
        struct hv_image_fetch *f = userdata;

        (void) at_us;
        if (!check_room(f))
                return 0;
        (void) sd_event_source_set_time_relative(s, LOOK_EVERY_US);
        (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

static void watch(struct hv_image_fetch *f) {
        f->watch = sd_event_source_disable_unref(f->watch);
        f->left_bytes = 0;
        if (f->o.source->event)
                (void) sd_event_add_time_relative(f->o.source->event, &f->watch, CLOCK_MONOTONIC,
                                                  LOOK_EVERY_US, 0, on_watch, f);
}

static const char *login_name(const struct hv_image_fetch *f, const char *host) {
        for (size_t i = 0; f->desired && i < f->desired->n_registries; i++)
                if (hv_streq(f->desired->registries[i].host, host))
                        return f->desired->registries[i].auth_secret;
        return NULL;
}

/* NULL and 0: nobody asked for a login here. */
static int login(const struct hv_image_fetch *f, struct hv_registry_auth **ret, struct hv_err *err) {
        const char *host = hv_registry_host(f->from[f->at], f->arena), *name = login_name(f, host);
        const struct hv_image_source *s = f->o.source;
        const struct hv_secret *config;
        int r;

        if (!name)
                return 0;
        config = s->secret ? s->secret(s->userdata, name) : NULL;
        if (!config)
                return hv_err_set(err, -ENOENT, "secret \"%s\" with the login for %s could not be read", name,
                                  host);
        r = hv_registry_auth_parse(config, host, ret, err);
        return r < 0 ? hv_err_prefix(err, r, "secret \"%s\"", name) : 0;
}

static void pull(struct hv_image_fetch *f) {
        _hv_cleanup_(hv_registry_auth_freep) struct hv_registry_auth *auth = NULL;
        struct hv_docker_pull what = {
                .image = f->from[f->at],
                .stall_us = f->desired ? f->desired->settings.pull_stall_us : 0,
                .on_progress = on_progress,
                .userdata = f,
        };
        struct hv_err err = {};

        if (login(f, &auth, &err) < 0) {
                refused(f, HV_DOCKER_DENIED, err.msg);
                return;
        }
        if (auth)
                what.auth = &auth->auth;
        f->total_bytes = f->came_bytes = 0;
        watch(f);
        f->call = hv_docker_image_pull(f->o.source->docker, &what,
                                       (struct hv_docker_then){ .fn = on_pulled, .userdata = f });
}

static void on_mirror_before(void *userdata, struct hv_docker_result *result) {
        struct hv_image_fetch *f = userdata;

        f->call = NULL;
        free(f->mirror_before);
        f->mirror_before = hv_strdup(result->outcome == HV_DOCKER_OK ? result->image->id : "");
        hv_image_record_begin(f->o.source->record, f->from[f->at], f->mirror_before);
        pull(f);
}

static void ask_next(struct hv_image_fetch *f) {
        if (is_mirror(f))
                f->call = hv_docker_image_inspect(f->o.source->docker, f->from[f->at],
                                                  then(f, on_mirror_before));
        else
                pull(f);
}

static void on_before(void *userdata, struct hv_docker_result *result) {
        struct hv_image_fetch *f = userdata;
        struct hv_image_room room;
        struct hv_err err = {};

        f->call = NULL;
        if (result->outcome != HV_DOCKER_OK && result->outcome != HV_DOCKER_NOT_FOUND) {
                end(f, result->outcome, false, result->message);
                return;
        }
        f->before = hv_strdup(result->outcome == HV_DOCKER_OK ? result->image->id : "");
        room = hv_image_room_of(f->o.source->docker, f->o.source->is_local, f->desired);
        if (hv_image_room_check(&room, 0, &err) < 0) {
                end(f, HV_DOCKER_ENGINE_ERROR, true, err.msg);
                return;
        }
        hv_image_record_begin(f->o.source->record, f->ref.full, f->before);
        ask_next(f);
}

/* ---- life ---- */

/* "http://10.0.0.1:5005/cache" and library/redis:7 make "10.0.0.1:5005/cache/library/redis:7": whether it is asked by http or by https
 * is for the engine to decide. */
static const char *at_mirror(struct hv_image_fetch *f, const char *mirror) {
        const char *scheme = strstr(mirror, "://"), *place = scheme ? scheme + 3 : mirror;
        size_t len = strlen(place);

        while (len > 0 && place[len - 1] == '/')
                len--;
        return hv_arena_printf(f->arena, "%.*s/%s:%s", (int) len, place, f->ref.repository, f->ref.tag);
}

static void choose_places(struct hv_image_fetch *f) {
        const struct hv_registry *r = NULL;
        const char **from;
        size_t n;

        for (size_t i = 0; f->desired && !f->ref.digest && i < f->desired->n_registries; i++)
                if (hv_streq(f->desired->registries[i].host, f->ref.registry))
                        r = &f->desired->registries[i];
        n = r ? r->mirrors.n : 0;
        from = HV_ARENA_NEW_N(f->arena, const char *, n + 1);
        for (size_t i = 0; i < n; i++)
                from[i] = at_mirror(f, r->mirrors.v[i]);
        from[n] = f->ref.full;
        f->from = from;
        f->n_from = n + 1;
}

struct hv_image_fetch *hv_image_fetch_new(const struct hv_image_fetch_options *options) {
        struct hv_image_fetch *f = HV_NEW(struct hv_image_fetch);

        f->o = *options;
        f->arena = hv_arena_new();
        f->desired = options->desired ? hv_desired_ref(options->desired) : NULL;
        /* What is no reference the engine refuses with its own words. */
        if (hv_value_image(options->image, f->arena, &f->ref, NULL) < 0)
                f->ref = (struct hv_image_ref){ .full = hv_arena_strdup(f->arena, options->image),
                                                .registry = "",
                                                .digest = "" };
        choose_places(f);
        f->call = hv_docker_image_inspect(f->o.source->docker, f->ref.full, then(f, on_before));
        return f;
}

void hv_image_fetch_progress(const struct hv_image_fetch *f, uint64_t *ret_came_bytes,
                             uint64_t *ret_total_bytes) {
        *ret_came_bytes = f->came_bytes;
        *ret_total_bytes = f->total_bytes;
}

struct hv_image_fetch *hv_image_fetch_free(struct hv_image_fetch *f) {
        if (!f)
                return NULL;
        hv_docker_call_cancel(f->call);
        sd_event_source_disable_unref(f->watch);
        hv_desired_unref(f->desired);
        hv_arena_free(f->arena);
        hv_buf_done(&f->refusals);
        free(f->before);
        free(f->mirror_before);
        free(f);
        return NULL;
}
