"""The annotation files as EPIC-KITCHENS published them: names, commit, git blob ids."""

from __future__ import annotations

import hashlib

COMMIT = "ea8b40457a400c3fffa1c7f406ef3dc169cc2522"
URL = f"https://raw.githubusercontent.com/epic-kitchens/epic-kitchens-100-annotations/{COMMIT}"

TRAIN = "EPIC_100_train.csv"
VALIDATION = "EPIC_100_validation.csv"
VERB_CLASSES = "EPIC_100_verb_classes.csv"
NOUN_CLASSES = "EPIC_100_noun_classes.csv"
NOUN_CLASSES_V2 = "EPIC_100_noun_classes_v2.csv"
TAIL_VERBS = "EPIC_100_tail_verbs.csv"
TAIL_NOUNS = "EPIC_100_tail_nouns.csv"
UNSEEN_VALIDATION = "EPIC_100_unseen_participant_ids_validation.csv"
VIDEO_INFO = "EPIC_100_video_info.csv"

#: file name -> git blob id at `COMMIT`
BLOB_IDS = {
    VALIDATION: "5683790a9b2e22834e3932849f9a8e40b4d273a3",
    TRAIN: "a7c4d226126f60bf1a15a7524092f7c731beeea9",
    "EPIC_100_test_timestamps.csv": "2a0fc8cc3790bc38654d8a192fc58166a468a180",
    VERB_CLASSES: "c8c552153a773e9e37c37fa72ca4d1c4514f9361",
    NOUN_CLASSES: "68247bd38a418f60e8721f8ccf3117ff9fc99445",
    NOUN_CLASSES_V2: "c9a1925200bdea078913d1419d407ab097fbea8a",
    TAIL_VERBS: "feccedb689fa82f37688cc4e2629eb9160c725ca",
    TAIL_NOUNS: "617d371bcc9da0a33453788af90ad57eebd75187",
    UNSEEN_VALIDATION: "6ab94cedcd9ed37116256718b4f461dc7705bcb3",
    "EPIC_100_unseen_participant_ids_test.csv": "a2d994aca991e737d0141071195ff0f70712a9d9",
    VIDEO_INFO: "be226d778c0c80dd68cddc041fac9f6761949cd2",
}


def git_blob_id(content: bytes) -> str:
    """Git's name for a file's content: SHA-1 over `blob <size>\\0` and the content."""
    digest = hashlib.sha1(b"blob %d\0" % len(content), usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest()
