/* rpc/target.c - see target.h. */
#include "rpc/target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/text.h"

#define EXPECTED "expected is host:port, [IPv6 address]:port or unix:/path"

struct parts {
        char host[256];
        uint16_t port;
        bool is_v6; /* stood in brackets */
};

/* Splits "host:port" and "[v6]:port"; the host is not judged. */
static bool split(const char *text, uint64_t port_min, struct parts *ret) {
        bool is_v6 = *text == '[';
        const char *host = is_v6 ? text + 1 : text, *end = is_v6 ? strchr(text, ']') : strrchr(text, ':');
        const char *colon = end && is_v6 ? end + 1 : end;
        uint64_t port;

        if (!end || end == host || *colon != ':' || (size_t) (end - host) >= sizeof ret->host ||
            !hv_parse_uint(colon + 1, port_min, UINT16_MAX, &port))
                return false;
        *ret = (struct parts){ .port = (uint16_t) port, .is_v6 = is_v6 };
        memcpy(ret->host, host, (size_t) (end - host));
        return true;
}

static int bad(const char *text, struct hv_err *err) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        return hv_err_set(err, -EINVAL, "address %s: " EXPECTED, hv_text_quote(text, quoted));
}

static bool is_unix_path(const char *text, const char **ret_path) {
        struct sockaddr_un un;

        if (!hv_has_prefix(text, "unix:/"))
                return false;
        *ret_path = text + strlen("unix:");
        return strlen(*ret_path) < sizeof un.sun_path;
}

bool rpc_target_split(const char *text, char **ret_host, char **ret_port) {
        struct parts p;

        if (!split(text, 1, &p))
                return false;
        *ret_host = hv_strdup(p.host);
        *ret_port = hv_asprintf("%u", p.port);
        return true;
}

int rpc_target_parse(const char *text, char **ret, struct hv_err *err) {
        struct in6_addr v6;
        const char *path;
        struct parts p;

        if (is_unix_path(text, &path)) {
                *ret = hv_strdup(text);
                return 0;
        }
        if (!split(text, 1, &p))
                return bad(text, err);
        if (p.is_v6 ? inet_pton(AF_INET6, p.host, &v6) != 1 : !hv_text_is_dns_name(p.host))
                return bad(text, err);
        /* A name would do without a scheme but for one that is a scheme itself: "unix:80", "dns:53". */
        *ret = p.is_v6 ? hv_strdup(text) : hv_asprintf("dns:///%s:%u", p.host, (unsigned) p.port);
        return 0;
}

static bool parse_number(const struct parts *p, struct sockaddr_storage *ret, socklen_t *ret_len) {
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(p->port) };
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(p->port) };

        memset(ret, 0, sizeof *ret);
        if (!p->is_v6 && inet_pton(AF_INET, p->host, &in.sin_addr) == 1) {
                memcpy(ret, &in, sizeof in);
                *ret_len = sizeof in;
                return true;
        }
        if (p->is_v6 && inet_pton(AF_INET6, p->host, &in6.sin6_addr) == 1) {
                memcpy(ret, &in6, sizeof in6);
                *ret_len = sizeof in6;
                return true;
        }
        return false;
}

int rpc_listen_parse(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len, struct hv_err *err) {
        struct sockaddr_un un = { .sun_family = AF_UNIX };
        char quoted[HV_TEXT_QUOTE_SIZE];
        const char *path;
        struct parts p;

        if (is_unix_path(text, &path)) {
                strcpy(un.sun_path, path);
                memset(ret, 0, sizeof *ret);
                memcpy(ret, &un, sizeof un);
                *ret_len = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
                return 0;
        }
        if (!split(text, 0, &p))
                return bad(text, err);
        if (!parse_number(&p, ret, ret_len))
                return hv_err_set(err, -EINVAL,
                                  "address %s to listen on: its host must be a number (127.0.0.1, [::1])",
                                  hv_text_quote(text, quoted));
        return 0;
}

static void as_v4_where_mapped(struct sockaddr_storage *a) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) a;
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = in6->sin6_port };

        if (a->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
                return;
        memcpy(&in.sin_addr, &in6->sin6_addr.s6_addr[12], sizeof in.sin_addr);
        memset(a, 0, sizeof *a);
        memcpy(a, &in, sizeof in);
}

/* gRPC escapes brackets, and the '%' of a zone, as in a URI. */
static void unescape(const char *text, char *ret, size_t size) {
        size_t n = 0;
        unsigned byte;

        while (*text && n + 1 < size) {
                if (*text == '%' && text[1] && text[2] && sscanf(text + 1, "%2x", &byte) == 1) {
                        ret[n++] = (char) byte;
                        text += 3;
                } else
                        ret[n++] = *text++;
        }
        ret[n] = '\0';
}

void rpc_peer_parse(const char *text, struct sockaddr_storage *ret) {
        char plain[320], *zone;
        struct parts p;
        socklen_t len;

        memset(ret, 0, sizeof *ret);
        unescape(text, plain, sizeof plain);
        if (hv_has_prefix(plain, "unix:")) {
                ret->ss_family = AF_UNIX;
                return;
        }
        if ((!hv_has_prefix(plain, "ipv4:") && !hv_has_prefix(plain, "ipv6:")) || !split(plain + 5, 0, &p))
                return;
        zone = strchr(p.host, '%'); /* fe80::1%2: the interface says nothing about who it is */
        if (zone)
                *zone = '\0';
        if (parse_number(&p, ret, &len))
                as_v4_where_mapped(ret);
        else
                memset(ret, 0, sizeof *ret);
}
