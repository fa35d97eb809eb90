/* spec/check_task.c - inputs (E0452, E0454), timeouts (E0457), checkpoints (E0458), what can never fit (W032). */
#include "spec/check_internal.h"
#include "spec/value_path.h"
#include "spec/value_url.h"

static const char *normal(const struct hv_check *c, const char *path) {
        const char *result;

        return path && hv_value_relative_path(path, "E0451", "", false, c->arena, &result, NULL) == 0 ? result
                                                                                                      : NULL;
}

static void check_input_pair(const struct hv_check *c, const struct hv_spec_task_input *a,
                             const struct hv_spec_task_input *b) {
        const struct hv_node *at = hv_check_field(b->node, "path"), *first = hv_check_field(a->node, "path");
        const char *path_a = normal(c, a->path), *path_b = normal(c, b->path);

        if (!path_a || !path_b)
                return;
        if (hv_streq(path_a, path_b))
                hv_diag_error(c->diags, at, "E0454", "both inputs write %s; the other is at %s", path_b,
                              hv_diag_where(c->diags, first, at));
        else if (hv_path_is_below(path_b, path_a) && !a->archive)
                hv_diag_error(c->diags, at, "E0454", "%s is below %s, which another input makes a file (%s)",
                              path_b, path_a, hv_diag_where(c->diags, first, at));
        else if (hv_path_is_below(path_a, path_b) && !b->archive)
                hv_diag_error(c->diags, at, "E0454", "%s is a file here, and a folder for another input (%s)",
                              path_b, hv_diag_where(c->diags, first, at));
}

static void check_inputs(const struct hv_check *c, const struct hv_spec_task *t) {
        struct hv_url url;

        for (size_t i = 0; i < t->inputs.n; i++) {
                const struct hv_spec_task_input *in = &t->inputs.v[i];

                if (in->url && !in->sha256 &&
                    hv_value_url(in->url, HV_URL_HTTPS | HV_URL_HTTP, c->arena, &url, NULL) == 0 &&
                    url.scheme == HV_URL_HTTP)
                        hv_diag_error(c->diags, hv_check_field(in->node, "url"), "E0452",
                                      "an http:// input needs sha256 (use https or add it)");
                for (size_t j = 0; j < i; j++)
                        check_input_pair(c, &t->inputs.v[j], in);
        }
}

static void check_timeout(const struct hv_check *c, const struct hv_node *at, uint64_t timeout_us) {
        const struct hv_node *cap = hv_node_get(c->policy->node, "maxTaskTimeout");
        uint64_t cap_us = c->policy->max_task_timeout_us;

        if (cap_us && timeout_us > cap_us)
                hv_diag_error(c->diags, at, "E0457", "timeout %s is above the cap %s (%s)",
                              hv_check_duration(c, timeout_us, at), hv_check_duration(c, cap_us, cap),
                              hv_diag_where(c->diags, cap, at));
}

static void check_checkpoint(const struct hv_check *c, const struct hv_spec_task *t) {
        const struct hv_node *at = hv_check_field(t->checkpoint.node, "exitCode");
        const struct hv_node *codes = hv_node_get(t->retries.node, "exitCodes");

        if (!t->checkpoint.node)
                return;
        if (t->checkpoint.exit_code == 0)
                hv_diag_error(c->diags, at, "E0458", "exit code 0 means success");
        for (size_t i = 0; i < t->retries.exit_codes.n; i++)
                if (t->retries.exit_codes.v[i] == t->checkpoint.exit_code)
                        hv_diag_error(c->diags, at, "E0458", "exit code %lld is a retry code too (%s)",
                                      (long long) t->checkpoint.exit_code,
                                      hv_diag_where(c->diags, codes, at));
}

static void never_fits(const struct hv_check *c, const struct hv_check_unit *u, const char *field,
                       const char *asked, const char *has) {
        hv_diag_warn(c->diags, hv_check_field(u->resources->requests.node, field), "W032",
                     "asks for %s, this node has %s; the task will be Rejected", asked, has);
}

/* What there is at most: the written limit, and what is installed where that is known. */
static uint64_t at_most(uint64_t limit, uint64_t installed) {
        return limit && installed ? HV_MIN(limit, installed) : limit ? limit : installed;
}

static void check_fit(const struct hv_check *c, const struct hv_check_unit *u) {
        const struct hv_spec_amounts *limits = &c->state->resources.limits;
        const struct hv_spec_requests *q = &u->resources->requests;
        uint64_t cpus = at_most(limits->nano_cpus, c->facts ? c->facts->nano_cpus : 0);
        uint64_t memory = at_most(limits->memory_bytes, c->facts ? c->facts->memory_bytes : 0);
        uint64_t disk = at_most(limits->disk_bytes, c->facts ? c->facts->disk_bytes : 0);

        if (cpus && q->nano_cpus > cpus)
                never_fits(c, u, "cpu", hv_diag_text(c->diags, "%s CPU", hv_check_cpus(c, q->nano_cpus)),
                           hv_check_cpus(c, cpus));
        if (memory && q->memory_bytes > memory)
                never_fits(c, u, "memory",
                           hv_diag_text(c->diags, "%s of memory", hv_check_bytes(c, q->memory_bytes)),
                           hv_check_bytes(c, memory));
        if (disk && q->disk_bytes > disk)
                never_fits(c, u, "disk",
                           hv_diag_text(c->diags, "%s of disk", hv_check_bytes(c, q->disk_bytes)),
                           hv_check_bytes(c, disk));
        if (c->facts && c->facts->gpus_known && q->gpus > c->facts->n_gpus)
                never_fits(c, u, "gpus",
                           hv_diag_text(c->diags, "%lld GPU%s", (long long) q->gpus, q->gpus == 1 ? "" : "s"),
                           hv_diag_text(c->diags, "%u", c->facts->n_gpus));
}

void hv_check_tasks(const struct hv_check *c) {
        const struct hv_spec_task_defaults *d = &c->state->task_defaults;

        for (size_t i = 0; i < c->n_units; i++) {
                const struct hv_spec_task *t = c->units[i].task;

                if (!t)
                        continue;
                check_inputs(c, t);
                check_timeout(c, hv_check_field(t->o.node, "timeout"), t->timeout_us);
                check_checkpoint(c, t);
                check_fit(c, &c->units[i]);
        }
        if (!c->one)
                check_timeout(c, hv_check_field(d->node, "timeout"), d->timeout_us);
}
