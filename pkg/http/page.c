#include "http/page.h"

#include "base/arena.h"
#include "base/base64.h"
#include "http/internal.h"
#include "http/reply.h"
#include "json/write.h"

/* Between the list's name and the key. No name of a list holds one, and what comes in a query holds none either. */
#define SEPARATOR '\n'

void hv_http_page_refuse(struct hv_http_request *req) {
        hv_http_reply_problem(
                req, 400, "BadContinue",
                "query: continue is not what this list gave as metadata.continue; ask without it for the beginning");
}

bool hv_http_page_after(struct hv_http_request *req, const char *list, const char **ret) {
        const char *token = hv_http_query(req, "continue");
        size_t len = token ? strlen(token) : 0, name_len = strlen(list), n = 0;
        char *text;

        *ret = NULL;
        if (len == 0)
                return true;
        text = hv_arena_alloc(req->arena, len / 4 * 3 + 3);
        if (hv_base64_decode(token, len, text, &n) && n > name_len + 1 && !memchr(text, '\0', n) &&
            memcmp(text, list, name_len) == 0 && text[name_len] == SEPARATOR) {
                text[n] = '\0';
                *ret = text + name_len + 1;
                return true;
        }
        hv_http_page_refuse(req);
        return false;
}

const char *hv_http_page_token(struct hv_http_request *req, const char *list, const char *key) {
        const char *text = hv_arena_printf(req->arena, "%s%c%s", list, SEPARATOR, key);
        size_t len = strlen(text);
        char *token = hv_arena_alloc(req->arena, HV_BASE64_SIZE(len));

        hv_base64url_encode(text, len, token);
        token[strcspn(token, "=")] = '\0'; /* it stands in a query */
        return token;
}

/* Index of the first item behind that of the key; list->n + 1: it has gone. */
static size_t find_first(const struct hv_http_list *list, const char *after) {
        for (size_t i = 0; i < list->n; i++) {
                if (!list->is_sorted && hv_streq(list->keys[i], after))
                        return i + 1;
                if (list->is_sorted && strcmp(list->keys[i], after) > 0)
                        return i;
        }
        return list->is_sorted ? list->n : list->n + 1;
}

bool hv_http_page_cut(struct hv_http_request *req, const struct hv_http_list *list,
                      struct hv_http_page *ret) {
        struct hv_http_page page = {};
        const char *after;
        uint64_t limit;

        if (hv_http_query_u64(req, "limit", 1, HV_HTTP_PAGE_MAX, HV_HTTP_PAGE_MAX, &limit) < 0 ||
            !hv_http_page_after(req, list->name, &after))
                return false;
        page.first = after ? find_first(list, after) : 0;
        if (page.first > list->n) {
                hv_http_reply_problem(req, 410, "Expired",
                                      "what the page before ended with has gone; ask anew, without continue");
                return false;
        }
        page.end = HV_MIN(list->n, page.first + (size_t) limit);
        page.n_more = list->n - page.end;
        if (page.n_more > 0)
                page.next = hv_http_page_token(req, list->name, list->keys[page.end - 1]);
        *ret = page;
        return true;
}

void hv_http_page_write(struct hv_json_writer *w, const struct hv_http_page *page) {
        hv_json_begin_object(w, "metadata");
        hv_json_put_str(w, "continue", page->next);
        hv_json_put_uint(w, "remaining", page->n_more);
        hv_json_end(w);
}
