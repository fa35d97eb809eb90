/* agent/backend.c - the snapshot: everything that the API shows, gathered at one instant. */
#include "agent/gc.h"
#include "agent/gpus.h"
#include "agent/monitor.h"
#include "agent/preload.h"
#include "agent/private.h"
#include "agent/shutdown.h"
#include "agent/tunnels.h"
#include "base/arena.h"
#include "base/sha256.h"
#include "reconcile/cron.h"

/* ---- engine, sources, revisions ---- */

static struct hv_api_engine engine_of(const struct hv_agent *a) {
        const struct hv_docker_engine *e = a->docker ? hv_docker_engine(a->docker) : NULL;
        struct hv_api_engine ret = { .endpoint = a->docker_url ? a->docker_url : HV_DOCKER_SOCKET_URL,
                                     .api_oldest = hv_docker_api_oldest(),
                                     .api_newest = hv_docker_api_newest() };

        if (!e || hv_str_empty(e->api_version))
                return ret;
        ret.name = e->kind == HV_DOCKER_KIND_PODMAN ? "Podman" : "Docker";
        ret.version = e->version;
        ret.api_version = e->api_version;
        return ret;
}

static unsigned count_objects(const struct hv_desired *d, const char *source) {
        unsigned n = 0;

        for (size_t i = 0; d && i < d->n_objects; i++)
                n += hv_streq(d->objects[i].origin.source, source);
        return n;
}

/* By its texts and their names; the revision in force is of the meaning of all sources together. */
static void revision_of(const struct hv_source_load *l, const char *source, char ret[HV_SHA256_HEX_SIZE]) {
        struct hv_sha256 sum;
        bool any = false;

        hv_sha256_init(&sum);
        for (size_t i = 0; i < l->n_files; i++) {
                const struct hv_revision_file *f = &l->files[i];

                if (!hv_streq(f->source, source))
                        continue;
                any = true;
                hv_sha256_add(&sum, f->name, strlen(f->name) + 1);
                hv_sha256_add(&sum, &f->len, sizeof f->len);
                hv_sha256_add(&sum, f->text, f->len);
        }
        hv_sha256_finish_hex(&sum, ret);
        if (!any)
                *ret = '\0';
}

void hv_agent_sources_changed(struct hv_agent *a, const struct hv_source_load *l) {
        struct hv_source_status status[2];
        size_t n = hv_source_set_status(a->sources, status);

        for (size_t i = 0; i < n; i++)
                revision_of(l, status[i].name, a->source_revisions[i]);
}

/* The first source is the files. */
static bool is_held_off(const struct hv_agent *a, size_t source) {
        return source == 0 && a->latest && a->latest->held;
}

static void sources_of(const struct hv_agent *a, struct hv_arena *arena, struct hv_api_snapshot *s) {
        const struct hv_desired *d = a->latest && a->latest->desired ? a->latest->desired
                                     : a->active                     ? a->active->desired
                                                                     : NULL;
        struct hv_source_status status[2];
        size_t n = hv_source_set_status(a->sources, status);
        struct hv_api_source *sources = HV_ARENA_NEW_N(arena, struct hv_api_source, n);
        const char *refusal = hv_agent_refusal(a);

        for (size_t i = 0; i < n; i++) {
                sources[i] = (struct hv_api_source){
                        .name = hv_arena_strdup(arena, status[i].name),
                        .type = hv_arena_strdup(arena, status[i].name),
                        .location = hv_arena_strdup(arena, status[i].where),
                        .n_objects = count_objects(d, status[i].name),
                        .read_wall_us = a->good_wall_us,
                        .failed_wall_us = status[i].good ? 0 : a->failed_wall_us,
                        .error = status[i].good ? NULL : hv_arena_strdup(arena, refusal),
                        .n_errors = status[i].good ? 0 : a->n_load_errors,
                };
                sources[i].state = !status[i].good             ? HV_API_SOURCE_STALE
                                   : is_held_off(a, i)         ? HV_API_SOURCE_HELD_OFF
                                   : sources[i].n_objects == 0 ? HV_API_SOURCE_EMPTY
                                                               : HV_API_SOURCE_OK;
                sources[i].revision = *a->source_revisions[i] ? a->source_revisions[i] : NULL;
        }
        s->sources = sources;
        s->n_sources = n;
}

