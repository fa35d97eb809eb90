/* spec/value_image.c - see value_image.h. */
#include "spec/value_image.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/parse.h"
#include "base/text.h"

#define NAME_MAX_LENGTH 255
#define TAG_MAX_LENGTH 128
#define DIGEST_DIGITS 64

static bool is_lower_alnum(char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_upper(char c) {
        return c >= 'A' && c <= 'Z';
}

static bool is_word(char c) {
        return is_lower_alnum(c) || is_upper(c) || c == '_';
}

/* alphanumerics, separated by '.', '_', "__" or any number of '-' */
static bool is_path_part(const char *s, size_t n) {
        size_t i = 0;

        while (i < n) {
                size_t start = i;

                while (i < n && is_lower_alnum(s[i]))
                        i++;
                if (i == start)
                        return false;
                if (i == n)
                        return true;
                if (s[i] == '-')
                        while (i < n && s[i] == '-')
                                i++;
                else if (s[i] == '_')
                        i += i + 1 < n && s[i + 1] == '_' ? 2 : 1;
                else if (s[i] == '.')
                        i++;
                else
                        return false;
        }
        return false;
}

/* host[:port], the host a DNS name, an IPv4 address or an IPv6 address in brackets */
static bool is_registry(const char *s) {
        const char *colon = strrchr(s, ':'), *bracket = strrchr(s, ']');
        char host[NAME_MAX_LENGTH + 1];
        uint64_t port;
        size_t n;

        if (bracket && (!colon || colon < bracket))
                colon = NULL;
        if (colon && !hv_parse_uint(colon + 1, 1, 65535, &port))
                return false;
        n = colon ? (size_t) (colon - s) : strlen(s);
        if (n == 0 || n > NAME_MAX_LENGTH)
                return false;
        memcpy(host, s, n);
        host[n] = '\0';
        if (host[0] != '[')
                return hv_text_is_dns_name(host);
        return n > 3 && host[n - 1] == ']' && strspn(host + 1, "0123456789abcdefABCDEF:.") == n - 2;
}

static int digest_check(const char *text, struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE];
        static const char algorithm[] = "sha256:";
        size_t n = 0, n_hex;

        if (!hv_has_prefix(text, algorithm))
                return hv_fault_set(fault, "E0344", "digest %s does not start with \"sha256:\"",
                                    hv_text_quote(text, quoted));
        text += strlen(algorithm);
        n = strlen(text);
        n_hex = strspn(text, "0123456789abcdef");
        if (n_hex < n)
                return hv_fault_set(fault, "E0344",
                                    "sha256 must have 64 lower-case hex digits, character %zu is none",
                                    n_hex + 1);
        if (n != DIGEST_DIGITS)
                return hv_fault_set(fault, "E0344", "sha256 must have %d hex digits, found %zu",
                                    DIGEST_DIGITS, n);
        return 0;
}

/* Says the first thing that is wrong with a repository. */
static int repository_check(const char *text, const char *repository, struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE];
        const char *end;

        (void) hv_text_quote(text, quoted);
        if (!*repository)
                return hv_fault_set(fault, "E0341", "%s is not an image reference: the repository is empty",
                                    quoted);
        for (const char *p = repository; *p; p++)
                if (is_upper(*p))
                        return hv_fault_set(fault, "E0341",
                                            "%s is not an image reference: repository must be lower case",
                                            quoted);
        for (const char *p = repository;; p = end + 1) {
                end = strchrnul(p, '/');
                if (end == p)
                        return hv_fault_set(fault, "E0341",
                                            "%s is not an image reference: a part between two '/' is empty",
                                            quoted);
                if (!is_path_part(p, (size_t) (end - p)))
                        return hv_fault_set(
                                fault, "E0341",
                                "%s is not an image reference: a repository has lower-case letters and digits "
                                "with '.', '_' or '-' between them",
                                quoted);
                if (!*end)
                        return 0;
        }
}

static int tag_check(const char *text, const char *tag, struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE];
        size_t n = strlen(tag);
        bool good = n > 0 && n <= TAG_MAX_LENGTH && is_word(tag[0]);

        for (size_t i = 0; i < n && good; i++)
                good = is_word(tag[i]) || tag[i] == '.' || tag[i] == '-';
        if (good)
                return 0;
        (void) hv_text_quote(text, quoted);
        if (n == 0)
                return hv_fault_set(fault, "E0341", "%s is not an image reference: nothing follows the ':'",
                                    quoted);
        return hv_fault_set(
                fault, "E0341",
                "%s is not an image reference: a tag has letters, digits, '_', '.' and '-', at most %d",
                quoted, TAG_MAX_LENGTH);
}

/* Splits "registry/rest"; without a registry it is Docker Hub, whose single names live below "library". */
static int name_split(const char *text, char *name, struct hv_arena *a, struct hv_image_ref *ret,
                      struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE], *slash = strchr(name, '/'), *registry;
        int r;

        ret->registry = "docker.io";
        ret->repository = name;
        if (slash) {
                *slash = '\0';
                if (strpbrk(name, ".:[") || hv_streq(name, "localhost")) {
                        if (!is_registry(name))
                                return hv_fault_set(
                                        fault, "E0341",
                                        "%s is not an image reference: its registry is not HOST or "
                                        "HOST:PORT",
                                        hv_text_quote(text, quoted));
                        registry = hv_arena_strdup(a, name);
                        for (char *p = registry; *p; p++)
                                *p = is_upper(*p) ? (char) (*p - 'A' + 'a') : *p;
                        ret->registry = hv_streq(registry, "index.docker.io") ? "docker.io" : registry;
                        ret->repository = slash + 1;
                } else
                        *slash = '/';
        }
        r = repository_check(text, ret->repository, fault);
        if (r < 0)
                return r;
        if (hv_streq(ret->registry, "docker.io") && !strchr(ret->repository, '/'))
                ret->repository = hv_arena_printf(a, "library/%s", ret->repository);
        ret->name = hv_arena_printf(a, "%s/%s", ret->registry, ret->repository);
        if (strlen(ret->name) > NAME_MAX_LENGTH)
                return hv_fault_set(fault, "E0341",
                                    "%s is not an image reference: the name is longer than %d characters",
                                    hv_text_quote(text, quoted), NAME_MAX_LENGTH);
        return 0;
}

