/* spec/value_process.h - what a process is given: signals, capabilities, a user.
 *
 * Source   signal(7), capabilities(7) up to CAP_CHECKPOINT_RESTORE (Linux 5.9), the Docker Engine API's
 *          `User`.
 */
#pragma once

#include "spec/value.h"

/* "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3" -> "SIGTERM", ... (E0426). The text is static. */
int hv_value_signal(const char *text, const char **ret, struct hv_fault *fault);

/* "NET_ADMIN", "CAP_NET_ADMIN", "net_admin" -> "NET_ADMIN" (E0428). "ALL" is taken too: the text "ALL".
 * Static. */
int hv_value_capability(const char *text, const char **ret, struct hv_fault *fault);

struct hv_user {
        bool has_uid, is_root;   /* is_root: uid 0, however it is written, or the name "root" */
        uint32_t uid;            /* when has_uid: else the image's /etc/passwd decides */
        bool has_group, has_gid; /* has_group: one was written; has_gid: as a number */
        uint32_t gid;
};

/* "999", "999:999", "redis", "redis:redis" (E0428). */
int hv_value_user(const char *text, struct hv_user *ret, struct hv_fault *fault);
