# SPDX-License-Identifier: MIT
"""What an analyst sees: h5py reads the run file that test_run_file writes, plain, as structured arrays; and docs/run-file.md tells the truth
about it: its tables and its listing are those of the file, its examples run as they stand.

    run_file.py TEST_RUN_FILE

Exit code 77 (skipped) without h5py. Without pandas or h5dump, what needs them is left out, with a message.
"""
import os
import pathlib
import re
import shutil
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
try:
    import scipy.stats
except ImportError:
    scipy = None

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "run-file.md").read_text(encoding="utf-8")
SLURM = {
    "JOB_ID": "4711",
    "JOB_NAME": "dreams",
    "ARRAY_JOB_ID": "4711",
    "ARRAY_TASK_ID": "0",
    "CLUSTER_NAME": "cluster",
    "JOB_PARTITION": "main",
    "JOB_NODELIST": "node[1-2]",
    "RESTART_COUNT": "0",
}
METRICS = ["target_loss", "score", "sparsity", "hoyer", "diversity", "diversity_seed"]
IMAGES, STEPS, FRAMES, TARGETS = 70, 20, 4, 3
MANY_RANKS = 10000


def section(title):
    return PAGE.split(f"# {title}\n", 1)[1].split("\n#", 1)[0]


def page_table(title):
    """The rows of the table in a section, without its head."""
    cells = re.findall(r"^\|(.*)\|$", section(title), re.M)[2:]
    return [[re.sub("^`([^`]*)`$", r"\1", cell.strip()).replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)] for row in cells]


def type_name(dtype):
    if dtype.subdtype:
        return type_name(dtype.subdtype[0]) + (" [targets]" if len(dtype.shape) == 1 else " " + str(list(dtype.shape)))
    if h5py.check_enum_dtype(dtype):
        return "enum"
    return "text" if h5py.check_string_dtype(dtype) else dtype.name


def check_root(root):
    assert root["program"] == "oneiros" and root["format_version"] == 4, dict(root)
    assert "steps:" in root["config"] and root["started"].endswith("Z")
    assert (root["ranks"], root["workers"], root["team_size"], root["resumed"]) == (3, 2, 2, 0)
    assert [root["tile_" + name] for name in ("size", "halo", "halo_exact", "blend")] == [640, 160, 1, 32]
    assert root["seed"] == 2**64 - 2 and root["complete"] == 1 and root["elapsed_seconds"] > 0
    assert [root[name] for name in ("inputs", "done", "failed", "stopped", "in_hand")] == [IMAGES, 24, 23, 23, 0]
    assert root["progress"] == 1 and root["images_per_second"] == 1.25 and np.isnan(root["seconds_left"])
    assert root["slurm_job_nodelist"] == "node[1-2]"


def check_ranks(ranks):
    assert list(ranks["host"]) == [b"node1", b"node1", b"node2"]
    assert list(ranks["cores"]) == [4, 4, 8] and list(ranks["node_cores"]) == [8, 8, 8]


