/* auth/sessions.h - logins that last.
 *
 * Model    In memory: a restart of the agent ends them all. Found by the digest of their key, told to people by an id that is no key.
 *          A session ends when it was not used for HV_SESSION_IDLE_US, when it has lasted as long as it may, when somebody ends it, or
 *          when what it came from (a user, a token) is gone or another one. Who has HV_SESSIONS_PER_OWNER of them loses the
 *          one unused for longest.
 * Time     now_us is CLOCK_BOOTTIME; wall_us only for people.
 */
#pragma once

#include "auth/credential.h"
#include "auth/role.h"
#include "base/time.h"

#define HV_SESSION_IDLE_US (30 * HV_USEC_PER_MIN)
#define HV_SESSIONS_PER_OWNER 16
#define HV_SESSIONS_MAX 1024
#define HV_SESSION_ID_SIZE 13 /* 12 hex digits */

enum hv_session_origin {
        HV_SESSION_OF_USER,  /* a user of http.auth.usersFile, with a password */
        HV_SESSION_OF_TOKEN, /* a token was shown */
        HV_SESSION_OF_FIRST, /* the one-time token */
        HV_SESSION_OF_POOL,  /* the node pool knew name and password */
};

struct hv_session {
        char digest[HV_SHA256_HEX_SIZE]; /* of its key */
        char id[HV_SESSION_ID_SIZE];
        char csrf[HV_CREDENTIAL_SIZE];
        char *owner;                 /* name of the user or token */
        char of[HV_SHA256_HEX_SIZE]; /* digest of what it was begun with, the user's hash or the token; "": of neither */
        enum hv_role role;
        enum hv_session_origin origin;
        char *address, *agent; /* where from, and what the client calls itself; agent "": nothing */
        uint64_t began_wall_us, used_wall_us, until_wall_us;
        uint64_t used_us, until_us;
};

struct hv_sessions;

/* `ended` (may be NULL) is called for each that ends, whyever: its connections are to be cut. */
struct hv_sessions *hv_sessions_new(void (*ended)(void *userdata, const struct hv_session *s),
                                    void *userdata);
struct hv_sessions *hv_sessions_free(struct hv_sessions *all); /* takes NULL, gives NULL; tells nobody */

struct hv_session_wish {
        const char *owner, *address, *agent;
        const char *of; /* NULL: of neither */
        enum hv_role role;
        enum hv_session_origin origin;
        uint64_t life_us, now_us, wall_us;
};

/* ret_key is told this once. The session is good until it ends. */
const struct hv_session *hv_sessions_begin(struct hv_sessions *all, const struct hv_session_wish *wish,
                                           char ret_key[HV_CREDENTIAL_SIZE]);
/* The one of this key, which is used by it; NULL: there is none (any more). */
const struct hv_session *hv_sessions_use(struct hv_sessions *all, const char *key, uint64_t now_us,
                                         uint64_t wall_us);
/* The one of this digest; not used by it. */
const struct hv_session *hv_sessions_get(const struct hv_sessions *all, const char *digest);
const struct hv_session *hv_sessions_by_id(const struct hv_sessions *all, const char *id);
void hv_sessions_end(struct hv_sessions *all, const struct hv_session *s);

/* Ends those whose time is over. */
void hv_sessions_sweep(struct hv_sessions *all, uint64_t now_us);
/* Ends those that `is_gone`. */
void hv_sessions_end_if(struct hv_sessions *all, bool (*is_gone)(void *userdata, const struct hv_session *s),
                        void *userdata);

/* In the order in which they began: `size_t it = 0; while ((s = hv_sessions_next(all, &it)))`. */
const struct hv_session *hv_sessions_next(const struct hv_sessions *all, size_t *it);
