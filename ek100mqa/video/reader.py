"""Exact frames by PyAV, at less than the cost of decoding every frame on the way.

The frame of time t is the last one whose presentation time is at most t, counted from the
start of the video stream. From the last keyframe before a wanted frame on, packets go to the
decoder in order; frames that no other frame refers to are skipped unless they are wanted, which
leaves the wanted ones as they are. Nothing but wanted frames is converted.
"""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ek100mqa.errors import require
from ek100mqa.video.convert import Converter
from ek100mqa.video.frames import ROUNDING_S, ClipError, Picture, Size

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

_FAR_S = 12.0  #: a gap over which seeking beats reading packets on
_REORDERED = 16  #: frames of a later time that may come before a frame
_LATEST_START_S = 0.1  #: sound may start a little before the picture; more is a cut


class VideoReader:
    """Keeps a few files open. One process and one thread may use it; a fork starts anew."""

    def __init__(self, keep_open: int = 4) -> None:
        require("av", "video")
        self._keep_open = keep_open
        self._files: OrderedDict[Path, _File] = OrderedDict()
        self._owner = os.getpid(), threading.get_ident()

    def read(self, path: Path, times_s: Sequence[float], size: Size | None = None) -> list[Picture]:
        """The frames at `times_s` (ascending, in seconds from the video's start).

        Raises `ClipError`: past the end by more than half a frame, undecodable, truncated, no
        video stream, and whatever else keeps a frame from being the right one.
        """
        return list(self.stream(path, times_s, size))

    def stream(
        self, path: Path, times_s: Sequence[float], size: Size | None = None
    ) -> Iterator[Picture]:
        """The same, one by one, so that a long video needs little memory."""
        self._check_owner()
        if path in self._files:
            self._files.move_to_end(path)
        else:
            self._files[path] = _File(path)
            if len(self._files) > self._keep_open:
                self._files.popitem(last=False)[1].close()
        try:
            yield from self._files[path].read(times_s, size or Size())
        except ClipError:
            self._files.pop(path).close()
            raise

    def close(self) -> None:
        """Close every file."""
        while self._files:
            self._files.popitem()[1].close()

    def _check_owner(self) -> None:
        pid, thread = self._owner
        if pid != os.getpid():  # a fork: the parent's decoders are not ours to use or close
            _INHERITED.append(dict(self._files))
            self._files.clear()
            self._owner = os.getpid(), threading.get_ident()
        elif thread != threading.get_ident():
            raise RuntimeError("a VideoReader belongs to the thread that made it; make one each")


_INHERITED: list[object] = []  #: kept alive, so that a fork never closes its parent's files


def length_s(path: Path) -> float | None:
    """How long the file says it is, in seconds; `ClipError` where it is no video."""
    file = _File(path)
    try:
        return file.length_s
    finally:
        file.close()


