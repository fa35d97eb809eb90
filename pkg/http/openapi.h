/* http/openapi.h - what the API is, told by the API: a description in the form of OpenAPI 3.1.
 *
 * Model    Paths, methods, parameters, roles and answers are those of the server's own table (http/route.h), so the description
 *          cannot leave one out or tell of one that is not there. What a table cannot say (the shapes of bodies) is
 *          api/components.yaml, which is built in. Both together are one YAML text; the JSON form is that text, read and
 *          written again. The tree keeps a copy as api/openapi.yaml for those who look before they build; hack/gen-openapi
 *          writes it, and test_api_routes holds it against the table.
 * Answers  "STATUS [WORD...], ...". Below 400 a word is a schema, whose answer is application/json, or a media type; from 400 on
 *          it is one of components/responses. An error without a word is problem details (on the older paths what HiveMind's
 *          worker says), and so is every status that no row names.
 */
#pragma once

#include "base/buf.h"

struct hv_http_server;

void hv_openapi_yaml(const struct hv_http_server *server, struct hv_buf *ret);

/* On one line. */
void hv_openapi_json(const struct hv_http_server *server, struct hv_buf *ret);
