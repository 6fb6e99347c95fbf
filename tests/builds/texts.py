# SPDX-License-Identifier: MIT
"""What both builds print: help, settings, dry runs, errors, and reports of one run."""
import functools
import json
import re
import shutil

import h5py

from runs import DREAM, PHOTOS, SMALL, TILES, compare_folders, difference_of, settings

ONE = ("-o", "none", PHOTOS[0])
CONFIGURATIONS = ([], ["-p", "classic"], ["-p", "seed", "-s", "steps=4"], ["-c", "../in/job.yaml"], ["--plan", "old.h5", *settings(*SMALL, *TILES)])
# Ranks, exit code, inputs and settings.
DRY_RUNS = ((1, 0, PHOTOS), (1, 0, ("-c", "../in/job.yaml", "../in/folder")), (3, 0, (*settings(*TILES), *PHOTOS)), (5, 0, ("../in/large.png",)),
            (3, 3, ("../in/broken.png", "../in/missing.png", *PHOTOS)))
WRONG = ((), ("nonsense",), ("dream",), ("dream", "-o", "none"), ("dream", "--nonsense"), ("dream", "-s", "stepz=3", *ONE),
         ("dream", "-s", "steps=0", *ONE), ("dream", "-s", "steps", *ONE), ("dream", "-s", "targets=mixed99", *ONE),
         ("dream", "-s", "gradient=guidde", *ONE), ("dream", "-p", "nonsense", *ONE), ("dream", "-c", "missing.yaml", *ONE),
         ("dream", "-c", "../in/bad.yaml", *ONE), ("dream", "--plan", "missing.h5", *ONE), ("dream", "--plan", "../in/list.txt", *ONE),
         ("dream", "--resume", *ONE), ("dream", "--resume", "--force", *ONE), ("dream", "-s", "model.path=../in/chelsea.png", *ONE),
         ("dream", "-s", "objective=class", *ONE), ("dream", "-s", "objective=guide", *ONE), ("explain", "-o"),
         ("explain", "-s", "saliency.noise=x", *ONE), ("bench", "--size", "3"),
         ("model", "nonsense"), ("model", "import"), ("report",), ("report", "missing"), ("report", "--study", "missing"),
         ("report", "-o", "none", "missing"), ("status",), ("status", "missing"))


def compare_text(builds, verdict, arguments, ranks=1, environment=(), code=0):
    """Word by word, but for the order in which ranks speak."""
    said = [build.run(arguments, ranks, environment) for build in builds]
    title = " ".join([*(f"{key}={value}" for key, value in dict(environment).items()), *(["mpirun"] if ranks > 1 else []), "oneiros", *arguments])
    if not verdict.codes(f"{title}: exit code", said, code):
        return
    texts = [re.sub(r"\[\[\d+,", "[[JOB,", out + error) for _, out, error in said]  # mpirun names it where a rank's exit code is not 0
    if not texts[0].strip():
        verdict.say(title, "nothing is said")
    else:
        verdict.text(title, *(text if ranks == 1 else "\n".join(sorted(text.splitlines())) for text in texts))


def compare_texts(builds, verdict):
    run = functools.partial(compare_text, builds, verdict)
    for command in ("", "dream", "explain", "model", "bench", "report", "status", "model fetch", "model import", "model info"):
        run([*command.split(), "--help"])
    run(["help", "dream"])
    for more in CONFIGURATIONS:
        run(["dream", "--print-config", *more])
    run(["explain", "--print-config"], environment={"ONEIROS_STEPS": "40", "ONEIROS_OCTAVES_COUNT": "2"})
    for ranks, code, more in DRY_RUNS:
        run(["dream", "--dry-run", "-o", "none", *settings("memory.limit=1G", "plan=off"), *more], ranks, code=code)
    run(["model", "info", builds[0].weights])
    run(["model", "info", "--json", builds[0].weights])
    for arguments in WRONG:
        run(arguments, code=2)
    run(["model", "info"], code=1)  # the cache is empty
    run(["model", "info", "missing.h5"], code=1)
    run(["dream", "-s", "plan=off", "-o", "none", "../in/missing.png"], code=3)


def compare_existing(builds, verdict, dreamed):
    """A command that finds a run, a copy of OLD's run of the matrix: what is said of what does not fit, and a picture more."""
    run = functools.partial(compare_text, builds, verdict)
    for build in builds:
        shutil.copytree(dreamed, build.folder / "there")
    same = [*settings(*SMALL, "precision=f32", "io=coordinator"), "-o", "there"]
    run(["dream", *same, *PHOTOS])
    run(["dream", *same, "-s", "steps=9", "-s", "seed=1", *PHOTOS], code=2)
    run(["dream", *same, PHOTOS[1]], code=2)
    run(["explain", *same, *PHOTOS], code=2)
    said = [build.run(["dream", *same, *PHOTOS, "../in/4-grey.png"]) for build in builds]
    verdict.codes("a picture more: exit code", said, 0)
    compare_folders(verdict, "a picture more", *(build.folder / "there" for build in builds), DREAM)


def compare_studies(builds, verdict, studied):
    """Of copies of OLD's runs, as they are and as if each host had cores enough."""
    for name, cores in (("study-busy", 2), ("study-quiet", 64)):
        for build in builds:
            for folder in studied:
                copy = build.folder / name / folder.name
                copy.mkdir(parents=True)
                shutil.copy(folder / "run.h5", copy)
                with h5py.File(copy / "run.h5", "r+") as file:
                    ranks = file["ranks"][()]
                    ranks["node_cores"] = cores
                    file["ranks"][...] = ranks
        compare_text(builds, verdict, ["report", "--study", "-o", name, *(f"{name}/{folder.name}" for folder in studied)])
        for file in sorted({path.name for build in builds for path in (build.folder / name).glob("*.*")}):
            verdict.say(f"{file} of {name}", difference_of(*(build.folder / name / file for build in builds)))


def compare_reports(builds, verdict, folders, studied):
    """Of copies of OLD's runs: the same bytes, since all times on a page are those of the run file."""
    for folder in folders:
        page = f"page-{folder.name}"
        for build in builds:
            shutil.copytree(folder, build.folder / page)
        compare_text(builds, verdict, ["report", page])
        verdict.say(f"report.html of {page}", difference_of(*(build.folder / page / "report.html" for build in builds)))
    compare_studies(builds, verdict, studied)


def without_measures(value):
    if isinstance(value, dict):
        return {key: without_measures(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_measures(inner) for inner in value]
    return "measured" if isinstance(value, float) else value


def compare_bench(builds, verdict):
    keys = settings("plan=off", "precision=f32", f"model.path={builds[0].weights}")
    said = [build.run(["bench", "--size", "75", "--repeats", "1", "--json", *keys]) for build in builds]
    if verdict.codes("oneiros bench: exit code", said, 0):
        found = [json.dumps(without_measures(json.loads(out)), indent=1) for _, out, _ in said]
        verdict.text("oneiros bench --json, but for what is measured", *found)
