/* task/log_form.h - how much of an engine's log files a piece of a container's log takes at most.
 *
 * Why      An engine drops the oldest of its files when the newest is full, and says so to nobody. Its files count in its own
 *          form: an empty line is 71 bytes in Docker's json-file. Who counts what is read as the engine does, and never less,
 *          knows: as long as the sum stays below what the engine is sure to hold, nothing was dropped.
 * Model    Docker gives each message as a frame of its own; so a piece is a message, or a part of one.
 *
 *              json-file   {"log":"...\n","stream":"stdout","time":"2026-11-21T10:00:00.123456789Z"}\n
 *              local       length, protobuf (source, time, line without its newline), length
 *
 *          A line of more than 16 KiB is cut into messages, and in `local` each of them carries an id.
 * Source   moby daemon/logger/jsonfilelog/jsonlog, daemon/logger/local; files of docker 20.10 as measured by test_log_mark.py.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum hv_log_form {
        HV_LOG_FORM_BYTES, /* nothing around it */
        HV_LOG_FORM_JSON,
        HV_LOG_FORM_LOCAL,
};

/* By the name of Docker's driver; of one that keeps no files of its own (journald) the content counts. */
enum hv_log_form hv_log_form_of(const char *driver);

/* Of one message; an upper bound, and never less than `len`. */
uint64_t hv_log_form_cost(enum hv_log_form form, const void *data, size_t len);
