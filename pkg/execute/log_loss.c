/* execute/log_loss.c - see log_loss.h. */
#include "execute/log_loss.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/time.h"

bool hv_log_is_cut(const struct hv_docker_engine *engine, const struct hv_docker_container *c) {
        struct statx x;

        if (engine->kind != HV_DOCKER_KIND_PODMAN || hv_str_empty(c->log_path) || !c->started_us)
                return false;
        if (statx(AT_FDCWD, c->log_path, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &x) < 0 ||
            !(x.stx_mask & STATX_BTIME))
                return false;
        return (uint64_t) x.stx_btime.tv_sec * HV_USEC_PER_SEC + x.stx_btime.tv_nsec / 1000 > c->started_us;
}
