// SPDX-License-Identifier: MIT
#ifndef ONEIROS_COMMON_CLOCK_H
#define ONEIROS_COMMON_CLOCK_H

// Seconds of the monotonic clock: for differences, not for dates.
double now(void);

#endif
