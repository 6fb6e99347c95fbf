// SPDX-License-Identifier: MIT
// Pictures that have links to the dream of another one of the same bytes (same_images.h), when that one is dreamed anew: those that nobody
// would dream again, as they are not named this time or no longer there, keep their dream, as files of their own, and their row.
#pragma once

#include "coordinator/resume/resume.h"

// Once it is known which images are done: what becomes of those that have another one's files.
void parting_look(struct resume *resume, const char *output);

// Whether the row of this image is no longer that of another one's dream. `resume`: a struct resume.
bool parting_is_own(void *resume, int64_t image);

// The links become files. Before anything is replaced; the rows come after it, so that each tells the truth wherever this is killed.
enum status parting_make(const struct resume *resume, const char *output) MUST_CHECK;
