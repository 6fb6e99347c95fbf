// SPDX-License-Identifier: MIT
// The parts of a page, built into the program from the files of this folder and from Debian's Chart.js: CMakeLists.txt, cmake/embed.cmake.
#pragma once

#include <stddef.h>

struct asset {
    const char *name;           // of the file
    const unsigned char *bytes; // with a NUL behind
    size_t size;                // without it
};

extern const struct asset asset_top_html, asset_common_js; // of every page
extern const struct asset asset_page_html, asset_page_css, asset_page_js, asset_chart_js;
extern const struct asset asset_atlas_html, asset_atlas_css, asset_atlas_js;
