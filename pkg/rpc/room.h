/* rpc/room.h - how much memory the requests of a server may take; private.
 *
 * Model    Before a message is read its call takes the size of the largest that the method allows; when it was read,
 *          what is above its real size is given back, and the rest with the message itself. Who finds no room waits.
 */
#pragma once

#include "rpc/bytes.h"

struct rpc_room;
struct rpc_share;

/* on_free is called when something was given back. */
struct rpc_room *rpc_room_new(size_t max_bytes, void (*on_free)(void *owner), void *owner);
struct rpc_room *rpc_room_free(
        struct rpc_room *room); /* takes NULL, gives NULL; shares may live on, on_free is not called again */

size_t rpc_room_held_bytes(const struct rpc_room *room);

/* NULL: does not fit now. Where nothing is held, everything fits. */
struct rpc_share *rpc_room_take(struct rpc_room *room, size_t bytes);
/* The share's bytes become those of the message, and end with it. */
void rpc_share_attach(struct rpc_share *share, struct hv_rpc_bytes *message);
struct rpc_share *rpc_share_free(struct rpc_share *share); /* takes NULL, gives NULL */
