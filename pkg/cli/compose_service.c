/* A service of a compose file. What Docker does by default stands in the document where hivelet's default is another. */
#include <errno.h>

#include "base/duration.h"
#include "base/text.h"
#include "cli/convert_compose.h"

/* Docker's, of a health check that does not say. */
#define INTERVAL "30s"

/* ---- image, command ---- */

static int put_image(struct hv_compose_service *s) {
        const char *image = hv_part_text(&s->part, "image"), *pull = hv_part_text(&s->part, "pull_policy");
        static const struct {
                const char *theirs, *ours;
        } policies[] = { { "always", "always" },
                         { "never", "never" },
                         { "missing", "missing" },
                         { "if_not_present", "missing" } };
        const char *policy = NULL;

        if (!image)
                return hv_err_set(
                        s->m->err, -EINVAL,
                        "line %u: %s has no image%s: hivelet builds none; build it, push it, and name it with image:",
                        hv_part_line(&s->part), s->part.path,
                        hv_node_get(s->part.map, "build") ? ", only build" : "");
        hv_convert_put(&s->m->c->w, "image", image);
        for (size_t i = 0; pull && i < HV_ARRAY_SIZE(policies); i++)
                if (hv_streq(pull, policies[i].theirs))
                        policy = policies[i].ours;
        if (pull && !policy)
                hv_convert_note(s->m->c, hv_part_line(&s->part), "%s.pull_policy %s is not carried over",
                                s->part.path, pull);
        hv_convert_put(&s->m->c->w, "pullPolicy", policy);
        return 0;
}

static void take_words(struct hv_part *p, const char *key, struct hv_convert_words *ret) {
        const struct hv_node *n = hv_part_take(p, key);

        if (n && n->type == HV_NODE_SCALAR)
                hv_convert_split(p->c, n->text, true, ret);
        for (size_t i = 0; n && n->type == HV_NODE_SEQUENCE && i < n->n; i++)
                hv_vec_push(&ret->v, n->items[i]->type == HV_NODE_SCALAR ? n->items[i]->text : "");
        if (n && ret->v.n == 0)
                hv_convert_note(p->c, n->at.line, "%s is empty: the image's stays", hv_part_path(p, key));
}

static void put_words(struct hv_part *p, const char *key, const char *name) {
        struct hv_convert_words words = {};

        take_words(p, key, &words);
        hv_convert_put_words(&p->c->w, name, &words);
        hv_vec_done(&words.v);
}

/* ---- variables of the container ---- */

struct env {
        HV_VEC(struct hv_variable) v;
};

static void env_set(struct env *e, const char *name, const char *value) {
        for (size_t i = 0; i < e->v.n; i++) {
                if (hv_streq(e->v.v[i].name, name)) {
                        e->v.v[i].value = value;
                        return;
                }
        }
        hv_vec_push(&e->v, ((struct hv_variable){ name, value }));
}

/* Its variables may ask for those of .env, and for its own above; they are nobody else's. */
static int read_env_file(struct hv_compose_service *s, const char *file, unsigned line, bool is_required,
                         bool is_raw, struct env *ret) {
        struct hv_compose *m = s->m;
        const char *path = hv_compose_path(m, file), *text;
        size_t first = m->variables.set.n, len;
        int r = m->world->read(m->world->userdata, path, m->c->arena, &text, &len, m->err);

        if (r == -ENOENT && !is_required)
                return 0;
        if (r >= 0)
                r = hv_variables_read(&m->variables, path, text, len, is_raw, m->err);
        if (r < 0)
                return hv_err_prefix(m->err, r, "line %u: %s.env_file", line, s->part.path);
        for (size_t i = first; i < m->variables.set.n; i++)
                env_set(ret, m->variables.set.v[i].name, m->variables.set.v[i].value);
        m->variables.set.n = first;
        hv_convert_note(m->c, line, "%s.env_file: what %s says now stands in the document, in clear",
                        s->part.path, file);
        return 0;
}

