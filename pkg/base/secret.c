/* base/secret.c - see secret.h. The pages are its own, so that MADV_DONTDUMP reaches nothing else. */
#include "base/secret.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/sha256.h"

struct hv_secret {
        unsigned char *data;
        size_t len, mapped;
};

struct hv_secret *hv_secret_new(const void *data, size_t len) {
        struct hv_secret *s = HV_NEW(struct hv_secret);
        size_t page = (size_t) sysconf(_SC_PAGESIZE);

        s->len = len;
        s->mapped = (len + 1 + page - 1) / page * page;
        s->data = mmap(NULL, s->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (s->data == MAP_FAILED)
                hv_out_of_memory(s->mapped);
        /* Both are best effort: RLIMIT_MEMLOCK may be 0, and a secret that can be swapped beats no agent. */
        (void) mlock(s->data, s->mapped);
        (void) madvise(s->data, s->mapped, MADV_DONTDUMP);
        if (len)
                memcpy(s->data, data, len);
        return s;
}

struct hv_secret *hv_secret_free(struct hv_secret *s) {
        if (!s)
                return NULL;
        explicit_bzero(s->data, s->mapped);
        (void) munmap(s->data, s->mapped);
        free(s);
        return NULL;
}

const void *hv_secret_bytes(const struct hv_secret *s) {
        return s->data;
}

size_t hv_secret_len(const struct hv_secret *s) {
        return s->len;
}

void hv_secret_fingerprint(const struct hv_secret *s, char ret_hex[13]) {
        char hex[HV_SHA256_HEX_SIZE];

        hv_sha256_hex(s->data, s->len, hex);
        memcpy(ret_hex, hex, 12);
        ret_hex[12] = '\0';
}
