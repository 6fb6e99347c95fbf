// SPDX-License-Identifier: MIT
// `oneiros dream --dry-run`: what a run would do, image by image, without doing it.
#ifndef ONEIROS_COMMANDS_DRY_RUN_H
#define ONEIROS_COMMANDS_DRY_RUN_H

#include <stdio.h>

#include "commands/dream_options.h"
#include "common/status.h"

// Reads and decodes every input and prints its octaves and the memory that it needs. Writes nothing. *failed: how many
// would fail.
enum status dry_run(const struct dream_options *options, FILE *stream, long *failed) MUST_CHECK;

#endif
