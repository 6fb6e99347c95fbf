# SPDX-License-Identifier: MIT
"""What an analyst sees: h5py reads the run file that test_run_file writes, plain, as structured arrays.

    run_file.py TEST_RUN_FILE

Exit code 77 (skipped) without h5py.
"""
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError:
    print("skipped: needs python3-h5py")
    sys.exit(77)


def check(file):
    root = file.attrs
    assert root["program"] == "oneiros" and root["format_version"] == 1, dict(root)
    assert "steps:" in root["config"] and root["started"].endswith("Z")
    assert list(root["hosts"]) == ["node1", "node1", "node2"] and root["ranks"] == 3
    assert root["seed"] == 2**64 - 2 and root["complete"] == 1 and root["elapsed_seconds"] > 0

    images = file["images"][:]
    assert images.shape == (70,) and list(images["id"]) == list(range(70))
    assert images["source"][5].decode() == "photos/été-5.jpg"
    states = h5py.check_enum_dtype(file["images"].dtype["status"])
    assert states == {"done": 0, "failed": 1, "stopped": 2}
    assert [int(s) for s in images["status"][:4]] == [0, 1, 2, 0]
    assert images["error"][1] == b"not a picture: 1" and images["error"][0] == b""
    assert np.isnan(images["loss_before"]).all() and images["loss_after"][69] == 69

    steps = file["steps"][:]
    row = np.arange(70 * 20)
    assert steps.shape == row.shape and steps["target_loss"].shape == (70 * 20, 3)
    assert (steps["image"] == row // 20).all() and (steps["step"] == row % 5).all() and (steps["octave"] == row % 20 // 5).all()
    assert (steps["loss"] == row + 0.5).all() and (steps["target_loss"] == row[:, None] * 10 + np.arange(3)).all()
    assert list(file["steps"].attrs["targets"]) == ["mixed3", "mixed4", "mixed5"]

    for table in (file["images"], file["steps"]):
        assert len(table.attrs["units"]) == len(table.attrs["descriptions"]) == len(table.dtype.names)
    units = dict(zip(file["steps"].dtype.names, file["steps"].attrs["units"]))
    assert units["seconds"] == "s" and units["width"] == "pixel", units


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/run.h5"
        subprocess.run([sys.argv[1], path], check=True)
        with h5py.File(path, "r") as file:
            check(file)
        with h5py.File(path, "r", libver="latest", swmr=True) as file:
            check(file)


main()
