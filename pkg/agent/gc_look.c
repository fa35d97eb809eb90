/* agent/gc_look.c - what is there to collect: containers, images, who needs them, how full the disk is.
 *
 *      list of containers --> list of images --> when each abandoned container ended --> facts
 *
 * Needed   is what a revision names that the state directory keeps: the one in force, those that are parked or offered, the one that
 *          a trial goes back to, and of the older ones so many that gc.images.keepLast are kept in all; and what a task names that
 *          has not ended. When one of them cannot be read, every image counts as needed.
 * An engine that is switched off or does not answer shows nothing, and nothing of it is collected.
 */
#include <errno.h>

#include "agent/gc.h"
#include "agent/images.h"
#include "agent/log_files.h"
#include "base/arena.h"
#include "base/map.h"
#include "docker/container.h"
#include "execute/image_record.h"
#include "execute/image_room.h"
#include "log/log.h"
#include "spec/task.h"
#include "spec/types.h"
#include "spec/value_image.h"

struct hv_gc_look {
        struct hv_agent *agent;
        void (*done)(void *userdata, struct hv_gc_seen *seen, const struct hv_err *err);
        void *userdata;
        sd_event_source *defer; /* there is no engine to ask */
        struct hv_docker_call *call;
        struct hv_arena *arena, *lists[2]; /* of the answers that the facts borrow from */
        const struct hv_docker_images *images;
        struct hv_gc_container *containers;
        size_t n_containers, at;
};

/* ---- who needs which image ---- */

enum need { NEEDED = 1, PINNED };

struct needs {
        struct hv_arena *arena;
        struct hv_map *names; /* by name or name@digest; enum need */
        bool all;             /* not everything could be read */
};

static const char *key_of(const struct hv_image_ref *ref, struct hv_arena *arena) {
        return ref->digest ? hv_arena_printf(arena, "%s@%s", ref->name, ref->digest)
                           : hv_arena_printf(arena, "%s:%s", ref->name, ref->tag);
}

static void need(struct needs *n, const char *image, enum need how) {
        struct hv_image_ref ref;
        const char *key;

        if (hv_str_empty(image) || hv_value_image(image, n->arena, &ref, NULL) < 0)
                return;
        key = key_of(&ref, n->arena);
        if ((uintptr_t) hv_map_get(n->names, key) < (uintptr_t) how)
                hv_map_put(n->names, key, (void *) (uintptr_t) how);
}

static void need_all_of(struct needs *n, const struct hv_desired *d, bool in_force) {
        const struct hv_spec_state *s = d->tree ? &d->tree->state : NULL;

        for (size_t i = 0; i < d->n_units; i++)
                need(n, d->units[i].image, NEEDED);
        for (size_t i = 0; i < d->n_tasks; i++)
                need(n, d->tasks[i]->unit.image, NEEDED);
        if (!s)
                return;
        need(n, s->task_defaults.image, NEEDED);
        for (size_t i = 0; i < s->cron_tasks.n; i++)
                need(n, s->cron_tasks.v[i].task.image, NEEDED);
        for (size_t i = 0; i < s->images.preload.n; i++)
                need(n, s->images.preload.v[i].ref, in_force && s->images.preload.v[i].pin ? PINNED : NEEDED);
}

static void need_of_revision(struct needs *n, struct hv_agent *a, const char *revision, const char *until) {
        _hv_cleanup_(hv_source_load_freep) struct hv_source_load *l =
                hv_source_set_kept(a->sources, revision);

        if (l->desired) {
                need_all_of(n, l->desired, false);
                return;
        }
        n->all = true;
        (void) hv_log_warn(
                l->err.code,
                "revision %.8s is kept and cannot be read any more: no image is collected until %s", revision,
                until);
}

/* Newest first: the first is the one in force, or will be. */
static void need_of_kept(struct needs *n, struct hv_agent *a, int64_t keep_last) {
        struct hv_revision_store *store = hv_source_set_revisions(a->sources);
        size_t n_kept = 0;
        const struct hv_revision_entry *kept = store ? hv_revision_store_all(store, &n_kept) : NULL;

        for (size_t i = 1; i < n_kept && (int64_t) i < keep_last; i++)
                need_of_revision(n, a, kept[i].revision, "gc.images.keepLast newer ones are kept");
}

/* What a trial goes back to: it may do so because the registry cannot be reached any more. */
static void need_of_trial(struct needs *n, struct hv_agent *a) {
        const struct hv_trial *t = hv_source_set_trial(a->sources);

        if (t->phase == HV_TRIAL_PENDING || t->phase == HV_TRIAL_REVERTING)
                need_of_revision(n, a, t->base, "the trial that goes back to it is over");
}

