//! Sentences about which a model is asked to find out what it can do: our own, so that nothing of a person's books is sent.

/// Terms, each with a sentence in which it stands.
pub(super) const TERMS: [(&str, &str); 20] = [
    ("lantern", "A lantern is a lamp that is carried by hand."),
    ("portcullis", "The portcullis fell behind the last rider, and its iron teeth bit into the ground."),
    ("initiative", "Initiative is rolled once, at the beginning of a fight, and decides who acts first."),
    ("hit points", "A creature whose hit points are used up falls down and cannot act."),
    ("ferryman", "The ferryman would take no coin, only the name of somebody whom one had loved."),
    ("tithe barn", "Behind the church stood the tithe barn, in which a tenth of each harvest was kept."),
    ("grappling hook", "She threw the grappling hook three times before it held on the sill."),
    ("night watch", "The night watch walks the walls in pairs and calls the hours."),
    ("healing draught", "A healing draught gives back half of what was lost, once a day."),
    ("salt road", "The salt road runs from the pans at the coast to the markets of the hills."),
    ("warden", "Each district has a warden, who keeps its keys and answers for its peace."),
    ("saving throw", "Whoever makes the saving throw takes half of the damage, rounded down."),
    ("bell tower", "From the bell tower one saw both rivers and the smoke of the camp."),
    ("moon moth", "The moon moth lives for one night and lays its eggs in candle wax."),
    ("short sword", "A short sword weighs two pounds and can be drawn in a crowd."),
    ("oathbreaker", "An oathbreaker may not speak in the hall until a year has gone by."),
    ("rope bridge", "The rope bridge carries one mule at a time, and complains of it."),
    ("fog bank", "By noon the fog bank had come in and the harbour was closed."),
    ("ledger", "In her ledger stood every barrel, with the day on which it came and whose it was."),
    ("hearth spirit", "A hearth spirit wants milk on the first day of the month, and to be left alone."),
];

/// A passage with a few explained terms.
pub(super) const PASSAGE: &str = "A lantern is a lamp that is carried by hand. A tithe barn is a barn in which a tenth of each harvest was kept. \
    Initiative decides who acts first in a fight: it is rolled once, when the fight begins. The warden of a district keeps its keys and answers for its peace.";