class _File:
    """One open video file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lenient: InputContainer | None = None
        self._open()
        if self._stream.time_base is None:
            self.close()
            raise ClipError(path, None, "has no time base; its times are unknown")
        self._tick = float(self._stream.time_base)
        self._converter = Converter()
        try:
            self._origin = self._first_shown()
            self._check_start()
        except ClipError:
            self.close()
            raise

    def _open(self) -> None:
        # Two codec threads for one clip would cost a third more in all; errors are not hidden.
        self._container = _open_container(self.path, {"err_detect": "explode"})
        self._stream = self._container.streams.video[0]

    @property
    def length_s(self) -> float | None:
        duration = self._container.duration  # microseconds
        return None if duration is None else duration / 1e6

    def close(self) -> None:
        self._container.close()
        if self._lenient is not None:
            self._lenient.close()

    def _first_shown(self) -> int:
        """When the first frame is shown, in ticks; not what the container says of it, which is
        a guess in some."""
        first = []
        for packet in self._timed(self._container.demux(self._stream)):
            if not packet.is_discard:
                first.append(_pts(packet))
            if len(first) > _REORDERED:
                break
        if not first:
            raise ClipError(self.path, None, "has no frames")
        return min(first)

    def _check_start(self) -> None:
        sound = self._container.streams.audio
        if not sound:
            return
        sound_s = (sound[0].start_time or 0) * float(sound[0].time_base or 0)
        late_s = self._origin * self._tick - sound_s
        if late_s > _LATEST_START_S:
            raise ClipError(
                self.path,
                None,
                f"its picture starts {late_s:.2f} s after its sound, as in a cut without "
                "re-encoding that lost its first frames; cut it again with re-encoding",
            )

    def read(self, times_s: Sequence[float], size: Size) -> Iterator[Picture]:
        import av

        try:
            for group in self._groups(list(times_s)):
                yield from self._decode(group, size)
        except av.error.FFmpegError as error:
            reason = error.strerror or str(error)
            raise ClipError(self.path, times_s[0], f"cannot be decoded ({reason})") from error

    def _groups(self, times_s: list[float]) -> Iterator[_Group]:
        """The wanted frames, by the keyframe from which each is decoded."""
        group = _Group([])
        packets: Iterator[Packet] = iter(())
        for number, time_s in enumerate(times_s):
            ticks = self._ticks(time_s)
            if number == 0 or (ticks - group.latest) * self._tick > _FAR_S:
                if group.wanted:
                    yield group
                packets = self._packets_from(time_s)
                group = _Group([])
            ended = group.read_beyond(ticks, packets)
            entry = group.entry(ticks)
            if entry is None:
                raise ClipError(self.path, time_s, "lies before the first frame")
            if entry:  # a later keyframe: whatever is wanted before it is decoded on its own
                if group.wanted:
                    yield group
                group = _Group(group.packets[entry:])
            wanted = group.last_shown(ticks)
            if ended:
                self._check_end(group, ticks, time_s)
            if wanted is None:
                raise ClipError(self.path, time_s, "lies before the first frame")
            if group.misses_frames(wanted, ticks, self._container.format.name == "mpegts"):
                raise ClipError(self.path, time_s, "frames are missing here; the file is damaged")
            group.wanted.append((wanted, time_s))
        if group.wanted:
            yield group

    def _ticks(self, time_s: float) -> int:
        """The last presentation time that counts as not after `time_s`."""
        return math.floor((time_s + ROUNDING_S) / self._tick + 1e-9) + self._origin

    def _packets_from(self, time_s: float) -> Iterator[Packet]:
        """Packets in decoding order from a keyframe that is not after `time_s`, if there is one."""
        ticks, back_s = self._ticks(time_s), 0.0
        while True:
            target = ticks - int(back_s / self._tick)
            if target > self._origin:
                self._container.seek(target, stream=self._stream, backward=True, any_frame=False)
            else:  # some containers cannot seek to their start
                self._container.close()
                self._open()
            packets = self._timed(self._container.demux(self._stream))
            entry = next((packet for packet in packets if packet.is_keyframe), None)
            if target <= self._origin or (entry is not None and _pts(entry) <= ticks):
                if entry is not None:
                    yield entry
                    yield from packets
                return
            back_s = 2 * back_s + 1.0

    def _timed(self, packets: Iterator[Packet]) -> Iterator[Packet]:
        """Up to the empty packet at the end; each must say when it is shown."""
        for packet in packets:
            if packet.pts is None and packet.dts is None:
                return
            if packet.pts is None:
                raise ClipError(self.path, None, "has frames without a presentation time")
            yield packet

    def _check_end(self, group: _Group, ticks: int, time_s: float) -> None:
        """Refuse a time that lies past the last frame by more than half a frame."""
        last = max(group.packets, key=_pts)
        interval = last.duration or 0
        if not interval and self._stream.average_rate:
            interval = round(1 / float(self._stream.average_rate) / self._tick)
        if ticks > _pts(last) + 1.5 * interval:
            end_s = (_pts(last) + interval - self._origin) * self._tick
            raise ClipError(self.path, time_s, f"lies past the end of the video, {end_s:.3f} s")

    def _decode(self, group: _Group, size: Size) -> Iterator[Picture]:
        """Decode from the keyframe to the last wanted frame; convert the wanted ones."""
        due = list(group.wanted)
        ready: dict[int, Picture] = {}
        for frame in self._wanted_frames(group):
            if frame.is_corrupt:
                raise ClipError(self.path, self._seconds(frame.pts), "the frame is damaged")
            image = self._converter.rgb(frame, size)
            ready[frame.pts] = Picture(self._seconds(frame.pts), image)
            while due and due[0][0] in ready:
                pts, _ = due.pop(0)
                yield ready[pts]
                if not due or due[0][0] != pts:
                    del ready[pts]
        if due:
            raise ClipError(self.path, due[0][1], "the frame cannot be decoded")

    def _wanted_frames(self, group: _Group) -> Iterator[VideoFrame]:
        """The wanted frames as they leave the decoder, in order of time."""
        context = self._context(group)
        context.flush_buffers()
        wanted = {pts for pts, _ in group.wanted}
        to_feed = set(wanted)
        for packet, pts in zip(group.packets, group.times, strict=True):
            if not to_feed:
                break
            if packet.is_corrupt:
                raise ClipError(self.path, self._seconds(pts), "the file is damaged here")
            context.skip_frame = "DEFAULT" if pts in to_feed else "NONREF"
            to_feed.discard(pts)
            yield from (frame for frame in context.decode(packet) if frame.pts in wanted)
        context.skip_frame = "DEFAULT"
        yield from (frame for frame in context.decode(None) if frame.pts in wanted)

    def _context(self, group: _Group) -> VideoCodecContext:
        """The decoder for a group.

        Frames that are shown before the keyframe they follow belong to the one before, in an
        open group of pictures. Entered there, they cannot be decoded, which is no damage: such a
        group goes to a decoder that puts up with it.
        """
        entry = group.times[0]
        if entry <= self._origin or min(group.times) >= entry:
            return self._stream.codec_context
        if self._lenient is None:
            self._lenient = _open_container(self.path, {})
        return self._lenient.streams.video[0].codec_context

    def _seconds(self, pts: int | None) -> float:
        return ((pts or 0) - self._origin) * self._tick


def _open_container(path: Path, options: dict[str, str]) -> InputContainer:
    import av

    try:
        container = av.open(str(path), timeout=30.0)
    except (OSError, ValueError) as error:  # PyAV's errors are of these
        reason = getattr(error, "strerror", None) or str(error)
        raise ClipError(path, None, f"cannot be opened as a video ({reason})") from error
    if not container.streams.video:
        container.close()
        raise ClipError(path, None, "has no video stream")
    if container.format.name == "avi":
        container.close()
        raise ClipError(path, None, "AVI keeps no presentation times; put it into an .mp4 or .mkv")
    context = container.streams.video[0].codec_context
    context.thread_count, context.thread_type = 1, "NONE"
    context.options = options
    return container


def _pts(packet: Packet) -> int:
    """When a packet's frame is shown; `_timed` lets no packet through without."""
    assert packet.pts is not None
    return packet.pts


