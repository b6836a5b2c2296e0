"""The certification cases of charge points, and what became of each."""

from typing import Final

_CASES: Final = """
001 002 003 004_1 004_2 005_1 005_2 005_3 007_1 007_2 008_1 008_2 010 011_1 011_2 012
013 014 015 016 017_1 017_2 018_1 018_2 019 021 023 023_4 023_5 024 026 027 028 030 031
032_1 032_2 034 036 037_1 037_2 037_3 038 039 040_1 040_2 041 042_1 042_2 043 043_1
043_2 043_3 044_1 044_2 044_3 045_1 045_2 046_1 046_2 047 048_1 048_2 048_3 048_4 049
050_1 050_2 050_3 050_4 051 052 053_1 053_2 054 055 056 057 058_1 058_2 059 060 061_1
061_2 062 066 067 068 069 070 071 072 073 074 075_1 075_2 076 077 078 079 080 081 082
083 084 085 086 087
"""
CASES: Final = frozenset(_CASES.split())
"""The edition of 2024, with the splits of 2025 (007, 008, 023, 053, 061)."""

NOT_APPLICABLE: Final = {
    "005_1": "for a cable that can be detached",
    "017_1": "for a cable that can be detached",
    "018_1": "for a cable that can be detached",
    "024": "for a cable that can be detached: nothing locks a fixed one",
    "030": "for a lock that can fail: nothing locks a fixed cable",
    "032_1": "for a backup supply: there is a warning here, and no time after it",
    "043_1": "for a station without LocalAuthListManagement",
    "048_4": "for a station without Reservation",
    "050_4": "for a station without Reservation",
    "023_5": "for an order of card and plug that 023 and 023_4 have both of",
}
"""Why a case cannot be run against this station."""
