// SPDX-License-Identifier: MIT
// For the tests of codecs: picture files made by the real libraries, and looks at what came back.
#pragma once

#include <math.h>
#include <png.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>

#include "common/system/file.h"
#include "media/picture/codec.h"
#include "unit.h"

static const struct image_limits roomy = {.side = 20000, .pixels = 100000000};

struct bytes {
    void *data; // malloc'ed
    size_t size;
};

// The sample that an image holds for channel 0 to 2 (or 3, alpha) of a pixel, as the file had it; -1 if it is not one exactly.
static inline long sample_at(const struct image *image, int c, int x, int y)
{
    size_t plane = (size_t)image->width * (size_t)image->height, at = (size_t)y * (size_t)image->width + (size_t)x;
    if (c == 3)
        return image->alpha ? image->alpha[at] : -1;
    double half = image->bits == 16 ? 32767.5 : 127.5;
    double sample = (image->rgb[(size_t)c * plane + at] + 1.0) * half;
    return fabs(sample - round(sample)) < 0.01 ? lround(sample) : -1;
}

// A pattern without symmetry, of `bits` bits.
static inline unsigned pattern(int c, int x, int y, int bits)
{
    uint32_t hash = (uint32_t)(x * 7919 + y * 104729 + c * 1299709 + 12345) * 2654435761u;
    return hash >> (32 - bits);
}

// Stores a sample the way PNG and TIFF pack rows; 16 bits in native order. 32 bits are floats, and the value is of 16.
static inline void pack(uint8_t *row, int index, int bits, unsigned value)
{
    if (bits == 32)
        ((float *)(void *)row)[index] = (float)value / 65535;
    else if (bits == 16)
        ((uint16_t *)(void *)row)[index] = (uint16_t)value;
    else if (bits == 8)
        row[index] = (uint8_t)value;
    else
        row[index * bits / 8] |= (uint8_t)(value << (8 - bits - index * bits % 8));
}

static inline struct bytes read_back(const char *path)
{
    struct bytes file;
    UNIT_OK(file_read(path, 1 << 30, &file.data, &file.size));
    return file;
}

static inline struct bytes read_and_remove(const char *path)
{
    struct bytes file = read_back(path);
    unlink(path);
    return file;
}

// What PNG has behind the type and the content of a chunk.
static inline uint32_t png_crc(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

// Decodes a file of 8 bits that must be of this size and format, and frees it.
static inline void decode_whole(struct bytes *file, int width, int height, enum image_format format, struct image *image)
{
    UNIT_OK(codec_decode(file->data, file->size, &roomy, image));
    CU_ASSERT_FATAL(image->width == width && image->height == height && image->bits == 8);
    CU_ASSERT_EQUAL(image->format, format);
    free(file->data);
}

// A file that is refused so, in these words.
static inline void expect_refused(const struct bytes *file, const struct image_limits *limits, enum status status, const char *words)
{
    struct image image;
    const enum status rc = codec_decode(file->data, file->size, limits, &image);
    if (rc != status || !strstr(status_message(), words))
        printf("\nstatus %d: '%s' is not in '%s'", (int)rc, words, status_message());
    CU_ASSERT_EQUAL(rc, status);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), words));
    CU_ASSERT_PTR_NULL(image.rgb);
    image_destroy(&image);
}

// A sound file of this size is taken by limits that just hold it, and refused by narrower ones.
static inline void expect_limits(const struct bytes *file, int width, int height)
{
    const uint64_t pixels = (uint64_t)width * (uint64_t)height;
    struct image image;
    expect_refused(file, &(struct image_limits){.side = 1000, .pixels = pixels - 1}, STATUS_LIMIT, "");
    expect_refused(file, &(struct image_limits){.side = width - 1, .pixels = 1000000}, STATUS_LIMIT, "");
    UNIT_OK(codec_decode(file->data, file->size, &(struct image_limits){.side = width, .pixels = pixels}, &image));
    image_destroy(&image);
}

// Where pixel (x, y) of a file lies in its upright picture. By the specifications of EXIF and TIFF 6.0: which side of the scene row 0 and
// column 0 of the file are.
static inline void upright_place(int orientation, const struct image *upright, int x, int y, int *column, int *row)
{
    const int o = orientation, across = o < 5 ? x : y, down = o < 5 ? y : x;
    const bool right = o == 2 || o == 3 || o == 6 || o == 7, bottom = o == 3 || o == 4 || o == 7 || o == 8;
    *column = right ? upright->width - 1 - across : across;
    *row = bottom ? upright->height - 1 - down : down;
}

