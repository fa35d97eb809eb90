/* docker/create.c - see create.h: check everything, then write the body. */
#include "docker/create.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "base/text.h"
#include "docker/body.h"
#include "docker/check.h"
#include "json/write.h"

/* What an engine gives a container that asks for nothing (moby: oci/caps/defaults.go). */
static const char *const default_capabilities[] = {
        "AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER", "FSETID",  "KILL",   "MKNOD",
        "NET_BIND_SERVICE", "NET_RAW", "SETFCAP",      "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
};

/* --- checks --- */

static int check_words(const char *field, const struct hv_strv *words, struct hv_err *err) {
        for (size_t i = 0; i < words->n; i++)
                if (!words->v[i] || !hv_utf8_is_valid(words->v[i], strlen(words->v[i]), NULL))
                        return hv_err_set(err, -EINVAL, "%s: word %zu is missing or not UTF-8", field, i + 1);
        return 0;
}

static int check_identity(const struct hv_docker_create *c, struct hv_err *err) {
        int r = hv_check_name("container name", c->name, err);

        if (r == 0)
                r = hv_check_image("image", c->image, err);
        if (r == 0 && c->user)
                r = hv_check_text("user", c->user, err);
        if (r == 0 && c->hostname)
                r = hv_check_name("hostname", c->hostname, err);
        if (r == 0 && c->workdir)
                r = hv_check_path("working directory", c->workdir, err);
        if (r == 0 && c->stop_signal)
                r = hv_check_signal("stop signal", c->stop_signal, err);
        if (r == 0 && c->has_command)
                r = check_words("command", &c->command, err);
        if (r == 0 && c->has_args)
                r = check_words("arguments", &c->args, err);
        for (size_t i = 0; r == 0 && i < c->env.n; i++)
                r = hv_check_env(c->env.v[i].name, c->env.v[i].value, err);
        return r < 0 ? r : hv_check_pairs("label", &c->labels, err);
}

static int check_network(const struct hv_docker_create *c, const struct hv_docker_policy *policy,
                         struct hv_err *err) {
        const char *mode = c->network_mode;
        int r = 0;

        if (mode && !hv_streq(mode, "none") && !hv_streq(mode, "host") && !hv_streq(mode, "bridge"))
                return hv_err_set(err, -EPERM, "network mode \"%s\" is none of none, host and bridge", mode);
        if (hv_streq(mode, "host") && !(policy && policy->host_network))
                return hv_err_set(err, -EPERM, "network mode \"host\" is denied by the node's policy");
        if (mode && c->network)
                return hv_err_set(err, -EINVAL, "network mode \"%s\" and network \"%s\" exclude each other",
                                  mode, c->network);
        if (c->network)
                r = hv_check_name("network", c->network, err);
        /* "container", "host" and the like have a meaning of their own as a mode. */
        if (r == 0 && c->network &&
            (hv_streq(c->network, "host") || hv_streq(c->network, "none") ||
             hv_streq(c->network, "container") || hv_streq(c->network, "ns")))
                return hv_err_set(err, -EPERM, "network \"%s\" is the name of a mode", c->network);
        if (r == 0 && c->aliases.n && !c->network)
                return hv_err_set(err, -EINVAL, "aliases need a network");
        for (size_t i = 0; r == 0 && i < c->aliases.n; i++)
                r = hv_check_name("network alias", c->aliases.v[i], err);
        return r;
}

static int check_ports(const struct hv_docker_create *c, struct hv_err *err) {
        for (size_t i = 0; i < c->n_ports; i++) {
                const struct hv_port *p = &c->ports[i];
                unsigned char binary[sizeof(struct in6_addr)];

                if (p->container == 0)
                        return hv_err_set(err, -EINVAL, "port 0 cannot be published");
                if (!hv_streq(p->protocol, "tcp") && !hv_streq(p->protocol, "udp") &&
                    !hv_streq(p->protocol, "sctp"))
                        return hv_err_set(err, -EINVAL,
                                          "port %u: protocol \"%s\" is none of tcp, udp and sctp",
                                          p->container, p->protocol ? p->protocol : "");
                /* An empty address would be published on every interface. */
                if (!p->address || (inet_pton(AF_INET, p->address, binary) != 1 &&
                                    inet_pton(AF_INET6, p->address, binary) != 1))
                        return hv_err_set(err, -EINVAL, "port %u: \"%s\" is not an address to listen on",
                                          p->container, p->address ? p->address : "");
        }
        return 0;
}

