"""What happens beside and before a clip, from the annotations of its video."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import attrgetter

import numpy as np

from ek100mqa.schema import Action, Prior, Segment

PRIOR_GAP_MS = 3000


def narration_order(narration_id: str) -> tuple[int, ...]:
    """Sort key that counts: `P01_2_9` comes before `P01_11_0`."""
    return tuple(int(part) for part in narration_id[1:].split("_"))


def by_video(segments: Iterable[Segment]) -> dict[str, list[Segment]]:
    """The segments of each video in order of time."""
    videos: dict[str, list[Segment]] = defaultdict(list)
    for segment in segments:
        videos[segment.video_id].append(segment)
    for video in videos.values():
        video.sort(key=attrgetter("start_ms", "stop_ms", "narration_id"))
    return dict(videos)


def concurrent_actions(videos: Mapping[str, list[Segment]]) -> dict[str, frozenset[Action]]:
    """Narration id -> actions annotated elsewhere in the video over half of the clip or more."""
    result: dict[str, frozenset[Action]] = {}
    for video in videos.values():
        start = np.array([s.start_ms for s in video])
        stop = np.array([s.stop_ms for s in video])
        overlap = np.minimum(stop[:, None], stop) - np.maximum(start[:, None], start)
        covers = 2 * overlap >= (stop - start)[:, None]
        np.fill_diagonal(covers, False)
        for clip in np.flatnonzero(covers.any(axis=1)):
            others = np.flatnonzero(covers[clip])
            result[video[clip].narration_id] = frozenset(video[i].action for i in others)
    return result


def prior_actions(videos: Mapping[str, list[Segment]]) -> dict[str, tuple[Prior, ...]]:
    """Narration id -> the two actions before, oldest first, where each gap is at most 3 s.

    A gap runs from the end of one action to the start of the next; an offset from the start
    of the earlier action to the start of the clip ("2.83 seconds ago, you started an action",
    paper section 3.2).
    """
    result: dict[str, tuple[Prior, ...]] = {}
    for video in videos.values():
        for second, first, clip in zip(video, video[1:], video[2:], strict=False):
            gaps = first.start_ms - second.stop_ms, clip.start_ms - first.stop_ms
            if max(gaps) <= PRIOR_GAP_MS:
                result[clip.narration_id] = tuple(
                    Prior(s.narration, (clip.start_ms - s.start_ms) / 1000) for s in (second, first)
                )
    return result
