// SPDX-License-Identifier: MIT
// How pictures are downloaded, from the keys of `fetch`.
#pragma once

#include "common/config/config.h"
#include "common/net/fetch.h"

// Its texts are borrowed from the configuration.
struct fetch_options config_fetch_options(const struct config *config);