static int check_mount(const struct hv_mount *m, const struct hv_docker_policy *policy,
                       const struct hv_strv *private_paths, struct hv_err *err) {
        int r = hv_check_target(m->target, m->type == HV_MOUNT_TMPFS, err);

        if (r < 0)
                return r;
        switch (m->type) {
        case HV_MOUNT_VOLUME:
                /* A name without a slash: a path would be a bind mount in disguise, an empty one an anonymous volume. */
                return hv_check_name("volume", m->source, err);
        case HV_MOUNT_HOST_PATH:
                return hv_check_host_path(m->source, policy, private_paths, err);
        case HV_MOUNT_TMPFS:
                if (m->source)
                        return hv_err_set(err, -EINVAL, "tmpfs at \"%s\" has a source", m->target);
                return 0;
        case HV_MOUNT_PACKAGES:
        case HV_MOUNT_WORKSPACE:
                /* A directory of the agent's own making, which no document names: no policy is asked. */
                if (!m->source)
                        return hv_err_set(err, -EINVAL, "workspace at \"%s\" has no source", m->target);
                return hv_check_path("workspace", m->source, err);
        }
        return hv_err_set(err, -EINVAL, "mount at \"%s\" is of no known type", m->target);
}

static int check_mounts(const struct hv_docker_create *c, const struct hv_docker_policy *policy,
                        const struct hv_strv *private_paths, struct hv_err *err) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < c->n_mounts; i++) {
                r = check_mount(&c->mounts[i], policy, private_paths, err);
                for (size_t k = 0; r == 0 && k < i; k++)
                        if (hv_streq(c->mounts[i].target, c->mounts[k].target))
                                r = hv_err_set(err, -EINVAL, "two mounts have the target \"%s\"",
                                               c->mounts[i].target);
        }
        return r;
}

static bool contains(const char *const *v, size_t n, const char *text) {
        for (size_t i = 0; i < n; i++)
                if (hv_streq(v[i], text))
                        return true;
        return false;
}

static int check_capability(const char *name, struct hv_err *err) {
        if (hv_str_empty(name) || strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != strlen(name) ||
            hv_has_prefix(name, "CAP_"))
                return hv_err_set(err, -EINVAL, "\"%s\" is not a capability (upper case, without CAP_)",
                                  name ? name : "");
        return 0;
}

static int check_security(const struct hv_docker_create *c, const struct hv_docker_policy *policy,
                          struct hv_err *err) {
        const struct hv_strv *allowed = policy ? &policy->capabilities : NULL;
        int r = 0;

        if (c->privileged && !(policy && policy->privileged))
                return hv_err_set(err, -EPERM, "privileged is denied by the node's policy");
        for (size_t i = 0; r == 0 && i < c->cap_drop.n; i++)
                r = check_capability(c->cap_drop.v[i], err);
        for (size_t i = 0; r == 0 && i < c->cap_add.n; i++) {
                const char *name = c->cap_add.v[i];

                r = check_capability(name, err);
                if (r < 0)
                        return r;
                if (hv_streq(name, "ALL") ||
                    !(allowed && allowed->n
                              ? contains(allowed->v, allowed->n, name)
                              : contains(default_capabilities, HV_ARRAY_SIZE(default_capabilities), name)))
                        return hv_err_set(err, -EPERM, "capability %s is not in the node's policy", name);
        }
        return r;
}

