/* docker/private.h - the client as its own files see it. */
#pragma once

#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "docker/call.h"

struct hv_docker {
        sd_event *event;
        struct hv_transfer *transfer;
        char *base_url;    /* "http://docker" or "http://host:port" */
        char *socket_path; /* NULL: TCP */
        uint64_t call_timeout_us;
        TAILQ_HEAD(, hv_docker_call) calls;

        struct hv_arena *policy_arena, *private_arena, *engine_arena;
        struct hv_docker_policy policy;
        struct hv_strv private_paths; /* `own_paths`, and the engine's root once it is known */
        const char **own_paths;
        size_t n_own_paths;
        struct hv_docker_engine engine;
        unsigned api_minor; /* of 1.x; 0: no version agreed on */

        struct hv_docker_counters counters[HV_DOCKER_N_OPS];
        uint64_t n_junk_events;
        hv_docker_observer_fn *observer;
        void *observer_userdata;
};

void hv_docker_count(struct hv_docker *d, const struct hv_docker_result *result, uint64_t bytes_in,
                     uint64_t bytes_out);
