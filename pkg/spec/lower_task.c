/* spec/lower_task.c - one task as the container that the engine is asked for, and what is around it: inputs, outputs, limits of
 * time, retries. Security profile `restricted`: see task.h. */
#include "base/arena.h"
#include "base/buf.h"
#include "spec/digest.h"
#include "spec/schema_internal.h"
#include "spec/task_internal.h"
#include "spec/task_type.h"
#include "spec/value_image.h"
#include "spec/value_package.h"
#include "spec/value_path.h"
#include "spec/value_process.h"

/* Images of the documented workers, for a task that names none. */
#define IMAGE_OF_PROGRAMS "python:3.9-slim"
#define IMAGE_OF_DIALECT "justin308/hivemind-worker:latest"

/* What an engine's log driver keeps: this many files, the oldest dropped when the newest is full. */
#define LOG_FILES UINT64_C(10)

struct making {
        struct hv_lowering l; /* the task's arena */
        const struct hv_task_recipe *recipe;
        struct hv_spec_task spec; /* in that arena */
        struct hv_task *task;
};

static struct hv_pairs copy_pairs(const struct hv_pairs *p, struct hv_arena *a) {
        struct hv_pair *v = HV_ARENA_NEW_N(a, struct hv_pair, p->n);

        for (size_t i = 0; i < p->n; i++)
                v[i] = (struct hv_pair){ hv_arena_strdup(a, p->v[i].name),
                                         hv_arena_strdup(a, p->v[i].value) };
        return (struct hv_pairs){ v, p->n };
}

/* A copy of what was read, decoded: its texts are in the task's arena then, and stay when the documents go. */
static void decode(struct making *m) {
        _hv_cleanup_(hv_diags_freep) struct hv_diags *said_before = hv_diags_new();
        const struct hv_task_recipe *r = m->recipe;
        struct hv_arena *a = m->l.arena;

        hv_schema_decode_planned(&hv_schema_task, r->fields ? hv_node_copy(r->fields, a) : NULL, a,
                                 said_before, &m->spec);
        m->spec.o.kind = HV_KIND_TASK;
        m->spec.o.name = hv_arena_strdup(a, r->name);
        m->spec.o.labels = copy_pairs(r->labels, a);
        m->spec.o.annotations = copy_pairs(r->annotations, a);
}

/* --- the container --- */

static const char *image_of(const struct making *m) {
        const struct hv_spec_state *s = m->l.state;
        const char *text = m->spec.image;
        struct hv_image_ref ref;

        if (!text)
                text = s->task_defaults.image;
        if (!text)
                text = s->master.protocol == HV_DIALECT_HIVEMIND ? IMAGE_OF_DIALECT : IMAGE_OF_PROGRAMS;
        return hv_value_image(text, m->l.arena, &ref, NULL) == 0 ? ref.full
                                                                 : hv_arena_strdup(m->l.arena, text);
}

/* The documented worker starts task.py in its own image: so does a task that says nothing at all. */
static void lower_command(const struct making *m, struct hv_unit *u) {
        static const char *const documented[] = { "python", "task.py", NULL };
        const struct hv_spec_task *t = &m->spec;

        u->has_command = hv_node_get(t->o.node, "command") != NULL;
        u->has_args = hv_node_get(t->o.node, "args") != NULL;
        u->command = t->command;
        u->args = t->args;
        if (t->image || u->has_command || u->has_args)
                return;
        u->has_args = true;
        u->args = (struct hv_strv){ documented, 2 };
}

static void lower_env(const struct making *m, struct hv_unit *u) {
        const struct hv_spec_task *t = &m->spec;
        struct hv_pair *v = HV_ARENA_NEW_N(m->l.arena, struct hv_pair, t->env.n + 2);
        bool has_home = false, has_path = false;
        size_t n = 0;

        for (; n < t->env.n; n++) {
                v[n] = (struct hv_pair){ t->env.v[n].name, t->env.v[n].value };
                has_home |= hv_streq(v[n].name, "HOME");
                has_path |= hv_streq(v[n].name, "PYTHONPATH");
        }
        if (!has_home) /* the user has no entry in the image's passwd, and no other place to write */
                v[n++] = (struct hv_pair){ "HOME", u->workdir };
        if (!has_path && m->task->packages.requirements)
                v[n++] = (struct hv_pair){ "PYTHONPATH", HV_TASK_PACKAGES };
        qsort(v, n, sizeof *v, hv_lower_compare_pairs);
        u->env = (struct hv_pairs){ v, n };
}

