/* base/parse.h - decimal numbers as people write them, without a locale and without floating point.
 *
 * Model    "1.5" is kept as whole and fraction and turned into an integer only when the unit is known, so
 *          "1.5Gi" and "0.1" of a CPU are exact. What does not divide is rounded up: a limit is never smaller
 *          than asked for.
 */
#pragma once

#include "base/macros.h"

enum hv_parse {
        HV_PARSE_OK,
        HV_PARSE_BAD,      /* not of this form at all */
        HV_PARSE_NO_UNIT,  /* a plain number where a unit is needed */
        HV_PARSE_BAD_UNIT, /* a number, then something that is no unit */
        HV_PARSE_NEGATIVE,
        HV_PARSE_OVERFLOW, /* above INT64_MAX of the unit that is returned */
};

struct hv_decimal {
        uint64_t whole;
        uint64_t fraction,
                scale; /* fraction / scale, scale is a power of ten; digits after the 18th only round up */
        bool rest;
};

/* Reads digits[.digits] at *p and moves *p behind them. BAD or OVERFLOW leave *p where it was; no sign, no
 * exponent, no space is taken. */
enum hv_parse hv_decimal_read(const char **p, struct hv_decimal *ret);

/* d * unit, rounded up. OVERFLOW above INT64_MAX. */
enum hv_parse hv_decimal_times(const struct hv_decimal *d, uint64_t unit, uint64_t *ret);

/* The whole text is an unsigned integer from min to max. "007" is taken as 7; a sign, a space or an empty
 * text is not. */
bool hv_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret);
