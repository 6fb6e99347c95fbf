// SPDX-License-Identifier: MIT
// What `oneiros model layers` prints.
#pragma once

#include <stdbool.h>

#include "common/system/status.h"

// The layers of the network, on standard output. Takes no weights.
enum status model_layers_print(bool json) MUST_CHECK;