const char *hv_task_network(const struct hv_spec_state *s, const char *own) {
        if (own)
                return own;
        if (s->task_defaults.network)
                return s->task_defaults.network;
        return s->master.protocol == HV_DIALECT_HIVEMIND ? HV_DEFAULT_NETWORK : "none";
}

/* What tasks may reach says nothing about whoever fetches packages for them: it is another container. */
const char *hv_task_packages_network(const struct hv_spec_python_packages *p) {
        if (!p->index)
                return "none";
        return p->network ? p->network : "bridge";
}

static void lower_network(const struct making *m, struct hv_unit *u) {
        const char *name = hv_arena_strdup(m->l.arena, hv_task_network(m->l.state, m->spec.network));
        struct hv_unit_network *v;

        if (hv_streq(name, "none") || hv_streq(name, "host")) {
                u->network_mode = name;
                return;
        }
        v = HV_ARENA_NEW(m->l.arena, struct hv_unit_network);
        v->name = name;
        u->networks = v;
        u->n_networks = 1;
}

/* The workspace, and where nothing else can be written a place for temporary files: in memory, which is the task's own. */
static void lower_mounts(const struct making *m, struct hv_unit *u) {
        const struct hv_spec_task *t = &m->spec;
        struct hv_mount more[3] = { { .type = HV_MOUNT_WORKSPACE, .target = u->workdir } };
        bool has_tmp = !u->security.read_only_root || hv_streq(u->workdir, "/tmp");
        size_t n = 1;

        for (size_t i = 0; i < t->mounts.n; i++)
                has_tmp |= hv_streq(t->mounts.v[i].target, "/tmp");
        if (!has_tmp)
                more[n++] = (struct hv_mount){ .type = HV_MOUNT_TMPFS,
                                               .target = "/tmp",
                                               .size_bytes = u->limits.memory_bytes / 2 };
        if (m->task->packages.requirements)
                more[n++] = (struct hv_mount){ .type = HV_MOUNT_PACKAGES,
                                               .target = HV_TASK_PACKAGES,
                                               .read_only = true };
        hv_lower_mounts(&m->l, t->mounts.v, t->mounts.n, more, n, u);
}

static void lower_limits(const struct making *m, struct hv_unit *u) {
        const struct hv_spec_unit_resources *r = &m->spec.resources;
        const struct hv_spec_limits *defaults = &m->l.state->task_defaults.resources.limits;

        hv_task_amounts(r, m->spec.cpu_quota, &m->l.state->task_defaults, &m->task->booking);
        u->limits = (struct hv_limits){
                .memory_bytes = m->task->booking.memory_bytes,
                .nano_cpus = hv_lower_cpu_limit(m->task->booking.nano_cpus),
                .pids = (uint64_t) (hv_node_get(r->limits.node, "pids") ? r->limits.pids : defaults->pids),
        };
}

/* In numbers: the workspace must be given to the user before the image is looked into. A group that is not named is the
 * user's own, never that of root, which an engine would take for a user that the image does not know. */
static void lower_user(const struct making *m, struct hv_unit *u) {
        struct hv_user user = { .has_uid = true, .uid = HV_TASK_UID };
        struct hv_task *t = m->task;

        if (m->spec.security.user)
                (void) hv_value_user(m->spec.security.user, &user, NULL);
        t->uid = user.has_uid ? user.uid : user.is_root ? 0 : HV_TASK_UID;
        t->gid = user.has_gid ? user.gid : t->uid;
        u->security.user = hv_arena_printf(m->l.arena, "%u:%u", t->uid, t->gid);
}

/* A cap of C bytes becomes ten files of a little more than C/9. The engine drops the oldest file when the newest is full, so once
 * anything was dropped nine full files are there: more than C bytes in the engine's own form. Who finds no more than C in that form
 * has read all; who finds more keeps what costs C and says that the beginning is missing. With a plain max-size x max-file nobody
 * could tell a log that just fits from one that lost its first half. */
static void lower_logging(const struct making *m, struct hv_unit *u) {
        const struct hv_spec_log_containers *d = &m->l.state->logging.containers;
        const struct hv_spec_unit_logging *g = &m->spec.logging;
        uint64_t size = g->max_size_bytes ? g->max_size_bytes : d->max_size_bytes, cap;
        uint64_t files = (uint64_t) (g->max_files ? g->max_files : d->max_files);
        struct hv_pair *v;
        size_t n = 0;

        if (__builtin_mul_overflow(size, files, &cap))
                cap = INT64_MAX; /* the engine's numbers have a sign */
        v = HV_ARENA_NEW_N(m->l.arena, struct hv_pair, g->options.n + 2);
        for (; n < g->options.n; n++)
                v[n] = g->options.v[n];
        if (!g->driver || hv_streq(g->driver, "json-file") || hv_streq(g->driver, "local")) {
                unsigned long long file_bytes = cap / (LOG_FILES - 1) + 1;

                v[n++] = (struct hv_pair){ "max-size", hv_arena_printf(m->l.arena, "%llu", file_bytes) };
                v[n++] = (struct hv_pair){ "max-file", hv_arena_printf(m->l.arena, "%llu",
                                                                       (unsigned long long) LOG_FILES) };
        }
        if (n)
                qsort(v, n, sizeof *v, hv_lower_compare_pairs);
        u->log_driver = g->driver;
        u->log_options = (struct hv_pairs){ v, n };
        m->task->log_max_bytes = cap;
}

