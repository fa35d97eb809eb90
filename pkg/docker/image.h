/* docker/image.h - images of an engine; every field of a reply is optional, as in container.h. */
#pragma once

#include "docker/client.h"

struct hv_secret;

struct hv_docker_image {
        const char *id;
        struct hv_strv tags, digests; /* "docker.io/library/nginx:1.27", "nginx@sha256:..." */
        uint64_t size_bytes, created_us;
        struct hv_pairs labels; /* sorted by name */
        /* inspect only */
        const char *architecture, *os, *user;
        struct hv_strv volumes; /* VOLUME of the image, sorted */
};

struct hv_docker_images {
        const struct hv_docker_image *v; /* sorted by id */
        size_t n;
};

struct hv_docker_auth {
        const char *username;
        const struct hv_secret *password; /* one of password and identity_token */
        const struct hv_secret *identity_token;
        const char *server; /* "registry.example.org" */
};

struct hv_docker_progress { /* of a pull, over all layers seen so far */
        unsigned n_layers, n_layers_done;
        uint64_t current_bytes, total_bytes; /* of what is being downloaded; total grows as layers show up */
        const char *text;                    /* the engine's last words: "Downloading", ... */
};

typedef void hv_docker_progress_fn(void *userdata, const struct hv_docker_progress *progress);

struct hv_docker_pull {
        const char *image;                  /* full name with tag or digest; without either: tag "latest" */
        const char *platform;               /* "linux/arm64"; NULL: the engine's own */
        const struct hv_docker_auth *auth;  /* NULL: anonymous */
        uint64_t stall_us;                  /* nothing heard for so long: given up as UNKNOWN; 0: 5 min */
        hv_docker_progress_fn *on_progress; /* may be NULL */
        void *userdata;                     /* of on_progress */
};

struct hv_docker_call *hv_docker_image_list(struct hv_docker *d,
                                            struct hv_docker_then then); /* result->images */
struct hv_docker_call *hv_docker_image_inspect(struct hv_docker *d, const char *image,
                                               struct hv_docker_then then); /* result->image */

/* OK only when the engine's stream ended in order and held no error. No timeout of its own but the stall's.
 * Pulling what is there already is harmless. */
struct hv_docker_call *hv_docker_image_pull(struct hv_docker *d, const struct hv_docker_pull *pull,
                                            struct hv_docker_then then);

struct hv_docker_load {
        const char *path;                   /* an archive of `docker save`, plain or compressed */
        uint64_t stall_us;                  /* as above */
        hv_docker_progress_fn *on_progress; /* may be NULL */
        /* An image of it is there, by this name, or by its id when it has none. May be NULL. */
        void (*on_image)(void *userdata, const char *name);
        void *userdata; /* of both */
};

/* Streamed from the file. */
struct hv_docker_call *hv_docker_image_load(struct hv_docker *d, const struct hv_docker_load *load,
                                            struct hv_docker_then then);

struct hv_docker_call *hv_docker_image_tag(struct hv_docker *d, const char *image, const char *repository,
                                           const char *tag, struct hv_docker_then then);
struct hv_docker_call *hv_docker_image_remove(struct hv_docker *d, const char *image, bool force,
                                              struct hv_docker_then then);