/* With keepLast 0 only what is pinned, what waits to come into force, what a trial goes back to, and what a task in hand names. */
static void gather_needs(struct needs *n, struct hv_agent *a, const struct hv_desired *d) {
        int64_t keep_last = d->tree ? d->tree->state.gc.images.keep_last : INT64_MAX;
        const struct hv_desired *parked = hv_core_parked(a->core);
        const struct hv_task_status *live;
        size_t n_live;

        if (keep_last > 0) {
                need_all_of(n, d, true);
                need_of_kept(n, a, keep_last);
        } else if (d->tree) {
                for (size_t i = 0; i < d->tree->state.images.preload.n; i++)
                        if (d->tree->state.images.preload.v[i].pin)
                                need(n, d->tree->state.images.preload.v[i].ref, PINNED);
        }
        need_of_trial(n, a);
        if (parked)
                need_all_of(n, parked, false);
        if (a->latest && a->latest->desired && !hv_streq(a->latest->desired->revision, d->revision))
                need_all_of(n, a->latest->desired, false);
        live = hv_core_live_tasks(a->core, hv_agent_now_us(), n->arena, &n_live);
        for (size_t i = 0; i < n_live; i++)
                need(n, live[i].image, NEEDED);
}

static enum need need_of(const struct needs *n, const struct hv_docker_image *image) {
        const struct hv_strv *names[] = { &image->tags, &image->digests };
        uintptr_t most = n->all ? NEEDED : 0;

        for (size_t k = 0; k < HV_ARRAY_SIZE(names); k++)
                for (size_t i = 0; i < names[k]->n; i++) {
                        struct hv_image_ref ref;
                        uintptr_t how;

                        if (hv_value_image(names[k]->v[i], n->arena, &ref, NULL) < 0)
                                continue;
                        how = (uintptr_t) hv_map_get(n->names, key_of(&ref, n->arena));
                        most = HV_MAX(most, how);
                }
        return (enum need) most;
}

/* ---- facts ---- */

static bool is_used(const struct hv_gc_look *l, const char *id) {
        for (size_t i = 0; i < l->n_containers; i++)
                if (hv_streq(l->containers[i].image, id))
                        return true;
        return false;
}

/* Names of an engine's list; Docker says "<none>:<none>" for none. */
static size_t names_of(const struct hv_strv *names, const char **ret_first) {
        size_t n = 0;

        for (size_t i = 0; i < names->n; i++) {
                if (hv_has_prefix(names->v[i], "<none>"))
                        continue;
                if (n++ == 0 && ret_first)
                        *ret_first = names->v[i];
        }
        return n;
}

static struct hv_gc_image image_of(const struct hv_gc_look *l, const struct needs *needs,
                                   const struct hv_docker_image *i) {
        const struct hv_kept_image *kept = hv_image_record_get(l->agent->images->record, i->id);
        enum need how = need_of(needs, i);
        struct hv_gc_image ret = {
                .id = i->id,
                .name = i->id,
                .target = i->id,
                .size_bytes = i->size_bytes,
                .is_ours = kept && hv_image_is_only_ours(kept, i),
                .is_pinned = how == PINNED,
                .is_needed = how == NEEDED,
                .since_us = kept ? kept->since_us : i->created_us,
                .created_us = i->created_us,
        };
        size_t n_tags = names_of(&i->tags, &ret.name);

        ret.is_dangling = n_tags == 0 && names_of(&i->digests, NULL) == 0;
        if (n_tags > 1) /* by its id an engine removes only what has one name */
                ret.target = ret.name;
        return ret;
}

static void put_images(struct hv_gc_look *l, const struct hv_desired *d, struct hv_gc_facts *facts) {
        struct hv_image_record *record = l->agent->images->record;
        struct needs needs = { .arena = l->arena, .names = hv_map_new(NULL) };
        struct hv_gc_image *images = HV_ARENA_NEW_N(l->arena, struct hv_gc_image, l->images->n + 1);

        hv_image_record_settle(record, l->images, facts->now_us);
        hv_image_record_keep_only(record, l->images);
        for (size_t i = 0; i < l->images->n; i++)
                hv_image_record_use(record, l->images->v[i].id, is_used(l, l->images->v[i].id),
                                    facts->now_us);
        hv_image_record_flush(record);
        gather_needs(&needs, l->agent, d);
        for (size_t i = 0; i < l->images->n; i++)
                images[i] = image_of(l, &needs, &l->images->v[i]);
        hv_map_free(needs.names);
        facts->images = images;
        facts->n_images = l->images->n;
}

static struct hv_gc_rules rules_of(const struct hv_desired *d) {
        const struct hv_spec_gc *gc = d->tree ? &d->tree->state.gc : NULL;
        const struct hv_log_settings *log = &d->settings.log;

        if (!gc)
                return (struct hv_gc_rules){ .high_percent = 100,
                                             .low_percent = 100,
                                             .log_files = log->max_files,
                                             .events_keep_us = log->events_keep_us,
                                             .events_max_bytes = log->events_max_bytes };
        return (struct hv_gc_rules){
                .high_percent = (unsigned) gc->disk.high_percent,
                .low_percent = (unsigned) gc->disk.low_percent,
                .min_age_us = gc->disk.min_age_us,
                .keep_exited = (unsigned) gc->containers.keep_exited,
                .container_max_age_us = gc->containers.max_age_us,
                .image_max_age_us = gc->images.max_age_us,
                .unmanaged = gc->unmanaged,
                .log_files = log->max_files,
                .events_keep_us = log->events_keep_us,
                .events_max_bytes = log->events_max_bytes,
        };
}

