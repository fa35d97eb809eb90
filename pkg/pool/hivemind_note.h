/* pool/hivemind_note.h - an archive of one small text, in place of a result that there is not: the dialect has no other way to
 * say why.
 *
 * Source   APPNOTE.TXT of PKWARE, 4.3 (local header, central directory, its end); stored, not compressed.
 */
#pragma once

#include "base/buf.h"

/* Added to the buffer. The name has no folder. */
void hivemind_note(struct hv_buf *zip, const char *name, const char *text);
