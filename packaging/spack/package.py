# SPDX-License-Identifier: MIT
# A Spack recipe: put this folder as packages/oneiros into a repository of your own (spack repo create), then `spack install oneiros`.
# Not tried with Spack itself.
from spack.package import *


class Oneiros(CMakePackage):
    """DeepDreams on HPC clusters: InceptionV3 forward and backward on oneDNN, over MPI."""

    license("MIT")

    # Set `git` to where the sources are on your site.
    git = "file:///path/to/oneiros"
    version("main", branch="main")

    variant("vips", default=True, description="HEIC, AVIF, JPEG XL, JPEG 2000, WebP, GIF, FITS, OpenEXR, HDR")
    variant("tests", default=False, description="Build the tests")

    depends_on("c", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("help2man", type="build")
    depends_on("mpi@3:")
    depends_on("hwloc@2.1:")
    depends_on("onednn@2.6:2 cpu_runtime=omp")  # the C API of 2.x
    depends_on("hdf5@1.10.7:+hl")
    depends_on("curl")
    depends_on("libpng")
    depends_on("libtiff")
    depends_on("libjpeg-turbo")
    depends_on("lcms")
    depends_on("ffmpeg@5:6+libx264")
    depends_on("libvips@8.12:", when="+vips")
    depends_on("libyaml")
    depends_on("jansson")
    depends_on("netlib-lapack+lapacke")
    depends_on("libarchive")
    depends_on("zlib-api")
    depends_on("openssl@3:")
    depends_on("cunit", type="build", when="+tests")
    depends_on("gnuplot", type="run")

    def cmake_args(self):
        return [
            self.define_from_variant("ONEIROS_TESTS", "tests"),
            self.define_from_variant("ONEIROS_VIPS", "vips"),
            self.define("ONEIROS_SOURCE_CONFIG", False),
            # Chart.js 3.9.1 (MIT), one file that goes into the program: chart.min.js of the npm package chart.js.
            self.define("CHART_JS", "/path/to/chart.min.js"),
        ]
