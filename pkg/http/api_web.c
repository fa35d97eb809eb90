/* The pages of the web interface and their files. */
#include "http/api_web.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "http/api_internal.h"
#include "web/assets.h"

bool hv_http_accepts_gzip(const char *accept) {
        static const char SPACE[] = " \t";

        for (const char *p = accept; p && *p;) {
                size_t len = strcspn(p, ","), word;
                const char *q;

                p += strspn(p, SPACE);
                len = strcspn(p, ",");
                word = strcspn(p, ",; \t");
                if ((word == 4 && strncasecmp(p, "gzip", 4) == 0) || (word == 1 && *p == '*')) {
                        q = memmem(p, len, "q=", 2);
                        return !q || strtod(q + 2, NULL) > 0;
                }
                p += len;
                p += *p == ',';
        }
        return false;
}

static void send_asset(struct hv_http_request *req, const struct hv_web_asset *asset, const char *caching) {
        bool zip = asset->gzip.bytes && hv_http_accepts_gzip(hv_http_header(req, "Accept-Encoding"));
        const struct hv_web_data *data = zip ? &asset->gzip : &asset->plain;

        hv_http_reply_header(req, "Cache-Control", caching);
        hv_http_reply_header(req, "Vary", "Accept-Encoding");
        if (hv_http_not_modified(req, data->tag))
                return;
        if (zip)
                hv_http_reply_header(req, "Content-Encoding", "gzip");
        hv_http_reply_static(req, 200, asset->content_type, data->bytes, data->len_bytes);
}

void hv_api_show_pages(struct hv_api *api, bool shown, const char *theme) {
        if (!api)
                return;
        api->pages_are_off = !shown;
        api->page_theme = theme;
}

/* True: 404 was sent. */
static bool is_off(struct hv_http_request *req, const struct hv_api *api) {
        if (api->pages_are_off)
                hv_http_reply_problem(req, 404, "NotFound",
                                      "there are no pages here: http.ui.enabled is false; the API is there");
        return api->pages_are_off;
}

/* The page with colours that it wears from the first moment on. False: it has no place for them (-DHV_WEB=OFF). */
static bool send_dressed(struct hv_http_request *req, const struct hv_web_asset *page, const char *theme) {
        static const char place[] = "<html lang=\"en\"";
        const char *text = page->plain.bytes;
        const char *at = memmem(text, page->plain.len_bytes, place, sizeof place - 1);
        _hv_cleanup_(hv_buf_done) struct hv_buf dressed = {};
        _hv_cleanup_free_ char *tag = hv_asprintf("%s-%s", page->plain.tag, theme);
        size_t before;

        if (!at)
                return false;
        hv_http_reply_header(req, "Cache-Control", "no-cache");
        if (hv_http_not_modified(req, tag))
                return true;
        before = (size_t) (at - text) + sizeof place - 1;
        hv_buf_add(&dressed, text, before);
        hv_buf_printf(&dressed, " data-theme=\"%s\"", theme);
        hv_buf_add(&dressed, text + before, page->plain.len_bytes - before);
        hv_http_reply_data(req, 200, page->content_type, dressed.data, dressed.len);
        return true;
}

static void get_page(struct hv_http_request *req, void *userdata) {
        const struct hv_api *api = userdata;
        const struct hv_web_asset *page = hv_web_find("");

        if (is_off(req, api))
                return;
        hv_http_reply_header(req, "Content-Security-Policy", HV_HTTP_CSP_PAGE);
        if (!api->page_theme || !send_dressed(req, page, api->page_theme))
                send_asset(req, page, "no-cache");
}

static void get_file(struct hv_http_request *req, void *userdata) {
        const char *name = hv_http_param(req, "name");
        const struct hv_web_asset *asset = hv_web_find(name);

        if (is_off(req, userdata))
                return;
        if (!asset)
                return hv_http_reply_problem(req, 404, "NotFound", "the web interface has no file %s", name);
        send_asset(req, asset, "public, max-age=31536000, immutable");
}

#define PAGE(path_, summary_)                                                                            \
        {                                                                                                \
                .method = HV_HTTP_GET, .path = (path_), .role = HV_HTTP_ROLE_ANYONE, .handle = get_page, \
                .summary = (summary_), .tag = "pages", .answers = "200 text/html, 304, 404"              \
        }

static const struct hv_http_route routes[] = {
        PAGE("/", "web interface: the dashboard"),
        PAGE("/dashboard", "web interface: is the node converged, if not why, what happens next"),
        PAGE("/dashboard/{rest...}", "web interface: one object"),
        PAGE("/tasks", "web interface: tasks"),
        PAGE("/tasks/{rest...}", "web interface: one task"),
        PAGE("/monitor", "web interface: what the node uses, its links and events"),
        PAGE("/settings", "web interface: the settings, and the files that hold them"),
        PAGE("/login", "web interface: logging in"),
        { .method = HV_HTTP_GET,
          .path = "/assets/{name}",
          .role = HV_HTTP_ROLE_ANYONE,
          .handle = get_file,
          .summary = "web interface: a file of it",
          .tag = "pages",
          .answers = "200 text/javascript text/css image/svg+xml, 304, 404",
          .details = "Its name holds a digest of what it holds, so it may be kept for ever." },
};

int hv_api_attach_web(struct hv_api *api, struct hv_http_server *server, struct hv_err *err) {
        return hv_http_server_add_routes(server, routes, HV_ARRAY_SIZE(routes), api, err);
}
