#include "auth/sessions.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/map.h"

struct hv_sessions {
        struct hv_map *by_digest;
        void (*ended)(void *userdata, const struct hv_session *s);
        void *userdata;
};

static void session_free(void *p) {
        struct hv_session *s = p;

        explicit_bzero(s->csrf, sizeof s->csrf);
        free(s->owner);
        free(s->address);
        free(s->agent);
        free(s);
}

struct hv_sessions *hv_sessions_new(void (*ended)(void *userdata, const struct hv_session *s),
                                    void *userdata) {
        struct hv_sessions *all = HV_NEW(struct hv_sessions);

        all->by_digest = hv_map_new(session_free);
        all->ended = ended;
        all->userdata = userdata;
        return all;
}

struct hv_sessions *hv_sessions_free(struct hv_sessions *all) {
        if (!all)
                return NULL;
        (void) hv_map_free(all->by_digest);
        free(all);
        return NULL;
}

const struct hv_session *hv_sessions_next(const struct hv_sessions *all, size_t *it) {
        struct hv_session *s;

        return hv_map_next(all->by_digest, it, NULL, (void **) &s) ? s : NULL;
}

void hv_sessions_end(struct hv_sessions *all, const struct hv_session *s) {
        if (all->ended)
                all->ended(all->userdata, s);
        (void) hv_map_remove(all->by_digest, s->digest);
}

static bool is_over(const struct hv_session *s, uint64_t now_us) {
        return now_us >= s->until_us || now_us >= hv_time_add(s->used_us, HV_SESSION_IDLE_US);
}

void hv_sessions_sweep(struct hv_sessions *all, uint64_t now_us) {
        const struct hv_session *s;
        size_t it = 0;

        while ((s = hv_sessions_next(all, &it)))
                if (is_over(s, now_us))
                        hv_sessions_end(all, s);
}

void hv_sessions_end_if(struct hv_sessions *all, bool (*is_gone)(void *userdata, const struct hv_session *s),
                        void *userdata) {
        const struct hv_session *s;
        size_t it = 0;

        while ((s = hv_sessions_next(all, &it)))
                if (is_gone(userdata, s))
                        hv_sessions_end(all, s);
}

static bool is_of(const struct hv_session *s, const struct hv_session_wish *wish) {
        return s->origin == wish->origin && hv_streq(s->owner, wish->owner);
}

static void make_room(struct hv_sessions *all, const struct hv_session_wish *wish) {
        const struct hv_session *s, *idle = NULL, *idle_own = NULL;
        size_t it = 0, n_own = 0;

        while ((s = hv_sessions_next(all, &it))) {
                if (!idle || s->used_us < idle->used_us)
                        idle = s;
                if (!is_of(s, wish))
                        continue;
                n_own++;
                if (!idle_own || s->used_us < idle_own->used_us)
                        idle_own = s;
        }
        if (n_own >= HV_SESSIONS_PER_OWNER)
                hv_sessions_end(all, idle_own);
        else if (hv_map_size(all->by_digest) >= HV_SESSIONS_MAX)
                hv_sessions_end(all, idle);
}

const struct hv_session *hv_sessions_begin(struct hv_sessions *all, const struct hv_session_wish *wish,
                                           char ret_key[HV_CREDENTIAL_SIZE]) {
        struct hv_session *s = HV_NEW(struct hv_session);

        hv_sessions_sweep(all, wish->now_us);
        make_room(all, wish);
        hv_credential_make(HV_CREDENTIAL_SESSION, ret_key);
        hv_credential_digest(ret_key, s->digest);
        (void) snprintf(s->id, sizeof s->id, "%.12s", s->digest);
        hv_credential_make(HV_CREDENTIAL_CSRF, s->csrf);
        s->owner = hv_strdup(wish->owner);
        (void) snprintf(s->of, sizeof s->of, "%s", wish->of ? wish->of : "");
        s->role = wish->role;
        s->origin = wish->origin;
        s->address = hv_strdup(wish->address);
        s->agent = hv_strndup(wish->agent ? wish->agent : "", 200);
        s->began_wall_us = s->used_wall_us = wish->wall_us;
        s->until_wall_us = hv_time_add(wish->wall_us, wish->life_us);
        s->used_us = wish->now_us;
        s->until_us = hv_time_add(wish->now_us, wish->life_us);
        hv_map_put(all->by_digest, s->digest, s);
        return s;
}

const struct hv_session *hv_sessions_get(const struct hv_sessions *all, const char *digest) {
        return hv_map_get(all->by_digest, digest);
}

const struct hv_session *hv_sessions_use(struct hv_sessions *all, const char *key, uint64_t now_us,
                                         uint64_t wall_us) {
        char digest[HV_SHA256_HEX_SIZE];
        struct hv_session *s;

        hv_credential_digest(key, digest);
        s = hv_map_get(all->by_digest, digest);
        if (!s)
                return NULL;
        if (is_over(s, now_us)) {
                hv_sessions_end(all, s);
                return NULL;
        }
        s->used_us = now_us;
        s->used_wall_us = wall_us;
        return s;
}

const struct hv_session *hv_sessions_by_id(const struct hv_sessions *all, const char *id) {
        const struct hv_session *s;
        size_t it = 0;

        while ((s = hv_sessions_next(all, &it)))
                if (hv_streq(s->id, id))
                        return s;
        return NULL;
}
