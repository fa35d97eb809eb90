/* Pods and Deployments of Kubernetes: each container becomes a service. */
#include "cli/convert.h"

#include <errno.h>
#include <strings.h>

#include "base/text.h"
#include "spec/node.h"

/* ---- mappings whose keys are asked for one by one; the rest is told ---- */

struct part {
        struct hv_convert *c;
        const struct hv_node *map; /* NULL: there is none */
        const char *path;          /* "spec.containers[0]" */
        bool *taken;
};

static struct part part_of(struct hv_convert *c, const struct hv_node *map, const char *path) {
        bool is_map = map && map->type == HV_NODE_MAPPING;

        if (map && !is_map && map->type != HV_NODE_NULL)
                hv_convert_note(c, map->at.line, "%s is %s, expected a mapping: left out", path,
                                hv_node_describe(map));
        return (struct part){ .c = c,
                              .map = is_map ? map : NULL,
                              .path = path,
                              .taken = HV_ARENA_NEW_N(c->arena, bool, is_map ? map->n + 1 : 1) };
}

static const struct hv_node *take(struct part *p, const char *key) {
        for (size_t i = 0; p->map && i < p->map->n; i++) {
                if (hv_streq(p->map->pairs[i].key->text, key)) {
                        p->taken[i] = true;
                        return p->map->pairs[i].value->type == HV_NODE_NULL ? NULL : p->map->pairs[i].value;
                }
        }
        return NULL;
}

static const char *path_below(const struct part *p, const char *key) {
        return *p->path ? hv_arena_printf(p->c->arena, "%s.%s", p->path, key) : key;
}

static struct part take_part(struct part *p, const char *key) {
        return part_of(p->c, take(p, key), path_below(p, key));
}

/* NULL: none, or no scalar (which is told). */
static const char *take_text(struct part *p, const char *key) {
        const struct hv_node *n = take(p, key);

        if (n && n->type != HV_NODE_SCALAR) {
                hv_convert_note(p->c, n->at.line, "%s is %s, expected text: left out", path_below(p, key),
                                hv_node_describe(n));
                return NULL;
        }
        return n ? n->text : NULL;
}

static const struct hv_node *take_list(struct part *p, const char *key) {
        const struct hv_node *n = take(p, key);

        if (n && n->type != HV_NODE_SEQUENCE) {
                hv_convert_note(p->c, n->at.line, "%s is %s, expected a list: left out", path_below(p, key),
                                hv_node_describe(n));
                return NULL;
        }
        return n;
}

static void tell_rest(const struct part *p) {
        for (size_t i = 0; p->map && i < p->map->n; i++)
                if (!p->taken[i])
                        hv_convert_note(p->c, p->map->pairs[i].key->at.line, "%s is not carried over",
                                        path_below(p, p->map->pairs[i].key->text));
}

static bool is_true(const char *text) {
        return text && strcasecmp(text, "true") == 0;
}

/* ---- a pod ---- */

struct pod {
        const char *name;
        const struct hv_node *labels, *volumes;
        const char *replicas;
        const char *restart, *hostname, *grace, *user, *group;
        bool in_host_network;
        size_t n_containers;
        bool *mounted; /* of `volumes` */
};

static void put_text(struct hv_json_writer *w, const char *key, const char *text) {
        if (text)
                hv_json_put_str(w, key, text);
}

/* A number stays one; what is none is for `hivectl validate` to judge. */
static void put_number(struct hv_json_writer *w, const char *key, const char *text) {
        char *end;
        long long n = text ? strtoll(text, &end, 10) : 0;

        if (text && *text && !*end)
                hv_json_put_int(w, key, n);
        else
                put_text(w, key, text);
}

static void put_seconds(struct part *p, const char *key, const char *name) {
        const char *text = take_text(p, key);

        if (text)
                hv_json_put_str(&p->c->w, name, hv_arena_printf(p->c->arena, "%ss", text));
}

static void put_list(struct part *p, const char *key, const char *name) {
        const struct hv_node *list = take_list(p, key);

        if (!list || list->n == 0)
                return;
        hv_json_begin_array(&p->c->w, name);
        for (size_t i = 0; i < list->n; i++)
                hv_json_put_str(&p->c->w, NULL,
                                list->items[i]->type == HV_NODE_SCALAR ? list->items[i]->text : "");
        hv_json_end(&p->c->w);
}

