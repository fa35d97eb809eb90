/* base/alloc.c - see alloc.h. */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>

void hv_out_of_memory(size_t wanted_bytes) {
        fprintf(stderr,
                "hivelet: out of memory (%zu bytes wanted), stopping; workloads are left as they are\n",
                wanted_bytes);
        abort();
}

void *hv_malloc(size_t size_bytes) {
        void *p = malloc(size_bytes ? size_bytes : 1);

        if (!p)
                hv_out_of_memory(size_bytes);
        return p;
}

void *hv_calloc(size_t n, size_t size_bytes) {
        void *p = calloc(n ? n : 1, size_bytes ? size_bytes : 1);

        if (!p)
                hv_out_of_memory(size_bytes);
        return p;
}

void *hv_realloc(void *p, size_t size_bytes) {
        void *q = realloc(p, size_bytes ? size_bytes : 1);

        if (!q)
                hv_out_of_memory(size_bytes);
        return q;
}

char *hv_strdup(const char *s) {
        return s ? hv_strndup(s, strlen(s)) : NULL;
}

char *hv_strndup(const char *s, size_t n) {
        size_t len = strnlen(s, n);
        char *p = hv_malloc(len + 1);

        memcpy(p, s, len);
        p[len] = '\0';
        return p;
}

char *hv_asprintf(const char *fmt, ...) {
        va_list ap;
        char *p = NULL;
        int r;

        va_start(ap, fmt);
        r = vasprintf(&p, fmt, ap);
        va_end(ap);
        if (r < 0)
                hv_out_of_memory(0);
        return p;
}