static int read_env_files(struct hv_compose_service *s, struct env *ret) {
        const struct hv_node *n = hv_part_take(&s->part, "env_file");
        int r = 0;

        if (n && n->type == HV_NODE_SCALAR)
                return read_env_file(s, n->text, n->at.line, true, false, ret);
        for (size_t i = 0; r >= 0 && n && i < n->n; i++) {
                const struct hv_node *item = n->type == HV_NODE_SEQUENCE ? n->items[i] : n;
                struct hv_part f;
                const char *path, *is_required;

                if (item->type == HV_NODE_SCALAR) {
                        r = read_env_file(s, item->text, item->at.line, true, false, ret);
                        continue;
                }
                f = hv_part_of(s->m->c, item, hv_part_item(&s->part, "env_file", i));
                path = hv_part_text(&f, "path");
                is_required = hv_part_text(&f, "required");
                if (path)
                        r = read_env_file(s, path, item->at.line,
                                          !is_required || hv_convert_is_true(is_required),
                                          hv_streq(hv_part_text(&f, "format"), "raw"), ret);
                hv_compose_tell_rest(&f);
                if (item == n)
                        break;
        }
        return r;
}

static void read_environment(struct hv_compose_service *s, struct env *ret) {
        struct hv_convert *c = s->m->c;
        struct hv_convert_words pairs = {};

        hv_compose_pairs(&s->part, "environment", &pairs);
        for (size_t i = 0; i < pairs.v.n; i++) {
                size_t len = strcspn(pairs.v.v[i], "=");
                const char *name = hv_arena_strndup(c->arena, pairs.v.v[i], len), *value;

                value = pairs.v.v[i][len] ? pairs.v.v[i] + len + 1 : hv_variables_get(&s->m->variables, name);
                if (value)
                        env_set(ret, name, hv_arena_strdup(c->arena, value));
                else
                        hv_convert_note(c, hv_part_line(&s->part),
                                        "%s.environment: %s has no value, and is not set here: left out",
                                        s->part.path, name);
        }
        hv_vec_done(&pairs.v);
}

static int put_env(struct hv_compose_service *s) {
        struct hv_json_writer *w = &s->m->c->w;
        struct env env = {};
        int r = read_env_files(s, &env);

        if (r >= 0)
                read_environment(s, &env);
        if (env.v.n > 0)
                hv_json_begin_array(w, "env");
        for (size_t i = 0; i < env.v.n; i++) {
                hv_json_begin_object(w, NULL);
                hv_convert_put(w, "name", env.v.v[i].name);
                hv_convert_put(w, "value", env.v.v[i].value);
                hv_json_end(w);
        }
        if (env.v.n > 0)
                hv_json_end(w);
        hv_vec_done(&env.v);
        return r;
}

/* ---- what must be there first ---- */

static void put_dependency(struct hv_compose_service *s, const char *service, const char *condition) {
        struct hv_json_writer *w = &s->m->c->w;

        hv_json_begin_object(w, NULL);
        hv_convert_put(w, "service", hv_convert_name(s->m->c, service));
        hv_convert_put(w, "condition",
                       hv_streq(condition, "service_healthy")                  ? "ready"
                       : hv_streq(condition, "service_completed_successfully") ? "completed"
                                                                               : "started");
        hv_json_end(w);
}

static void put_depends_on(struct hv_compose_service *s) {
        const struct hv_node *n = hv_part_take(&s->part, "depends_on");
        struct hv_convert *c = s->m->c;
        bool is_open = false;

        for (size_t i = 0; n && i < n->n; i++) {
                const struct hv_node *item = n->type == HV_NODE_SEQUENCE ? n->items[i] : n->pairs[i].key;
                const char *path = hv_arena_printf(c->arena, "%s.depends_on.%s", s->part.path, item->text);
                struct hv_part d = hv_part_of(c, n->type == HV_NODE_MAPPING ? n->pairs[i].value : NULL, path);
                const char *condition = hv_part_text(&d, "condition");

                if (item->type != HV_NODE_SCALAR)
                        continue;
                if (hv_compose_is_chosen(s->m, item->text)) {
                        if (!is_open)
                                hv_json_begin_array(&c->w, "dependsOn");
                        is_open = true;
                        put_dependency(s, item->text, condition);
                } else
                        hv_convert_note(c, item->at.line, "%s is not carried over: neither is that service",
                                        path);
                hv_compose_tell_rest(&d);
        }
        if (is_open)
                hv_json_end(&c->w);
}