static const char *item_path(const struct part *p, const char *key, size_t i) {
        return hv_arena_printf(p->c->arena, "%s.%s[%zu]", p->path, key, i);
}

static void put_env(struct part *k) {
        const struct hv_node *list = take_list(k, "env");
        struct hv_json_writer *w = &k->c->w;

        if (list)
                hv_json_begin_array(w, "env");
        for (size_t i = 0; list && i < list->n; i++) {
                struct part e = part_of(k->c, list->items[i], item_path(k, "env", i));
                const char *name = take_text(&e, "name"), *value = take_text(&e, "value");

                if (name && !hv_node_get(e.map, "valueFrom")) {
                        hv_json_begin_object(w, NULL);
                        hv_json_put_str(w, "name", name);
                        hv_json_put_str(w, "value", value ? value : "");
                        hv_json_end(w);
                }
                tell_rest(&e);
        }
        if (list)
                hv_json_end(w);
}

/* What Kubernetes publishes is what has a port of the host; the others only say what the program does. */
static void put_port(struct part *k, const struct hv_node *port, size_t i) {
        struct part p = part_of(k->c, port, item_path(k, "ports", i));
        const char *container = take_text(&p, "containerPort"), *host = take_text(&p, "hostPort"),
                   *name = take_text(&p, "name"), *address = take_text(&p, "hostIP"),
                   *protocol = take_text(&p, "protocol");
        struct hv_json_writer *w = &k->c->w;

        if (host) {
                hv_json_begin_object(w, NULL);
                put_text(w, "name", name);
                put_number(w, "container", container);
                hv_json_put_str(w, "host", host);
                hv_json_put_str(w, "bind", address ? address : "public");
                if (protocol)
                        hv_json_put_str(w, "protocol",
                                        strcasecmp(protocol, "UDP") == 0    ? "udp"
                                        : strcasecmp(protocol, "SCTP") == 0 ? "sctp"
                                                                            : "tcp");
                hv_json_end(w);
        } else if (port->type == HV_NODE_MAPPING)
                hv_convert_note(k->c, port->at.line, "%s has no hostPort: it is not published", p.path);
        tell_rest(&p);
}

static void put_ports(struct part *k, const struct hv_node *list) {
        bool is_any = false;

        for (size_t i = 0; list && i < list->n; i++)
                is_any = is_any || hv_node_get(list->items[i], "hostPort");
        if (is_any)
                hv_json_begin_array(&k->c->w, "ports");
        for (size_t i = 0; list && i < list->n; i++)
                put_port(k, list->items[i], i);
        if (is_any)
                hv_json_end(&k->c->w);
}

/* Where one of the volumes of the pod is; false: it is nothing that could be mounted. */
static bool put_source(struct part *k, struct pod *pod, const char *name) {
        struct hv_json_writer *w = &k->c->w;

        for (size_t i = 0; pod->volumes && i < pod->volumes->n; i++) {
                const struct hv_node *v = pod->volumes->items[i], *n;

                if (!hv_streq(hv_node_get(v, "name") ? hv_node_get(v, "name")->text : NULL, name))
                        continue;
                pod->mounted[i] = true;
                if ((n = hv_node_get(v, "hostPath")) && hv_node_get(n, "path"))
                        hv_json_put_str(w, "hostPath", hv_node_get(n, "path")->text);
                else if ((n = hv_node_get(v, "persistentVolumeClaim")) && hv_node_get(n, "claimName"))
                        hv_json_put_str(w, "volume",
                                        hv_convert_name(k->c, hv_node_get(n, "claimName")->text));
                else if ((n = hv_node_get(v, "emptyDir")) && hv_node_get(n, "medium"))
                        hv_json_put_str(w, "tmpfs",
                                        hv_node_get(n, "sizeLimit") ? hv_node_get(n, "sizeLimit")->text
                                                                    : "64Mi");
                else if (n)
                        hv_json_put_str(w, "volume",
                                        hv_convert_name(k->c, hv_arena_printf(k->c->arena, "%s-%s", pod->name,
                                                                              name)));
                else
                        return false;
                return true;
        }
        return false;
}

