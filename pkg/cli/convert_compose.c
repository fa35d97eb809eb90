/* compose.yaml: each service becomes a service, and what services name becomes a document of its own. */
#include "cli/convert_compose.h"

#include <errno.h>

#include "base/text.h"

bool hv_convert_is_compose(const struct hv_node *documents) {
        return documents->n > 0 && hv_node_get(documents->items[0], "services") &&
               !hv_node_get(documents->items[0], "kind");
}

/* ---- what its parts share ---- */

void hv_compose_tell_rest(struct hv_part *p) {
        for (size_t i = 0; p->map && i < p->map->n; i++)
                p->taken[i] = p->taken[i] || hv_has_prefix(p->map->pairs[i].key->text, "x-");
        hv_part_tell_rest(p);
}

void hv_compose_tell_merge(struct hv_part *p, const char *key) {
        const struct hv_node *n = hv_part_take(p, key);

        if (n)
                hv_convert_note(p->c, n->at.line,
                                "%s is not carried over: convert what `docker compose config` prints",
                                hv_part_path(p, key));
}

static bool has_word(const struct hv_convert_words *list, const char *word) {
        for (size_t i = 0; i < list->v.n; i++)
                if (hv_streq(list->v.v[i], word))
                        return true;
        return false;
}

void hv_compose_use(struct hv_compose_objects *o, const char *key) {
        if (!has_word(&o->used, key))
                hv_vec_push(&o->used.v, key);
}

const char *hv_compose_name(struct hv_compose *m, const struct hv_compose_objects *o, const char *key) {
        const struct hv_node *object = hv_node_get(o->part.map, key), *name = hv_node_get(object, "name"),
                             *external = hv_node_get(object, "external");

        if (name && external && name->type == HV_NODE_SCALAR)
                return hv_convert_name(m->c, name->text);
        return o == &m->networks && hv_streq(key, "default") ? m->project : hv_convert_name(m->c, key);
}

const char *hv_compose_path(struct hv_compose *m, const char *path) {
        const char *home = *path == '~' ? hv_variables_get(&m->variables, "HOME") : NULL;
        char *whole = *path == '/' ? hv_arena_strdup(m->c->arena, path)
                      : home       ? hv_arena_printf(m->c->arena, "%s%s", home, path + 1)
                                   : hv_arena_printf(m->c->arena, "%s/%s", m->world->folder, path);
        char *out = HV_ARENA_NEW_N(m->c->arena, char, strlen(whole) + 2), *to = out;

        for (char *rest = NULL, *s = strtok_r(whole, "/", &rest); s; s = strtok_r(NULL, "/", &rest)) {
                if (hv_streq(s, "."))
                        continue;
                if (hv_streq(s, "..")) {
                        while (to > out && *--to != '/')
                                continue;
                        *to = '\0';
                } else
                        to = stpcpy(stpcpy(to, "/"), s);
        }
        return *out ? out : "/";
}

void hv_compose_pairs(struct hv_part *p, const char *key, struct hv_convert_words *ret) {
        const struct hv_node *n = hv_part_take(p, key);

        for (size_t i = 0; n && i < n->n; i++) {
                const struct hv_node *v = n->type == HV_NODE_SEQUENCE ? n->items[i] : n->pairs[i].value;
                const char *text = v->type == HV_NODE_SCALAR ? v->text : NULL;

                if (!text && v->type != HV_NODE_NULL)
                        hv_convert_note(p->c, v->at.line, "%s is %s, expected text: left out",
                                        hv_part_item(p, key, i), hv_node_describe(v));
                else if (n->type == HV_NODE_MAPPING) /* NAME: (nothing) is NAME alone */
                        hv_vec_push(&ret->v,
                                    text ? hv_arena_printf(p->c->arena, "%s=%s", n->pairs[i].key->text, text)
                                         : n->pairs[i].key->text);
                else if (text)
                        hv_vec_push(&ret->v, text);
        }
        if (n && n->type == HV_NODE_SCALAR)
                hv_convert_note(p->c, n->at.line, "%s is %s, expected a list or a mapping: left out",
                                hv_part_path(p, key), hv_node_describe(n));
}

void hv_compose_put_map(struct hv_part *p, const char *key, const char *name) {
        struct hv_convert_words pairs = {};

        hv_compose_pairs(p, key, &pairs);
        if (pairs.v.n > 0)
                hv_json_begin_object(&p->c->w, name);
        for (size_t i = 0; i < pairs.v.n; i++) {
                size_t len = strcspn(pairs.v.v[i], "=");

                hv_convert_put(&p->c->w, hv_arena_strndup(p->c->arena, pairs.v.v[i], len),
                               pairs.v.v[i][len] ? pairs.v.v[i] + len + 1 : "");
        }
        if (pairs.v.n > 0)
                hv_json_end(&p->c->w);
        hv_vec_done(&pairs.v);
}