/* ---- health ---- */

static bool put_test(struct hv_part *h, const struct hv_node *test) {
        struct hv_json_writer *w = &h->c->w;
        bool is_list = test && test->type == HV_NODE_SEQUENCE && test->n > 0 &&
                       test->items[0]->type == HV_NODE_SCALAR,
             is_shell = test && (test->type == HV_NODE_SCALAR ||
                                 (is_list && hv_streq(test->items[0]->text, "CMD-SHELL")));

        if (!is_shell && !is_list)
                return false;
        hv_json_begin_array(w, "exec");
        if (is_shell) {
                hv_convert_put(w, NULL, "/bin/sh");
                hv_convert_put(w, NULL, "-c");
        }
        if (test->type == HV_NODE_SCALAR)
                hv_convert_put(w, NULL, test->text);
        for (size_t i = 1; is_list && i < test->n; i++)
                hv_convert_put(w, NULL, test->items[i]->type == HV_NODE_SCALAR ? test->items[i]->text : "");
        hv_json_end(w);
        return true;
}

/* A try may not take longer than the time between two here. */
static const char *probe_timeout(struct hv_part *h, const char *interval) {
        const char *timeout = hv_part_text(h, "timeout");
        uint64_t timeout_us, interval_us;

        if (!timeout)
                return interval;
        if (hv_duration_parse(timeout, &timeout_us) == HV_PARSE_OK &&
            hv_duration_parse(interval, &interval_us) == HV_PARSE_OK && timeout_us > interval_us) {
                hv_convert_note(h->c, hv_part_line(h),
                                "%s.timeout %s is longer than the interval: it is %s here", h->path, timeout,
                                interval);
                return interval;
        }
        return timeout;
}

/* Docker only says whether it is well, and what waits for service_healthy waits: that is readiness. */
static void put_health(struct hv_compose_service *s) {
        struct hv_part h = hv_part_below(&s->part, "healthcheck");
        const struct hv_node *test = hv_part_take(&h, "test");
        const char *interval = hv_part_text(&h, "interval"), *retries = hv_part_text(&h, "retries");
        bool is_off = hv_convert_is_true(hv_part_text(&h, "disable")) ||
                      (test && test->n > 0 && test->type == HV_NODE_SEQUENCE &&
                       hv_streq(test->items[0]->text, "NONE"));
        struct hv_json_writer *w = &s->m->c->w;

        if (!h.map || is_off)
                return;
        if (!test) {
                hv_convert_note(s->m->c, hv_part_line(&h), "%s has no test: the image's is not asked",
                                h.path);
                return;
        }
        interval = interval ? interval : INTERVAL;
        hv_json_begin_object(w, "readiness");
        if (!put_test(&h, test))
                hv_convert_note(s->m->c, test->at.line, "%s.test is %s, expected text or a list", h.path,
                                hv_node_describe(test));
        hv_convert_put(w, "period", interval);
        hv_convert_put(w, "timeout", probe_timeout(&h, interval));
        hv_convert_put_number(w, "failureThreshold", retries);
        hv_json_end(w);
        hv_compose_tell_rest(&h);
}

/* ---- resources ---- */

