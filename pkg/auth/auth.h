/* auth/auth.h - who is it, and what may he do.
 *
 *      credential ---> judge ---------------------------------------> identity
 *                        |- tokens       STATE/auth (auth/tokens.h)
 *                        |- file tokens  http.auth.tokenFile
 *                        '- sessions     in memory (auth/sessions.h)
 *                                            ^
 *      name + password -> limits -> hash ----'   users of http.auth.usersFile, else the node pool where it is asked
 *      token ----------------------> digest -'
 *
 * Model    Knows no HTTP. Everything is on the loop but the hashes, which are made on a thread, one after the other; of those that wait there are at most
 *          HV_LOGINS_MAX, and as many again that the pool is asked about. An unknown name costs the same work as a known one.
 * Files    are read by settings and looked at again each minute and before each login; one that cannot be read, is not ours alone
 *          (0600), or holds a line that is none, lets nobody in. Who is gone from them, or has another role, password or token
 *          there, loses his sessions.
 * First    Where a login is required and nobody can log in (no user, no token), one credential is made that works once, for
 *          HV_FIRST_LOGIN_US, and is written to the journal and nowhere else.
 */
#pragma once

#include <sys/types.h>

#include "auth/access_file.h"
#include "auth/sessions.h"
#include "auth/tokens.h"

struct sd_event;
struct hv_auth;

#define HV_LOGINS_MAX 8 /* that wait; each hash is a tenth of a second */
#define HV_FIRST_LOGIN_US (15 * HV_USEC_PER_MIN)

struct hv_auth_options {
        struct sd_event *event;
        const char *state_dir;
        uint64_t (*now_us)(void);  /* CLOCK_BOOTTIME */
        uint64_t (*wall_us)(void); /* CLOCK_REALTIME */
};

struct hv_auth_group {
        const char *name;
        enum hv_role role;
};

struct hv_auth_settings {                    /* copied */
        bool is_required;                    /* over TCP nobody sees more than probes without a login */
        bool metrics_is_open;                /* nor metrics, unless this says so */
        const char *users_file, *token_file; /* NULL: none */
        uint64_t session_life_us;
        const struct hv_auth_group *groups; /* of callers of the unix socket; none: all are admins */
        size_t n_groups;
        enum hv_role pool_role; /* of whom the node pool knows; NOBODY: it is not asked */
};

/* -errno: the tokens on the disk cannot be read; *ret is set all the same, and takes none of them. */
int hv_auth_new(const struct hv_auth_options *options, struct hv_auth **ret, struct hv_err *err);
struct hv_auth *hv_auth_free(struct hv_auth *a); /* takes NULL, gives NULL; ends logins under way */
HV_DEFINE_CLEANUP(struct hv_auth, hv_auth_free);

/* -errno: a file of them cannot be taken, and lets nobody in; the rest holds. */
int hv_auth_configure(struct hv_auth *a, const struct hv_auth_settings *settings, struct hv_err *err);
bool hv_auth_is_required(const struct hv_auth *a);
bool hv_auth_metrics_is_open(const struct hv_auth *a);
/* Whether names with passwords mean anything: there are users, or a pool is asked. */
bool hv_auth_has_users(const struct hv_auth *a);

/* Whether the two files (NULL: none) could be taken: for --check. */
int hv_auth_check(const char *users_file, const char *token_file, struct hv_err *err);

/* Told of each session that ends, and of each token that goes: their connections are to be cut. One listener for each server;
 * `userdata` names it. */
void hv_auth_on_ended(struct hv_auth *a, void (*ended)(void *userdata, const char *digest), void *userdata);
void hv_auth_off_ended(struct hv_auth *a, void *userdata);

/* ---- callers ---- */

struct hv_identity {
        enum hv_role role;
        const char *name;                 /* of the user or the token */
        const struct hv_session *session; /* NULL: a token by itself */
        const char *digest;               /* of the credential: hv_auth_on_ended() */
};

/* A token, or the key of a session. False: neither. All good until the loop turns. */
bool hv_auth_judge(struct hv_auth *a, const char *credential, struct hv_identity *ret);
/* Of whoever has connected to the unix socket: root and the agent's own user are admins, others have the highest role of their groups. */
enum hv_role hv_auth_socket_role(const struct hv_auth *a, uid_t uid, const gid_t *groups, size_t n_groups);

/* ---- logins ---- */

enum hv_login_end {
        HV_LOGIN_GOOD,
        HV_LOGIN_WRONG, /* whatever of it was wrong */
        HV_LOGIN_WAIT,  /* there were too many failures: wait_us */
        HV_LOGIN_BUSY,  /* too many others log in just now */
};

struct hv_login_result {
        enum hv_login_end end;
        const struct hv_session *session; /* GOOD */
        const char *key;                  /* GOOD: of the session; told this once */
        uint64_t wait_us;
};

struct hv_login_wish {
        const char *name, *password; /* or */
        const char *token;
        const char *address, *agent; /* for limits, lists and the audit */
};

/* Once, on the loop; from inside, later, or when the auth is freed. */
typedef void hv_login_fn(void *userdata, const struct hv_login_result *result);
void hv_auth_login(struct hv_auth *a, const struct hv_login_wish *wish, hv_login_fn *done, void *userdata);

/* How the node pool is asked; `answered` comes once, from within or later, and may come after the auth was freed. Without it nobody is
 * asked. */
typedef void hv_pool_answer_fn(void *userdata, bool is_good);
void hv_auth_set_pool(struct hv_auth *a,
                      void (*ask)(void *userdata, const char *name, const char *password,
                                  hv_pool_answer_fn *answered, void *answer_userdata),
                      void *userdata);

/* ---- what there is ---- */

/* by: who does it, for the audit. */
void hv_auth_logout(struct hv_auth *a, const struct hv_session *s, const char *by);
const struct hv_session *hv_auth_session(const struct hv_auth *a, const char *id); /* NULL: none */
const struct hv_session *hv_auth_session_next(const struct hv_auth *a, size_t *it);

int hv_auth_token_create(struct hv_auth *a, const struct hv_token *wish, char ret_text[HV_CREDENTIAL_SIZE],
                         struct hv_err *err);
int hv_auth_token_revoke(struct hv_auth *a, const char *name, const char *by, struct hv_err *err);
const struct hv_token *hv_auth_token_at(const struct hv_auth *a, size_t i);
const struct hv_file_token *hv_auth_file_token_at(const struct hv_auth *a, size_t i);
