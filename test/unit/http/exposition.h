/* exposition.h - a strict reader of metrics, for tests: fails the test on whatever a scraper or promtool would object to. */
#pragma once

#include <stdbool.h>

/* The rules of the text format 0.0.4, and of OpenMetrics 1.0 where open_metrics: HELP and TYPE once, before the samples of
 * their family and in one block; counters end in _total; buckets rise and end in +Inf, which equals _count; no series twice. */
void exposition_check(const char *text, bool open_metrics);

/* Value of a series as it is written, "name{a=\"b\"}"; fails the test when it is not there. */
double exposition_value(const char *text, const char *series);
bool exposition_has(const char *text, const char *series);
