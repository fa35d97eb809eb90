/* hivepool/accounts.c - see accounts.h. */
#include "hivepool/accounts.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/map.h"
#include "base/secret.h"
#include "base/time.h"
#include "hivepool/pool.h"
#include "password/password.h"
#include "task/worker.h"

#define TOKEN_BYTES 32
#define WAITING_MAX 64 /* a login is some 0.1 s of work, and nodes wait 15 s for it */

struct session {
        char *name;
        uint64_t until_us;
};

struct hv_accounts {
        char *path;
        uint64_t life_us;
        uint64_t (*now_us)(void);
        struct hv_map *sessions; /* by token */
        struct hv_worker *worker;
        unsigned n_waiting;
};

struct login {
        struct hv_job job;
        struct hv_accounts *accounts;
        char *name;
        struct hv_secret *password;
        bool is_good;
        hv_accounts_login_fn *done;
        void *userdata;
};

static void session_free(void *p) {
        struct session *s = p;

        free(s->name);
        free(s);
}

int hv_accounts_new(const struct hv_accounts_options *options, struct hv_accounts **ret, struct hv_err *err) {
        struct hv_accounts *a = HV_NEW(struct hv_accounts);
        int r;

        a->path = hv_strdup(options->path);
        a->life_us = options->token_life_us;
        a->now_us = options->now_us;
        a->sessions = hv_map_new(session_free);
        r = hv_worker_new(options->event, &a->worker, err);
        if (r < 0) {
                (void) hv_accounts_free(a);
                return r;
        }
        *ret = a;
        return 0;
}

struct hv_accounts *hv_accounts_free(struct hv_accounts *a) {
        if (!a)
                return NULL;
        (void) hv_worker_free(a->worker);
        (void) hv_map_free(a->sessions);
        free(a->path);
        free(a);
        return NULL;
}

int hv_accounts_check(const char *path, struct hv_err *err) {
        struct stat st;

        if (stat(path, &st) < 0)
                return hv_err_errno(err, -errno, "%s", path);
        if (!S_ISREG(st.st_mode) || (st.st_mode & 077))
                return hv_err_set(err, -EPERM,
                                  "%s: expected a file that nobody else may read (0600), found %06o", path,
                                  (unsigned) st.st_mode);
        return 0;
}

/* --- passwords: on the thread --- */

/* The hash of an account: the caller's; NULL: there is none. */
static char *find_hash(const char *path, const char *name) {
        char line[1024], *found = NULL;
        size_t len = strlen(name);
        FILE *f = strchr(name, ':') ? NULL : fopen(path, "re");

        while (f && !found && fgets(line, sizeof line, f)) {
                line[strcspn(line, "\r\n")] = '\0';
                if (*line != '#' && len > 0 && strncmp(line, name, len) == 0 && line[len] == ':')
                        found = hv_strdup(line + len + 1);
        }
        if (f)
                (void) fclose(f);
        explicit_bzero(line, sizeof line);
        return found;
}

bool hv_accounts_has(const struct hv_accounts *a, const char *name) {
        _hv_cleanup_free_ char *hash = find_hash(a->path, name);

        return hash != NULL;
}

static void run_login(struct hv_job *job) {
        struct login *l = (struct login *) job;
        _hv_cleanup_free_ char *hash = find_hash(l->accounts->path, l->name);
        bool is_good = hv_password_matches(hash ? hash : HV_PASSWORD_NOBODY, hv_secret_bytes(l->password));

        l->is_good = hash && is_good;
}

static void login_done(struct hv_job *job) {
        struct login *l = (struct login *) job;
        _hv_cleanup_free_ char *token =
                l->is_good && !job->dropped ? hv_accounts_renew(l->accounts, l->name) : NULL;

        l->accounts->n_waiting--;
        l->done(l->userdata, token);
        hv_secret_free(l->password);
        free(l->name);
        free(l);
}

int hv_accounts_login(struct hv_accounts *a, const char *name, const char *password,
                      hv_accounts_login_fn *done, void *userdata, struct hv_err *err) {
        struct login *l;

        if (a->n_waiting >= WAITING_MAX)
                return hv_err_set(err, -EBUSY, "%u others log in just now: try again later", a->n_waiting);
        l = HV_NEW(struct login);
        *l = (struct login){ .job = { .run = run_login, .done = login_done },
                             .accounts = a,
                             .name = hv_strdup(name),
                             .password = hv_secret_new(password, strlen(password)),
                             .done = done,
                             .userdata = userdata };
        a->n_waiting++;
        hv_worker_add(a->worker, &l->job);
        return 0;
}

/* --- tokens --- */

static void forget_expired(struct hv_accounts *a) {
        uint64_t now_us = a->now_us();
        const struct session *s;
        const char *token;
        size_t it = 0;

        /* Long after its end, so that its owner is told what it was. */
        while (hv_map_next(a->sessions, &it, &token, (void **) &s))
                if (now_us > hv_time_add(s->until_us, a->life_us))
                        (void) hv_map_remove(a->sessions, token);
}

/* HEADER.CLAIMS.RANDOM: the form of RFC 7519, with what counts in place of a signature. */
static char *make_token(uint64_t end_wall_us) {
        _hv_cleanup_free_ char *claims =
                hv_asprintf("{\"exp\":%llu}", (unsigned long long) (end_wall_us / HV_USEC_PER_SEC));
        unsigned char random[TOKEN_BYTES];
        char head[HV_BASE64_SIZE(32)], middle[HV_BASE64_SIZE(64)], end[HV_BASE64_SIZE(TOKEN_BYTES)];

        if (getrandom(random, sizeof random, 0) != (ssize_t) sizeof random)
                abort(); /* never for so few bytes (getrandom(2)); a token that can be guessed is worse than none */
        hv_base64url_encode("{\"typ\":\"JWT\"}", strlen("{\"typ\":\"JWT\"}"), head);
        hv_base64url_encode(claims, strlen(claims), middle);
        hv_base64url_encode(random, sizeof random, end);
        return hv_asprintf("%.*s.%.*s.%.*s", (int) strcspn(head, "="), head, (int) strcspn(middle, "="),
                           middle, (int) strcspn(end, "="), end);
}

char *hv_accounts_renew(struct hv_accounts *a, const char *name) {
        struct session *s = HV_NEW(struct session);
        char *token = make_token(hv_time_add(hv_pool_wall_us(), a->life_us));

        forget_expired(a);
        s->name = hv_strdup(name);
        s->until_us = hv_time_add(a->now_us(), a->life_us);
        hv_map_put(a->sessions, token, s);
        return token;
}

enum hv_token hv_accounts_judge(const struct hv_accounts *a, const char *token, const char **ret_name) {
        const struct session *s = hv_map_get(a->sessions, token);

        if (!s)
                return HV_TOKEN_INVALID;
        if (ret_name)
                *ret_name = s->name;
        return a->now_us() < s->until_us ? HV_TOKEN_GOOD : HV_TOKEN_EXPIRED;
}