/* How many GPUs a list of requests asks for. */
static unsigned count_gpus(struct hv_compose_service *s, const struct hv_node *list, const char *path,
                           bool are_gpus) {
        unsigned n = 0;

        for (size_t i = 0; list && list->type == HV_NODE_SEQUENCE && i < list->n; i++) {
                struct hv_part d = hv_part_of(s->m->c, list->items[i],
                                              hv_arena_printf(s->m->c->arena, "%s[%zu]", path, i));
                const struct hv_node *kinds = hv_part_list(&d, "capabilities"),
                                     *ids = hv_part_list(&d, "device_ids");
                const char *count = hv_part_text(&d, "count");
                bool is_gpu = are_gpus;

                for (size_t k = 0; kinds && k < kinds->n; k++)
                        is_gpu = is_gpu || hv_streq(kinds->items[k]->text, "gpu");
                if (!is_gpu) {
                        hv_convert_note(s->m->c, hv_part_line(&d), "%s is not carried over: it is no GPU",
                                        d.path);
                        continue;
                }
                if (ids) {
                        hv_convert_note(s->m->c, ids->at.line,
                                        "%s.device_ids: which ones they are is up to the node", d.path);
                        n += (unsigned) ids->n;
                } else if (count && !hv_streq(count, "all"))
                        n += (unsigned) strtoul(count, NULL, 10);
                else {
                        hv_convert_note(s->m->c, hv_part_line(&d),
                                        "%s asks for all GPUs: here a number is asked for, and it is 1",
                                        d.path);
                        n++;
                }
                (void) hv_part_take(&d, "driver"); /* the node knows its own */
                hv_compose_tell_rest(&d);
        }
        return n;
}

static unsigned take_gpus(struct hv_compose_service *s, struct hv_part *reservations) {
        const struct hv_node *gpus = hv_part_take(&s->part, "gpus");

        if (gpus && gpus->type == HV_NODE_SCALAR) {
                hv_convert_note(s->m->c, gpus->at.line,
                                "%s.gpus asks for all GPUs: here a number is asked for, and it is 1",
                                s->part.path);
                return 1;
        }
        return count_gpus(s, gpus, hv_part_path(&s->part, "gpus"), true) +
               count_gpus(s, hv_part_list(reservations, "devices"), hv_part_path(reservations, "devices"),
                          false);
}

static const char *either(const char *a, const char *b) {
        return a ? a : b;
}

/* ".5" is Docker's way, too. */
static const char *cpus_of(struct hv_compose_service *s, const char *text) {
        return text && *text == '.' ? hv_arena_printf(s->m->c->arena, "0%s", text) : text;
}

static const char *bytes_of(struct hv_compose_service *s, const char *text) {
        return text ? hv_convert_bytes(s->m->c, text) : NULL;
}

static const char *processes_of(struct hv_compose_service *s, const char *text) {
        if (!text || strtoll(text, NULL, 10) > 0)
                return text;
        hv_convert_note(s->m->c, hv_part_line(&s->part),
                        "%s has no limit of processes: here there is always one, limits.pids", s->part.path);
        return NULL;
}

static void put_resources(struct hv_compose_service *s, struct hv_part *deploy) {
        struct hv_part r = hv_part_below(deploy, "resources"), limits = hv_part_below(&r, "limits"),
                       held = hv_part_below(&r, "reservations");
        const char *cpus = either(hv_part_text(&limits, "cpus"), hv_part_text(&s->part, "cpus")),
                   *memory = either(hv_part_text(&limits, "memory"), hv_part_text(&s->part, "mem_limit")),
                   *pids = either(hv_part_text(&limits, "pids"), hv_part_text(&s->part, "pids_limit")),
                   *held_cpus = hv_part_text(&held, "cpus"),
                   *held_memory =
                           either(hv_part_text(&held, "memory"), hv_part_text(&s->part, "mem_reservation"));
        unsigned gpus = take_gpus(s, &held);
        struct hv_json_writer *w = &s->m->c->w;

        pids = processes_of(s, pids);
        if (cpus || memory || pids || held_cpus || held_memory || gpus)
                hv_json_begin_object(w, "resources");
        if (held_cpus || held_memory || gpus) {
                hv_json_begin_object(w, "requests");
                hv_convert_put(w, "cpu", cpus_of(s, held_cpus));
                hv_convert_put(w, "memory", bytes_of(s, held_memory));
                if (gpus)
                        hv_json_put_uint(w, "gpus", gpus);
                hv_json_end(w);
        }
        if (cpus || memory || pids) {
                hv_json_begin_object(w, "limits");
                hv_convert_put(w, "cpu", cpus_of(s, cpus));
                hv_convert_put(w, "memory", bytes_of(s, memory));
                hv_convert_put_number(w, "pids", pids);
                hv_json_end(w);
        }
        if (cpus || memory || pids || held_cpus || held_memory || gpus)
                hv_json_end(w);
        hv_compose_tell_rest(&limits);
        hv_compose_tell_rest(&held);
        hv_compose_tell_rest(&r);
}

