"""``s2m models``: which models there are, what they cost, and engines of TensorRT for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2m_ros.cli._options import ConfigFile, Settings

if TYPE_CHECKING:
    from rich.console import Console

    from s2m_ros.config import Model
    from s2m_ros.runtime.manifest import Manifest

app = typer.Typer(help="List models; check, count and build their graphs for TensorRT.")

Name = Annotated[str | None, typer.Argument(help="Model folder or name; else the settings'.")]
Size = Annotated[str | None, typer.Option(help="Input of the network, as 960x544.")]
Precision = Annotated[str | None, typer.Option(help="fp32, fp16 or int8.")]


@app.callback()
def models() -> None:
    """Models, scorers and mask decoders; engines of TensorRT."""


@app.command("list")
def list_(
    models_dir: Annotated[
        Path | None, typer.Option(help="A further folder with models in it.")
    ] = None,
) -> None:
    """List models with their hashes checked, and each scorer with what it needs."""
    from rich.console import Console
    from rich.table import Table

    from s2m_ros.runtime.manifest import available, read, verify
    from s2m_ros.runtime.scorers import SCORERS, calibrated
    from s2m_ros.types import InputError

    console = Console()
    table = Table(title="Models", title_justify="left")
    for column in ("name", "version", "input", "files", "scorers calibrated", "folder"):
        table.add_column(column, overflow="fold")
    folders = available(models_dir)
    for folder in folders:
        try:
            manifest = read(folder)
            for entry in manifest.files.values():
                verify(folder / entry.path, entry)
            size = sum(entry.bytes for entry in manifest.files.values()) / 1e6
            state = f"[green]{len(manifest.files)} intact[/green], {size:.1f} MB"
        except InputError as error:
            table.add_row(folder.name, "", "", f"[red]{error.problem}[/red]", "", str(folder))
            continue
        table.add_row(
            manifest.name,
            manifest.version,
            f"{manifest.input.width}x{manifest.input.height}",
            state,
            ", ".join(calibrated(manifest)) or "-",
            str(folder),
        )
    if folders:
        console.print(table)
    else:
        console.print("no models found: run `make model`, or name a folder with --models-dir")
    scorers = Table(title="Scorers", title_justify="left")
    scorers.add_column("--scorer")
    scorers.add_column("needs")
    scorers.add_column("what it is")
    for name, (needs, meaning) in SCORERS.items():
        scorers.add_row(name, needs, meaning)
    console.print(scorers)
    console.print("'site': a file of `s2m calibrate`. Combine as 0.7*learned+0.3*energy.")


@app.command()
def build(
    model: Name = None,
    size: Size = None,
    precision: Precision = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the graphs; needs no GPU, builds nothing.")
    ] = False,
    config: ConfigFile = None,
    set_: Settings = None,
) -> None:
    """Build TensorRT engines for this machine and these settings, and store them.

    Takes minutes, on an Orin 10 to 15. Engines that are there already are kept.

    Ends with 1 when TensorRT would not take a graph.
    """
    from rich.console import Console

    from s2m_ros.cli._narrator import Narrator
    from s2m_ros.runtime.graph import OnnxRuntimeGraph
    from s2m_ros.runtime.tensorrt import engines, store
    from s2m_ros.runtime.tensorrt.machine import this_machine
    from s2m_ros.runtime.tensorrt.shapes import fixed_shapes, plan

    console = Console()
    manifest, settings = _chosen(model, size, precision, config, set_)
    if not _check(console, manifest, settings):
        raise typer.Exit(1)
    if dry_run:
        return
    machine = this_machine(settings.device)
    console.print(
        f"{machine.gpu} ({machine.compute_capability}), TensorRT {machine.tensorrt}, "
        f"CUDA {machine.cuda}, ONNX Runtime {machine.onnxruntime}"
    )
    for part in _parts(manifest):
        graph = manifest.file(part)
        wanted = plan(manifest, part, settings)
        shapes = fixed_shapes(graph, wanted.template)
        key = store.key_of(graph, shapes, wanted.precision, settings, machine)
        with Narrator(console) as tell:
            tell(f"{part} at {key.precision}", 0.0)
            context = engines.build(graph, key, settings)
        console.print(f"  {context}", soft_wrap=True)
        engine = engines.opened(context, settings)
        exact = OnnxRuntimeGraph(graph, ["CPUExecutionProvider"], settings.threads)
        apart = engines.difference(engine, exact, shapes)
        told = ", ".join(f"{name} {100 * share:.2g} %" for name, share in apart.items())
        console.print(f"  largest difference from the CPU, of the range: {told}")


@app.command()
def calibrate(
    footage: Annotated[list[Path], typer.Argument(help="Bags, or folders of images, of the site.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")] = Path(
        "out/int8.flatbuffers"
    ),
    topic: Annotated[str | None, typer.Option(help="Image topic of the bags.")] = None,
    most: Annotated[int, typer.Option(help="Use at most this many frames; 0 for all.")] = 100,
    model: Annotated[str | None, typer.Option(help="Model folder or name.")] = None,
    size: Size = None,
    config: ConfigFile = None,
    set_: Settings = None,
) -> None:
    """Measure the ranges that int8 engines need, on the footage that `s2m calibrate` takes.

    Runs on the CPU, here or anywhere. Use the result with perception.model.tensorrt.calibration.
    """
    from rich.console import Console

    from s2m_ros.cli._options import progress
    from s2m_ros.evaluation.footage import Together, open_footage
    from s2m_ros.runtime.tensorrt import calibration
    from s2m_ros.runtime.tensorrt.shapes import fixed_shapes, network_size, template
    from s2m_ros.runtime.trunk import resized

    console = Console()
    manifest, settings = _chosen(model, size, None, config, set_)
    frames = Together([open_footage(path, 10.0, topic) for path in footage], most)
    graph, wanted = manifest.file("encoder"), network_size(manifest, settings)
    feeds = ({"image": resized(shot.image, wanted)[None]} for shot in frames)
    with progress("frames", len(frames), console) as advance:
        shapes = fixed_shapes(graph, template(manifest, "encoder", settings))
        count = calibration.calibrate(graph, shapes, feeds, out, advance)
    console.print(f"{len(frames)} frames at {wanted[0]}x{wanted[1]}, ranges of {count} tensors")
    console.print(
        f"table: {out}; use it with --set perception.model.tensorrt.calibration={out} "
        "--set perception.model.tensorrt.precision=int8",
        soft_wrap=True,
    )


@app.command()
def cost(
    model: Name = None, size: Size = None, config: ConfigFile = None, set_: Settings = None
) -> None:
    """Count what each graph computes, and estimate its time on Jetsons from data sheets.

    The times are arithmetic on paper, not measured: least possible and likely.
    """
    from rich.console import Console
    from rich.table import Table

    from s2m_ros.runtime import estimate, operations
    from s2m_ros.runtime.tensorrt.fixing import fixed
    from s2m_ros.runtime.tensorrt.shapes import fixed_shapes, reducible, template

    manifest, settings = _chosen(model, size, None, config, set_)
    table = Table(title=manifest.name, title_justify="left")
    for column in ("graph", "input", "nodes", "GMAC", "weights, M", "activations, M"):
        table.add_column(column, justify="left" if column in ("graph", "input") else "right")
    times: list[tuple[str, list[str]]] = []
    for part in _parts(manifest):
        graph = manifest.file(part)
        shapes = fixed_shapes(graph, template(manifest, part, settings))
        counted = operations.cost(fixed(graph, shapes))
        name, shape = next(iter(shapes.items()))
        table.add_row(
            part,
            f"{name} {'x'.join(map(str, shape))}",
            str(counted.nodes),
            f"{counted.total_macs / 1e9:.3f}",
            f"{counted.weights / 1e6:.2f}",
            f"{counted.activations / 1e6:.1f}",
        )
        precision = "fp16" if reducible(manifest, part) else "fp32"
        spans = [estimate.estimate_ms(counted, device, precision) for device in estimate.DEVICES]
        times.append((f"{part}, {precision}", [f"{low:.1f} to {high:.1f}" for low, high in spans]))
    console = Console()
    console.print(table)
    paper = Table(title="Estimate on paper, ms, not measured", title_justify="left")
    for column in ("graph", *(device.name for device in estimate.DEVICES)):
        paper.add_column(column)
    for row, spans_told in times:
        paper.add_row(row, *spans_told)
    console.print(paper)


def _chosen(
    model: str | None,
    size: str | None,
    precision: str | None,
    config: Path | None,
    set_: list[str] | None,
) -> tuple[Manifest, Model]:
    """The manifest and the settings that the options name."""
    from s2m_ros.cli._options import overrides
    from s2m_ros.config import ConfigError, load
    from s2m_ros.runtime.manifest import find, read

    given = overrides(None, model, None, set_)
    if size is not None:
        width, _, height = size.partition("x")
        if not (width.isdecimal() and height.isdecimal()):
            raise ConfigError(f"--size {size}: expected WIDTHxHEIGHT, as 960x544")
        given |= {"perception.model.width": int(width), "perception.model.height": int(height)}
    if precision is not None:
        given["perception.model.tensorrt.precision"] = precision
    settings = load(config, given).perception.model
    return read(find(settings.path)), settings


def _parts(manifest: Manifest) -> list[str]:
    """The graphs of a model that TensorRT may run."""
    from s2m_ros.runtime.tensorrt.shapes import PARTS

    return [part for part in PARTS if part in manifest.files]


def _check(console: Console, manifest: Manifest, settings: Model) -> bool:
    """Print what TensorRT would say to each node of each graph; whether it takes them all."""
    from s2m_ros.runtime.tensorrt import support
    from s2m_ros.runtime.tensorrt.fixing import fixed
    from s2m_ros.runtime.tensorrt.shapes import fixed_shapes, template

    known = support.table().tensorrt
    good = True
    for part in _parts(manifest):
        graph = manifest.file(part)
        model = fixed(graph, fixed_shapes(graph, template(manifest, part, settings)))
        wrong = support.problems(model)
        good &= not wrong
        kinds = len({node.op_type for node in model.graph.node})
        verdict = f"[red]{len(wrong)} problems[/red]" if wrong else "[green]all taken[/green]"
        console.print(
            f"{part}: {len(model.graph.node)} nodes of {kinds} operators, shapes fixed, {verdict} "
            f"by the table of TensorRT {known}",
            soft_wrap=True,
        )
        for problem in wrong:
            console.print(f"  {problem}", markup=False, soft_wrap=True)
    return good
