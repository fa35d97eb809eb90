/* docker/volume.c - see volume.h. */
#include "docker/volume.h"

#include <errno.h>

#include "docker/body.h"
#include "docker/check.h"
#include "docker/parse.h"
#include "docker/private.h"
#include "json/write.h"

static void parse_one(struct hv_arena *arena, const struct hv_json *j, struct hv_docker_volume *v) {
        v->name = hv_parse_text(arena, j, "Name");
        v->driver = hv_parse_text(arena, j, "Driver");
        v->mountpoint = hv_parse_text(arena, j, "Mountpoint");
        v->created_us = hv_parse_time_of(j, "CreatedAt");
        v->labels = hv_parse_pairs(arena, hv_json_get(j, "Labels"));
        v->options = hv_parse_pairs(arena, hv_json_get(j, "Options"));
}

static int by_name(const void *a, const void *b) {
        return strcmp(((const struct hv_docker_volume *) a)->name,
                      ((const struct hv_docker_volume *) b)->name);
}

/* An engine without volumes says null, or leaves the list out. */
static int parse_list(const struct hv_json *j, struct hv_docker_result *result) {
        const struct hv_json *volumes = hv_json_get(j, "Volumes");
        enum hv_json_type type = hv_json_type(volumes);
        struct hv_docker_volumes *list;
        struct hv_docker_volume *v;
        size_t n = hv_json_size(volumes);

        if (hv_json_type(j) != HV_JSON_OBJECT ||
            (type != HV_JSON_ABSENT && type != HV_JSON_NULL && type != HV_JSON_ARRAY))
                return -EBADMSG;
        v = HV_ARENA_NEW_N(result->arena, struct hv_docker_volume, n);
        for (size_t i = 0; i < n; i++) {
                parse_one(result->arena, hv_json_at(volumes, i), &v[i]);
                if (!*v[i].name)
                        return -EBADMSG;
        }
        qsort(v, n, sizeof *v, by_name);
        list = HV_ARENA_NEW(result->arena, struct hv_docker_volumes);
        *list = (struct hv_docker_volumes){ v, n };
        result->volumes = list;
        return 0;
}

static int parse_inspected(const struct hv_json *j, struct hv_docker_result *result) {
        struct hv_docker_volume *v;

        if (hv_str_empty(hv_json_str(j, "Name")))
                return -EBADMSG;
        v = HV_ARENA_NEW(result->arena, struct hv_docker_volume);
        parse_one(result->arena, j, v);
        result->volume = v;
        return 0;
}

struct hv_docker_call *hv_docker_volume_list(struct hv_docker *d, bool managed_only,
                                             struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_VOLUME_LIST, then, "/volumes");

        if (managed_only)
                hv_call_add_managed_filter(c);
        c->parse = parse_list;
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_volume_inspect(struct hv_docker *d, const char *name,
                                                struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_VOLUME_INSPECT, then, "/volumes/");

        hv_call_add_name(c, "volume", name);
        c->parse = parse_inspected;
        return hv_call_send(c);
}

/* The driver "local" is mount(8) in disguise: type=none,o=bind,device=/ gives the host's root. Kinds of file system that
 * come from elsewhere or from nowhere are all that is left. */
static int check_local_option(const struct hv_pair *o, struct hv_err *err) {
        static const char *const types[] = { "tmpfs", "nfs", "nfs4", "cifs" };

        if (hv_streq(o->name, "device")) {
                if (*o->value == '/' && !hv_has_prefix(o->value, "//"))
                        return hv_err_set(err, -EPERM, "volume option device \"%s\" is a path of the host",
                                          o->value);
                return 0;
        }
        if (hv_streq(o->name, "type")) {
                for (size_t i = 0; i < HV_ARRAY_SIZE(types); i++)
                        if (hv_streq(o->value, types[i]))
                                return 0;
                return hv_err_set(err, -EPERM,
                                  "volume option type \"%s\" is none of tmpfs, nfs, nfs4 and cifs", o->value);
        }
        if (hv_streq(o->name, "o")) {
                if (strcasestr(o->value, "bind") || strcasestr(o->value, "loop"))
                        return hv_err_set(err, -EPERM, "volume option o \"%s\" mounts a path of the host",
                                          o->value);
                return 0;
        }
        if (hv_streq(o->name, "size"))
                return 0;
        return hv_err_set(err, -EPERM, "volume option \"%s\" is none of type, device, o and size", o->name);
}

static int check(const struct hv_docker_volume_create *v, struct hv_err *err) {
        const char *driver = v->driver ? v->driver : "local";
        bool has_device = false, has_type = false;
        int r = hv_check_name("volume", v->name, err);

        if (r == 0)
                r = hv_check_name("volume driver", driver, err);
        if (r == 0)
                r = hv_check_pairs("label", &v->labels, err);
        if (r == 0)
                r = hv_check_pairs("volume option", &v->options, err);
        for (size_t i = 0; r == 0 && hv_streq(driver, "local") && i < v->options.n; i++) {
                has_device |= hv_streq(v->options.v[i].name, "device");
                has_type |= hv_streq(v->options.v[i].name, "type");
                r = check_local_option(&v->options.v[i], err);
        }
        if (r == 0 && has_device && !has_type)
                return hv_err_set(err, -EPERM, "volume \"%s\": a device needs a type", v->name);
        return r;
}

struct hv_docker_call *hv_docker_volume_create(struct hv_docker *d,
                                               const struct hv_docker_volume_create *create,
                                               struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_VOLUME_CREATE, then, "/volumes/create");
        struct hv_json_writer w = { .buf = &c->body };
        struct hv_err err = {};

        c->parse = parse_inspected;
        if (check(create, &err) < 0) {
                hv_call_refuse(c, &err);
                return hv_call_send(c);
        }
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "Name", create->name);
        hv_json_put_str(&w, "Driver", create->driver ? create->driver : "local");
        hv_put_pairs(&w, "DriverOpts", &create->options);
        hv_put_pairs(&w, "Labels", &create->labels);
        hv_json_end(&w);
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_volume_remove(struct hv_docker *d, const char *name,
                                               struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_VOLUME_REMOVE, then, "/volumes/");

        hv_call_add_name(c, "volume", name);
        return hv_call_send(c);
}
