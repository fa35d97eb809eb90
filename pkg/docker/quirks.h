/* docker/quirks.h - the one place where an engine's words decide something, because it gives no code. Private to the
 * module; pure.
 *
 * Source   podman 4.3.1 and docker 20.10.24 as measured (docs/podman.md); texts that a newer version words otherwise only
 *          make an outcome coarser (ENGINE_ERROR), never wrong.
 */
#pragma once

#include "docker/client.h"

/* The status that Docker would have given. */
unsigned hv_docker_quirk_status(enum hv_docker_op op, enum hv_docker_kind kind, unsigned status,
                                const char *message);

/* Does an error inside the stream of a pull say that the registry wants another login? */
bool hv_docker_quirk_is_denied(const char *message);
