#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""ordinary.py FOLDER: ordinary photographs of Debian's packages, over which config/statistics is measured.

Downloads the packages into FOLDER/packages (those that are there already are taken), and puts the photographs among their pictures into
FOLDER/photographs. What is drawn, rendered, or a plot of something is not named here, nor a picture that is another one once more."""
import pathlib
import shutil
import subprocess
import sys

PHOTOGRAPHS = {
    "python3-skimage": (
        "usr/lib/python3/dist-packages/skimage/data/",
        "astronaut.png brick.png camera.png chelsea.png coffee.png coins.png grass.png gravel.png motorcycle_left.png rocket.jpg",
    ),
    "python3-sklearn": ("usr/lib/python3/dist-packages/sklearn/datasets/images/", "china.jpg flower.jpg"),
    "lomiri-wallpapers-16.04": ("usr/share/backgrounds/", "*_by_*.jpg"),
    "lomiri-wallpapers-20.04": ("usr/share/backgrounds/", "Bridge_*.jpg Dragonfly_*.jpg Kleiber_*.jpg Wine_*.jpg"),
    "mate-backgrounds": ("usr/share/backgrounds/mate/nature/", "*.jpg"),
    "plasma-workspace-wallpapers": (
        "usr/share/wallpapers/",
        " ".join(
            f"{name}/contents/images/2560x1600.jpg"
            for name in "BytheWater ColdRipple ColorfulCups DarkestHour EveningGlow FallenLeaf Grey Kite OneStandsOut Path "
            "summer_1am".split()
        ),
    ),
    "opencv-doc": (
        "usr/share/doc/opencv-doc/",
        "examples/alphamat/input_images/plant.jpg examples/data/aero1.jpg examples/data/aero3.jpg examples/data/aloeL.jpg "
        "examples/data/apple.jpg examples/data/baboon.jpg examples/data/board.jpg examples/data/building.jpg "
        "examples/data/butterfly.jpg examples/data/fruits.jpg examples/data/home.jpg examples/data/left.jpg "
        "examples/data/left01.jpg examples/data/leuvenA.jpg examples/data/licenseplate_motion.jpg examples/data/messi5.jpg "
        "examples/data/orange.jpg examples/data/squirrel_cls.jpg examples/data/stuff.jpg examples/data/basketball1.png "
        "examples/data/box_in_scene.png examples/data/chicky_512.png examples/data/graf1.png examples/data/rubberwhale1.png "
        "examples/text/scenetext0[1-6].jpg examples/text/scenetext_segmented_word0[1-5].jpg opencv4/html/227943776_1.jpg "
        "opencv4/html/230501201_1.jpg opencv4/html/4_barcodes.jpg opencv4/html/Background_Subtraction_Tutorial_frame.jpg "
        "opencv4/html/Threshold_inRange_Tutorial_Result_input.jpeg opencv4/html/astra_color.jpg "
        "opencv4/html/bicubicOutput.jpg opencv4/html/cat_det.jpg opencv4/html/fusion.png opencv4/html/fusion_mertens.jpg "
        "opencv4/html/handSrc.jpg",
    ),
    "forensics-samples-files": ("usr/share/forensics-samples/original-files/", "*/IMG*.jpg */*.JPG"),
}
LEFT_OUT = {"Painting-Colors_by__herobrine7gamer.jpg", "Fossa_by_Jasper_Roks.jpg", "Infinite-Sea_by_Aury88.jpg",
            "umang_by_Abhishek_Mudgal.jpg", "analogpattern_by_Peter_Nerlich.jpg"}  # drawn, or hardly anything


def package_file(folder, package):
    if not list(folder.glob(f"{package}_*.deb")):
        subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
    return sorted(folder.glob(f"{package}_*.deb"))[-1]


def main():
    folder = pathlib.Path(sys.argv[1])
    packages, photographs = folder / "packages", folder / "photographs"
    for made in (packages, photographs):
        made.mkdir(parents=True, exist_ok=True)
    for package, (inside, names) in PHOTOGRAPHS.items():
        unpacked = folder / "unpacked" / package
        unpacked.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg-deb", "-x", package_file(packages, package), unpacked], check=True)
        found = [path for name in names.split() for path in sorted((unpacked / inside).glob(name)) if path.name not in LEFT_OUT]
        for path in found:
            name = "-".join(path.relative_to(unpacked / inside).parts)
            shutil.copyfile(path, photographs / f"{package}-{name}")
        print(f"{package_file(packages, package).name}: {len(found)}")
    shutil.rmtree(folder / "unpacked")
    print(f"{len(list(photographs.iterdir()))} photographs in {photographs}")


if __name__ == "__main__":
    main()
