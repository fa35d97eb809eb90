/* rpc/lines.h - what gRPC logs, brought to the loop; private.
 *
 * Model    gRPC has one log function a process and calls it on any thread. Lines wait in a small ring under a lock
 *          until the loop takes them; how many a minute are kept is bounded here, because a peer decides how often it
 *          fails.
 */
#pragma once

#include "base/macros.h"

struct rpc_lines;

/* wake_fd is an eventfd that is written to when a line waits. on_line may be NULL: lines are thrown away. */
struct rpc_lines *rpc_lines_new(int wake_fd, void (*on_line)(void *userdata, int level, const char *line),
                                void *userdata);
struct rpc_lines *rpc_lines_free(struct rpc_lines *l); /* takes NULL, gives NULL */
void rpc_lines_deliver(struct rpc_lines *l);           /* on the loop */
