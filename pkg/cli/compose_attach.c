/* What is attached to a service of a compose file: networks, mounts, ports, files of secrets and configs. */
#include <errno.h>

#include "base/text.h"
#include "cli/convert_compose.h"

/* ---- networks ---- */

static void add_alias(struct hv_compose_service *s, struct hv_convert_words *list, const char *alias,
                      unsigned line) {
        for (size_t i = 0; i < list->v.n; i++)
                if (hv_streq(list->v.v[i], alias))
                        return;
        if (hv_text_is_dns_name(alias) && strlen(alias) <= 63)
                hv_vec_push(&list->v, alias);
        else
                hv_convert_note(
                        s->m->c, line,
                        "%s: the name %s is not carried over: letters, digits, '-' and '.' only; others reach it as %s",
                        s->part.path, alias, s->name);
}

/* Under the names that it has with Docker: its own, the container's, and what the network says. */
static void put_network(struct hv_compose_service *s, const char *key, const struct hv_node *options,
                        const char *container) {
        struct hv_compose *m = s->m;
        struct hv_part o =
                hv_part_of(m->c, options, hv_arena_printf(m->c->arena, "%s.networks.%s", s->part.path, key));
        const struct hv_node *aliases = hv_part_list(&o, "aliases");
        struct hv_convert_words names = {};

        hv_compose_use(&m->networks, key);
        add_alias(s, &names, s->name, 0);
        add_alias(s, &names, s->key, hv_part_line(&s->part));
        if (container)
                add_alias(s, &names, container, hv_part_line(&s->part));
        for (size_t i = 0; aliases && i < aliases->n; i++)
                add_alias(s, &names, aliases->items[i]->text ? aliases->items[i]->text : "",
                          aliases->items[i]->at.line);
        hv_json_begin_object(&m->c->w, NULL);
        hv_convert_put(&m->c->w, "name", hv_compose_name(m, &m->networks, key));
        hv_convert_put_words(&m->c->w, "aliases", &names);
        hv_json_end(&m->c->w);
        hv_vec_done(&names.v);
        hv_compose_tell_rest(&o);
}

int hv_compose_put_networks(struct hv_compose_service *s) {
        const struct hv_node *n = hv_part_take(&s->part, "networks");
        const char *mode = hv_part_text(&s->part, "network_mode"),
                   *container = hv_part_text(&s->part, "container_name");
        struct hv_json_writer *w = &s->m->c->w;

        if (container)
                hv_convert_note(
                        s->m->c, hv_part_line(&s->part),
                        "%s.container_name %s: the container is called hive-%s, and %s is a name of it for others",
                        s->part.path, container, s->name, container);
        if (mode && strchr(mode, ':'))
                return hv_err_set(
                        s->m->err, -EINVAL,
                        "line %u: %s.network_mode %s: hivelet has no containers that share a network; "
                        "without it this one would be in another, maybe an open one",
                        hv_part_line(&s->part), s->part.path, mode);
        s->is_host_network = hv_streq(mode, "host");
        if (s->is_host_network || hv_streq(mode, "none")) {
                hv_convert_put(w, "network", mode);
                return 0;
        }
        if (mode)
                hv_convert_note(s->m->c, hv_part_line(&s->part),
                                "%s.network_mode %s is not carried over: it joins the network of the project",
                                s->part.path, mode);
        hv_json_begin_array(w, "networks");
        for (size_t i = 0; n && i < n->n; i++) {
                bool is_list = n->type == HV_NODE_SEQUENCE;
                const struct hv_node *key = is_list ? n->items[i] : n->pairs[i].key;

                if (key->type == HV_NODE_SCALAR)
                        put_network(s, key->text, is_list ? NULL : n->pairs[i].value, container);
        }
        if (!n || n->n == 0)
                put_network(s, "default", NULL, container);
        hv_json_end(w);
        return 0;
}

/* ---- mounts ---- */

static void put_volume(struct hv_compose_service *s, const char *source) {
        const char *bound = hv_compose_bound(s->m, source);

        hv_compose_use(&s->m->volumes, source);
        if (bound) {
                hv_convert_put(&s->m->c->w, "hostPath", hv_compose_path(s->m, bound));
                return;
        }
        hv_convert_put(&s->m->c->w, "volume", hv_compose_name(s->m, &s->m->volumes, source));
}

/* Docker makes a volume without a name; here each has one. */
static void put_anonymous(struct hv_compose_service *s, const char *target, unsigned line) {
        struct hv_compose *m = s->m;
        const char *name = hv_convert_name(
                m->c, hv_arena_printf(m->c->arena, "%s-%s", s->name, target + (*target == '/')));

        hv_vec_push(&m->anonymous.v, name);
        hv_convert_put(&m->c->w, "volume", name);
        hv_convert_note(m->c, line,
                        "%s: the volume at %s gets a name, %s: what is in it outlives the container",
                        s->part.path, target, name);
}

