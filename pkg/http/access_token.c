/* Tokens over HTTP: list, create, revoke. */
#include <time.h>

#include "base/duration.h"
#include "http/access_internal.h"
#include "json/json.h"

static uint64_t wall_us(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t) now.tv_sec * HV_USEC_PER_SEC + (uint64_t) now.tv_nsec / 1000;
}

static void put_token(struct hv_json_writer *w, const struct hv_token *t) {
        hv_json_put_str(w, "name", t->name);
        hv_json_put_str(w, "role", hv_role_name(t->role));
        hv_json_put_bool(w, "fromFile", false);
        hv_json_put_str(w, "createdBy", t->by);
        hv_http_access_put_time(w, "createdAt", t->created_wall_us);
        hv_http_access_put_time(w, "expiresAt", t->until_wall_us);
        hv_http_access_put_time(w, "usedAt", t->used_wall_us);
        hv_json_put_bool(w, "expired", t->until_wall_us && wall_us() >= t->until_wall_us);
}

static void put_file_token(struct hv_json_writer *w, const struct hv_file_token *t) {
        hv_json_put_str(w, "name", t->name);
        hv_json_put_str(w, "role", hv_role_name(t->role));
        hv_json_put_bool(w, "fromFile", true);
        hv_json_put_bool(w, "expired", false);
}

/* Those that were created, then those of the file. */
void hv_http_access_get_tokens(struct hv_http_request *req, void *userdata) {
        const struct hv_http_access *access = userdata;
        const struct hv_file_token *of_file;
        const struct hv_token *t;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        HV_VEC(const char *) names = {};
        struct hv_http_page page;
        size_t n_made;

        for (size_t i = 0; (t = hv_auth_token_at(access->auth, i)); i++)
                hv_vec_push(&names, t->name);
        n_made = names.n;
        for (size_t i = 0; (of_file = hv_auth_file_token_at(access->auth, i)); i++)
                hv_vec_push(&names, of_file->name);
        if (hv_http_page_cut(req, &(struct hv_http_list){ "TokenList", names.v, names.n, false }, &page)) {
                hv_json_begin_object(&w, NULL);
                hv_http_page_write(&w, &page);
                hv_json_begin_array(&w, "items");
                for (size_t i = page.first; i < page.end; i++) {
                        hv_json_begin_object(&w, NULL);
                        if (i < n_made)
                                put_token(&w, hv_auth_token_at(access->auth, i));
                        else
                                put_file_token(&w, hv_auth_file_token_at(access->auth, i - n_made));
                        hv_json_end(&w);
                }
                hv_json_end(&w);
                hv_json_end(&w);
                hv_http_access_reply(req, 200, &buf);
        }
        hv_vec_done(&names);
}

/* What the body wishes; false: 400 was sent. */
static bool read_wish(struct hv_http_request *req, const struct hv_json *body, struct hv_token *ret) {
        const char *role = hv_json_str(body, "role"), *life = hv_json_str(body, "expiresIn");
        struct hv_token wish = { .name = (char *) hv_json_str(body, "name"),
                                 .by = (char *) hv_http_request_caller(req)->by,
                                 .created_wall_us = wall_us() };
        uint64_t life_us = 0;

        if (!role || !hv_role_read(role, &wish.role)) {
                hv_http_reply_problem(req, 400, "BadRequest", "role: expected viewer, operator or admin");
                return false;
        }
        if (life && (hv_duration_parse(life, &life_us) != HV_PARSE_OK || life_us == 0)) {
                hv_http_reply_problem(req, 400, "BadRequest",
                                      "expiresIn: expected a time such as 90d or 12h");
                return false;
        }
        if (life)
                wish.until_wall_us = hv_time_add(wish.created_wall_us, life_us);
        *ret = wish;
        return true;
}

void hv_http_access_post_token(struct hv_http_request *req, void *userdata) {
        const struct hv_http_access *access = userdata;
        struct hv_json *body = hv_http_access_body(req);
        char text[HV_CREDENTIAL_SIZE];
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_err err = {};
        struct hv_token wish;

        if (!body)
                return;
        if (!read_wish(req, body, &wish)) {
                ;
        } else if (hv_auth_token_create(access->auth, &wish, text, &err) < 0) {
                hv_http_reply_err(req, "TokenNotCreated", &err);
        } else {
                hv_json_begin_object(&w, NULL);
                put_token(&w, &wish);
                hv_json_put_str(&w, "token", text);
                hv_json_end(&w);
                explicit_bzero(text, sizeof text);
                hv_http_access_reply(req, 201, &buf);
        }
        (void) hv_json_free(body);
}

void hv_http_access_delete_token(struct hv_http_request *req, void *userdata) {
        const struct hv_http_access *access = userdata;
        struct hv_err err = {};

        if (hv_auth_token_revoke(access->auth, hv_http_param(req, "name"), hv_http_request_caller(req)->by,
                                 &err) < 0)
                hv_http_reply_err(req, "TokenNotRevoked", &err);
        else
                hv_http_reply_empty(req, 204);
}
