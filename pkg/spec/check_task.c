/* spec/check_task.c - names (E0105), inputs (E0451, E0452, E0454, E0459), the user (E0428), timeouts (E0457), checkpoints (E0458), memory
 * (E0223), what can never fit (W032), packages from nowhere (W033), what is too large to be kept (E0003). */
#include "spec/check_internal.h"
#include "spec/task_internal.h"
#include "spec/value_path.h"
#include "spec/value_process.h"
#include "spec/value_url.h"

static const char *normal(const struct hv_check *c, const char *path) {
        const char *result;

        return path && hv_value_relative_path(path, "E0451", "", true, c->arena, &result, NULL) == 0 ? result
                                                                                                     : NULL;
}

static bool is_folder(const struct hv_spec_task_input *in) {
        return in->archive || (in->inbox && in->unpack);
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
        else if (hv_path_is_below(path_b, path_a) && !is_folder(a))
                hv_diag_error(c->diags, at, "E0454", "%s is below %s, which another input makes a file (%s)",
                              path_b, path_a, hv_diag_where(c->diags, first, at));
        else if (hv_path_is_below(path_a, path_b) && !is_folder(b))
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
                if (!is_folder(in) && hv_streq(normal(c, in->path), "."))
                        hv_diag_error(c->diags, hv_check_field(in->node, "path"), "E0451",
                                      "%s is the workspace itself, expected a path below it",
                                      hv_diag_quote(c->diags, in->path));
                if (in->inbox && !c->one)
                        hv_diag_error(c->diags, hv_check_field(in->node, "inbox"), "E0459",
                                      "only a node pool names what it sent; expected inline, url or archive");
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

/* Said where it is written: a task that needs what is not there does not run. */
static void check_requirements(const struct hv_check *c, const struct hv_spec_task *t) {
        const struct hv_spec_python_packages *p = &c->state->task_defaults.python;

        /* Without a NodeState nothing is known of the node. */
        if (t->requirements.n && c->tree->primary && c->tree->primary->root && !p->index && !p->wheels)
                hv_diag_warn(
                        c->diags, hv_check_field(t->o.node, "requirements"), "W033",
                        "this node has no place to take packages from (taskDefaults.python: index or wheels): "
                        "the task will fail; name one, or take an image that has them and write requirements: []");
}

/* How the engine's files are cut is what tells whether the beginning of a log was lost (lower_task.c). */
static void check_logging(const struct hv_check *c, const struct hv_spec_task *t) {
        const struct hv_node *options = hv_check_field(t->logging.node, "options");

        for (size_t i = 0; i < t->logging.options.n; i++) {
                const char *name = t->logging.options.v[i].name;
                bool size = hv_streq(name, "max-size");

                if (size || hv_streq(name, "max-file"))
                        hv_diag_error(
                                c->diags, hv_check_field(options, name), "E0205",
                                "the log of a task is cut by hivelet: write logging.%s in place of the option %s",
                                size ? "maxSize" : "maxFiles", name);
        }
}

static void check_checkpoint(const struct hv_check *c, const struct hv_spec_task *t) {
        const struct hv_node *at = hv_check_field(t->checkpoint.node, "exitCode");
        const struct hv_node *codes = hv_node_get(t->retries.node, "exitCodes");
        const char *path;

        if (!t->checkpoint.node)
                return;
        path = normal(c, t->checkpoint.path);
        if (path && hv_streq(path, "."))
                hv_diag_error(c->diags, hv_check_field(t->checkpoint.node, "path"), "E0455",
                              "%s is the whole working directory: name a folder in it",
                              hv_diag_quote(c->diags, t->checkpoint.path));
        if (t->checkpoint.exit_code == 0)
                hv_diag_error(c->diags, at, "E0458", "exit code 0 means success");
        for (size_t i = 0; i < t->retries.exit_codes.n; i++)
                if (t->retries.exit_codes.v[i] == t->checkpoint.exit_code)
                        hv_diag_error(c->diags, at, "E0458", "exit code %lld is a retry code too (%s)",
                                      (long long) t->checkpoint.exit_code,
                                      hv_diag_where(c->diags, codes, at));
}

/* An id has at most 64 characters: what is added to the name must find room. */
static void check_name(const struct hv_check *c, const struct hv_check_unit *u) {
        bool cron = u->kind == HV_KIND_CRONTASK;
        size_t most = cron ? HV_CRON_NAME_MAX : HV_TASK_NAME_MAX;

        if (u->object->name && strlen(u->object->name) > most)
                hv_diag_error(
                        c->diags, u->object->name_node, "E0105",
                        "%s has more than %zu characters: %s is added to the name of a %s for the id of a run",
                        hv_diag_quote(c->diags, u->object->name), most,
                        cron ? "its minute (-YYYYMMDDhhmm)" : "the digest (-01234567)",
                        hv_check_word(u->kind));
}

static void check_user(const struct hv_check *c, const struct hv_check_unit *u) {
        const char *text = u->security->user;
        struct hv_user user;

        if (!text || hv_value_user(text, &user, NULL) < 0)
                return;
        if ((user.has_uid || user.is_root) && (user.has_gid || !user.has_group))
                return;
        hv_diag_error(
                c->diags, hv_check_field(u->security->node, "user"), "E0428",
                "%s names a user of the image; a task's is written in numbers, UID or UID:GID, because its "
                "workspace is given to that user before the image is looked into",
                hv_diag_quote(c->diags, text));
}

/* What is written nowhere is at the mapping: something to point at in any case. */
static const struct hv_node *amount_node(const struct hv_check_unit *u, const char *field) {
        const struct hv_node *n = hv_node_get(u->resources->limits.node, field);

        if (!n)
                n = hv_node_get(u->resources->requests.node, field);
        return n ? n : u->object->name_node ? u->object->name_node : u->node;
}

static void check_memory(const struct hv_check *c, const struct hv_check_unit *u) {
        uint64_t asked = u->resources->requests.memory_bytes;

        if (!u->resources->limits.memory_bytes && asked && asked < HV_DOCKER_MIN_MEMORY)
                hv_diag_error(
                        c->diags, hv_check_field(u->resources->requests.node, "memory"), "E0223",
                        "%s is below Docker's minimum of 6Mi: a task without a limit is limited to what it "
                        "requests",
                        hv_check_bytes(c, asked));
}

static void never_fits(const struct hv_check *c, const struct hv_check_unit *u, const char *field,
                       const char *asked, const char *has) {
        hv_diag_warn(c->diags, amount_node(u, field), "W032",
                     "asks for %s, this node has %s; the task will be Rejected", asked, has);
}

/* What there is for tasks at most: the written limit and what is installed, where that is known, less what is held back for
 * the host, as often as it is given away. 0: nothing is known. */
static uint64_t at_most(uint64_t limit, uint64_t installed, uint64_t reserved, int64_t factor_milli) {
        uint64_t all = limit && installed ? HV_MIN(limit, installed) : limit ? limit : installed;

        if (all <= reserved)
                return 0; /* E0602, where it was written so */
        return (uint64_t) ((unsigned __int128) (all - reserved) * (uint64_t) factor_milli / 1000);
}

static void check_fit(const struct hv_check *c, const struct hv_check_unit *u) {
        static const struct hv_spec_facts nothing_known = {};
        const struct hv_spec_resources *r = &c->state->resources;
        const struct hv_spec_facts *f = c->facts ? c->facts : &nothing_known;
        uint64_t cpus =
                at_most(r->limits.nano_cpus, f->nano_cpus, r->reserved.nano_cpus, r->overcommit.cpu_milli);
        uint64_t memory = at_most(r->limits.memory_bytes, f->memory_bytes, r->reserved.memory_bytes,
                                  r->overcommit.memory_milli);
        uint64_t disk = at_most(r->limits.disk_bytes, f->disk_bytes, r->reserved.disk_bytes, 1000);
        struct hv_booking b;

        hv_task_amounts(u->resources, u->task->cpu_quota, &c->state->task_defaults, &b);
        if (cpus && b.nano_cpus > cpus)
                never_fits(c, u, "cpu", hv_diag_text(c->diags, "%s CPU", hv_check_cpus(c, b.nano_cpus)),
                           hv_check_cpus(c, cpus));
        if (memory && b.memory_bytes > memory)
                never_fits(c, u, "memory",
                           hv_diag_text(c->diags, "%s of memory", hv_check_bytes(c, b.memory_bytes)),
                           hv_check_bytes(c, memory));
        if (disk && b.disk_bytes > disk)
                never_fits(c, u, "disk",
                           hv_diag_text(c->diags, "%s of disk", hv_check_bytes(c, b.disk_bytes)),
                           hv_check_bytes(c, disk));
        if (f->gpus_withheld && b.n_gpus)
                hv_diag_warn(c->diags, amount_node(u, "gpus"), "W032",
                             "asks for %s: %s; the task will be Rejected",
                             hv_check_gpus_text(c, b.n_gpus, b.gpu_memory_bytes), f->gpus_withheld);
        else if (f->gpus_known && b.n_gpus > hv_check_count_gpus(c, b.gpu_memory_bytes))
                never_fits(c, u, "gpus", hv_check_gpus_text(c, b.n_gpus, b.gpu_memory_bytes),
                           hv_diag_text(c->diags, "%u", hv_check_count_gpus(c, b.gpu_memory_bytes)));
}

/* The document of a task is kept and read again, by a reader with limits. */
static void check_size(const struct hv_check *c, const struct hv_check_unit *u) {
        const char *document, *why;

        if (!u->object->name || hv_diags_errors(c->diags) > 0)
                return;
        document = hv_task_document(u->object->name, &u->task->o.labels, &u->task->o.annotations, u->node,
                                    c->arena);
        why = hv_task_document_fault(document, u->node, c->arena);
        if (why)
                hv_diag_error(c->diags, u->object->name_node, "E0003", "too large to be kept: %s", why);
}

void hv_check_tasks(const struct hv_check *c) {
        const struct hv_spec_task_defaults *d = &c->state->task_defaults;

        for (size_t i = 0; i < c->n_units; i++) {
                const struct hv_spec_task *t = c->units[i].task;

                if (!t)
                        continue;
                check_name(c, &c->units[i]);
                check_inputs(c, t);
                check_requirements(c, t);
                check_user(c, &c->units[i]);
                check_memory(c, &c->units[i]);
                check_timeout(c, hv_check_field(t->o.node, "timeout"), t->timeout_us);
                check_logging(c, t);
                check_checkpoint(c, t);
                check_fit(c, &c->units[i]);
                check_size(c, &c->units[i]);
        }
        if (!c->one)
                check_timeout(c, hv_check_field(d->node, "timeout"), d->timeout_us);
}
