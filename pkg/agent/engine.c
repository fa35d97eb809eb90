/* agent/engine.c - the container engine as the agent uses it: client, driver, and what the two need from the revision in
 * force: its policy, its registries' secrets. */
#include "agent/gc.h"
#include "agent/gpus.h"
#include "agent/images.h"
#include "agent/private.h"
#include "base/arena.h"
#include "execute/attempt_cgroup.h"
#include "execute/docker_driver.h"
#include "log/log.h"
#include "spec/types.h"

static void on_input(void *userdata, const struct hv_input *input) {
        struct hv_err err = {};

        /* Images are shown whoever they are of, and the core follows only those that are wanted. */
        if (input->type == HV_INPUT_EVENT && input->event.type == HV_EVENT_IMAGE)
                hv_agent_poke(userdata);
        if (hv_agent_input(userdata, input, &err) < 0)
                (void) hv_log_event_error(HV_EVENT_INVARIANT_VIOLATED, err.code, NULL, "%s", err.msg);
}

static void on_ended(void *userdata, const struct hv_action *action, enum hv_outcome outcome,
                     uint64_t duration_us) {
        struct hv_agent *a = userdata;

        if (action->type == HV_ACTION_CONNECT && outcome == HV_OUTCOME_OK)
                hv_agent_gpus_engine(a);
        hv_metrics_action(hv_api_metrics(a->api), action, outcome, duration_us);
        hv_agent_images_ended(a, action, outcome);
}

int hv_agent_engine_init(struct hv_agent *a, struct hv_err *err) {
        const struct hv_executor_handler handler = { .input = on_input, .ended = on_ended, .userdata = a };

        return hv_executor_new(a->event, &handler, &a->executor, err);
}

void hv_agent_private_paths(const struct hv_agent_options *o, const char *ret[2]) {
        ret[0] = o->state_dir ? o->state_dir : HV_AGENT_STATE_DIR;
        ret[1] = o->run_dir ? o->run_dir : HV_AGENT_RUN_DIR;
}

static int make_client(struct hv_agent *a, uint64_t call_timeout_us, struct hv_err *err) {
        const char *private_paths[2];
        const struct hv_docker_options options = {
                .url = a->docker_url,
                .call_timeout_us = call_timeout_us,
                .private_paths = { private_paths, 2 },
        };

        hv_agent_private_paths(a->options, private_paths);
        return hv_docker_new(a->event, &options, &a->docker, err);
}

int hv_agent_engine_need(struct hv_agent *a, const struct hv_desired *d, struct hv_err *err) {
        struct hv_attempt_cgroups_options cgroups;
        struct hv_docker_driver_options options;
        int r;

        if (a->docker)
                return 0;
        r = make_client(a, d->settings.call_timeout_us, err);
        if (r < 0)
                return r;
        cgroups = (struct hv_attempt_cgroups_options){
                .event = a->event,
                .docker = a->docker,
                .node_id = d->settings.node_id,
        };
        a->cgroups = hv_attempt_cgroups_new(&cgroups);
        hv_agent_images_begin(a);
        options = (struct hv_docker_driver_options){
                .docker = a->docker,
                .node_id = d->settings.node_id,
                .work_root = hv_agent_work_root(a, d),
                .cgroups = a->cgroups,
                .input = hv_executor_input,
                .input_userdata = a->executor,
                .images = hv_agent_images_source(a),
                .no_room = hv_agent_gc_wanted,
                .userdata = a,
        };
        hv_executor_add(a->executor, hv_docker_driver_new(&options));
        return hv_agent_caps_begin(a, err);
}

/* The file may say CHOWN or CAP_CHOWN; the client wants the former. */
static struct hv_strv without_prefix(const struct hv_strv *names, struct hv_arena *arena) {
        const char **v = HV_ARENA_NEW_N(arena, const char *, names->n + 1);

        for (size_t i = 0; i < names->n; i++)
                v[i] = names->v[i] + (hv_has_prefix(names->v[i], "CAP_") ? strlen("CAP_") : 0);
        return (struct hv_strv){ v, names->n };
}

void hv_agent_engine_policy(struct hv_agent *a, const struct hv_desired *d) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_spec_policy *p;
        struct hv_docker_policy policy;

        if (!a->docker || !d->tree)
                return;
        p = &d->tree->state.host.policy;
        policy = (struct hv_docker_policy){
                .privileged = p->privileged == HV_ALLOW,
                .host_network = p->host_network == HV_ALLOW,
                .host_paths = p->host_paths,
                .capabilities = without_prefix(&p->capabilities, arena),
        };
        hv_docker_set_policy(a->docker, &policy);
}
