// SPDX-License-Identifier: MIT
// One value of the configuration as text, by its row in the schema. Messages do not hold the key: the caller puts it in front.
#pragma once

#include "common/config/config_schema.h"

// Sets the key's field; leaves it alone on failure.
enum status config_value_parse(struct config *config, const struct config_key *key, const char *text) MUST_CHECK;

// Writes the field as YAML; targets as a block of lines, each after a newline and `indent` spaces, everything else on the same line.
void config_value_print(const struct config *config, const struct config_key *key, int indent, FILE *stream);

// The same on one line, as one would type it behind -s KEY=.
void config_value_print_short(const struct config *config, const struct config_key *key, FILE *stream);

// Writes what the key takes: "1..100000", "auto, 1..1024", "guided | plain | deconv", "true | false".
void config_value_print_range(const struct config_key *key, FILE *stream);

// Numbers as people write them: decimal, finite, nothing behind them, inside their range. A COUNT may end in K M G T P, powers of 1000;
// BYTES in these and KiB MiB ..., powers of 1024, KB MB ..., powers of 1000, or B.
enum status config_parse_whole(const char *text, enum config_type type, uint64_t least, uint64_t most, uint64_t *value) MUST_CHECK;
enum status config_parse_real(const char *text, double low, double high, double *value) MUST_CHECK;
