// SPDX-License-Identifier: MIT
// DIR/report.html: what happened in a run, to look at. One file that needs no other and no network; it links to the pictures and videos
// beside it by relative names.
#pragma once

#include <stdint.h>

#include "common/system/file.h"

struct page_summary {
    char path[FILE_PATH_MAX]; // of the page
    size_t images, failed, stopped, thumbnails;
    int64_t inputs; // in all, of a run that is not complete; -1: it is, or they are not known
    uint64_t bytes;
};

// Of the run whose output folder, or whose run file, that is. Complete or absent.
enum status page_write(const char *run, struct page_summary *summary) MUST_CHECK;
