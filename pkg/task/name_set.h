/* task/name_set.h - the names that an archive makes, and which of them cannot be together. Private to the module. */
#pragma once

#include "base/err.h"

struct hv_name_set;

struct hv_name_set *hv_name_set_new(void);
struct hv_name_set *hv_name_set_free(struct hv_name_set *s);
HV_DEFINE_CLEANUP(struct hv_name_set, hv_name_set_free);

/* Adds a path of normal form, and the directories above it. -EBADMSG: it is there already (a directory may be, as a
 * directory), is or lies below what is a file, or differs only in the case of ASCII letters from another. */
int hv_name_set_add(struct hv_name_set *s, const char *path, bool is_dir, struct hv_err *err);
size_t hv_name_set_size(const struct hv_name_set *s);
