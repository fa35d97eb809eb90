/* execute/registry_auth.c - see registry_auth.h. */
#include "execute/registry_auth.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "log/redact.h"
#include "json/json.h"

#define HUB "docker.io"
#define HUB_INDEX "index.docker.io"
#define MAX_BYTES ((size_t) 512 << 10)

/* "https://index.docker.io/v1/" -> "index.docker.io": the bare host, without what may stand around it. */
static char *bare_host(const char *text) {
        const char *scheme = strstr(text, "://");

        if (scheme)
                text = scheme + 3;
        return hv_strndup(text, strcspn(text, "/"));
}

static bool is_host(const char *key, const char *host) {
        _hv_cleanup_free_ char *bare = bare_host(key);

        if (hv_streq(host, HUB) && (hv_streq(bare, HUB_INDEX) || hv_streq(bare, "registry-1." HUB)))
                return true;
        return hv_streq(bare, host);
}

static const struct hv_json *find_login(const struct hv_json *config, const char *host) {
        const struct hv_json *value, *auths = hv_json_get(config, "auths");
        const char *key;
        void *it = NULL;

        while (hv_json_next(auths, &it, &key, &value))
                if (is_host(key, host))
                        return value;
        return NULL;
}

/* "auth": base64("user:password"); the password may hold colons. */
static int split_auth(const char *text, struct hv_registry_auth *a) {
        size_t len = strlen(text), n;
        _hv_cleanup_free_ char *plain = hv_malloc(len + 1);
        const char *colon;
        int r = -EBADMSG;

        if (hv_base64_decode(text, len, plain, &n)) {
                plain[n] = '\0';
                colon = memchr(plain, ':', n);
                if (colon && colon > plain && memchr(plain, '\0', n) == NULL) {
                        a->username = hv_strndup(plain, (size_t) (colon - plain));
                        a->password = hv_secret_new(colon + 1, n - (size_t) (colon + 1 - plain));
                        r = 0;
                }
        }
        explicit_bzero(plain, len);
        return r;
}

static int read_login(const struct hv_json *login, const char *host, struct hv_registry_auth *a,
                      struct hv_err *err) {
        const char *auth = hv_json_str(login, "auth"), *token = hv_json_str(login, "identitytoken");
        const char *username = hv_json_str(login, "username"), *password = hv_json_str(login, "password");

        if (!hv_str_empty(auth)) {
                if (split_auth(auth, a) < 0)
                        return hv_err_set(err, -EBADMSG,
                                          "the login for %s: \"auth\" is not base64 of user:password", host);
        } else if (!hv_str_empty(username) && password) {
                a->username = hv_strdup(username);
                a->password = hv_secret_new(password, strlen(password));
        }
        if (!hv_str_empty(token)) {
                a->password = hv_secret_free(a->password);
                a->identity_token = hv_secret_new(token, strlen(token));
        }
        if (!a->password && !a->identity_token)
                return hv_err_set(err, -EBADMSG,
                                  "the login for %s has neither auth, username and password, nor a token",
                                  host);
        return 0;
}

/* The file as a whole is known as a secret; what leaves it for the engine are its parts. */
static void redact_login(const struct hv_json *login, const struct hv_registry_auth *a) {
        _hv_cleanup_(hv_secret_freep) struct hv_secret *encoded = NULL;
        const char *auth = hv_json_str(login, "auth");

        if (!hv_str_empty(auth))
                encoded = hv_secret_new(auth, strlen(auth));
        if (encoded)
                (void) hv_log_redact_add(encoded);
        if (a->password)
                (void) hv_log_redact_add(a->password);
        if (a->identity_token)
                (void) hv_log_redact_add(a->identity_token);
}

int hv_registry_auth_parse(const struct hv_secret *config_json, const char *host,
                           struct hv_registry_auth **ret, struct hv_err *err) {
        _hv_cleanup_(hv_registry_auth_freep) struct hv_registry_auth *a = HV_NEW(struct hv_registry_auth);
        _hv_cleanup_(hv_json_freep) struct hv_json *config = NULL;
        const struct hv_json *login;
        int r;

        /* The parser's own words are not passed on: they may quote what is secret. */
        r = hv_json_parse(hv_secret_bytes(config_json), hv_secret_len(config_json), MAX_BYTES, &config, NULL);
        if (r < 0 || hv_json_type(hv_json_get(config, "auths")) != HV_JSON_OBJECT)
                return hv_err_set(err, -EBADMSG, "not a Docker config.json: expected {\"auths\": {...}}");
        login = find_login(config, host);
        if (!login)
                return hv_err_set(err, -ENOENT, "no login for %s in it", host);
        r = read_login(login, host, a, err);
        if (r < 0)
                return r;
        redact_login(login, a);
        /* Docker Hub wants the address of its index in the header. */
        a->server = hv_strdup(hv_streq(host, HUB) ? "https://" HUB_INDEX "/v1/" : host);
        a->auth = (struct hv_docker_auth){
                .username = a->username,
                .password = a->password,
                .identity_token = a->identity_token,
                .server = a->server,
        };
        *ret = HV_STEAL(a);
        return 0;
}

struct hv_registry_auth *hv_registry_auth_free(struct hv_registry_auth *a) {
        if (!a)
                return NULL;
        free(a->username);
        free(a->server);
        (void) hv_secret_free(a->password);
        (void) hv_secret_free(a->identity_token);
        free(a);
        return NULL;
}

/* A first part with a dot or a colon, or "localhost", is a host; anything else is a path on Docker Hub
 * (distribution/reference, "splitDockerDomain"). */
const char *hv_registry_host(const char *image, struct hv_arena *arena) {
        size_t len = strcspn(image, "/");
        char *first = hv_arena_strndup(arena, image, len);

        if (image[len] != '/' || (!strpbrk(first, ".:") && !hv_streq(first, "localhost")))
                return HUB;
        return hv_streq(first, HUB_INDEX) ? HUB : first;
}
