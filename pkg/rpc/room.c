/* rpc/room.c - see room.h. */
#include "rpc/room.h"

#include "base/alloc.h"
#include "rpc/bytes_core.h"

struct rpc_room {
        size_t max_bytes, held_bytes;
        unsigned n_shares;
        bool ended;
        void (*on_free)(void *owner);
        void *owner;
};

struct rpc_share {
        struct rpc_room *room;
        size_t bytes;
};

struct rpc_room *rpc_room_new(size_t max_bytes, void (*on_free)(void *owner), void *owner) {
        struct rpc_room *room = HV_NEW(struct rpc_room);

        *room = (struct rpc_room){ .max_bytes = max_bytes, .on_free = on_free, .owner = owner };
        return room;
}

struct rpc_room *rpc_room_free(struct rpc_room *room) {
        if (!room)
                return NULL;
        room->ended = true;
        if (room->n_shares == 0)
                free(room);
        return NULL;
}

size_t rpc_room_held_bytes(const struct rpc_room *room) {
        return room->held_bytes;
}

struct rpc_share *rpc_room_take(struct rpc_room *room, size_t bytes) {
        struct rpc_share *share;

        if (room->held_bytes > 0 && bytes > room->max_bytes - HV_MIN(room->held_bytes, room->max_bytes))
                return NULL;
        share = HV_NEW(struct rpc_share);
        *share = (struct rpc_share){ .room = room, .bytes = bytes };
        room->held_bytes += bytes;
        room->n_shares++;
        return share;
}

static void give_back(struct rpc_room *room, size_t bytes) {
        room->held_bytes -= bytes;
        if (bytes > 0 && !room->ended)
                room->on_free(room->owner);
}

static void on_message_freed(void *userdata) {
        (void) rpc_share_free(userdata);
}

void rpc_share_attach(struct rpc_share *share, struct hv_rpc_bytes *message) {
        size_t len = HV_MIN(hv_rpc_bytes_len(message), share->bytes), rest = share->bytes - len;

        share->bytes = len;
        hv_rpc_bytes_on_free(message, on_message_freed, share);
        give_back(share->room, rest);
}

struct rpc_share *rpc_share_free(struct rpc_share *share) {
        struct rpc_room *room;

        if (!share)
                return NULL;
        room = share->room;
        room->n_shares--;
        if (room->ended && room->n_shares == 0)
                free(room);
        else
                give_back(room, share->bytes);
        free(share);
        return NULL;
}
