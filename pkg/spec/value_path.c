/* spec/value_path.c - see value_path.h. */
#include "spec/value_path.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/text.h"

#define PATH_MAX_LENGTH 4095 /* PATH_MAX - 1 */

/* Sockets through which a container would command the engine. */
static const char *const sockets[] = {
        "/run/docker.sock",
        "/run/containerd/containerd.sock",
        "/run/podman/podman.sock",
        "/run/crio/crio.sock",
};

static const char *const forbidden[] = {
        "/proc",
        "/sys",
        "/dev",
        "/run",
        "/etc",
        "/boot",
        "/var/lib/docker",
        "/var/lib/containerd",
        "/var/lib/containers",
};

static bool has_control(const char *text) {
        for (const unsigned char *p = (const unsigned char *) text; *p; p++)
                if (*p < 0x20 || *p == 0x7f)
                        return true;
        return false;
}

/* Joins the parts of a path with single slashes; "." vanishes. With `resolve`, ".." takes the part before it
 * away. Returns false at a ".." otherwise. `out` holds at least strlen(text) + 2 bytes. */
static bool join(const char *text, bool resolve, char *out) {
        bool absolute = *text == '/';
        size_t len = 0;

        for (const char *p = text, *end; *p; p = *end ? end + 1 : end) {
                size_t n;

                end = strchrnul(p, '/');
                n = (size_t) (end - p);
                if (n == 0 || (n == 1 && *p == '.'))
                        continue;
                if (n == 2 && p[0] == '.' && p[1] == '.') {
                        if (!resolve)
                                return false;
                        while (len > 0 && out[--len] != '/')
                                ;
                        continue;
                }
                if (absolute || len > 0)
                        out[len++] = '/';
                memmove(out + len, p, n);
                len += n;
        }
        if (len == 0)
                out[len++] = absolute ? '/' : '.';
        out[len] = '\0';
        return true;
}

/* Does a relative path climb above where it starts at any point? */
static bool leaves(const char *text) {
        size_t depth = 0;

        for (const char *p = text, *end; *p; p = *end ? end + 1 : end) {
                size_t n;

                end = strchrnul(p, '/');
                n = (size_t) (end - p);
                if (n == 0 || (n == 1 && *p == '.'))
                        continue;
                if (n != 2 || p[0] != '.' || p[1] != '.')
                        depth++;
                else if (depth-- == 0)
                        return true;
        }
        return false;
}

static int common_check(const char *text, const char *code, const char *quoted, struct hv_fault *fault) {
        if (!*text)
                return hv_fault_set(fault, code, "the path is empty");
        if (strlen(text) > PATH_MAX_LENGTH)
                return hv_fault_set(fault, code, "%s is longer than %d bytes", quoted, PATH_MAX_LENGTH);
        if (has_control(text))
                return hv_fault_set(fault, code, "%s holds a control character", quoted);
        return 0;
}

int hv_value_absolute_path(const char *text, struct hv_arena *a, const char **ret, struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE], *out;
        int r = common_check(text, "E0364", hv_text_quote(text, quoted), fault);

        if (r < 0)
                return r;
        if (*text != '/')
                return hv_fault_set(fault, "E0364", "%s must be an absolute path", quoted);
        out = hv_arena_alloc(a, strlen(text) + 2);
        if (!join(text, false, out))
                return hv_fault_set(fault, "E0364", "\"..\" is not allowed in %s", quoted);
        *ret = out;
        return 0;
}

int hv_value_relative_path(const char *text, const char *code, const char *what, bool allow_all,
                           struct hv_arena *a, const char **ret, struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE], *out;
        int r = common_check(text, code, hv_text_quote(text, quoted), fault);

        if (r < 0)
                return r;
        if (*text == '/')
                return hv_fault_set(fault, code, "%s must be relative to the %s", quoted, what);
        if (leaves(text))
                return hv_fault_set(fault, code, "%s leaves the %s", quoted, what);
        out = hv_arena_alloc(a, strlen(text) + 2);
        if (!join(text, false, out))
                return hv_fault_set(fault, code, "\"..\" is not allowed in %s", quoted);
        if (!allow_all && hv_streq(out, "."))
                return hv_fault_set(fault, code, "%s is the %s itself, expected a path below it", quoted,
                                    what);
        *ret = out;
        return 0;
}

int hv_value_http_path(const char *text, struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        (void) hv_text_quote(text, quoted);
        if (*text != '/')
                return hv_fault_set(fault, "E0403", "path %s must start with \"/\"", quoted);
        for (const unsigned char *p = (const unsigned char *) text; *p; p++)
                if (*p <= ' ' || *p >= 0x7f || *p == '#')
                        return hv_fault_set(fault, "E0403",
                                            "path %s holds a character that must be written as %%%02X",
                                            quoted, (unsigned) *p);
        return 0;
}

/* Links that every Debian has: /var/run leads to /run, /var/lock to /run/lock. */
static void follow_known_links(char *path) {
        if (hv_path_is_below(path, "/var/run"))
                memmove(path, path + strlen("/var"), strlen(path) - strlen("/var") + 1);
        else if (hv_path_is_below(path, "/var/lock"))
                memcpy(path, "/run/lock", strlen("/run/lock"));
}

int hv_value_host_path_allowed(const char *text, const char *state_directory, struct hv_fault *fault) {
        _hv_cleanup_free_ char *path = hv_malloc(strlen(text) + 2);
        const char *last, *state = state_directory ? state_directory : "/var/lib/hivelet";
        char quoted[HV_TEXT_QUOTE_SIZE];

        (void) join(text, true, path);
        follow_known_links(path);
        (void) hv_text_quote(text, quoted);
        last = strrchr(path, '/');
        last = last ? last + 1 : path;
        for (size_t i = 0; i < HV_ARRAY_SIZE(sockets); i++)
                if (hv_path_is_below(sockets[i], path) || hv_streq(last, strrchr(sockets[i], '/') + 1))
                        return hv_fault_set(fault, "E0367",
                                            "mounting the Docker socket gives root on this node; denied");
        for (size_t i = 0; i <= HV_ARRAY_SIZE(forbidden); i++) {
                const char *f = i < HV_ARRAY_SIZE(forbidden) ? forbidden[i] : state;

                if (hv_path_is_below(path, f))
                        return hv_fault_set(fault, "E0365", "%s is inside %s, which may never be mounted",
                                            quoted, f);
                if (hv_path_is_below(f, path))
                        return hv_fault_set(fault, "E0365", "%s holds %s, which may never be mounted", quoted,
                                            f);
        }
        return 0;
}
