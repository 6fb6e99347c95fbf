// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>

#include "common/system/status.h"

// A thread that no signal is delivered to: they go to the others, whose sleep they are to end.
enum status thread_start(pthread_t *thread, void *(*run)(void *), void *data) MUST_CHECK;