static void finish(struct hv_gc_look *l, const struct hv_err *err) {
        const struct hv_desired *d = hv_core_active(l->agent->core);
        struct hv_gc_seen seen = { .arena = l->arena,
                                   .rules = rules_of(d),
                                   .facts = { .now_us = hv_agent_wall_us(),
                                              .containers = l->containers,
                                              .n_containers = l->n_containers } };
        struct hv_disk_space space;

        if (!err && l->images) {
                struct hv_image_room room =
                        hv_image_room_of(l->agent->docker, hv_agent_images_source(l->agent)->is_local, d);

                put_images(l, d, &seen.facts);
                if (hv_image_room_look(&room, &space)) {
                        seen.facts.total_bytes = space.total_bytes;
                        seen.facts.free_bytes = space.free_bytes;
                }
        }
        hv_agent_log_files_look(l->agent, l->arena, &seen.facts);
        l->done(l->userdata, &seen, err);
        hv_gc_look_free(l);
}

/* ---- asking ---- */

static void failed(struct hv_gc_look *l, const struct hv_docker_result *result, const char *what) {
        struct hv_err err = {};

        (void) hv_err_set(&err, result->error, "%s: %s", what, result->message);
        finish(l, &err);
}

static struct hv_docker_then then(struct hv_gc_look *l, hv_docker_done_fn *fn) {
        return (struct hv_docker_then){ .fn = fn, .userdata = l };
}

static void ask_next_end(struct hv_gc_look *l);

static void on_inspected(void *userdata, struct hv_docker_result *result) {
        struct hv_gc_look *l = userdata;
        struct hv_gc_container *c = &l->containers[l->at++];

        l->call = NULL;
        if (result->outcome == HV_DOCKER_OK && result->container->finished_us)
                c->ended_us = result->container->finished_us;
        else /* gone, running again, or not known: the next look tells */
                c->is_abandoned = false;
        ask_next_end(l);
}

static void ask_next_end(struct hv_gc_look *l) {
        while (l->at < l->n_containers && !l->containers[l->at].is_abandoned)
                l->at++;
        if (l->at == l->n_containers)
                finish(l, NULL);
        else
                l->call = hv_docker_container_inspect(l->agent->docker, l->containers[l->at].id,
                                                      then(l, on_inspected));
}

static void on_images(void *userdata, struct hv_docker_result *result) {
        struct hv_gc_look *l = userdata;

        l->call = NULL;
        if (result->outcome != HV_DOCKER_OK) {
                failed(l, result, "the images cannot be listed");
                return;
        }
        l->images = result->images;
        l->lists[1] = HV_STEAL(result->arena);
        ask_next_end(l);
}

static void on_containers(void *userdata, struct hv_docker_result *result) {
        struct hv_gc_look *l = userdata;
        const struct hv_docker_containers *list = result->containers;

        l->call = NULL;
        if (result->outcome != HV_DOCKER_OK) {
                failed(l, result, "the containers cannot be listed");
                return;
        }
        l->containers = HV_ARENA_NEW_N(l->arena, struct hv_gc_container, list->n + 1);
        l->n_containers = list->n;
        for (size_t i = 0; i < list->n; i++)
                l->containers[i] = (struct hv_gc_container){
                        .id = list->v[i].id,
                        .name = list->v[i].name,
                        .object = hv_core_container_object(l->agent->core, list->v[i].id),
                        .image = list->v[i].image_id,
                        .is_abandoned = hv_core_is_abandoned(l->agent->core, list->v[i].id),
                };
        l->lists[0] = HV_STEAL(result->arena);
        l->call = hv_docker_image_list(l->agent->docker, then(l, on_images));
}

static int on_defer(sd_event_source *s, void *userdata) {
        (void) s;
        finish(userdata, NULL);
        return 0;
}

struct hv_gc_look *hv_gc_look_new(struct hv_agent *a,
                                  void (*done)(void *userdata, struct hv_gc_seen *seen,
                                               const struct hv_err *err),
                                  void *userdata) {
        struct hv_gc_look *l = HV_NEW(struct hv_gc_look);

        l->agent = a;
        l->done = done;
        l->userdata = userdata;
        l->arena = hv_arena_new();
        if (a->docker && hv_core_is_engine_ready(a->core))
                l->call = hv_docker_container_list(a->docker, false, then(l, on_containers));
        else
                (void) sd_event_add_defer(a->event, &l->defer, on_defer, l);
        return l;
}

struct hv_gc_look *hv_gc_look_free(struct hv_gc_look *l) {
        if (!l)
                return NULL;
        hv_docker_call_cancel(l->call);
        sd_event_source_disable_unref(l->defer);
        hv_arena_free(l->arena);
        for (size_t i = 0; i < HV_ARRAY_SIZE(l->lists); i++)
                hv_arena_free(l->lists[i]);
        free(l);
        return NULL;
}
