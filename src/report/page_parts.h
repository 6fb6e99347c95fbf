// SPDX-License-Identifier: MIT
// A page that stands alone, put together from parts that are built in and from its data.
#pragma once

#include <jansson.h>

#include "common/system/file.h"
#include "report/assets.h"

struct page_part {
    const char *mark;          // what stands for it in the HTML
    const struct asset *asset; // NULL: the data
};

// Complete or absent. The marks come in the order of the parts. A NULL `json` is a lack of memory.
enum status page_parts_write(const char *path, const struct asset *html, const struct page_part *parts, size_t count,
                             const json_t *json) MUST_CHECK;