bool hv_compose_is_chosen(struct hv_compose *m, const char *service) {
        const struct hv_node *list = hv_node_get(hv_node_get(m->services.map, service), "profiles");

        if (!list || list->type != HV_NODE_SEQUENCE || list->n == 0)
                return true;
        for (size_t i = 0; i < list->n; i++)
                for (size_t j = 0; j < m->world->n_profiles; j++)
                        if (hv_streq(m->world->profiles[j], "*") ||
                            hv_streq(m->world->profiles[j], list->items[i]->text))
                                return true;
        return false;
}

/* ---- networks, volumes ---- */

static void tell_external(struct hv_compose *m, struct hv_part *o, const char *what, const char *name) {
        const char *external = hv_part_text(o, "external");

        if (hv_convert_is_true(external))
                hv_convert_note(
                        m->c, hv_part_line(o),
                        "%s is external: here it is a %s of hivelet's own, %s, which one file alone may declare",
                        o->path, what, name);
}

static void put_addresses(struct hv_part *network) {
        struct hv_part ipam = hv_part_below(network, "ipam"), first;
        const struct hv_node *list = hv_part_list(&ipam, "config");

        first = hv_part_of(network->c, list && list->n > 0 ? list->items[0] : NULL,
                           hv_part_item(&ipam, "config", 0));
        hv_convert_put(&network->c->w, "subnet", hv_part_text(&first, "subnet"));
        hv_convert_put(&network->c->w, "gateway", hv_part_text(&first, "gateway"));
        for (size_t i = 1; list && i < list->n; i++)
                hv_convert_note(network->c, list->items[i]->at.line, "%s is not carried over",
                                hv_part_item(&ipam, "config", i));
        hv_compose_tell_rest(&first);
        hv_compose_tell_rest(&ipam);
}

static void convert_network(struct hv_compose *m, const char *key) {
        struct hv_part n = hv_part_of(m->c, hv_node_get(m->networks.part.map, key),
                                      hv_arena_printf(m->c->arena, "networks.%s", key));
        const char *driver = hv_part_text(&n, "driver");

        hv_convert_open(m->c, "Network", hv_compose_name(m, &m->networks, key), NULL);
        hv_compose_put_map(&n, "labels", "labels");
        if (hv_streq(driver, "overlay"))
                hv_convert_note(m->c, hv_part_line(&n),
                                "%s.driver overlay spans machines: here it is a bridge", n.path);
        else
                hv_convert_put(&m->c->w, "driver", driver);
        if (hv_convert_is_true(hv_part_text(&n, "internal")))
                hv_json_put_bool(&m->c->w, "internal", true);
        put_addresses(&n);
        hv_compose_put_map(&n, "driver_opts", "options");
        hv_convert_close(m->c);
        tell_external(m, &n, "network", hv_compose_name(m, &m->networks, key));
        (void) hv_part_text(&n, "name");
        if (!hv_convert_is_true(hv_node_get(n.map, "enable_ipv6") ? hv_node_get(n.map, "enable_ipv6")->text
                                                                  : NULL))
                (void) hv_part_take(&n, "enable_ipv6");
        (void) hv_part_text(&n, "attachable"); /* whoever may start containers may attach them */
        hv_compose_tell_rest(&n);
}

/* {type: none, o: bind, device: /srv/data} is a path of the host under a name. */
const char *hv_compose_bound(const struct hv_compose *m, const char *volume) {
        const struct hv_node *options = hv_node_get(hv_node_get(m->volumes.part.map, volume), "driver_opts"),
                             *o = hv_node_get(options, "o"), *device = hv_node_get(options, "device");

        if (!o || o->type != HV_NODE_SCALAR || !strstr(o->text, "bind") || !device ||
            device->type != HV_NODE_SCALAR)
                return NULL;
        return device->text;
}

static void convert_volume(struct hv_compose *m, const char *key) {
        struct hv_part v = hv_part_of(m->c, hv_node_get(m->volumes.part.map, key),
                                      hv_arena_printf(m->c->arena, "volumes.%s", key));

        hv_convert_open(m->c, "Volume", hv_compose_name(m, &m->volumes, key), NULL);
        hv_compose_put_map(&v, "labels", "labels");
        hv_convert_put(&m->c->w, "driver", hv_part_text(&v, "driver"));
        hv_compose_put_map(&v, "driver_opts", "options");
        hv_convert_close(m->c);
        tell_external(m, &v, "volume", hv_compose_name(m, &m->volumes, key));
        (void) hv_part_text(&v, "name");
        hv_compose_tell_rest(&v);
}

