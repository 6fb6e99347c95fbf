// SPDX-License-Identifier: MIT
// Large pieces of memory that are read again and again.
#pragma once

#include <stddef.h>

// `bytes` of memory, 64-byte aligned, of huge pages where the system has them for who asks; NULL where there is none. Not touched yet: a
// page comes to lie near the thread that first writes to it. free() takes it back.
void *huge_pages_alloc(size_t bytes);
