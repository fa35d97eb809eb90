/* auth/auth.c - see auth.h. */
#include "auth/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "auth/internal.h"
#include "base/buf.h"
#include "base/fd.h"
#include "log/log.h"
#include "task/worker.h"

#define FILE_MAX_BYTES ((size_t) 1 << 20)

/* Of a session or a token: whoever came in with it is not let go on. */
static void tell_ended(const struct hv_auth *a, const char *digest) {
        for (size_t i = 0; i < a->listeners.n; i++)
                a->listeners.v[i].ended(a->listeners.v[i].userdata, digest);
}

/* ---- files ---- */

static int open_own_file(const char *path, struct stat *ret, struct hv_err *err) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

        if (fd < 0 || fstat(fd, ret) < 0) {
                int r = -errno;

                hv_fd_closep(&fd);
                return hv_err_errno(err, r, "%s", path);
        }
        if (!S_ISREG(ret->st_mode) || (ret->st_mode & 077) ||
            (ret->st_uid != 0 && ret->st_uid != geteuid())) {
                hv_fd_closep(&fd);
                return hv_err_set(err, -EPERM,
                                  "%s: expected a file of root or of the agent's user with mode 0600 or "
                                  "stricter, found mode %04o of user %u",
                                  path, (unsigned) ret->st_mode & 07777, (unsigned) ret->st_uid);
        }
        return fd;
}

/* The text of the file, in *text; *seen is how it was. */
static int read_own_file(const char *path, struct stat *seen, struct hv_buf *text, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = open_own_file(path, seen, err);
        ssize_t n;

        if (fd < 0)
                return fd;
        if ((size_t) seen->st_size > FILE_MAX_BYTES)
                return hv_err_set(err, -EFBIG, "%s: longer than %zu bytes", path, FILE_MAX_BYTES);
        hv_buf_reserve(text, FILE_MAX_BYTES + 1);
        n = read(fd, text->data, FILE_MAX_BYTES + 1);
        if (n < 0 || (size_t) n > FILE_MAX_BYTES)
                return hv_err_errno(err, n < 0 ? -errno : -EFBIG, "%s", path);
        text->len = (size_t) n;
        text->data[n] = '\0';
        if (memchr(text->data, '\0', text->len))
                return hv_err_set(err, -EINVAL, "%s: holds a NUL byte", path);
        return 0;
}

