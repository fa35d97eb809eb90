#include "http/etag.h"

#include <errno.h>
#include <string.h>

int hv_http_etag_next(const char **list, struct hv_http_etag *ret) {
        const char *p = *list + strspn(*list, " \t,"), *end;

        *ret = (struct hv_http_etag){};
        if (!*p)
                return 0;
        if (*p == '*') {
                *list = p + 1;
                return 1;
        }
        if (p[0] == 'W' && p[1] == '/') {
                ret->is_weak = true;
                p += 2;
        }
        end = *p == '"' ? strchr(p + 1, '"') : NULL;
        if (!end)
                return -EINVAL;
        ret->text = p + 1;
        ret->len = (size_t) (end - ret->text);
        *list = end + 1;
        return 1;
}
