/* The pages of the web interface and their files. */
#include "http/api_web.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/reply.h"
#include "http/request.h"
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

static void get_page(struct hv_http_request *req, void *userdata) {
        (void) userdata;
        hv_http_reply_header(req, "Content-Security-Policy", HV_HTTP_CSP_PAGE);
        send_asset(req, hv_web_find(""), "no-cache");
}

static void get_file(struct hv_http_request *req, void *userdata) {
        const char *name = hv_http_param(req, "name");
        const struct hv_web_asset *asset = hv_web_find(name);

        (void) userdata;
        if (!asset)
                return hv_http_reply_problem(req, 404, "NotFound", "the web interface has no file %s", name);
        send_asset(req, asset, "public, max-age=31536000, immutable");
}

#define PAGE(path_, summary_)                                                                            \
        {                                                                                                \
                .method = HV_HTTP_GET, .path = (path_), .role = HV_HTTP_ROLE_ANYONE, .handle = get_page, \
                .summary = (summary_), .tag = "pages", .answers = "200 text/html, 304"                   \
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

int hv_api_attach_web(struct hv_http_server *server, struct hv_err *err) {
        return hv_http_server_add_routes(server, routes, HV_ARRAY_SIZE(routes), NULL, err);
}
