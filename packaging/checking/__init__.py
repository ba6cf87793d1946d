"""How what users download is checked: installed as they would, on this system or on one made for it."""
