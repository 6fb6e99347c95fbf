// SPDX-License-Identifier: MIT
#include "media/picture/signature.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/text.h"
#include "media/picture/codec_formats.h"

// A new format is a row here and its decoder. The first row that fits tells.
static const struct signature signatures[] = {
    {"PNG", "\x89PNG\r\n\x1a\n", 0, 4, 8, codec_png_decode, codec_png_probe, ".png."},
    {"TIFF", "II*\0", 0, 4, 4, codec_tiff_decode, codec_tiff_probe, ".tif.tiff."},
    {"TIFF", "MM\0*", 0, 4, 4, codec_tiff_decode, codec_tiff_probe, ""},
    {"TIFF", "II+\0", 0, 4, 4, codec_tiff_decode, codec_tiff_probe, ""}, // BigTIFF
    {"TIFF", "MM\0+", 0, 4, 4, codec_tiff_decode, codec_tiff_probe, ""},
    {"JPEG", "\xff\xd8\xff", 0, 3, 3, codec_jpeg_decode, codec_jpeg_probe, ".jpg.jpeg.jpe.jfif."},
    {"WebP", "WEBPVP8?", 8, 4, 8, codec_webp_decode, codec_webp_probe, ".webp."}, // behind "RIFF" and a size
    {"BMP", "BM????\0\0\0\0????????????????", 0, 2, 26, codec_bmp_decode, codec_bmp_probe, ".bmp."},
    {"GIF", "GIF87a", 0, 6, 6, codec_gif_decode, codec_gif_probe, ".gif."},
    {"GIF", "GIF89a", 0, 6, 6, codec_gif_decode, codec_gif_probe, ""},
    {"AVIF", "ftypavif", 4, 8, 0, NULL, NULL, ""},
    {"HEIF", "ftyphe", 4, 6, 0, NULL, NULL, ""},
    {"HEIF", "ftypmi", 4, 6, 0, NULL, NULL, ""},
    {"a video", "ftyp", 4, 4, 0, NULL, NULL, ""},
    {"a video", "\x1a\x45\xdf\xa3", 0, 4, 0, NULL, NULL, ""},
    {"JPEG XL", "JXL \r\n\x87\n", 4, 8, 0, NULL, NULL, ""},
    {"JPEG XL", "\xff\x0a", 0, 2, 0, NULL, NULL, ""},
    {"JPEG 2000", "jP  ", 4, 4, 0, NULL, NULL, ""},
    {"JPEG 2000", "\xff\x4f\xff\x51", 0, 4, 0, NULL, NULL, ""},
    {"OpenEXR", "\x76\x2f\x31\x01", 0, 4, 0, NULL, NULL, ""},
    {"a Photoshop document", "8BPS", 0, 4, 0, NULL, NULL, ""},
    {"an icon", "\0\0\x01\0", 0, 4, 0, NULL, NULL, ""},
    {"FITS", "SIMPLE  =", 0, 9, 0, NULL, NULL, ""},
    {"HDF5", "\x89HDF", 0, 4, 0, NULL, NULL, ""},
    {"a NumPy array", "\x93NUMPY", 0, 6, 0, NULL, NULL, ""},
    {"PDF", "%PDF-", 0, 5, 0, NULL, NULL, ""},
    {"a ZIP archive", "PK\x03\x04", 0, 4, 0, NULL, NULL, ""},
    {"gzip", "\x1f\x8b", 0, 2, 0, NULL, NULL, ""},
    {"a Git LFS pointer: fetch the file itself", "version https://git-lf", 0, 22, 0, NULL, NULL, ""},
};
enum { SIGNATURES = sizeof signatures / sizeof signatures[0] };

static bool fits(const struct signature *s, const uint8_t *bytes, size_t size, int length)
{
    bool same = size >= (size_t)(s->offset + length);
    for (int i = 0; i < length && same; i++)
        same = s->pattern[i] == '?' || (uint8_t)s->pattern[i] == bytes[s->offset + i];
    return same;
}

const struct signature *signature_find(const uint8_t *bytes, size_t size)
{
    for (const struct signature *s = signatures; s < signatures + SIGNATURES; s++)
        if (fits(s, bytes, size, s->enough))
            return s;
    return NULL;
}

void signature_list(char *text, size_t size)
{
    text[0] = '\0';
    for (const struct signature *s = signatures; s < signatures + SIGNATURES; s++)
        if (s->extensions[0])
            text_append(text, size, "%s%s", text[0] ? ", " : "", s->name);
}

bool picture_has_name(const char *path)
{
    char wanted[16] = "";
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    if (dot)
        snprintf(wanted, sizeof wanted, "%s.", dot);
    for (const struct signature *s = signatures; dot && s < signatures + SIGNATURES; s++)
        if (strcasestr(s->extensions, wanted))
            return true;
    return false;
}

bool picture_has_content(const char *path)
{
    uint8_t start[SIGNATURE_BYTES_MAX] = {0};
    struct stat info;
    // O_NONBLOCK: should it have become a pipe, nobody waits for its other end.
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return false;
    const ssize_t got = fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) ? read(descriptor, start, sizeof start) : 0;
    close(descriptor);
    for (const struct signature *s = signatures; got > 0 && s < signatures + SIGNATURES; s++) {
        assert(s->offset + s->length <= SIGNATURE_BYTES_MAX);
        if (s->length && fits(s, start, (size_t)got, s->length))
            return true;
    }
    return false;
}
