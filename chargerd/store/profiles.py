"""A charging profile as it stands in the file: one text of JSON."""

import json

from chargerd.core.profiles import Profile, Purpose
from chargerd.core.schedules import Kind, Period, Recurrency, Schedule
from chargerd.store.times import maybe_moment, maybe_text


def written(profile: Profile) -> str:
    """Return the text for a profile that belongs to no transaction."""
    schedule = profile.schedule
    return json.dumps(
        {
            "purpose": profile.purpose,
            "stack_level": profile.stack_level,
            "kind": schedule.kind,
            "periods": [[p.start_s, p.limit_w] for p in schedule.periods],
            "start": maybe_text(schedule.start),
            "duration_s": schedule.duration_s,
            "recurrency": schedule.recurrency,
            "least_w": schedule.least_w,
            "valid_from": maybe_text(profile.valid_from),
            "valid_to": maybe_text(profile.valid_to),
        },
        separators=(",", ":"),
    )


def read(id_: int, connector: int, text: str) -> Profile:
    """Return the profile of a text."""
    kept = json.loads(text)
    schedule = Schedule(
        Kind(kept["kind"]),
        tuple(Period(start_s, limit_w) for start_s, limit_w in kept["periods"]),
        maybe_moment(kept["start"]),
        kept["duration_s"],
        Recurrency(kept["recurrency"]) if kept["recurrency"] else None,
        kept["least_w"],
    )
    return Profile(
        id_,
        connector,
        Purpose(kept["purpose"]),
        kept["stack_level"],
        schedule,
        maybe_moment(kept["valid_from"]),
        maybe_moment(kept["valid_to"]),
    )