def check_many_ranks(path):
    """More of them than attributes have room for."""
    with h5py.File(path, "r") as file:
        ranks = file["ranks"][:]
        assert len(ranks) == file.attrs["ranks"] == MANY_RANKS
        assert list(ranks["host"]) == [b"node%d" % (rank // 2 + 1) for rank in range(MANY_RANKS)] and ranks["cores"][-1] == 8


def check_metrics(rows, ending, base):
    """Columns of targets: base [rows] + target + 1/8 a metric."""
    for i, name in enumerate(METRICS):
        wanted = base[:, None] + np.arange(TARGETS) + i / 8
        assert rows[name + ending].shape == wanted.shape and (rows[name + ending] == wanted).all(), name + ending


def check_images(table):
    images = table[:]
    row = np.arange(IMAGES)
    assert images.shape == row.shape and (images["id"] == row).all()
    assert images["source"][5].decode() == "photos/été-5.jpg"
    assert h5py.check_enum_dtype(table.dtype["status"]) == {"done": 0, "failed": 1, "stopped": 2}
    assert (images["status"] == row % 3).all()
    assert images["error"][1] == b"not a picture: 1" and images["error"][0] == b""
    for name, wanted in {"rank": 1, "team": 2, "tiles": 6, "redundancy": 1.25, "width": 640, "height": 480, "bits": 8}.items():
        assert (images[name] == wanted).all(), name
    assert (images["seconds_dream"] == 2.5).all() and (images["seconds_wait"] == 0).all()
    assert np.array_equal(images["loss_before"], np.where(row % 3 == 1, np.nan, row + 0.5), equal_nan=True)
    assert (images["loss_after"] == row).all() and (images["psnr_after"] == row / 4).all() and "psnr_before" not in images.dtype.names
    assert (images["total_variation_before"] == 0.5).all() and (images["total_variation_after"] == 0.75).all()
    check_metrics(images, "_before", 1e6 + row * 16)
    check_metrics(images, "_after", row * 16)
    target = np.arange(TARGETS)
    assert (images["importance_value"] == row[:, None] + target).all() and (images["importance_expected"] == row[:, None] - target).all()
    assert (images["importance_residual"] == 1 / (row[:, None] + target + 1)).all()
    assert list(table.attrs["targets"]) == ["mixed3", "mixed4", "mixed5"]


def check_steps(table):
    steps = table[:]
    row = np.arange(IMAGES * STEPS)
    assert steps.shape == row.shape
    assert (steps["image"] == row // STEPS).all() and (steps["step"] == row % 5).all() and (steps["octave"] == row % STEPS // 5).all()
    assert (steps["width"] == 640).all() and (steps["height"] == 480).all() and (steps["seconds"] == 0.125).all()
    assert (steps["frame"] == np.where(row % 5 == 0, row % STEPS // 5, -1)).all()
    assert (steps["loss"] == row + 0.5).all() and (steps["total_variation"] == row * 2).all() and (steps["gradient_norm"] == 1 / (row + 1)).all()
    assert (steps["psnr"] == np.where(row % STEPS == 0, np.inf, 1000 / np.maximum(row, 1))).all()
    check_metrics(steps, "", row * 16)
    assert list(table.attrs["targets"]) == ["mixed3", "mixed4", "mixed5"]


def check_importance(group):
    assert list(group) == ["mixed3", "mixed4", "mixed5"]
    image, channel = np.arange(IMAGES)[:, None], np.arange(768)
    for target, (layer, values) in enumerate(group.items()):
        wanted = ((image * 131 + target * 17 + channel * 7) % 1009 - 500).astype(np.float32)
        unknown = (image % 3 == 1) | ((image % 3 == 2) & (target == 0))
        assert values.dtype == np.float32 and np.array_equal(values[:], np.where(unknown, np.nan, wanted), equal_nan=True)
        assert values.attrs["layer"] == layer and values.attrs["method"] == "gradient_activation" and values.attrs["units"] == "1"
        assert "channel" in values.attrs["description"]


def check_cam(group):
    frames, values = group["frames"][:], group["values"][:]
    row = np.arange(IMAGES * FRAMES)
    assert frames.shape == row.shape and values.dtype == np.float32
    wanted = {"image": row // FRAMES, "frame": row % FRAMES, "octave": row % FRAMES, "step": 2, "width": 24 + row % 13, "height": 26 + row % 7}
    wanted.update(stride=16, centre=5, dy=row % 33, dx=-(row % 31), octave_width=640, octave_height=480, scale=row / 8)
    for name, numbers in wanted.items():
        assert (frames[name] == numbers).all(), name
    assert len(frames.dtype.names) == len(wanted) + 1
    for i, frame in enumerate(frames):
        size = frame["height"] * frame["width"]
        cam = values[frame["offset"] : frame["offset"] + size]
        assert np.allclose(cam, (i * 31 + np.arange(size)) % 997 / 997, rtol=0, atol=1e-7), i
    for dataset in group.values():
        assert dataset.attrs["layer"] == "mixed5" and dataset.attrs["method"] == "layercam"


def near(found, wanted, tolerance):
    return np.allclose(found, wanted, rtol=tolerance, atol=0, equal_nan=True)


def check_moments(row, values):
    """Mean and deviation as NumPy has them, the interval as SciPy has it."""
    known = values[np.isfinite(values)].astype(np.float64)
    assert row["count"] == len(known)
    assert near(row["mean"], known.mean() if len(known) else np.nan, 1e-12), row
    assert near(row["deviation"], known.std(ddof=1) if len(known) > 1 else np.nan, 1e-12), row
    if scipy and len(known) > 1 and row["deviation"] > 0:
        interval = scipy.stats.t.interval(0.95, len(known) - 1, loc=known.mean(), scale=scipy.stats.sem(known))
        assert near([row["low"], row["high"]], interval, 1e-6), row
    return known


def outliers_of(images, numbers):
    """(sha256, source, number, deviations), the farthest first, then by digest."""
    known = numbers[np.isfinite(numbers)]
    spread = 1.4826 * np.median(abs(known - np.median(known))) if len(known) else 0
    if not spread > 0 or len(known) < 10:
        return []
    far = (numbers - np.median(known)) / spread
    rows = [(-abs(far[i]), images["sha256"][i], images["source"][i], numbers[i], far[i]) for i in range(len(far)) if abs(far[i]) > 3.5]
    return [row[1:] for row in sorted(rows)[:5]]


def check_summary(file):
    images = file["images"][:][file["images"]["status"] == 0]
    layers = [layer.decode() if isinstance(layer, bytes) else layer for layer in file["images"].attrs["targets"]]
    metrics = file["summary/metrics"][:]
    columns = [name for name in images.dtype.names if name.endswith(("_before", "_after")) or name.startswith("importance_")]
    expected = [(name, layer) for name in columns for layer in (layers if images[name].ndim == 2 else [""])]
    assert [(row["metric"].decode(), row["target"].decode()) for row in metrics] == expected
    outliers = []
    for row, (name, layer) in zip(metrics, expected):
        numbers = images[name][:, layers.index(layer)] if layer else images[name]
        known = check_moments(row, numbers)
        quantiles = [row[key] for key in ("smallest", "q05", "q25", "median", "q75", "q95", "largest")]
        assert near(quantiles, np.quantile(known, [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1]) if len(known) else np.full(7, np.nan), 1e-12), row
        outliers += [(name.encode(), layer.encode(), *found) for found in outliers_of(images, numbers)]
    found = [tuple(row) for row in file["summary/outliers"][:]]
    assert len(found) == len(outliers) and all(a[:4] == b[:4] and near(a[4:], b[4:], 1e-12) for a, b in zip(found, outliers)), (found, outliers)
    for layer in layers:
        rows = file["summary/importance"][layer][:]
        values = file["importance"][layer][:][file["images"]["status"] == 0]
        first = np.argsort(-abs(values), axis=1, kind="stable")[:, :10]
        assert list(rows["channel"]) == list(range(values.shape[1]))
        for channel, row in enumerate(rows):
            known = check_moments(row, values[:, channel])
            assert not len(known) or near(row["top_ten"], ((first == channel) & (values[:, channel, None] != 0)).sum() / len(known), 1e-12)


def check_faithfulness(file):
    rows = file["faithfulness"][:]
    assert len(rows) == 3 * IMAGES and list(rows["image"]) == [i // 3 for i in range(3 * IMAGES)]
    assert [(row["map"], row["target"]) for row in rows[:3]] == [(b"layer_cam", b"mixed4"), (b"saliency_smoothgrad", b""), (b"random", b"")]
    rows = rows[np.isin(rows["image"], file["images"]["id"][file["images"]["status"] == 0])]
    random = {row["image"]: row["insertion"] - row["deletion"] for row in rows if row["map"] == b"random"}
    summary = file["summary/faithfulness"][:]
    expected = []
    for name, layer in ((b"layer_cam", b"mixed4"), (b"saliency_smoothgrad", b""), (b"random", b"")):
        own = rows[(rows["map"] == name) & (rows["target"] == layer)]
        difference, chance = own["insertion"] - own["deletion"], np.array([random[image] for image in own["image"]])
        better = np.where(np.isfinite(difference) & np.isfinite(chance), difference > chance, np.nan)
        measures = {"deletion": own["deletion"], "insertion": own["insertion"], "difference": difference, "randomised": own["randomised"], "beats_random": better}
        expected += [((name, layer, measure.encode()), values) for measure, values in measures.items()]
    assert [(row["map"], row["target"], row["measure"]) for row in summary] == [key for key, _ in expected]
    for row, (_, values) in zip(summary, expected):
        check_moments(row, values)


def check_timing(table):
    timing = table[:]
    phases = re.findall(r"`([a-z]+)`", section("`/timing`").split("Phases:")[1].split("\n\n")[0])
    count = len(phases) - 1
    row = np.arange(3 * count)
    assert timing.dtype["phase"] == np.dtype("S16") and h5py.check_string_dtype(table.dtype["phase"]).encoding == "utf-8"
    wanted = phases[1:] + phases[:1] + phases[2:] + phases[:2] + phases[3:]
    assert [phase.decode() for phase in timing["phase"]] == wanted, "the phases are not those of docs/run-file.md"
    assert (timing["rank"] == row // count).all() and (timing["count"] == row + 1).all() and (timing["seconds"] == row / 4).all()
    assert (timing["bytes"] == row * 1000000007).all()


def check_frames(file):
    """What the tables become as data frames, as the page says."""
    for name in ("images", "steps", "cam/frames", "timing"):
        rows = file[name][:]
        frame = pandas.DataFrame({column: list(rows[column]) for column in rows.dtype.names})
        assert len(frame) == len(rows) and list(frame.columns) == list(rows.dtype.names)
    timing = pandas.DataFrame(file["timing"][:])
    timing["phase"] = timing["phase"].str.decode("utf-8")
    seconds = timing.pivot(index="rank", columns="phase", values="seconds")
    assert seconds.shape[0] == 3 and np.isnan(seconds.loc[1, "decode"]) and seconds.loc[1].notna().sum() == len(timing) / 3


def check_page_tables(file):
    tables = {"/" + name: file[name] for name in ("ranks", "images", "steps", "cam/frames", "timing", "faithfulness", "summary/metrics", "summary/outliers", "summary/cam", "summary/faithfulness")}
    for path, dataset in tables.items():
        attributes = dataset.attrs
        assert len(attributes["units"]) == len(attributes["descriptions"]) == len(dataset.dtype.names)
        types = [type_name(dataset.dtype[name]) for name in dataset.dtype.names]
        wanted = [list(row) for row in zip(dataset.dtype.names, types, attributes["units"], attributes["descriptions"])]
        found = page_table(f"`{path}`")
        for have, want in zip(found, wanted):
            assert have == want, f"docs/run-file.md, {path}: {have} should be {want}"
        assert len(found) == len(wanted), path
    assert file["earlier"].dtype == file["images"].dtype  # as the page says
    names = []
    file.visititems(lambda name, item: names.append("/" + name) if isinstance(item, h5py.Dataset) else None)
    sections = re.findall(r"^### `(.*)`$", PAGE, re.M)
    assert {re.sub("^(/summary)?/importance/.*", r"\1/importance/<layer>", name) for name in names} == set(sections) - {"/peaks/<layer>"}, names  # of an atlas alone
    rows = page_table("Root attributes")
    assert sorted(row[0] for row in rows) == sorted(file.attrs), "docs/run-file.md, root attributes"
    for name, kind, _ in rows:
        value = file.attrs[name]
        assert kind == ("text" if isinstance(value, str) else value.dtype.name), name


def check_listing(path):
    """Line by line, but for what `...` stands for and what is different each time."""
    page = PAGE.split("```text\n", 1)[1].split("\n```", 1)[0].split("\n")
    result = subprocess.run(["h5dump", "-A", path.name], cwd=path.parent, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    lines = iter(result.stdout.rstrip("\n").split("\n"))
    attribute, inside, skipping = "", False, False
    for number, wanted in enumerate(page):
        if wanted.strip() == "...":
            assert inside and attribute in ("config", "descriptions"), f"docs/run-file.md leaves out some of {attribute}"
            skipping = True
            continue
        line = next(lines)
        while skipping and line != wanted:
            line = next(lines)
        skipping = False
        inside = line.strip() == "DATA {" or (inside and line.strip() != "}")
        attribute = (re.findall(r'ATTRIBUTE "(.*)"', line) or [attribute])[0]
        changes = attribute in ("elapsed_seconds", "started", "version") and line.strip().startswith("(0):")
        assert changes or line == wanted, f"docs/run-file.md, line {number + 1} of the listing: {wanted!r} should be {line!r}"
    assert not list(lines), "docs/run-file.md: the listing has an end too early"


def run_examples(folder):
    examples = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    assert len(examples) == 4
    outputs = []
    for example in examples:
        if "pandas" in example and not pandas:
            print("skipped the example with pandas: needs python3-pandas")
            outputs.append(None)
            continue
        result = subprocess.run([sys.executable, "-X", "utf8", "-c", example], cwd=folder, check=True, stdout=subprocess.PIPE, encoding="utf-8")
        outputs.append(result.stdout.split("\n"))
    pictures, octaves, cam, metrics = outputs
    assert pictures[:2] == ["photos/été-0.jpg 0.5 0.0 [144 288 432]", "photos/été-3.jpg 3.5 3.0 [232 376 520]"], pictures
    assert len(pictures) == 24 + 1
    assert not octaves or [line.split() for line in octaves if line.startswith("3")] == [["3", "15.5", "707.5", "1399.5"]], octaves
    assert not metrics or len(metrics) == 1 + TARGETS + 1, metrics
    assert cam[0].startswith("[[0.") and cam[-2].endswith("]]"), cam


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "run.h5"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
        slurm = {"SLURM_" + name: value for name, value in SLURM.items()}
        subprocess.run([sys.argv[1], str(path)], check=True, env={**clean, **slurm})
        for swmr in (False, True):
            with h5py.File(path, "r", libver="latest", swmr=swmr) as file:
                check_root(file.attrs)
                check_ranks(file["ranks"])
                check_images(file["images"])
                check_steps(file["steps"])
                check_importance(file["importance"])
                check_cam(file["cam"])
                check_timing(file["timing"])
                check_summary(file)
                check_faithfulness(file)
                check_page_tables(file)
                if pandas:
                    check_frames(file)
        many = path.with_name("many.h5")
        subprocess.run([sys.argv[1], str(many), str(MANY_RANKS)], check=True, env=clean)
        check_many_ranks(many)
        run_examples(folder)
        if shutil.which("h5dump"):
            check_listing(path)
        else:
            print("skipped the listing: needs hdf5-tools")


main()
