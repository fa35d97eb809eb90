/* http/access_internal.h - what the files of http/access.h share. */
#pragma once

#include "base/vec.h"
#include "http/access.h"
#include "http/page.h"
#include "http/reply.h"
#include "json/write.h"

struct hv_http_access {
        struct hv_auth *auth;
};

#define HV_ACCESS_COOKIE_SIZE 32
/* The name of the session's cookie on this connection. */
const char *hv_http_access_cookie_name(const struct hv_http_request *req, char ret[HV_ACCESS_COOKIE_SIZE]);

/* The session of the caller; NULL: none. */
const struct hv_session *hv_http_access_session(const struct hv_http_access *access,
                                                const struct hv_http_request *req);

/* The body as a JSON object; NULL: 400 or 415 was sent. The caller ends it. */
struct hv_json *hv_http_access_body(struct hv_http_request *req);
void hv_http_access_put_time(struct hv_json_writer *w, const char *key, uint64_t wall_us); /* 0: null */
void hv_http_access_reply(struct hv_http_request *req, unsigned status, struct hv_buf *json);

/* access_session.c */
void hv_http_access_post_login(struct hv_http_request *req, void *userdata);
void hv_http_access_post_logout(struct hv_http_request *req, void *userdata);
void hv_http_access_get_session(struct hv_http_request *req, void *userdata);
void hv_http_access_get_sessions(struct hv_http_request *req, void *userdata);
void hv_http_access_delete_session(struct hv_http_request *req, void *userdata);

/* access_token.c */
void hv_http_access_get_tokens(struct hv_http_request *req, void *userdata);
void hv_http_access_post_token(struct hv_http_request *req, void *userdata);
void hv_http_access_delete_token(struct hv_http_request *req, void *userdata);