/* ---- secrets, configs ---- */

#define SECRETS "/etc/hivelet/secrets"

/* What is in no file has to be put into one: it does not belong into a document. */
static void convert_secret(struct hv_compose *m, const char *key) {
        struct hv_part s = hv_part_of(m->c, hv_node_get(m->secrets.part.map, key),
                                      hv_arena_printf(m->c->arena, "secrets.%s", key));
        const char *name = hv_convert_name(m->c, key), *file = hv_part_text(&s, "file"), *path;

        path = file ? hv_compose_path(m, file) : hv_arena_printf(m->c->arena, SECRETS "/%s", name);
        hv_convert_open(m->c, "Secret", name, NULL);
        hv_convert_put(&m->c->w, "fromFile", path);
        hv_convert_close(m->c);
        if (!file)
                hv_convert_note(m->c, hv_part_line(&s), "%s is in no file: put it into %s, with mode 0600",
                                s.path, path);
        (void) hv_part_text(&s, "external");
        (void) hv_part_text(&s, "environment");
        (void) hv_part_text(&s, "name");
        hv_compose_tell_rest(&s);
}

static int read_config(struct hv_compose *m, const struct hv_part *config, const char *file,
                       const char **ret) {
        const char *path = hv_compose_path(m, file);
        size_t len;
        int r = m->world->read(m->world->userdata, path, m->c->arena, ret, &len, m->err);

        if (r < 0)
                return hv_err_prefix(m->err, r, "line %u: %s.file", hv_part_line(config), config->path);
        if (strlen(*ret) != len || !hv_utf8_is_valid(*ret, len, NULL))
                return hv_err_set(m->err, -EINVAL,
                                  "line %u: %s.file: %s is no text: a config holds texts only",
                                  hv_part_line(config), config->path, path);
        return 0;
}

static int convert_config(struct hv_compose *m, const char *key) {
        struct hv_part f = hv_part_of(m->c, hv_node_get(m->configs.part.map, key),
                                      hv_arena_printf(m->c->arena, "configs.%s", key));
        const char *file = hv_part_text(&f, "file"), *text = hv_part_text(&f, "content"),
                   *variable = hv_part_text(&f, "environment");
        int r = file ? read_config(m, &f, file, &text) : 0;

        if (r < 0)
                return r;
        if (variable)
                text = hv_variables_get(&m->variables, variable);
        if (!text)
                return hv_err_set(
                        m->err, -EINVAL,
                        "line %u: %s has no text here: expected file, content, or a variable that is set",
                        hv_part_line(&f), f.path);
        hv_convert_open(m->c, "Config", hv_convert_name(m->c, key), NULL);
        hv_json_begin_object(&m->c->w, "data");
        hv_convert_put(&m->c->w, key, text);
        hv_json_end(&m->c->w);
        hv_convert_close(m->c);
        hv_compose_tell_rest(&f);
        return 0;
}

/* ---- the file ---- */

static void tell_unused(struct hv_compose_objects *o) {
        const struct hv_node *map = o->part.map;

        for (size_t i = 0; map && i < map->n; i++)
                if (!has_word(&o->used, map->pairs[i].key->text) &&
                    !hv_has_prefix(map->pairs[i].key->text, "x-"))
                        hv_convert_note(o->part.c, map->pairs[i].key->at.line,
                                        "%s is not carried over: no service uses it",
                                        hv_part_path(&o->part, map->pairs[i].key->text));
}

/* Networks and volumes that a service names have to be declared, as `docker compose` wants it. */
static int require(struct hv_compose *m, const struct hv_compose_objects *o, const char *key) {
        const struct hv_node *map = o->part.map;
        struct hv_suggestion near = { .text = key };

        for (size_t i = 0; map && i < map->n; i++) {
                if (hv_streq(map->pairs[i].key->text, key))
                        return 0;
                hv_suggestion_add(&near, map->pairs[i].key->text);
        }
        if (o == &m->networks && hv_streq(key, "default"))
                return 0;
        return hv_err_set(m->err, -EINVAL, "%s.%s is not declared at the top of the file%s%s%s", o->part.path,
                          key, near.best ? "; did you mean " : "", near.best ? near.best : "",
                          near.best ? "?" : "");
}

