/* Pods and Deployments of Kubernetes: each container becomes a service. */
#include "cli/convert_part.h"

#include <errno.h>
#include <strings.h>

#include "base/text.h"
#include "spec/node.h"

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

static void put_seconds(struct hv_part *p, const char *key, const char *name) {
        const char *text = hv_part_text(p, key);

        if (text)
                hv_convert_put(&p->c->w, name, hv_arena_printf(p->c->arena, "%ss", text));
}

static void put_list(struct hv_part *p, const char *key, const char *name) {
        const struct hv_node *list = hv_part_list(p, key);

        if (!list || list->n == 0)
                return;
        hv_json_begin_array(&p->c->w, name);
        for (size_t i = 0; i < list->n; i++)
                hv_convert_put(&p->c->w, NULL,
                               list->items[i]->type == HV_NODE_SCALAR ? list->items[i]->text : "");
        hv_json_end(&p->c->w);
}

static void put_env(struct hv_part *k) {
        const struct hv_node *list = hv_part_list(k, "env");
        struct hv_json_writer *w = &k->c->w;

        if (list)
                hv_json_begin_array(w, "env");
        for (size_t i = 0; list && i < list->n; i++) {
                struct hv_part e = hv_part_of(k->c, list->items[i], hv_part_item(k, "env", i));
                const char *name = hv_part_text(&e, "name"), *value = hv_part_text(&e, "value");

                if (name && !hv_node_get(e.map, "valueFrom")) {
                        hv_json_begin_object(w, NULL);
                        hv_convert_put(w, "name", name);
                        hv_convert_put(w, "value", value ? value : "");
                        hv_json_end(w);
                }
                hv_part_tell_rest(&e);
        }
        if (list)
                hv_json_end(w);
}

/* What Kubernetes publishes is what has a port of the host; the others only say what the program does. */
static void put_port(struct hv_part *k, const struct hv_node *port, size_t i) {
        struct hv_part p = hv_part_of(k->c, port, hv_part_item(k, "ports", i));
        const char *container = hv_part_text(&p, "containerPort"), *host = hv_part_text(&p, "hostPort"),
                   *name = hv_part_text(&p, "name"), *address = hv_part_text(&p, "hostIP"),
                   *protocol = hv_part_text(&p, "protocol");
        struct hv_json_writer *w = &k->c->w;

        if (host) {
                hv_json_begin_object(w, NULL);
                hv_convert_put(w, "name", name);
                hv_convert_put_number(w, "container", container);
                hv_convert_put(w, "host", host);
                hv_convert_put(w, "bind", address ? address : "public");
                if (protocol)
                        hv_convert_put(w, "protocol",
                                       strcasecmp(protocol, "UDP") == 0    ? "udp"
                                       : strcasecmp(protocol, "SCTP") == 0 ? "sctp"
                                                                           : "tcp");
                hv_json_end(w);
        } else if (port->type == HV_NODE_MAPPING)
                hv_convert_note(k->c, port->at.line, "%s has no hostPort: it is not published", p.path);
        hv_part_tell_rest(&p);
}

