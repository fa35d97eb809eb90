/* agent/backend_kill.c - a signal to the containers of a service, because somebody says so.
 *
 * No wish and no order: the engine is asked at once, and what becomes of a container that ends of it is its restart policy's to
 * say, as after any other end. */
#include <errno.h>

#include "agent/private.h"
#include "base/arena.h"
#include "docker/container.h"

struct shot {
        struct kill *kill;
        struct hv_docker_call *call; /* NULL: answered */
};

struct kill {
        struct hv_agent *agent;
        struct hv_api_call *call;
        struct hv_arena *arena;
        struct shot *shots;
        size_t n_shots, n_left;
        unsigned n_signalled;
        struct hv_err err; /* the first that failed; code 0: none */
};

static void end(struct kill *k) {
        const struct hv_api_killed result = { .n_signalled = k->n_signalled,
                                              .err = k->err.code < 0 ? &k->err : NULL };
        struct hv_agent *a = k->agent;

        for (size_t i = 0; i < a->kills.n; i++)
                if (a->kills.v[i] == k)
                        a->kills.v[i] = a->kills.v[--a->kills.n];
        hv_api_kill_done(k->call, &result);
        hv_arena_free(k->arena);
        free(k);
}

static void on_killed(void *userdata, struct hv_docker_result *result) {
        struct shot *shot = userdata;
        struct kill *k = shot->kill;

        shot->call = NULL;
        if (result->outcome == HV_DOCKER_OK)
                k->n_signalled++;
        else if (k->err.code == 0)
                (void) hv_err_set(&k->err, result->error, "%s", result->message);
        if (--k->n_left == 0)
                end(k);
}

static bool is_meant(const struct hv_unit_status *u, const struct hv_api_kill *asked) {
        return u->kind == HV_KIND_SERVICE && u->id && hv_streq(u->object, asked->service) &&
               (asked->replica == 0 || u->replica == asked->replica);
}

void hv_agent_kill(void *userdata, const struct hv_api_kill *asked, struct hv_api_call *call) {
        struct kill *k = HV_NEW(struct kill);
        struct hv_agent *a = userdata;
        struct hv_status *s;

        *k = (struct kill){ .agent = a, .call = call, .arena = hv_arena_new() };
        hv_vec_push(&a->kills, k);
        s = HV_ARENA_NEW(k->arena, struct hv_status);
        hv_core_status(a->core, hv_agent_now_us(), k->arena, s);
        k->shots = HV_ARENA_NEW_N(k->arena, struct shot, s->n_unit_status);
        for (size_t i = 0; a->docker && i < s->n_unit_status; i++) {
                const struct hv_unit_status *u = &s->units[i];
                struct shot *shot = &k->shots[k->n_shots];

                if (!is_meant(u, asked))
                        continue;
                shot->kill = k;
                k->n_shots++;
                k->n_left++;
                shot->call = hv_docker_container_kill(
                        a->docker, u->id, asked->signal,
                        (struct hv_docker_then){ .fn = on_killed, .userdata = shot });
        }
        if (k->n_left > 0)
                return;
        (void) hv_err_set(&k->err, -ENOENT, "service %s has no container to signal", asked->service);
        end(k);
}

void hv_agent_kills_abandon(struct hv_agent *a) {
        while (a->kills.n > 0) {
                struct kill *k = a->kills.v[0];

                for (size_t i = 0; i < k->n_shots; i++)
                        hv_docker_call_cancel(k->shots[i].call);
                (void) hv_err_set(&k->err, -EAGAIN, "the agent is stopping");
                end(k);
        }
        hv_vec_done(&a->kills);
}
