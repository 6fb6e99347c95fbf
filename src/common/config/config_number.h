// SPDX-License-Identifier: MIT
// Numbers as people write them in the configuration: decimal, finite, nothing after them, inside their range.
// Messages hold the text and the range, not the key: the caller knows where the text came from and puts it in front.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/system/status.h"

// What may follow the digits of a whole number.
enum config_suffix {
    SUFFIX_NONE,
    SUFFIX_COUNT, // K M G T P: powers of 1000
    SUFFIX_BYTES, // K M G T P and KiB MiB ...: powers of 1024; KB MB ...: powers of 1000; B
};

enum status config_parse_whole(const char *text, enum config_suffix suffix, uint64_t least, uint64_t most, uint64_t *value) MUST_CHECK;
enum status config_parse_real(const char *text, double low, double high, double *value) MUST_CHECK;

enum { CONFIG_NUMBER_MAX = 32 };

// The shortest text that parses back to the same number; returns `out`.
const char *config_format_whole(uint64_t value, enum config_suffix suffix, char out[CONFIG_NUMBER_MAX]);
const char *config_format_real(double value, char out[CONFIG_NUMBER_MAX]);
