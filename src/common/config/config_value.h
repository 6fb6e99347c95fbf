// SPDX-License-Identifier: MIT
// One value of the configuration as text, by its row in the schema. Messages do not hold the key: the caller puts it in front.
#pragma once

#include "common/config/config_schema.h"

// Sets the key's field; leaves it alone on failure.
enum status config_value_parse(struct config *config, const struct config_key *key, const char *text) MUST_CHECK;

// Writes the field as YAML; targets as a block of lines, each after a newline and `indent` spaces, everything else on the same line.
void config_value_print(const struct config *config, const struct config_key *key, int indent, FILE *stream);

// Writes what the key takes: "1..100000", "auto, 1..1024", "guided | plain | deconv", "true | false".
void config_value_print_range(const struct config_key *key, FILE *stream);
