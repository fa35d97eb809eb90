/* base/alloc.h - memory that is there, or no process.
 *
 * Model    Running out of memory ends the process with one line on stderr. On Linux an allocation of this
 *          size fails only under a hard limit; every effect hivelet has is made to survive SIGKILL at any
 *          point, so the crash path is the tested path, and thousands of error branches that no test would
 *          ever reach do not exist. Sizes that an outsider chooses are bounded before they get here.
 */
#pragma once

#include "base/macros.h"

_hv_noreturn_ void hv_out_of_memory(size_t wanted_bytes);

void *hv_malloc(size_t size_bytes);
void *hv_calloc(size_t n, size_t size_bytes);
void *hv_realloc(void *p, size_t size_bytes);
char *hv_strdup(const char *s); /* NULL gives NULL */
char *hv_strndup(const char *s, size_t n);
char *hv_asprintf(const char *fmt, ...) _hv_printf_(1, 2);

#define HV_NEW(type) ((type *) hv_calloc(1, sizeof(type)))
#define HV_NEW_N(type, n) ((type *) hv_calloc((n), sizeof(type)))
