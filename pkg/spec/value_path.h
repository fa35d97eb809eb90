/* spec/value_path.h - paths, judged as text: nothing is looked up.
 *
 * Model    A path is brought to one form, without "//", "." and a slash at the end; ".." is refused, not
 *          resolved, because what it means depends on links. What a path really leads to is checked again
 *          where it is opened.
 */
#pragma once

#include "base/path.h"
#include "spec/value.h"

struct hv_arena;

/* Absolute, normal form (E0364). */
int hv_value_absolute_path(const char *text, struct hv_arena *a, const char **ret, struct hv_fault *fault);

/* Relative, normal form, staying below where it starts. `what` is "workspace" or "workdir", `code` E0451 or
 * E0455;
 * "." (the whole) is taken when allow_all. */
int hv_value_relative_path(const char *text, const char *code, const char *what, bool allow_all,
                           struct hv_arena *a, const char **ret, struct hv_fault *fault);

/* Path of a URL: starts with '/', no space, no control character (E0403). */
int hv_value_http_path(const char *text, struct hv_fault *fault);

/* May a container never see this path of the host, whatever the policy says: the engine's sockets and state,
 * /proc, /sys, /dev, /run, /etc, /boot and hivelet's own state directory (NULL: /var/lib/hivelet), all that
 * is below them, and all directories that hold them? E0367 where it leads to an engine's socket, else E0365.
 * The text may be written in any way: "/var/run/../run//docker.sock" is seen through. 0 when nothing speaks
 * against it. */
int hv_value_host_path_allowed(const char *text, const char *state_directory, struct hv_fault *fault);