static const char *workdir_of(const struct making *m) {
        const char *path;

        return hv_value_absolute_path(m->spec.workdir, m->l.arena, &path, NULL) == 0 ? path : "/workspace";
}

/* Between two tries of a call that the engine refuses: as for services that say nothing. */
static const struct hv_backoff_spec between_calls = {
        .initial_us = HV_USEC_PER_SEC,
        .factor_milli = 2000,
        .max_us = 2 * HV_USEC_PER_MIN,
        .reset_after_us = 10 * HV_USEC_PER_MIN,
};

static void lower_unit(struct making *m) {
        struct hv_unit *u = &m->task->unit;
        const struct hv_spec_task *t = &m->spec;
        const char *signal = t->stop.signal;

        (void) hv_value_signal(t->stop.signal, &signal, NULL);
        *u = (struct hv_unit){
                .kind = HV_KIND_TASK,
                .object = m->task->id,
                .labels = t->o.labels,
                .image = image_of(m),
                .pull_policy = (enum hv_pull_policy) t->pull_policy,
                .workdir = workdir_of(m),
                .stop_signal = signal,
                .stop_grace_us = t->stop.grace_us,
                .cgroup_parent = hv_arena_strdup(m->l.arena, m->l.state->resources.cgroup.slice),
                .security = hv_lower_security(&m->l, &t->security, false),
                .restart = HV_RESTART_NEVER,
                .backoff = between_calls,
                .suspended = !m->l.state->host.docker.enabled,
                .origin = m->recipe->origin,
        };
        u->origin.source = hv_arena_strdup(m->l.arena, u->origin.source);
        u->origin.file = hv_arena_strdup(m->l.arena, u->origin.file);
        lower_command(m, u);
        lower_user(m, u);
        lower_env(m, u);
        lower_limits(m, u);
        u->n_gpus = m->task->booking.n_gpus;
        u->gpu_memory_bytes = m->task->booking.gpu_memory_bytes;
        lower_network(m, u);
        lower_mounts(m, u);
        lower_logging(m, u);
        hv_lower_dependencies(&m->l, t->depends_on.v, t->depends_on.n, u);
        hv_unit_digest(u, u->digest);
        hv_task_unit(m->task, 1, m->l.arena, u);
}

/* --- around it --- */

static void lower_inputs(struct making *m) {
        const struct hv_spec_task *t = &m->spec;
        struct hv_task_input *v = HV_ARENA_NEW_N(m->l.arena, struct hv_task_input, t->inputs.n);

        for (size_t i = 0; i < t->inputs.n; i++) {
                const struct hv_spec_task_input *in = &t->inputs.v[i];
                char *sha256 = hv_arena_strdup(m->l.arena, in->inbox ? in->inbox : in->sha256);

                for (char *p = sha256; p && *p; p++)
                        *p = *p >= 'A' && *p <= 'F' ? (char) (*p - 'A' + 'a') : *p;
                v[i] = (struct hv_task_input){
                        .type = in->inline_text ? HV_TASK_INPUT_INLINE
                                : in->url       ? HV_TASK_INPUT_URL
                                : in->inbox     ? HV_TASK_INPUT_INBOX
                                                : HV_TASK_INPUT_ARCHIVE,
                        .path = in->path,
                        .text = in->inline_text,
                        .len = in->inline_text ? strlen(in->inline_text) : 0,
                        .url = in->url,
                        .archive = in->archive,
                        .sha256 = sha256,
                        .unpack = in->unpack,
                        .max_size_bytes = in->max_size_bytes,
                };
                (void) hv_value_relative_path(in->path, "E0451", "workspace", true, m->l.arena, &v[i].path,
                                              NULL);
                if (in->archive)
                        (void) hv_value_absolute_path(in->archive, m->l.arena, &v[i].archive, NULL);
        }
        m->task->inputs = v;
        m->task->n_inputs = t->inputs.n;
}

