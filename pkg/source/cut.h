/* source/cut.h - telling a file that was cut from one that was edited.
 *
 * Why      a full disk, a crash or a copy that was interrupted leaves the first part of a file. Most such parts are no valid
 *          documents, but many are: cut in its last line, `image: web:12` becomes `image: web:1`, and a service would be
 *          replaced by another one.
 * Rule     A primary file that is a proper beginning of the version in force counts as cut, unless it ends at the end of a
 *          line and everything it declares is declared as before: then it may just as well be an edit that took whole
 *          objects away, and the guard's share (node.safety.maxPrune) decides. Who means it ends the file with a line
 *          `...`: then it is no beginning of the other any more.
 */
#pragma once

#include "source/set.h"

/* When `now` looks cut beside `before` (the load in force; NULL: none): adds E0011 to its findings, takes its
 * desired state away, and returns true. */
bool hv_source_refuse_cut(struct hv_source_load *now, const struct hv_source_load *before);
