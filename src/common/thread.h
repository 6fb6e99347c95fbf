// SPDX-License-Identifier: MIT
#ifndef ONEIROS_COMMON_THREAD_H
#define ONEIROS_COMMON_THREAD_H

#include <pthread.h>

#include "common/status.h"

// A thread that no signal is delivered to: they go to the others, whose sleep they are to end.
enum status thread_start(pthread_t *thread, void *(*run)(void *), void *data) MUST_CHECK;

#endif
