/* log/redact.h - known secrets do not leave the process as text.
 *
 * Model    Whoever loads a secret registers its bytes; whatever goes out as text (every log record,
 *          every error of the API) has each occurrence replaced by "[redacted]". This is the second line
 *          of defence: the first is that secrets are `struct hv_secret` and never formatted. Costs
 *          nothing while nothing is registered.
 * Limits   A value below HV_REDACT_MIN_BYTES is not registered: its letters are everywhere, and the gaps
 *          would tell it. A trailing line end (secrets are often whole files) is not part of the marker;
 *          of a value with several lines, such as a key in PEM form, each long enough line is a marker
 *          too, since texts are logged line by line.
 */
#pragma once

#include "base/macros.h"

struct hv_secret;

#define HV_REDACT_MIN_BYTES 4
#define HV_REDACTED "[redacted]"

bool hv_log_redact_add(
        const struct hv_secret *secret); /* copies into memory of the same kind; false: too short */
void hv_log_redact_clear(void);          /* forgets and zeroes all */

/* The text with all markers replaced, or NULL when it holds none (the usual case: nothing is copied). Caller
 * frees. */
char *hv_log_redact(const char *text);
