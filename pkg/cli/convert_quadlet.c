/* A .container file of quadlet (podman-systemd.unit(5)) as a service. */
#include "cli/convert.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

#include "base/text.h"

/* What may stand several times is gathered; of the rest the last one counts, as systemd has it. */
struct unit {
        struct hv_convert *c;
        const char *image, *name, *hostname, *user, *group, *workdir, *pull, *grace, *signal, *restart,
                *memory, *pids;
        struct hv_convert_words exec, entrypoint, environment, ports, volumes, networks, labels, add, drop,
                tmpfs;
        bool read_only, no_new_privileges;
};

/* ---- keys ---- */

/* An empty value takes back what was said before. */
static void gather(struct unit *u, struct hv_convert_words *list, const char *value) {
        if (*value)
                hv_convert_split(u->c, value, false, list);
        else
                hv_vec_clear(&list->v);
}

static bool take_list(struct unit *u, const char *key, const char *value) {
        const struct {
                const char *key;
                struct hv_convert_words *list;
        } lists[] = {
                { "Environment", &u->environment },
                { "PublishPort", &u->ports },
                { "Volume", &u->volumes },
                { "Network", &u->networks },
                { "Label", &u->labels },
                { "AddCapability", &u->add },
                { "DropCapability", &u->drop },
                { "Tmpfs", &u->tmpfs },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(lists); i++) {
                if (hv_streq(key, lists[i].key)) {
                        gather(u, lists[i].list, value);
                        return true;
                }
        }
        return false;
}

static bool take_text(struct unit *u, const char *key, const char *value) {
        const struct {
                const char *key, **text;
        } texts[] = {
                { "Image", &u->image },   { "ContainerName", &u->name }, { "HostName", &u->hostname },
                { "User", &u->user },     { "Group", &u->group },        { "WorkingDir", &u->workdir },
                { "Pull", &u->pull },     { "StopTimeout", &u->grace },  { "StopSignal", &u->signal },
                { "Memory", &u->memory }, { "PidsLimit", &u->pids },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(texts); i++) {
                if (hv_streq(key, texts[i].key)) {
                        *texts[i].text = *value ? hv_arena_strdup(u->c->arena, value) : NULL;
                        return true;
                }
        }
        return false;
}

static bool take_container(struct unit *u, const char *key, const char *value) {
        if (hv_streq(key, "Exec") || hv_streq(key, "Entrypoint")) {
                struct hv_convert_words *list = hv_streq(key, "Exec") ? &u->exec : &u->entrypoint;

                hv_vec_clear(&list->v);
                hv_convert_split(u->c, value, false, list);
                return true;
        }
        if (hv_streq(key, "ReadOnly"))
                u->read_only = hv_convert_is_true(value);
        else if (hv_streq(key, "NoNewPrivileges"))
                u->no_new_privileges = hv_convert_is_true(value);
        else
                return take_list(u, key, value) || take_text(u, key, value);
        return true;
}

static void take_line(struct unit *u, unsigned line, const char *section, const char *key,
                      const char *value) {
        bool is_taken = false;

        if (hv_streq(section, "Container"))
                is_taken = take_container(u, key, value);
        else if (hv_streq(section, "Service") && hv_streq(key, "Restart")) {
                u->restart = hv_arena_strdup(u->c->arena, value);
                is_taken = true;
        }
        if (!is_taken)
                hv_convert_note(u->c, line, "[%s] %s is not carried over", section, key);
}

/* ---- the file ---- */

static void read_lines(struct unit *u, const char *text, size_t len) {
        const char *section = "", *end = text + len;
        unsigned line = 0;

        while (text < end) {
                _hv_cleanup_(hv_buf_done) struct hv_buf whole = {};
                unsigned first = line + 1;
                bool goes_on = true;
                char *equals, *s;

                while (goes_on && text < end) {
                        const char *stop = memchr(text, '\n', (size_t) (end - text));
                        size_t n = (size_t) ((stop ? stop : end) - text);

                        line++;
                        goes_on = n > 0 && text[n - 1] == '\\';
                        hv_buf_add(&whole, text, n - goes_on);
                        if (goes_on)
                                hv_buf_putc(&whole, ' ');
                        text = stop ? stop + 1 : end;
                }
                s = hv_arena_strdup(u->c->arena, hv_buf_str(&whole));
                s += strspn(s, " \t");
                for (size_t n = strlen(s); n > 0 && isspace((unsigned char) s[n - 1]); n--)
                        s[n - 1] = '\0';
                equals = strchr(s, '=');
                if (!*s || *s == '#' || *s == ';')
                        continue;
                if (*s == '[') {
                        s[strcspn(s, "]")] = '\0';
                        section = s + 1;
                } else if (equals) {
                        char *key_end = equals;

                        while (key_end > s && isspace((unsigned char) key_end[-1]))
                                key_end--;
                        *key_end = '\0';
                        take_line(u, first, section, s, equals + 1 + strspn(equals + 1, " \t"));
                } else
                        hv_convert_note(u->c, first, "expected KEY=VALUE, found \"%s\": left out", s);
        }
}

