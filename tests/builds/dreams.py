# SPDX-License-Identifier: MIT
"""Dreams and explanations that come to their end, by both builds."""
import functools
import http.server
import pathlib
import shutil
import subprocess
import threading

from PIL import Image

from explain import with_top  # of tests/reference
from runs import DREAM, PHOTOS, SMALL, TILES, compare_run, settings

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
FILMED = ("dream.mp4", "cam.mp4", "cam.png", "frames", "run.h5")
EXPLAINED = ("explain.h5", "overview.png", "pictures", "run.h5")
FEW = ("importance.samples=2", "saliency.samples=2")
GUIDED = ("guidance.cam=0.5", "guidance.saliency=0.5", "guidance.importance=0.5", "guidance.every=2", "guidance.add_cam=0.3",
          "guidance.add_saliency=0.2", "guidance.add_magnitude=0.1", "importance.method=expected_gradients", "importance.samples=4",
          "importance.baselines=black,blurred,images")
OTHER = ("normalize=l2", "step_size=3", "total_variation=0.1", "smooth=2", "step_decay=0.9", "octaves.detail=false", "seed=7", "video.rate=5",
         "frames.every=1", "video.max_side=64", "video.colormap=viridis", "gradient=deconv", "cam.method=layercam", "metrics.threshold=1")
# Ranks, precision, io, size of teams that share tiles (0: no tiles).
QUICK_MATRIX = {(1, "f32", "coordinator", 0), (1, "bf16", "coordinator", 1), (3, "f32", "coordinator", 0), (3, "f32", "coordinator", 2),
                (3, "f32", "workers", 1), (5, "f32", "coordinator", 0), (5, "bf16", "coordinator", 2), (5, "bf16", "workers", 0)}
MATRIX = {(ranks, precision, io, team) for precision in ("f32", "bf16") for io, ranks, team in
          (("coordinator", 1, 0), ("coordinator", 1, 1), ("coordinator", 3, 0), ("coordinator", 3, 2), ("coordinator", 5, 0), ("coordinator", 5, 2),
           ("coordinator", 5, 4), ("workers", 3, 0), ("workers", 3, 1), ("workers", 5, 0), ("workers", 5, 1))}


def make_inputs(folder):
    folder.mkdir()
    for photo in PHOTOS:
        shutil.copy(DATA / pathlib.Path(photo).name, folder)
    subprocess.run(["ffmpeg", "-v", "error", "-i", folder / "chelsea.png", "-vf", "scale=160:106,format=rgba64le,colorchannelmixer=aa=0.7",
                    folder / "deep.tif", "-vf", "scale=1804:1200", folder / "large.png"], check=True)
    with Image.open(folder / "coffee.png") as coffee:
        for number, name in enumerate(("photo.jpg", "photo.webp", "photo.bmp", "photo.gif", "grey.png", "alpha.png")):
            picture = coffee.convert("RGB").crop((40 + number, 30, 170, 130))
            picture.convert({"grey.png": "L", "alpha.png": "RGBA"}.get(name, "RGB")).save(folder / f"{number}-{name}")
    (folder / "broken.png").write_text("<html>not found</html>")
    (folder / "job.yaml").write_text("steps: 2\noctaves:\n  count: 1\ntargets: mixed4#12+45:0.5\ninput:\n  resize: 80\nplan: off\n")
    (folder / "bad.yaml").write_text("steps: 2\noctaves: 3\n")
    (folder / "list.txt").write_text("# two of them\n../in/chelsea.png\n../in/rocket.png\n")
    (folder / "folder").mkdir()
    for name in ("0-photo.jpg", "3-photo.gif", "job.yaml"):
        shutil.copy(folder / name, folder / "folder")


def compare_matrix(builds, verdict, quick):
    """OLD's folders of whole dreams in f32 on 1, 3 and 5 ranks."""
    kept = []
    for ranks, precision, io, team in sorted(QUICK_MATRIX if quick else MATRIX):
        tiles = (*TILES, f"team.size={team}") if team else ()
        keep = (precision, io, team) == ("f32", "coordinator", 0)
        made = compare_run(builds, verdict, f"ranks {ranks}, {precision}, io {io}, {f'tiles, teams of {team}' if team else 'whole'}",
                           ["dream", *settings(*SMALL, f"precision={precision}", f"io={io}", *tiles), *PHOTOS], ranks,
                           output=f"ranks-{ranks}" if keep else "out")
        kept += [made] * keep
    return kept