static void put_short_mount(struct hv_compose_service *s, const char *text, const char *path, unsigned line) {
        struct hv_json_writer *w = &s->m->c->w;
        const char *source, *target;
        char *options;

        hv_convert_read_mount(s->m->c, text, &source, &target, &options);
        hv_json_begin_object(w, NULL);
        if (!source)
                put_anonymous(s, target, line);
        else if (strchr("/.~", *source))
                hv_convert_put(w, "hostPath", hv_compose_path(s->m, source));
        else
                put_volume(s, source);
        hv_convert_put(w, "target", target);
        hv_convert_put_mount_options(s->m->c, line, path, options);
        hv_json_end(w);
}

static void put_memory(struct hv_compose_service *s, struct hv_part *mount) {
        struct hv_part t = hv_part_below(mount, "tmpfs");
        const char *size = hv_part_text(&t, "size");

        if (!size)
                hv_convert_note(s->m->c, hv_part_line(mount), "%s says no size: it gets " HV_CONVERT_TMPFS,
                                mount->path);
        hv_convert_put(&s->m->c->w, "tmpfs", size ? hv_convert_bytes(s->m->c, size) : HV_CONVERT_TMPFS);
        hv_compose_tell_rest(&t);
}

static void put_long_mount(struct hv_compose_service *s, const struct hv_node *mount, const char *path) {
        struct hv_part v = hv_part_of(s->m->c, mount, path), bind, volume;
        const char *type = hv_part_text(&v, "type"), *source = hv_part_text(&v, "source"),
                   *target = hv_part_text(&v, "target");
        struct hv_json_writer *w = &s->m->c->w;

        if (!target || (hv_streq(type, "bind") && !source) ||
            (type && !hv_streq(type, "bind") && !hv_streq(type, "volume") && !hv_streq(type, "tmpfs"))) {
                hv_convert_note(
                        s->m->c, hv_part_line(&v),
                        "%s is not carried over: expected a target, and the type bind (with a source), volume or tmpfs",
                        path);
                return;
        }
        hv_json_begin_object(w, NULL);
        if (hv_streq(type, "tmpfs"))
                put_memory(s, &v);
        else if (hv_streq(type, "bind"))
                hv_convert_put(w, "hostPath", hv_compose_path(s->m, source));
        else if (source)
                put_volume(s, source);
        else
                put_anonymous(s, target, hv_part_line(&v));
        hv_convert_put(w, "target", target);
        if (hv_convert_is_true(hv_part_text(&v, "read_only")))
                hv_json_put_bool(w, "readOnly", true);
        hv_json_end(w);
        bind = hv_part_below(&v, "bind");
        volume = hv_part_below(&v, "volume");
        hv_compose_tell_rest(&bind);
        hv_compose_tell_rest(&volume);
        hv_compose_tell_rest(&v);
}

static void put_tmpfs(struct hv_compose_service *s, const struct hv_node *n) {
        bool is_one = n && n->type == HV_NODE_SCALAR;

        for (size_t i = 0; n && i < (is_one ? 1 : n->n); i++) {
                const struct hv_node *item = is_one ? n : n->items[i];

                if (item->type == HV_NODE_SCALAR)
                        hv_convert_put_tmpfs(
                                s->m->c, item->at.line,
                                hv_arena_printf(s->m->c->arena, "%s.tmpfs %s", s->part.path, item->text),
                                item->text);
        }
}

void hv_compose_put_mounts(struct hv_compose_service *s) {
        const struct hv_node *list = hv_part_list(&s->part, "volumes"),
                             *tmpfs = hv_part_take(&s->part, "tmpfs");
        const char *shm = hv_part_text(&s->part, "shm_size");
        struct hv_json_writer *w = &s->m->c->w;
        bool is_any = (list && list->n > 0) || tmpfs || shm;

        if (is_any)
                hv_json_begin_array(w, "mounts");
        for (size_t i = 0; list && i < list->n; i++) {
                const struct hv_node *item = list->items[i];
                const char *path = hv_part_item(&s->part, "volumes", i);

                if (item->type == HV_NODE_SCALAR)
                        put_short_mount(s, item->text, path, item->at.line);
                else
                        put_long_mount(s, item, path);
        }
        if (tmpfs && tmpfs->type != HV_NODE_MAPPING)
                put_tmpfs(s, tmpfs);
        if (shm) { /* what Docker mounts there gives way to a mount of one's own */
                hv_json_begin_object(w, NULL);
                hv_convert_put(w, "tmpfs", hv_convert_bytes(s->m->c, shm));
                hv_convert_put(w, "target", "/dev/shm");
                hv_json_end(w);
        }
        if (is_any)
                hv_json_end(w);
}