static bool can_be_mounted(const struct pod *pod, const char *name) {
        static const char *const kinds[] = { "hostPath", "persistentVolumeClaim", "emptyDir" };

        for (size_t i = 0; pod->volumes && name && i < pod->volumes->n; i++) {
                const struct hv_node *v = pod->volumes->items[i], *called = hv_node_get(v, "name");

                for (size_t t = 0; called && hv_streq(called->text, name) && t < HV_ARRAY_SIZE(kinds); t++)
                        if (hv_node_get(v, kinds[t]))
                                return true;
        }
        return false;
}

static void put_mounts(struct part *k, struct pod *pod) {
        const struct hv_node *list = take_list(k, "volumeMounts");
        struct hv_json_writer *w = &k->c->w;

        if (list)
                hv_json_begin_array(w, "mounts");
        for (size_t i = 0; list && i < list->n; i++) {
                struct part m = part_of(k->c, list->items[i], item_path(k, "volumeMounts", i));
                const char *name = take_text(&m, "name"), *target = take_text(&m, "mountPath"),
                           *read_only = take_text(&m, "readOnly");

                if (can_be_mounted(pod, name)) {
                        hv_json_begin_object(w, NULL);
                        (void) put_source(k, pod, name);
                        put_text(w, "target", target);
                        if (is_true(read_only))
                                hv_json_put_bool(w, "readOnly", true);
                        hv_json_end(w);
                } else if (m.map)
                        hv_convert_note(k->c, m.map->at.line,
                                        "%s is not carried over: volume %s is no hostPath, claim or emptyDir",
                                        m.path, name ? name : "?");
                tell_rest(&m);
        }
        if (list)
                hv_json_end(w);
}

static void put_amounts(struct part *r, const char *key) {
        struct part p = take_part(r, key);
        const char *cpu = take_text(&p, "cpu"), *memory = take_text(&p, "memory");

        if (cpu || memory) {
                hv_json_begin_object(&r->c->w, key);
                put_text(&r->c->w, "cpu", cpu);
                put_text(&r->c->w, "memory", memory);
                hv_json_end(&r->c->w);
        }
        tell_rest(&p);
}

static void put_resources(struct part *k) {
        struct part r = take_part(k, "resources");

        if (!r.map)
                return;
        hv_json_begin_object(&k->c->w, "resources");
        put_amounts(&r, "requests");
        put_amounts(&r, "limits");
        hv_json_end(&k->c->w);
        tell_rest(&r);
}

/* Names of ports belong to published ones here: a probe gets the number. */
static const char *port_number(const struct hv_node *ports, const char *port) {
        for (size_t i = 0; ports && port && i < ports->n; i++) {
                const struct hv_node *name = hv_node_get(ports->items[i], "name"),
                                     *number = hv_node_get(ports->items[i], "containerPort");

                if (name && number && hv_streq(name->text, port))
                        return number->text;
        }
        return port;
}

static void put_way(struct part *probe, const char *from, const char *to, const struct hv_node *ports) {
        struct part p = take_part(probe, from);
        struct hv_json_writer *w = &probe->c->w;
        const char *scheme;

        if (!p.map)
                return;
        hv_json_begin_object(w, to);
        put_text(w, "port", port_number(ports, take_text(&p, "port")));
        if (hv_streq(to, "http")) {
                put_text(w, "path", take_text(&p, "path"));
                scheme = take_text(&p, "scheme");
                if (scheme)
                        hv_json_put_str(w, "scheme", strcasecmp(scheme, "HTTPS") == 0 ? "https" : "http");
        }
        hv_json_end(w);
        tell_rest(&p);
}

static void put_probe(struct part *k, const char *from, const char *to, const struct hv_node *ports) {
        struct part p = take_part(k, from), exec;

        if (!p.map)
                return;
        hv_json_begin_object(&k->c->w, to);
        put_way(&p, "httpGet", "http", ports);
        put_way(&p, "tcpSocket", "tcp", ports);
        put_way(&p, "grpc", "grpc", ports);
        exec = take_part(&p, "exec");
        put_list(&exec, "command", "exec");
        tell_rest(&exec);
        put_seconds(&p, "periodSeconds", "period");
        put_seconds(&p, "timeoutSeconds", "timeout");
        put_seconds(&p, "initialDelaySeconds", "initialDelay");
        put_number(&k->c->w, "failureThreshold", take_text(&p, "failureThreshold"));
        put_number(&k->c->w, "successThreshold", take_text(&p, "successThreshold"));
        hv_json_end(&k->c->w);
        tell_rest(&p);
}