/* ---- the document ---- */

static void put_environment(struct unit *u) {
        if (u->environment.v.n == 0)
                return;
        hv_json_begin_array(&u->c->w, "env");
        for (size_t i = 0; i < u->environment.v.n; i++)
                hv_convert_put_pair(u->c, u->environment.v.v[i]);
        hv_json_end(&u->c->w);
}

static void put_ports(struct unit *u) {
        if (u->ports.v.n == 0)
                return;
        hv_json_begin_array(&u->c->w, "ports");
        for (size_t i = 0; i < u->ports.v.n; i++) {
                struct hv_convert_port port;

                hv_convert_read_port(u->c, u->ports.v.v[i], &port);
                hv_convert_put_port(u->c, 0, hv_arena_printf(u->c->arena, "PublishPort=%s", u->ports.v.v[i]),
                                    &port);
        }
        hv_json_end(&u->c->w);
}

/* "data.volume:/data:ro,Z", "/srv:/srv", "/data" (a volume without a name, which is not carried over). */
static const char *volume_name(struct unit *u, const char *source) {
        size_t len = strlen(source), suffix = strlen(".volume");

        if (len > suffix && hv_streq(source + len - suffix, ".volume"))
                source = hv_arena_strndup(u->c->arena, source, len - suffix);
        return hv_convert_name(u->c, source);
}

static void put_mount(struct unit *u, const char *text) {
        struct hv_json_writer *w = &u->c->w;
        const char *source, *target;
        char *options;

        hv_convert_read_mount(u->c, text, &source, &target, &options);
        if (!source) {
                hv_convert_note(u->c, 0, "Volume=%s has no source: it is not carried over", text);
                return;
        }
        hv_json_begin_object(w, NULL);
        if (*source == '/' || *source == '.')
                hv_convert_put(w, "hostPath", source);
        else
                hv_convert_put(w, "volume", volume_name(u, source));
        hv_convert_put(w, "target", target);
        hv_convert_put_mount_options(u->c, 0, hv_arena_printf(u->c->arena, "Volume=%s", text), options);
        hv_json_end(w);
}

static void put_mounts(struct unit *u) {
        struct hv_json_writer *w = &u->c->w;

        if (u->volumes.v.n + u->tmpfs.v.n == 0)
                return;
        hv_json_begin_array(w, "mounts");
        for (size_t i = 0; i < u->volumes.v.n; i++)
                put_mount(u, u->volumes.v.v[i]);
        for (size_t i = 0; i < u->tmpfs.v.n; i++)
                hv_convert_put_tmpfs(u->c, 0, hv_arena_printf(u->c->arena, "Tmpfs=%s", u->tmpfs.v.v[i]),
                                     u->tmpfs.v.v[i]);
        hv_json_end(w);
}

/* "host", "none", or "NAME.network", which is to be declared. */
static void put_networks(struct unit *u) {
        struct hv_json_writer *w = &u->c->w;
        const struct hv_convert_words *n = &u->networks;

        if (n->v.n == 1 && (hv_streq(n->v.v[0], "host") || hv_streq(n->v.v[0], "none"))) {
                hv_convert_put(w, "network", n->v.v[0]);
                return;
        }
        if (n->v.n > 0)
                hv_json_begin_array(w, "networks");
        for (size_t i = 0; i < n->v.n; i++) {
                size_t len = strcspn(n->v.v[i], ":.");

                hv_json_begin_object(w, NULL);
                hv_convert_put(w, "name",
                               hv_convert_name(u->c, hv_arena_strndup(u->c->arena, n->v.v[i], len)));
                hv_json_end(w);
                if (n->v.v[i][len] && !hv_streq(n->v.v[i] + len, ".network"))
                        hv_convert_note(u->c, 0, "options of Network=%s are not carried over", n->v.v[i]);
        }
        if (n->v.n > 0)
                hv_json_end(w);
}

