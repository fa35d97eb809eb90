/* task/zip_check.h - a zip's directory, judged before anything is unpacked. Private to the module.
 *
 * Model    A zip says everything twice, and readers differ in what they believe: that is how bombs overlap and how a
 *          scanner sees other files than the unpacker. What does not agree with itself is refused: the directory ends
 *          exactly where the end record begins, the record ends the file, local headers say the same name and method as
 *          the directory, and no entry overlaps another.
 * Source   APPNOTE.TXT 6.3.10 (4.3.7 to 4.5.3); D. Fifield, "A better zip bomb" (2019).
 */
#pragma once

#include "task/prepare.h"

/* 1, or 0 for a zip without entries; -EBADMSG with the reason, or an error of reading. */
int hv_zip_check(int fd, const struct hv_task_input_limits *limits, struct hv_err *err);
