/* http/page.h - lists in pieces: `?limit=` and `?continue=`.
 *
 * Model    A page begins behind the item that the one before ended with, found again by its key, so what comes and goes
 *          between two pages neither hides nor doubles anything else. `continue` is opaque to clients: it says of which list it is,
 *          and that key. One that this list did not give is refused (400). Where the keys are not in order and the item has
 *          gone, so is the place: 410, since whoever went on would miss some without knowing it.
 */
#pragma once

#include "base/macros.h"

struct hv_http_request;
struct hv_json_writer;

#define HV_HTTP_PAGE_MAX 10000u

/* A list that is all there: the keys of its items, in its order. */
struct hv_http_list {
        const char *name; /* "SourceList": whose `continue` it takes */
        const char *const *keys;
        size_t n;
        bool is_sorted; /* by strcmp() of the keys */
};

struct hv_http_page {
        size_t first, end; /* the items that it holds */
        size_t n_more;
        const char *next; /* `continue` of the next one; NULL: that was all. Good as long as the request */
};

/* By the query. False: 400 or 410 was sent. */
bool hv_http_page_cut(struct hv_http_request *req, const struct hv_http_list *list, struct hv_http_page *ret);
/* "metadata" with `continue` and `remaining`. */
void hv_http_page_write(struct hv_json_writer *w, const struct hv_http_page *page);

/* For lists that are read piece by piece. The key behind which the page begins, NULL: the first one; false: 400 was sent. */
bool hv_http_page_after(struct hv_http_request *req, const char *list, const char **ret);
/* What the page after the one that ends with `key` is asked for with. */
const char *hv_http_page_token(struct hv_http_request *req, const char *list, const char *key);
void hv_http_page_refuse(struct hv_http_request *req); /* 400: `continue` is not of this list */
