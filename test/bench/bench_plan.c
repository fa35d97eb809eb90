/* bench_plan - what planning costs: no engine, no loop, only the core.
 *
 *      bench_plan [UNITS]      default 10000
 *
 * Prints, for a node of UNITS services: the pass that begins with nothing, a pass in the middle, the pass of a node in
 * sync, the digestion of a whole listing, and one status value. Times are CPU time of this thread, the least of several
 * passes: what the code costs, not what the machine does beside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "reconcile/core.h"
#include "reconcile/status.h"

static double cpu_ms(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

static struct hv_desired *services(size_t n) {
        struct hv_arena *a = hv_arena_new();
        struct hv_desired *d = HV_ARENA_NEW(a, struct hv_desired);
        struct hv_unit *u = HV_ARENA_NEW_N(a, struct hv_unit, n);

        for (size_t i = 0; i < n; i++) {
                u[i] = (struct hv_unit){
                        .kind = HV_KIND_SERVICE,
                        .object = hv_arena_printf(a, "s%06zu", i),
                        .replica = 1,
                        .key = hv_arena_printf(a, "service/s%06zu/1", i),
                        .container = hv_arena_printf(a, "hive-s%06zu", i),
                        .image = "docker.io/library/busybox:1",
                        .network_mode = "none",
                        .limits = { .pids = 1024 },
                        .backoff = { .initial_us = HV_USEC_PER_SEC,
                                     .factor_milli = 2000,
                                     .max_us = 120 * HV_USEC_PER_SEC,
                                     .reset_after_us = 600 * HV_USEC_PER_SEC },
                };
                hv_sha256_hex(u[i].object, strlen(u[i].object), u[i].digest);
        }
        *d = (struct hv_desired){
                .arena = a,
                .n_refs = 1,
                .units = u,
                .n_units = n,
                .n_objects = n,
                .settings = { .docker_enabled = true,
                              .resync_us = 60 * HV_USEC_PER_SEC,
                              .workers = 4,
                              .max_prune_percent = 50,
                              .parallel_pulls = 2 },
        };
        (void) snprintf(d->revision, sizeof d->revision, "bench");
        return d;
}

static const struct hv_action *pass(struct hv_core *c, uint64_t now_us, double *best_ms) {
        const struct hv_action *first;
        struct hv_effects fx;
        double begin = cpu_ms(), took;

        hv_core_plan(c, now_us, &fx);
        took = cpu_ms() - begin;
        if (best_ms)
                *best_ms = HV_MIN(*best_ms, took);
        first = fx.n_actions ? fx.actions[0] : NULL;
        hv_effects_done(&fx);
        return first;
}

static void done(struct hv_core *c, uint64_t now_us, const struct hv_action *a, const struct hv_listing *l) {
        struct hv_input in = {
                .type = HV_INPUT_DONE, .action_id = a->id, .outcome = HV_OUTCOME_OK, .listing = l
        };

        if (hv_core_input(c, now_us, &in, NULL) < 0)
                abort();
}

/* A core that has seen `l` and was given d. */
static struct hv_core *brought_up(struct hv_desired *d, const struct hv_listing *l, uint64_t *now_us,
                                  double *ret_listing_ms) {
        struct hv_core *c = hv_core_new(1);
        double begin;

        (void) hv_core_input(c, *now_us, &(struct hv_input){ .type = HV_INPUT_DESIRED, .desired = d }, NULL);
        done(c, *now_us, pass(c, *now_us, NULL), NULL);
        begin = cpu_ms();
        done(c, *now_us, pass(c, *now_us, NULL), l);
        *ret_listing_ms = cpu_ms() - begin;
        return c;
}

int main(int argc, char **argv) {
        size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
        struct hv_desired *d = services(n);
        struct hv_seen_container *seen = HV_NEW_N(struct hv_seen_container, n);
        const struct hv_seen_endpoint none = { "none", NULL };
        struct hv_listing empty = { .parts = HV_LOOK_ALL }, full = { .parts = HV_LOOK_ALL };
        double from_nothing = 1e9, repeated = 1e9, in_sync = 1e9, status = 1e9, ignored;
        double listing_empty, listing_full;
        uint64_t now_us = HV_USEC_PER_SEC;
        struct hv_core *c;

        c = brought_up(d, &empty, &now_us, &listing_empty);
        (void) pass(c, now_us, &from_nothing);
        for (int i = 0; i < 9; i++)
                (void) pass(c, now_us, &repeated);
        c = hv_core_free(c);

        for (size_t i = 0; i < n; i++)
                seen[i] = (struct hv_seen_container){
                        .id = hv_asprintf("%064zx", i),
                        .name = d->units[i].container,
                        .ours = true,
                        .kind = "service",
                        .object = d->units[i].object,
                        .replica = 1,
                        .digest = d->units[i].digest,
                        .state = HV_CONTAINER_RUNNING,
                        .endpoints = &none,
                        .n_endpoints = 1,
                        .detailed = true,
                        .limits = d->units[i].limits,
                };
        full.containers = seen;
        full.n_containers = n;
        c = brought_up(d, &full, &now_us, &listing_full);
        (void) pass(c, now_us, &ignored);
        for (int i = 0; i < 9; i++)
                (void) pass(c, now_us, &in_sync);
        for (int i = 0; i < 5; i++) {
                struct hv_arena *a = hv_arena_new();
                struct hv_status s;
                double begin = cpu_ms();

                hv_core_status(c, now_us, a, &s);
                status = HV_MIN(status, cpu_ms() - begin);
                hv_arena_free(a);
        }
        printf("%zu units, CPU milliseconds:\n", n);
        printf("  first pass, everything missing  %8.2f\n", from_nothing);
        printf("  pass with all workers busy      %8.2f\n", repeated);
        printf("  pass of a node in sync          %8.2f\n", in_sync);
        printf("  taking in a listing             %8.2f\n", listing_full);
        printf("  one status value                %8.2f\n", status);
        hv_core_free(c);
        for (size_t i = 0; i < n; i++)
                free((char *) seen[i].id);
        free(seen);
        hv_desired_unref(d);
        return 0;
}
