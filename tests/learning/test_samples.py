import dataclasses

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kida.errors import UserError
from kida.learning.samples import (
    Aggregate,
    Shard,
    ShardError,
    best_candidates,
    informative,
    write_shard,
)
from kida.observation import NETWORK_VARIABLE_FEATURES

pytestmark = pytest.mark.slow


def assert_same(read, written):
    for name in ("row_features", "row_starts", "edge_columns", "edge_values"):
        np.testing.assert_array_equal(
            getattr(read.observation, name), getattr(written.observation, name)
        )
    used = list(NETWORK_VARIABLE_FEATURES)
    np.testing.assert_array_equal(
        read.observation.variable_features[:, used], written.observation.variable_features[:, used]
    )
    for name in ("candidates", "candidate_features"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    for name in ("scores", "down_gains", "up_gains"):
        np.testing.assert_array_equal(
            getattr(read, name), getattr(written, name).astype(np.float32)
        )
    for name in ("chosen", "taken", "depth", "node_number", "lp_objective", "dual_bound"):
        assert getattr(read, name) == getattr(written, name)


def test_reading_gives_back_what_was_written(samples, tmp_path):
    path = tmp_path / "a.safetensors"
    # Rows that come and go, another number of variables (as after a restart), unknown scores.
    first = samples[0]
    smaller = dataclasses.replace(
        first.observation,
        row_features=first.observation.row_features[:5],
        row_starts=first.observation.row_starts[:6],
        edge_columns=first.observation.edge_columns[: first.observation.row_starts[5]],
        edge_values=first.observation.edge_values[: first.observation.row_starts[5]],
    )
    fewer = dataclasses.replace(
        first.observation,
        variable_features=np.vstack(
            [first.observation.variable_features, np.zeros((2, 19))]
        ).astype(np.float32),
    )
    scores = first.scores.copy()
    scores[::2] = np.nan
    written = [
        *samples,
        dataclasses.replace(first, observation=smaller, scores=scores),
        dataclasses.replace(first, observation=fewer),
    ]
    write_shard(path, written)
    shard = Shard(path)
    assert len(shard) == len(written)
    for index in (*range(len(written)), 0):
        assert_same(shard.sample(index), written[index])


def test_features_are_rounded_a_little(samples, tmp_path):
    features = np.random.default_rng(0).random(samples[0].candidate_features.shape, np.float32)
    features[:2] = [[0], [1]]
    written = dataclasses.replace(samples[0], candidate_features=features)
    write_shard(tmp_path / "a.safetensors", [samples[1], written])
    read = Shard(tmp_path / "a.safetensors").sample(1).candidate_features
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, features, atol=0.51 / 65535)
    np.testing.assert_array_equal(read[:2], features[:2])
    assert not np.array_equal(read, features)


def test_rounding_keeps_the_best_candidate(samples):
    for sample in samples:
        rounded = sample.scores.astype(np.float32)
        np.testing.assert_array_equal(best_candidates(rounded), best_candidates(sample.scores))


def test_scores_beyond_float32_stay_best(samples, tmp_path):
    scores = samples[0].scores.copy()
    scores[3] = 1e40
    write_shard(tmp_path / "a.safetensors", [dataclasses.replace(samples[0], scores=scores)])
    read = Shard(tmp_path / "a.safetensors").scores(0)
    assert np.isfinite(read).all()
    assert read.argmax() == 3


def test_an_item_placement_sample_takes_at_most_40_kilobytes(played):
    path, record = played
    assert record.samples == 24
    assert path.stat().st_size / record.samples <= 40_000


def test_an_episode_without_samples(tmp_path):
    write_shard(tmp_path / "a.safetensors", [])
    shard = Shard(tmp_path / "a.safetensors")
    assert len(shard) == 0
    assert len(Aggregate([shard.path])) == 0


def test_damaged_and_foreign_files_are_set_aside_and_named(samples, tmp_path):
    good = tmp_path / "good.safetensors"
    write_shard(good, samples[:2])
    content = good.read_bytes()
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(content[:-100])
    flipped = tmp_path / "flipped.safetensors"
    flipped.write_bytes(content[:-5] + bytes([content[-5] ^ 1]) + content[-4:])
    foreign = tmp_path / "foreign.safetensors"
    safetensors.numpy.save_file({"x": np.zeros(3)}, foreign)
    reports: list[str] = []
    aggregate = Aggregate([cut, flipped, good, foreign], reports.append)
    assert [shard.path for shard in aggregate.shards] == [good]
    assert len(reports) == 3
    for path, report in zip((cut, flipped, foreign), reports, strict=True):
        assert str(path) in report
        assert not path.exists()
        assert path.with_name(path.name + ".bad").exists()
    assert "checksum" in reports[1]
    assert "no sample shard" in reports[2]


def test_what_may_be_intact_is_left_where_it_is(samples, tmp_path):
    path = tmp_path / "train_0_0.safetensors"
    with pytest.raises(UserError, match=r"cannot read .*train_0_0\.safetensors"):
        Aggregate([path])
    write_shard(path, samples[:2])
    path.write_bytes(path.read_bytes().replace(b'"version":"4"', b'"version":"0"'))
    with pytest.raises(UserError, match="go on with the kida that wrote it"):
        Aggregate([path])
    assert path.exists()


def test_uninformative_samples_are_left_out_and_counted(samples, tmp_path):
    even = dataclasses.replace(samples[0], scores=np.full_like(samples[0].scores, 0.5))
    nothing = dataclasses.replace(samples[0], scores=np.full_like(samples[0].scores, np.nan))
    path = tmp_path / "a.safetensors"
    write_shard(path, [even, samples[0], nothing])
    aggregate = Aggregate([path])
    assert informative(samples[0].scores)
    assert len(aggregate) == 1
    assert aggregate.uninformative == 2
    assert_same(aggregate[0], samples[0])


def test_best_candidates_share_ties_only():
    scores = np.array([1.0, np.nan, 2.0, 2.0 - 1e-9, 2.0 - 1e-3])
    assert best_candidates(scores).tolist() == [False, False, True, True, False]
    assert best_candidates(np.zeros(2)).all()


@given(arrays(np.float64, st.integers(1, 20), elements=st.floats(0, 1e20)))
def test_the_highest_score_is_always_among_the_best(scores):
    best = best_candidates(scores)
    assert best[scores.argmax()]
    assert informative(scores) == (len(scores) > 1 and not best.all())


def test_a_full_disk_leaves_no_shard(samples, tmp_path, full_disk):
    path = tmp_path / "a.safetensors"
    with full_disk(20_000), pytest.raises(UserError, match=r"cannot write .*a\.safetensors"):
        write_shard(path, samples)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("claim", [b"9", b"<", b"1", b"0"])
def test_a_shard_with_more_or_fewer_samples_than_it_says_is_refused(samples, tmp_path, claim):
    path = tmp_path / "train_0_0.safetensors"
    write_shard(path, samples[:3])
    content = path.read_bytes()
    assert content.count(b'"samples":"3"') == 1
    path.write_bytes(content.replace(b'"samples":"3"', b'"samples":"%s"' % claim))
    with pytest.raises(ShardError, match="as many samples as it says"):
        Shard(path)
