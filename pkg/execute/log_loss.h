/* execute/log_loss.h - has the engine dropped the beginning of a container's log?
 *
 * Docker   keeps files enough for that to show in what is read (task/log_form.h).
 * podman   has one file: when it is full, conmon puts an empty one in its place, and nothing of what is read tells. But the file is
 *          made before the container starts: one that was born later is another one. A file that cannot be looked at (an
 *          engine on another machine) counts as the first.
 * Source   conmon 2.1.6, ctr_logging.c, reopen_k8s_file(); statx(2), stx_btime.
 */
#pragma once

#include "docker/container.h"

bool hv_log_is_cut(const struct hv_docker_engine *engine, const struct hv_docker_container *c);
