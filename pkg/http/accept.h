/* http/accept.h - which form of an answer a client takes (RFC 9110, section 12.5.1). Pure.
 *
 * Model    What a route gives stands in its table: a type for each word with a slash, JSON for each name of a shape. A GET of
 *          the API that gives a shape gives it as YAML, too. Changes, and what is not of the API, answer as they do, whatever
 *          Accept says.
 */
#pragma once

#include "base/macros.h"

struct hv_buf;
struct hv_http_route;

/* How gladly `accept` (NULL: it says nothing) takes a type, in thousandths; 0: not at all. What names it most closely counts. */
unsigned hv_http_accept_milli(const char *accept, const char *type);

enum hv_http_form {
        HV_HTTP_FORM_AS_IT_IS,
        HV_HTTP_FORM_YAML, /* rather than the JSON that the route gives */
        HV_HTTP_FORM_NONE, /* nothing that the route gives: 406 */
};

enum hv_http_form hv_http_accept_form(const char *accept, const struct hv_http_route *route);

bool hv_http_route_gives_yaml(const struct hv_http_route *route);
/* "application/json, application/yaml" */
void hv_http_route_types(const struct hv_http_route *route, struct hv_buf *ret);