def compare_plans(builds, verdict, quick):
    """One that OLD timed, which may take any method for each convolution."""
    for precision in ("f32",) if quick else ("f32", "bf16"):
        few = (*SMALL, f"precision={precision}", "targets=mixed1")
        plan = builds[0].plan(f"plan-{precision}", *few)
        for ranks in (1, 3):
            compare_run(builds, verdict, f"ranks {ranks}, {precision}, a plan of old", ["dream", *settings(*few), "--plan", plan, *PHOTOS], ranks)


def compare_settings(builds, verdict, quick):
    """What goes into a dream and what it comes out as."""
    cases = [("guidance of every kind, expected gradients, ranks 3", 3, (*TILES, *GUIDED), PHOTOS, DREAM),
             ("16 bits with alpha as TIFF, frames as PNG", 1, ("frames.png=true",), ("../in/deep.tif",), ("dream.tif", *FILMED)),
             ("as JPEG, frames as PNG, io workers", 3, ("output.format=jpeg", "frames.png=true", "io=workers"), (*PHOTOS, "../in/deep.tif"),
              ("dream.jpg", *FILMED))]
    if not quick:
        cases += [("a guide", 1, ("objective=guide", "guide=../in/coffee.png", "targets=mixed4:1"), PHOTOS[:1], DREAM),
                  ("channels and a place", 1, ("objective=mean", "targets=mixed4#12+45:0.5,mixed2@0.5/0.5", "gradient=plain"), PHOTOS[:1], DREAM),
                  ("other settings", 1, OTHER, PHOTOS[:1], DREAM),
                  ("two threads", 1, ("threads=2",), PHOTOS, DREAM)]
    for title, ranks, more, inputs, makes in cases:
        compare_run(builds, verdict, title, ["dream", "-v", *settings(*SMALL, "precision=f32", *more), *inputs], ranks, makes=makes)
    for preset in () if quick else ("classic", "eyes", "focus", "relief", "seed"):
        few = settings("plan=off", "precision=f32", "threads=1", "input.resize=100", "steps=2")
        compare_run(builds, verdict, f"preset {preset}", ["dream", "-p", preset, *few, PHOTOS[0]])


class Server(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def compare_inputs(builds, verdict, quick):
    """Where pictures come from, and what becomes of those that fail. OLD's folder."""
    tiny = settings(*SMALL, "precision=f32", "octaves.count=1", "steps=1", "fetch.attempts=1")
    handler = functools.partial(Server, directory=builds[0].folder.parent / "in")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        inputs = ["../in/folder", "../in/?-*.png", "../in/0-photo.jpg", "../in/1-photo.webp", "@../in/list.txt", "../in/broken.png",
                  "../in/missing.png", f"{url}/2-photo.bmp", f"{url}/nothing.png"]
        for io in ("coordinator",) if quick else ("coordinator", "workers"):
            made = compare_run(builds, verdict, f"every kind of input, some of which fail, io {io}", ["dream", *tiny, *settings(f"io={io}"), *inputs],
                               3, 3, output="inputs")
        server.shutdown()
    if not quick:
        little = settings("input.resize=none", "targets=mixed3:1,mixed5:1", "memory.limit=170M", "io=workers")
        compare_run(builds, verdict, "io workers, a picture too large for one rank", ["dream", *tiny, *little, "../in/large.png", *PHOTOS[1:]], 5)
    return made


def compare_explanations(builds, verdict, quick):
    """OLD's folder."""
    few = settings(*SMALL, *FEW, "precision=f32")
    made = compare_run(builds, verdict, "explain, ranks 3", ["explain", *few, *PHOTOS], 3, makes=EXPLAINED, output="why")
    if quick:
        return made
    with_top(builds[0].weights, builds[0].folder.parent / "top.h5")
    logit = settings("objective=class", "class=3", "targets=mixed10:1", "model.path=../top.h5")
    tiles = settings(*TILES, "team.size=2", "importance.baselines=black,blurred,images")
    for title, ranks, more in (("explain, ranks 1, bf16", 1, settings("precision=bf16")), ("explain, ranks 3, io workers", 3, settings("io=workers")),
                               ("explain, ranks 5, tiles, pictures as baselines", 5, tiles), ("explain, a class", 1, logit)):
        compare_run(builds, verdict, title, ["explain", *few, *more, *PHOTOS], ranks, makes=EXPLAINED)
    compare_run(builds, verdict, "dream of a class", ["dream", *few, *logit, *settings("cam.method=class"), PHOTOS[1]])
    return made
