/* agent/preload_asked.c - images that somebody asked for by hand (hivectl preload); see preload.h.
 *
 * Model    Asked for means now: no window holds it back, and it goes before images.preload. What fails is told and not tried again, for
 *          whoever asked looks, and asks again. Each that ended is shown until there are too many of them. */
#include <errno.h>

#include "agent/gc.h"
#include "agent/images.h"
#include "agent/preload.h"
#include "base/arena.h"
#include "docker/image.h"
#include "execute/image_record.h"
#include "log/log.h"
#include "spec/check.h"
#include "spec/value_image.h"

#define OPEN_MAX 256 /* not ended yet, all together */
#define ENDED_MAX 64 /* shown afterwards */
/* How often whoever looks is told how much came. */
#define TELL_EVERY_US HV_USEC_PER_SEC

struct asked {
        struct hv_agent *agent;
        char *ref, *by; /* ref: normal form */
        enum hv_api_preload_phase phase;
        struct hv_docker_call *call; /* is it there? */
        struct hv_image_fetch *fetch;
        uint64_t asked_wall_us, ended_wall_us;
        char *message; /* why it failed; NULL: it did not */
};

struct hv_agent_asked {
        HV_VEC(struct asked *) v; /* in the order in which they were asked for */
        sd_event_source *tell;
};

static bool is_open(const struct asked *e) {
        return e->phase == HV_API_PRELOAD_WAITING || e->phase == HV_API_PRELOAD_PULLING;
}

static void asked_free(struct asked *e) {
        hv_docker_call_cancel(e->call);
        (void) hv_image_fetch_free(e->fetch);
        free(e->ref);
        free(e->by);
        free(e->message);
        free(e);
}

static void take_out(struct hv_agent_asked *p, size_t i) {
        asked_free(p->v.v[i]);
        for (p->v.n--; i < p->v.n; i++)
                p->v.v[i] = p->v.v[i + 1];
}

/* ---- one image ---- */

static void ended(struct asked *e, enum hv_api_preload_phase phase) {
        e->phase = phase;
        e->ended_wall_us = hv_agent_wall_us();
        hv_agent_poke(e->agent);
}

static void failed(struct asked *e, const char *message) {
        const struct hv_log_fields fields = { .kind = hv_kind_name(HV_KIND_IMAGE), .name = e->ref };

        e->message = hv_strdup(message);
        hv_log_event(HV_EVENT_IMAGE_PULL_FAILED, &fields,
                     "image \"%s\", which %s asked for, cannot be pulled: %s", e->ref, e->by, message);
        ended(e, HV_API_PRELOAD_FAILED);
}

static void on_fetched(void *userdata, const struct hv_image_fetched *result) {
        struct asked *e = userdata;
        const struct hv_log_fields fields = { .kind = hv_kind_name(HV_KIND_IMAGE), .name = e->ref };

        e->fetch = NULL;
        if (result->no_room)
                hv_agent_gc_wanted(e->agent);
        if (result->outcome != HV_DOCKER_OK) {
                failed(e, result->message);
                return;
        }
        hv_log_event(HV_EVENT_IMAGE_PULLED, &fields, "image \"%s\": pulled, which %s asked for", e->ref,
                     e->by);
        ended(e, HV_API_PRELOAD_READY);
        hv_agent_preload_came(e->agent);
}

/* What is there is wanted from now on, too: for garbage collection it is as young as one that has just come. */
static void on_looked(void *userdata, struct hv_docker_result *result) {
        struct asked *e = userdata;
        const struct hv_image_fetch_options options = {
                .source = hv_agent_images_source(e->agent),
                .image = e->ref,
                .desired = (struct hv_desired *) hv_core_active(e->agent->core),
                .done = on_fetched,
                .userdata = e,
        };

        e->call = NULL;
        if (result->outcome == HV_DOCKER_OK) {
                hv_image_record_touch(options.source->record, e->ref, hv_agent_wall_us());
                ended(e, HV_API_PRELOAD_READY);
        } else if (result->outcome == HV_DOCKER_NOT_FOUND)
                e->fetch = hv_image_fetch_new(&options);
        else
                failed(e, result->message);
}

/* ---- all of them ---- */

size_t hv_agent_asked_pulls(const struct hv_agent *a) {
        size_t n = 0;

        for (size_t i = 0; a->asked && i < a->asked->v.n; i++)
                n += a->asked->v.v[i]->phase == HV_API_PRELOAD_PULLING;
        return n;
}

