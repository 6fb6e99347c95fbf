// SPDX-License-Identifier: MIT
// `oneiros dream --dry-run`: what a run would do, image by image, without doing it.
#pragma once

#include <stdio.h>

#include "commands/arguments.h"
#include "common/system/status.h"

// Reads and decodes every input and prints, a line each, its octaves, tiles, team and memory; then what they come to. Workers are as many
// as the launcher's environment says, memory is this machine's. Writes nothing. *failed: how many would fail.
enum status dry_run(const struct job_options *options, FILE *stream, long *failed) MUST_CHECK;