/* ---- how it ends, what it may ---- */

static void put_restart(struct hv_compose_service *s, struct hv_part *deploy) {
        struct hv_part p = hv_part_below(deploy, "restart_policy");
        const char *restart = hv_part_text(&s->part, "restart"), *condition = hv_part_text(&p, "condition"),
                   *delay = hv_part_text(&p, "delay"), *r = p.map ? either(condition, "any") : restart;
        struct hv_json_writer *w = &s->m->c->w;

        if (restart && strchr(restart, ':'))
                hv_convert_note(
                        s->m->c, hv_part_line(&s->part),
                        "%s.restart %s: the number of tries is not carried over; they wait longer each time",
                        s->part.path, restart);
        hv_json_begin_object(w, "restart");
        hv_convert_put(w, "policy",
                       !r || hv_streq(r, "no") || hv_streq(r, "none") ? "never"
                       : hv_has_prefix(r, "on-failure")               ? "onFailure"
                                                                      : "always");
        if (delay) {
                hv_json_begin_object(w, "backoff");
                hv_convert_put(w, "initial", delay);
                hv_json_end(w);
        }
        hv_json_end(w);
        hv_compose_tell_rest(&p);
}

static void put_stop(struct hv_compose_service *s) {
        const char *signal = hv_part_text(&s->part, "stop_signal"),
                   *grace = hv_part_text(&s->part, "stop_grace_period");

        if (!signal && !grace)
                return;
        hv_json_begin_object(&s->m->c->w, "stop");
        hv_convert_put(&s->m->c->w, "signal", hv_convert_signal(signal));
        hv_convert_put(&s->m->c->w, "grace", grace);
        hv_json_end(&s->m->c->w);
}

static bool drops_all(const struct hv_node *list) {
        for (size_t i = 0; list && i < list->n; i++)
                if (list->type == HV_NODE_SEQUENCE && hv_streq(list->items[i]->text, "ALL"))
                        return true;
        return false;
}

/* no-new-privileges and an init are hivelet's defaults, and not Docker's: setuid programs, and images with an init of their own
 * (which has to be process 1), go on to work. */
static void put_security(struct hv_compose_service *s) {
        const struct hv_node *options = hv_part_list(&s->part, "security_opt");
        const char *user = hv_part_text(&s->part, "user");
        struct hv_json_writer *w = &s->m->c->w;
        bool no_new = false;

        for (size_t i = 0; options && i < options->n; i++) {
                const char *o = options->items[i]->type == HV_NODE_SCALAR ? options->items[i]->text : "";
                bool is_it = hv_has_prefix(o, "no-new-privileges");

                no_new = no_new || (is_it && !strstr(o, "false"));
                if (!is_it)
                        hv_convert_note(s->m->c, options->items[i]->at.line, "%s is not carried over",
                                        hv_part_item(&s->part, "security_opt", i));
        }
        s->m->wants_capabilities =
                s->m->wants_capabilities || (!user && !drops_all(hv_node_get(s->part.map, "cap_drop")));
        hv_json_begin_object(w, "security");
        hv_convert_put(w, "user", user);
        if (hv_convert_is_true(hv_part_text(&s->part, "read_only")))
                hv_json_put_bool(w, "readOnlyRoot", true);
        if (!no_new)
                hv_json_put_bool(w, "noNewPrivileges", false);
        if (hv_convert_is_true(hv_part_text(&s->part, "privileged")))
                hv_json_put_bool(w, "privileged", true);
        put_words(&s->part, "cap_add", "addCapabilities");
        put_words(&s->part, "cap_drop", "dropCapabilities");
        if (!hv_convert_is_true(hv_part_text(&s->part, "init")))
                hv_json_put_bool(w, "init", false);
        hv_json_end(w);
}