// Decodes and frees a file of this orientation whose stored samples are those of pattern(), of 8 bits, RGBA.
static inline void expect_upright(struct bytes *file, int orientation, int width, int height)
{
    struct image image;
    int column, row;
    UNIT_OK(codec_decode(file->data, file->size, &roomy, &image));
    free(file->data);
    CU_ASSERT_FATAL(image.width == (orientation < 5 ? width : height) && image.height == (orientation < 5 ? height : width));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 4; c++) {
                upright_place(orientation, &image, x, y, &column, &row);
                CU_ASSERT_EQUAL(sample_at(&image, c, column, row), (long)pattern(c, x, y, 8));
            }
    image_destroy(&image);
}

// Mean absolute difference of two pictures of one size, in steps of 8 bits.
static inline double difference(const struct image *a, const struct image *b)
{
    const size_t count = 3 * (size_t)a->width * (size_t)a->height;
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += fabs((double)a->rgb[i] - b->rgb[i]) * 127.5;
    return sum / (double)count;
}

static inline struct bytes photograph(void)
{
    return read_back(TEST_DATA "/chelsea.png");
}

// A part of the photograph as an image; with a formula for alpha where asked for.
static inline void photograph_part(struct image *part, int width, int height, bool alpha)
{
    struct image whole;
    struct bytes file = photograph();
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &whole));
    free(file.data);
    UNIT_OK(image_create(part, width, height));
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < height; y++)
            memcpy(part->rgb + ((size_t)c * (size_t)height + (size_t)y) * (size_t)width,
                   whole.rgb + ((size_t)c * (size_t)whole.height + (size_t)y + 60) * (size_t)whole.width + 150,
                   (size_t)width * sizeof(float));
    if (alpha) {
        part->alpha = malloc((size_t)width * (size_t)height * sizeof *part->alpha);
        CU_ASSERT_PTR_NOT_NULL_FATAL(part->alpha);
        for (int i = 0; i < width * height; i++)
            part->alpha[i] = (uint16_t)pattern(3, i, 0, 8);
    }
    image_destroy(&whole);
}

static inline struct bytes encoded(const struct image *image, enum image_format format)
{
    const char *path = "pictures.tmp";
    UNIT_OK(codec_encode(path, format, image));
    return read_and_remove(path);
}

// The image as a file of one of FFmpeg's encoders; empty where this FFmpeg does not have it. pix_fmt is RGB24, BGR24, BGRA, RGB8
// (GIF) or planar YUV, for which only the luma is filled in.
static inline struct bytes ffmpeg_encoded(const char *encoder, enum AVPixelFormat format, const struct image *image, const char *options)
{
    struct bytes file = {0};
    const AVCodec *codec = avcodec_find_encoder_by_name(encoder);
    if (!codec) {
        printf("(no %s in this FFmpeg) ", encoder);
        return file;
    }
    av_log_set_level(AV_LOG_ERROR);
    AVCodecContext *context = avcodec_alloc_context3(codec);
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    AVDictionary *dictionary = NULL;
    CU_ASSERT_FATAL(context && frame && packet);
    context->width = frame->width = image->width;
    context->height = frame->height = image->height;
    context->pix_fmt = frame->format = format;
    context->time_base = (AVRational){1, 1};
    context->thread_count = 1;
    CU_ASSERT_FATAL(av_dict_parse_string(&dictionary, options, "=", ":", 0) >= 0);
    CU_ASSERT_FATAL(avcodec_open2(context, codec, &dictionary) >= 0);
    CU_ASSERT_FATAL(av_frame_get_buffer(frame, 0) >= 0);
    bool planar = format == AV_PIX_FMT_YUVJ420P || format == AV_PIX_FMT_YUVJ444P;
    bool blue_first = format == AV_PIX_FMT_BGR24 || format == AV_PIX_FMT_BGRA;
    int step = planar || format == AV_PIX_FMT_RGB8 ? 1 : format == AV_PIX_FMT_BGRA ? 4 : 3;
    for (int p = 1; planar && p < 3; p++)
        memset(frame->data[p], 128,
               (size_t)frame->linesize[p] * (size_t)(format == AV_PIX_FMT_YUVJ444P ? frame->height : (frame->height + 1) / 2));
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++)
            for (int c = 0; c < step; c++) {
                int channel = c < 3 && blue_first ? 2 - c : c;
                frame->data[0][y * frame->linesize[0] + x * step + c] =
                    (uint8_t)(channel == 3 && !image->alpha ? 255 : sample_at(image, channel, x, y));
            }
    CU_ASSERT_FATAL(avcodec_send_frame(context, frame) >= 0 && avcodec_send_frame(context, NULL) >= 0);
    CU_ASSERT_FATAL(avcodec_receive_packet(context, packet) >= 0);
    file.size = (size_t)packet->size;
    file.data = malloc(file.size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file.data);
    memcpy(file.data, packet->data, file.size);
    av_dict_free(&dictionary);
    av_packet_free(&packet);
    av_frame_free(&frame);
    avcodec_free_context(&context);
    return file;
}
