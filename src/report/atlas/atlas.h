// SPDX-License-Identifier: MIT
// What is made of an atlas when its run is over.
#pragma once

#include "common/system/status.h"

// Of the run of `oneiros atlas` in the folder: atlas.h5, folder/exemplars and atlas.html. Says where they are.
enum status atlas_write(const char *folder) MUST_CHECK;
