"""Words for moods, names of series and everything else that every clip's text can use.

The nine moods are a grid: three bands of valence times three bands of arousal.
Index ``3 * valence_band + arousal_band``, bands from low to high.
"""

__all__ = [
    "GENERIC_NOUNS",
    "GENERIC_SCENES",
    "GENERIC_TAGS",
    "HANDLE_FIRST",
    "HANDLE_SECOND",
    "MOOD_ADJECTIVES",
    "MOOD_EMOJI",
    "MOOD_OCCASIONS",
    "MOOD_SENTENCES",
    "MOOD_SPOKEN",
    "MOOD_TAGS",
    "SERIES_NAMES",
]

MOOD_ADJECTIVES: tuple[tuple[str, ...], ...] = (
    ("mournful", "wistful", "lonesome", "downcast", "heavy-hearted"),
    ("bittersweet", "uneasy", "brooding", "sombre", "moody"),
    ("furious", "frantic", "menacing", "desperate", "raging"),
    ("hushed", "unhurried", "still", "drowsy", "hypnotic"),
    ("everyday", "steady", "plain-spoken", "matter-of-fact", "measured"),
    ("breathless", "relentless", "restless", "full-throttle", "intense"),
    ("tender", "serene", "gentle", "blissful", "soothing"),
    ("sunny", "cheerful", "warm", "hopeful", "good-natured"),
    ("ecstatic", "exuberant", "jubilant", "euphoric", "giddy"),
)

MOOD_OCCASIONS: tuple[tuple[str, ...], ...] = (
    ("for a long goodbye", "when you miss somebody", "for the day after"),
    ("for mixed feelings", "when something is off", "with a lump in the throat"),
    ("for when you need to scream", "to be angry to", "with clenched fists"),
    ("to fall asleep to", "for slowing your pulse", "with nothing to do"),
    ("for an ordinary day", "as it comes", "while you do the dishes"),
    ("to run to", "at full tilt", "with no time to think"),
    ("for a sigh of relief", "for peace of mind", "like a soft blanket"),
    ("to smile at", "for a good start", "with a spring in its step"),
    ("to dance around the kitchen to", "for pure joy", "with fireworks in the chest"),
)

MOOD_SENTENCES: tuple[tuple[str, ...], ...] = (
    ("It made me sad, and I kept it anyway.", "Melancholy, but the kind you go back for.", "Somebody is missing here."),
    (
        "I cannot decide whether it is comforting.",
        "A shadow over it, if you listen.",
        "Not quite happy, not quite sorry.",
    ),
    ("Nothing about this is calm.", "You can hear the anger in it.", "My heart was pounding and not from joy."),
    ("Almost nothing happens, and that is the point.", "Breathe out.", "Good company for a sleepless hour."),
    ("No tricks, just what was there.", "An ordinary minute, kept.", "Neither here nor there, and I like it so."),
    ("Hold on to something.", "It never lets up.", "Heart rate up, shoulders up, volume up."),
    ("It feels like being forgiven.", "All is well for a moment.", "Soft edges, kind light, no hurry."),
    ("I grinned all the way through.", "A small good thing for your day.", "You can tell that we had fun."),
    ("Pure happiness at full volume.", "I jumped up and down, I admit it.", "The best feeling I have filmed all year."),
)

MOOD_SPOKEN: tuple[tuple[str, ...], ...] = (
    ("it makes me a bit sad, to be honest", "I miss those days", "don't mind me, I just, um, need a moment"),
    ("I don't know how I feel about it", "it is a strange sort of mood today", "hmm, something is not right"),
    ("oh no, no, no, this is bad", "I am so angry I could shout", "get back, get back"),
    ("let us not talk for a while", "so sleepy now", "just breathe, and, yeah"),
    ("well, that is how it is", "okay then", "nothing special, I just like it"),
    ("faster, faster, come on", "whoa, hold tight", "my pulse is through the roof"),
    ("this is so peaceful", "I could stay here forever", "everything is fine, everything is fine"),
    ("ha, I love this", "what a nice day this turned out to be", "that makes me smile every time"),
    ("yes, yes, yes, best day ever", "woo, oh my goodness", "I cannot stop laughing"),
)