static void put_security(struct part *k, const struct pod *pod) {
        struct part s = take_part(k, "securityContext"), caps = take_part(&s, "capabilities");
        const char *user = take_text(&s, "runAsUser"), *group = take_text(&s, "runAsGroup"),
                   *escalation = take_text(&s, "allowPrivilegeEscalation");
        struct hv_json_writer *w = &k->c->w;

        user = user ? user : pod->user;
        group = group ? group : pod->group;
        if (!s.map && !user)
                return;
        hv_json_begin_object(w, "security");
        if (user)
                hv_json_put_str(w, "user", group ? hv_arena_printf(k->c->arena, "%s:%s", user, group) : user);
        if (is_true(take_text(&s, "readOnlyRootFilesystem")))
                hv_json_put_bool(w, "readOnlyRoot", true);
        if (is_true(take_text(&s, "privileged")))
                hv_json_put_bool(w, "privileged", true);
        if (escalation)
                hv_json_put_bool(w, "noNewPrivileges", !is_true(escalation));
        put_list(&caps, "add", "addCapabilities");
        put_list(&caps, "drop", "dropCapabilities");
        hv_json_end(w);
        tell_rest(&caps);
        tell_rest(&s);
}

static void put_restart(struct hv_json_writer *w, const char *policy) {
        if (!policy)
                return;
        hv_json_begin_object(w, "restart");
        hv_json_put_str(w, "policy",
                        hv_streq(policy, "OnFailure") ? "onFailure"
                        : hv_streq(policy, "Never")   ? "never"
                                                      : "always");
        hv_json_end(w);
}

static void convert_container(struct hv_convert *c, struct pod *pod, const struct hv_node *container,
                              const char *path) {
        struct part k = part_of(c, container, path);
        const char *name = take_text(&k, "name"), *pull = take_text(&k, "imagePullPolicy");
        const struct hv_node *ports = take_list(&k, "ports");
        struct hv_json_writer *w = &c->w;

        if (!k.map)
                return;
        if (pod->n_containers > 1)
                name = hv_arena_printf(c->arena, "%s-%s", pod->name, name ? name : "container");
        else
                name = pod->name;
        hv_convert_open(c, "Service", hv_convert_name(c, name), pod->labels);
        put_text(w, "image", take_text(&k, "image"));
        if (pull)
                hv_json_put_str(w, "pullPolicy",
                                hv_streq(pull, "Always")  ? "always"
                                : hv_streq(pull, "Never") ? "never"
                                                          : "missing");
        put_number(w, "replicas", pod->replicas);
        put_list(&k, "command", "command");
        put_list(&k, "args", "args");
        put_text(w, "workdir", take_text(&k, "workingDir"));
        put_text(w, "hostname", pod->hostname);
        put_env(&k);
        if (pod->in_host_network)
                hv_json_put_str(w, "network", "host");
        put_mounts(&k, pod);
        put_ports(&k, ports);
        put_probe(&k, "startupProbe", "startup", ports);
        put_probe(&k, "readinessProbe", "readiness", ports);
        put_probe(&k, "livenessProbe", "liveness", ports);
        put_resources(&k);
        put_restart(w, pod->restart);
        put_security(&k, pod);
        if (pod->grace) {
                hv_json_begin_object(w, "stop");
                hv_json_put_str(w, "grace", hv_arena_printf(c->arena, "%ss", pod->grace));
                hv_json_end(w);
        }
        hv_convert_close(c);
        tell_rest(&k);
}

