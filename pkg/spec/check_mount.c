/* spec/check_mount.c - what a container sees of the host, and where: E0365, E0366, E0367. All forms of a mount come
 * through here: mounts, files of secrets and configs, and volumes whose driver options name a path of the host. */
#include "base/arena.h"
#include "base/vec.h"
#include "spec/check_internal.h"
#include "spec/value_path.h"

struct target {
        const char *path; /* normal form */
        const struct hv_node *node;
        bool read_only;
};

typedef HV_VEC(struct target) target_vec;

static void add_target(const struct hv_check *c, target_vec *targets, const struct hv_node *owner,
                       const char *text, bool read_only) {
        const struct hv_node *node = hv_check_field(owner, "target");
        const char *path;

        if (!text || hv_value_absolute_path(text, c->arena, &path, NULL) < 0)
                return;
        if (hv_streq(path, "/")) {
                hv_diag_error(c->diags, node, "E0364",
                              "\"/\" cannot be a target: it is the container's own root");
                return;
        }
        if (hv_path_is_below(path, "/proc")) {
                hv_diag_error(c->diags, node, "E0364", "%s cannot be a target: /proc belongs to the kernel",
                              path);
                return;
        }
        for (size_t i = 0; i < targets->n; i++)
                if (hv_streq(targets->v[i].path, path)) {
                        hv_diag_error(c->diags, node, "E0366", "target %s is already used at %s", path,
                                      hv_diag_where(c->diags, targets->v[i].node, node));
                        return;
                }
        *hv_vec_add(targets) = (struct target){ path, node, read_only };
}

static void add_workspace(const struct hv_check *c, target_vec *targets, const struct hv_check_unit *u) {
        const struct hv_node *node = hv_check_field(u->node, "workdir");
        const char *path;

        if (!u->task->workdir || hv_value_absolute_path(u->task->workdir, c->arena, &path, NULL) < 0 ||
            hv_path_is_below(path, "/proc"))
                return; /* said by others */
        if (hv_streq(path, "/"))
                hv_diag_error(c->diags, node, "E0364",
                              "\"/\" cannot be the working directory: the workspace is mounted there");
        else
                *hv_vec_add(targets) = (struct target){ path, node, false };
}

static void check_targets(const struct hv_check *c, const struct hv_check_unit *u) {
        target_vec targets = {};

        if (u->task) /* the workspace is a mount, too */
                add_workspace(c, &targets, u);
        for (size_t i = 0; i < u->n_mounts; i++)
                add_target(c, &targets, u->mounts[i].node, u->mounts[i].target, u->mounts[i].read_only);
        for (size_t i = 0; i < u->n_secrets; i++)
                add_target(c, &targets, u->secrets[i].node, u->secrets[i].target, false);
        for (size_t i = 0; i < u->n_configs; i++)
                add_target(c, &targets, u->configs[i].node, u->configs[i].target, false);
        for (size_t i = 0; i < targets.n; i++)
                for (size_t j = 0; j < targets.n; j++)
                        if (i != j && targets.v[j].read_only &&
                            hv_path_is_below(targets.v[i].path, targets.v[j].path))
                                hv_diag_error(c->diags, targets.v[i].node, "E0366",
                                              "target %s is inside the read-only mount %s (%s)",
                                              targets.v[i].path, targets.v[j].path,
                                              hv_diag_where(c->diags, targets.v[j].node, targets.v[i].node));
        hv_vec_done(&targets);
}

static void check_host_path(const struct hv_check *c, const struct hv_node *at, const char *text) {
        const struct hv_node *list = hv_node_get(c->policy->node, "hostPaths");
        struct hv_fault fault;
        const char *path;

        if (hv_value_host_path_allowed(text, c->facts ? c->facts->state_directory : NULL, &fault) < 0) {
                hv_check_fault(c, at, &fault);
                return;
        }
        if (hv_value_absolute_path(text, c->arena, &path, NULL) < 0)
                return; /* check_format.c has said so */
        for (size_t i = 0; i < c->policy->host_paths.n; i++) {
                const char *allowed;

                if (hv_value_absolute_path(c->policy->host_paths.v[i], c->arena, &allowed, NULL) == 0 &&
                    hv_path_is_below(path, allowed))
                        return;
        }
        hv_diag_error(c->diags, at, "E0365", "%s is not below any of node.policy.hostPaths (%s)", path,
                      hv_diag_where(c->diags, list, at));
}

/* The driver "local" binds what `device` names: {type: none, o: bind, device: /}. */
static void check_volume(const struct hv_check *c, const struct hv_spec_volume *v) {
        for (size_t i = 0; i < v->options.n; i++)
                if (hv_streq(v->options.v[i].name, "device") && *v->options.v[i].value == '/')
                        check_host_path(c, hv_check_field(hv_node_get(v->o.node, "options"), "device"),
                                        v->options.v[i].value);
}

void hv_check_mounts(const struct hv_check *c) {
        for (size_t i = 0; i < c->n_units; i++) {
                check_targets(c, &c->units[i]);
                for (size_t j = 0; j < c->units[i].n_mounts; j++) {
                        const struct hv_spec_mount *m = &c->units[i].mounts[j];

                        if (m->host_path)
                                check_host_path(c, hv_check_field(m->node, "hostPath"), m->host_path);
                }
                for (size_t j = 0; c->units[i].task && j < c->units[i].task->inputs.n; j++) {
                        const struct hv_spec_task_input *in = &c->units[i].task->inputs.v[j];

                        if (in->archive) /* unpacked into the workspace, it is read by whoever wrote the task */
                                check_host_path(c, hv_check_field(in->node, "archive"), in->archive);
                }
        }
        for (size_t i = 0; !c->one && i < c->state->volumes.n; i++)
                check_volume(c, &c->state->volumes.v[i]);
}
