/* cli/convert_variables.h - variables of a compose file: what .env and the environment say, and where a text asks for them.
 *
 * Forms    $VAR, ${VAR}, ${VAR:-default}, ${VAR-default}, ${VAR:?message}, ${VAR?message}, ${VAR:+other}, ${VAR+other}; $$ for a
 *          dollar. With a colon an empty variable counts as unset.
 * Model    The environment goes before the files, as `docker compose` has it. Who said what is remembered, so that it can be told:
 *          by name, never by value.
 * Source   https://docs.docker.com/reference/compose-file/interpolation/ and .../environment-variables/variable-interpolation/
 */
#pragma once

#include "cli/convert.h"

struct hv_variable {
        const char *name, *value;
};

struct hv_variables {
        struct hv_convert *c;
        const struct hv_convert_world *world;
        HV_VEC(struct hv_variable) set; /* of files; the last one of a name counts */
        struct hv_convert_words from_environment, unset;
};

void hv_variables_done(struct hv_variables *v);

/* NULL: it is not set. */
const char *hv_variables_get(struct hv_variables *v, const char *name);

/* The text with its variables in place, in the arena. -EINVAL malformed, or one that must be set and is not. */
int hv_variables_expand(struct hv_variables *v, unsigned line, const char *text, const char **ret,
                        struct hv_err *err);

/* All values of a tree; keys stay. */
int hv_variables_replace(struct hv_variables *v, struct hv_node *n, struct hv_err *err);

/* A file of NAME=VALUE lines. Names without a value are asked of the environment. is_raw: what follows "=" is the value. */
int hv_variables_read(struct hv_variables *v, const char *file, const char *text, size_t len, bool is_raw,
                      struct hv_err *err);

/* Which came from the environment, which are not set. */
void hv_variables_tell(struct hv_variables *v);
