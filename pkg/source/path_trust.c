/* source/path_trust.c - see path_trust.h. */
#include "source/path_trust.h"

#include <stdio.h>
#include <unistd.h>

static bool is_trusted(uid_t uid) {
        return uid == 0 || uid == geteuid();
}

bool hv_path_is_exchangeable(const struct stat *dir, const struct stat *entry,
                             char ret_who[HV_PATH_TRUST_SIZE]) {
        bool sticky = (dir->st_mode & S_ISVTX) && is_trusted(entry->st_uid);

        if (!is_trusted(dir->st_uid))
                (void) snprintf(ret_who, HV_PATH_TRUST_SIZE, "uid %u", (unsigned) dir->st_uid);
        else if ((dir->st_mode & S_IWOTH) && !sticky)
                (void) snprintf(ret_who, HV_PATH_TRUST_SIZE, "everyone");
        else if ((dir->st_mode & S_IWGRP) && !sticky)
                (void) snprintf(ret_who, HV_PATH_TRUST_SIZE, "group %u", (unsigned) dir->st_gid);
        else
                return false;
        return true;
}
