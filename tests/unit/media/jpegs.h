// SPDX-License-Identifier: MIT
// For the tests of codecs: JPEG files by libjpeg, in the kinds that cameras and programs make.
#pragma once

#include "pictures.h"

#include <jpeglib.h> // needs stdio.h before it

struct jpeg_kind {
    J_COLOR_SPACE given, stored; // of the samples and of the file
    bool progressive;
    bool adobe; // with Adobe's marker, and inks inverted as Adobe has them
    int width, height;
    int sampling;                       // of chroma: 1 for 4:4:4, 2 for 4:2:0
    int (*sample)(int c, int x, int y); // 0..255; NULL: jpeg_sample
    struct bytes icc;
    const jpeg_scan_info *scans; // NULL: the usual ones
    int scan_count;
};

// Smooth, so that it comes back nearly the same, and the same from no other side.
static inline int jpeg_sample(int c, int x, int y)
{
    return 2 * x + y + 20 * c;
}

static inline struct bytes jpeg_made(const struct jpeg_kind *kind)
{
    struct jpeg_compress_struct out;
    struct jpeg_error_mgr errors;
    unsigned char *data = NULL;
    unsigned long size = 0;
    uint8_t row[4 * 512];
    JSAMPROW rows[] = {row};
    out.err = jpeg_std_error(&errors);
    jpeg_create_compress(&out);
    jpeg_mem_dest(&out, &data, &size);
    out.image_width = (JDIMENSION)kind->width;
    out.image_height = (JDIMENSION)kind->height;
    out.input_components = kind->given == JCS_GRAYSCALE ? 1 : kind->given == JCS_CMYK ? 4 : 3;
    out.in_color_space = kind->given;
    jpeg_set_defaults(&out);
    jpeg_set_colorspace(&out, kind->stored);
    jpeg_set_quality(&out, 100, TRUE);
    out.write_Adobe_marker = kind->adobe;
    out.comp_info[0].h_samp_factor = out.comp_info[0].v_samp_factor = kind->sampling ? kind->sampling : 1;
    if (kind->progressive)
        jpeg_simple_progression(&out);
    if (kind->scans)
        out.scan_info = kind->scans, out.num_scans = kind->scan_count;
    jpeg_start_compress(&out, TRUE);
    if (kind->icc.size)
        jpeg_write_icc_profile(&out, kind->icc.data, (unsigned)kind->icc.size);
    for (int y = 0; y < kind->height; y++) {
        for (int i = 0; i < kind->width * out.input_components; i++) {
            int sample = (kind->sample ? kind->sample : jpeg_sample)(i % out.input_components, i / out.input_components, y);
            row[i] = (uint8_t)(kind->adobe && kind->given == JCS_CMYK ? 255 - sample : sample);
        }
        jpeg_write_scanlines(&out, rows, 1);
    }
    jpeg_finish_compress(&out);
    jpeg_destroy_compress(&out);
    return (struct bytes){data, size};
}

// The JPEG with a segment right after its start: 0xff, marker, length, content.
static inline struct bytes jpeg_with_segment(const struct bytes *jpeg, int marker, const void *content, size_t size)
{
    struct bytes file = {malloc(jpeg->size + size + 4), jpeg->size + size + 4};
    CU_ASSERT_FATAL(file.data != NULL && size <= 65533);
    uint8_t *to = file.data;
    const uint8_t head[] = {0xff, 0xd8, 0xff, (uint8_t)marker, (uint8_t)((size + 2) >> 8), (uint8_t)(size + 2)};
    memcpy(to, head, sizeof head);
    memcpy(to + sizeof head, content, size);
    memcpy(to + sizeof head + size, (uint8_t *)jpeg->data + 2, jpeg->size - 2);
    return file;
}
