// SPDX-License-Identifier: MIT
// The YAML of a configuration file: keys nested or dotted, each at most once. Anchors, aliases, tags and second documents are refused,
// so a file is never bigger or deeper than it looks.
#pragma once

#include "common/config/config.h"

// Sets the keys that the text names. `path` is for messages: "path:line: key: what is wrong". A text is taken whole or not at all.
enum status config_yaml_read(struct config *config, const char *path, const void *bytes, size_t size) MUST_CHECK;
