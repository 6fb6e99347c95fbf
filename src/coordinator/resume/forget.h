// SPDX-License-Identifier: MIT
// A run that begins anew in the folder of another one: what that has made goes, since nothing would say any more what it is.
#pragma once

#include "common/system/status.h"

// Removes what the pictures' folders of the run in `output` hold of ours, and these folders where nothing else is in them. Nothing if there
// is no run file, or none that can be read.
enum status forget_run(const char *output) MUST_CHECK;