class _Group:
    """Packets in decoding order from a keyframe on, and what is wanted from them."""

    def __init__(self, packets: list[Packet]) -> None:
        self.packets = packets
        self.times = [_pts(packet) for packet in packets]  #: when each is shown, in ticks
        self.latest = max(self.times, default=-(1 << 62))
        self.wanted: list[tuple[int, float]] = []  #: (shown at, in ticks; asked time in seconds)
        self._keys = [i for i, packet in enumerate(packets) if packet.is_keyframe]

    def read_beyond(self, ticks: int, packets: Iterator[Packet]) -> bool:
        """Read on until no frame shown by `ticks` can be missing; true at the end of the file.

        A frame may come after frames that are shown later, but after 16 of them at the most
        (H.264 and HEVC, max_num_reorder). Decoding times would say it, were they reliable.
        """
        later = sum(time > ticks for time in self.times)
        while later <= _REORDERED:
            packet = next(packets, None)
            if packet is None:
                return True
            time = _pts(packet)
            if packet.is_keyframe:
                self._keys.append(len(self.packets))
            self.packets.append(packet)
            self.times.append(time)
            self.latest = max(self.latest, time)
            later += time > ticks
        return False

    def entry(self, ticks: int) -> int | None:
        """Index of the last keyframe shown by `ticks`; 0 where the first packet is it."""
        return max((index for index in self._keys if self.times[index] <= ticks), default=None)

    def last_shown(self, ticks: int) -> int | None:
        """When the last frame shown by `ticks` is shown."""
        last = max((time for time in self.times if time <= ticks), default=None)
        if last is not None and self.packets[self.times.index(last)].is_discard:
            return None
        return last

    def misses_frames(self, shown: int, ticks: int, loses_silently: bool) -> bool:
        """Whether frames seem to be lost between the one shown and the next.

        A gap is a loss where packets near it are marked as damaged, or where it is longer than
        ten frames in a video of constant rate; in a stream that `loses_silently` (.ts), any gap
        in such a video. Of videos with a variable rate nothing can be said.
        """
        following = min((time for time in self.times if time > ticks), default=shown)
        gap, usual = following - shown, self.packets[0].duration or 0
        if gap <= usual:
            return False
        steps = sorted(b - a for a, b in pairwise(sorted(self.times)))
        usual = steps[len(steps) // 2]
        if gap < 1.5 * usual:
            return False
        if any(packet.is_corrupt for packet in self.packets):
            return True
        regular = sum(abs(step - usual) <= max(1, usual // 20) for step in steps) / len(steps)
        return regular >= 0.5 if loses_silently else gap > 10 * usual and regular >= 0.9
