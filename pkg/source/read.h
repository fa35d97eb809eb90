/* source/read.h - reading a file that an operator wrote, without being led elsewhere.
 *
 * Model    Opened once without following a link in the last component, checked through the open descriptor,
 *          read once: between check and use nothing can be exchanged. What is wrong is a code of
 *          docs/errors.md and a sentence.
 * Rules    a desired-state file is regular, belongs to root or to this user, is not writable by group or
 *          others, and is at most 1 MiB. A secret is the same, not readable by group or others either, and at
 *          most 512 KiB.
 * Source   open(2) O_NOFOLLOW, O_NONBLOCK (a FIFO must not hang the agent).
 */
#pragma once

#include "base/buf.h"
#include "base/secret.h"
#include "spec/value.h"

#define HV_READ_CONFIG_MAX (UINT64_C(1) << 20)
#define HV_READ_SECRET_MAX (UINT64_C(512) << 10)

/* dir_fd: AT_FDCWD, or where a relative `path` begins. 0, or -errno with *fault written: E0001 cannot be
 * opened or read, E0003 too large, E0009 not to be trusted. -ENOENT only for what is not there. */
int hv_read_config(int dir_fd, const char *path, struct hv_buf *ret, struct hv_fault *fault);

/* E0362 cannot be opened or read, E0323 not to be trusted, E0003 too large. */
int hv_read_secret(int dir_fd, const char *path, struct hv_secret **ret, struct hv_fault *fault);

/* The same for a file of the credentials directory, which keeps others out by itself: only its mode for
 * everyone is looked at. */
int hv_read_credential(int dir_fd, const char *name, struct hv_secret **ret, struct hv_fault *fault);
