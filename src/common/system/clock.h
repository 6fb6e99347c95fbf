// SPDX-License-Identifier: MIT
#pragma once

// Seconds of the monotonic clock: for differences, not for dates.
double now(void);
