"""How the states of operators are marked wherever they are shown."""

# Marks of the states: a colour and a shape, see the styles of .cx-state.
MARKS = {
    "available": "av",
    "busy": "bz",
    "wrapup": "wr",
    "pause": "ps",
    "meeting": "mt",
    "training": "tr",
    "not_responding": "nr",
}