static void put_logging(struct hv_compose_service *s) {
        struct hv_part l = hv_part_below(&s->part, "logging");
        struct hv_convert *c = s->m->c;
        struct hv_convert_words pairs = {};
        bool is_open = false;

        if (!l.map)
                return;
        hv_json_begin_object(&c->w, "logging");
        hv_convert_put(&c->w, "driver", hv_part_text(&l, "driver"));
        hv_compose_pairs(&l, "options", &pairs);
        for (size_t i = 0; i < pairs.v.n; i++) {
                if (hv_has_prefix(pairs.v.v[i], "max-size="))
                        hv_convert_put(&c->w, "maxSize", bytes_of(s, strchr(pairs.v.v[i], '=') + 1));
                else if (hv_has_prefix(pairs.v.v[i], "max-file="))
                        hv_convert_put_number(&c->w, "maxFiles", strchr(pairs.v.v[i], '=') + 1);
        }
        for (size_t i = 0; i < pairs.v.n; i++) {
                const char *pair = pairs.v.v[i], *equals = strchr(pair, '=');

                if (hv_has_prefix(pair, "max-size=") || hv_has_prefix(pair, "max-file="))
                        continue;
                if (!is_open)
                        hv_json_begin_object(&c->w, "options");
                is_open = true;
                hv_convert_put(&c->w,
                               equals ? hv_arena_strndup(c->arena, pair, (size_t) (equals - pair)) : pair,
                               equals ? equals + 1 : "");
        }
        if (is_open)
                hv_json_end(&c->w);
        hv_json_end(&c->w);
        hv_vec_done(&pairs.v);
        hv_compose_tell_rest(&l);
}

/* ---- the service ---- */

static void read_replicas(struct hv_compose_service *s, struct hv_part *deploy) {
        const char *replicas = either(hv_part_text(deploy, "replicas"), hv_part_text(&s->part, "scale")),
                   *mode = hv_part_text(deploy, "mode");

        s->replicas = replicas ? (unsigned) strtoul(replicas, NULL, 10) : 1;
        if (replicas && s->replicas == 0)
                hv_convert_note(s->m->c, hv_part_line(&s->part),
                                "%s has no replicas: here it has one; hivectl stop holds it", s->part.path);
        s->replicas = HV_MAX(s->replicas, 1u);
        if (s->replicas > 1)
                hv_json_put_uint(&s->m->c->w, "replicas", s->replicas);
        if (mode && !hv_has_prefix(mode, "replicated"))
                hv_convert_note(s->m->c, hv_part_line(deploy), "%s.mode %s is not carried over", deploy->path,
                                mode);
}

int hv_compose_service(struct hv_compose *m, const struct hv_node *key, const struct hv_node *service) {
        struct hv_compose_service s = {
                .m = m,
                .part = hv_part_of(m->c, service, hv_arena_printf(m->c->arena, "services.%s", key->text)),
                .key = key->text,
                .name = hv_convert_name(m->c, key->text),
        };
        struct hv_part deploy;
        int r;

        deploy = hv_part_below(&s.part, "deploy");
        hv_convert_open(m->c, "Service", s.name, NULL);
        hv_compose_put_map(&s.part, "labels", "labels");
        r = put_image(&s);
        if (r < 0)
                return r;
        read_replicas(&s, &deploy);
        put_depends_on(&s);
        put_words(&s.part, "entrypoint", "command");
        put_words(&s.part, "command", "args");
        hv_convert_put(&m->c->w, "workdir", hv_part_text(&s.part, "working_dir"));
        hv_convert_put(&m->c->w, "hostname", hv_part_text(&s.part, "hostname"));
        r = put_env(&s);
        if (r < 0)
                return r;
        hv_compose_put_files(&s);
        r = hv_compose_put_networks(&s);
        if (r < 0)
                return r;
        hv_compose_put_mounts(&s);
        hv_compose_put_ports(&s);
        put_health(&s);
        put_resources(&s, &deploy);
        put_restart(&s, &deploy);
        put_security(&s);
        put_stop(&s);
        put_logging(&s);
        hv_convert_close(m->c);
        (void) hv_part_take(&s.part, "profiles"); /* hv_compose_is_chosen() */
        hv_compose_tell_merge(&s.part, "extends");
        hv_compose_tell_rest(&deploy);
        hv_compose_tell_rest(&s.part);
        return 0;
}