int hv_value_image(const char *text, struct hv_arena *a, struct hv_image_ref *ret, struct hv_fault *fault) {
        struct hv_image_ref ref = {};
        char quoted[HV_TEXT_QUOTE_SIZE], *name, *at, *colon;
        int r;

        (void) hv_text_quote(text, quoted);
        if (!*text)
                return hv_fault_set(fault, "E0341", "\"\" is not an image reference: it is empty");
        if (strstr(text, "://"))
                return hv_fault_set(fault, "E0341",
                                    "%s is a URL; an image reference is REGISTRY/REPOSITORY:TAG", quoted);
        if (strlen(text) == DIGEST_DIGITS && strspn(text, "0123456789abcdef") == DIGEST_DIGITS)
                return hv_fault_set(fault, "E0341", "%s is an image id; write REPOSITORY@sha256:DIGEST",
                                    quoted);
        name = hv_arena_strdup(a, text);
        at = strchr(name, '@');
        if (at) {
                *at = '\0';
                ref.digest = at + 1;
                r = digest_check(ref.digest, fault);
                if (r < 0)
                        return r;
        }
        colon = strrchr(name, ':');
        if (colon && !strchr(colon, '/')) { /* else it is the port of a registry */
                *colon = '\0';
                ref.tag = colon + 1;
        }
        r = name_split(text, name, a, &ref, fault);
        if (r < 0)
                return r;
        if (ref.tag) {
                r = tag_check(text, ref.tag, fault);
                if (r < 0)
                        return r;
        }
        ref.tag_implied = !ref.tag && !ref.digest;
        if (ref.tag_implied)
                ref.tag = "latest";
        ref.full = hv_arena_printf(a, "%s%s%s%s%s", ref.name, ref.tag ? ":" : "", ref.tag ? ref.tag : "",
                                   ref.digest ? "@" : "", ref.digest ? ref.digest : "");
        *ret = ref;
        return 0;
}

int hv_value_image_pattern(const char *text, struct hv_fault *fault) {
        const char *slash = strchr(text, '/');
        char quoted[HV_TEXT_QUOTE_SIZE], first[NAME_MAX_LENGTH + 1];

        (void) hv_text_quote(text, quoted);
        if (hv_streq(text, "*"))
                return 0;
        for (const char *p = text; *p; p++)
                if (!is_word(*p) && !strchr("*.:/@-[]", *p))
                        return hv_fault_set(fault, "E0341",
                                            "%s is not a pattern of image names such as docker.io/library/*",
                                            quoted);
        if (slash) {
                size_t n = HV_MIN((size_t) (slash - text), sizeof first - 1);

                memcpy(first, text, n);
                first[n] = '\0';
                if (n > 0 && slash[1] && (strpbrk(first, ".:[*") || hv_streq(first, "localhost")))
                        return 0;
        }
        return hv_fault_set(
                fault, "E0341",
                "%s is matched against full names and would match none; did you mean \"docker.io/%s%s\"?",
                quoted, slash ? "" : "library/", *text ? text : "*");
}

/* `*` stands for any run of characters; nothing else is special. Linear: only the last `*` is ever retried.
 */
static bool glob(const char *pattern, size_t n_pattern, const char *text, size_t n_text) {
        size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

        while (t < n_text)
                if (p < n_pattern && pattern[p] == '*') {
                        star = p++;
                        mark = t;
                } else if (p < n_pattern && pattern[p] == text[t]) {
                        p++;
                        t++;
                } else if (star != SIZE_MAX) {
                        p = star + 1;
                        t = ++mark;
                } else
                        return false;
        while (p < n_pattern && pattern[p] == '*')
                p++;
        return p == n_pattern;
}

bool hv_image_pattern_matches(const char *pattern, const struct hv_image_ref *image) {
        char version[NAME_MAX_LENGTH + TAG_MAX_LENGTH + 2];
        const char *slash = strchr(pattern, '/'), *rest;
        size_t n;

        if (hv_streq(pattern, "*"))
                return true;
        if (!slash || !glob(pattern, (size_t) (slash - pattern), image->registry, strlen(image->registry)))
                return false;
        rest = slash + 1;
        n = strlen(rest);
        if (n > 2 && strcmp(rest + n - 2, ":*") == 0)
                n -= 2;
        if (glob(rest, n, image->repository, strlen(image->repository)))
                return true;
        if (image->digest && !memchr(rest, '@', n))
                return false; /* else ":5*" would allow "@sha256:5..." */
        (void) snprintf(version, sizeof version, "%s%c%s", image->repository, image->digest ? '@' : ':',
                        image->digest ? image->digest : image->tag);
        return glob(rest, n, version, strlen(version));
}
