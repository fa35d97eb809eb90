/* base/macros.h - the few macros every module speaks.
 *
 * Ownership is written into declarations: `_hv_cleanup_(f)` ends a variable when it leaves its scope,
 * HV_STEAL() moves a pointer out so that the cleanup finds NULL, HV_DEFINE_CLEANUP() makes the `..._freep()`
 * such a cleanup needs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define _hv_cleanup_(f) __attribute__((cleanup(f)))
#define _hv_printf_(a, b) __attribute__((format(printf, a, b), nonnull(a)))
#define _hv_unused_ __attribute__((unused))
#define _hv_noreturn_ __attribute__((noreturn))
#define _hv_warn_unused_ __attribute__((warn_unused_result))

#define HV_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define HV_MIN(a, b) ((a) < (b) ? (a) : (b))
#define HV_MAX(a, b) ((a) > (b) ? (a) : (b))

/* Moves a pointer out of its variable: the variable is NULL afterwards. */
#define HV_STEAL(p)                          \
        ({                                   \
                __typeof__(p) _stolen = (p); \
                (p) = NULL;                  \
                _stolen;                     \
        })

/* Defines `static inline void FREE_FNp(TYPE **p)` for _hv_cleanup_(). */
#define HV_DEFINE_CLEANUP(type, free_fn)          \
        static inline void free_fn##p(type **p) { \
                if (*p)                           \
                        (void) free_fn(*p);       \
        }                                         \
        struct hv_swallow_semicolon

static inline void hv_freep(void *p) {
        free(*(void **) p);
}
#define _hv_cleanup_free_ _hv_cleanup_(hv_freep)

static inline bool hv_streq(const char *a, const char *b) {
        return a == b || (a && b && strcmp(a, b) == 0);
}

static inline bool hv_str_empty(const char *s) {
        return !s || !*s;
}

static inline bool hv_has_prefix(const char *s, const char *prefix) {
        return strncmp(s, prefix, strlen(prefix)) == 0;
}
