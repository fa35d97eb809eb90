/* docker/check.c - see check.h. */
#include "docker/check.h"

#include <ctype.h>
#include <errno.h>

#include "base/path.h"
#include "base/text.h"

static int refuse(const char *field, const char *text, const char *why, struct hv_err *err) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        return hv_err_set(err, -EINVAL, "%s %s: %s", field, hv_text_quote(text ? text : "", quoted), why);
}

static bool has_control(const char *text) {
        for (; *text; text++)
                if ((unsigned char) *text < 0x20 || *text == 0x7f)
                        return true;
        return false;
}

int hv_check_value(const char *field, const char *text, struct hv_err *err) {
        if (!text)
                return refuse(field, text, "is missing", err);
        if (!hv_utf8_is_valid(text, strlen(text), NULL))
                return refuse(field, text, "is not UTF-8", err);
        if (strpbrk(text, "\r\n"))
                return refuse(field, text, "holds a line break", err);
        return 0;
}

int hv_check_text(const char *field, const char *text, struct hv_err *err) {
        if (hv_str_empty(text))
                return refuse(field, text, "is empty", err);
        if (has_control(text))
                return refuse(field, text, "holds a control character", err);
        return hv_check_value(field, text, err);
}

static bool only(const char *text, const char *also) {
        for (; *text; text++)
                if (!isalnum((unsigned char) *text) && !strchr(also, *text))
                        return false;
        return true;
}

int hv_check_name(const char *field, const char *text, struct hv_err *err) {
        if (hv_str_empty(text))
                return refuse(field, text, "is empty", err);
        if (!isalnum((unsigned char) *text) || !only(text, "_.-") || strlen(text) > 255)
                return refuse(field, text, "is not of the form [a-zA-Z0-9][a-zA-Z0-9_.-]*", err);
        return 0;
}

/* A backslash is how systemd writes what a part of a name must not hold. */
int hv_check_slice(const char *field, const char *text, struct hv_err *err) {
        if (hv_str_empty(text) || !isalnum((unsigned char) *text) || !only(text, "_.-:\\") ||
            strlen(text) > 255)
                return refuse(field, text, "is not the name of a slice", err);
        return 0;
}

int hv_check_image(const char *field, const char *text, struct hv_err *err) {
        if (hv_str_empty(text))
                return refuse(field, text, "is empty", err);
        if (!isalnum((unsigned char) *text) || !only(text, "_.-/:@") || strstr(text, "..") ||
            strstr(text, "//"))
                return refuse(field, text, "is not the name of an image", err);
        return 0;
}

int hv_check_env(const char *name, const char *value, struct hv_err *err) {
        int r;

        /* The value may be a secret: a message names the variable and no more. */
        if (hv_str_empty(name) || !only(name, "_.-") || isdigit((unsigned char) *name))
                return refuse("environment variable", name, "is not of the form [a-zA-Z_.-][a-zA-Z0-9_.-]*",
                              err);
        r = hv_check_value("value", value, NULL);
        if (r < 0)
                return refuse("environment variable", name,
                              "its value is missing, not UTF-8, or holds a line break", err);
        return 0;
}

int hv_check_signal(const char *field, const char *text, struct hv_err *err) {
        if (hv_str_empty(text) || !only(text, "+-") || strlen(text) > 16)
                return refuse(field, text, "is not a signal", err);
        return 0;
}

int hv_check_pairs(const char *field, const struct hv_pairs *pairs, struct hv_err *err) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < pairs->n; i++) {
                r = hv_check_text(field, pairs->v[i].name, err);
                if (r == 0)
                        r = hv_check_value(pairs->v[i].name, pairs->v[i].value, err);
        }
        return r;
}

/* --- paths --- */

static bool has_part(const char *path, const char *part) {
        size_t n = strlen(part);

        for (const char *p = path; (p = strchr(p, '/')); p++)
                if (strncmp(p + 1, part, n) == 0 && (p[1 + n] == '/' || p[1 + n] == '\0'))
                        return true;
        return false;
}

int hv_check_path(const char *field, const char *path, struct hv_err *err) {
        int r = hv_check_text(field, path, err);

        if (r < 0)
                return r;
        if (*path != '/')
                return refuse(field, path, "is not absolute", err);
        if (path[1] && (has_part(path, "") || has_part(path, ".") || has_part(path, "..")))
                return refuse(field, path,
                              "is not in its simplest form (\"//\", \".\", \"..\" or \"/\" at the end)", err);
        /* What splits "source:target:options" or "key=value,key=value" would see more than one path. */
        if (strpbrk(path, ":,"))
                return refuse(field, path, "holds a ':' or ','", err);
        return 0;
}

int hv_check_target(const char *path, bool is_tmpfs, struct hv_err *err) {
        static const char *const kernel[] = { "/proc", "/sys", "/dev" };
        int r = hv_check_path("mount target", path, err);

        if (r < 0)
                return r;
        if (hv_streq(path, "/"))
                return hv_err_set(err, -EPERM, "mount target \"/\" would replace the container's root");
        if (is_tmpfs && hv_streq(path, "/dev/shm"))
                return 0;
        for (size_t i = 0; i < HV_ARRAY_SIZE(kernel); i++)
                if (hv_path_is_below(path, kernel[i]))
                        return hv_err_set(err, -EPERM,
                                          "mount target \"%s\" is below %s, which is the kernel's", path,
                                          kernel[i]);
        return 0;
}

static int refuse_forbidden(const char *path, const char *forbidden, struct hv_err *err) {
        if (hv_path_is_below(path, forbidden))
                return hv_err_set(err, -EPERM, "host path \"%s\": %s is never mounted", path, forbidden);
        if (hv_path_is_below(forbidden, path))
                return hv_err_set(err, -EPERM, "host path \"%s\" holds %s, which is never mounted", path,
                                  forbidden);
        return 0;
}

int hv_check_host_path(const char *path, const struct hv_docker_policy *policy,
                       const struct hv_strv *private_paths, struct hv_err *err) {
        static const char *const never[] = {
                "/proc",
                "/sys",
                "/dev",
                "/run",
                "/var/run",
                "/etc",
                "/boot",
                "/var/lib/docker",
                "/var/lib/containerd",
                "/var/lib/containers",
        };
        size_t n_private = private_paths ? private_paths->n : 0;
        int r = hv_check_path("host path", path, err);

        for (size_t i = 0; r == 0 && i < HV_ARRAY_SIZE(never); i++)
                r = refuse_forbidden(path, never[i], err);
        for (size_t i = 0; r == 0 && i < n_private; i++)
                r = refuse_forbidden(path, private_paths->v[i], err);
        if (r < 0)
                return r;
        for (size_t i = 0; policy && i < policy->host_paths.n; i++)
                if (!hv_str_empty(policy->host_paths.v[i]) && hv_path_is_below(path, policy->host_paths.v[i]))
                        return 0;
        return hv_err_set(err, -EPERM, "host path \"%s\" is not below a path that the node's policy allows",
                          path);
}
