#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One comparison with PyTorch from end to end: the oracle's script, our program on what it wrote, compare.py on both.

check.py oracle.py NETWORK_DUMP IMAGE [options of oracle.py]... [-- options of compare.py...]
check.py dream.py  DREAM_DUMP   IMAGE [options of dream.py]...  [-- options of compare.py...]

TEST_METHODS=METHOD,... in the environment: our program once by each way to convolve.
"""
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
PACKAGES = {"torch": "python3-torch", "h5py": "python3-h5py", "numpy": "python3-numpy", "PIL": "python3-pil"}


def weights():
    """As the program finds them: ONEIROS_MODEL_PATH, or where `oneiros model fetch` leaves them."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    path = pathlib.Path(os.environ.get("ONEIROS_MODEL_PATH") or cache / "oneiros" / "inception_v3.h5")
    if not path.is_file():
        sys.exit(f"{path}: no weights there; run `oneiros model fetch` or set ONEIROS_MODEL_PATH")
    return path


def main():
    missing = [package for module, package in PACKAGES.items() if not importlib.util.find_spec(module)]
    if missing:
        sys.exit(f"{sys.executable} has not got all modules; install {' '.join(missing)}")
    script, program, image, *options = sys.argv[1:]
    limits = []
    if "--" in options:
        limits = options[options.index("--") + 1 :]
        options = options[: options.index("--")]
    path = weights()
    with tempfile.TemporaryDirectory(prefix="oneiros-reference-") as folder:
        oracle, ours = f"{folder}/oracle.h5", f"{folder}/ours.h5"
        subprocess.run([sys.executable, HERE / script, path, image, "-o", oracle, *options], check=True)
        for method in filter(None, os.environ.get("TEST_METHODS", "as planned").split(",")):
            print(f"convolutions: {method}", flush=True)
            environment = {**os.environ, "TEST_METHOD": method} if "TEST_METHODS" in os.environ else None
            subprocess.run([program, path, oracle, ours], check=True, env=environment)
            subprocess.run([sys.executable, HERE / "compare.py", oracle, ours, *limits], check=True)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"failed with {error.returncode}: {' '.join(map(str, error.cmd))}")
