/* docker/image.c - see image.h; pulls and loads, which are streams, are in pull.c. */
#include "docker/image.h"

#include <errno.h>

#include "docker/parse.h"
#include "docker/private.h"

static void parse_one(struct hv_arena *arena, const struct hv_json *j, struct hv_docker_image *i) {
        const struct hv_json *config = hv_json_get(j, "Config");
        const struct hv_json *labels =
                hv_json_get(j, "Labels"); /* of a list; an inspect has them in Config */

        i->id = hv_parse_text(arena, j, "Id");
        i->tags = hv_parse_strv(arena, hv_json_get(j, "RepoTags"));
        i->digests = hv_parse_strv(arena, hv_json_get(j, "RepoDigests"));
        i->size_bytes = hv_parse_u64(j, "Size");
        i->created_us = hv_parse_time_of(j, "Created");
        i->labels = hv_parse_pairs(arena, labels ? labels : hv_json_get(config, "Labels"));
        i->architecture = hv_parse_text(arena, j, "Architecture");
        i->os = hv_parse_text(arena, j, "Os");
        i->user = hv_parse_text(arena, config, "User");
        i->volumes = hv_parse_keys(arena, hv_json_get(config, "Volumes"));
}

static int by_id(const void *a, const void *b) {
        return strcmp(((const struct hv_docker_image *) a)->id, ((const struct hv_docker_image *) b)->id);
}

static int parse_list(const struct hv_json *j, struct hv_docker_result *result) {
        struct hv_docker_images *list;
        struct hv_docker_image *v;
        size_t n = hv_json_size(j);

        if (hv_json_type(j) != HV_JSON_ARRAY)
                return -EBADMSG;
        v = HV_ARENA_NEW_N(result->arena, struct hv_docker_image, n);
        for (size_t i = 0; i < n; i++) {
                parse_one(result->arena, hv_json_at(j, i), &v[i]);
                if (!*v[i].id)
                        return -EBADMSG;
        }
        qsort(v, n, sizeof *v, by_id);
        list = HV_ARENA_NEW(result->arena, struct hv_docker_images);
        *list = (struct hv_docker_images){ v, n };
        result->images = list;
        return 0;
}

static int parse_inspected(const struct hv_json *j, struct hv_docker_result *result) {
        struct hv_docker_image *i;

        if (hv_str_empty(hv_json_str(j, "Id")))
                return -EBADMSG;
        i = HV_ARENA_NEW(result->arena, struct hv_docker_image);
        parse_one(result->arena, j, i);
        result->image = i;
        return 0;
}

struct hv_docker_call *hv_docker_image_list(struct hv_docker *d, struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_IMAGE_LIST, then, "/images/json");

        c->parse = parse_list;
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_image_inspect(struct hv_docker *d, const char *image,
                                               struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_IMAGE_INSPECT, then, "/images/");

        hv_call_add_image(c, image);
        hv_call_add_path(c, "/json");
        c->parse = parse_inspected;
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_image_tag(struct hv_docker *d, const char *image, const char *repository,
                                           const char *tag, struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_IMAGE_TAG, then, "/images/");

        hv_call_add_image(c, image);
        hv_call_add_path(c, "/tag");
        hv_call_add_query(c, "repo", repository);
        hv_call_add_query(c, "tag", tag);
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_image_remove(struct hv_docker *d, const char *image, bool force,
                                              struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_IMAGE_REMOVE, then, "/images/");

        hv_call_add_image(c, image);
        if (force)
                hv_call_add_query(c, "force", "1");
        return hv_call_send(c);
}
