/* http/file_reply.h - a file as an answer: ranges, ETag, HEAD (RFC 9110, sections 13 and 14).
 *
 * One range is served; several in one request get the whole file, as the RFC allows.
 */
#pragma once

#include "http/request.h"

/* Takes fd, of a regular file that does not change. tag: strong ETag without quotes; NULL: none, and no If-Range is met.
 * `path` gives the name under which a browser saves it. */
void hv_http_reply_file(struct hv_http_request *req, int fd, const char *tag, const char *path);

/* bytes=0-99, bytes=100-, bytes=-100 of `size` bytes. 1 a range, 0 to be ignored (not understood, several),
 * -ERANGE: nothing of the file is in it. */
int hv_http_range_parse(const char *text, uint64_t size, uint64_t *ret_first, uint64_t *ret_len);
