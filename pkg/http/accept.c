#include "http/accept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "http/route.h"

#define BLANKS " \t"
#define JSON "application/json"
#define YAML "application/yaml"
#define TYPE_SIZE 64

enum closeness {
        OTHER,
        ANYTHING,  /* "*" + "/" + "*" */
        ANY_OF_IT, /* "text" + "/" + "*" */
        THE_TYPE,
};

static enum closeness closeness_of(const char *range, size_t len, const char *type) {
        size_t main_len = strcspn(type, "/") + 1;

        if (len == 3 && memcmp(range, "*/*", 3) == 0)
                return ANYTHING;
        if (len == main_len + 1 && range[main_len] == '*' && strncasecmp(range, type, main_len) == 0)
                return ANY_OF_IT;
        return len == strlen(type) && strncasecmp(range, type, len) == 0 ? THE_TYPE : OTHER;
}

/* The weight among the parameters of one range, which end at a comma; 1000 where there is none. */
static unsigned weight_of(const char *parameters, size_t len) {
        for (size_t i = 0; i < len; i++) {
                if (parameters[i] != ';')
                        continue;
                i += 1 + strspn(parameters + i + 1, BLANKS);
                if (i + 1 < len && (parameters[i] == 'q' || parameters[i] == 'Q') &&
                    parameters[i + 1] == '=') {
                        double q = strtod(parameters + i + 2, NULL);

                        return q >= 1 ? 1000 : q > 0 ? (unsigned) (q * 1000) : 0;
                }
        }
        return 1000;
}

unsigned hv_http_accept_milli(const char *accept, const char *type) {
        enum closeness best = OTHER;
        unsigned milli = 0;

        if (!accept || !accept[strspn(accept, BLANKS)])
                return 1000;
        for (const char *p = accept; *p; p += *p == ',') {
                size_t len, name_len;
                enum closeness c;

                p += strspn(p, BLANKS);
                len = strcspn(p, ",");
                name_len = strcspn(p, ",; \t");
                c = closeness_of(p, name_len, type);
                if (c > best) {
                        best = c;
                        milli = weight_of(p + name_len, len - name_len);
                }
                p += len;
        }
        return milli;
}

static bool is_of_the_api(const struct hv_http_route *route) {
        return route->method == HV_HTTP_GET && hv_has_prefix(route->path, "/api/v1/");
}

/* Walks the types of the good answers: the words behind each number, as in "200 EventList text/event-stream, 304". *at begins as
 * the table's text. */
static bool next_type(const char **at, char ret[TYPE_SIZE]) {
        const char *p = *at;

        for (size_t len; *p; p += len) {
                p += strspn(p, " ");
                len = strcspn(p, " ,");
                if (*p == ',') {
                        len = 1;
                        continue;
                }
                if (*p >= '0' && *p <= '9') { /* no type, nor a shape, begins with a digit */
                        if (*p != '2')
                                len = strcspn(p, ",");
                        continue;
                }
                (void) snprintf(ret, TYPE_SIZE, "%.*s", (int) len, p);
                if (!strchr(ret, '/'))
                        (void) snprintf(ret, TYPE_SIZE, JSON);
                *at = p + len;
                return true;
        }
        return false;
}

bool hv_http_route_gives_yaml(const struct hv_http_route *route) {
        const char *at = route->answers ? route->answers : "";
        char type[TYPE_SIZE];

        if (!is_of_the_api(route) || (route->flags & HV_HTTP_VERBATIM))
                return false;
        while (next_type(&at, type))
                if (hv_streq(type, JSON))
                        return true;
        return false;
}

enum hv_http_form hv_http_accept_form(const char *accept, const struct hv_http_route *route) {
        const char *at = route->answers ? route->answers : "";
        unsigned as_it_is = 0, yaml;
        char type[TYPE_SIZE];

        if (!accept || !is_of_the_api(route))
                return HV_HTTP_FORM_AS_IT_IS;
        while (next_type(&at, type))
                as_it_is = HV_MAX(as_it_is, hv_http_accept_milli(accept, type));
        yaml = hv_http_route_gives_yaml(route) ? hv_http_accept_milli(accept, YAML) : 0;
        if (yaml > as_it_is)
                return HV_HTTP_FORM_YAML;
        return as_it_is > 0 ? HV_HTTP_FORM_AS_IT_IS : HV_HTTP_FORM_NONE;
}

void hv_http_route_types(const struct hv_http_route *route, struct hv_buf *ret) {
        const char *at = route->answers ? route->answers : "";
        char type[TYPE_SIZE];
        bool has_json = false;

        while (next_type(&at, type)) {
                bool is_json = hv_streq(type, JSON);

                if (is_json && has_json)
                        continue;
                hv_buf_printf(ret, "%s%s%s", ret->len > 0 ? ", " : "", type,
                              is_json && hv_http_route_gives_yaml(route) ? ", " YAML : "");
                has_json |= is_json;
        }
}
