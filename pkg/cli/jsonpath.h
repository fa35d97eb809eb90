/* cli/jsonpath.h - kubectl's -o jsonpath: a template over a JSON value.
 *
 *      {.items[*].metadata.name}                                     web db cache
 *      {range .items[*]}{.metadata.name}{"\t"}{.status.phase}{"\n"}{end}
 *
 * Rules    outside braces text stands for itself. Inside: a path, "text" with \n and \t, `range PATH` ... `end`. A path is .field,
 *          ['field'], [n], [-n] from the end, [*], .* one after the other; `$` and `@` begin at the value itself. Several
 *          values are separated by blanks; text as it is, all else as JSON. What is not there gives nothing. A template without
 *          a brace is a path.
 * Source   kubernetes.io, "JSONPath Support"; of it no slices, filters and recursion.
 * Pure.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct hv_json;

/* -EINVAL: the template is none; err names the place. `j` NULL: it is only judged. */
int hv_jsonpath(const char *template, const struct hv_json *j, struct hv_buf *ret, struct hv_err *err);
