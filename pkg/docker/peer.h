/* docker/peer.h - is the engine a neighbour: a process of root, of this machine and of this process's namespace of pids, so that
 * what the kernel tells here of its containers is told of them?
 *
 * Why      an engine may run elsewhere (TCP, a tunnel, a virtual machine) or in a container: then nothing here says anything of it.
 * Rule     who listens on its unix socket (SO_PEERCRED) has a pid that is seen here, is root, and is the engine itself or the
 *          systemd that holds its socket. A forwarder is neither. In doubt it is none.
 * Source   unix(7), proc_pid_status(5): NSpid.
 */
#pragma once

#include <stdbool.h>

struct hv_docker;

/* Connects once, and does not wait. */
bool hv_docker_is_neighbour(const struct hv_docker *d);

/* The text of /proc/<pid>/status. Private to the module and its test. */
bool hv_docker_status_is_neighbours(const char *text);
