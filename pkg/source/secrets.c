/* source/secrets.c - see secrets.h.
 */
#include "source/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/map.h"
#include "log/redact.h"
#include "source/read.h"

#define KEY_BYTES 32

struct hv_secrets {
        struct hv_map *by_name;
};

static void free_secret(void *s) {
        (void) hv_secret_free(s);
}

static void close_fd(int *fd) {
        if (*fd >= 0)
                (void) close(*fd);
}

/* --- generate --- */

int hv_secret_make_wireguard(const struct hv_disk *dir, const char *name, struct hv_secret **ret,
                             struct hv_err *err) {
        unsigned char key[KEY_BYTES];
        char text[HV_BASE64_SIZE(KEY_BYTES) + 1];
        size_t len;
        int r;

        if (getrandom(key, sizeof key, 0) != (ssize_t) sizeof key)
                return hv_err_errno(err, -errno, "cannot make a key");
        key[0] &= 248; /* clamped: RFC 7748, section 5 */
        key[31] = (unsigned char) ((key[31] & 127) | 64);
        hv_base64_encode(key, sizeof key, text);
        len = strlen(text);
        text[len++] = '\n';
        r = hv_disk_replace(dir, name, text, len, err);
        if (r >= 0)
                *ret = hv_secret_new(text, len);
        explicit_bzero(key, sizeof key);
        explicit_bzero(text, sizeof text);
        return r;
}

/* Once made, a key is only read: where that fails, nothing is made anew, for a tunnel would change its
 * identity. */
static int load_generated(const struct hv_disk *state, const char *name, struct hv_secret **ret,
                          struct hv_fault *fault) {
        _hv_cleanup_(hv_disk_close) struct hv_disk dir = HV_DISK_NONE;
        struct hv_err err = {};
        struct stat st;
        int r;

        r = hv_disk_open_below(state, "secrets", &dir, &err);
        if (r >= 0 && fstatat(dir.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                return hv_read_secret(dir.fd, name, ret, fault);
        if (r >= 0 && errno == ENOENT)
                r = hv_secret_make_wireguard(&dir, name, ret, &err);
        else if (r >= 0)
                r = hv_err_errno(&err, -errno, "%s/%s: cannot look at it", dir.path, name);
        if (r < 0)
                (void) hv_fault_set(fault, "E0362", "%s", err.msg);
        return r;
}

/* --- credentials --- */

static int load_credential(const char *credentials, const char *name, struct hv_secret **ret,
                           struct hv_fault *fault) {
        _hv_cleanup_(close_fd) int fd = -1;

        if (hv_str_empty(credentials))
                return hv_fault_set(
                        fault, "E0362",
                        "no credential \"%s\": the agent was given none (set LoadCredential= in its unit)",
                        name);
        if (strchr(name, '/') || name[0] == '.')
                return hv_fault_set(fault, "E0362", "\"%s\" is not the name of a credential", name);
        fd = open(credentials, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return hv_fault_set(fault, "E0362", "credential \"%s\": %s: %s", name, credentials,
                                    strerror(errno));
        return hv_read_credential(fd, name, ret, fault);
}

/* --- all --- */

static int load_one(const struct hv_spec_secret *s, const struct hv_disk *state, const char *credentials,
                    struct hv_secret **ret, const char **ret_field, struct hv_fault *fault) {
        if (s->from_file) {
                *ret_field = "fromFile";
                return hv_read_secret(AT_FDCWD, s->from_file, ret, fault);
        }
        if (s->from_credential) {
                *ret_field = "fromCredential";
                return load_credential(credentials, s->from_credential, ret, fault);
        }
        *ret_field = "generate";
        return load_generated(state, s->o.name, ret, fault);
}

int hv_secrets_load(const struct hv_spec_state *spec, const struct hv_disk *state, const char *credentials,
                    struct hv_diags *diags, bool partly, struct hv_secrets **ret) {
        _hv_cleanup_(hv_secrets_freep) struct hv_secrets *all = HV_NEW(struct hv_secrets);
        bool good = true;

        all->by_name = hv_map_new(free_secret);
        for (size_t i = 0; i < spec->secrets.n; i++) {
                const struct hv_spec_secret *s = &spec->secrets.v[i];
                struct hv_secret *secret = NULL;
                struct hv_fault fault;
                const char *field;

                if (load_one(s, state, credentials, &secret, &field, &fault) < 0) {
                        const char *what = s->from_file ? s->from_file : "";

                        (void) (partly ? hv_diag_warn
                                       : hv_diag_error)(diags, hv_node_nearest(s->o.node, field), fault.code,
                                                        "%s%s%s", what, *what ? ": " : "", fault.message);
                        good = good && partly;
                        continue;
                }
                (void) hv_log_redact_add(secret);
                hv_map_put(all->by_name, s->o.name, secret);
        }
        if (!good)
                return -EINVAL;
        *ret = HV_STEAL(all);
        return 0;
}

int hv_secret_load(const struct hv_spec_secret *spec, const struct hv_disk *state, const char *credentials,
                   struct hv_secret **ret, struct hv_err *err) {
        struct hv_fault fault = {};
        const char *field;

        if (load_one(spec, state, credentials, ret, &field, &fault) < 0)
                return hv_err_set(err, -ENOKEY, "secret %s: %s", spec->o.name, fault.message);
        return 0;
}

void hv_secrets_put(struct hv_secrets *s, const char *name, const struct hv_secret *secret) {
        (void) hv_log_redact_add(secret);
        hv_map_put(s->by_name, name, hv_secret_new(hv_secret_bytes(secret), hv_secret_len(secret)));
}

struct hv_secrets *hv_secrets_free(struct hv_secrets *s) {
        if (!s)
                return NULL;
        (void) hv_map_free(s->by_name);
        free(s);
        return NULL;
}

const struct hv_secret *hv_secrets_get(const struct hv_secrets *s, const char *name) {
        return s ? hv_map_get(s->by_name, name) : NULL;
}

size_t hv_secrets_count(const struct hv_secrets *s) {
        return s ? hv_map_size(s->by_name) : 0;
}
