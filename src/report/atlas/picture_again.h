// SPDX-License-Identifier: MIT
// A picture of the run, read once more: from its file, its address, or, of noise, made again.
#pragma once

#include "common/config/config.h"
#include "common/picture/image.h"
#include "runfile/run_images.h"

// As the network saw it. `config`: the run's, `fetching`: whose keys of `fetch` hold now. Downloads go through the folder. STATUS_FORMAT:
// it is another picture now; STATUS_STOPPED. On failure *image is zeroed, and the message does not name the picture.
enum status picture_again(const struct run_image *record, const struct config *config, const struct config *fetching, const char *folder,
                          struct image *image) MUST_CHECK;
