/* http/api_web.h - the web interface over HTTP: its pages and their files.
 *
 * Model    Every page is the same document; the program in it looks at the path. It holds nothing about the
 *          node, so anyone may have it: what it shows it asks of the API, as whoever is logged in.
 * Caching  The page is asked for again each time (ETag, 304). The files have digests in their names and may
 *          be kept for ever.
 */
#pragma once

#include "http/api.h"
#include "http/server.h"

/* Adds the routes of the pages. */
int hv_api_attach_web(struct hv_api *api, struct hv_http_server *server, struct hv_err *err);

/* Whether `accept` (an Accept-Encoding header, NULL: none was sent) allows gzip (RFC 9110, section 12.5.3). */
bool hv_http_accepts_gzip(const char *accept);