static void lower_outputs(struct making *m) {
        const struct hv_spec_outputs *o = &m->spec.outputs;
        const char **v = HV_ARENA_NEW_N(m->l.arena, const char *, o->paths.n + 1);

        for (size_t i = 0; i < o->paths.n; i++) {
                v[i] = o->paths.v[i];
                (void) hv_value_relative_path(o->paths.v[i], "E0455", "workdir", true, m->l.arena, &v[i],
                                              NULL);
        }
        m->task->outputs = (struct hv_strv){ v, o->paths.n };
        m->task->outputs_max_bytes = o->max_size_bytes;
        m->task->outputs_max_files = (unsigned) o->max_files;
        m->task->outputs_keep_us = o->keep_us;
}

static void lower_retries(struct making *m) {
        const struct hv_spec_retries *r = &m->spec.retries;
        uint8_t *codes = HV_ARENA_NEW_N(m->l.arena, uint8_t, r->exit_codes.n);

        for (size_t i = 0; i < r->on.n; i++)
                m->task->retry_on |= 1u << r->on.v[i];
        for (size_t i = 0; i < r->exit_codes.n; i++)
                codes[i] = (uint8_t) r->exit_codes.v[i];
        m->task->retry_limit = (unsigned) r->limit;
        m->task->retry_backoff_us = r->backoff_us;
        m->task->retry_codes = codes;
        m->task->n_retry_codes = r->exit_codes.n;
}

static void lower_checkpoint(struct making *m) {
        const struct hv_spec_checkpoint *c = &m->spec.checkpoint;

        m->task->checkpoint_code = -1;
        if (!c->node)
                return;
        m->task->checkpoint_code = (int) c->exit_code;
        m->task->checkpoint_path = c->path;
        (void) hv_value_relative_path(c->path, "E0455", "workdir", true, m->l.arena,
                                      &m->task->checkpoint_path, NULL);
        m->task->checkpoint_interval_us = c->interval_us;
}

/* What its type left behind: see task_type.h. */
static void lower_type(const struct making *m) {
        _hv_cleanup_(hv_buf_done) struct hv_buf json = {};
        const struct hv_pairs *notes = &m->spec.o.annotations;

        for (size_t i = 0; i < notes->n; i++)
                if (hv_streq(notes->v[i].name, HV_TASK_TYPE_ANNOTATION))
                        m->task->type = notes->v[i].value;
        if (!m->spec.parameters)
                return;
        hv_node_write_json(m->spec.parameters, &json);
        m->task->parameters = hv_arena_strdup(m->l.arena, hv_buf_str(&json));
}

static void lower_packages(const struct making *m) {
        const struct hv_spec_python_packages *p = &m->l.state->task_defaults.python;
        const char *text = hv_value_requirements(&m->spec.requirements, m->l.arena);

        if (!*text)
                return;
        m->task->packages = (struct hv_task_packages){
                .requirements = text,
                .index = hv_arena_strdup(m->l.arena, p->index),
                .wheels = hv_arena_strdup(m->l.arena, p->wheels),
                .network = hv_arena_strdup(m->l.arena, hv_task_packages_network(p)),
        };
}

struct hv_task *hv_task_make(const struct hv_spec_state *state, const struct hv_task_recipe *r) {
        struct hv_arena *a = hv_arena_new();
        struct hv_task *t = HV_ARENA_NEW(a, struct hv_task);
        struct making m = { .l = { .state = state, .arena = a }, .recipe = r, .task = t };
        const struct hv_spec_task_defaults *defaults = &state->task_defaults;

        decode(&m);
        hv_spec_task_digest(&m.spec, t->digest);
        t->arena = a;
        t->n_refs = 1;
        t->source = r->source;
        t->name = m.spec.o.name;
        t->id = r->id ? hv_arena_strdup(a, r->id) : hv_arena_printf(a, "%s-%.8s", t->name, t->digest);
        t->cron = hv_arena_strdup(a, r->cron);
        t->document = hv_task_document(t->name, &m.spec.o.labels, &m.spec.o.annotations, m.spec.o.node, a);
        t->timeout_us = m.spec.timeout_us ? m.spec.timeout_us : defaults->timeout_us;
        t->priority = (unsigned) m.spec.priority;
        t->wait_for_resources_us =
                defaults->wait_for_resources_us ? defaults->wait_for_resources_us : HV_TIME_NEVER;
        lower_type(&m);
        lower_packages(&m);
        lower_unit(&m);
        lower_inputs(&m);
        lower_outputs(&m);
        lower_retries(&m);
        lower_checkpoint(&m);
        return t;
}
