// SPDX-License-Identifier: MIT
// The one file that names every library, and asks nothing else of them.
#include "commands/commands.h"

#include <curl/curl.h>
#include <dnnl.h>
#include <hdf5.h>
#include <hwloc.h>
#include <lcms2.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <mpi.h>
#include <png.h>
#include <stdio.h>
#include <string.h>
#include <tiffio.h>
#include <tiffvers.h>
#include <yaml.h>
#ifdef ONEIROS_VIPS
#include <vips/vips.h>
#endif

#include <jpeglib.h> // needs stdio.h before it

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)

static void print_version(FILE *stream, const char *library, const char *compiled, const char *running)
{
    fprintf(stream, "  %-10s %s", library, running);
    if (strcmp(compiled, running) != 0)
        fprintf(stream, " (compiled with %s)", compiled);
    fputc('\n', stream);
}

// Major, minor and patch.
static void print_numbers(FILE *stream, const char *library, const unsigned compiled[3], const unsigned running[3])
{
    char texts[2][48];
    snprintf(texts[0], sizeof texts[0], "%u.%u.%u", compiled[0], compiled[1], compiled[2]);
    snprintf(texts[1], sizeof texts[1], "%u.%u.%u", running[0], running[1], running[2]);
    print_version(stream, library, texts[0], texts[1]);
}

#define AV_NUMBERS(version) ((const unsigned[]){AV_VERSION_MAJOR(version), AV_VERSION_MINOR(version), AV_VERSION_MICRO(version)})

// One of the few calls that MPI allows before MPI_Init. The text of Open MPI goes on after a comma, that of MPICH with lines of its
// options: "MPICH Version:\t4.0.2\n...".
static void print_mpi(FILE *stream)
{
    char running[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    if (MPI_Get_library_version(running, &length) != MPI_SUCCESS)
        return;
    running[strcspn(running, ",\n")] = '\0';
#if defined OPEN_MPI
    const char *compiled = "Open MPI v" STRING(OMPI_MAJOR_VERSION) "." STRING(OMPI_MINOR_VERSION) "." STRING(OMPI_RELEASE_VERSION);
#elif defined MPICH_VERSION
    const char *compiled = "MPICH " MPICH_VERSION;
    char number[48];
    if (sscanf(running, "MPICH Version: %47s", number) == 1)
        snprintf(running, sizeof running, "MPICH %s", number);
#else
    const char *compiled = "MPI " STRING(MPI_VERSION) "." STRING(MPI_SUBVERSION);
#endif
    print_version(stream, "MPI", compiled, running);
}

// "LIBTIFF, Version 4.5.0\nCopyright ...": the first line, after the name.
static void print_tiff(FILE *stream)
{
    char texts[2][64];
    const char *sources[] = {TIFFLIB_VERSION_STR, TIFFGetVersion()};
    for (int i = 0; i < 2; i++) {
        const char *number = strpbrk(sources[i], "0123456789");
        snprintf(texts[i], sizeof texts[i], "%.*s", number ? (int)strcspn(number, "\n") : 0, number ? number : "");
    }
    print_version(stream, "libtiff", texts[0], texts[1]);
}

// Little CMS counts in thousandths of its major number: 2140 is 2.14.
static void print_lcms(FILE *stream)
{
    char texts[2][64];
    const int numbers[] = {LCMS_VERSION, cmsGetEncodedCMMversion()};
    for (int i = 0; i < 2; i++)
        snprintf(texts[i], sizeof texts[i], "%d.%d", numbers[i] / 1000, numbers[i] % 1000 / 10);
    print_version(stream, "lcms2", texts[0], texts[1]);
}

void versions_print(FILE *stream)
{
    const dnnl_version_t *dnnl = dnnl_version();
    const unsigned dnnl_compiled[] = {DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR, DNNL_VERSION_PATCH};
    const unsigned dnnl_running[] = {(unsigned)dnnl->major, (unsigned)dnnl->minor, (unsigned)dnnl->patch};
    const unsigned hdf5_compiled[] = {H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE};
    unsigned hdf5[3] = {0};
    H5get_libversion(&hdf5[0], &hdf5[1], &hdf5[2]);
    fprintf(stream, "oneiros %s\n", ONEIROS_VERSION);
    print_numbers(stream, "oneDNN", dnnl_compiled, dnnl_running);
    print_numbers(stream, "HDF5", hdf5_compiled, hdf5);
    print_mpi(stream);
    fprintf(stream, "  %-10s %s\n", "hwloc", HWLOC_VERSION); // at run time it tells the version of its interface only
    print_version(stream, "libpng", PNG_LIBPNG_VER_STRING, png_get_libpng_ver(NULL));
    print_tiff(stream);
    fprintf(stream, "  %-10s %s\n", "libjpeg", "turbo " STRING(LIBJPEG_TURBO_VERSION)); // it does not tell at run time
    print_lcms(stream);
    fprintf(stream, "  %-10s %s\n", "FFmpeg", av_version_info());
    print_numbers(stream, "avcodec", AV_NUMBERS(LIBAVCODEC_VERSION_INT), AV_NUMBERS(avcodec_version()));
    print_numbers(stream, "avformat", AV_NUMBERS(LIBAVFORMAT_VERSION_INT), AV_NUMBERS(avformat_version()));
#ifdef ONEIROS_VIPS
    const unsigned vips_compiled[] = {VIPS_MAJOR_VERSION, VIPS_MINOR_VERSION, VIPS_MICRO_VERSION};
    const unsigned vips_running[] = {(unsigned)vips_version(0), (unsigned)vips_version(1), (unsigned)vips_version(2)};
    print_numbers(stream, "libvips", vips_compiled, vips_running);
#else
    fprintf(stream, "  %-10s %s\n", "libvips", "none: it is built without");
#endif
    print_version(stream, "libcurl", LIBCURL_VERSION, curl_version_info(CURLVERSION_NOW)->version);
    fprintf(stream, "  %-10s %s\n", "libyaml", yaml_get_version_string());
}
