# SPDX-License-Identifier: MIT
"""What an analyst sees: h5py reads the run file that test_run_file writes, plain, as structured arrays.

    run_file.py TEST_RUN_FILE

Exit code 77 (skipped) without h5py. With pandas, what the tables become as data frames too.
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
try:
    import pandas
except ImportError:
    pandas = None

PHASES = ("fetch decode steps encode write idle wait send receive resample exchange forward backward reduce shape").split()


def check(file):
    root = file.attrs
    assert root["program"] == "oneiros" and root["format_version"] == 1, dict(root)
    assert "steps:" in root["config"] and root["started"].endswith("Z")
    assert list(root["hosts"]) == ["node1", "node1", "node2"] and root["ranks"] == 3
    assert (root["workers"], root["team_size"]) == (2, 2)
    assert [root["tile_" + name] for name in ("size", "halo", "halo_exact", "blend")] == [640, 160, 1, 32]
    assert root["seed"] == 2**64 - 2 and root["complete"] == 1 and root["elapsed_seconds"] > 0

    images = file["images"][:]
    assert images.shape == (70,) and list(images["id"]) == list(range(70))
    assert images["source"][5].decode() == "photos/été-5.jpg"
    states = h5py.check_enum_dtype(file["images"].dtype["status"])
    assert states == {"done": 0, "failed": 1, "stopped": 2}
    assert [int(s) for s in images["status"][:4]] == [0, 1, 2, 0]
    assert images["error"][1] == b"not a picture: 1" and images["error"][0] == b""
    assert np.isnan(images["loss_before"]).all() and images["loss_after"][69] == 69
    assert (images["rank"] == 1).all() and (images["team"] == 2).all() and (images["tiles"] == 6).all() and (images["redundancy"] == 1.25).all()

    steps = file["steps"][:]
    row = np.arange(70 * 20)
    assert steps.shape == row.shape and steps["target_loss"].shape == (70 * 20, 3)
    assert (steps["image"] == row // 20).all() and (steps["step"] == row % 5).all() and (steps["octave"] == row % 20 // 5).all()
    assert (steps["loss"] == row + 0.5).all() and (steps["target_loss"] == row[:, None] * 10 + np.arange(3)).all()
    assert list(file["steps"].attrs["targets"]) == ["mixed3", "mixed4", "mixed5"]

    timing = file["timing"][:]
    row = np.arange(3 * 14)
    assert timing.dtype["phase"] == np.dtype("S16") and h5py.check_string_dtype(file["timing"].dtype["phase"]).encoding == "utf-8"
    assert [phase.decode() for phase in timing["phase"]] == PHASES[1:] + PHASES[:1] + PHASES[2:] + PHASES[:2] + PHASES[3:]
    assert (timing["rank"] == row // 14).all() and (timing["count"] == row + 1).all() and (timing["seconds"] == row / 4).all()
    assert (timing["bytes"] == row * 1000000007).all()

    for table in (file["steps"], file["images"], file["timing"]):
        assert len(table.attrs["units"]) == len(table.attrs["descriptions"]) == len(table.dtype.names)
    units = {name: dict(zip(table.dtype.names, table.attrs["units"])) for name, table in file.items()}
    assert units["steps"]["seconds"] == "s" and units["steps"]["width"] == "pixel", units
    assert units["images"]["redundancy"] == "1" and units["timing"]["bytes"] == "byte" and units["timing"]["count"] == "", units


def check_frames(file):
    timing = pandas.DataFrame(file["timing"][:])
    timing["phase"] = timing["phase"].str.decode("utf-8")
    seconds = timing.pivot(index="rank", columns="phase", values="seconds")
    assert seconds.shape == (3, 15) and seconds.loc[2, "shape"] == 41 / 4 and np.isnan(seconds.loc[1, "decode"])
    images = pandas.DataFrame(file["images"][:])
    assert images["team"].sum() == 140 and images["redundancy"].mean() == 1.25


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/run.h5"
        subprocess.run([sys.argv[1], path], check=True)
        with h5py.File(path, "r") as file:
            check(file)
            if pandas:
                check_frames(file)
        with h5py.File(path, "r", libver="latest", swmr=True) as file:
            check(file)


main()
