/* spec/interpolate.h - ${VAR} in the values of a document.
 *
 * Model    Runs over the tree after parsing, so that what a variable holds can never become YAML. Forms:
 *          ${VAR}, ${VAR:-default}, ${VAR:?message}, `$$` for a dollar; a default may hold further forms. Any
 *          other '$' stays as it is ($HOME in a shell command is the container's). An empty variable counts
 *          as unset. Keys are never touched.
 */
#pragma once

#include "spec/diag.h"

/* Value of a variable, NULL when unset. Good until the next call. */
typedef const char *(*hv_spec_env_fn)(void *userdata, const char *name);

/* E0370 unset, E0371 malformed, E0002 a value that is not UTF-8, E0003 when the values grow beyond 4 MiB in all. `env` NULL: nothing is set.
 */
void hv_spec_interpolate(struct hv_arena *a, struct hv_diags *d, struct hv_node *root, hv_spec_env_fn env,
                         void *env_userdata);

/* Of texts with variables in them. Length of the name that s begins with, 0: none; offset of the brace that closes the one before s,
 * len: none. */
size_t hv_spec_variable_name(const char *s, size_t len);
size_t hv_spec_variable_brace(const char *s, size_t len);

/* Text in which nothing is a form: read again it is the same. A '$' is doubled where what follows would make one of it. */
struct hv_buf;
void hv_spec_escape(const char *text, struct hv_buf *ret);
