/* base/arena.c - see arena.h. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"

/* Under AddressSanitizer a step behind any piece is seen, not only one behind a block: what is not handed out is poisoned,
 * and a gap stays between neighbours. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define HAS_ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#define GAP_BYTES 16u
#else
#define GAP_BYTES 0u
#define ASAN_POISON_MEMORY_REGION(p, size_bytes) ((void) (p))
#define ASAN_UNPOISON_MEMORY_REGION(p, size_bytes) ((void) (p))
#endif

/* First block small (most revisions fit in a few), then doubling up to a cap, so that a big state costs few
 * calls and a small one little memory. */
#define BLOCK_FIRST 4096u
#define BLOCK_MAX 262144u

struct block {
        struct block *next;
        size_t used, size;
        _Alignas(max_align_t) char data[];
};

struct hv_arena {
        struct block *head; /* the one being filled */
        size_t handed_out, next_size;
};

struct hv_arena *hv_arena_new(void) {
        struct hv_arena *a = HV_NEW(struct hv_arena);

        a->next_size = BLOCK_FIRST;
        return a;
}

struct hv_arena *hv_arena_free(struct hv_arena *a) {
        struct block *next;

        if (!a)
                return NULL;
        for (struct block *b = a->head; b; b = next) {
                next = b->next;
                free(b);
        }
        free(a);
        return NULL;
}

/* As hv_arena_alloc(), of bytes that say nothing yet. */
static void *take(struct hv_arena *a, size_t size_bytes) {
        const size_t align = _Alignof(max_align_t);
        struct block *b = a->head;
        size_t taken;
        void *p;

        if (size_bytes > SIZE_MAX - align - GAP_BYTES)
                hv_out_of_memory(size_bytes);
        taken = HV_MAX((size_bytes + align - 1) & ~(align - 1), align) + GAP_BYTES;
        if (!b || b->size - b->used < taken) {
                size_t size = HV_MAX(taken, a->next_size);

                b = hv_malloc(sizeof *b + size);
                ASAN_POISON_MEMORY_REGION(b->data, size);
                b->used = 0;
                b->size = size;
                b->next = a->head;
                a->head = b;
                a->next_size = HV_MIN(a->next_size * 2, (size_t) BLOCK_MAX);
        }
        p = b->data + b->used;
        b->used += taken;
        a->handed_out += taken - GAP_BYTES;
        ASAN_UNPOISON_MEMORY_REGION(p, size_bytes);
        return p;
}

void *hv_arena_alloc(struct hv_arena *a, size_t size_bytes) {
        return memset(take(a, size_bytes), 0, size_bytes);
}

void *hv_arena_memdup(struct hv_arena *a, const void *p, size_t size_bytes) {
        void *q = take(a, size_bytes);

        if (size_bytes)
                memcpy(q, p, size_bytes);
        return q;
}

char *hv_arena_strndup(struct hv_arena *a, const char *s, size_t n) {
        size_t len = strnlen(s, n);
        char *p = take(a, len + 1);

        memcpy(p, s, len);
        p[len] = '\0';
        return p;
}

char *hv_arena_strdup(struct hv_arena *a, const char *s) {
        return s ? hv_arena_memdup(a, s, strlen(s) + 1) : NULL;
}

char *hv_arena_printf(struct hv_arena *a, const char *fmt, ...) {
        char small[200]; /* most fit: they are formatted once */
        va_list ap, again;
        char *p;
        int n;

        va_start(ap, fmt);
        va_copy(again, ap);
        n = vsnprintf(small, sizeof small, fmt, ap);
        va_end(ap);
        if (n >= 0 && (size_t) n < sizeof small)
                p = hv_arena_memdup(a, small, (size_t) n + 1);
        else {
                p = hv_arena_alloc(a, (size_t) (n < 0 ? 0 : n) + 1);
                if (n > 0)
                        (void) vsnprintf(p, (size_t) n + 1, fmt, again);
        }
        va_end(again);
        return p;
}

size_t hv_arena_size(const struct hv_arena *a) {
        return a->handed_out;
}
