"""First names that are common English words as well."""

from __future__ import annotations

from lightmem_integrations.text.calendar_names import MONTHS, WEEKDAYS
from lightmem_integrations.text.terms import STOP_WORDS

COMMON_NAMES: frozenset[str] = STOP_WORDS.union(
    MONTHS,
    WEEKDAYS,
    """
    do dong he hung it long min no not now ling sang see so song su you young
    ace alma amber angel apple april art ash aspen august autumn ava baker banks barb basil bay
    bea bear bee bell belle benny beth bill birdie bishop blaze blue bonnie brad brandy brook
    brooks buck bud buddy butch candy carol carpenter carter cash cat celeste chance chanel
    charity charm chase cherry chip chocolate christian chuck clay cliff cloud clover cody cole
    colt cookie cooper coral crystal daisy dale dash dawn dean destiny dick dixie dodge dot dove
    drake drew duke dusty earl east ebony ed eden eve faith fern finch fisher flint flora forest
    fox france frank gale gem gene genesis gin ginger glen glory gold grace grant gray green guy
    harmony harry haven hazel heath heather heaven henna hero holly honey hop hope hunter ice
    india iris ivory ivy jack jade jasmine jay jean jet jewel josh journey joy july june juniper
    justice kat kay king kit lacy lady lake lance lane lark laurel lee levy liberty lily lotus
    love luck lucky lyric mace major marina mark market marsh marshal mason maverick max may
    melody mercy merry mick mike mile miles mint misty monday moon moss nick night noble norm
    north oak ocean ode olive opal pace page paige parker pat patience paul peace peach pearl
    peg penny pepper perry phoenix piper pop poppy porter precious price prince princess
    prudence queen rain rainbow ralph raven ray red reed reef rex rich river rob robin rock
    rocky rod roman rose rosemary rowan royal ruby rue rusty sage sailor sandy saturday savanna
    scarlet scout september serene serenity shade shea shell shepherd sherry sierra silver skip
    sky sol sonny spencer spike spring star sterling stew stone storm stormy sue summer sunday
    sunny sunshine swan tab tad taylor teal temple thorn tiger timber tom topaz trace tracy
    trinity trip true turner unity vale van velvet vera victor violet virgin wade walker ward
    wave wednesday west wick will willow win winter wolf wood woody worth wren zen
    """.split(),  # noqa: SIM905 - a list of literals would be ten times as long
)
"""A guess at which ones: in lower case they name nobody, since mostly something else is meant."""