static void put_limits(struct unit *u) {
        struct hv_json_writer *w = &u->c->w;
        long long pids = u->pids ? strtoll(u->pids, NULL, 10) : 0;

        if (!u->memory && pids <= 0)
                return;
        hv_json_begin_object(w, "resources");
        hv_json_begin_object(w, "limits");
        if (u->memory)
                hv_convert_put(w, "memory", hv_convert_bytes(u->c, u->memory));
        if (pids > 0)
                hv_json_put_int(w, "pids", pids);
        hv_json_end(w);
        hv_json_end(w);
}

static void put_security(struct unit *u) {
        struct hv_json_writer *w = &u->c->w;

        hv_json_begin_object(w, "security");
        if (u->user)
                hv_convert_put(w, "user",
                               u->group ? hv_arena_printf(u->c->arena, "%s:%s", u->user, u->group) : u->user);
        if (u->read_only)
                hv_json_put_bool(w, "readOnlyRoot", true);
        if (!u->no_new_privileges) /* podman's default; hivelet's is true */
                hv_json_put_bool(w, "noNewPrivileges", false);
        hv_convert_put_words(w, "addCapabilities", &u->add);
        hv_convert_put_words(w, "dropCapabilities", &u->drop);
        hv_json_end(w);
}

/* systemd's default is no restart. */
static void put_ending(struct unit *u) {
        struct hv_json_writer *w = &u->c->w;
        const char *r = u->restart ? u->restart : "no";

        hv_json_begin_object(w, "restart");
        hv_convert_put(w, "policy",
                       hv_streq(r, "always") || hv_streq(r, "on-success") ? "always"
                       : hv_has_prefix(r, "on-")                          ? "onFailure"
                                                                          : "never");
        hv_json_end(w);
        if (!u->grace && !u->signal)
                return;
        hv_json_begin_object(w, "stop");
        hv_convert_put(w, "signal", hv_convert_signal(u->signal));
        if (u->grace)
                hv_convert_put(w, "grace", hv_arena_printf(u->c->arena, "%ss", u->grace));
        hv_json_end(w);
}

static void put_service(struct unit *u, const char *name) {
        struct hv_json_writer *w = &u->c->w;

        hv_convert_open(u->c, "Service", name, NULL);
        hv_convert_put(w, "image", u->image);
        if (u->labels.v.n > 0)
                hv_json_begin_object(w, "labels");
        for (size_t i = 0; i < u->labels.v.n; i++) {
                const char *pair = u->labels.v.v[i], *equals = strchr(pair, '=');

                hv_convert_put(w,
                               equals ? hv_arena_strndup(u->c->arena, pair, (size_t) (equals - pair)) : pair,
                               equals ? equals + 1 : "");
        }
        if (u->labels.v.n > 0)
                hv_json_end(w);
        hv_convert_put(w, "pullPolicy", u->pull && hv_streq(u->pull, "newer") ? "always" : u->pull);
        hv_convert_put_words(w, "command", &u->entrypoint);
        hv_convert_put_words(w, "args", &u->exec);
        hv_convert_put(w, "workdir", u->workdir);
        hv_convert_put(w, "hostname", u->hostname);
        put_environment(u);
        put_networks(u);
        put_mounts(u);
        put_ports(u);
        put_limits(u);
        put_ending(u);
        put_security(u);
        hv_convert_close(u->c);
        for (size_t i = 0; i < u->volumes.v.n; i++) {
                const char *v = u->volumes.v.v[i];

                if (strchr(v, ':') && *v != '/' && *v != '.')
                        hv_convert_volume(u->c,
                                          volume_name(u, hv_arena_strndup(u->c->arena, v, strcspn(v, ":"))));
        }
}

static void words_done(struct unit *u) {
        struct hv_convert_words *all[] = { &u->exec,    &u->entrypoint, &u->environment, &u->ports,
                                           &u->volumes, &u->networks,   &u->labels,      &u->add,
                                           &u->drop,    &u->tmpfs };

        for (size_t i = 0; i < HV_ARRAY_SIZE(all); i++)
                hv_vec_done(&all[i]->v);
}

int hv_convert_quadlet(struct hv_convert *c, const char *unit, const char *text, size_t len,
                       struct hv_err *err) {
        struct unit u = { .c = c };
        int r = 0;

        read_lines(&u, text, len);
        if (u.image)
                put_service(&u, hv_convert_name(c, u.name ? u.name : unit));
        else
                r = hv_err_set(err, -EINVAL, "there is no Image= in a section [Container]");
        words_done(&u);
        return r;
}