static void put_ports(struct hv_part *k, const struct hv_node *list) {
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
static bool put_source(struct hv_part *k, struct pod *pod, const char *name) {
        struct hv_json_writer *w = &k->c->w;

        for (size_t i = 0; pod->volumes && i < pod->volumes->n; i++) {
                const struct hv_node *v = pod->volumes->items[i], *n;

                if (!hv_streq(hv_node_get(v, "name") ? hv_node_get(v, "name")->text : NULL, name))
                        continue;
                pod->mounted[i] = true;
                if ((n = hv_node_get(v, "hostPath")) && hv_node_get(n, "path"))
                        hv_convert_put(w, "hostPath", hv_node_get(n, "path")->text);
                else if ((n = hv_node_get(v, "persistentVolumeClaim")) && hv_node_get(n, "claimName"))
                        hv_convert_put(w, "volume", hv_convert_name(k->c, hv_node_get(n, "claimName")->text));
                else if ((n = hv_node_get(v, "emptyDir")) && hv_node_get(n, "medium"))
                        hv_convert_put(w, "tmpfs",
                                       hv_node_get(n, "sizeLimit") ? hv_node_get(n, "sizeLimit")->text
                                                                   : HV_CONVERT_TMPFS);
                else if (n)
                        hv_convert_put(w, "volume",
                                       hv_convert_name(
                                               k->c, hv_arena_printf(k->c->arena, "%s-%s", pod->name, name)));
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

static void put_mounts(struct hv_part *k, struct pod *pod) {
        const struct hv_node *list = hv_part_list(k, "volumeMounts");
        struct hv_json_writer *w = &k->c->w;

        if (list)
                hv_json_begin_array(w, "mounts");
        for (size_t i = 0; list && i < list->n; i++) {
                struct hv_part m = hv_part_of(k->c, list->items[i], hv_part_item(k, "volumeMounts", i));
                const char *name = hv_part_text(&m, "name"), *target = hv_part_text(&m, "mountPath"),
                           *read_only = hv_part_text(&m, "readOnly");

                if (can_be_mounted(pod, name)) {
                        hv_json_begin_object(w, NULL);
                        (void) put_source(k, pod, name);
                        hv_convert_put(w, "target", target);
                        if (hv_convert_is_true(read_only))
                                hv_json_put_bool(w, "readOnly", true);
                        hv_json_end(w);
                } else if (m.map)
                        hv_convert_note(k->c, m.map->at.line,
                                        "%s is not carried over: volume %s is no hostPath, claim or emptyDir",
                                        m.path, name ? name : "?");
                hv_part_tell_rest(&m);
        }
        if (list)
                hv_json_end(w);
}

static void put_amounts(struct hv_part *r, const char *key) {
        struct hv_part p = hv_part_below(r, key);
        const char *cpu = hv_part_text(&p, "cpu"), *memory = hv_part_text(&p, "memory");

        if (cpu || memory) {
                hv_json_begin_object(&r->c->w, key);
                hv_convert_put(&r->c->w, "cpu", cpu);
                hv_convert_put(&r->c->w, "memory", memory);
                hv_json_end(&r->c->w);
        }
        hv_part_tell_rest(&p);
}

static void put_resources(struct hv_part *k) {
        struct hv_part r = hv_part_below(k, "resources");

        if (!r.map)
                return;
        hv_json_begin_object(&k->c->w, "resources");
        put_amounts(&r, "requests");
        put_amounts(&r, "limits");
        hv_json_end(&k->c->w);
        hv_part_tell_rest(&r);
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

static void put_way(struct hv_part *probe, const char *from, const char *to, const struct hv_node *ports) {
        struct hv_part p = hv_part_below(probe, from);
        struct hv_json_writer *w = &probe->c->w;
        const char *scheme;

        if (!p.map)
                return;
        hv_json_begin_object(w, to);
        hv_convert_put(w, "port", port_number(ports, hv_part_text(&p, "port")));
        if (hv_streq(to, "http")) {
                hv_convert_put(w, "path", hv_part_text(&p, "path"));
                scheme = hv_part_text(&p, "scheme");
                if (scheme)
                        hv_convert_put(w, "scheme", strcasecmp(scheme, "HTTPS") == 0 ? "https" : "http");
        }
        hv_json_end(w);
        hv_part_tell_rest(&p);
}

static void put_probe(struct hv_part *k, const char *from, const char *to, const struct hv_node *ports) {
        struct hv_part p = hv_part_below(k, from), exec;

        if (!p.map)
                return;
        hv_json_begin_object(&k->c->w, to);
        put_way(&p, "httpGet", "http", ports);
        put_way(&p, "tcpSocket", "tcp", ports);
        put_way(&p, "grpc", "grpc", ports);
        exec = hv_part_below(&p, "exec");
        put_list(&exec, "command", "exec");
        hv_part_tell_rest(&exec);
        put_seconds(&p, "periodSeconds", "period");
        put_seconds(&p, "timeoutSeconds", "timeout");
        put_seconds(&p, "initialDelaySeconds", "initialDelay");
        hv_convert_put_number(&k->c->w, "failureThreshold", hv_part_text(&p, "failureThreshold"));
        hv_convert_put_number(&k->c->w, "successThreshold", hv_part_text(&p, "successThreshold"));
        hv_json_end(&k->c->w);
        hv_part_tell_rest(&p);
}

static void put_security(struct hv_part *k, const struct pod *pod) {
        struct hv_part s = hv_part_below(k, "securityContext"), caps = hv_part_below(&s, "capabilities");
        const char *user = hv_part_text(&s, "runAsUser"), *group = hv_part_text(&s, "runAsGroup"),
                   *escalation = hv_part_text(&s, "allowPrivilegeEscalation");
        struct hv_json_writer *w = &k->c->w;

        user = user ? user : pod->user;
        group = group ? group : pod->group;
        if (!s.map && !user)
                return;
        hv_json_begin_object(w, "security");
        if (user)
                hv_convert_put(w, "user", group ? hv_arena_printf(k->c->arena, "%s:%s", user, group) : user);
        if (hv_convert_is_true(hv_part_text(&s, "readOnlyRootFilesystem")))
                hv_json_put_bool(w, "readOnlyRoot", true);
        if (hv_convert_is_true(hv_part_text(&s, "privileged")))
                hv_json_put_bool(w, "privileged", true);
        if (escalation)
                hv_json_put_bool(w, "noNewPrivileges", !hv_convert_is_true(escalation));
        put_list(&caps, "add", "addCapabilities");
        put_list(&caps, "drop", "dropCapabilities");
        hv_json_end(w);
        hv_part_tell_rest(&caps);
        hv_part_tell_rest(&s);
}

static void put_restart(struct hv_json_writer *w, const char *policy) {
        if (!policy)
                return;
        hv_json_begin_object(w, "restart");
        hv_convert_put(w, "policy",
                       hv_streq(policy, "OnFailure") ? "onFailure"
                       : hv_streq(policy, "Never")   ? "never"
                                                     : "always");
        hv_json_end(w);
}

static void convert_container(struct hv_convert *c, struct pod *pod, const struct hv_node *container,
                              const char *path) {
        struct hv_part k = hv_part_of(c, container, path);
        const char *name = hv_part_text(&k, "name"), *pull = hv_part_text(&k, "imagePullPolicy");
        const struct hv_node *ports = hv_part_list(&k, "ports");
        struct hv_json_writer *w = &c->w;

        if (!k.map)
                return;
        if (pod->n_containers > 1)
                name = hv_arena_printf(c->arena, "%s-%s", pod->name, name ? name : "container");
        else
                name = pod->name;
        hv_convert_open(c, "Service", hv_convert_name(c, name), pod->labels);
        hv_convert_put(w, "image", hv_part_text(&k, "image"));
        if (pull)
                hv_convert_put(w, "pullPolicy",
                               hv_streq(pull, "Always")  ? "always"
                               : hv_streq(pull, "Never") ? "never"
                                                         : "missing");
        hv_convert_put_number(w, "replicas", pod->replicas);
        put_list(&k, "command", "command");
        put_list(&k, "args", "args");
        hv_convert_put(w, "workdir", hv_part_text(&k, "workingDir"));
        hv_convert_put(w, "hostname", pod->hostname);
        put_env(&k);
        if (pod->in_host_network)
                hv_convert_put(w, "network", "host");
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
                hv_convert_put(w, "grace", hv_arena_printf(c->arena, "%ss", pod->grace));
                hv_json_end(w);
        }
        hv_convert_close(c);
        hv_part_tell_rest(&k);
}

/* Named volumes that something mounts get a document; keys of volumes that are not read are told. */
static void convert_volumes(struct hv_convert *c, const struct pod *pod, const char *path) {
        for (size_t i = 0; pod->volumes && i < pod->volumes->n; i++) {
                struct hv_part v = hv_part_of(c, pod->volumes->items[i],
                                              hv_arena_printf(c->arena, "%s.volumes[%zu]", path, i));
                const char *name = hv_part_text(&v, "name");
                struct hv_part host = hv_part_below(&v, "hostPath"),
                               claim = hv_part_below(&v, "persistentVolumeClaim"),
                               empty = hv_part_below(&v, "emptyDir");
                const char *claimed = hv_part_text(&claim, "claimName");
                bool in_memory = hv_part_take(&empty, "medium") != NULL;

                (void) hv_part_take(&host, "path");
                if (in_memory && !hv_part_take(&empty, "sizeLimit"))
                        hv_convert_note(c, v.map->at.line, "%s has no sizeLimit: it gets " HV_CONVERT_TMPFS,
                                        v.path);
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
                hv_part_tell_rest(&host);
                hv_part_tell_rest(&claim);
                hv_part_tell_rest(&empty);
                hv_part_tell_rest(&v);
        }
}

static void convert_pod(struct hv_convert *c, struct pod *pod, struct hv_part *spec) {
        struct hv_part security = hv_part_below(spec, "securityContext");
        const struct hv_node *containers = hv_part_list(spec, "containers");

        pod->restart = hv_part_text(spec, "restartPolicy");
        pod->hostname = hv_part_text(spec, "hostname");
        pod->grace = hv_part_text(spec, "terminationGracePeriodSeconds");
        pod->in_host_network = hv_convert_is_true(hv_part_text(spec, "hostNetwork"));
        pod->user = hv_part_text(&security, "runAsUser");
        pod->group = hv_part_text(&security, "runAsGroup");
        pod->volumes = hv_part_list(spec, "volumes");
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
        hv_part_tell_rest(&security);
}

static void convert_document(struct hv_convert *c, const struct hv_node *root, const char *kind) {
        bool is_deployment = hv_streq(kind, "Deployment");
        struct hv_part d = hv_part_of(c, root, ""), metadata = hv_part_below(&d, "metadata"),
                       spec = hv_part_below(&d, "spec"),
                       template = hv_part_of(c, is_deployment ? hv_part_take(&spec, "template") : NULL,
                                             "spec.template"),
                       inner = hv_part_below(&template, "metadata"),
                       pod_spec = hv_part_below(&template, "spec");
        struct pod pod = { .name = hv_part_text(&metadata, "name") };
        const struct hv_node *labels = hv_part_take(&metadata, "labels"),
                             *inner_labels = hv_part_take(&inner, "labels");

        (void) hv_part_take(&d, "apiVersion");
        (void) hv_part_take(&d, "kind");
        pod.name = hv_convert_name(c, pod.name ? pod.name : "pod");
        pod.labels = inner_labels ? inner_labels : labels;
        if (is_deployment)
                pod.replicas = hv_part_text(&spec, "replicas");
        convert_pod(c, &pod, is_deployment ? &pod_spec : &spec);
        hv_part_tell_rest(&d);
        hv_part_tell_rest(&metadata);
        hv_part_tell_rest(&spec);
        hv_part_tell_rest(&template);
        hv_part_tell_rest(&inner);
        hv_part_tell_rest(&pod_spec);
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
        if (c->n_documents == 0)
                return hv_err_set(err, -EINVAL, "there is no container of a Pod or a Deployment in it");
        return 0;
}
