/* spec/value_image.h - image references and the patterns that allow them.
 *
 * Source   grammar and normal form: github.com/distribution/reference (reference.go, normalize.go), with one
 *          difference: a first part in capitals is an error here and not a host.
 */
#pragma once

#include "spec/value.h"

struct hv_arena;

struct hv_image_ref {           /* all in the arena; tag and digest may be NULL */
        const char *registry;   /* "docker.io", "registry.example.org:5000": lower case */
        const char *repository; /* "library/nginx" */
        const char *tag;        /* "latest" where neither tag nor digest was written */
        const char *digest;     /* "sha256:<64 hex>" */
        const char *name;       /* registry/repository */
        const char *full;       /* registry/repository[:tag][@digest]: the normal form */
        bool tag_implied;
};

/* E0341 for a bad reference, E0344 for a bad digest. */
int hv_value_image(const char *text, struct hv_arena *a, struct hv_image_ref *ret, struct hv_fault *fault);

/* A pattern of node.policy.images.allow: "REGISTRY/REPOSITORY[:TAG]", `*` for any run of characters; "*"
 * alone allows everything (E0341). */
int hv_value_image_pattern(const char *text, struct hv_fault *fault);

/* Does the pattern allow the image? `*` in the registry never reaches over the first '/'. A pattern without a
 * tag, or with ":*", allows all of a repository; one that names a tag does not allow a reference by digest,
 * because an engine ignores the tag beside a digest. */
bool hv_image_pattern_matches(const char *pattern, const struct hv_image_ref *image);
