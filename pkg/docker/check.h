/* docker/check.h - is this value what its field may hold? Private to the module; pure.
 *
 * Model    Grammars of Docker's own validation where it has one, and nothing that could be read as something else by
 *          whoever splits it later: no control character, no blank in a name, no ':' or ',' in a path. `field` names what is
 *          checked in the message. 0, -EINVAL cannot be, -EPERM may not be.
 */
#pragma once

#include "base/err.h"
#include "docker/client.h"

int hv_check_name(const char *field, const char *text, struct hv_err *err); /* [a-zA-Z0-9][a-zA-Z0-9_.-]* */
int hv_check_slice(const char *field, const char *text,
                   struct hv_err *err); /* systemd.unit(5): "a-b\\x2dc.slice" */
int hv_check_image(const char *field, const char *text, struct hv_err *err);
int hv_check_text(const char *field, const char *text,
                  struct hv_err *err); /* UTF-8, no control character, not empty */
int hv_check_value(const char *field, const char *text,
                   struct hv_err *err); /* UTF-8 in one line, may be empty */
int hv_check_env(const char *name, const char *value, struct hv_err *err);
int hv_check_path(const char *field, const char *path,
                  struct hv_err *err); /* absolute, in its simplest form */
int hv_check_signal(const char *field, const char *text, struct hv_err *err);
int hv_check_pairs(const char *field, const struct hv_pairs *pairs, struct hv_err *err);

/* Where in a container something may be mounted. */
int hv_check_target(const char *path, bool is_tmpfs, struct hv_err *err);

/* May this path of the host be seen in a container? Not for what leads to the engine, the kernel or the agent, nor for a
 * directory that holds such a thing, whatever the policy says; and only below a prefix of the policy. */
int hv_check_host_path(const char *path, const struct hv_docker_policy *policy,
                       const struct hv_strv *private_paths, struct hv_err *err);
