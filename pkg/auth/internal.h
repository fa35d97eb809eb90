/* auth/internal.h - what the parts of auth.h share.
 *
 *      auth.c       life, settings, files, callers, lists
 *      login.c      one login: limits, hash, pool, session
 *      first.c      the credential of a node that nobody can log in to
 */
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include "auth/attempts.h"
#include "auth/auth.h"
#include "base/vec.h"

typedef struct sd_event_source sd_event_source;
struct hv_worker;

struct hv_watched_file {
        char *path;       /* NULL: none */
        struct stat seen; /* as it was read; all zero: it was not */
};

struct hv_ended_listener {
        void (*ended)(void *userdata, const char *digest);
        void *userdata;
};

struct hv_auth {
        struct sd_event *event;
        uint64_t (*now_us)(void);
        uint64_t (*wall_us)(void);

        bool is_required, metrics_is_open;
        uint64_t session_life_us;
        enum hv_role pool_role;
        HV_VEC(struct hv_auth_group) groups; /* names are ours */
        struct hv_watched_file users_file, token_file;
        struct hv_users users;
        struct hv_file_tokens file_tokens;

        struct hv_tokens *tokens;
        struct hv_sessions *sessions;
        struct hv_attempts *attempts;
        HV_VEC(struct hv_ended_listener) listeners;
        sd_event_source *minute;

        struct hv_worker *worker; /* made with the first login */
        unsigned n_logins;        /* whose hash is not made yet */
        unsigned n_asked;         /* whom the pool is asked about */
        struct hv_login *asked;   /* the pool is asked about them */
        uint64_t limit_told_us;
        void (*ask_pool)(void *userdata, const char *name, const char *password, hv_pool_answer_fn *answered,
                         void *answer_userdata);
        void *pool_userdata;

        char first_digest[HV_SHA256_HEX_SIZE]; /* "": there is none */
        uint64_t first_until_us;
};

/* auth.c: reads again what has changed. */
void hv_auth_refresh(struct hv_auth *a);

/* login.c */
void hv_logins_end(struct hv_auth *a);

/* first.c */
void hv_auth_first_offer(struct hv_auth *a);    /* where one is needed */
void hv_auth_first_withdraw(struct hv_auth *a); /* where none is needed any more */
bool hv_auth_first_take(struct hv_auth *a, const char *text);
