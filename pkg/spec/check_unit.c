/* spec/check_unit.c - what every container is given: amounts (E0222, E0223), rights (E0427), variables (E0429), a place to work
 * in (E0364). */
#include "spec/check_internal.h"
#include "spec/value_name.h"
#include "spec/value_path.h"
#include "spec/value_process.h"

static void check_resources(const struct hv_check *c, const struct hv_spec_unit_resources *r) {
        const struct hv_spec_requests *q = &r->requests;
        const struct hv_spec_limits *l = &r->limits;
        const struct hv_node *memory = hv_check_field(l->node, "memory"),
                             *cpu = hv_check_field(l->node, "cpu");

        if (l->memory_bytes && q->memory_bytes > l->memory_bytes)
                hv_diag_error(c->diags, memory, "E0222", "memory limit %s is below the request %s (%s)",
                              hv_check_bytes(c, l->memory_bytes), hv_check_bytes(c, q->memory_bytes),
                              hv_diag_where(c->diags, hv_node_get(q->node, "memory"), memory));
        if (l->nano_cpus && q->nano_cpus > l->nano_cpus)
                hv_diag_error(c->diags, cpu, "E0222", "cpu limit %s is below the request %s (%s)",
                              hv_check_cpus(c, l->nano_cpus), hv_check_cpus(c, q->nano_cpus),
                              hv_diag_where(c->diags, hv_node_get(q->node, "cpu"), cpu));
        if (l->memory_bytes && l->memory_bytes < HV_DOCKER_MIN_MEMORY)
                hv_diag_error(c->diags, memory, "E0223", "%s is below Docker's minimum of 6Mi",
                              hv_check_bytes(c, l->memory_bytes));
}

static bool policy_has(const struct hv_check *c, const char *capability) {
        for (size_t i = 0; i < c->policy->capabilities.n; i++) {
                const char *allowed;

                if (hv_value_capability(c->policy->capabilities.v[i], &allowed, NULL) == 0 &&
                    (hv_streq(allowed, capability) || hv_streq(allowed, "ALL")))
                        return true;
        }
        return false;
}

static void check_security(const struct hv_check *c, const struct hv_check_unit *u) {
        const struct hv_spec_security *s = u->security;
        const struct hv_node *policy = c->policy->node, *at;
        struct hv_user user;
        const char *name;

        at = hv_check_field(s->node, "privileged");
        if (s->privileged && c->policy->privileged != HV_ALLOW)
                hv_diag_error(c->diags, at, "E0427", "privileged is denied by node.policy (%s)",
                              hv_diag_where(c->diags, hv_node_get(policy, "privileged"), at));
        for (size_t i = 0; i < s->add_capabilities.n; i++) {
                at = hv_check_item(s->node, "addCapabilities", s->add_capabilities.v[i]);
                if (hv_value_capability(s->add_capabilities.v[i], &name, NULL) == 0 && !policy_has(c, name))
                        hv_diag_error(c->diags, at, "E0427",
                                      "capability %s is not in node.policy.capabilities (%s)", name,
                                      hv_diag_where(c->diags, hv_node_get(policy, "capabilities"), at));
        }
        at = hv_check_field(s->node, "user");
        if (u->task && s->user && c->policy->privileged != HV_ALLOW &&
            hv_value_user(s->user, &user, NULL) == 0 && user.is_root)
                hv_diag_error(c->diags, at, "E0427",
                              "user %s is root, as which a task may run only where node.policy.privileged "
                              "is allow (%s)",
                              hv_diag_quote(c->diags, s->user),
                              hv_diag_where(c->diags, hv_node_get(policy, "privileged"), at));
}

/* Below /proc a descriptor that leaked into the container leads back to the host (CVE-2024-21626). */
static void check_workdir(const struct hv_check *c, const struct hv_check_unit *u) {
        const char *text = u->service ? u->service->workdir : u->task->workdir, *path;

        if (text && hv_value_absolute_path(text, c->arena, &path, NULL) == 0 &&
            hv_path_is_below(path, "/proc"))
                hv_diag_error(c->diags, hv_check_field(u->node, "workdir"), "E0364",
                              "%s cannot be a working directory: /proc leads back to the host", path);
}

static void check_env(const struct hv_check *c, const struct hv_check_unit *u) {
        struct hv_fault fault;

        for (size_t i = 0; i < u->n_env; i++)
                if (u->env[i].value && hv_value_env_value(u->env[i].value, &fault) < 0)
                        hv_check_fault(c, hv_check_field(u->env[i].node, "value"), &fault);
}

void hv_check_units(const struct hv_check *c) {
        for (size_t i = 0; i < c->n_units; i++) {
                check_resources(c, c->units[i].resources);
                check_security(c, &c->units[i]);
                check_env(c, &c->units[i]);
                check_workdir(c, &c->units[i]);
        }
        if (!c->one)
                check_resources(c, &c->state->task_defaults.resources);
}
