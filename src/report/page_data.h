// SPDX-License-Identifier: MIT
// What a page knows of a run, as JSON.
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "report/channels.h"
#include "report/curves.h"
#include "report/gallery.h"
#include "report/layout.h"
#include "report/phases.h"
#include "runfile/run_state.h"
#include "runfile/run_summary.h"

// Everything that is read of a run.
struct page_data {
    const struct run_state *state; // these two are borrowed
    const struct run_facts *facts; // its
    struct run_images images;
    double *measures; // of the images: measures_read_pictures()
    struct gallery gallery;
    struct curves curves;
    struct channels channels;
    struct phases phases;
    struct layout layout;
    struct run_summary summary;
};

void page_data_destroy(struct page_data *data); // a zeroed one is fine

// NULL without memory. Release with json_decref().
json_t *page_data_json(const struct page_data *data);

// The JSON on one line of ASCII that an HTML parser finds no markup in, so that it may stand in a <script>.
enum status page_data_write(const json_t *json, FILE *stream) MUST_CHECK;

// A string of any bytes, and a number or, where it is not finite, null.
json_t *page_data_text(const char *text);
json_t *page_data_number(double number);
