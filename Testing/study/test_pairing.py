import pytest
from hypothesis import given
from hypothesis import strategies as st

from CEMSynthLib.study.found import FoundImage
from CEMSynthLib.study.model import CEMImage, ImageKind, Laterality, PixelGrid, ViewPosition, VOIWindow
from CEMSynthLib.study.pairing import acquisitions_of, paired

LE, HE, RC = ImageKind.LOW_ENERGY, ImageKind.HIGH_ENERGY, ImageKind.RECOMBINED


def found(
    tmp,
    name,
    kind,
    frame="",
    seconds=None,
    sources=(),
    side="L",
    view="CC",
    study="1.2",
    number=0,
    modifiers="",
    raw=False,
):
    image = CEMImage(
        path=tmp / name, kind=kind, grid=PixelGrid(10, 8, (0.1, 0.1)), window=VOIWindow(1, 2), chest_wall=None,
        bits_stored=12, sop_instance_uid=name if study else None,
    )  # fmt: skip
    return FoundImage(
        image, "ID", study, Laterality(side) if side else None, ViewPosition(view) if view else None,
        modifiers=modifiers, frame_of_reference=frame, seconds=seconds, sources=sources, instance_number=number,
        raw=raw,
    )  # fmt: skip


def names(acquisitions):
    return [tuple(i.path.name for i in a.images) for a in acquisitions]


def test_repeats_are_kept_apart_by_frame_of_reference(tmp_path):
    images = [
        found(tmp_path, "rc2", RC, "B"), found(tmp_path, "le1", LE, "A", 100),
        found(tmp_path, "le2", LE, "B", 400), found(tmp_path, "rc1", RC, "A"),
    ]  # fmt: skip
    assert names(acquisitions_of(images)) == [("le1", "rc1"), ("le2", "rc2")]


def test_repeats_are_kept_apart_by_time(tmp_path):
    images = [
        found(tmp_path, "rc1", RC, seconds=101), found(tmp_path, "le1", LE, seconds=100),
        found(tmp_path, "he1", HE, seconds=101), found(tmp_path, "le2", LE, seconds=400),
        found(tmp_path, "rc2", RC, seconds=400), found(tmp_path, "le3", LE, seconds=700),
    ]  # fmt: skip
    acquisitions = acquisitions_of(images)
    assert names(acquisitions) == [("le1", "he1", "rc1"), ("le2", "rc2"), ("le3",)]
    assert any("no recombined" in w for w in acquisitions[2].warnings)


def test_one_frame_of_reference_for_all_repeats_is_split_by_time(tmp_path):
    images = [
        found(tmp_path, "le1", LE, "A", 100), found(tmp_path, "le2", LE, "A", 400),
        found(tmp_path, "rc2", RC, "A", 401), found(tmp_path, "rc1", RC, "A", 99),
    ]  # fmt: skip
    assert names(acquisitions_of(images)) == [("le1", "rc1"), ("le2", "rc2")]


def test_the_source_image_says_more_than_the_time(tmp_path):
    images = [
        found(tmp_path, "le1", LE, "A", 100), found(tmp_path, "le2", LE, "A", 400),
        found(tmp_path, "rcX", RC, "A", 900, sources=("le1",)), found(tmp_path, "rcY", RC, "A", 901),
    ]  # fmt: skip
    assert names(acquisitions_of(images)) == [("le1", "rcX"), ("le2", "rcY")]


def test_without_any_tie_one_pair_of_a_view_is_paired_with_a_warning(tmp_path):
    (acquisition,) = acquisitions_of([found(tmp_path, "le", LE), found(tmp_path, "rc", RC)])
    assert names([acquisition]) == [("le", "rc")]
    assert any("by view alone" in w for w in acquisition.warnings)


def test_ties_that_contradict_are_not_overruled(tmp_path):
    pair = [found(tmp_path, "le", LE, "A", 100), found(tmp_path, "rc", RC, "B", 900)]
    assert names(acquisitions_of(pair)) == [("le",), ("rc",)]


def test_unknown_views_are_never_paired_by_view(tmp_path):
    pair = [found(tmp_path, "le", LE, view=None), found(tmp_path, "rc", RC, view=None)]
    acquisitions = acquisitions_of(pair)
    assert len(acquisitions) == 2
    assert any("view is not known" in w for w in acquisitions[0].warnings)


