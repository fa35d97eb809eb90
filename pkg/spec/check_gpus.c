/* spec/check_gpus.c - what is declared of GPUs, and what this machine has: entries that select none (W031), services that ask for
 * more than there are, or for any of an engine that gives none (W032; of tasks see check_task.c). */
#include "spec/check_internal.h"
#include "spec/gpu_select.h"

static bool is_like(const struct hv_spec_gpu_selector *s, const struct hv_spec_gpu_fact *g) {
        const struct hv_gpu_selector one = { s->vendor, s->model, s->uuid, s->min_memory_bytes };

        return hv_gpu_is_like(&one, g->uuid, g->name, g->memory_bytes);
}

static bool is_selected(const struct hv_check *c, const struct hv_spec_gpu_fact *g) {
        const struct hv_spec_gpus *gpus = &c->state->resources.gpus;

        for (size_t i = 0; i < gpus->select.n; i++)
                if (is_like(&gpus->select.v[i], g))
                        return true;
        return gpus->select.n == 0;
}

unsigned hv_check_count_gpus(const struct hv_check *c, uint64_t memory_bytes) {
        unsigned n = 0;

        for (size_t i = 0; i < c->facts->n_gpus; i++)
                n += is_selected(c, &c->facts->gpus[i]) && c->facts->gpus[i].memory_bytes >= memory_bytes;
        return n;
}

const char *hv_check_gpus_text(const struct hv_check *c, unsigned n, uint64_t memory_bytes) {
        return hv_diag_text(c->diags, "%u GPU%s%s%s", n, n == 1 ? "" : "s", memory_bytes ? " with " : "",
                            memory_bytes ? hv_check_bytes(c, memory_bytes) : "");
}

static void check_select(const struct hv_check *c) {
        const struct hv_spec_gpus *gpus = &c->state->resources.gpus;

        if (gpus->select.n > 0 && hv_check_count_gpus(c, 0) == 0) {
                hv_diag_warn(c->diags, hv_check_field(gpus->node, "select"), "W031",
                             "no GPU matches; GPU tasks will be rejected");
                return;
        }
        for (size_t i = 0; i < gpus->select.n; i++) {
                size_t k = 0;

                while (k < c->facts->n_gpus && !is_like(&gpus->select.v[i], &c->facts->gpus[k]))
                        k++;
                if (k == c->facts->n_gpus)
                        hv_diag_warn(c->diags, gpus->select.v[i].node, "W031",
                                     "no GPU of this machine is like this entry");
        }
}

static void check_withheld(const struct hv_check *c) {
        for (size_t i = 0; i < c->state->services.n; i++) {
                const struct hv_spec_requests *asked = &c->state->services.v[i].resources.requests;

                if (asked->gpus > 0)
                        hv_diag_warn(c->diags, hv_check_field(asked->node, "gpus"), "W032",
                                     "asks for %s: %s; the service will wait for them",
                                     hv_check_gpus_text(c, (unsigned) asked->gpus, asked->gpu_memory_bytes),
                                     c->facts->gpus_withheld);
        }
}

/* With mode: exclusive those of all services add up; each is named that finds too few left. */
static void check_services(const struct hv_check *c) {
        bool is_shared = c->state->resources.gpus.mode == HV_GPU_SHARED;
        unsigned held = 0;

        for (size_t i = 0; i < c->state->services.n; i++) {
                const struct hv_spec_service *s = &c->state->services.v[i];
                const struct hv_spec_requests *asked = &s->resources.requests;
                unsigned n = (unsigned) HV_MAX(asked->gpus, 0) * (unsigned) HV_MAX(s->replicas, 0);
                unsigned there = hv_check_count_gpus(c, asked->gpu_memory_bytes);

                if (n > 0 && (is_shared ? (unsigned) asked->gpus : n + held) > there)
                        hv_diag_warn(c->diags, hv_check_field(asked->node, "gpus"), "W032",
                                     "asks for %s%s, this node has %u; the service will wait for them",
                                     hv_check_gpus_text(c, n, asked->gpu_memory_bytes),
                                     held ? hv_diag_text(c->diags, " beside %u of other services", held) : "",
                                     there);
                held += is_shared ? 0 : n;
        }
}

void hv_check_gpus(const struct hv_check *c) {
        if (c->facts && c->facts->gpus_known)
                check_select(c);
        if (c->facts && c->facts->gpus_withheld)
                check_withheld(c);
        else if (c->facts && c->facts->gpus_known)
                check_services(c);
}