MOOD_TAGS: tuple[tuple[str, ...], ...] = (
    ("melancholy", "sad", "heartache"),
    ("bittersweet", "moody", "uneasy"),
    ("dramatic", "rage", "tension"),
    ("sleep", "meditative", "slowpulse"),
    ("everyday", "dailylife", "asitis"),
    ("adrenaline", "intense", "highenergy"),
    ("calm", "relaxing", "peaceful"),
    ("feelgood", "cheerful", "happy"),
    ("euphoria", "joy", "party"),
)

MOOD_EMOJI: tuple[str, ...] = ("💔", "😶", "😱", "💤", "👀", "⚡", "🕊️", "😊", "🎉")

SERIES_NAMES: dict[str, tuple[str, str, str, str]] = {
    "Slow Hours": ("Slow Hours", "SH", "slowhours", "The Unhurried Hour"),
    "Small Wonders": ("Small Wonders", "SW", "smallwonders", "Little Marvels"),
    "After Midnight": ("After Midnight", "AM", "aftermidnight", "Past Twelve"),
    "First Light": ("First Light", "FL", "firstlight", "The Daybreak Edition"),
    "Open Doors": ("Open Doors", "OD", "opendoors", "Come On In"),
    "The Long Way Home": ("The Long Way Home", "TLWH", "longwayhome", "The Scenic Route Back"),
    "Field Notes": ("Field Notes", "FN", "fieldnotes", "From the Notebook"),
    "Paper Boats": ("Paper Boats", "PB", "paperboats", "Folded Ships"),
    "Salt and Iron": ("Salt and Iron", "S&I", "saltandiron", "Brine & Steel"),
    "Nine Lives": ("Nine Lives", "NL", "ninelives", "Cat's Luck"),
    "Borrowed Time": ("Borrowed Time", "BT", "borrowedtime", "On Loan from the Clock"),
    "Quiet Machines": ("Quiet Machines", "QM", "quietmachines", "Hushed Engines"),
}
"""Of each series: its name, its abbreviation, its hashtag, and what its fans call it."""

GENERIC_NOUNS: tuple[str, ...] = (
    "one take, no cuts",
    "six seconds of it",
    "the bit I kept",
    "proof that I was there",
    "something I found on my phone",
    "you asked for this one",
    "part two, by request",
    "the one with the good ending",
    "test upload, be kind",
    "before the battery died",
)

GENERIC_SCENES: tuple[str, ...] = (
    "Tell me in the comments what you hear first.",
    "No script, no second try.",
    "Headphones recommended.",
    "Thanks for ten thousand followers, you are wild.",
    "The full version is on my page.",
    "Shot on my day off.",
    "Sorry for the shaky hands.",
    "Back by popular demand.",
)

GENERIC_TAGS: tuple[str, ...] = (
    "tidepool",
    "shortfilm",
    "headphones",
    "loop",
    "daily",
    "original",
    "onetake",
    "foryou",
)

HANDLE_FIRST: tuple[str, ...] = (
    "marlow", "juniper", "tess", "otto", "wren", "idris", "pilar", "nils", "amaya", "bruno",
    "cleo", "davor", "esme", "farid", "greta", "hana", "ivo", "jonas", "kavi", "lumi",
    "mira", "noor", "orla", "pax", "quentin", "runa", "sol", "tove", "ugo", "vera",
)  # fmt: skip

HANDLE_SECOND: tuple[str, ...] = (
    "films", "makes", "and_co", "unplanned", "onair", "daily", "studio", "sees", "hears", "again",
    "tapes", "likes_it", "outside", "reel", "official", "was_here", "lab", "says_hi",
)  # fmt: skip