def test_views_and_sides_do_not_mix_in_one_frame_of_reference(tmp_path):
    images = [
        found(tmp_path, f"{side}{view}{kind.value}", kind, "A", 100, side=side, view=view)
        for side in "LR" for view in ("MLO", "CC") for kind in (RC, LE)
    ]  # fmt: skip
    acquisitions = acquisitions_of(images)
    assert [a.name for a in acquisitions] == ["R CC", "L CC", "R MLO", "L MLO"]
    assert all(len(a.images) == 2 for a in acquisitions)


def test_a_magnification_view_is_no_repeat_of_the_plain_view(tmp_path):
    images = [found(tmp_path, "le", LE, "A"), found(tmp_path, "m", LE, "A", modifiers="magnification")]
    acquisitions = acquisitions_of(images)
    assert len(acquisitions) == 2
    assert any("magnification" in w for w in acquisitions[1].warnings)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([LE, HE, RC]), st.sampled_from(["", "A", "B"]), st.one_of(st.none(), st.integers(0, 40)),
            st.sampled_from("LR"),
        ),
        max_size=9,
    )
)  # fmt: skip
def test_every_image_is_in_exactly_one_acquisition_and_order_does_not_matter(tmp_path_factory, drawn):
    tmp = tmp_path_factory.getbasetemp()
    images = [found(tmp, f"{i}", k, f, s, side=side, number=i) for i, (k, f, s, side) in enumerate(drawn)]
    acquisitions = acquisitions_of(images)
    inside = sorted(n for group in names(acquisitions) for n in group)
    assert inside == sorted(f"{i}" for i in range(len(images)))
    assert names(acquisitions_of(images[::-1])) == names(acquisitions)
    for a in acquisitions:
        assert len({i.kind for i in a.images}) == len(a.images)


def test_a_pair_of_image_files_says_that_it_is_registered(tmp_path):
    (acquisition,) = acquisitions_of([found(tmp_path, "a", LE, study=None), found(tmp_path, "b", RC, study=None)])
    assert any("registered" in w for w in acquisition.warnings)
    assert not any("by view alone" in w for w in acquisition.warnings)


@pytest.mark.parametrize("count", [1, 2])
def test_repeats_of_image_files_are_paired_in_order(tmp_path, count):
    images = [found(tmp_path, f"{k.value}{i}", k, study=None) for i in range(count) for k in (LE, RC)]
    acquisitions = acquisitions_of(images)
    assert names(acquisitions) == [(f"low_energy{i}", f"recombined{i}") for i in range(count)]
    assert all(any("order of their file names" in w for w in a.warnings) == (count == 2) for a in acquisitions)


def test_raw_images_do_not_take_the_recombined_image_from_those_for_presentation(tmp_path):
    images = [
        found(tmp_path, "raw_le", LE, "A", 100, raw=True), found(tmp_path, "raw_he", HE, "A", 101, raw=True),
        found(tmp_path, "le", LE, "A", 100, sources=("raw_le",)),
        found(tmp_path, "rc", RC, "A", 100, sources=("raw_le", "raw_he")),
    ]  # fmt: skip
    assert names(acquisitions_of(images)) == [("le", "rc"), ("raw_le", "raw_he")]


def test_a_raw_image_alone_is_paired(tmp_path):
    images = [found(tmp_path, "raw_le", LE, "A", 100, raw=True), found(tmp_path, "rc", RC, "A", 100)]
    assert names(acquisitions_of(images)) == [("raw_le", "rc")]


@pytest.mark.parametrize(
    ("low", "recombined", "tie"),
    [
        ({"frame": "A"}, {"frame": "A"}, "Frame of Reference"),
        ({"seconds": 100}, {"seconds": 101}, "within 10 s"),
        ({"seconds": 100}, {"sources": ("le",), "seconds": 900}, "made from the other"),
        ({}, {}, "same side and view"),
    ],
)
def test_what_ties_a_pair_is_told(tmp_path, low, recombined, tie):
    (pair,) = paired([found(tmp_path, "le", LE, **low), found(tmp_path, "rc", RC, **recombined)])
    assert tie in pair.tie
    assert [f.image.path.name for f in pair.images] == ["le", "rc"]
    (alone,) = paired([found(tmp_path, "le", LE)])
    assert alone.tie == ""