static int check_limits(const struct hv_docker_create *c, struct hv_err *err) {
        if (c->limits.memory_bytes > INT64_MAX || c->limits.nano_cpus > INT64_MAX ||
            c->limits.pids > INT64_MAX)
                return hv_err_set(err, -EINVAL, "a limit is above 2^63 - 1");
        for (size_t i = 0; i < c->n_ulimits; i++) {
                const struct hv_docker_ulimit *u = &c->ulimits[i];

                if (hv_str_empty(u->name) ||
                    strspn(u->name, "abcdefghijklmnopqrstuvwxyz") != strlen(u->name) || u->soft < -1 ||
                    u->hard < -1 || (u->hard != -1 && (u->soft == -1 || u->soft > u->hard)))
                        return hv_err_set(err, -EINVAL, "ulimit \"%s\" is not a pair soft <= hard",
                                          u->name ? u->name : "");
        }
        /* "/" would lift the container out of every limit above it. */
        if (c->cgroup_parent) {
                char last = *c->cgroup_parent ? c->cgroup_parent[strlen(c->cgroup_parent) - 1] : '/';

                if (last == '/' || strstr(c->cgroup_parent, "..") ||
                    (*c->cgroup_parent == '/' ? hv_check_path("cgroup parent", c->cgroup_parent, err)
                                              : hv_check_slice("cgroup parent", c->cgroup_parent, err)) < 0)
                        return hv_err_set(err, -EINVAL, "cgroup parent \"%s\" is neither a path nor a slice",
                                          c->cgroup_parent);
        }
        return 0;
}

