#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""sound.py FOLDER: complains of every file below it that has a final name and is not whole, and of every file aside that was left."""
import os
import subprocess
import sys

import h5py
from PIL import Image

PICTURES = (".png", ".tif", ".jpg")


def check(path):
    if path.endswith(PICTURES):
        with Image.open(path) as picture:
            picture.load()
    elif path.endswith(".mp4"):
        subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-"], check=True, stdin=subprocess.DEVNULL)
        count = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v", "-show_entries",
                                "stream=nb_frames,nb_read_frames", "-of", "csv=p=0", path], check=True, capture_output=True, text=True).stdout
        promised, read = count.strip().split(",")
        assert promised == read, f"{read} of {promised} frames"
    elif path.endswith(".h5"):
        with h5py.File(path) as file:
            file.visititems(lambda name, item: item[()] if isinstance(item, h5py.Dataset) else None)
    elif os.path.basename(os.path.dirname(path)) != "checkpoints" or path.endswith(".part"):
        raise AssertionError("it should not be there")


bad = 0
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        try:
            check(os.path.join(folder, name))
        except Exception as error:  # whatever the libraries say of a file that is not whole
            print(f"{os.path.join(folder, name)}: {error}")
            bad += 1
sys.exit(bad > 0)