static bool is_same_file(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
               a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
               a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
               a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Whether the file is another one than was read. */
static bool has_changed(const struct hv_watched_file *f) {
        struct stat now = {};

        if (!f->path)
                return false;
        (void) lstat(f->path, &now);
        return !is_same_file(&now, &f->seen);
}

static int read_users(struct hv_auth *a, struct hv_err *err) {
        _hv_cleanup_(hv_buf_wipe) struct hv_buf text = {};
        int r;

        hv_users_done(&a->users);
        a->users_file.seen = (struct stat){};
        if (!a->users_file.path)
                return 0;
        r = read_own_file(a->users_file.path, &a->users_file.seen, &text, err);
        return r < 0 ? r : hv_users_parse(a->users_file.path, hv_buf_str(&text), &a->users, err);
}

static int read_only_file_tokens(struct hv_auth *a, struct hv_err *err) {
        _hv_cleanup_(hv_buf_wipe) struct hv_buf text = {};
        int r;

        a->token_file.seen = (struct stat){};
        if (!a->token_file.path)
                return 0;
        r = read_own_file(a->token_file.path, &a->token_file.seen, &text, err);
        return r < 0 ? r : hv_file_tokens_parse(a->token_file.path, hv_buf_str(&text), &a->file_tokens, err);
}

static bool is_still_there(const struct hv_auth *a, const struct hv_file_token *before) {
        for (size_t i = 0; i < a->file_tokens.n; i++)
                if (hv_streq(a->file_tokens.v[i].digest, before->digest))
                        return a->file_tokens.v[i].role == before->role;
        return false;
}

static int read_file_tokens(struct hv_auth *a, struct hv_err *err) {
        struct hv_file_tokens before = a->file_tokens;
        int r;

        a->file_tokens = (struct hv_file_tokens){};
        r = read_only_file_tokens(a, err);
        for (size_t i = 0; i < before.n; i++)
                if (!is_still_there(a, &before.v[i]))
                        tell_ended(a, before.v[i].digest);
        hv_file_tokens_done(&before);
        return r;
}

int hv_auth_check(const char *users_file, const char *token_file, struct hv_err *err) {
        struct hv_auth only = { .users_file.path = (char *) users_file,
                                .token_file.path = (char *) token_file };
        int r = read_users(&only, err), r2;

        hv_users_done(&only.users);
        if (r < 0)
                return hv_err_prefix(err, r, "http.auth.usersFile");
        r2 = read_file_tokens(&only, err);
        hv_file_tokens_done(&only.file_tokens);
        return r2 < 0 ? hv_err_prefix(err, r2, "http.auth.tokenFile") : 0;
}

/* ---- sessions whose reason is gone ---- */

static const struct hv_file_token *file_token(const struct hv_auth *a, const char *name) {
        for (size_t i = 0; i < a->file_tokens.n; i++)
                if (hv_streq(a->file_tokens.v[i].name, name))
                        return &a->file_tokens.v[i];
        return NULL;
}

static bool is_gone(void *userdata, const struct hv_session *s) {
        const struct hv_auth *a = userdata;
        const struct hv_user *user;
        const struct hv_token *token;
        const struct hv_file_token *of_file;
        char of[HV_SHA256_HEX_SIZE];

        switch (s->origin) {
        case HV_SESSION_OF_USER:
                user = hv_users_find(&a->users, s->owner);
                if (!user || user->role != s->role)
                        return true;
                hv_credential_digest(user->hash, of);
                return !hv_streq(of, s->of); /* a new password */
        case HV_SESSION_OF_TOKEN:
                token = hv_tokens_find(a->tokens, s->owner);
                of_file = file_token(a, s->owner);
                if (token && hv_streq(token->digest, s->of))
                        return token->until_wall_us && a->wall_us() >= token->until_wall_us;
                return !of_file || of_file->role != s->role || !hv_streq(of_file->digest, s->of);
        case HV_SESSION_OF_POOL: /* of a name that is in the file by now the file decides */
                return a->pool_role != s->role || hv_users_find(&a->users, s->owner);
        case HV_SESSION_OF_FIRST:
                break;
        }
        return false;
}

/* Told each time: who came in with such a token is gone by the second. */
static void end_old_tokens(const struct hv_auth *a) {
        const struct hv_token *t;

        for (size_t i = 0; (t = hv_tokens_at(a->tokens, i)); i++)
                if (t->until_wall_us && a->wall_us() >= t->until_wall_us)
                        tell_ended(a, t->digest);
}

void hv_auth_refresh(struct hv_auth *a) {
        struct hv_err err = {};
        bool users_changed = has_changed(&a->users_file), tokens_changed = has_changed(&a->token_file);

        if (users_changed && read_users(a, &err) < 0)
                (void) hv_log_error(err.code, "http.auth.usersFile: %s; nobody of it can log in", err.msg);
        if (tokens_changed && read_file_tokens(a, &err) < 0)
                (void) hv_log_error(err.code, "http.auth.tokenFile: %s; none of it is taken", err.msg);
        hv_sessions_end_if(a->sessions, is_gone, a);
        end_old_tokens(a);
        hv_auth_first_withdraw(a);
}

static int on_minute(sd_event_source *s, uint64_t usec, void *userdata) {
        struct hv_auth *a = userdata;

        (void) usec;
        hv_auth_refresh(a);
        hv_sessions_sweep(a->sessions, a->now_us());
        (void) sd_event_source_set_time_relative(s, HV_USEC_PER_MIN);
        (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

/* ---- life ---- */

static void on_session_ended(void *userdata, const struct hv_session *s) {
        tell_ended(userdata, s->digest);
}

int hv_auth_new(const struct hv_auth_options *options, struct hv_auth **ret, struct hv_err *err) {
        _hv_cleanup_free_ char *dir = hv_asprintf("%s/auth", options->state_dir);
        struct hv_auth *a = HV_NEW(struct hv_auth);
        int r;

        a->event = sd_event_ref(options->event);
        a->now_us = options->now_us;
        a->wall_us = options->wall_us;
        a->session_life_us = HV_USEC_PER_DAY;
        a->sessions = hv_sessions_new(on_session_ended, a);
        a->attempts = hv_attempts_new();
        *ret = a;
        r = hv_tokens_open(dir, &a->tokens, err);
        /* A minute that does not come ends nothing early: what is over is seen when it is used. */
        (void) sd_event_add_time_relative(a->event, &a->minute, CLOCK_BOOTTIME, HV_USEC_PER_MIN,
                                          HV_USEC_PER_SEC, on_minute, a);
        return r;
}

static void clear_groups(struct hv_auth *a) {
        for (size_t i = 0; i < a->groups.n; i++)
                free((char *) a->groups.v[i].name);
        hv_vec_clear(&a->groups);
}

struct hv_auth *hv_auth_free(struct hv_auth *a) {
        if (!a)
                return NULL;
        hv_logins_end(a);
        sd_event_source_disable_unref(a->minute);
        (void) hv_attempts_free(a->attempts);
        (void) hv_sessions_free(a->sessions);
        (void) hv_tokens_free(a->tokens);
        hv_users_done(&a->users);
        hv_file_tokens_done(&a->file_tokens);
        clear_groups(a);
        hv_vec_done(&a->groups);
        hv_vec_done(&a->listeners);
        free(a->users_file.path);
        free(a->token_file.path);
        (void) sd_event_unref(a->event);
        free(a);
        return NULL;
}

int hv_auth_configure(struct hv_auth *a, const struct hv_auth_settings *settings, struct hv_err *err) {
        struct hv_err users_err = {}, tokens_err = {};
        int r, r2;

        a->is_required = settings->is_required;
        a->metrics_is_open = settings->metrics_is_open;
        a->session_life_us = settings->session_life_us;
        a->pool_role = settings->pool_role;
        clear_groups(a);
        for (size_t i = 0; i < settings->n_groups; i++)
                hv_vec_push(&a->groups, ((struct hv_auth_group){ hv_strdup(settings->groups[i].name),
                                                                 settings->groups[i].role }));
        free(a->users_file.path);
        free(a->token_file.path);
        a->users_file.path = hv_strdup(settings->users_file);
        a->token_file.path = hv_strdup(settings->token_file);
        r = read_users(a, &users_err);
        r2 = read_file_tokens(a, &tokens_err);
        hv_sessions_end_if(a->sessions, is_gone, a);
        hv_auth_first_offer(a);
        if (r < 0)
                return hv_err_set(err, r, "http.auth.usersFile: %s", users_err.msg);
        return r2 < 0 ? hv_err_set(err, r2, "http.auth.tokenFile: %s", tokens_err.msg) : 0;
}

bool hv_auth_is_required(const struct hv_auth *a) {
        return a->is_required;
}

bool hv_auth_metrics_is_open(const struct hv_auth *a) {
        return !a->is_required || a->metrics_is_open;
}

bool hv_auth_has_users(const struct hv_auth *a) {
        return a->users.n > 0 || (a->pool_role != HV_ROLE_NOBODY && a->ask_pool);
}

void hv_auth_set_pool(struct hv_auth *a,
                      void (*ask)(void *userdata, const char *name, const char *password,
                                  hv_pool_answer_fn *answered, void *answer_userdata),
                      void *userdata) {
        a->ask_pool = ask;
        a->pool_userdata = userdata;
}

void hv_auth_on_ended(struct hv_auth *a, void (*ended)(void *userdata, const char *digest), void *userdata) {
        hv_vec_push(&a->listeners, ((struct hv_ended_listener){ ended, userdata }));
}

void hv_auth_off_ended(struct hv_auth *a, void *userdata) {
        for (size_t i = 0; i < a->listeners.n; i++)
                if (a->listeners.v[i].userdata == userdata)
                        a->listeners.v[i--] = a->listeners.v[--a->listeners.n];
}

/* ---- callers ---- */

static bool judge_token(struct hv_auth *a, const char *text, struct hv_identity *ret) {
        const struct hv_token *token = hv_tokens_use(a->tokens, text, a->wall_us());
        char digest[HV_SHA256_HEX_SIZE];

        if (token) {
                *ret = (struct hv_identity){ .role = token->role,
                                             .name = token->name,
                                             .digest = token->digest };
                return true;
        }
        hv_credential_digest(text, digest);
        for (size_t i = 0; i < a->file_tokens.n; i++)
                if (hv_streq(a->file_tokens.v[i].digest, digest)) {
                        *ret = (struct hv_identity){ .role = a->file_tokens.v[i].role,
                                                     .name = a->file_tokens.v[i].name,
                                                     .digest = a->file_tokens.v[i].digest };
                        return true;
                }
        return false;
}

bool hv_auth_judge(struct hv_auth *a, const char *credential, struct hv_identity *ret) {
        const struct hv_session *s = hv_sessions_use(a->sessions, credential, a->now_us(), a->wall_us());

        if (s && is_gone(a, s)) {
                hv_sessions_end(a->sessions, s);
                return false;
        }
        if (!s)
                return judge_token(a, credential, ret);
        *ret = (struct hv_identity){ .role = s->role, .name = s->owner, .session = s, .digest = s->digest };
        return true;
}

static bool is_member(const gid_t *groups, size_t n_groups, gid_t gid) {
        for (size_t i = 0; i < n_groups; i++)
                if (groups[i] == gid)
                        return true;
        return false;
}

enum hv_role hv_auth_socket_role(const struct hv_auth *a, uid_t uid, const gid_t *groups, size_t n_groups) {
        enum hv_role role = HV_ROLE_NOBODY;

        /* Whoever may open the socket's file was let in by its mode. */
        if (uid == 0 || uid == geteuid() || a->groups.n == 0)
                return HV_ROLE_ADMIN;
        for (size_t i = 0; i < a->groups.n; i++) {
                const struct group *g = getgrnam(a->groups.v[i].name);

                if (g && is_member(groups, n_groups, g->gr_gid))
                        role = HV_MAX(role, a->groups.v[i].role);
        }
        return role;
}

/* ---- what there is ---- */

void hv_auth_logout(struct hv_auth *a, const struct hv_session *s, const char *by) {
        hv_log_event(HV_EVENT_LOGGED_OUT, NULL, "the session %s of %s, begun from %s, was ended by %s", s->id,
                     s->owner, s->address, by);
        hv_sessions_end(a->sessions, s);
}

const struct hv_session *hv_auth_session(const struct hv_auth *a, const char *id) {
        return hv_sessions_by_id(a->sessions, id);
}

const struct hv_session *hv_auth_session_next(const struct hv_auth *a, size_t *it) {
        return hv_sessions_next(a->sessions, it);
}

int hv_auth_token_create(struct hv_auth *a, const struct hv_token *wish, char ret_text[HV_CREDENTIAL_SIZE],
                         struct hv_err *err) {
        int r;

        if (wish->name && file_token(a, wish->name))
                return hv_err_set(err, -EEXIST,
                                  "the token \"%s\" is in the file of http.auth.tokenFile already",
                                  wish->name);
        r = hv_tokens_create(a->tokens, wish, ret_text, err);
        if (r < 0)
                return r;
        hv_log_event(HV_EVENT_TOKEN_CREATED, NULL, "the token %s, role %s, was created by %s", wish->name,
                     hv_role_name(wish->role), wish->by);
        hv_auth_first_offer(a);
        return 0;
}

int hv_auth_token_revoke(struct hv_auth *a, const char *name, const char *by, struct hv_err *err) {
        const struct hv_token *token = hv_tokens_find(a->tokens, name);
        char digest[HV_SHA256_HEX_SIZE] = "";
        int r;

        if (file_token(a, name))
                return hv_err_set(err, -EBUSY,
                                  "the token \"%s\" stands in the file of http.auth.tokenFile: take it "
                                  "out there",
                                  name);
        if (token)
                strcpy(digest, token->digest);
        r = hv_tokens_revoke(a->tokens, name, err);
        if (r < 0)
                return r;
        hv_log_event(HV_EVENT_TOKEN_REVOKED, NULL, "the token %s was revoked by %s", name, by);
        hv_sessions_end_if(a->sessions, is_gone, a);
        tell_ended(a, digest);
        return 0;
}

const struct hv_token *hv_auth_token_at(const struct hv_auth *a, size_t i) {
        return hv_tokens_at(a->tokens, i);
}

const struct hv_file_token *hv_auth_file_token_at(const struct hv_auth *a, size_t i) {
        return i < a->file_tokens.n ? &a->file_tokens.v[i] : NULL;
}