/* "GPU-<uuid>", "MIG-<uuid>" of an instance, and its older form "MIG-GPU-<uuid>/<gpu instance>/<compute instance>". */
static bool is_gpu_uuid(const char *text) {
        const char *prefix = hv_has_prefix(text, "MIG-GPU-") ? "MIG-GPU-"
                             : hv_has_prefix(text, "MIG-")   ? "MIG-"
                                                             : "GPU-";
        const char *rest = text + strlen(prefix);

        if (!hv_has_prefix(text, prefix) || !*rest)
                return false;
        rest += strspn(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");
        if (*rest == '/' && hv_streq(prefix, "MIG-GPU-"))
                rest += strspn(rest, "0123456789/");
        return *rest == '\0';
}

/* "all" and indexes are words of the driver's, too: a container would get what is somebody else's. */
static int check_gpus(const struct hv_docker_create *c, struct hv_err *err) {
        for (size_t i = 0; i < c->gpus.n; i++)
                if (!is_gpu_uuid(c->gpus.v[i]))
                        return hv_err_set(err, -EINVAL, "\"%s\" is not the UUID of a GPU", c->gpus.v[i]);
        return 0;
}

static int check_log(const struct hv_docker_create *c, struct hv_err *err) {
        static const char *const drivers[] = { "json-file", "local", "journald", "none" };

        if (c->log_driver && !contains(drivers, HV_ARRAY_SIZE(drivers), c->log_driver))
                return hv_err_set(err, -EPERM,
                                  "log driver \"%s\" is none of json-file, local, journald and none",
                                  c->log_driver);
        if (c->log_options.n && !c->log_driver)
                return hv_err_set(err, -EINVAL, "log options need a log driver");
        return hv_check_pairs("log option", &c->log_options, err);
}

static int check(const struct hv_docker_create *c, const struct hv_docker_policy *policy,
                 const struct hv_strv *private_paths, struct hv_err *err) {
        int r = check_identity(c, err);

        if (r == 0)
                r = check_security(c, policy, err);
        if (r == 0)
                r = check_network(c, policy, err);
        if (r == 0)
                r = check_ports(c, err);
        if (r == 0)
                r = check_mounts(c, policy, private_paths, err);
        if (r == 0)
                r = check_limits(c, err);
        if (r == 0)
                r = check_gpus(c, err);
        return r < 0 ? r : check_log(c, err);
}

/* --- the body --- */

static void put_config(struct hv_json_writer *w, const struct hv_docker_create *c) {
        hv_json_put_str(w, "Image", c->image);
        if (c->has_command)
                hv_put_words(w, "Entrypoint", &c->command);
        if (c->has_args)
                hv_put_words(w, "Cmd", &c->args);
        hv_put_text(w, "WorkingDir", c->workdir);
        hv_put_text(w, "Hostname", c->hostname);
        hv_put_text(w, "User", c->user);
        hv_json_begin_array(w, "Env");
        for (size_t i = 0; i < c->env.n; i++)
                hv_json_put_printf(w, NULL, "%s=%s", c->env.v[i].name, c->env.v[i].value);
        hv_json_end(w);
        hv_put_pairs(w, "Labels", &c->labels);
        hv_put_text(w, "StopSignal", c->stop_signal);
        if (c->stop_grace_us != HV_TIME_NEVER)
                hv_json_put_uint(
                        w, "StopTimeout",
                        HV_MIN(c->stop_grace_us / HV_USEC_PER_SEC + (c->stop_grace_us % HV_USEC_PER_SEC != 0),
                               (uint64_t) INT32_MAX));
}

static bool same_port(const struct hv_port *a, const struct hv_port *b) {
        return a->container == b->container && hv_streq(a->protocol, b->protocol);
}

static bool seen_before(const struct hv_docker_create *c, size_t i) {
        for (size_t k = 0; k < i; k++)
                if (same_port(&c->ports[k], &c->ports[i]))
                        return true;
        return false;
}

static void port_key(const struct hv_port *p, char *ret, size_t size) {
        (void) snprintf(ret, size, "%u/%s", p->container, p->protocol);
}

static void put_exposed(struct hv_json_writer *w, const struct hv_docker_create *c) {
        char key[16];

        hv_json_begin_object(w, "ExposedPorts");
        for (size_t i = 0; i < c->n_ports; i++) {
                if (seen_before(c, i))
                        continue;
                port_key(&c->ports[i], key, sizeof key);
                hv_json_begin_object(w, key);
                hv_json_end(w);
        }
        hv_json_end(w);
}

/* One port may be published several times. */
static void put_bindings(struct hv_json_writer *w, const struct hv_docker_create *c) {
        char key[16];

        hv_json_begin_object(w, "PortBindings");
        for (size_t i = 0; i < c->n_ports; i++) {
                if (seen_before(c, i))
                        continue;
                port_key(&c->ports[i], key, sizeof key);
                hv_json_begin_array(w, key);
                for (size_t k = i; k < c->n_ports; k++) {
                        const struct hv_port *p = &c->ports[k];

                        if (!same_port(p, &c->ports[i]))
                                continue;
                        hv_json_begin_object(w, NULL);
                        hv_json_put_str(w, "HostIp", p->address);
                        if (p->host)
                                hv_json_put_printf(w, "HostPort", "%u", p->host);
                        else
                                hv_json_put_str(w, "HostPort", "");
                        hv_json_end(w);
                }
                hv_json_end(w);
        }
        hv_json_end(w);
}

static void put_mount(struct hv_json_writer *w, const struct hv_mount *m) {
        static const char *const types[] = {
                [HV_MOUNT_VOLUME] = "volume",  [HV_MOUNT_HOST_PATH] = "bind", [HV_MOUNT_TMPFS] = "tmpfs",
                [HV_MOUNT_WORKSPACE] = "bind", [HV_MOUNT_PACKAGES] = "bind",
        };

        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "Type", types[m->type]);
        hv_put_text(w, "Source", m->source);
        hv_json_put_str(w, "Target", m->target);
        if (m->read_only)
                hv_json_put_bool(w, "ReadOnly", true);
        if (m->type == HV_MOUNT_HOST_PATH || m->type == HV_MOUNT_WORKSPACE || m->type == HV_MOUNT_PACKAGES) {
                hv_json_begin_object(w, "BindOptions");
                hv_json_put_str(w, "Propagation", "rprivate");
                hv_json_end(w);
        }
        if (m->type == HV_MOUNT_TMPFS) {
                hv_json_begin_object(w, "TmpfsOptions");
                hv_put_amount(w, "SizeBytes", m->size_bytes);
                /* runc up to 1.1 gives a mount point that it had to make 1777 at the first start and 0755 at every
                 * later one, whatever is said here; one that the image has keeps its mode (docs/podman.md). */
                hv_json_put_int(w, "Mode", 01777);
                hv_json_end(w);
        }
        hv_json_end(w);
}

