/* base/arena.h - memory with one owner and one end.
 *
 * Model    A desired state or an observation is built once, read many times and dropped whole. Everything in
 *          it lives in one arena: no per-field free, no leak on an error path, neighbours in memory stay
 *          neighbours in use. Blocks never move, so pointers into an arena are good until hv_arena_free().
 */
#pragma once

#include "base/macros.h"

struct hv_arena;

struct hv_arena *hv_arena_new(void);
struct hv_arena *hv_arena_free(struct hv_arena *a); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_arena, hv_arena_free);

void *hv_arena_alloc(struct hv_arena *a, size_t size_bytes); /* zeroed, aligned for any type */
char *hv_arena_strdup(struct hv_arena *a, const char *s);    /* NULL gives NULL */
char *hv_arena_strndup(struct hv_arena *a, const char *s, size_t n);
char *hv_arena_printf(struct hv_arena *a, const char *fmt, ...) _hv_printf_(2, 3);
void *hv_arena_memdup(struct hv_arena *a, const void *p, size_t size_bytes);
size_t hv_arena_size(const struct hv_arena *a); /* bytes handed out */

#define HV_ARENA_NEW(a, type) ((type *) hv_arena_alloc((a), sizeof(type)))
#define HV_ARENA_NEW_N(a, type, n) ((type *) hv_arena_alloc((a), (n) * sizeof(type)))
