"""Stages: keys, cache, laziness, damage, order of running, failures, interruption."""

from __future__ import annotations

import json
import threading
import time
import warnings
from pathlib import Path

import pytest
import torch

from imgcomp import codec, datasets
from imgcomp.errors import UsageError
from imgcomp.stages import Artifact, Context, Runner, Stage, StageError, StageStopped, stage
from imgcomp.stages.graph import plan

CALLS: list[str] = []


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


@stage(version="1")
def numbers(context: Context) -> Artifact:
    CALLS.append(context.label)
    generator = torch.Generator().manual_seed(context.config["seed"])
    values = torch.randn(context.config["count"], generator=generator)
    return Artifact({"values": values}, {"sum": float(values.sum())})


@stage(version="1")
def double(context: Context, of: Artifact) -> Artifact:
    CALLS.append(context.label)
    return Artifact({"values": of["values"] * 2})


class Source:
    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint


@stage(version="1")
def read(context: Context, source: Source) -> Artifact:
    CALLS.append(context.label)
    return Artifact({}, {"seen": source.fingerprint})


def runner(folder: Path, **options: object) -> Runner:
    return Runner(folder, stop=threading.Event(), **options)  # type: ignore[arg-type]


def test_key_follows_kind_version_config_and_inputs_but_not_label() -> None:
    one = numbers("a", {"seed": 1, "count": 3})
    assert len(one.key) == 64
    assert numbers("b", {"count": 3, "seed": 1}).key == one.key
    assert numbers("a", {"seed": 2, "count": 3}).key != one.key
    assert stage(version="2")(numbers.function)("a", {"seed": 1, "count": 3}).key != one.key
    assert double("d", of=one).key != double("d", of=numbers("a", {"seed": 2, "count": 3})).key
    assert read("r", source=Source("x")).key != read("r", source=Source("y")).key
    assert read("r", source=Source("x")).key == read("r", source=Source("x")).key


def test_second_run_computes_nothing_and_gives_the_same(tmp_path: Path) -> None:
    target = double("double", of=numbers("numbers", {"seed": 1, "count": 4}))
    first = runner(tmp_path).run([target])
    values = first[target]["values"].clone()
    assert sorted(CALLS) == ["double", "numbers"]
    again = runner(tmp_path).run([target])
    assert sorted(CALLS) == ["double", "numbers"]
    assert torch.equal(again["double"]["values"], values)
    assert set(again.seconds()) == {"double", "numbers"}


def test_a_changed_configuration_recomputes_only_what_depends_on_it(tmp_path: Path) -> None:
    def graph(seed: int) -> list[Stage]:
        return [
            double("da", of=numbers("a", {"seed": 0, "count": 2})),
            double("db", of=numbers("b", {"seed": seed, "count": 2})),
        ]

    runner(tmp_path).run(graph(1))
    CALLS.clear()
    runner(tmp_path).run(graph(2))
    assert sorted(CALLS) == ["b", "db"]


def test_inputs_of_a_cached_stage_are_not_needed(tmp_path: Path) -> None:
    target = double("double", of=numbers("numbers", {"seed": 1, "count": 4}))
    runner(tmp_path).run([target])
    for path in (tmp_path / "stages").glob("numbers.*"):
        path.unlink()
    CALLS.clear()
    runner(tmp_path).run([target])
    assert CALLS == []


def test_equal_stages_run_once(tmp_path: Path) -> None:
    a, b = numbers("a", {"seed": 1, "count": 2}), numbers("b", {"seed": 1, "count": 2})
    result = runner(tmp_path).run([a, b])
    assert CALLS == ["a"]
    assert torch.equal(result["a"]["values"], result["b"]["values"])


def test_one_label_for_two_stages_is_refused() -> None:
    with pytest.raises(UsageError, match="both named 'a'"):
        plan([numbers("a", {"seed": 1, "count": 2}), numbers("a", {"seed": 2, "count": 2})])