void hv_agent_asked_passed(struct hv_agent *a) {
        struct hv_agent_asked *p = a->asked;

        if (!p || !a->docker || !hv_core_is_engine_ready(a->core))
                return;
        for (size_t i = 0; i < p->v.n && hv_agent_preload_places(a) > 0; i++) {
                struct asked *e = p->v.v[i];

                if (e->phase != HV_API_PRELOAD_WAITING)
                        continue;
                e->phase = HV_API_PRELOAD_PULLING;
                hv_api_changed(a->api);
                e->call = hv_docker_image_inspect(a->docker, e->ref,
                                                  (struct hv_docker_then){ .fn = on_looked, .userdata = e });
        }
        (void) sd_event_source_set_time_relative(p->tell, TELL_EVERY_US);
        (void) sd_event_source_set_enabled(p->tell,
                                           hv_agent_asked_pulls(a) > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int on_tell(sd_event_source *s, uint64_t at_us, void *userdata) {
        struct hv_agent *a = userdata;

        (void) at_us;
        hv_api_changed(a->api);
        if (hv_agent_asked_pulls(a) > 0) {
                (void) sd_event_source_set_time_relative(s, TELL_EVERY_US);
                (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        }
        return 0;
}

/* ---- asking ---- */

/* All names are good before anything is begun. */
static int read_names(const struct hv_agent *a, const struct hv_api_preload_wish *wish,
                      struct hv_arena *arena, const char **ret, struct hv_err *err) {
        const struct hv_desired *d = hv_core_active(a->core);

        if (!d || !d->tree || !a->docker)
                return hv_err_set(err, -ENOTCONN, "no image can be pulled: %s",
                                  a->docker ? "no revision is in force yet" : "node.docker.enabled is false");
        for (size_t i = 0; i < wish->n_images; i++) {
                struct hv_image_ref ref;
                int r = hv_spec_check_image(d->tree, wish->images[i], arena, &ref, err);

                if (r < 0)
                        return r;
                ret[i] = ref.full;
        }
        return 0;
}

/* NULL: there is none. */
static struct asked *find(const struct hv_agent_asked *p, const char *ref, size_t *ret_at) {
        for (size_t i = 0; i < p->v.n; i++)
                if (hv_streq(p->v.v[i]->ref, ref)) {
                        *ret_at = i;
                        return p->v.v[i];
                }
        return NULL;
}

static void add(struct hv_agent *a, const char *ref, const char *by) {
        struct asked *e;
        size_t at;

        e = find(a->asked, ref, &at);
        if (e && is_open(e))
                return;
        if (e)
                take_out(a->asked, at);
        e = HV_NEW(struct asked);
        e->agent = a;
        e->ref = hv_strdup(ref);
        e->by = hv_strdup(by);
        e->asked_wall_us = hv_agent_wall_us();
        hv_vec_push(&a->asked->v, e);
}

static void forget_oldest(struct hv_agent_asked *p) {
        size_t n_ended = 0;

        for (size_t i = 0; i < p->v.n; i++)
                n_ended += !is_open(p->v.v[i]);
        for (size_t i = 0; i < p->v.n && n_ended > ENDED_MAX;) {
                if (is_open(p->v.v[i])) {
                        i++;
                        continue;
                }
                take_out(p, i);
                n_ended--;
        }
}

static int begin(struct hv_agent *a, struct hv_err *err) {
        int r;

        a->asked = HV_NEW(struct hv_agent_asked);
        r = sd_event_add_time_relative(a->event, &a->asked->tell, CLOCK_MONOTONIC, 0, 0, on_tell, a);
        if (r >= 0)
                r = sd_event_source_set_enabled(a->asked->tell, SD_EVENT_OFF);
        if (r >= 0)
                return 0;
        hv_agent_asked_end(a);
        return hv_err_errno(err, r, "cannot make a timer");
}

int hv_agent_ask_for_images(void *userdata, const struct hv_api_preload_wish *wish, struct hv_arena *arena,
                            const char **ret, struct hv_err *err) {
        struct hv_agent *a = userdata;
        size_t n_open = 0;
        int r = read_names(a, wish, arena, ret, err);

        if (r >= 0 && !a->asked)
                r = begin(a, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < a->asked->v.n; i++)
                n_open += is_open(a->asked->v.v[i]);
        if (n_open + wish->n_images > OPEN_MAX)
                return hv_err_set(err, -EAGAIN, "%zu images wait to be pulled already, of at most %d", n_open,
                                  OPEN_MAX);
        for (size_t i = 0; i < wish->n_images; i++)
                add(a, ret[i], wish->by);
        forget_oldest(a->asked);
        hv_agent_poke(a);
        return 0;
}

/* ---- showing ---- */

static const char *message_of(const struct hv_agent *a, const struct asked *e) {
        if (e->phase != HV_API_PRELOAD_WAITING)
                return e->message ? e->message : "";
        return hv_core_is_engine_ready(a->core)
                       ? "as many others as images.pull.parallel says are being pulled"
                       : "the engine does not answer";
}

void hv_agent_asked_show(void *userdata, struct hv_arena *arena, struct hv_api_preloads *ret) {
        const struct hv_agent *a = userdata;
        size_t n = a->asked ? a->asked->v.n : 0;
        struct hv_api_preload *v = HV_ARENA_NEW_N(arena, struct hv_api_preload, n + 1);

        for (size_t i = 0; i < n; i++) {
                const struct asked *e = a->asked->v.v[i];

                v[i] = (struct hv_api_preload){
                        .image = hv_arena_strdup(arena, e->ref),
                        .by = hv_arena_strdup(arena, e->by),
                        .phase = e->phase,
                        .message = hv_arena_strdup(arena, message_of(a, e)),
                        .asked_wall_us = e->asked_wall_us,
                        .ended_wall_us = e->ended_wall_us,
                };
                if (e->fetch)
                        hv_image_fetch_progress(e->fetch, &v[i].came_bytes, &v[i].total_bytes);
        }
        *ret = (struct hv_api_preloads){ v, n };
}

void hv_agent_asked_end(struct hv_agent *a) {
        if (!a->asked)
                return;
        for (size_t i = 0; i < a->asked->v.n; i++)
                asked_free(a->asked->v.v[i]);
        hv_vec_done(&a->asked->v);
        sd_event_source_disable_unref(a->asked->tell);
        free(a->asked);
        a->asked = NULL;
}
