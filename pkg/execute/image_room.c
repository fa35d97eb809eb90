/* execute/image_room.c - see image_room.h. */
#include "execute/image_room.h"

#include <errno.h>
#include <unistd.h>

#include "base/quantity.h"
#include "docker/client.h"
#include "spec/desired.h"

#define FLOOR_BYTES (UINT64_C(64) << 20)
#define FLOOR_SHARE 32u

struct hv_image_room hv_image_room_of(const struct hv_docker *docker, bool is_local,
                                      const struct hv_desired *d) {
        const char *root = hv_docker_engine(docker)->root_dir;

        return (struct hv_image_room){
                .root = !is_local || hv_str_empty(root) ? NULL : root,
                .reserve_bytes = d ? d->settings.reserved.disk_bytes : 0,
        };
}

bool hv_image_room_look(const struct hv_image_room *room, struct hv_disk_space *ret) {
        return room->root && access(room->root, F_OK) == 0 && hv_disk_space_read(room->root, ret, NULL) == 0;
}

int hv_image_room_check(const struct hv_image_room *room, uint64_t need_bytes, struct hv_err *err) {
        char need[HV_QUANTITY_SIZE], free_text[HV_QUANTITY_SIZE], kept[HV_QUANTITY_SIZE];
        struct hv_disk_space space;
        uint64_t keep;

        if (!hv_image_room_look(room, &space))
                return 0;
        keep = HV_MAX(room->reserve_bytes, HV_MIN(FLOOR_BYTES, space.total_bytes / FLOOR_SHARE));
        if (space.free_bytes >= keep && space.free_bytes - keep >= need_bytes)
                return 0;
        hv_quantity_format_bytes(need_bytes, need);
        hv_quantity_format_bytes(space.free_bytes, free_text);
        hv_quantity_format_bytes(keep, kept);
        return hv_err_set(err, -ENOSPC,
                          "no room in %s: at least %s more are needed, %s are free, and %s stay free "
                          "(resources.reserved.disk)",
                          room->root, need, free_text, kept);
}
