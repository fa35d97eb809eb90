/* world.h - two nodes with a cable between them, and nothing of the machine around them.
 *
 *      this program                                         namespace "b"
 *      10.99.0.1/24 dev cable  ------------------------  10.99.0.2/24 dev cable
 *      wga by the code under test, on wireguard-go       wgb by ip(8), wg(8) and wireguard-go: the other side is not ours
 *
 * The process runs in network, mount and PID namespaces of its own, with a /run of its own, so that neither names nor sockets
 * meet those of the machine, and the kernel ends and removes everything when the process ends, however it ends.
 */
#pragma once

#include "base/alloc.h"
#include "testing.h"

struct sd_event;

/* Call it first in main(): runs the program again inside the namespaces and returns there. */
void world_enter(char **argv);

/* A shell command line that must succeed; false for one that may fail. The output of the last one, without the line end at its end,
 * caller frees. */
void sh(const char *format, ...) _hv_printf_(1, 2);
bool sh_ok(const char *format, ...) _hv_printf_(1, 2);
char *sh_output(const char *format, ...) _hv_printf_(1, 2);

/* A command line beside the loop: runs the loop until it ends, gives its output. */
struct child;
struct child *child_start(const char *format, ...) _hv_printf_(1, 2);
char *child_end(struct child *c, struct sd_event *event, int *ret_status);

/* Two nodes as in the picture, the tunnel of b with the key that it makes; *ret_key is b's public key in base64. */
void world_make(const char *public_key_of_a, bool by_kernel, char **ret_key);
