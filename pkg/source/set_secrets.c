/* source/set_secrets.c - secrets that are kept in <state>/secrets, a file each; see set.h. */
#include <fcntl.h>
#include <sys/stat.h>

#include "source/set_private.h"

static int open_dir(struct hv_source_set *s, struct hv_disk *ret, struct hv_err *err) {
        return hv_disk_open_below(&s->state, "secrets", ret, err);
}

int hv_source_set_put_secret(struct hv_source_set *s, const char *name, const void *data, size_t len,
                             struct hv_err *err) {
        _hv_cleanup_(hv_disk_close) struct hv_disk dir = HV_DISK_NONE;
        int r = open_dir(s, &dir, err);

        return r < 0 ? r : hv_disk_replace(&dir, name, data, len, err);
}

int hv_source_set_remove_secret(struct hv_source_set *s, const char *name, struct hv_err *err) {
        _hv_cleanup_(hv_disk_close) struct hv_disk dir = HV_DISK_NONE;
        int r = open_dir(s, &dir, err);

        return r < 0 ? r : hv_disk_remove(&dir, name, err);
}

int hv_source_set_each_secret(struct hv_source_set *s,
                              void (*fn)(void *userdata, const char *name, uint64_t size_bytes),
                              void *userdata, struct hv_err *err) {
        _hv_cleanup_(hv_disk_close) struct hv_disk dir = HV_DISK_NONE;
        struct hv_disk_names names = {};
        struct stat st;
        int r = open_dir(s, &dir, err);

        if (r >= 0)
                r = hv_disk_list(&dir, "", &names, err);
        if (r < 0)
                return r;
        /* NAME.next and NAME.previous are of generated keys (rotate.h). */
        for (size_t i = 0; i < names.n; i++)
                if (!strchr(names.v[i], '.') && fstatat(dir.fd, names.v[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
                        fn(userdata, names.v[i], (uint64_t) st.st_size);
        hv_disk_names_done(&names);
        return 0;
}
