/* fuzz_archive.c - the reader of a stranger's archives. The first byte chooses the name (and so what a gzip file holds), the
 * rest is the file. Whatever it is: nothing outside of the directory is touched, the limits hold, only files and directories
 * are made, and what is refused has one printable sentence. */
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "task/archive.h"
#include "task/tree.h"

#define ENTRIES_MAX 50
#define BYTES_MAX ((off_t) 1 << 20)

/* In memory: what is measured is the reader. */
static char root[] = "/dev/shm/hv-fuzz-XXXXXX";
static int root_fd = -1;
static unsigned n_entries;
static off_t n_bytes;

static void remove_root(void) {
        (void) rmdir(root);
}

static int look(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void) path;
        (void) type;
        if (ftw->level == 0)
                return 0;
        FUZZ_CHECK(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode));
        FUZZ_CHECK((st->st_mode & 07000) == 0);
        n_entries++;
        n_bytes += S_ISREG(st->st_mode) ? st->st_size : 0;
        return 0;
}

static int unpack(int archive_fd, const char *name, int dir_fd, struct hv_err *err) {
        static const struct hv_task_input_limits limits = { .max_entries = ENTRIES_MAX,
                                                            .max_bytes = BYTES_MAX,
                                                            .max_ratio = 200,
                                                            .ratio_from_bytes = 65536 };
        size_t entries = 0;
        uint64_t bytes = 0;
        struct hv_unpack u = { .archive_fd = archive_fd,
                               .archive_name = name,
                               .workspace_fd = dir_fd,
                               .path = ".",
                               .owner = { geteuid(), getegid() },
                               .limits = &limits,
                               .n_entries = &entries,
                               .n_bytes = &bytes };

        return hv_archive_unpack(&u, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char *const names[] = { "a.zip", "a.tar", "a.tar.gz", "a.gz" };
        _hv_cleanup_(hv_fd_closep) int archive_fd = -1, dir_fd = -1;
        struct hv_err err = {};

        if (size == 0)
                return 0;
        if (root_fd < 0) {
                FUZZ_CHECK(mkdtemp(root) != NULL && atexit(remove_root) == 0);
                root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        }
        archive_fd = memfd_create("archive", MFD_CLOEXEC);
        FUZZ_CHECK(hv_fd_write(archive_fd, data + 1, size - 1) == 0);
        FUZZ_CHECK(mkdirat(root_fd, "workspace", 0700) == 0);
        dir_fd = openat(root_fd, "workspace", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (unpack(archive_fd, names[(data[0] - 'a') % 4u], dir_fd, &err) < 0) {
                FUZZ_CHECK(*err.msg);
                for (const unsigned char *p = (const unsigned char *) err.msg; *p; p++)
                        FUZZ_CHECK(*p >= 0x20 && *p != 0x7f);
        }
        n_entries = 0;
        n_bytes = 0;
        FUZZ_CHECK(nftw(root, look, 64, FTW_PHYS) == 0);
        FUZZ_CHECK(n_entries <= ENTRIES_MAX + 1 && n_bytes <= BYTES_MAX); /* and the workspace itself */
        FUZZ_CHECK(hv_tree_remove(root_fd, "workspace", "workspace", NULL, NULL) == 1);
        FUZZ_CHECK(unlinkat(AT_FDCWD, root, AT_REMOVEDIR) == 0 &&
                   mkdir(root, 0700) == 0); /* nothing beside it */
        (void) close(root_fd);
        root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return 0;
}
