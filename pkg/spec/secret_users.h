/* spec/secret_users.h - who uses a secret. Pure. */
#pragma once

#include "spec/types.h"

struct hv_arena;

/* "registry/hub", "wireguard/hive0"; what is no object by its path ("spec.master.credentials.passwordSecret"). In the arena;
 * ends with NULL. */
const char *const *hv_spec_secret_users(const struct hv_spec_tree *tree, const char *secret,
                                        struct hv_arena *arena);