static int convert_objects(struct hv_compose *m) {
        struct hv_compose_objects *all[] = { &m->networks, &m->volumes, &m->secrets, &m->configs };
        int r = 0;

        for (size_t k = 0; k < HV_ARRAY_SIZE(all); k++) {
                for (size_t i = 0; r >= 0 && i < all[k]->used.v.n; i++) {
                        const char *key = all[k]->used.v.v[i];

                        r = require(m, all[k], key);
                        if (r < 0)
                                break;
                        if (all[k] == &m->networks)
                                convert_network(m, key);
                        else if (all[k] == &m->volumes && !hv_compose_bound(m, key))
                                convert_volume(m, key);
                        else if (all[k] == &m->secrets)
                                convert_secret(m, key);
                        else if (all[k] == &m->configs)
                                r = convert_config(m, key);
                }
                tell_unused(all[k]);
        }
        for (size_t i = 0; r >= 0 && i < m->anonymous.v.n; i++)
                hv_convert_volume(m->c, m->anonymous.v.v[i]);
        return r;
}

static int convert_services(struct hv_compose *m) {
        const struct hv_node *map = m->services.map;
        int r = 0;

        for (size_t i = 0; r >= 0 && map && i < map->n; i++) {
                const struct hv_node *key = map->pairs[i].key;

                if (hv_has_prefix(key->text, "x-"))
                        continue;
                if (hv_compose_is_chosen(m, key->text))
                        r = hv_compose_service(m, key, map->pairs[i].value);
                else
                        hv_convert_note(
                                m->c, key->at.line,
                                "services.%s is not carried over: it has profiles, and none of them is asked "
                                "for with --profile",
                                key->text);
        }
        if (r >= 0 && m->c->n_documents == 0)
                return hv_err_set(m->err, -EINVAL, "there is no service in it");
        return r;
}

/* .env beside the file need not be there. */
static int read_variables(struct hv_compose *m) {
        const struct hv_convert_world *world = m->world;
        const char *text, *beside = hv_arena_printf(m->c->arena, "%s/.env", world->folder);
        size_t len;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < world->n_variable_files; i++) {
                r = world->read(world->userdata, world->variable_files[i], m->c->arena, &text, &len, m->err);
                if (r >= 0)
                        r = hv_variables_read(&m->variables, world->variable_files[i], text, len, false,
                                              m->err);
        }
        if (world->n_variable_files > 0)
                return r;
        r = world->read(world->userdata, beside, m->c->arena, &text, &len, m->err);
        if (r == -ENOENT)
                return 0;
        return r < 0 ? r : hv_variables_read(&m->variables, beside, text, len, false, m->err);
}

static void read_top(struct hv_compose *m, struct hv_part *root) {
        const char *name = hv_part_text(root, "name"), *folder = strrchr(m->world->folder, '/');

        (void) hv_part_take(root, "version"); /* it has had no meaning for years */
        name = name ? name : hv_variables_get(&m->variables, "COMPOSE_PROJECT_NAME");
        m->project = hv_convert_name(m->c, name ? name : folder ? folder + 1 : m->world->folder);
        m->services = hv_part_below(root, "services");
        m->networks.part = hv_part_below(root, "networks");
        m->volumes.part = hv_part_below(root, "volumes");
        m->secrets.part = hv_part_below(root, "secrets");
        m->configs.part = hv_part_below(root, "configs");
        hv_compose_tell_merge(root, "include");
        hv_compose_tell_rest(root);
}

int hv_convert_compose(struct hv_convert *c, const struct hv_convert_world *world, struct hv_node *documents,
                       struct hv_err *err) {
        struct hv_compose m = { .c = c, .world = world, .variables = { .c = c, .world = world }, .err = err };
        int r = read_variables(&m);

        if (r >= 0)
                r = hv_variables_replace(&m.variables, documents->items[0], err);
        if (r >= 0) {
                struct hv_part root = hv_part_of(c, documents->items[0], "");

                read_top(&m, &root);
                r = convert_services(&m);
        }
        if (r >= 0)
                r = convert_objects(&m);
        for (size_t i = 1; i < documents->n; i++)
                hv_convert_note(c, documents->items[i]->at.line,
                                "this document is not carried over: convert each file by itself");
        if (m.wants_capabilities)
                hv_convert_note(
                        c, 0,
                        "Docker gives containers capabilities, here node.policy.capabilities does: what begins as "
                        "root may need CHOWN, DAC_OVERRIDE, FOWNER, SETGID, SETUID");
        hv_variables_tell(&m.variables);
        hv_variables_done(&m.variables);
        hv_vec_done(&m.networks.used.v);
        hv_vec_done(&m.volumes.used.v);
        hv_vec_done(&m.secrets.used.v);
        hv_vec_done(&m.configs.used.v);
        hv_vec_done(&m.anonymous.v);
        return r;
}
