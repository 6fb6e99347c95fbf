#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The photographs that dreams are judged on, made of those in Debian's packages: ten of 1200 x 800, and some of them smaller and larger.

    photographs.py FOLDER [--packages FOLDER] [--width 1200] [--only NAME,NAME]

Packages are fetched by `apt-get download` and unpacked in the second folder, and not installed. A photograph is cropped to 3:2 and
reduced by Lanczos, never enlarged: one that is too small for --width is left out, with a word.
"""
import argparse
import pathlib
import subprocess
import sys

from PIL import Image

LOMIRI_16 = ("lomiri-wallpapers-16.04", "usr/share/backgrounds")
LOMIRI_20 = ("lomiri-wallpapers-20.04", "usr/share/backgrounds")
PLASMA = ("plasma-workspace-wallpapers", "usr/share/wallpapers")

# name: package, file, where the crop lies in what is cut off (0: left or top, 1: right or bottom), what it shows, whose it is
PHOTOGRAPHS = {
    "peaks": (LOMIRI_16, "picosdeeuropa_by_Aitzol_Berasategi.jpg", 0.3, "mountains: edges, snow, sky", "Aitzol Berasategi, CC-BY-4.0"),
    "bird": (LOMIRI_20, "Kleiber_by_Lukas_Baubkus.jpg", 0.5, "a bird, bark, bright and plain behind it", "Lukas Baubkus, CC-BY-SA-3.0"),
    "dogs": (LOMIRI_16, "friends_by_Aitzol_Berasategi.jpg", 0.35, "two dogs, a portrait of sorts", "Aitzol Berasategi, CC-BY-4.0"),
    "dandelion": (LOMIRI_16, "seeding_by_Clements_Engelhardt.jpg", 0.25, "a flower from near, soft behind it", "Clemens Engelhardt, CC0"),
    "facade": (PLASMA, "Grey/contents/images/2560x1600.jpg", 0.5, "a city's building, without colour", "Sigi Sagi, LGPL-3"),
    "boats": (PLASMA, "EveningGlow/contents/images/2560x1600.jpg", 0.5, "water, boats, clouds at dusk", "Ian Hex, LGPL-3"),
    "forest": (PLASMA, "Path/contents/images/2560x1600.jpg", 0.5, "a forest, fine texture all over", "Risto Saukonpää, LGPL-3"),
    "night": (PLASMA, "DarkestHour/contents/images/2560x1600.jpg", 0.5, "dark, nearly nothing", "Risto Saukonpää, LGPL-3"),
    "sunset": (LOMIRI_16, "sunset_by_Aitzol_Berasategi.jpg", 0.5, "a plain sky, the sun in the picture", "Aitzol Berasategi, CC-BY-4.0"),
    "room": (LOMIRI_16, "Wine_by_Jakkub_Mede.jpg", 0.3, "things indoors", "Jakub Mede, CC-BY-4.0"),
}


def unpacked(package, folder):
    """The folder of a package's files, fetched if it is not there."""
    place = folder / package
    if not place.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "-q", "download", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (deb,) = folder.glob(f"{package}_*.deb")
        subprocess.run(["dpkg", "-x", deb, place], check=True)
    return place


def crop(image, share):
    """As much as goes into 3:2."""
    width, height = image.size
    wide, high = (width, width * 2 // 3) if width * 2 <= height * 3 else (height * 3 // 2, height)
    x, y = round((width - wide) * share), round((height - high) * share)
    return image.crop((x, y, x + wide, y + high))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--packages", type=pathlib.Path, help="where packages are unpacked (default: FOLDER/packages)")
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--only", help="names by comma")
    arguments = parser.parse_args()
    packages = arguments.packages or arguments.folder / "packages"
    names = arguments.only.split(",") if arguments.only else PHOTOGRAPHS
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (package, folder), file, share, shows, author = PHOTOGRAPHS[name]
        image = crop(Image.open(unpacked(package, packages) / folder / file).convert("RGB"), share)
        size = arguments.width, arguments.width * 2 // 3
        if image.width < size[0]:
            print(f"{name}: left out, {image.width} pixels wide", file=sys.stderr)
            continue
        image.resize(size, Image.LANCZOS).save(arguments.folder / f"{name}.png")
        print(f"{name}: {shows}; {package}: {file}; {author}")


if __name__ == "__main__":
    main()
