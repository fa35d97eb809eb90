/* hivepool/accounts.c - see accounts.h. */
#include "hivepool/accounts.h"

#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/time.h"

#define TOKEN_BYTES 32
#define PASSWORD_MAX 1024
/* What an unknown name is compared with, so that it costs what a known one does: the work, not the hash, counts. */
#define NOBODY "$y$j9T$SL0JAWwUXOEkEm8mSYHS./$wFVKXPwmQCDIRQ0s/WR8bKlp2MZnXWMeQHHWLpbEEb3"

struct session {
        char *name;
        uint64_t until_us;
};

struct hv_accounts {
        char *path;
        uint64_t life_us;
        struct hv_map *sessions; /* by token */
};

static void session_free(void *p) {
        struct session *s = p;

        free(s->name);
        free(s);
}

struct hv_accounts *hv_accounts_new(const char *path, uint64_t token_life_us) {
        struct hv_accounts *a = HV_NEW(struct hv_accounts);

        a->path = hv_strdup(path);
        a->life_us = token_life_us;
        a->sessions = hv_map_new(session_free);
        return a;
}

struct hv_accounts *hv_accounts_free(struct hv_accounts *a) {
        if (!a)
                return NULL;
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

/* The hash of an account: the caller's; NULL: there is none. */
static char *find_hash(const struct hv_accounts *a, const char *name) {
        char line[1024], *found = NULL;
        size_t len = strlen(name);
        FILE *f = fopen(a->path, "re");

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

static bool is_password(const char *hash, const char *password) {
        struct crypt_data *data = HV_NEW(struct crypt_data);
        const char *made =
                strlen(password) <= PASSWORD_MAX ? crypt_rn(password, hash, data, (int) sizeof *data) : NULL;
        unsigned char difference = made && *made != '*' && strlen(made) == strlen(hash) ? 0 : 1;

        for (size_t i = 0; difference == 0 && i < strlen(hash); i++)
                difference |= (unsigned char) (made[i] ^ hash[i]);
        explicit_bzero(data, sizeof *data);
        free(data);
        return difference == 0;
}

static void forget_expired(struct hv_accounts *a, uint64_t now_us) {
        const struct session *s;
        const char *token;
        size_t it = 0;

        /* Long after its end, so that its owner is told what it was. */
        while (hv_map_next(a->sessions, &it, &token, (void **) &s))
                if (now_us > hv_time_add(s->until_us, a->life_us))
                        (void) hv_map_remove(a->sessions, token);
}

char *hv_accounts_renew(struct hv_accounts *a, const char *name, uint64_t now_us) {
        struct session *s = HV_NEW(struct session);
        unsigned char random[TOKEN_BYTES];
        char *token = hv_malloc(2 * TOKEN_BYTES + 1);

        forget_expired(a, now_us);
        if (getrandom(random, sizeof random, 0) != (ssize_t) sizeof random)
                abort(); /* never for so few bytes (getrandom(2)); a token that can be guessed is worse than none */
        for (size_t i = 0; i < sizeof random; i++)
                (void) snprintf(token + 2 * i, 3, "%02x", random[i]);
        s->name = hv_strdup(name);
        s->until_us = hv_time_add(now_us, a->life_us);
        hv_map_put(a->sessions, token, s);
        return token;
}

char *hv_accounts_login(struct hv_accounts *a, const char *name, const char *password, uint64_t now_us) {
        _hv_cleanup_free_ char *hash = strchr(name, ':') ? NULL : find_hash(a, name);
        bool is_good = is_password(hash ? hash : NOBODY, password);

        return hash && is_good ? hv_accounts_renew(a, name, now_us) : NULL;
}

enum hv_token hv_accounts_judge(struct hv_accounts *a, const char *token, uint64_t now_us,
                                const char **ret_name) {
        const struct session *s = hv_map_get(a->sessions, token);

        if (!s)
                return HV_TOKEN_INVALID;
        if (ret_name)
                *ret_name = s->name;
        return now_us < s->until_us ? HV_TOKEN_GOOD : HV_TOKEN_EXPIRED;
}