static void put_limits(struct hv_json_writer *w, const struct hv_docker_create *c) {
        hv_put_amount(w, "Memory", c->limits.memory_bytes);
        hv_put_amount(w, "MemorySwap", c->limits.memory_bytes); /* the sum of both: no swap */
        hv_put_amount(w, "NanoCpus", c->limits.nano_cpus);
        hv_put_amount(w, "PidsLimit", c->limits.pids);
        hv_put_text(w, "CgroupParent", c->cgroup_parent);
        if (c->n_ulimits == 0)
                return;
        hv_json_begin_array(w, "Ulimits");
        for (size_t i = 0; i < c->n_ulimits; i++) {
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "Name", c->ulimits[i].name);
                hv_json_put_int(w, "Soft", c->ulimits[i].soft);
                hv_json_put_int(w, "Hard", c->ulimits[i].hard);
                hv_json_end(w);
        }
        hv_json_end(w);
}

/* What `docker run --gpus device=UUID` sends. */
static void put_gpus(struct hv_json_writer *w, const struct hv_docker_create *c) {
        hv_json_begin_array(w, "DeviceRequests");
        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "Driver", "nvidia");
        hv_put_words(w, "DeviceIDs", &c->gpus);
        hv_json_begin_array(w, "Capabilities");
        hv_json_begin_array(w, NULL);
        hv_json_put_str(w, NULL, "gpu");
        hv_json_end(w);
        hv_json_end(w);
        hv_json_end(w);
        hv_json_end(w);
}

static void put_host_config(struct hv_json_writer *w, const struct hv_docker_create *c) {
        hv_json_begin_object(w, "HostConfig");
        hv_put_text(w, "NetworkMode", c->network ? c->network : c->network_mode);
        if (c->n_ports)
                put_bindings(w, c);
        hv_json_begin_object(w,
                             "RestartPolicy"); /* restarts are hivelet's, with its own back-off and history */
        hv_json_put_str(w, "Name", "no");
        hv_json_end(w);
        if (c->log_driver) {
                hv_json_begin_object(w, "LogConfig");
                hv_json_put_str(w, "Type", c->log_driver);
                hv_put_pairs(w, "Config", &c->log_options);
                hv_json_end(w);
        }
        hv_json_begin_array(w, "Mounts");
        for (size_t i = 0; i < c->n_mounts; i++)
                put_mount(w, &c->mounts[i]);
        hv_json_end(w);
        put_limits(w, c);
        if (c->gpus.n)
                put_gpus(w, c);
        if (c->privileged)
                hv_json_put_bool(w, "Privileged", true);
        hv_json_put_bool(w, "ReadonlyRootfs", c->read_only_root);
        hv_json_put_bool(w, "Init", c->init);
        hv_put_words(w, "CapDrop", &c->cap_drop);
        hv_put_words(w, "CapAdd", &c->cap_add);
        hv_json_begin_array(w,
                            "SecurityOpt"); /* seccomp and AppArmor stay unset: the engine's own profiles */
        if (c->no_new_privileges)
                hv_json_put_str(w, NULL, "no-new-privileges");
        hv_json_end(w);
        hv_json_end(w);
}

static void put_networking(struct hv_json_writer *w, const struct hv_docker_create *c) {
        hv_json_begin_object(w, "NetworkingConfig");
        hv_json_begin_object(w, "EndpointsConfig");
        hv_json_begin_object(w, c->network);
        if (c->aliases.n)
                hv_put_words(w, "Aliases", &c->aliases);
        hv_json_end(w);
        hv_json_end(w);
        hv_json_end(w);
}

int hv_docker_create_body(const struct hv_docker_create *create, const struct hv_docker_policy *policy,
                          const struct hv_strv *private_paths, struct hv_buf *buf, struct hv_err *err) {
        struct hv_json_writer w = { .buf = buf };
        int r;

        r = check(create, policy, private_paths, err);
        if (r < 0)
                return hv_err_prefix(err, r, "container \"%s\"", create->name ? create->name : "");
        hv_json_begin_object(&w, NULL);
        put_config(&w, create);
        if (create->n_ports)
                put_exposed(&w, create);
        put_host_config(&w, create);
        if (create->network)
                put_networking(&w, create);
        hv_json_end(&w);
        return 0;
}