@pytest.mark.parametrize("damage", ["truncate", "flip a tensor bit", "foreign", "empty"])
def test_a_damaged_file_is_computed_again_with_a_warning(tmp_path: Path, damage: str) -> None:
    target = numbers("numbers", {"seed": 1, "count": 64})
    values = runner(tmp_path).run([target])[target]["values"].clone()
    (path,) = (tmp_path / "stages").glob("*.safetensors")
    raw = bytearray(path.read_bytes())
    if damage == "flip a tensor bit":
        raw[-5] ^= 16
    path.write_bytes(
        {"truncate": bytes(raw[:-7]), "foreign": b"hello world" * 9, "empty": b""}.get(
            damage, bytes(raw)
        )
    )
    CALLS.clear()
    with pytest.warns(RuntimeWarning, match="computed again"):
        result = runner(tmp_path).run([target])
    assert CALLS == ["numbers"]
    assert torch.equal(result[target]["values"], values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runner(tmp_path).run([target])
    assert CALLS == ["numbers"]


def test_a_file_of_another_key_is_not_taken(tmp_path: Path) -> None:
    a, b = numbers("a", {"seed": 1, "count": 2}), numbers("b", {"seed": 2, "count": 2})
    result = runner(tmp_path).run([a, b])
    expected = result[b]["values"].clone()
    files = {path.name.split(".")[0]: path for path in (tmp_path / "stages").iterdir()}
    files["b"].write_bytes(files["a"].read_bytes())
    del result
    with pytest.warns(RuntimeWarning, match="expected imgcomp-stage-1"):
        again = runner(tmp_path).run([b])
    assert torch.equal(again[b]["values"], expected)


def test_tensors_of_any_kind_and_json_survive_storing(tmp_path: Path) -> None:
    tensors = {
        "u8": torch.arange(6, dtype=torch.uint8).reshape(1, 2, 3),
        "empty": torch.empty(0, 3),
        "scalar": torch.tensor(1.5, dtype=torch.float64),
        "bf16": torch.tensor([1.0, 2.0], dtype=torch.bfloat16),
        "transposed": torch.arange(6.0).reshape(2, 3).t(),
    }
    data = {"π": [0.1, 1e-300, -0.0], "nested": {"a": None, "b": True}}

    @stage(version="1")
    def make(context: Context) -> Artifact:
        return Artifact(tensors, data)

    node = make("make")
    runner(tmp_path).run([node])
    found = runner(tmp_path).run([node])[node]
    assert found.data == data
    assert set(found.tensors) == set(tensors)
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def test_side_by_side_gives_what_one_after_another_gives(tmp_path: Path) -> None:
    def graph() -> list[Stage]:
        nodes = [numbers(f"n{i}", {"seed": i, "count": 1000}) for i in range(12)]
        return [double(f"d{i}", of=node) for i, node in enumerate(nodes)]

    serial = runner(tmp_path / "1", jobs=1).run(graph())
    parallel = runner(tmp_path / "5", jobs=5).run(graph())
    assert len(CALLS) == 48
    for i in range(12):
        assert torch.equal(serial[f"d{i}"]["values"], parallel[f"d{i}"]["values"])


def test_jobs_really_run_side_by_side(tmp_path: Path) -> None:
    barrier = threading.Barrier(3, timeout=20)

    @stage(version="1")
    def meet(context: Context) -> Artifact:
        barrier.wait()
        return Artifact()

    runner(tmp_path, jobs=3).run([meet(f"meet{i}", {"i": i}) for i in range(3)])
    assert not barrier.broken


def test_costly_stages_start_first_and_threads_are_set(tmp_path: Path) -> None:
    seen: list[int] = []

    @stage(version="1")
    def note(context: Context) -> Artifact:
        seen.append(context.config["i"])
        assert torch.get_num_threads() == context.threads == 1
        return Artifact()

    before = torch.get_num_threads()
    runner(tmp_path).run([note(f"note{i}", {"i": i}, cost=float(i)) for i in (1, 3, 2)])
    assert seen == [3, 2, 1]
    assert torch.get_num_threads() == before


def test_a_failure_names_its_stage_and_stops_the_rest(tmp_path: Path) -> None:
    @stage(version="1")
    def fail(context: Context) -> Artifact:
        raise UsageError("expected 3, got 4")

    @stage(version="1")
    def long(context: Context) -> Artifact:
        for _ in range(2000):
            if context.stop.is_set():
                raise StageStopped
            time.sleep(0.01)
        return Artifact()

    begin = time.monotonic()
    with pytest.raises(StageError, match="stage 'fail/x': expected 3, got 4") as error:
        runner(tmp_path, jobs=2).run([long("long", cost=9), fail("fail/x"), long("l2", {"i": 1})])
    assert isinstance(error.value.__cause__, UsageError)
    assert time.monotonic() - begin < 10
    assert not list((tmp_path / "stages").glob("*")) or not (tmp_path / "stages").exists()


def test_stopped_from_outside_keeps_what_is_done_and_goes_on_later(tmp_path: Path) -> None:
    stop = threading.Event()

    @stage(version="1")
    def stopping(context: Context, of: Artifact) -> Artifact:
        CALLS.append(context.label)
        if context.checkpoint.exists():
            return Artifact({"values": of["values"] + 1}, {"resumed": True})
        context.checkpoint.write_text("half way")
        stop.set()
        raise StageStopped

    target = stopping("stopping", of=numbers("numbers", {"seed": 1, "count": 4}))
    with pytest.raises(KeyboardInterrupt):
        Runner(tmp_path, stop=stop).run([target])
    assert CALLS == ["numbers", "stopping"]
    result = runner(tmp_path).run([target])
    assert CALLS == ["numbers", "stopping", "stopping"]
    assert result[target].data == {"resumed": True}


def test_a_long_pass_of_the_core_is_stopped_in_its_middle(tmp_path: Path) -> None:
    stop = threading.Event()

    @stage(version="1")
    def long(context: Context) -> Artifact:
        CALLS.append("begun")
        stop.set()
        # Some seconds.
        codec.load("house-gray").with_effort(1).compress(datasets.digits().test.images[:60])
        CALLS.append("finished")
        return Artifact({}, {})

    with pytest.raises(KeyboardInterrupt):
        Runner(tmp_path, stop=stop, jobs=2).run([long("long")])
    assert CALLS == ["begun"]


def test_stages_say_what_computed_them(tmp_path: Path) -> None:
    def graph(*seeds: int) -> list[Stage]:
        return [double(f"d{i}", of=numbers(f"n{i}", {"seed": i, "count": 4})) for i in seeds]

    old = {"source_revision": "aaaa", "processor": "a CPU"}
    runner(tmp_path, made_with=old).run(graph(1))
    new = {"source_revision": "bbbb-dirty", "processor": "a CPU"}
    again = runner(tmp_path, made_with=new).run(graph(1, 2))
    # What a finished stage was made from is not read again, and yet counts.
    assert again.made_with() == [{**old, "stages": 2}, {**new, "stages": 2}]
    assert set(again.seconds()) == {"d1", "n1", "d2", "n2"}
    # A later runner that computes nothing adds nothing.
    redrawn = runner(tmp_path, made_with={"source_revision": "cccc"}).run(graph(1, 2))
    assert redrawn.made_with() == again.made_with()
    # A file that is gone counts no longer.
    for path in (tmp_path / "stages").glob("n1.*"):
        path.unlink()
    fewer = runner(tmp_path).run(graph(1, 2))
    assert fewer.made_with() == [{**new, "stages": 2}, {**old, "stages": 1}]
    assert set(fewer) == {"d1", "d2", "n2"}


def test_files_from_before_the_record_are_taken(tmp_path: Path) -> None:
    target = numbers("numbers", {"seed": 1, "count": 4})
    artifact = runner(tmp_path, made_with={"source_revision": "aaaa"}).run([target])[target]
    (path,) = (tmp_path / "stages").glob("*.safetensors")
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    del header["__metadata__"]["made_with"]
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + raw[8 + size :])
    values, CALLS[:] = artifact["values"].clone(), []
    del artifact
    found = runner(tmp_path, made_with={"source_revision": "bbbb"}).run([target])
    assert CALLS == []
    assert torch.equal(found[target]["values"], values)
    assert found.made_with() == [{"stages": 1}]


def test_not_finite_results_and_wrong_inputs_are_errors(tmp_path: Path) -> None:
    @stage(version="1")
    def bad(context: Context) -> Artifact:
        return Artifact({}, {"loss": float("nan")})

    with pytest.raises(StageError, match="stage 'bad': ValueError"):
        runner(tmp_path).run([bad("bad")])
    with pytest.raises(UsageError, match="input 'of' is a int"):
        double("d", of=3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="finite JSON"):
        assert numbers("n", {"seed": float("inf")}).key
    with pytest.raises(UsageError, match="at least 1"):
        Runner(tmp_path, jobs=0, stop=threading.Event())
