// SPDX-License-Identifier: MIT
// What is made of an atlas when its run is over.
#pragma once

#include "common/config/config.h"

// Of the run of `oneiros atlas` in the folder, which must be whole: atlas.h5, folder/exemplars and atlas.html. Says where they are. The
// folder is locked meanwhile. `fetching`: whose keys of `fetch` hold. STATUS_STOPPED: a signal came before it was done.
enum status atlas_write(const char *folder, const struct config *fetching) MUST_CHECK;
