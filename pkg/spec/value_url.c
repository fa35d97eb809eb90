/* spec/value_url.c - see value_url.h. */
#include "spec/value_url.h"

#include "base/arena.h"
#include "base/text.h"
#include "spec/value_net.h"

static const struct {
        const char *name;
        enum hv_url_scheme scheme;
        uint16_t port;
} known[] = {
        { "https", HV_URL_HTTPS, 443 },
        { "http", HV_URL_HTTP, 80 },
        { "file", HV_URL_FILE, 0 },
};

static const char *names_of(unsigned schemes) {
        switch (schemes) {
        case HV_URL_HTTPS:
                return "https";
        case HV_URL_HTTPS | HV_URL_HTTP:
                return "https, http";
        default:
                return "https, http, file";
        }
}

/* host[:port] of a URL into `ret`. */
static int authority_read(const char *authority, uint16_t default_port, struct hv_arena *a,
                          struct hv_url *ret, struct hv_fault *fault) {
        const char *colon = strrchr(authority, ':'), *bracket = strrchr(authority, ']');
        struct hv_endpoint e;
        int r;

        if (strchr(authority, '@'))
                return hv_fault_set(fault, "E0506",
                                    "the URL holds a user or a password; those do not belong in a URL");
        if (!*authority)
                return hv_fault_set(fault, "E0506", "the URL names no host");
        if (!colon || (bracket && colon < bracket))
                authority = hv_arena_printf(a, "%s:%u", authority, (unsigned) default_port);
        r = hv_value_endpoint(authority, "E0506", a, &e, fault);
        if (r < 0)
                return r;
        ret->host = e.host;
        ret->port = e.port;
        return 0;
}

int hv_value_url(const char *text, unsigned schemes, struct hv_arena *a, struct hv_url *ret,
                 struct hv_fault *fault) {
        const char *colon = strstr(text, "://"), *authority, *path;
        char quoted[HV_TEXT_QUOTE_SIZE];
        struct hv_url url = {};
        const char *scheme;
        int r;

        if (!colon)
                return hv_fault_set(fault, "E0506", "the URL has no scheme: use %s", names_of(schemes));
        scheme = hv_arena_strndup(a, text, HV_MIN((size_t) (colon - text), 32));
        for (size_t i = 0; i < HV_ARRAY_SIZE(known); i++)
                if (hv_streq(scheme, known[i].name) && schemes & known[i].scheme) {
                        url.scheme = known[i].scheme;
                        url.port = known[i].port;
                }
        if (!url.scheme)
                return hv_fault_set(fault, "E0506", "%s is not supported: use %s",
                                    hv_text_quote(scheme, quoted), names_of(schemes));
        for (const unsigned char *p = (const unsigned char *) text; *p; p++)
                if (*p <= ' ' || *p >= 0x7f || strchr("\"<>\\^`{|}", *p))
                        return hv_fault_set(fault, "E0506",
                                            "the URL holds a character that must be written as %%%02X",
                                            (unsigned) *p);
        if (strchr(text, '#'))
                return hv_fault_set(fault, "E0506",
                                    "the URL holds a fragment (\"#\"), which no server ever sees");
        authority = colon + 3;
        path = authority + strcspn(authority, "/?");
        url.host = hv_arena_strndup(a, authority, (size_t) (path - authority));
        url.path = *path == '/' ? hv_arena_strdup(a, path) : hv_arena_printf(a, "/%s", path);
        if (url.scheme != HV_URL_FILE) {
                r = authority_read(url.host, url.port, a, &url, fault);
                if (r < 0)
                        return r;
        } else if (*url.host)
                return hv_fault_set(fault, "E0506", "a file URL names no host: write file:///PATH");
        *ret = url;
        return 0;
}
