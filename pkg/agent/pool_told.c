/* agent/pool_told.c - how much of a task's log a pool was told that keeps no offsets itself. See pool.h.
 *
 * Model    <state>/told/<id>: attempt and offset, written over for each piece, flushed by nobody: it outlives the agent, and not the
 *          machine. Neither does what runs; a log that is told twice after a power cut is not worth a flush a second. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/pool.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/map.h"
#include "log/log.h"

#define LINE_FORMAT "%010u %020" PRIu64 "\n" /* always as long: no rest of an older one stays behind it */
#define LINE_SIZE 64

static int open_told(const struct hv_agent_pool *p, const char *id, int flags) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s", p->told, id);

        return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

uint64_t hv_agent_pool_log_told(void *userdata, const char *id, unsigned number) {
        const struct hv_agent_pool *p = userdata;
        _hv_cleanup_(hv_fd_closep) int fd = open_told(p, id, O_RDONLY);
        char line[LINE_SIZE] = "";
        uint64_t offset;
        unsigned of;

        if (fd < 0 || pread(fd, line, sizeof line - 1, 0) <= 0 ||
            sscanf(line, "%u %" SCNu64 "\n", &of, &offset) != 2)
                return 0;
        return of == number ? offset : 0;
}

void hv_agent_pool_note_log(void *userdata, const char *id, unsigned number, uint64_t offset) {
        const struct hv_agent_pool *p = userdata;
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        char line[LINE_SIZE];
        int len;

        if (offset == 0) {
                _hv_cleanup_free_ char *path = hv_asprintf("%s/%s", p->told, id);

                (void) unlink(path);
                return;
        }
        len = snprintf(line, sizeof line, LINE_FORMAT, number, offset);
        if (mkdir(p->told, 0700) < 0 && errno != EEXIST)
                hv_log_debug("%s: %s", p->told, strerror(errno));
        fd = open_told(p, id, O_WRONLY | O_CREAT);
        if (fd < 0 || pwrite(fd, line, (size_t) len, 0) != len)
                hv_log_debug("%s/%s: %s", p->told, id,
                             strerror(errno)); /* then it is told again after a restart */
}

void hv_agent_pool_keep_told(const struct hv_agent_pool *p, const struct hv_map *ids) {
        DIR *d = opendir(p->told);
        const struct dirent *e;

        while (d && (e = readdir(d)))
                if (*e->d_name != '.' && !hv_map_get(ids, e->d_name))
                        (void) unlinkat(dirfd(d), e->d_name, 0);
        if (d)
                (void) closedir(d);
}