/* Named volumes that something mounts get a document; keys of volumes that are not read are told. */
static void convert_volumes(struct hv_convert *c, const struct pod *pod, const char *path) {
        for (size_t i = 0; pod->volumes && i < pod->volumes->n; i++) {
                struct part v = part_of(c, pod->volumes->items[i],
                                        hv_arena_printf(c->arena, "%s.volumes[%zu]", path, i));
                const char *name = take_text(&v, "name");
                struct part host = take_part(&v, "hostPath"), claim = take_part(&v, "persistentVolumeClaim"),
                            empty = take_part(&v, "emptyDir");
                const char *claimed = take_text(&claim, "claimName");
                bool in_memory = take(&empty, "medium") != NULL;

                (void) take(&host, "path");
                if (in_memory && !take(&empty, "sizeLimit"))
                        hv_convert_note(c, v.map->at.line, "%s has no sizeLimit: it gets 64Mi", v.path);
                if (pod->mounted[i] && claimed)
                        hv_convert_volume(c, hv_convert_name(c, claimed));
                else if (pod->mounted[i] && empty.map && !in_memory) {
                        hv_convert_volume(
                                c, hv_convert_name(c, hv_arena_printf(c->arena, "%s-%s", pod->name, name)));
                        hv_convert_note(c, v.map->at.line,
                                        "%s becomes a volume: what is in it outlives the containers", v.path);
                } else if (!pod->mounted[i] && v.map)
                        hv_convert_note(c, v.map->at.line, "%s is not carried over: nothing mounts it",
                                        v.path);
                tell_rest(&host);
                tell_rest(&claim);
                tell_rest(&empty);
                tell_rest(&v);
        }
}

static void convert_pod(struct hv_convert *c, struct pod *pod, struct part *spec) {
        struct part security = take_part(spec, "securityContext");
        const struct hv_node *containers = take_list(spec, "containers");

        pod->restart = take_text(spec, "restartPolicy");
        pod->hostname = take_text(spec, "hostname");
        pod->grace = take_text(spec, "terminationGracePeriodSeconds");
        pod->in_host_network = is_true(take_text(spec, "hostNetwork"));
        pod->user = take_text(&security, "runAsUser");
        pod->group = take_text(&security, "runAsGroup");
        pod->volumes = take_list(spec, "volumes");
        pod->mounted = HV_ARENA_NEW_N(c->arena, bool, pod->volumes ? pod->volumes->n + 1 : 1);
        pod->n_containers = containers ? containers->n : 0;
        for (size_t i = 0; i < pod->n_containers; i++)
                convert_container(c, pod, containers->items[i],
                                  hv_arena_printf(c->arena, "%s.containers[%zu]", spec->path, i));
        if (pod->n_containers > 1)
                hv_convert_note(
                        c, containers->at.line,
                        "containers of a pod share an address; as services they reach each other by name, hive-%s-...",
                        pod->name);
        convert_volumes(c, pod, spec->path);
        tell_rest(&security);
}

static void convert_document(struct hv_convert *c, const struct hv_node *root, const char *kind) {
        bool is_deployment = hv_streq(kind, "Deployment");
        struct part d = part_of(c, root, ""), metadata = take_part(&d, "metadata"),
                    spec = take_part(&d, "spec"),
                    template = part_of(c, is_deployment ? take(&spec, "template") : NULL, "spec.template"),
                    inner = take_part(&template, "metadata"), pod_spec = take_part(&template, "spec");
        struct pod pod = { .name = take_text(&metadata, "name") };
        const struct hv_node *labels = take(&metadata, "labels"), *inner_labels = take(&inner, "labels");

        (void) take(&d, "apiVersion");
        (void) take(&d, "kind");
        pod.name = hv_convert_name(c, pod.name ? pod.name : "pod");
        pod.labels = inner_labels ? inner_labels : labels;
        if (is_deployment)
                pod.replicas = take_text(&spec, "replicas");
        convert_pod(c, &pod, is_deployment ? &pod_spec : &spec);
        tell_rest(&d);
        tell_rest(&metadata);
        tell_rest(&spec);
        tell_rest(&template);
        tell_rest(&inner);
        tell_rest(&pod_spec);
}

int hv_convert_kube(struct hv_convert *c, const struct hv_node *documents, struct hv_err *err) {
        for (size_t i = 0; i < documents->n; i++) {
                const struct hv_node *root = documents->items[i], *kind = hv_node_get(root, "kind");
                const char *name = kind && kind->type == HV_NODE_SCALAR ? kind->text : "";

                if (hv_streq(name, "Pod") || hv_streq(name, "Deployment"))
                        convert_document(c, root, name);
                else
                        hv_convert_note(c, root->at.line,
                                        "kind %s is not carried over; Pod and Deployment are",
                                        *name ? name : "(none)");
        }
        if (documents->n > 0 && hv_node_get(documents->items[0], "services"))
                return hv_err_set(err, -EINVAL, "this is a compose file; those are not converted yet");
        if (c->n_documents == 0)
                return hv_err_set(err, -EINVAL, "there is no container of a Pod or a Deployment in it");
        return 0;
}
