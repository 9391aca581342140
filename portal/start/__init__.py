"""The first steps of a new member: its meter, its panels and battery, the one switch. To be left and gone on with."""
