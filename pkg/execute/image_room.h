/* execute/image_room.h - is there room for an image on the disk of the engine?
 *
 * Rules    resources.reserved.disk stays free for the host, and never less than 64 MiB or a 32nd of the disk, whichever is less: an
 *          engine on a disk that is full to the last block does not come back by itself.
 * Unknown  an engine elsewhere, or whose root this process does not see (an agent in a container), is not held back: `root` NULL.
 */
#pragma once

#include "base/err.h"
#include "host/disk_space.h"

struct hv_desired;
struct hv_docker;

struct hv_image_room {
        const char *root;       /* of the engine; NULL: its disk cannot be looked at */
        uint64_t reserve_bytes; /* resources.reserved.disk */
};

/* `is_local`: the engine is on this machine. Good until the client is asked for its engine again. */
struct hv_image_room hv_image_room_of(const struct hv_docker *docker, bool is_local,
                                      const struct hv_desired *d);

/* False: not known. */
bool hv_image_room_look(const struct hv_image_room *room, struct hv_disk_space *ret);

/* -ENOSPC, with the figures: `need_bytes` more do not fit. 0 also when nothing is known. */
int hv_image_room_check(const struct hv_image_room *room, uint64_t need_bytes, struct hv_err *err);