static void revisions_of(const struct hv_agent *a, struct hv_arena *arena, struct hv_api_snapshot *s) {
        const struct hv_desired *parked = hv_core_parked(a->core);
        struct hv_revision_store *store = hv_source_set_revisions(a->sources);
        const struct hv_revision_entry *kept;
        struct hv_api_revision *r;
        size_t n_kept, n = 0;

        kept = hv_revision_store_all(store, &n_kept);
        r = HV_ARENA_NEW_N(arena, struct hv_api_revision, n_kept + 1);
        if (parked)
                r[n++] = (struct hv_api_revision){ parked->revision,
                                                   HV_API_REVISION_PARKED,
                                                   a->loaded_wall_us,
                                                   (unsigned) parked->n_objects,
                                                   NULL,
                                                   NULL };
        for (size_t i = 0; i < n_kept; i++) {
                bool was_left = s->trial.state == HV_API_TRIAL_ROLLED_BACK &&
                                hv_streq(s->trial.revision, kept[i].revision);
                bool is_active = s->desired && hv_streq(s->desired->revision, kept[i].revision);

                r[n++] = (struct hv_api_revision){
                        hv_arena_strdup(arena, kept[i].revision),
                        is_active  ? HV_API_REVISION_ACTIVE
                        : was_left ? HV_API_REVISION_ROLLED_BACK
                                   : HV_API_REVISION_PREVIOUS,
                        kept[i].activated_us,
                        is_active ? (unsigned) s->desired->n_objects : kept[i].n_objects,
                        *kept[i].before ? hv_arena_strdup(arena, kept[i].before) : NULL,
                        *kept[i].by ? hv_arena_strdup(arena, kept[i].by) : NULL,
                };
        }
        s->revisions = r;
        s->n_revisions = n;
}

void hv_agent_snapshot(void *userdata, struct hv_arena *arena, struct hv_api_snapshot *ret) {
        struct hv_status *status = HV_ARENA_NEW(arena, struct hv_status);
        struct hv_agent *a = userdata;
        const struct hv_desired *shown;
        uint64_t now_us = hv_agent_now_us();

        hv_core_status(a->core, now_us, arena, status);
        *ret = (struct hv_api_snapshot){
                .now_us = now_us,
                .now_wall_us = hv_api_steady_wall_us(&a->wall_ahead_us, now_us, hv_agent_wall_us()),
                .started_wall_us = a->started_wall_us,
                .engine = engine_of(a),
                .status = status,
                .desired = hv_core_active(a->core),
                .refused = hv_agent_refusal(a) != NULL,
                .diags = a->latest ? a->latest->diags : NULL,
                .loaded_wall_us = a->loaded_wall_us,
                .listen = hv_str_empty(a->tcp_listen) ? NULL : a->tcp_listen,
                .listen_error = a->tcp_error,
        };
        hv_agent_pool_look(a, arena, &ret->pool);
        hv_agent_trial_show(a, arena, &ret->trial);
        shown = ret->desired ? ret->desired : a->offered ? a->offered->desired : NULL;
        ret->node_id = shown ? shown->settings.node_id : "";
        ret->node_name = shown ? shown->settings.node_name : "";
        ret->state_dir = a->options->state_dir ? a->options->state_dir : HV_AGENT_STATE_DIR;
        ret->work_dir = shown && shown->settings.work_dir
                                ? shown->settings.work_dir
                                : hv_arena_printf(arena, "%s/tasks", ret->state_dir);
        ret->log_dir = shown ? shown->settings.log.dir : NULL;
        ret->crons = hv_core_crons(a->core, now_us, arena, &ret->n_crons);
        hv_core_gpus(a->core, arena, &ret->gpus);
        ret->gpus_told = hv_agent_gpus_told(a);
        ret->orders = a->orders;
        ret->drain = a->drain;
        hv_agent_shutdown_show(a, &ret->shutdown);
        hv_agent_tunnels_show(a, arena, ret);
        hv_agent_preload_show(a, arena, ret);
        sources_of(a, arena, ret);
        revisions_of(a, arena, ret);
}

static struct hv_desired *kept(void *userdata, const char *revision) {
        const struct hv_agent *a = userdata;
        _hv_cleanup_(hv_source_load_freep) struct hv_source_load *l =
                hv_source_set_kept(a->sources, revision);

        return l->desired ? hv_desired_ref(l->desired) : NULL;
}

const struct hv_api_backend hv_agent_backend = {
        .snapshot = hv_agent_snapshot,
        .kept = kept,
        .change = hv_agent_change,
        .plan = hv_agent_plan,
        .logs_open = hv_agent_logs_open,
        .logs_resume = hv_agent_logs_resume,
        .logs_close = hv_agent_logs_close,
        .tasks = hv_agent_tasks,
        .task_change = hv_agent_task_change,
        .rotate = hv_agent_tunnel_rotate,
        .ping = hv_agent_tunnel_ping,
        .fit = hv_agent_fit,
        .usage = hv_agent_usage,
        .gc = hv_agent_gc,
        .engine_images = hv_agent_gc_images,
        .preload = hv_agent_ask_for_images,
        .preloads = hv_agent_asked_show,
        .order = hv_agent_order,
        .shutdown = hv_agent_shutdown,
        .secrets = hv_agent_secrets,
        .secret_put = hv_agent_secret_put,
        .secret_remove = hv_agent_secret_remove,
        .kill = hv_agent_kill,
        .copy_open = hv_agent_copy_open,
        .copy_resume = hv_agent_copy_resume,
        .copy_input = hv_agent_copy_input,
        .copy_end_input = hv_agent_copy_end_input,
        .copy_close = hv_agent_copy_close,
        .session_open = hv_agent_session_open,
        .session_room = hv_agent_session_room,
        .session_input = hv_agent_session_input,
        .session_end_input = hv_agent_session_end_input,
        .session_resize = hv_agent_session_resize,
        .session_resume = hv_agent_session_resume,
        .session_close = hv_agent_session_close,
};
