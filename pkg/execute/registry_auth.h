/* execute/registry_auth.h - the login for one registry, out of a Docker config.json.
 *
 * Form     {"auths": {"HOST": {"auth": base64("user:password")} }}, or "username" and "password", or
 *          "identitytoken" in place of a password. HOST may be written with a scheme and a path, as `docker
 *          login` writes Docker Hub: "https://index.docker.io/v1/" stands for docker.io. Helpers
 *          ("credsStore") are programs: not run here.
 * Source   docker/cli, cli/config/configfile.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "docker/image.h"

struct hv_registry_auth {
        struct hv_docker_auth auth; /* borrows from the rest */
        char *username, *server;
        struct hv_secret *password, *identity_token;
};

/* -ENOENT no login for this host in it; -EBADMSG not such a file. Texts of errors hold nothing of the file
 * but hosts. */
int hv_registry_auth_parse(const struct hv_secret *config_json, const char *host,
                           struct hv_registry_auth **ret, struct hv_err *err);
struct hv_registry_auth *hv_registry_auth_free(struct hv_registry_auth *a); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_registry_auth, hv_registry_auth_free);

/* The registry an image comes from: "docker.io" for "docker.io/library/nginx:1.27". In `arena`. */
const char *hv_registry_host(const char *image, struct hv_arena *arena);
