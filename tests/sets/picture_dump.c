// SPDX-License-Identifier: MIT
// picture_dump [BANDS RANGE refuse|accept]: decodes the pictures that are named on standard input, one a line, "PATH<tab>OUTPUT". To OUTPUT
// go rgb as floats, (3, height, width), and alpha as 16-bit samples, if there is one. To standard output goes a line for each:
// status, width, height, bits, alpha's maximum or 0, u, i or f and bits of its samples (u0: no raster), whether its file is kept, low,
// high, width and height that its header says, bytes of its ICC profile, and the notice or the error, with tabs between them.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/picture/codec.h"

static void *read_whole(int descriptor, size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    size_t done = 0;
    ssize_t got = 1;
    while (bytes && done < size && got > 0) {
        got = pread(descriptor, bytes + done, size - done, (off_t)done);
        done += got > 0 ? (size_t)got : 0;
    }
    if (bytes && done == size)
        return bytes;
    fprintf(stderr, "a picture of %zu bytes cannot be read\n", size);
    exit(1);
}

static void write_pixels(const char *path, const struct image *image)
{
    const size_t plane = (size_t)image->width * (size_t)image->height;
    FILE *file = fopen(path, "wb");
    bool good = file && fwrite(image->rgb, sizeof(float), 3 * plane, file) == 3 * plane;
    good = good && (!image->alpha || fwrite(image->alpha, sizeof *image->alpha, plane, file) == plane);
    if (!file || fclose(file) != 0 || !good) {
        fprintf(stderr, "%s cannot be written\n", path);
        exit(1);
    }
}

static void dump(const char *path, const char *output, const struct image_limits *limits)
{
    static const char kinds[] = {[SAMPLE_UINT] = 'u', [SAMPLE_INT] = 'i', [SAMPLE_FLOAT] = 'f'};
    struct stat info;
    struct image image;
    struct codec_header header;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &info) != 0) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    const size_t size = (size_t)info.st_size;
    void *bytes = read_whole(descriptor, size);
    if (codec_probe(descriptor, size, limits, &header) != STATUS_OK)
        header = (struct codec_header){0};
    const enum status rc = codec_decode(bytes, size, limits, &image);
    const struct image_raster *raster = &image.raster;
    if (rc == STATUS_OK)
        write_pixels(output, &image);
    printf("%d\t%d\t%d\t%d\t%d\t%c%d\t%d\t%.17g\t%.17g\t%d\t%d\t%zu\t%s\n", (int)rc, image.width, image.height, image.bits,
           image.alpha ? image_alpha_max(&image) : 0, kinds[raster->type.kind], raster->type.bits, raster->keeps_file, raster->low,
           raster->high, header.width, header.height, image.icc_size, rc == STATUS_OK ? image.notice : status_message());
    fflush(stdout);
    image_destroy(&image);
    free(bytes);
    close(descriptor);
}

int main(int count, char **arguments)
{
    struct image_limits limits = {.side = 65535, .pixels = 100 << 20};
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    if (image_choice_parse(&limits.choice, count > 2 ? arguments[1] : "auto", count > 2 ? arguments[2] : "auto") != STATUS_OK) {
        fprintf(stderr, "%s\n", status_message());
        return 1;
    }
    limits.choice.accepts_damage = count > 3 && strcmp(arguments[3], "accept") == 0;
    while ((length = getline(&line, &room, stdin)) > 0) {
        char *tab = strchr(line, '\t');
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        if (!tab) {
            fprintf(stderr, "no tab in '%s'\n", line);
            return 1;
        }
        *tab = '\0';
        dump(line, tab + 1, &limits);
    }
    free(line);
    return 0;
}