/* ---- ports ---- */

static void put_long_port(struct hv_compose_service *s, const struct hv_node *port, const char *path) {
        struct hv_part p = hv_part_of(s->m->c, port, path);
        struct hv_convert_port out = {
                .container = hv_part_text(&p, "target"),
                .host = hv_part_text(&p, "published"),
                .address = hv_part_text(&p, "host_ip"),
                .protocol = hv_part_text(&p, "protocol"),
                .replicas = s->replicas,
        };
        const char *name = hv_part_text(&p, "name");

        (void) hv_part_take(&p, "mode"); /* there is no swarm whose nodes would pass connections on */
        out.name = name ? hv_convert_name(s->m->c, name) : NULL;
        if (out.container)
                hv_convert_put_port(s->m->c, hv_part_line(&p), path, &out);
        else
                hv_convert_note(s->m->c, hv_part_line(&p), "%s is not carried over: it has no target", path);
        hv_compose_tell_rest(&p);
}

/* In the host's network there is nothing to publish: Docker ignores them, too. */
void hv_compose_put_ports(struct hv_compose_service *s) {
        const struct hv_node *list = hv_part_list(&s->part, "ports");
        bool is_any = list && list->n > 0 && !s->is_host_network;

        if (list && s->is_host_network)
                hv_convert_note(s->m->c, list->at.line, "%s.ports mean nothing in the host's network",
                                s->part.path);
        if (is_any)
                hv_json_begin_array(&s->m->c->w, "ports");
        for (size_t i = 0; is_any && i < list->n; i++) {
                const struct hv_node *item = list->items[i];
                const char *path = hv_part_item(&s->part, "ports", i);
                struct hv_convert_port port;

                if (item->type != HV_NODE_SCALAR) {
                        put_long_port(s, item, path);
                        continue;
                }
                hv_convert_read_port(s->m->c, item->text, &port);
                port.replicas = s->replicas;
                hv_convert_put_port(s->m->c, item->at.line, path, &port);
        }
        if (is_any)
                hv_json_end(&s->m->c->w);
}

/* ---- secrets, configs ---- */

/* "0440" as it is; 288, which is the same, is what few mean. */
static void put_mode(struct hv_compose_service *s, struct hv_part *use) {
        const char *mode = hv_part_text(use, "mode");

        if (mode && *mode == '0')
                hv_convert_put(&s->m->c->w, "mode",
                               hv_has_prefix(mode, "0o") ? hv_arena_printf(s->m->c->arena, "0%s", mode + 2)
                                                         : mode);
        else if (mode)
                hv_convert_note(s->m->c, hv_part_line(use),
                                "%s.mode %s is not carried over: expected octal digits, such as 0440",
                                use->path, mode);
}

static void put_file(struct hv_compose_service *s, const struct hv_node *item, const char *path,
                     bool is_secret) {
        bool is_short = item->type == HV_NODE_SCALAR;
        struct hv_part u = hv_part_of(s->m->c, is_short ? NULL : item, path);
        const char *source = is_short ? item->text : hv_part_text(&u, "source"),
                   *target = hv_part_text(&u, "target"), *folder = is_secret ? "/run/secrets" : "";
        struct hv_json_writer *w = &s->m->c->w;

        if (!source)
                return;
        hv_compose_use(is_secret ? &s->m->secrets : &s->m->configs, source);
        hv_json_begin_object(w, NULL);
        hv_convert_put(w, "name", hv_convert_name(s->m->c, source));
        if (!is_secret)
                hv_convert_put(w, "key", source);
        hv_convert_put(w, "target",
                       target && *target == '/'
                               ? target
                               : hv_arena_printf(s->m->c->arena, "%s/%s", folder, target ? target : source));
        put_mode(s, &u);
        hv_json_end(w);
        hv_compose_tell_rest(&u);
}

void hv_compose_put_files(struct hv_compose_service *s) {
        static const char *const kinds[] = { "secrets", "configs" };

        for (size_t k = 0; k < HV_ARRAY_SIZE(kinds); k++) {
                const struct hv_node *list = hv_part_list(&s->part, kinds[k]);

                if (list && list->n > 0)
                        hv_json_begin_array(&s->m->c->w, kinds[k]);
                for (size_t i = 0; list && i < list->n; i++)
                        put_file(s, list->items[i], hv_part_item(&s->part, kinds[k], i), k == 0);
                if (list && list->n > 0)
                        hv_json_end(&s->m->c->w);
        }
}
