"""Loader of your own recordings: of any length, in folders by label or with label files."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model_build.checks.finding import ERROR, NOTE, WARNING, Finding, short, some
from model_build.cuts import Span
from model_build.dataset import TESTING, TRAINING, VALIDATION, Clip, Corpus
from model_build.errors import DatasetError
from model_build.label_files import Region
from model_build.labelled_files import Findings, LabelledFile, findings_of, labelled_files, noises
from model_build.recipe import Recipe
from model_build.speech_commands import NOISE_FOLDER
from model_build.splitting import validation_groups

GAP_MARGIN_S = 0.25
"""Sounds reach a little beyond what was labelled: so much around a label is not taken for background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A labelled part of a recording, on its way to a clip."""

    path: Path
    word: str
    split: str
    group: str
    likely_group: str
    span: Span | None

    @property
    def source(self) -> str:
        """Who or what was recorded, as far as anybody can tell."""
        return self.group or self.likely_group


def find(recipe: Recipe, folder: Path) -> Corpus:
    """The clips below ``folder``; ``DatasetError`` if nothing there bears any label of ``recipe``.

    Folders training/, validation/ and testing/ or the column split decide where a clip belongs; of the
    others a fifth is held back for validation, whole speakers or recordings at a time.
    """
    background = frozenset({NOISE_FOLDER, recipe.silence})
    noticed = Findings()
    roots = [(folder / name, name) for name in (TRAINING, VALIDATION, TESTING) if (folder / name).is_dir()]
    files = [
        file
        for root, split in roots or [(folder, "")]
        for file in labelled_files(root, split, background, noticed)
    ]
    rows = [row for file in files for row in _rows(file, recipe.unlabelled)]
    if not any(row.word in recipe.targets for row in rows):
        raise DatasetError(f"{folder}: holds no clip of {_either(recipe.targets)}{_spelled(recipe, rows)}")
    noticed.empty += _empty_folders([root for root, _ in roots] or [folder], recipe, background)
    chosen = all(row.split for row in rows)
    clips, unsure = _split([row for row in rows if not _is_aside(recipe, row.word)])
    background_roots = [folder, *(root for root, _ in roots)]
    return Corpus(
        name=f"Recordings for {recipe.name}",
        licence="of whoever recorded them",
        source="recorded for this model",
        clips=tuple(clips),
        noises=tuple(path for root in background_roots for path in noises(root, background)),
        chosen_splits=chosen,
        findings=(*findings_of(noticed), *_about_words(recipe, rows), *unsure),
    )


def _rows(file: LabelledFile, unlabelled: str | None) -> Iterator[_Row]:
    """The labelled parts of a file in the order of time, then what is between them, if that is used."""
    regions = sorted(file.regions, key=lambda region: region.start_s or 0.0)
    # What comes from one file stays in one split, unless somebody says otherwise.
    split = file.split or next((region.split for region in regions if region.split), "")
    group = next((region.group for region in regions if region.group), file.group)
    for index, region in enumerate(regions):
        before = [other.end_s or 0.0 for other in regions[:index]]
        after = [other.start_s for other in regions[index + 1 :] if other.start_s is not None]
        yield _Row(
            path=file.path,
            word=region.label,
            split=region.split or split,
            group=group,
            likely_group=file.likely_group,
            span=_span(region, max(before, default=0.0), min(after, default=None)),
        )
    if unlabelled and regions:
        for start_s, end_s in _gaps(regions):
            span = Span(start_s=start_s, end_s=end_s, room_start_s=start_s, room_end_s=end_s)
            yield _Row(
                path=file.path,
                word=unlabelled,
                split=split,
                group=group,
                likely_group=file.likely_group,
                span=span,
            )


def _span(region: Region, room_start_s: float, room_end_s: float | None) -> Span | None:
    if region.start_s is None and region.end_s is None:
        return None
    return Span(
        start_s=region.start_s or 0.0, end_s=region.end_s, room_start_s=room_start_s, room_end_s=room_end_s
    )


def _gaps(regions: list[Region]) -> Iterator[tuple[float, float | None]]:
    """What no label is about, if it is long enough to be worth it."""
    at_s = 0.0
    for region in regions:
        start_s = region.start_s or 0.0
        if start_s - GAP_MARGIN_S - at_s > 2 * GAP_MARGIN_S:
            yield at_s, start_s - GAP_MARGIN_S
        if region.end_s is None:
            return
        at_s = max(at_s, region.end_s + GAP_MARGIN_S)
    yield at_s, None


def _split(rows: list[_Row]) -> tuple[list[Clip], tuple[Finding, ...]]:
    """The clips with their splits, and what is uncertain about these."""
    free = [row for row in rows if not row.split]
    sources: dict[str, set[str]] = defaultdict(set)
    for row in free:
        sources[row.word].add(row.source or row.path.name)
    lonely = {word for word, names in sources.items() if len(names) == 1}
    # Where a label has one source only, its recordings are told apart instead.
    apart = {row.path for row in free if row.word in lonely}

    def whole(row: _Row) -> str:
        """The name of what stays together; a slash keeps recordings from being taken for speakers."""
        return row.source if row.source and row.path not in apart else f"/{row.path.name}"

    amounts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in free:
        amounts[whole(row)][row.word] += 1
    held = validation_groups(amounts)
    clips = []
    for row in rows:
        split = row.split or (VALIDATION if whole(row) in held else TRAINING)
        clips.append(Clip(path=row.path, word=row.word, split=split, group=row.group, span=row.span))
    return clips, _one_source(sorted({row.word for row in free if row.word in lonely and row.group}))


def _one_source(words: list[str]) -> tuple[Finding, ...]:
    if not words:
        return ()
    sentence = (
        f"all clips of {some(words)} come from one source, so that validation hears it again and flatters"
    )
    advice = (
        "Record other people or places too, and name them: <speaker>_<n>.wav, a sub-folder for each, "
        "or the column speaker."
    )
    return (Finding(severity=WARNING, kind="one-source", sentence=sentence, advice=advice),)


def _about_words(recipe: Recipe, rows: list[_Row]) -> tuple[Finding, ...]:
    known = {*recipe.labels, recipe.unlabelled}
    foreign = sorted({row.word for row in rows} - known)
    spelled = {label.lower(): label for label in (*recipe.labels, NOISE_FOLDER)}
    findings = []
    for word in foreign:
        label = spelled.get(word.lower())
        if label:
            paths = [short(row.path) for row in rows if row.word == word]
            sentence = f"{len(paths)} clips are called {word!r}, but the recipe spells it {label!r}"
            advice = f"Rename the folder or correct the label file: {label}"
            finding = Finding(
                severity=ERROR, kind="spelling", sentence=sentence, advice=advice, files=tuple(paths)
            )
            findings.append(finding)
    others = [word for word in foreign if word.lower() not in spelled and not _is_aside(recipe, word)]
    if others:
        fate = f"count as {recipe.unknown}" if recipe.unknown else "are left out"
        findings.append(
            Finding(
                severity=NOTE,
                kind="other-words",
                sentence=f"clips of {some(others)} {fate}: the recipe has no such label",
                advice="To recognise them add them to the recipe's targets.",
            )
        )
    return tuple(findings)


def _is_aside(recipe: Recipe, word: str) -> bool:
    """A folder such as ``_old_`` is kept out of the way on purpose."""
    return word.startswith("_") and word not in recipe.labels


def _spelled(recipe: Recipe, rows: list[_Row]) -> str:
    close = [finding.sentence for finding in _about_words(recipe, rows) if finding.kind == "spelling"]
    return f" ({close[0]})" if close else "; each label has a folder of its name, or use labels.csv"


def _either(labels: tuple[str, ...]) -> str:
    return " or ".join(labels) if len(labels) < 4 else f"any of the {len(labels)} labels, as {labels[0]}"


def _empty_folders(roots: list[Path], recipe: Recipe, background: frozenset[str]) -> list[str]:
    wanted = {*recipe.targets, *([recipe.unknown] if recipe.unknown else []), *background}
    folders = [root / name for root in roots for name in sorted(wanted) if (root / name).is_dir()]
    return [f"{short(path)}/" for path in folders if not any(p.is_file() for p in path.rglob("*"))]
